/* SPDX-License-Identifier: BSD-2-Clause */
/* eval.h - what pf decides about a packet: the reference.
 *
 * Written from the manual to be obviously right, not fast: it says why a rule
 * decides (pfctl --explain), and what the compiled ruleset must do (tests). It
 * keeps states as pf does, one for each crossing of an interface, and changes
 * nothing else.
 * Source: pf.conf(5), pf(4).
 */
#ifndef PF_EVAL_H
#define PF_EVAL_H
#include "pf/rule.h"
#include "pf/world.h"

/* One crossing of an interface by a packet. */
struct pf_packet {
	uint8_t dir; /* PF_IN or PF_OUT */
	const char *ifname;
	const char *rcv_if; /* where it came in, when it goes out; or NULL */
	uint8_t af, proto;
	struct pf_ip src, dst;
	uint16_t sport, dport; /* of ICMP queries: both the id */
	uint8_t icmp_type, icmp_code;
	uint8_t tcp_flags;
	uint8_t tos, ttl; /* ttl: or hop limit; 0: not said */
	bool df;          /* do not fragment, of IPv4 */
	int prio;         /* of 802.1Q; 0 without */
	bool fragment;    /* a part that was not put together */
	bool options;     /* has IP options, or a routing header */
	bool has_owner;   /* of the socket it goes to or comes from */
	uint32_t uid, gid;
	/* Of a connection that Linux knows. Rules of translation are asked
	 * once for each: where pf has no state and asks again, Linux goes by
	 * what the first packet was told. */
	bool known;
	const char *os; /* as fingerprinted, of a SYN; or NULL */
	const char *tag;
};

/* What else a decision depends on. */
struct pf_eval_env {
	const struct pf_world *world;
	void *ctx;
	/* Addresses of a table, where -T changed it; NULL: as configured.
	 * 1 in it, 0 not, -1 as configured. */
	int (*in_table)(void *ctx, const struct pf_ruleset *rs,
	                const char *table, unsigned af, const struct pf_ip *ip);
	/* Is there a route to ip? Would it leave by ifname (NULL: any)?
	 * NULL: there is. */
	bool (*has_route)(void *ctx, unsigned af, const struct pf_ip *ip,
	                  const char *ifname);
	/* A number of 32 bits, for probability. NULL: 0, which matches. */
	uint32_t (*random)(void *ctx);
	/* Each rule that is looked at, in order. differs names what kept it
	 * from matching; NULL: it matched. Optional. */
	void (*visit)(void *ctx, const struct pf_ruleset *rs,
	              const struct pf_rule *r, const char *differs);
};

struct pf_flow; /* a state: eval.c's */

struct pf_verdict {
	bool pass;
	enum {
		PF_BY_DEFAULT, /* no rule matched */
		PF_BY_RULE,
		PF_BY_STATE,    /* rule is the state's */
		PF_BY_SKIP,     /* set skip */
		PF_BY_OPTIONS,  /* passed, but for its IP options */
		PF_BY_NAT_PASS, /* nat pass, rdr pass: rule is that */
	} by;
	const struct pf_rule *rule;       /* NULL: none */
	const struct pf_ruleset *ruleset; /* it is in */
	bool makes_state;
	/* The address and port put in place of the packet's: dst of rdr, src
	 * of nat. rule NULL: none. With several in the pool, the first. */
	const struct pf_rule *translation;
	const struct pf_pool *pool;
	struct pf_ip new_ip;
	uint16_t new_port; /* 0: free to choose, or unchanged */
	const char *tag;
	struct pf_packet after; /* as it goes on, if it does */
};

/* The states of one machine. */
struct pf_flows {
	struct pf_flow *first;
};

void pf_flows_fini(struct pf_flows *flows);
/* Drop the state that was made last. */
void pf_flows_forget_newest(struct pf_flows *flows);

/*
 * Decide about a packet, and remember the state if it makes one. flows may be
 * NULL: no state is known, none is kept. 0 or -ENOMEM.
 */
int pf_eval(const struct pf_config *conf, const struct pf_eval_env *env,
            struct pf_flows *flows, const struct pf_packet *pkt,
            struct pf_verdict *out);

/* Does the condition hold for n? Always without one. */
bool pf_cmp_holds(const struct pf_cmp *c, uint32_t n);
#endif
