/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_internal.h - private to the compiler: the marks, and one run of it.
 */
#ifndef PF_COMPILE_INTERNAL_H
#define PF_COMPILE_INTERNAL_H
#include "pf/compile.h"
#include "pf/nf.h"
#include "pf/number.h"
#include "pf/totals.h"

/* The packet's mark while rules are gone through. */
enum pf_mark {
	PF_MARK_TAG = 0x000003ff,
	PF_MARK_RULE = 0x00fffc00, /* who wins so far */
	PF_MARK_RULE_SHIFT = 10,
	PF_MARK_DONE = 0x01000000, /* quick */
	PF_MARK_REJECT = 0x06000000,
	PF_MARK_REJECT_1 = 0x02000000, /* to be answered */
	PF_MARK_REJECT_2 = 0x04000000, /* a copy on its way to be */
	PF_MARK_SENT = 0x08000000,     /* by rules, to the loopback interface */
	PF_MARK_ASKED = 0x10000000,    /* who wins is known already */
};

/* The connection's mark. K1 passes what goes the first packet's way inbound,
 * and its answers outbound; K2 the other two crossings. */
#define PF_CT_K1     0x80000000U
#define PF_CT_K2     0x40000000U
#define PF_CT_ANSWER 0x20000000U /* of a reject */
#define PF_CT_ID1    0x0fffc000U /* the rule of K1's state */
#define PF_CT_ID2    0x00003fffU
#define PF_CT_SHIFT  14

/* Labels of connections: bits, the first of them for changes by match rules. */
enum {
	PF_LABELS = 104,
	/* And one for each way, from 1: */
	PF_LABEL_ROUTE_TO = PF_LABELS - 1,
	PF_LABEL_REPLY_TO = PF_LABEL_ROUTE_TO + PF_WAYS_MAX,
	PF_LABEL_WAYS_END = PF_LABEL_REPLY_TO + PF_WAYS_MAX,
	PF_LABEL_COUNTED, /* its handshake was, at its rule's limits */
	PF_LABEL_OVER,    /* it is over its source's number */
	PF_LABEL_NEWER,   /* than the flush of its source */
};

struct compile {
	struct pf_config *conf;
	const struct pf_compile_env *env;
	const struct pf_world *world;
	struct error *err;
	struct nf_table *t;
	uint8_t af;
	uint8_t dir; /* PF_IN, PF_OUT: the pass at hand */
	unsigned depth;
	const struct pf_numbers *n;
	bool answers;       /* some rule answers what it blocks, */
	bool rejects_out;   /* and some what goes out */
	bool translates[3]; /* [dir]: a filter rule does (nat-to ...) */
	/* Of connections: the changes match rules left; NULL: free. */
	const char *label[PF_LABELS];
	uint8_t label_order[PF_LABELS];
	unsigned n_labels;
	unsigned n_sticky; /* maps of pools with sticky-address */
	bool failed;
};

/* Say that a rule cannot be had. Always false. */
bool pf_refuse(struct compile *c, const struct pf_rule *r, const char *what);
/* FreeBSD's name of an interface as Linux has it. */
const char *pf_linux_ifname(const char *ifname);

/* The pattern of an interface's name: without a number at its end it is a
 * group, all of that kind. */
const char *pf_if_pattern(struct compile *c, const char *ifname);

/* A table's sets: of ranges; of single addresses, a hash that packets may add
 * to ("add @..."), NULL where the ranges are all. An address is in the table
 * when it is in either. */
struct pf_table_sets {
	const char *range, *single;
};
/* Which tables have the second: large ones, and those overload names. */
void pf_hash_tables(struct pf_config *conf);
bool pf_compile_tables(struct compile *c);
/* Those of the table that rules of rs mean; false: no memory. */
bool pf_table_sets(struct compile *c, const struct pf_ruleset *rs,
                   const char *table, struct pf_table_sets *out);
/* Is an interface the one named, or of the group? name: of pf.conf. */
bool pf_is_interface_of(struct compile *c, const char *ifname,
                        const char *name);
/* A set of what an interface has now. */
const char *pf_dyn_set(struct compile *c, const struct pf_addr *a);

/* The rule's conditions as terms, added to each of the rules in alt (several
 * when one condition is an or). false: it can never match in this family, or
 * was refused. */
struct pf_alternatives {
	struct nf_rule rule[8];
	unsigned n;
};
bool pf_compile_terms(struct compile *c, const struct pf_ruleset *rs,
                      const struct pf_rule *r, struct pf_alternatives *alt);

/* The alternatives at the end of a chain, each followed by the words. */
bool pf_emit(struct compile *c, struct nf_chain *chain,
             const struct pf_alternatives *alt, const char *then);

/* 'i' or 'o', of the pass at hand. */
char pf_letter(const struct compile *c);
unsigned pf_ruleset_number(const struct compile *c,
                           const struct pf_ruleset *want);
/* The statement that gives a packet the rule's tag; "" for none. */
const char *pf_tag_words(struct compile *c, const struct pf_rule *r);
/* What the rules never see: skipped interfaces, answers under way. */
void pf_skip_packets(struct compile *c, struct nf_chain *chain);
/* Go through the rules; the mark then has who won. */
void pf_ask_rules(struct compile *c, struct nf_chain *chain);

/* The statement that logs; "" for rules that do not. */
const char *pf_log_words(struct compile *c, const struct pf_rule *r);
/* What match rules do when they match: log, count, change. */
const char *pf_match_chain(struct compile *c, const struct pf_rule *r);

/* What a rule changes in packets: at once; for the state that the packet may
 * make without being the state's rule as well, if when; and of the states that
 * labels tell ('1', '2': K1's, K2's). */
bool pf_changes_packets(const struct pf_rule *r);
void pf_say_changes(struct compile *c, struct nf_chain *chain,
                    const struct pf_rule *r);
bool pf_label_changes(struct compile *c, struct nf_chain *chain,
                      const struct pf_rule *r, const char *when);
void pf_say_labels(struct compile *c, struct nf_chain *chain, char state);
bool pf_compile_scrub(struct compile *c);

/* Limits (compile_limit.c): when a state is made, going to the chain fail where
 * there may be none; of a state's packets; the chains for these; and those of
 * sources whose states were all flushed, which lose them. */
void pf_say_limits(struct compile *c, struct nf_chain *chain,
                   const struct pf_rule *r, const char *fail);
void pf_say_state_limits(struct compile *c, struct nf_chain *chain,
                         const struct pf_rule *r);
bool pf_compile_connections(struct compile *c, const struct pf_ruleset *rs,
                            const struct pf_rule *r);
void pf_say_flushed(struct compile *c, struct nf_chain *base);
/* States that are bound to their interface are none elsewhere: the rules are
 * asked then (chain q). */
bool pf_say_bound(struct compile *c, struct nf_chain *base);
/* The set that ends a rule, and the statement that puts it there. */
const char *pf_once_set(struct compile *c, const struct pf_rule *r);
void pf_say_once(struct compile *c, struct nf_chain *chain,
                 const struct pf_rule *r);
/* The rule's own time-outs, for the connection at hand. */
void pf_say_timeouts(struct compile *c, struct nf_chain *chain,
                     const struct pf_rule *r);

/* Routing (compile_route.c): by rules, and of packets of states; copies. */
bool pf_routes_packets(const struct pf_rule *r);
bool pf_say_route(struct compile *c, struct nf_chain *chain,
                  const struct pf_rule *r);
bool pf_say_copy(struct compile *c, struct nf_chain *chain,
                 const struct pf_rule *r);
void pf_compile_ways(struct compile *c);

/* A chain for each rule that can win, in the map by its number; the chains of
 * states; and what happens when no rule matches. */
bool pf_compile_actions(struct compile *c, struct buf *wins);
bool pf_compile_states(struct compile *c);
void pf_by_default(struct compile *c, struct nf_chain *chain);

/* Translation: the old rules, and those of filter rules. */
bool pf_compile_nat(struct compile *c);
/* The rules that translate, for each of alt; first goes before. The pool is the
 * rule's of that kind (PF_NAT, PF_RDR). */
bool pf_compile_pool(struct compile *c, struct nf_chain *chain,
                     const struct pf_ruleset *rs, const struct pf_rule *r,
                     enum pf_kind kind, const struct pf_alternatives *alt,
                     const char *first);

/* Count what passes here on the interface that statistics are kept of. */
void pf_count_interface(struct compile *c, struct nf_chain *chain,
                        enum pf_total in, enum pf_total out);
#endif
