/* SPDX-License-Identifier: BSD-2-Clause */
/* build.h - private to the pf.conf language: from a statement's words to a
 * rule's numbers, and from its lists to single rules.
 */
#ifndef PF_BUILD_H
#define PF_BUILD_H
#include "pf/parser.h"

/* One value of a list, looked up. */
struct pf_one {
	struct pf_one *next;
	struct pf_cmp cmp; /* ports, ids */
	const char *name;  /* interfaces, systems */
	bool not ;
	uint8_t proto;       /* protocols; of an icmp type, its protocol */
	uint16_t type, code; /* icmp, plus one */
};

struct pf_ones {
	struct pf_one *first, *last;
};

/* All that a rule is expanded over; an empty list is "any". */
struct pf_lists {
	struct pf_ones ifs, protos, icmp, src_ports, dst_ports, os, uids, gids;
	struct pf_hosts src, dst;
	/* Not expanded: each rule gets what is of its family. */
	struct pf_hosts route, nat, rdr;
};

/* Look words up. false: a complaint was made. */
bool pf_ones_ifs(struct pf_parser *p, const struct pf_items *l,
                 struct pf_ones *out);
bool pf_ones_protos(struct pf_parser *p, const struct pf_items *l,
                    struct pf_ones *out);
bool pf_ones_ports(struct pf_parser *p, const struct pf_items *l,
                   struct pf_ones *out);
bool pf_ones_ids(struct pf_parser *p, const struct pf_items *l, bool groups,
                 struct pf_ones *out);
bool pf_ones_icmp(struct pf_parser *p, const struct pf_items *l, unsigned af,
                  struct pf_ones *out);
bool pf_ones_os(struct pf_parser *p, const struct pf_items *l,
                struct pf_ones *out);
/* A port or a:b or, when star, a:*; *out_star: which it was. */
bool pf_port_range(struct pf_parser *p, const struct pf_val *v, bool star,
                   struct pf_cmp *out, bool *out_star);
bool pf_tos_value(struct pf_parser *p, const struct pf_val *v, int *out);

/* What every kind of rule takes from a statement: direction, family, log,
 * interfaces, protocols, hosts, ports, tags. */
void pf_rule_init(struct pf_parser *p, const struct pf_stmt *s,
                  enum pf_kind kind, struct pf_rule *r);
bool pf_rule_common(struct pf_parser *p, const struct pf_stmt *s,
                    struct pf_rule *r, struct pf_lists *l);
/* State options into the rule; defaulted: they come from state-defaults. */
bool pf_rule_state(struct pf_parser *p, const struct pf_stmt *s,
                   struct pf_rule *r);

/* nat-to, rdr-to, binat-to and af-to of a filter rule. */
bool pf_rule_translate(struct pf_parser *p, const struct pf_stmt *s,
                       struct pf_rule *r, struct pf_lists *l);

/* A pool as written into a rule's; hosts is what it names. */
bool pf_pool_build(struct pf_parser *p, const struct pf_pool_stmt *ps,
                   struct pf_pool *pool, struct pf_hosts *hosts);
/* Put those of hosts that are of af, or of none, into the pool. */
bool pf_pool_fill(struct pf_parser *p, const struct pf_hosts *hosts,
                  unsigned af, struct pf_pool *pool);
/* The family that all of hosts have, unless af is given already. */
void pf_decide_af(const struct pf_hosts *hosts, uint8_t *af);
/* Drop hosts of another family than af. */
void pf_keep_af(struct pf_hosts *hosts, unsigned af);
/* Does a (name) stand for several addresses? */
bool pf_addr_is_many(const struct pf_addr *a);

/* Every combination of the lists becomes a rule. */
void pf_expand(struct pf_parser *p, const struct pf_rule *tmpl,
               const struct pf_lists *l);
/* Can this rule ever be right? Tells why not. */
bool pf_rule_check(struct pf_parser *p, const struct pf_rule *r);

/* Addresses of interface name, see host.c. */
bool pf_interface_addrs(struct pf_parser *p, const char *name, unsigned mods,
                        int mask, struct pf_hosts *out);
/* Strip ":network" and the like from name; false: a complaint was made.
 * *out_known false: there is a modifier that is none. */
bool pf_dyn_modifiers(struct pf_parser *p, char *name, unsigned *out_mods,
                      bool *out_known);
#endif
