/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_limit.c - limits of a rule's states and of their sources, what
 * happens to a source that is over one, and time-outs of a rule's own.
 *
 * States are counted where they are made, in the chain of the rule that won. So
 * are connections, as the kernel counts new ones only; but what is over the
 * limit gets a label and is dealt with when its handshake is complete, in the
 * chain of its state, lest sources be punished that are not who they say. The
 * rate is counted there; another label says that it was. A source over one of
 * these goes into the table of overload. What flush ends are all the
 * source's connections that are not newer than that, which a label says as
 * well: the sets of flushed sources outlive the moment.
 */
#include <stdio.h>
#include <string.h>

#include "pf/compile_internal.h"
#include "pf/ruleset.h"

static const char *
ip_word(const struct compile *c)
{
	return c->af == PF_AF_INET6 ? "ip6" : "ip";
}

/* A set of sources, made when it is first asked for. */
static const char *
sources(struct compile *c, const char *name, const char *more)
{
	if (name == NULL || nf_set_find(c->t, name) != NULL)
		return name;
	return nf_set_new(c->t,
	                  arena_printf(c->t->arena, "%s; flags dynamic%s",
	                               c->af == PF_AF_INET6 ? "ipv6_addr"
	                                                    : "ipv4_addr",
	                               more),
	                  "%s", name) != NULL
	           ? name
	           : NULL;
}

/* --- states --- */

/* Sources are counted by the rule, or together for all rules that say so and
 * have the same limit. */
static const char *
states_set(struct compile *c, const struct pf_rule *r)
{
	struct arena *a = c->t->arena;

	return r->so.track == PF_TRACK_GLOBAL
	           ? arena_printf(a, "sg%u", r->so.max_src_states)
	           : arena_printf(a, "ss%u", r->id);
}

void
pf_say_limits(struct compile *c, struct nf_chain *chain,
              const struct pf_rule *r, const char *fail)
{
	const struct pf_state_opts *so = &r->so;
	struct arena *a = c->t->arena;
	const char *set;

	if (so->max != 0)
		nf_say(c->t, chain, "ct count over %u goto %s", so->max, fail);
	if (so->max_src_nodes != 0) {
		/* Full, it takes no more; a node goes with its last state. */
		set = sources(c, arena_printf(a, "sn%u", r->id),
		              arena_printf(a, "; size %u", so->max_src_nodes));
		nf_say(c->t, chain,
		       "add @%s { %s saddr ct count over 4000000000 } drop",
		       set, ip_word(c));
		nf_say(c->t, chain, "%s saddr != @%s goto %s", ip_word(c), set,
		       fail);
	}
	if (so->max_src_states != 0) {
		set = sources(c, states_set(c, r), "; size 65535");
		nf_say(c->t, chain,
		       "add @%s { %s saddr ct count over %u } "
		       "goto %s",
		       set, ip_word(c), so->max_src_states, fail);
	}
	if (so->max_src_conn != 0) {
		set =
		    sources(c, arena_printf(a, "sc%u", r->id), "; size 65535");
		nf_say(c->t, chain,
		       "meta l4proto tcp add @%s { %s saddr ct count over %u } "
		       "ct label set %d",
		       set, ip_word(c), so->max_src_conn, PF_LABEL_OVER);
	}
	if (so->flush == PF_FLUSH && so->overload != NULL) {
		set = sources(c, arena_printf(a, "fl%u", r->id),
		              ",timeout; size 65535");
		nf_say(c->t, chain, "%s saddr @%s ct label set %d", ip_word(c),
		       set, PF_LABEL_NEWER);
	}
}

/* --- connections --- */

/* So many in so many seconds, in the units there are: the smallest in which it
 * is a good number. */
static const char *
rate(struct compile *c, const struct pf_state_opts *so)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = { { "second", 1 },
		      { "minute", 60 },
		      { "hour", 3600 },
		      { "day", 86400 } };
	size_t u = 0;
	uint64_t n;

	while (u < 3 &&
	       (so->rate_limit * units[u].seconds < so->rate_seconds ||
	        so->rate_limit * units[u].seconds % so->rate_seconds != 0))
		u++;
	n = so->rate_limit * units[u].seconds / so->rate_seconds;
	return arena_printf(
	    c->t->arena, "limit rate over %llu/%s burst %u packets",
	    (unsigned long long)(n > 0 ? n : 1), units[u].name, so->rate_limit);
}

/* Its source is over: into the table with it, and an end to its states. What
 * was counted last ends in any case, as pf's state does. */
static bool
over(struct compile *c, const struct pf_ruleset *rs, const struct pf_rule *r)
{
	struct nf_chain *chain = nf_chain_new(c->t, NULL, "o%u", r->id);
	const struct pf_state_opts *so = &r->so;
	struct pf_table_sets sets;
	const char *set;

	if (chain == NULL)
		return false;
	if (so->overload != NULL) {
		if (!pf_table_sets(c, rs, so->overload, &sets))
			return false;
		/* A table that is not defined takes none, as in pf. */
		if (sets.single != NULL)
			nf_say(c->t, chain, "add @%s { %s saddr }", sets.single,
			       ip_word(c));
	}
	if (so->flush != 0 && so->overload != NULL) {
		set = (so->flush & PF_FLUSH_GLOBAL) != 0
		          ? sources(c, "flushed", ",timeout; size 65535")
		          : sources(c, arena_printf(c->t->arena, "fl%u", r->id),
		                    ",timeout; size 65535");
		nf_say(c->t, chain, "update @%s { %s saddr timeout 1d }", set,
		       ip_word(c));
	}
	nf_say(c->t, chain, "ct mark set ct mark & 0x%x", PF_CT_ANSWER);
	nf_say(c->t, chain, "drop");
	return true;
}

bool
pf_compile_connections(struct compile *c, const struct pf_ruleset *rs,
                       const struct pf_rule *r)
{
	const struct pf_state_opts *so = &r->so;
	struct nf_chain *chain;
	const char *set;

	if (so->max_src_conn == 0 && so->rate_limit == 0)
		return true;
	chain = nf_chain_new(c->t, NULL, "e%u", r->id);
	if (chain == NULL || !over(c, rs, r))
		return false;
	nf_say(c->t, chain, "ct label %d return", PF_LABEL_COUNTED);
	nf_say(c->t, chain, "ct label set %d", PF_LABEL_COUNTED);
	if (so->rate_limit != 0) {
		set = sources(c, arena_printf(c->t->arena, "sr%u", r->id),
		              ",timeout; size 65535");
		nf_say(c->t, chain,
		       "update @%s { %s saddr timeout %us %s } goto o%u", set,
		       ip_word(c), 2 * so->rate_seconds, rate(c, so), r->id);
	}
	if (so->max_src_conn != 0)
		nf_say(c->t, chain, "ct label %d goto o%u", PF_LABEL_OVER,
		       r->id);
	return true;
}

void
pf_say_state_limits(struct compile *c, struct nf_chain *chain,
                    const struct pf_rule *r)
{
	const struct pf_state_opts *so = &r->so;

	if (so->flush == PF_FLUSH && so->overload != NULL) {
		struct nf_chain *flushed;

		nf_say(c->t, chain, "ct original %s saddr @fl%u jump %s_fl",
		       ip_word(c), r->id, chain->name);
		flushed = nf_chain_new(c->t, NULL, "%s_fl", chain->name);
		nf_say(c->t, flushed, "ct label %d return", PF_LABEL_NEWER);
		nf_say(c->t, flushed, "ct mark set ct mark & 0x%x",
		       PF_CT_ANSWER);
		nf_say(c->t, flushed, "drop");
	}
	if (so->max_src_conn != 0 || so->rate_limit != 0)
		nf_say(c->t, chain,
		       "ct direction original meta l4proto tcp tcp flags & "
		       "(syn|rst|ack) == ack jump e%u",
		       r->id);
}

/* --- flush global --- */

static bool
flushes(const struct compile *c)
{
	const struct pf_ruleset *top = c->conf->main;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
		     r != NULL; r = r->next)
			if ((r->so.flush & PF_FLUSH_GLOBAL) != 0 &&
			    r->so.overload != NULL)
				return true;
	return false;
}

void
pf_say_flushed(struct compile *c, struct nf_chain *base)
{
	struct nf_chain *chain;

	if (!flushes(c))
		return;
	sources(c, "flushed", ",timeout; size 65535");
	nf_say(c->t, base, "ct original %s saddr @flushed jump flushed_%c",
	       ip_word(c), pf_letter(c));
	chain = nf_chain_new(c->t, NULL, "flushed_%c", pf_letter(c));
	nf_say(c->t, chain, "ct state new ct label set %d", PF_LABEL_NEWER);
	nf_say(c->t, chain, "ct label %d return", PF_LABEL_NEWER);
	nf_say(c->t, chain, "ct mark set ct mark & 0x%x", PF_CT_ANSWER);
}

/* --- once --- */

/* A set of one, in which the family's number says that the rule is done. */
const char *
pf_once_set(struct compile *c, const struct pf_rule *r)
{
	const char *name = arena_printf(c->t->arena, "once%u", r->id);

	if (name != NULL && nf_set_find(c->t, name) == NULL)
		nf_set_new(c->t, "ether_type; flags dynamic; size 1", "%s",
		           name);
	return name;
}

void
pf_say_once(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	if (r->once)
		nf_say(c->t, chain, "add @%s { meta protocol }",
		       pf_once_set(c, r));
}

/* --- if-bound --- */

/* States of a rule that names its interface are known by the rule. */
static bool
bind(struct compile *c, const struct pf_rule *r, struct buf maps[2])
{
	const char *pattern = r->ifname != NULL && !r->if_not
	                          ? pf_if_pattern(c, r->ifname)
	                          : NULL;
	struct nf_chain *chain;

	if (pattern == NULL || pattern[strlen(pattern) - 1] == '*')
		return pf_refuse(c, r,
		                 "if-bound of a rule that is not on one "
		                 "interface");
	chain = nf_chain_new(c->t, NULL, "b%u%c", r->sid[0], pf_letter(c));
	if (chain == NULL)
		return false;
	nf_say(c->t, chain, "%s \"%s\" return",
	       c->dir == PF_IN ? "iifname" : "oifname", pattern);
	nf_say(c->t, chain, "goto q%c", pf_letter(c));
	for (unsigned i = 0; i < r->n_sids; i++) {
		nf_map_add(&maps[0], r->sid[i] << PF_CT_SHIFT, chain->name);
		nf_map_add(&maps[1], r->sid[i], chain->name);
	}
	return true;
}

bool
pf_say_bound(struct compile *c, struct nf_chain *base)
{
	const struct pf_ruleset *top = c->conf->main;
	cleanup_buf struct buf k1 = BUF_INIT, k2 = BUF_INIT;
	struct buf maps[2] = { k1, k2 };
	bool in = c->dir == PF_IN, ok = true;
	struct nf_chain *chain;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
		     r != NULL && ok; r = r->next)
			if (r->so.if_bound && r->n_sids > 0)
				ok = bind(c, r, maps);
	k1 = maps[0];
	k2 = maps[1];
	if (!ok || k1.len == 0)
		return ok;
	chain = nf_chain_new(c->t, NULL, "bk1%c", pf_letter(c));
	nf_dispatch(c->t, chain, "ct mark & 0xfffc000", &k1);
	chain = nf_chain_new(c->t, NULL, "bk2%c", pf_letter(c));
	nf_dispatch(c->t, chain, "ct mark & 0x3fff", &k2);
	nf_say(c->t, base, "ct direction %s ct mark & 0x%x != 0 jump bk1%c",
	       in ? "original" : "reply", PF_CT_K1, pf_letter(c));
	nf_say(c->t, base, "ct direction %s ct mark & 0x%x != 0 jump bk2%c",
	       in ? "reply" : "original", PF_CT_K2, pf_letter(c));
	return true;
}

/* --- time-outs --- */

/* What pf calls a time-out and what conntrack does. */
static const struct {
	enum pf_timeout tm;
	const char *proto, *name;
} policies[] = {
	{ PF_TM_TCP_FIRST, "tcp", "syn_sent" },
	{ PF_TM_TCP_OPENING, "tcp", "syn_recv" },
	{ PF_TM_TCP_ESTABLISHED, "tcp", "established" },
	{ PF_TM_TCP_CLOSING, "tcp", "fin_wait" },
	{ PF_TM_TCP_FINWAIT, "tcp", "last_ack" },
	{ PF_TM_TCP_FINWAIT, "tcp", "close_wait" },
	{ PF_TM_TCP_CLOSED, "tcp", "time_wait" },
	{ PF_TM_TCP_CLOSED, "tcp", "close" },
	{ PF_TM_UDP_SINGLE, "udp", "unreplied" },
	{ PF_TM_UDP_MULTIPLE, "udp", "replied" },
};

void
pf_say_timeouts(struct compile *c, struct nf_chain *chain,
                const struct pf_rule *r)
{
	static const char *const protos[] = { "tcp", "udp" };

	for (size_t p = 0; p < 2; p++) {
		cleanup_buf struct buf policy = BUF_INIT;

		for (size_t i = 0; i < ARRAY_LEN(policies); i++)
			if (strcmp(policies[i].proto, protos[p]) == 0 &&
			    (r->so.timeout_set & 1U << policies[i].tm) != 0)
				buf_printf(&policy, "%s%s : %u",
				           policy.len > 0 ? ", " : "",
				           policies[i].name,
				           r->so.timeout[policies[i].tm]);
		if (policy.len == 0)
			continue;
		nf_object_new(c->t,
		              "ct timeout %s_%s { protocol %s; l3proto %s; "
		              "policy = { %s }; }",
		              chain->name, protos[p], protos[p], ip_word(c),
		              buf_str(&policy));
		nf_say(c->t, chain, "meta l4proto %s ct timeout set \"%s_%s\"",
		       protos[p], chain->name, protos[p]);
	}
}
