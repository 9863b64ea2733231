/* SPDX-License-Identifier: BSD-2-Clause */
/* parser.h - private to the pf.conf language: one reading of a configuration.
 *
 * What the grammar (parse.y) calls, and what the builders (build_*.c) share:
 * where messages go, the options said so far, the anchor at hand.
 */
#ifndef PF_PARSER_H
#define PF_PARSER_H
#include "base/base.h"
#include "base/error.h"
#include "pf/lex.h"
#include "pf/pf.h"
#include "pf/tree.h"
#include "pf/world.h"

/* Where in a file we are: going back is refused. */
enum pf_phase {
	PF_PHASE_NONE,
	PF_PHASE_OPTION,
	PF_PHASE_ETHER,
	PF_PHASE_SCRUB,
	PF_PHASE_QUEUE,
	PF_PHASE_NAT,
	PF_PHASE_FILTER,
};

/* A file that load anchor wants read after the main one. */
struct pf_later {
	struct pf_later *next;
	const char *anchor, *file;
	int line;
	const char *from;
};

struct pf_parser {
	struct pf_lex lex;
	struct arena *arena; /* the configuration's */
	struct pf_config *conf;
	const struct pf_world *world;
	const struct pf_parse_env *env;
	struct pf_stmt *stmt;       /* being read */
	struct pf_pool_stmt *pool;  /* of it, being read */
	struct pf_ruleset *ruleset; /* rules go there */
	unsigned depth;             /* of anchors open */
	unsigned n_unnamed;
	enum pf_phase phase;
	bool require_order;
	bool in_table_file; /* whose errors are told once, for the file */
	unsigned n_errors;
	struct pf_items state_defaults;
	bool has_state_defaults;
	struct pf_later *later, *last_later;
	unsigned n_later;           /* read */
	struct pf_found_list found; /* all addresses, read once */
	bool found_read;
};

/* Say "FILE:LINE: text" and count an error. */
void pf_complain(struct pf_parser *p, const char *fmt, ...) PRINTF(2, 3);
/* Say a line without file and line: the reason of a complaint to come. */
void pf_note(struct pf_parser *p, const char *fmt, ...) PRINTF(2, 3);

/* --- for the grammar; false: a complaint was made --- */
void pf_stmt_end(struct pf_parser *p);
void pf_stmt_drop(struct pf_parser *p);
void pf_stmt_drop_all(struct pf_parser *p);
void pf_include(struct pf_parser *p, const char *file);
bool pf_macro(struct pf_parser *p, const char *name, const char *value);
const char *pf_join(struct pf_parser *p, const char *a, const char *sep,
                    const char *b);
const char *pf_decimal(struct pf_parser *p, long long n);
bool pf_number(struct pf_parser *p, const char *word, long long *out);
bool pf_yes(struct pf_parser *p, const char *word, long long *out);
bool pf_table_word(struct pf_parser *p, const char *word);
void pf_table_part(struct pf_parser *p, const char *file,
                   const struct pf_items *hosts);
struct pf_item *pf_host(struct pf_parser *p, enum pf_host_kind kind,
                        const char *word, long long mask);
struct pf_item *pf_route_host(struct pf_parser *p, const char *ifname,
                              struct pf_item *host);
bool pf_icmp(struct pf_parser *p, unsigned af, const struct pf_items *l);
bool pf_label(struct pf_parser *p, const char *label);
bool pf_state(struct pf_parser *p, enum pf_state state,
              const struct pf_items *opts);
bool pf_reassemble_tcp(struct pf_parser *p, const char *word);
bool pf_fragment(struct pf_parser *p, int reassemble);
bool pf_pool_type(struct pf_parser *p, enum pf_pool_type type);
bool pf_mape(struct pf_parser *p, long long offset, long long len,
             long long id);
bool pf_anchor_open(struct pf_parser *p);
void pf_anchor_close(struct pf_parser *p);

/* --- set (build_option.c) --- */
void pf_set_timeouts(struct pf_parser *p, const struct pf_items *l);
void pf_set_limits(struct pf_parser *p, const struct pf_items *l);
void pf_set_optimization(struct pf_parser *p, const char *word);
void pf_set_ruleset_optimization(struct pf_parser *p, const char *word);
void pf_set_loginterface(struct pf_parser *p, const char *ifname);
void pf_set_block_policy(struct pf_parser *p, enum pf_return how);
void pf_set_fail_policy(struct pf_parser *p, enum pf_return how);
void pf_set_state_policy(struct pf_parser *p, long long if_bound);
void pf_set_state_defaults(struct pf_parser *p, const struct pf_items *l);
void pf_set_require_order(struct pf_parser *p, long long yes);
void pf_set_fingerprints(struct pf_parser *p, const char *file);
void pf_set_skip(struct pf_parser *p, const struct pf_items *ifs);
void pf_set_debug(struct pf_parser *p, const char *word);
void pf_set_hostid(struct pf_parser *p, long long id);
void pf_set_keepcounters(struct pf_parser *p);
void pf_set_reassemble(struct pf_parser *p, long long yes, bool no_df);
void pf_set_syncookies(struct pf_parser *p, const char *mode, const char *a,
                       const char *a_value, const char *b, const char *b_value);

/* --- builders: a statement becomes rules --- */
bool pf_in_phase(struct pf_parser *p, enum pf_phase phase);
void pf_build(struct pf_parser *p, struct pf_stmt *s);
void pf_build_filter(struct pf_parser *p, struct pf_stmt *s);
void pf_build_anchor(struct pf_parser *p, struct pf_stmt *s);
void pf_build_trans_anchor(struct pf_parser *p, struct pf_stmt *s);
void pf_build_load_anchor(struct pf_parser *p, struct pf_stmt *s);
void pf_build_antispoof(struct pf_parser *p, struct pf_stmt *s);
void pf_build_scrub(struct pf_parser *p, struct pf_stmt *s);
void pf_build_nat(struct pf_parser *p, struct pf_stmt *s);
void pf_build_binat(struct pf_parser *p, struct pf_stmt *s);
void pf_build_table(struct pf_parser *p, struct pf_stmt *s);
void pf_build_ether(struct pf_parser *p, struct pf_stmt *s);
void pf_build_ether_anchor(struct pf_parser *p, struct pf_stmt *s);
void pf_build_altq(struct pf_parser *p, struct pf_stmt *s);
void pf_build_queue(struct pf_parser *p, struct pf_stmt *s);
/* After the last file: what only whole rulesets can tell. */
void pf_finish(struct pf_parser *p);

/* --- shared by builders --- */

/* An address a host word stands for. */
struct pf_hostaddr {
	struct pf_hostaddr *next;
	struct pf_addr addr;
	bool not ;
	const char *ifname; /* it is of this interface's scope; or NULL */
};

struct pf_hosts {
	struct pf_hostaddr *first, *last;
};

/* What hosts stand for, in order; false: a complaint was made, or no memory. */
bool pf_hosts_of(struct pf_parser *p, const struct pf_items *l,
                 struct pf_hosts *out);
/* The same for one word. */
bool pf_host_of(struct pf_parser *p, const struct pf_item *i,
                struct pf_hosts *out);

/* Put what an address word, or a table's file, stands for into a table; false:
 * it stands for none, or no memory. */
bool pf_table_add_word(struct pf_parser *p, struct pf_table *t,
                       const char *word, size_t len, bool not );
bool pf_table_add_text(struct pf_parser *p, struct pf_table *t,
                       const char *text, size_t len);
#endif
