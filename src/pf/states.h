/* SPDX-License-Identifier: BSD-2-Clause */
/* states.h - pf's states, as the table of connections has them.
 *
 * A state of pf is one crossing of a connection: "in" when the mark of its
 * entry has K1, "out" when it has K2 (compile_internal.h), so an entry is up to
 * two states. Owns which states an entry is, which rule made them, and the
 * words that pfctl -ss has for them. Pure but for what struct pf_states_env
 * asks. Killing is kill.h's.
 */
#ifndef PF_STATES_H
#define PF_STATES_H
#include "base/buf.h"
#include "pf/conntrack.h"
#include "pf/number.h"
#include "pf/world.h"

/* What the words need besides the entry. */
struct pf_states_env {
	const struct pf_config *conf; /* whose rules made the states */
	const struct pf_world *world; /* names of protocols */
	uint64_t now_ns;              /* since the epoch */
	uint32_t hostid;
	unsigned verbose; /* how often -v */
	/* By which interface packets from an address come, and to it go; NULL,
	 * or false: not known. */
	bool (*ifname)(void *ctx, unsigned af, const struct pf_ip *ip,
	               char out[PF_IFNAME_SIZE]);
	void *ctx;
	/* The name of an address (-r); NULL, or false: its number. */
	bool (*host)(unsigned af, const struct pf_ip *ip,
	             char out[PF_HOST_SIZE]);
};

struct pf_end {
	struct pf_ip ip;
	uint16_t port; /* host order; 0: none */
};

/* One state. The wire is outside of the translation, the stack inside. */
struct pf_crossing {
	const struct ct_entry *e;
	uint8_t dir; /* PF_IN, PF_OUT */
	unsigned sid;
	struct pf_end wire_src, wire_dst, stack_src, stack_dst;
};

/* The states an entry is: how many of out, 0 to 2, "in" first. */
unsigned pf_crossings(const struct ct_entry *e, struct pf_crossing out[2]);
/* As 64 bits that pf's users see: no two states have the same. */
uint64_t pf_crossing_id(const struct pf_crossing *x);
/* The rule that made it, also one that is in no ruleset any more; NULL: none
 * did, or it is forgotten. */
const struct pf_rule *pf_crossing_rule(const struct pf_crossing *x,
                                       const struct pf_states_env *env);
/* The interface it was made on, where that can be known; else false and "". */
bool pf_crossing_ifname(const struct pf_crossing *x,
                        const struct pf_states_env *env,
                        char out[PF_IFNAME_SIZE]);

/* Was it made on an interface of this name, or of this group (-i)? */
bool pf_crossing_on(const struct pf_crossing *x,
                    const struct pf_states_env *env, const char *ifname);

/* What pfctl -ss prints of one, with -v and -vv after env->verbose. */
void pf_crossing_print(const struct pf_crossing *x,
                       const struct pf_states_env *env, struct buf *out);
/* Of all; ifname (-i): of those of an interface only, NULL of all. */
void pf_states_print(const struct ct_list *l, const struct pf_states_env *env,
                     const char *ifname, struct buf *out);

/* How many states there are. */
size_t pf_states_count(const struct ct_list *l);

/* How many states each number has: what pf_numbers_assign() asks as
 * pf_sid_used(), and what -v tells of a rule. */
struct pf_sid_counts {
	unsigned n[PF_MAX_IDS + 1];
};
void pf_sids_count(const struct ct_list *l, struct pf_sid_counts *out);
bool pf_sid_used(void *counts, unsigned sid);
#endif
