/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_change.c - what rules change in packets: scrub, set tos, set prio.
 *
 * A rule that wins changes its packet behind the decision, and its state's
 * packets from the state's chain. A match rule changes it at once; for the
 * state that the packet may make it leaves a label on the connection, one for
 * each set of changes and state, which the chains of states look for.
 * A label's number comes from the words of its changes, so that it means the
 * same for a connection that outlives a load.
 */
#include <stdio.h>
#include <string.h>

#include "pf/compile_internal.h"
#include "pf/ruleset.h"

bool
pf_changes_packets(const struct pf_rule *r)
{
	const struct pf_scrub *s = &r->scrub;

	return s->no_df || s->random_id || s->min_ttl != 0 || s->max_mss != 0 ||
	       s->set_tos >= 0 || r->set_tos >= 0 || r->set_prio[0] >= 0;
}

/* The second priority is for what must not wait: low delay, and TCP's bare
 * acknowledgements, which have no more than their headers. */
static void
priority(const struct compile *c, const struct pf_rule *r, struct buf *out)
{
	bool v6 = c->af == PF_AF_INET6;

	if (r->set_prio[0] < 0)
		return;
	buf_printf(out, "meta priority set 0:%x\n", (unsigned)r->set_prio[0]);
	if (r->set_prio[1] < 0 || r->set_prio[1] == r->set_prio[0])
		return;
	buf_printf(out, "%s & 0x10 != 0 meta priority set 0:%x\n",
	           v6 ? "@nh,4,8" : "@nh,8,8", (unsigned)r->set_prio[1]);
	buf_printf(out,
	           "meta l4proto tcp tcp flags & (syn|fin|rst|ack) == ack "
	           "meta length <= %u meta priority set 0:%x\n",
	           v6 ? 72U : 52U, (unsigned)r->set_prio[1]);
}

/* The changes, a line for each rule of nft. */
static void
changes(const struct compile *c, const struct pf_rule *r, struct buf *out)
{
	const struct pf_scrub *s = &r->scrub;
	bool v6 = c->af == PF_AF_INET6;
	int tos = r->set_tos >= 0 ? r->set_tos : s->set_tos;

	if (s->no_df && !v6)
		buf_printf(out, "ip frag-off set ip frag-off & 0xbfff\n");
	if (s->random_id && !v6)
		buf_printf(out, "ip id set numgen random mod 4294967295\n");
	if (s->min_ttl != 0)
		buf_printf(out,
		           v6 ? "ip6 hoplimit < %u ip6 hoplimit set %u\n"
		              : "ip ttl < %u ip ttl set %u\n",
		           s->min_ttl, s->min_ttl);
	if (s->max_mss != 0)
		buf_printf(
		    out,
		    "meta l4proto tcp tcp flags & (syn|rst) == syn tcp option "
		    "maxseg size set %u\n",
		    s->max_mss);
	/* The bits of congestion stay, as pf leaves them. */
	if (tos >= 0)
		buf_printf(out, "%s dscp set %u\n", v6 ? "ip6" : "ip",
		           (unsigned)tos >> 2);
	priority(c, r, out);
}

static void
say_lines(struct compile *c, struct nf_chain *chain, const struct buf *lines)
{
	const char *at = lines->len > 0 ? buf_str(lines) : "";

	while (*at != '\0') {
		size_t len = strcspn(at, "\n");

		nf_say(c->t, chain, "%.*s", (int)len, at);
		at += len + 1;
	}
}

void
pf_say_changes(struct compile *c, struct nf_chain *chain,
               const struct pf_rule *r)
{
	cleanup_buf struct buf lines = BUF_INIT;

	changes(c, r, &lines);
	say_lines(c, chain, &lines);
}

/* --- labels --- */

static unsigned
hash(const char *s)
{
	unsigned h = 2166136261U;

	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 16777619U;
	return h;
}

/* The label of these changes for the state that is K1 or K2 ('1', '2') of its
 * connection; -1: there are too many. */
static int
label_of(struct compile *c, char state, const struct buf *lines)
{
	const char *key =
	    arena_printf(c->t->arena, "%c%s", state, buf_str(lines));
	unsigned at;

	if (key == NULL)
		return -1;
	at = hash(key) % PF_LABELS;
	for (unsigned i = 0; i < PF_LABELS; i++, at = (at + 1) % PF_LABELS) {
		struct nf_chain *chain;

		if (c->label[at] != NULL && strcmp(c->label[at], key) != 0)
			continue;
		if (c->label[at] == NULL) {
			c->label[at] = key;
			c->label_order[c->n_labels++] = (uint8_t)at;
			chain = nf_chain_new(c->t, NULL, "l%u", at);
			say_lines(c, chain, lines);
		}
		return (int)at;
	}
	return -1;
}

bool
pf_label_changes(struct compile *c, struct nf_chain *chain,
                 const struct pf_rule *r, const char *when)
{
	cleanup_buf struct buf lines = BUF_INIT;
	/* The state that a packet makes here, the first packet's way or the
	 * other. */
	bool in = c->dir == PF_IN;
	int label[2];

	changes(c, r, &lines);
	if (lines.len == 0)
		return true;
	label[0] = label_of(c, in ? '1' : '2', &lines);
	label[1] = label_of(c, in ? '2' : '1', &lines);
	if (label[0] < 0 || label[1] < 0)
		return pf_refuse(c, r, "so many kinds of changes");
	nf_say(c->t, chain, "%sct direction original ct label set %d", when,
	       label[0]);
	nf_say(c->t, chain, "%sct direction reply ct label set %d", when,
	       label[1]);
	nf_say(c->t, chain, "jump l%d", label[0]);
	return true;
}

void
pf_say_labels(struct compile *c, struct nf_chain *chain, char state)
{
	/* In the order of the rules: a later one's value is the last. */
	for (unsigned i = 0; i < c->n_labels; i++) {
		unsigned at = c->label_order[i];

		if (c->label[at][0] == state)
			nf_say(c->t, chain, "ct label %u jump l%u", at, at);
	}
}

/* --- old rules of scrub --- */

/* Before translation of what comes in and of what goes out; the first that
 * matches, for packets of states too. */
static bool
direction(struct compile *c, unsigned dir)
{
	const struct pf_ruleset *rs = c->conf->main;
	struct nf_chain *base;

	c->dir = (uint8_t)dir;
	base = nf_chain_new(c->t,
	                    dir == PF_IN ? "type filter hook prerouting "
	                                   "priority -110; policy accept;"
	                                 : "type filter hook postrouting "
	                                   "priority 90; policy accept;",
	                    "scrub_%s", dir == PF_IN ? "in" : "out");
	pf_skip_packets(c, base);
	for (const struct pf_rule *r = rs->rules[PF_SCRUB].first; r != NULL;
	     r = r->next) {
		struct pf_alternatives alt;
		struct nf_chain *chain;

		if (!pf_compile_terms(c, rs, r, &alt)) {
			if (c->failed)
				return false;
			continue;
		}
		if (r->no || !pf_changes_packets(r)) {
			if (!pf_emit(c, base, &alt, "accept"))
				return false;
			continue;
		}
		chain = nf_chain_new(c->t, NULL, "z%u%c", r->nr, pf_letter(c));
		if (chain == NULL ||
		    !pf_emit(c, base, &alt,
		             arena_printf(c->t->arena, "goto %s", chain->name)))
			return false;
		pf_say_changes(c, chain, r);
	}
	return true;
}

bool
pf_compile_scrub(struct compile *c)
{
	if (c->conf->main->rules[PF_SCRUB].first == NULL)
		return true;
	return direction(c, PF_IN) && direction(c, PF_OUT);
}
