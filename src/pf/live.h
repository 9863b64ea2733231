/* SPDX-License-Identifier: BSD-2-Clause */
/* live.h - the states a network namespace has at this moment, with what their
 * words need: read once, shown, counted or ended.
 */
#ifndef PF_LIVE_H
#define PF_LIVE_H
#include "pf/kill.h"
#include "pf/states.h"
#include "pf/store.h"
#include "pf/toward.h"

struct pf_live {
	struct nl_sock nl;
	struct pf_toward toward;
	struct ct_list list;
	struct pf_states_env env; /* env.ctx is toward */
};

/* Read them, in the namespace we are in. l must stay where it is; store, too.
 * -EPERM; pf_live_close() is the caller's only after 0. */
int pf_live_open(struct pf_live *l, const struct pf_store *store,
                 unsigned verbose, struct error *err);
void pf_live_close(struct pf_live *l);

/* How many of them a rule made: counts is a struct pf_sid_counts. */
unsigned pf_rule_states(void *counts, const struct pf_rule *r);

/* Which numbers of rules that are gone still have states, for
 * pf_numbers_assign(): read when it is first asked. old's rules that are not
 * gone may make more until they are, so theirs are always in use. */
struct pf_live_sids {
	const struct pf_numbers *old; /* may be NULL */
	struct pf_sid_counts *counts; /* NULL: not read yet, or unreadable */
	bool tried;
};
bool pf_live_sid_used(void *sids, unsigned sid);
void pf_live_sids_fini(struct pf_live_sids *s);

/* The namespace's, as set or its own. */
uint32_t pf_hostid(const struct pf_store *store);
#endif
