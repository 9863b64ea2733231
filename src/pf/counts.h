/* SPDX-License-Identifier: BSD-2-Clause */
/* counts.h - packets that entries of tables have matched.
 *
 * The kernel counts for each of its elements; an entry's number is the sum of
 * those that are pieces of it.
 */
#ifndef PF_COUNTS_H
#define PF_COUNTS_H
#include "pf/entries.h"

struct pf_entry_count {
	uint64_t packets, bytes;
};

struct pf_table_counts {
	struct pf_entry_count *v[PF_NFAMILIES]; /* by entry; NULL: none */
};

/* What the kernel has counted for a table of a ruleset's path, by the entries
 * it has. hashed: it has two sets. */
int pf_table_counts(const char *path, const char *name,
                    const struct pf_entries *t, bool hashed,
                    struct pf_table_counts *out, struct error *err);
void pf_table_counts_fini(struct pf_table_counts *c);
#endif
