/* SPDX-License-Identifier: BSD-2-Clause */
/* tables.h - tables at run time: pfctl -T, -s Tables, -F Tables.
 *
 * A change of a table takes neither the rules nor the rest of the table through
 * the kernel: the few elements that differ go there in one transaction. Only
 * making and killing a table loads all again, since rules may mean another one
 * from then on. Nothing here prints: text for both outputs is gathered.
 * Source: pfctl(8).
 */
#ifndef PF_TABLES_H
#define PF_TABLES_H
#include "pf/counts.h"
#include "pf/store.h"

struct pf_table_job {
	const struct pf_world *world;
	const char *path, *name; /* the table; path is of its ruleset */
	const char *file;        /* -f: more addresses; NULL */
	char *const *word;
	size_t n_words;
	unsigned verbose;
	bool quiet, no_action, no_dns;
	bool reverse;           /* -r: names behind addresses */
	struct buf *out, *said; /* for stdout and for stderr */
};

/* The first command that begins with word, by its name; NULL: there is none.
 * "load" is not done here: it is -f for tables alone. */
const char *pf_table_command(const char *word);
/* Do it in the namespace we are in: pfctl's exit status. */
int pf_table_run(const char *command, const struct pf_table_job *job);

/* The tables of a ruleset, as -s Tables lists them. -ENOENT: no ruleset. */
int pf_tables_show(const struct pf_store *s, const char *path, unsigned verbose,
                   struct buf *out, struct error *err);
/* Kill those of a ruleset and, all of below, of those in it. */
int pf_tables_flush(struct pf_store *s, const char *path, bool below,
                    size_t *out_n, struct error *err);

/* --- tables_show.c --- */

/* A line as feedback has it, and as test -vv has it. */
void pf_put_request(const struct pf_request *r, bool reverse, struct buf *out);
void pf_put_test(const struct pf_request *r, bool reverse, struct buf *out);
/* All entries; counts may be NULL. */
void pf_put_entries(const struct pf_entries *t,
                    const struct pf_table_counts *counts, unsigned verbose,
                    bool reverse, struct buf *out);
#endif
