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

/* nft follows 16 chains deep; the base and the action take two. */
enum { MAX_NESTED = 12 };

bool
pf_refuse(struct compile *c, const struct pf_rule *r, const char *what)
{
	if (!c->failed)
		error_set(c->err, -ENOTSUP, "%s:%d: %s: not on Linux", r->file,
		          r->line, what);
	c->failed = true;
	return false;
}

static char
letter(const struct compile *c)
{
	return c->dir == PF_IN ? 'i' : 'o';
}

/* --- who wins --- */

static unsigned
ruleset_number(const struct compile *c, const struct pf_ruleset *want)
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
	return arena_printf(c->t->arena, "a%u%c", ruleset_number(c, rs),
	                    letter(c));
}

/* The statement that gives a packet its tag. */
static const char *
tag_words(struct compile *c, const struct pf_rule *r)
{
	if (r->tag == NULL)
		return "";
	return arena_printf(
	    c->t->arena, "meta mark set meta mark & 0x%x | 0x%x ",
	    ~(unsigned)PF_MARK_TAG, pf_tag_number(c->n, r->tag));
}

static bool
rule_wins(struct compile *c, struct nf_chain *chain, const struct pf_rule *r,
          struct pf_alternatives *alt)
{
	unsigned clear = PF_MARK_RULE, set = r->id << PF_MARK_RULE_SHIFT;
	const char *quick = r->quick ? " return" : "";

	if (r->quick)
		set |= PF_MARK_DONE;
	if (r->action == PF_MATCH) {
		if (r->tag == NULL && !r->quick)
			return true;
		if (!r->quick)
			return pf_emit(c, chain, alt, tag_words(c, r));
		clear = 0;
		set = PF_MARK_DONE;
	}
	if (r->tag != NULL) {
		clear |= PF_MARK_TAG;
		set |= pf_tag_number(c->n, r->tag);
	}
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
	const char *tag = tag_words(c, r);
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

		if (!pf_compile_terms(c, rs, r, &alt))
			continue;
		if (!(r->is_anchor ? anchor_rule(c, chain, r, &alt)
		                   : rule_wins(c, chain, r, &alt)))
			return false;
	}
	return !c->failed;
}

/* How deep do anchors stand in each other? */
static unsigned
nesting(const struct pf_ruleset *rs, unsigned depth)
{
	unsigned deepest = depth;

	if (depth > MAX_NESTED)
		return depth;
	for (const struct pf_rule *r = rs->rules[PF_FILTER].first; r != NULL;
	     r = r->next) {
		unsigned d = 0;

		if (r->is_anchor && !r->anchor_wildcard)
			d = nesting(r->anchor, depth + 1);
		else if (r->is_anchor)
			for (const struct pf_ruleset *k = r->anchor->child;
			     k != NULL; k = k->next) {
				unsigned in = nesting(k, depth + 1);

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

	if (nesting(top, 0) > MAX_NESTED) {
		error_set(c->err, -E2BIG, "anchors nested more than %d deep",
		          MAX_NESTED);
		return false;
	}
	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		if (!ruleset(c, rs))
			return false;
	return true;
}

/* --- what the winner does --- */

/* Block, and answer as the rule says. What goes out is answered by way of a
 * copy on the loopback interface (pf_compile_reject). */
static void
block(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	bool v6 = c->af == PF_AF_INET6;
	unsigned code = (v6 ? r->icmp6 : r->icmp4) & 0xff;
	const char *icmp = v6 ? "icmpv6" : "icmp";
	bool tcp = r->ret == PF_RETURN || r->ret == PF_RETURN_RST;

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
	       "ct direction original ct mark set ct mark & 0x%x | 0x%x",
	       ~(in ? PF_CT_ID1 : PF_CT_ID2), in ? k1 : k2);
	nf_say(c->t, chain,
	       "ct direction reply ct mark set ct mark & 0x%x | 0x%x",
	       ~(in ? PF_CT_ID2 : PF_CT_ID1), in ? k2 : k1);
}

static void
no_options(struct compile *c, struct nf_chain *chain)
{
	nf_say(c->t, chain,
	       c->af == PF_AF_INET6 ? "exthdr rt exists drop"
	                            : "ip hdrlength > 5 drop");
}

static const char *
log_words(struct compile *c, const struct pf_rule *r)
{
	if (r->log == 0)
		return "";
	return arena_printf(c->t->arena,
	                    "log group %u snaplen 160 prefix \"%u:%c:%c:\" ",
	                    r->log_if + 1U, r->id,
	                    r->action == PF_BLOCK ? 'b' : 'p', letter(c));
}

/* Is any of this not had yet? */
static bool
can_do(struct compile *c, const struct pf_rule *r)
{
	const struct {
		bool is;
		const char *what;
	} wants[] = {
		{ r->route != PF_ROUTE_NONE, "route-to and its like" },
		{ r->nat.is_set || r->rdr.is_set, "nat-to and its like" },
		{ r->rtable >= 0, "rtable" },
		{ r->divert_port != 0 || r->divert_reply, "divert" },
		{ r->dn[0] != 0 || r->dn[1] != 0, "dnpipe and dnqueue" },
		{ r->queue != NULL, "queue" },
		{ r->set_prio[0] >= 0, "set prio" },
		{ r->set_tos >= 0, "set tos" },
		{ r->scrub.on, "scrub" },
		{ r->so.max != 0 || r->so.track != PF_TRACK_NONE ||
		      r->so.rate_limit != 0,
		  "limits of states" },
		{ r->so.if_bound, "if-bound" },
		{ r->state == PF_STATE_SYNPROXY, "synproxy state" },
		{ r->once, "once" },
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
	       "ct status %s ct direction original ct mark set ct mark | 0x%x",
	       in ? "dnat" : "snat", in ? PF_CT_K1 : PF_CT_K2);
}

static void
pass(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	if (!r->allow_opts)
		no_options(c, chain);
	nf_say(c->t, chain, "accept");
}

/* An element of a verdict map. */
static void
map_add(struct buf *map, unsigned key, const char *chain)
{
	buf_printf(map, "%s0x%x : goto %s", map->len > 0 ? ", " : "", key,
	           chain);
}

/* A verdict by what a key holds; nothing for an empty map. */
static void
dispatch(struct compile *c, struct nf_chain *chain, const char *key,
         const struct buf *map)
{
	cleanup_buf struct buf line = BUF_INIT;
	struct nf_rule *r;

	if (map->len == 0)
		return;
	buf_printf(&line, "%s vmap { %s }", key, buf_str(map));
	r = nf_rule_new(c->t, chain);
	if (r != NULL)
		r->then = arena_strdup(c->t->arena, buf_str(&line));
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
		map_add(&map, pf_tag_number(c->n, c->n->sid[r->sid[i]].tag),
		        one->name);
	}
	dispatch(c, chain, "meta mark & 0x3ff", &map);
	if (n == 1) {
		keep_state(c, chain, r->sid[0]);
		pass(c, chain, r);
	}
}

static bool
action(struct compile *c, const struct pf_rule *r, struct buf *wins)
{
	struct nf_chain *chain =
	    nf_chain_new(c->t, NULL, "r%u%c", r->id, letter(c));

	if (chain == NULL || !can_do(c, r))
		return false;
	nf_say(c->t, chain, "counter name c%u %s", r->id, log_words(c, r));
	if (r->action == PF_BLOCK)
		block(c, chain, r);
	else if (r->state != PF_STATE_NONE)
		pass_with_state(c, chain, r);
	else {
		keep_translated(c, chain);
		pass(c, chain, r);
	}
	map_add(wins, r->id << PF_MARK_RULE_SHIFT, chain->name);
	return true;
}

static bool
is_winner(const struct compile *c, const struct pf_rule *r)
{
	return !r->is_anchor && r->action != PF_MATCH &&
	       (r->dir == PF_INOUT || r->dir == c->dir) &&
	       (r->af == PF_AF_NONE || r->af == c->af);
}

/* Each rule that can win has a chain. */
static bool
actions(struct compile *c, struct buf *wins)
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
		       (s->rule->log & PF_LOG_ALL) != 0 ? log_words(c, s->rule)
		                                        : "");
	if (tag != 0)
		nf_say(c->t, chain, "meta mark set meta mark & 0x%x | 0x%x",
		       ~(unsigned)PF_MARK_TAG, tag);
	pass(c, chain, s->rule);
	map_add(&maps[0], sid << PF_CT_SHIFT, chain->name);
	map_add(&maps[1], sid, chain->name);
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

/* Where packets of states go: by the number of K1, and of K2. */
static bool
states(struct compile *c)
{
	static const char *const keys[] = { "ct mark & 0xfffc000",
		                            "ct mark & 0x3fff" };
	struct buf maps[2] = { BUF_INIT, BUF_INIT };
	bool ok;

	c->dir = PF_IN; /* of what log (all) says */
	ok = state_actions(c, maps);
	for (unsigned k = 0; k < 2; k++) {
		struct nf_chain *chain = nf_chain_new(c->t, NULL, "k%u", k + 1);

		dispatch(c, chain, keys[k], &maps[k]);
		nf_say(c->t, chain, "accept");
		buf_fini(&maps[k]);
	}
	return ok;
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

/* No rule matched: pass. */
static void
by_default(struct compile *c, struct nf_chain *chain)
{
	keep_translated(c, chain);
	no_options(c, chain);
	nf_say(c->t, chain, "accept");
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

static void
begin(struct compile *c, struct nf_chain *base)
{
	bool in = c->dir == PF_IN;

	if (in)
		nf_say(c->t, base,
		       "iifname \"lo\" meta mark & 0x%x == 0x%x accept",
		       PF_MARK_REJECT, PF_MARK_REJECT_2);
	else
		nf_say(c->t, base,
		       "oifname \"lo\" meta mark & 0x%x != 0 accept",
		       PF_MARK_REJECT);
	skip(c, base);
	if (!in)
		nf_say(c->t, base,
		       "ct state related ct mark & 0x%x != 0 accept",
		       PF_CT_ANSWER);
	if (c->answers)
		know_answers(c, base);
	shortcut(c, base);
	nf_say(c->t, base, "meta mark set meta mark & 0x%x",
	       ~(unsigned)(PF_MARK_RULE | PF_MARK_DONE));
	nf_say(c->t, base, "jump a0%c", letter(c));
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
	if (base == NULL || !actions(c, &wins))
		return false;
	begin(c, base);
	dispatch(c, base, "meta mark & 0xfffc00", &wins);
	by_default(c, base);
	return rulesets(c);
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
	ok = pf_compile_tables(c) && pf_compile_nat(c) && states(c) &&
	     direction(c, PF_IN) && direction(c, PF_OUT) && !c->failed;
	if (ok) {
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
