/* SPDX-License-Identifier: BSD-2-Clause */
/* nf.h - the intermediate form: what nftables is told, before it is text.
 *
 * A program is two tables, one for each address family: rules of a family's
 * own table need no test of the family. A chain is a list of rules, a rule a
 * list of terms that must all hold and then words: statements and a verdict.
 * Terms are kept apart so that neighbours of the same shape can be merged.
 * Everything lives in one arena.
 * Source: nft(8).
 */
#ifndef PF_NF_H
#define PF_NF_H
#include "pf/rule.h"

enum nf_field {
	NF_IIF, /* name; "em*": all that begin so */
	NF_OIF,
	NF_PROTO,
	NF_SADDR,
	NF_DADDR,
	NF_SPORT,
	NF_DPORT,
	NF_TCP_FLAGS, /* value lo under mask hi */
	NF_ICMP_TYPE,
	NF_ICMP_CODE,
	NF_TOS,
	NF_MARK,    /* of the packet: value lo under mask hi */
	NF_CT_MARK, /* of its connection, likewise */
	NF_UID,
	NF_GID,
	NF_PROBABILITY, /* lo of 2^32 - 1 */
	NF_TEXT,        /* name is nft's own words */
	NF_NFIELDS
};

enum nf_form { NF_VALUE, NF_RANGE, NF_SET };

struct nf_term {
	uint8_t field, form;
	bool not ;
	uint8_t bits;    /* of an address that is a network */
	uint32_t lo, hi; /* numbers; a range has both ends */
	struct pf_ip ip, last;
	const char *name; /* of an interface, of a set, or words */
};

enum { NF_MAX_TERMS = 24 };

struct nf_rule {
	struct nf_rule *next;
	struct nf_term term[NF_MAX_TERMS];
	unsigned n;
	const char *then;    /* statements and verdict */
	const char *verdict; /* the chain it all comes to in the end; or NULL */
};

struct nf_chain {
	struct nf_chain *next;
	const char *name;
	const char *hook; /* "type filter hook ...;" of a base chain; NULL */
	struct nf_rule *first, *last;
};

/* A set of addresses, or of names of interfaces. */
struct nf_set {
	struct nf_set *next;
	const char *name;
	const char *type; /* "ipv4_addr; flags interval", ... */
	bool is_map;
	struct buf *elements; /* comma between; NULL: none yet */
};

/* Anything else that has a name, in nft's words. */
struct nf_object {
	struct nf_object *next;
	const char *words;
};

struct nf_table {
	struct arena *arena;
	uint8_t af;
	bool dormant; /* its hooks see nothing */
	struct nf_set *set, *last_set;
	struct nf_object *object, *last_object;
	struct nf_chain *chain, *last_chain;
	unsigned n_written;  /* chains of merged rules: w0, w1, ... */
	unsigned n_counters; /* c0, c1, ... one for each rule */
};

struct nf_chain *nf_chain_new(struct nf_table *t, const char *hook,
                              const char *fmt, ...) PRINTF(3, 4);
/* An empty rule at the end of a chain. */
struct nf_rule *nf_rule_new(struct nf_table *t, struct nf_chain *c);
/* A copy of a rule's terms at the end of a chain. */
struct nf_rule *nf_rule_copy(struct nf_table *t, struct nf_chain *c,
                             const struct nf_rule *r);
/* Another term; NULL when there are too many. */
struct nf_term *nf_term_new(struct nf_rule *r, enum nf_field field);
struct nf_set *nf_set_new(struct nf_table *t, const char *type, const char *fmt,
                          ...) PRINTF(3, 4);
void nf_object_new(struct nf_table *t, const char *fmt, ...) PRINTF(2, 3);
/* A set by its name, or NULL. */
struct nf_set *nf_set_find(const struct nf_table *t, const char *name);
/* A rule without terms. */
void nf_say(struct nf_table *t, struct nf_chain *c, const char *fmt, ...)
    PRINTF(3, 4);

/* The same, of words of any length. */
void nf_then(struct nf_table *t, struct nf_chain *c, const char *words);
/* A verdict by what a key holds: an element of such a map, and the rule of it;
 * none for an empty map. */
void nf_map_add(struct buf *map, unsigned key, const char *chain);
void nf_dispatch(struct nf_table *t, struct nf_chain *c, const char *key,
                 const struct buf *map);

/* Runs of rules of one shape as verdict maps; false: no memory. For chains that
 * are jumped to. */
bool nf_merge(struct nf_table *t, struct nf_chain *c);
void nf_put_value(const struct nf_table *t, const struct nf_term *m,
                  struct buf *out);
const char *nf_field_name(const struct nf_table *t, enum nf_field field);

/* The table as nft reads it, in place of one that is there. */
void nf_print(const struct nf_table *t, struct buf *out);
#endif
