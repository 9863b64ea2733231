/* SPDX-License-Identifier: BSD-2-Clause */
/* tablefile.h - the file that says what a table holds.
 *
 * In the directory of a network namespace (store.h) each table has a file for
 * each load that has it, named by the load's generation: a load that leaves a
 * table as it is links the file, a change of a table replaces it. A change of
 * kernel and file is three steps, so that one cut short is seen and mended: the
 * old file is marked as unsettled, the kernel's sets are changed, the new file
 * takes the old one's place.
 *
 * A file is a head and records, sorted, in this machine's byte order.
 */
#ifndef PF_TABLEFILE_H
#define PF_TABLEFILE_H
#include "pf/counts.h"
#include "pf/entries.h"

struct pf_content {
	struct pf_entries entries;
	int64_t since;  /* counted since: seconds since 1970 */
	bool constant;  /* only pf.conf may change it */
	bool unsettled; /* the kernel may have something else */
	bool hashed;    /* compile_tables.c: single addresses are elsewhere */
	bool dynamic;   /* and packets add to them */
	bool counters;
	struct pf_table_counts counts; /* to begin with; no part of the file */
};

enum { PF_TABLEFILE_MAX = 256 << 20 /* bytes */ };

void pf_content_fini(struct pf_content *c);

/* Read bytes[0..len) into the empty c. Pure. -EINVAL, -ENOMEM; c is then
 * empty. */
int pf_tablefile_parse(const void *bytes, size_t len, struct pf_content *c,
                       struct error *err);
/* Write to fd what parses as c. 0 or a negative errno. */
int pf_tablefile_put(int fd, const struct pf_content *c);

/* Which file: a table of the ruleset of a path, in a load. */
struct pf_tableplace {
	int dir;
	uint64_t generation;
	const char *path, *name;
};

/* -ENOENT: there is no such table. */
int pf_tablefile_read(const struct pf_tableplace *p, struct pf_content *c,
                      struct error *err);
int pf_tablefile_write(const struct pf_tableplace *p,
                       const struct pf_content *c, struct error *err);
/* Say whether the kernel has what the file says. */
int pf_tablefile_settle(const struct pf_tableplace *p, bool settled,
                        struct error *err);
/* The same content in a new load, too. -ENOENT. */
int pf_tablefile_carry(const struct pf_tableplace *p, uint64_t to,
                       struct error *err);
/* Remove all files but those of one load. */
void pf_tablefile_sweep(int dir, uint64_t keep);
#endif
