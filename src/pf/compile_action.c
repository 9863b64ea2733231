/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_action.c - what the rule that won does: block and answer, or pass and
 * keep state; and what a state's later packets get.
 */
#include <stdio.h>
#include <string.h>

#include "pf/compile_internal.h"
#include "pf/logline.h"
#include "pf/ruleset.h"

/* Block, and answer as the rule says. What goes out is answered by way of a
 * copy on the loopback interface (pf_compile_reject). */
static void
block(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	bool v6 = c->af == PF_AF_INET6;
	unsigned code = (v6 ? r->icmp6 : r->icmp4) & 0xff;
	const char *icmp = v6 ? "icmpv6" : "icmp";
	bool tcp = r->ret == PF_RETURN || r->ret == PF_RETURN_RST;

	pf_count_interface(c, chain, PF_TOTAL_IN_BLOCKED, PF_TOTAL_OUT_BLOCKED);
	if (r->ret == PF_DROP) {
		nf_say(c->t, chain, "drop");
		return;
	}
	if (c->dir == PF_OUT) {
		c->rejects_out = true;
		nf_say(c->t, chain, "meta l4proto { icmp, icmpv6 } drop");
		nf_say(c->t, chain,
		       "meta mark set meta mark & 0x%x | 0x%x accept",
		       ~(unsigned)PF_MARK_REJECT, PF_MARK_REJECT_1);
		return;
	}
	/* Stops here, and harmlessly, where there is no connection. */
	nf_say(c->t, chain, "ct mark set ct mark | 0x%x", PF_CT_ANSWER);
	if (tcp)
		nf_say(c->t, chain,
		       "meta l4proto tcp tcp flags & rst == 0 reject with tcp "
		       "reset");
	if (r->ret != PF_RETURN_RST)
		nf_say(c->t, chain,
		       "meta l4proto != { %s, %s } reject with %s type %u",
		       v6 ? "icmpv6" : "icmp", tcp ? "tcp" : "icmp", icmp,
		       code);
	nf_say(c->t, chain, "drop");
}

/* A state is one bit for each of its crossings, with the rule's number. */
static void
keep_state(struct compile *c, struct nf_chain *chain, unsigned sid)
{
	unsigned k1 = PF_CT_K1 | sid << PF_CT_SHIFT, k2 = PF_CT_K2 | sid;
	bool in = c->dir == PF_IN;

	/* An error of ICMP has its parent's connection: no new state. */
	nf_say(c->t, chain, "ct state related accept");
	nf_say(c->t, chain,
	       "ct direction original ct mark set ct mark & 0x%x | 0x%x "
	       "counter name n_inserts",
	       ~(in ? PF_CT_ID1 : PF_CT_ID2), in ? k1 : k2);
	nf_say(c->t, chain,
	       "ct direction reply ct mark set ct mark & 0x%x | 0x%x "
	       "counter name n_inserts",
	       ~(in ? PF_CT_ID2 : PF_CT_ID1), in ? k2 : k1);
}

static void
no_options(struct compile *c, struct nf_chain *chain)
{
	nf_say(c->t, chain,
	       c->af == PF_AF_INET6
	           ? "exthdr rt exists counter name n_options drop"
	           : "ip hdrlength > 5 counter name n_options drop");
}

const char *
pf_log_words(struct compile *c, const struct pf_rule *r)
{
	cleanup_buf struct buf prefix = BUF_INIT;
	struct pf_logline line;

	if (r->log == 0)
		return "";
	pf_logline_of(c->conf, r, &line);
	pf_logline_put(&line, &prefix);
	return arena_printf(c->t->arena,
	                    "log group %u snaplen %d prefix \"%s\" ",
	                    r->log_if + 1U, PF_LOG_SNAPLEN, buf_str(&prefix));
}

/* Is any of this not had yet? */
static bool
can_do(struct compile *c, const struct pf_rule *r)
{
	const struct {
		bool is;
		const char *what;
	} wants[] = {
		{ r->route == PF_FASTROUTE, "fastroute" },
		{ r->af_to != 0, "af-to" },
		{ r->action == PF_MATCH && (r->nat.is_set || r->rdr.is_set),
		  "translation by match rules" },
		{ r->divert_port != 0 || r->divert_reply, "divert" },
		{ r->dn[0] != 0 || r->dn[1] != 0, "dnpipe and dnqueue" },
		{ r->queue != NULL, "queue" },
		{ r->state == PF_STATE_SYNPROXY, "synproxy state" },
	};

	for (size_t i = 0; i < ARRAY_LEN(wants); i++)
		if (wants[i].is)
			return pf_refuse(c, r, wants[i].what);
	return true;
}

/* A connection that was translated keeps state, whatever its rule says. */
static void
keep_translated(struct compile *c, struct nf_chain *chain)
{
	bool in = c->dir == PF_IN;

	nf_say(c->t, chain,
	       "ct status %s ct direction original ct mark set ct mark | 0x%x "
	       "counter name n_inserts",
	       in ? "dnat" : "snat", in ? PF_CT_K1 : PF_CT_K2);
}

static void
pass(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	if (!r->allow_opts)
		no_options(c, chain);
	nf_say(c->t, chain, "accept");
}

/* Keep state, with the number that goes with the tag. */
static void
pass_with_state(struct compile *c, struct nf_chain *chain,
                const struct pf_rule *r)
{
	cleanup_buf struct buf map = BUF_INIT;
	unsigned n = r->n_sids;

	for (unsigned i = 0; n > 1 && i < n; i++) {
		struct nf_chain *one =
		    nf_chain_new(c->t, NULL, "%s_%u", chain->name, i);

		if (one == NULL)
			return;
		keep_state(c, one, r->sid[i]);
		pass(c, one, r);
		nf_map_add(&map, pf_tag_number(c->n, c->n->sid[r->sid[i]].tag),
		           one->name);
	}
	nf_dispatch(c->t, chain, "meta mark & 0x3ff", &map);
	if (n == 1) {
		keep_state(c, chain, r->sid[0]);
		pass(c, chain, r);
	}
}

/* What a rule says of its states, but for keeping them. */
static void
limit(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	const struct pf_state_opts *so = &r->so;
	struct nf_chain *fail;

	if (so->timeout_set == 0 && so->max == 0 &&
	    so->track == PF_TRACK_NONE && so->max_src_states == 0)
		return;
	/* An error of ICMP has its parent's connection: no new state. */
	nf_say(c->t, chain, "ct state related accept");
	pf_say_timeouts(c, chain, r);
	if (so->max == 0 && so->track == PF_TRACK_NONE &&
	    so->max_src_states == 0)
		return;
	fail = nf_chain_new(c->t, NULL, "f%u%c", r->id, pf_letter(c));
	if (fail == NULL)
		return;
	/* A pass rule has the policy for this in place of block's. */
	block(c, fail, r);
	pf_say_limits(c, chain, r, fail->name);
}

static bool
action(struct compile *c, const struct pf_rule *r, struct buf *wins)
{
	struct nf_chain *chain =
	    nf_chain_new(c->t, NULL, "r%u%c", r->id, pf_letter(c));

	if (chain == NULL || !can_do(c, r))
		return false;
	nf_say(c->t, chain, "counter name c%u %s", r->id, pf_log_words(c, r));
	pf_say_once(c, chain, r);
	if (r->action == PF_PASS &&
	    (!pf_say_route(c, chain, r) || !pf_say_copy(c, chain, r)))
		return false;
	if (r->action == PF_BLOCK) {
		block(c, chain, r);
	} else if (r->state != PF_STATE_NONE) {
		limit(c, chain, r);
		pf_say_changes(c, chain, r);
		pass_with_state(c, chain, r);
	} else {
		if (!pf_label_changes(c, chain, r,
		                      c->dir == PF_IN ? "ct status dnat "
		                                      : "ct status snat "))
			return false;
		keep_translated(c, chain);
		pass(c, chain, r);
	}
	nf_map_add(wins, r->id << PF_MARK_RULE_SHIFT, chain->name);
	return true;
}

const char *
pf_match_chain(struct compile *c, const struct pf_rule *r)
{
	struct nf_chain *chain =
	    nf_chain_new(c->t, NULL, "m%u%c", r->id, pf_letter(c));

	if (chain == NULL || !can_do(c, r))
		return NULL;
	nf_say(c->t, chain, "counter name c%u %s", r->id, pf_log_words(c, r));
	if (!pf_label_changes(c, chain, r, "") || !pf_say_route(c, chain, r))
		return NULL;
	if (r->quick)
		nf_say(c->t, chain, "meta mark set meta mark | 0x%x",
		       PF_MARK_DONE);
	return chain->name;
}

static bool
is_winner(const struct compile *c, const struct pf_rule *r)
{
	return !r->is_anchor && r->action != PF_MATCH &&
	       (r->dir == PF_INOUT || r->dir == c->dir) &&
	       (r->af == PF_AF_NONE || r->af == c->af);
}

bool
pf_compile_actions(struct compile *c, struct buf *wins)
{
	const struct pf_ruleset *top = c->conf->main;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
		     r != NULL; r = r->next)
			if (is_winner(c, r) && !action(c, r, wins))
				return false;
	return true;
}

/* --- states --- */

/* What passes by a state is counted at its rule, and tagged as it was. */
static bool
state_action(struct compile *c, unsigned sid, struct buf maps[2])
{
	const struct pf_sid *s = &c->n->sid[sid];
	struct nf_chain *chain = nf_chain_new(c->t, NULL, "s%u", sid);
	unsigned tag = pf_tag_number(c->n, s->tag);

	if (chain == NULL)
		return false;
	if (!s->gone)
		nf_say(c->t, chain, "counter name c%u %s", s->rule->id,
		       (s->rule->log & PF_LOG_ALL) != 0
		           ? pf_log_words(c, s->rule)
		           : "");
	if (tag != 0)
		nf_say(c->t, chain, "meta mark set meta mark & 0x%x | 0x%x",
		       ~(unsigned)PF_MARK_TAG, tag);
	if (!s->gone)
		pf_say_state_limits(c, chain, s->rule);
	pf_say_changes(c, chain, s->rule);
	if (!pf_say_copy(c, chain, s->rule))
		return false;
	pass(c, chain, s->rule);
	nf_map_add(&maps[0], sid << PF_CT_SHIFT, chain->name);
	nf_map_add(&maps[1], sid, chain->name);
	return true;
}

static bool
state_actions(struct compile *c, struct buf maps[2])
{
	for (unsigned sid = 1; sid <= PF_MAX_IDS; sid++)
		if (c->n->sid[sid].rule != NULL && !state_action(c, sid, maps))
			return false;
	return true;
}

/* Each rule's limits of connections. */
static bool
connections(struct compile *c)
{
	const struct pf_ruleset *top = c->conf->main;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
		     r != NULL; r = r->next)
			if (!pf_compile_connections(c, rs, r))
				return false;
	return true;
}

bool
pf_compile_states(struct compile *c)
{
	static const char *const keys[] = { "ct mark & 0xfffc000",
		                            "ct mark & 0x3fff" };
	struct buf maps[2] = { BUF_INIT, BUF_INIT };
	bool ok;

	c->dir = PF_IN; /* of what log (all) says */
	ok = connections(c) && state_actions(c, maps);
	for (unsigned k = 0; k < 2; k++) {
		struct nf_chain *chain = nf_chain_new(c->t, NULL, "k%u", k + 1);

		pf_say_labels(c, chain, k == 0 ? '1' : '2');
		nf_dispatch(c->t, chain, keys[k], &maps[k]);
		nf_say(c->t, chain, "accept");
		buf_fini(&maps[k]);
	}
	return ok;
}

/* No rule matched: pass. */
void
pf_by_default(struct compile *c, struct nf_chain *chain)
{
	keep_translated(c, chain);
	no_options(c, chain);
	nf_say(c->t, chain, "accept");
}
