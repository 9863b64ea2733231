/* SPDX-License-Identifier: BSD-2-Clause */
/* kill.h - ending states: pfctl -k, -F states.
 *
 * Owns which states are meant, and how a state ends: an entry whose other state
 * lives loses this one's bit and number in its mark; the last one ends with the
 * entry itself. Choosing is pure.
 */
#ifndef PF_KILL_H
#define PF_KILL_H
#include "pf/states.h"

enum { PF_KILL_MAX_HOSTS = 64 }; /* addresses of one name */

enum pf_kill_by {
	PF_KILL_ALL,
	PF_KILL_HOSTS,   /* from, to */
	PF_KILL_NAT,     /* the same, before translation */
	PF_KILL_LABEL,   /* of the rule */
	PF_KILL_ID,      /* and creator */
	PF_KILL_KEY,     /* proto, dir, from, to with ports */
	PF_KILL_GATEWAY, /* from: that of the rule's route-to */
};

struct pf_kill {
	enum pf_kill_by by;
	struct pf_addr from, to; /* PF_ADDR_ANY or PF_ADDR_NET */
	uint16_t sport, dport;
	uint8_t proto, dir;
	const char *label;
	uint64_t id;
	uint32_t creator;
	const char *ifname; /* -i; NULL: any */
	bool both;          /* -M: the other crossing's state too */
};

/* Is this a state that is meant? */
bool pf_kill_match(const struct pf_kill *k, const struct pf_crossing *x,
                   const struct pf_states_env *env);

/* End what is meant among the entries of l; *out_n: how many states. A failure
 * leaves the rest as it is. */
int pf_kill(struct nl_sock *s, const struct ct_list *l, const struct pf_kill *k,
            const struct pf_states_env *env, size_t *out_n, struct error *err);

/* What came of the words of -k: what to kill, and how to tell of it. */
struct pf_kill_plan {
	struct pf_kill *kill; /* malloc'ed */
	size_t n, cap;
	unsigned sources, dests;
	bool tell_hosts; /* "from S sources and D destinations" */
};

void pf_kill_plan_fini(struct pf_kill_plan *p);

/*
 * The words of all -k in order, n of them (1 or 2). -EINVAL: told in words that
 * pfctl prints; *usage is set where its usage follows. Names are looked up by
 * the world. hostid: the creator of an id that names none.
 */
int pf_kill_words(const char *const *words, unsigned n,
                  const struct pf_world *world, uint32_t hostid,
                  struct pf_kill_plan *out, bool *usage, struct error *err);

/* A host, or a network with /bits, as one address or those of its name. 0 or
 * -EINVAL. *n: how many of out, which has room for PF_KILL_MAX_HOSTS. */
int pf_kill_hosts(const char *word, const struct pf_world *world,
                  struct pf_addr *out, unsigned *n, struct error *err);
#endif
