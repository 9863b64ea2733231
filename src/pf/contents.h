/* SPDX-License-Identifier: BSD-2-Clause */
/* contents.h - what tables hold, from one load to the next.
 *
 * A configuration says which tables there are; what they hold is in files of
 * their own (tablefile.h), since it changes without a load and may be much.
 */
#ifndef PF_CONTENTS_H
#define PF_CONTENTS_H
#include "pf/tablefile.h"

/* What a load brings to tables. */
struct pf_contents_new {
	const struct pf_config *came; /* its definitions, where loaded; NULL */
	/* And one table's new content; path NULL: none. */
	const char *path, *name;
	const struct pf_entries *entries;
	int64_t since;
};

/*
 * Give all tables of conf their content: what is new or else what they held in
 * a load, with what packets have added since. now: seconds since 1970.
 */
int pf_contents_fill(struct pf_config *conf, const struct pf_contents_new *from,
                     int dir, uint64_t generation, int64_t now,
                     struct error *err);
void pf_contents_release(struct pf_config *conf);

/* Write the files of load now; those of tables without content, and those that
 * are what they were, are taken over from load was. */
int pf_contents_save(const struct pf_config *conf, int dir, uint64_t was,
                     uint64_t now, struct error *err);

/* Take out of conf tables that are not persistent and no rule names. */
void pf_contents_prune(struct pf_config *conf);
/* How many rules of conf mean this table, rs being its ruleset. */
size_t pf_table_references(const struct pf_config *conf,
                           const struct pf_ruleset *rs,
                           const struct pf_table *t);

/* Add to a content what packets have added to the kernel's set. change is empty
 * before and the caller's after: what that is to the kernel, which has the
 * addresses already. */
int pf_contents_absorb(const struct pf_tableplace *p, struct pf_content *c,
                       int64_t now, struct pf_change *change,
                       struct error *err);
#endif
