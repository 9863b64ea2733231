/* SPDX-License-Identifier: BSD-2-Clause */
/* pfctl.h - private to pfctl(8): what its command line asked for, and parts of
 * it that have a file of their own.
 */
#ifndef CMD_PFCTL_H
#define CMD_PFCTL_H
#include "net/jailns.h"
#include "pf/kernel.h"
#include "pf/live.h"

struct modifier;

struct pfctl {
	struct pf_world world;
	struct pf_parse_env env;
	struct strv macros;
	struct strv kill, kill_sources; /* the words of -k, of -K */
	const char *file, *anchor, *explain, *ifname, *jail;
	const char *table, *command; /* -t, -T */
	char **word;                 /* and its addresses */
	size_t n_words;
	const struct modifier *show, *flush;
	const char *title; /* of what -s all shows; NULL: without */
	bool has_titled;   /* an earlier part */
	unsigned verbose;
	bool below; /* the anchor ended in a star */
	bool both;  /* -M */
	bool no_action, numeric_ports, quiet, keep, enable, disable, zero;
	bool debug;             /* -g */
	bool reverse;           /* -r */
	bool refused;           /* why was told: no usage */
	struct pf_config *came; /* the file of -f, when it was read ahead */
	struct net_jail target; /* of -j, until it is entered */
	struct pf_store store;
	bool is_open;
	int status;
};

/* The usage; returns 1, too. */
int pfctl_usage(void);
/* Can the word of an option, of less than size bytes, be one of pf.conf's? Says
 * so when not. */
bool pfctl_name(struct pfctl *c, int opt, const char *word, size_t size);
/* A line for stderr, whatever -q says. */
void pfctl_tell(void *ctx, const char *line);
/* What -s shows: to stdout, below its title. */
void pfctl_put(struct pfctl *c, const struct buf *out);
/* Say what went wrong; returns 1, the exit status of that. */
int pfctl_fail(const struct error *err);
/* Enter the jail of -j, once. All return 0, or 1 when why was told. */
int pfctl_join_jail(struct pfctl *c);
/* Open what is loaded; to change it, too. */
int pfctl_open(struct pfctl *c, bool write);

/* --- pfctl_states.c --- */
int pfctl_show_states(struct pfctl *c);
int pfctl_show_sources(struct pfctl *c);
int pfctl_show_info(struct pfctl *c);
int pfctl_show_timeouts(struct pfctl *c);
int pfctl_show_memory(struct pfctl *c);
int pfctl_show_interfaces(struct pfctl *c);
int pfctl_flush_states(struct pfctl *c);
int pfctl_flush_sources(struct pfctl *c);
int pfctl_flush_info(struct pfctl *c);
/* -k and -K. */
int pfctl_kill_states(struct pfctl *c);
int pfctl_kill_sources(struct pfctl *c);
/* What rules have counted; with -z they begin anew, but not what pf as a whole
 * has. 0 or a negative errno. */
int pfctl_read_counters(struct pfctl *c, struct pf_counter *v, size_t n,
                        struct error *err);
/* How many states each rule has. */
int pfctl_count_states(struct pfctl *c, struct pf_sid_counts *out);
/* What options come to outside of the rules. */
void pfctl_write_options(struct pfctl *c);

/* --- pfctl_tables.c --- */
int pfctl_show_tables(struct pfctl *c);
int pfctl_flush_tables(struct pfctl *c);
/* -T, with an exit status of its own. */
int pfctl_table(struct pfctl *c);
/* The word behind -T; and, after all options, is it all there? */
bool pfctl_table_word(struct pfctl *c, const char *word);
bool pfctl_table_check(struct pfctl *c);
#endif
