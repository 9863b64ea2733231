/* SPDX-License-Identifier: BSD-2-Clause */
/* compile.c - rulesets as chains: who wins, and what the winner does.
 *
 * Each ruleset is a chain for each direction, gone through in order. A rule
 * that matches writes its number into the packet's mark, over that of an
 * earlier one; quick sets a bit as well, at which all callers return. What
 * stands in the mark at the end decides.
 */
#include "pf/compile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pf/compile_internal.h"
#include "pf/ruleset.h"

/* nft follows 16 chains deep; states, actions and their parts take the rest. */
enum { MAX_NESTED = 10 };

bool
pf_refuse(struct compile *c, const struct pf_rule *r, const char *what)
{
	if (!c->failed)
		error_set(c->err, -ENOTSUP, "%s:%d: %s: not on Linux", r->file,
		          r->line, what);
	c->failed = true;
	return false;
}

char
pf_letter(const struct compile *c)
{
	return c->dir == PF_IN ? 'i' : 'o';
}

/* --- who wins --- */

unsigned
pf_ruleset_number(const struct compile *c, const struct pf_ruleset *want)
{
	unsigned n = 0;

	for (const struct pf_ruleset *rs = c->conf->main; rs != want;
	     rs = pf_ruleset_next(c->conf->main, rs))
		n++;
	return n;
}

static const char *
ruleset_chain(struct compile *c, const struct pf_ruleset *rs)
{
	return arena_printf(c->t->arena, "a%u%c", pf_ruleset_number(c, rs),
	                    pf_letter(c));
}

const char *
pf_tag_words(struct compile *c, const struct pf_rule *r)
{
	if (r->tag == NULL)
		return "";
	return arena_printf(
	    c->t->arena, "meta mark set meta mark & 0x%x | 0x%x ",
	    ~(unsigned)PF_MARK_TAG, pf_tag_number(c->n, r->tag));
}

static bool
match_rule(struct compile *c, struct nf_chain *chain, const struct pf_rule *r,
           const struct pf_alternatives *alt)
{
	const char *does = pf_match_chain(c, r);

	if (does == NULL || !pf_emit(c, chain, alt,
	                             arena_printf(c->t->arena, "%sjump %s",
	                                          pf_tag_words(c, r), does)))
		return false;
	if (r->quick)
		nf_say(c->t, chain, "meta mark & 0x%x != 0 return",
		       PF_MARK_DONE);
	return true;
}

static bool
rule_wins(struct compile *c, struct nf_chain *chain, const struct pf_rule *r,
          struct pf_alternatives *alt)
{
	unsigned clear = PF_MARK_RULE, set = r->id << PF_MARK_RULE_SHIFT;
	const char *quick = r->quick ? " return" : "";

	if (r->action == PF_MATCH)
		return match_rule(c, chain, r, alt);
	if (r->quick)
		set |= PF_MARK_DONE;
	if (r->tag != NULL) {
		clear |= PF_MARK_TAG;
		set |= pf_tag_number(c->n, r->tag);
	}
	/* Nothing comes behind it: a map can go there at once. */
	if (r->quick && r->tag == NULL && !c->translates[c->dir])
		for (unsigned i = 0; i < alt->n; i++)
			alt->rule[i].verdict = arena_printf(
			    c->t->arena, "r%u%c", r->id, pf_letter(c));
	return pf_emit(c, chain, alt,
	               arena_printf(c->t->arena,
	                            "meta mark set meta mark & 0x%x | 0x%x%s",
	                            ~clear, set, quick));
}

/* The lowest and highest rule number in a ruleset and all below it. */
static void
id_range(const struct pf_ruleset *rs, unsigned *lo, unsigned *hi)
{
	for (const struct pf_ruleset *s = rs; s != NULL;
	     s = pf_ruleset_next(rs, s))
		for (const struct pf_rule *r = s->rules[PF_FILTER].first;
		     r != NULL; r = r->next) {
			*lo = *lo == 0 || r->id < *lo ? r->id : *lo;
			*hi = r->id > *hi ? r->id : *hi;
		}
}

/* Behind an anchor: a quick rule ended it all; with a quick anchor any rule of
 * it that won does. */
static void
after_anchor(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	unsigned lo = 0, hi = 0;

	nf_say(c->t, chain, "meta mark & 0x%x != 0 return", PF_MARK_DONE);
	if (!r->quick)
		return;
	id_range(r->anchor, &lo, &hi);
	if (lo == 0)
		return;
	nf_say(c->t, chain,
	       "meta mark & 0x%x >= 0x%x meta mark & 0x%x <= 0x%x "
	       "meta mark set meta mark | 0x%x return",
	       PF_MARK_RULE, lo << PF_MARK_RULE_SHIFT, PF_MARK_RULE,
	       hi << PF_MARK_RULE_SHIFT, PF_MARK_DONE);
}

static bool
anchor_rule(struct compile *c, struct nf_chain *chain, const struct pf_rule *r,
            struct pf_alternatives *alt)
{
	const char *tag = pf_tag_words(c, r);
	const struct pf_ruleset *rs = r->anchor;

	if (!r->anchor_wildcard) {
		if (!pf_emit(c, chain, alt,
		             arena_printf(c->t->arena, "%sjump %s", tag,
		                          ruleset_chain(c, rs))))
			return false;
		after_anchor(c, chain, r);
		return true;
	}
	for (rs = rs->child; rs != NULL; rs = rs->next) {
		if (!pf_emit(c, chain, alt,
		             arena_printf(c->t->arena, "%sjump %s", tag,
		                          ruleset_chain(c, rs))))
			return false;
		after_anchor(c, chain, r);
	}
	return true;
}

static bool
ruleset(struct compile *c, const struct pf_ruleset *rs)
{
	struct nf_chain *chain =
	    nf_chain_new(c->t, NULL, "%s", ruleset_chain(c, rs));

	for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
	     r != NULL && !c->failed; r = r->next) {
		struct pf_alternatives alt;
		struct pf_rule as = *r;

		if (r->binat_to && c->dir == PF_IN)
			pf_rule_turn(r, &as);
		if (!pf_compile_terms(c, rs, &as, &alt))
			continue;
		if (!(r->is_anchor ? anchor_rule(c, chain, r, &alt)
		                   : rule_wins(c, chain, r, &alt)))
			return false;
	}
	return !c->failed && nf_merge(c->t, chain);
}

/* How deep do anchors stand in each other? */
static unsigned
nesting(const struct pf_ruleset *rs, unsigned kind, unsigned depth)
{
	unsigned deepest = depth;

	if (depth > MAX_NESTED)
		return depth;
	for (const struct pf_rule *r = rs->rules[kind].first; r != NULL;
	     r = r->next) {
		unsigned d = 0;

		if (r->is_anchor && !r->anchor_wildcard)
			d = nesting(r->anchor, kind, depth + 1);
		else if (r->is_anchor)
			for (const struct pf_ruleset *k = r->anchor->child;
			     k != NULL; k = k->next) {
				unsigned in = nesting(k, kind, depth + 1);

				d = in > d ? in : d;
			}
		deepest = d > deepest ? d : deepest;
	}
	return deepest;
}

/* All chains must be there before one jumps to them; nft takes them in any
 * order within a table. */
static bool
rulesets(struct compile *c)
{
	const struct pf_ruleset *top = c->conf->main;

	for (unsigned kind = 0; kind < PF_NKINDS; kind++)
		if (nesting(top, kind, 0) > MAX_NESTED) {
			error_set(c->err, -E2BIG,
			          "anchors nested more than %d deep",
			          MAX_NESTED);
			return false;
		}
	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		if (!ruleset(c, rs))
			return false;
	return true;
}

/* --- the base chains --- */

static void
skip(struct compile *c, struct nf_chain *chain)
{
	const struct pf_options *o = &c->conf->opts;

	for (size_t i = 0; i < o->n_skip; i++) {
		const char *name = pf_linux_ifname(o->skip[i]);
		bool group = !c->world->is_interface(c->world->ctx, name) &&
		             strpbrk(name, "0123456789") == NULL;

		nf_say(c->t, chain, "%s \"%s%s\" accept",
		       c->dir == PF_IN ? "iifname" : "oifname", name,
		       group ? "*" : "");
	}
}

void
pf_count_interface(struct compile *c, struct nf_chain *chain, enum pf_total in,
                   enum pf_total out)
{
	const char *ifname = c->conf->opts.loginterface;

	if (ifname != NULL && strcmp(ifname, "none") != 0)
		nf_say(c->t, chain, "%s \"%s\" counter name %s",
		       c->dir == PF_IN ? "iifname" : "oifname",
		       pf_linux_ifname(ifname),
		       pf_total_name(c->dir == PF_IN ? in : out));
}

/* A packet of a state passes: the shortcut of both its crossings. */
static void
shortcut(struct compile *c, struct nf_chain *base)
{
	bool in = c->dir == PF_IN;

	nf_say(c->t, base, "ct direction %s ct mark & 0x%x != 0 goto k1",
	       in ? "original" : "reply", PF_CT_K1);
	nf_say(c->t, base, "ct direction %s ct mark & 0x%x != 0 goto k2",
	       in ? "reply" : "original", PF_CT_K2);
}

void
pf_skip_packets(struct compile *c, struct nf_chain *chain)
{
	nf_say(c->t, chain, "%s \"lo\" meta mark & 0x%x %s accept",
	       c->dir == PF_IN ? "iifname" : "oifname", PF_MARK_REJECT,
	       c->dir == PF_IN
	           ? arena_printf(c->t->arena, "== 0x%x", PF_MARK_REJECT_2)
	           : "!= 0");
	skip(c, chain);
}

void
pf_ask_rules(struct compile *c, struct nf_chain *chain)
{
	nf_say(c->t, chain,
	       "counter name n_match meta mark set meta mark & 0x%x",
	       ~(unsigned)(PF_MARK_RULE | PF_MARK_DONE));
	nf_say(c->t, chain, "jump a0%c", pf_letter(c));
}

/* The mark has who won. */
static void
decide(struct compile *c, struct nf_chain *chain, const struct buf *wins)
{
	nf_dispatch(c->t, chain, "meta mark & 0xfffc00", wins);
	pf_by_default(c, chain);
}

/* Answers meet no rules, as in pf. What comes in by the loopback interface and
 * was not marked on its way out to it is one: others pass there first. */
static void
know_answers(struct compile *c, struct nf_chain *base)
{
	if (c->dir == PF_IN)
		nf_say(c->t, base,
		       "iifname \"lo\" meta mark & 0x%x == 0 accept",
		       PF_MARK_SENT);
	else
		nf_say(c->t, base,
		       "oifname \"lo\" meta mark set meta mark | 0x%x",
		       PF_MARK_SENT);
}

/* Behind the states: the rules. Where one of this direction translates, they
 * were asked before that, of a connection's first packet. */
static void
ask(struct compile *c, struct nf_chain *chain, const struct buf *wins)
{
	struct nf_chain *asked;

	if (!c->translates[c->dir]) {
		pf_ask_rules(c, chain);
		decide(c, chain, wins);
		return;
	}
	asked = nf_chain_new(c->t, NULL, "d%c", pf_letter(c));
	nf_say(c->t, chain, "meta mark & 0x%x != 0 goto d%c", PF_MARK_ASKED,
	       pf_letter(c));
	pf_ask_rules(c, chain);
	nf_say(c->t, chain, "goto d%c", pf_letter(c));
	nf_say(c->t, asked, "meta mark set meta mark & 0x%x",
	       ~(unsigned)PF_MARK_ASKED);
	decide(c, asked, wins);
}

static bool
begin(struct compile *c, struct nf_chain *base, const struct buf *wins)
{
	struct nf_chain *rules = nf_chain_new(c->t, NULL, "q%c", pf_letter(c));

	pf_skip_packets(c, base);
	nf_say(c->t, base, "counter name n_searches");
	pf_count_interface(c, base, PF_TOTAL_IN, PF_TOTAL_OUT);
	if (c->dir == PF_OUT)
		nf_say(c->t, base,
		       "ct state related ct mark & 0x%x != 0 accept",
		       PF_CT_ANSWER);
	if (c->answers)
		know_answers(c, base);
	pf_say_flushed(c, base);
	if (!pf_say_bound(c, base))
		return false;
	shortcut(c, base);
	nf_say(c->t, base, "goto q%c", pf_letter(c));
	ask(c, rules, wins);
	return true;
}

static bool
direction(struct compile *c, unsigned dir)
{
	static const char *const hooks[] = {
		[PF_IN] = "type filter hook prerouting priority -90; policy "
		          "accept;",
		[PF_OUT] = "type filter hook postrouting priority 110; policy "
		           "accept;",
	};
	cleanup_buf struct buf wins = BUF_INIT;
	struct nf_chain *base;

	c->dir = (uint8_t)dir;
	base =
	    nf_chain_new(c->t, hooks[dir], "%s", dir == PF_IN ? "in" : "out");
	if (base == NULL || !pf_compile_actions(c, &wins))
		return false;
	return begin(c, base, &wins) && rulesets(c);
}

/* --- answers to what goes out --- */

/*
 * A packet that is blocked on its way out is copied to the loopback interface
 * and answered there, where the kernel can: postrouting cannot reject. Its
 * source is first made what it was before translation.
 */
static void
reject_copy(struct compile *c)
{
	bool v6 = c->af == PF_AF_INET6;
	const char *ip = v6 ? "ip6" : "ip";
	struct nf_chain *chain;

	if (!c->rejects_out)
		return;
	chain = nf_chain_new(c->t,
	                     "type filter hook postrouting priority 120; "
	                     "policy accept;",
	                     "rej");
	nf_say(c->t, chain, "meta mark & 0x%x != 0x%x accept", PF_MARK_REJECT,
	       PF_MARK_REJECT_1);
	nf_say(c->t, chain, "meta mark set meta mark & 0x%x | 0x%x",
	       ~(unsigned)PF_MARK_REJECT, PF_MARK_REJECT_2);
	nf_say(c->t, chain, "ct status snat %s saddr set ct original %s saddr",
	       ip, ip);
	nf_say(c->t, chain,
	       "ct status snat meta l4proto tcp tcp sport set ct "
	       "original proto-src");
	nf_say(c->t, chain,
	       "ct status snat meta l4proto udp udp sport set ct "
	       "original proto-src");
	nf_say(c->t, chain, "dup to %s device \"lo\"",
	       v6 ? "::1" : "127.0.0.1");
	nf_say(c->t, chain, "drop");
}

static void
reject_on_loopback(bool any, struct buf *out)
{
	buf_puts(out, "table netdev pf\ndelete table netdev pf\n");
	if (!any)
		return;
	buf_printf(out,
	           "table netdev pf {\n"
	           "  chain lo {\n"
	           "    type filter hook ingress device \"lo\" priority 0; "
	           "policy accept;\n"
	           "    meta mark & 0x%x != 0x%x accept\n"
	           "    meta l4proto tcp reject with tcp reset\n"
	           "    meta protocol ip reject with icmp type "
	           "port-unreachable\n"
	           "    meta protocol ip6 reject with icmpv6 type "
	           "port-unreachable\n"
	           "    drop\n"
	           "  }\n"
	           "}\n",
	           PF_MARK_REJECT, PF_MARK_REJECT_2);
}

/* --- the whole --- */

static bool
family(struct compile *c, uint8_t af, struct buf *out)
{
	struct nf_table t = { .arena = &c->conf->arena, .af = af };
	bool ok;

	c->t = &t;
	c->af = af;
	t.n_counters = c->conf->n_rules + 1;
	t.dormant = c->env->dormant;
	memset(c->label, 0, sizeof(c->label));
	c->n_labels = 0;
	ok = pf_compile_tables(c) && pf_compile_scrub(c) && pf_compile_nat(c) &&
	     direction(c, PF_IN) && direction(c, PF_OUT) &&
	     pf_compile_states(c) && !c->failed;
	if (ok) {
		pf_compile_ways(c);
		reject_copy(c);
		nf_print(&t, out);
	}
	for (struct nf_set *s = t.set; s != NULL; s = s->next)
		if (s->elements != NULL)
			buf_fini(s->elements);
	return ok;
}

static bool
has_answers(const struct pf_config *conf)
{
	for (const struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
		     r != NULL; r = r->next)
			if (!r->is_anchor && r->action == PF_BLOCK &&
			    r->ret != PF_DROP)
				return true;
	return false;
}

int
pf_compile(struct pf_config *conf, const struct pf_compile_env *env,
           struct buf *out, struct error *err)
{
	struct compile c = { .conf = conf, .world = env->world, .err = err };
	bool ok;

	err->code = 0;
	if (conf->numbers == NULL &&
	    pf_numbers_assign(conf, env->world, NULL, NULL, err) < 0)
		return err->code;
	c.n = conf->numbers;
	c.env = env;
	pf_hash_tables(conf);
	c.answers = has_answers(conf);
	ok = family(&c, PF_AF_INET, out) && family(&c, PF_AF_INET6, out);
	if (ok)
		reject_on_loopback(c.rejects_out, out);
	if (ok && !out->failed && !conf->arena.failed)
		return 0;
	return err->code != 0 ? err->code
	                      : error_set(err, -ENOMEM, "out of memory");
}
