/* SPDX-License-Identifier: BSD-2-Clause */
/* pfctl.h - private to pfctl(8): what its command line asked for, and parts of
 * it that have a file of their own.
 */
#ifndef CMD_PFCTL_H
#define CMD_PFCTL_H
#include "net/jailns.h"
#include "pf/store.h"

struct modifier;

struct pfctl {
	struct pf_world world;
	struct pf_parse_env env;
	struct strv macros;
	struct strv kill; /* the words of -k */
	const char *file, *anchor, *explain, *ifname, *jail;
	const char *table, *command; /* -t, -T */
	char **word;                 /* and its addresses */
	size_t n_words;
	const struct modifier *show, *flush;
	unsigned verbose;
	bool below; /* the anchor ended in a star */
	bool both;  /* -M */
	bool no_action, numeric_ports, quiet, keep, enable, disable, zero;
	bool reverse;           /* -r */
	struct net_jail target; /* of -j, until it is entered */
	struct pf_store store;
	bool is_open;
	int status;
};

/* Say what went wrong; returns 1, the exit status of that. */
int pfctl_fail(const struct error *err);
/* Enter the jail of -j, once. All return 0, or 1 when why was told. */
int pfctl_join_jail(struct pfctl *c);
/* Open what is loaded; to change it, too. */
int pfctl_open(struct pfctl *c, bool write);

/* --- pfctl_tables.c --- */
int pfctl_show_tables(struct pfctl *c);
int pfctl_flush_tables(struct pfctl *c);
/* -T, with an exit status of its own. */
int pfctl_table(struct pfctl *c);
/* The word behind -T; and, after all options, is it all there? */
bool pfctl_table_word(struct pfctl *c, const char *word);
bool pfctl_table_check(struct pfctl *c);
#endif
