/* SPDX-License-Identifier: BSD-2-Clause */
/* number.h - what rules, tags and states are called in marks and counters.
 *
 * Rules have an id, good for one load: its counter is named by it, and it
 * stands in a packet's mark while the rule wins. States outlive loads: the
 * number in their connection's mark stays with the words of the rule that made
 * them, and with that rule when no ruleset has it any more, for as long as a
 * connection carries it.
 */
#ifndef PF_NUMBER_H
#define PF_NUMBER_H
#include "base/error.h"
#include "pf/rule.h"
#include "pf/world.h"

enum {
	PF_MAX_IDS = 0x3fff, /* 14 bits of a mark */
	PF_MAX_TAGS = 0x3ff,
};

/* What a state's number stands for. */
struct pf_sid {
	uint64_t key; /* of anchor, words and tag; 0: the number is free */
	const struct pf_rule *rule; /* NULL: known by its key only */
	const char *anchor;         /* the path the rule is in */
	const char *tag;            /* its packets have; NULL: none */
	bool gone;                  /* the rule is in no ruleset any more */
};

struct pf_numbers {
	struct pf_sid *sid; /* PF_MAX_IDS + 1 of them; [0] is never used */
	unsigned next;      /* where a free number is looked for */
	const char *tag[PF_MAX_TAGS]; /* tag[n] has number n + 1 */
	unsigned n_tags;
};

/* Is a number still in the mark of some connection? */
struct pf_sids_in_use {
	bool (*used)(void *ctx, unsigned sid);
	void *ctx;
};

/* Without any number, in conf's arena; NULL: no memory. */
struct pf_numbers *pf_numbers_new(struct pf_config *conf);

/*
 * Number all of conf (conf->numbers, and id and sid of its rules). Rules that
 * old knows keep the numbers of their states; what old has and conf has not
 * stays as gone while in_use (NULL: all are) says so. old may be NULL; its
 * rules must live as long as conf does.
 * -E2BIG: more rules, or rules times tags, or tags, than there are numbers.
 */
int pf_numbers_assign(struct pf_config *conf, const struct pf_world *world,
                      const struct pf_numbers *old,
                      const struct pf_sids_in_use *in_use, struct error *err);

/* The number of a tag, from 1; 0: it has none. */
unsigned pf_tag_number(const struct pf_numbers *n, const char *tag);

/* Is this a rule whose passing makes states? */
bool pf_keeps_state(const struct pf_rule *r);
#endif
