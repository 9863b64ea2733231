/* SPDX-License-Identifier: BSD-2-Clause */
/* eval_internal.h - private to the reference: one decision under way. */
#ifndef PF_EVAL_INTERNAL_H
#define PF_EVAL_INTERNAL_H
#include "pf/eval.h"

/* What rules change in packets; those of a state in each of its own. */
struct changes {
	int tos; /* -1: none */
	uint8_t min_ttl;
	bool no_df;
};

struct eval {
	const struct pf_config *conf;
	const struct pf_eval_env *env;
	const struct pf_packet *in; /* as it came */
	struct pf_packet pkt;       /* as rules see it: translated, tagged */
	struct pf_verdict *v;
	struct changes changes; /* by the rules so far */
	unsigned depth;
};

bool pf_eval_matches(const struct eval *e, const struct pf_ruleset *rs,
                     const struct pf_rule *r);
/* A binat rule seen from outside. */
bool pf_eval_matches_turned(const struct eval *e, const struct pf_ruleset *rs,
                            const struct pf_rule *r);
/* An interface, or a group that it is in. */
bool pf_eval_is_if(const struct eval *e, const char *ifname, const char *want);
#endif
