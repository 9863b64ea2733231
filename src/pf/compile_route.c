/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_route.c - route-to, reply-to, dup-to and rtable.
 *
 * A rule gives its packet a class, some bits of the mark, by which a routing
 * rule of the kernel finds another table (struct pf_way, which the loader sets
 * up). A label of the connection gives the class again to the packets of its
 * state: to those that go the first one's way for route-to and rtable, to
 * answers for reply-to. Where the way is chosen is prerouting, and for our own
 * answers a chain of type route; so these are for rules of what comes in.
 */
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/compile_internal.h"
#include "pf/ruleset.h"

bool
pf_routes_packets(const struct pf_rule *r)
{
	return r->route == PF_ROUTE_TO || r->route == PF_REPLY_TO ||
	       r->rtable >= 0;
}

/* --- ways --- */

static bool
same_way(const struct pf_way *a, const struct pf_way *b)
{
	return a->af == b->af && a->rtable == b->rtable &&
	       a->has_gateway == b->has_gateway &&
	       pf_ip_cmp(&a->gateway, &b->gateway) == 0 &&
	       strcmp(a->ifname, b->ifname) == 0;
}

static unsigned
hash(const struct pf_way *w)
{
	unsigned h = 2166136261U + (unsigned)w->rtable;

	for (size_t i = 0; i < sizeof(w->gateway.b); i++)
		h = (h ^ w->gateway.b[i]) * 16777619U;
	for (const char *s = w->ifname; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 16777619U;
	return h;
}

/* The class of a way, the same in a later load where it can be; 0: there are
 * too many. */
static unsigned
class_of(struct compile *c, const struct pf_way *w)
{
	struct pf_ways *ways = c->env->ways;
	unsigned f = c->af == PF_AF_INET6, at = hash(w) % PF_WAYS_MAX;

	for (unsigned i = 0; i < PF_WAYS_MAX;
	     i++, at = (at + 1) % PF_WAYS_MAX) {
		struct pf_way *had = &ways->way[f][at];

		if (had->af != PF_AF_NONE && !same_way(had, w))
			continue;
		*had = *w;
		return at + 1;
	}
	return 0;
}

static bool
way_of(struct compile *c, const struct pf_rule *r, const struct pf_target *t,
       struct pf_way *out)
{
	const char *ifname = t->ifname;

	memset(out, 0, sizeof(*out));
	out->af = c->af;
	out->rtable = -1;
	if (t->addr.kind == PF_ADDR_NET && t->addr.af == c->af &&
	    t->addr.bits == pf_af_bits(c->af)) {
		out->has_gateway = true;
		out->gateway = t->addr.ip;
	} else if (t->addr.kind != PF_ADDR_ANY || ifname == NULL) {
		return pf_refuse(c, r, "a route to what is no address");
	}
	if (ifname != NULL)
		snprintf(out->ifname, sizeof(out->ifname), "%s",
		         pf_linux_ifname(ifname));
	return true;
}

/* --- what a rule says --- */

/* Give the class, and the label that gives it again. */
static void
say_class(struct compile *c, struct nf_chain *chain, unsigned class, bool reply)
{
	unsigned label =
	    (reply ? PF_LABEL_REPLY_TO : PF_LABEL_ROUTE_TO) + class;

	nf_say(c->t, chain, "ct direction original ct label set %u", label);
	if (!reply)
		nf_say(c->t, chain, "meta mark set meta mark & 0x%x | 0x%x",
		       ~PF_MARK_WAY, class << PF_MARK_WAY_SHIFT);
}

static bool
say_pool(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	const struct pf_pool *pool = &r->route_pool;
	cleanup_buf struct buf map = BUF_INIT;

	if (pool->sticky || pool->type == PF_POOL_BITMASK)
		return pf_refuse(c, r, "this kind of pool for routes");
	for (size_t i = 0; i < pool->n; i++) {
		struct nf_chain *one = chain;
		struct pf_way way;
		unsigned class;

		if (!way_of(c, r, &pool->target[i], &way))
			return false;
		class = class_of(c, &way);
		if (class == 0)
			return pf_refuse(c, r, "more than 7 ways to route to");
		if (pool->n > 1) {
			one =
			    nf_chain_new(c->t, NULL, "%s_w%zu", chain->name, i);
			if (one == NULL)
				return false;
			buf_printf(&map, "%s%zu : jump %s", i > 0 ? ", " : "",
			           i, one->name);
		}
		say_class(c, one, class, r->route == PF_REPLY_TO);
	}
	if (pool->n > 1) {
		const char *words = arena_printf(
		    c->t->arena, "numgen %s mod %zu vmap { %s }",
		    pool->type == PF_POOL_RANDOM ? "random" : "inc", pool->n,
		    buf_str(&map));

		nf_then(c->t, chain, words);
	}
	return true;
}

static bool
say_rtable(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	struct pf_way way = { .af = c->af, .rtable = r->rtable };
	unsigned class = class_of(c, &way);

	if (class == 0)
		return pf_refuse(c, r, "more than 7 ways to route to");
	say_class(c, chain, class, false);
	return true;
}

bool
pf_say_route(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	if (!pf_routes_packets(r))
		return true;
	if (c->env->ways == NULL)
		return pf_refuse(c, r, "a way of its own");
	if (r->dir != PF_IN)
		return pf_refuse(c, r,
		                 "route-to, reply-to and rtable but of rules "
		                 "for in");
	return r->rtable >= 0 && r->route == PF_ROUTE_NONE
	           ? say_rtable(c, chain, r)
	           : say_pool(c, chain, r);
}

bool
pf_say_copy(struct compile *c, struct nf_chain *chain, const struct pf_rule *r)
{
	const struct pf_target *t = r->route_pool.target;
	char ip[46];

	if (r->route != PF_DUP_TO || (r->af != PF_AF_NONE && r->af != c->af))
		return true;
	if (r->route_pool.n != 1 || t->addr.kind != PF_ADDR_NET ||
	    t->addr.af != c->af)
		return pf_refuse(c, r, "dup-to but one address");
	if (t->ifname != NULL)
		nf_say(c->t, chain, "dup to %s device \"%s\"",
		       pf_ip_text(c->af, &t->addr.ip, ip),
		       pf_linux_ifname(t->ifname));
	else
		nf_say(c->t, chain, "dup to %s",
		       pf_ip_text(c->af, &t->addr.ip, ip));
	return true;
}

/* --- packets of states --- */

static void
give_again(struct compile *c, struct nf_chain *chain, unsigned class,
           bool reply)
{
	nf_say(c->t, chain,
	       "ct direction %s ct label %u meta mark set meta mark & 0x%x | "
	       "0x%x",
	       reply ? "reply" : "original",
	       (reply ? PF_LABEL_REPLY_TO : PF_LABEL_ROUTE_TO) + class,
	       ~PF_MARK_WAY, class << PF_MARK_WAY_SHIFT);
}

void
pf_compile_ways(struct compile *c)
{
	const struct pf_ways *ways = c->env->ways;
	unsigned f = c->af == PF_AF_INET6;
	struct nf_chain *in = NULL, *out = NULL;

	for (unsigned i = 0; ways != NULL && i < PF_WAYS_MAX; i++) {
		if (ways->way[f][i].af == PF_AF_NONE)
			continue;
		if (in == NULL) {
			in = nf_chain_new(c->t,
			                  "type filter hook prerouting "
			                  "priority -92; policy accept;",
			                  "way_in");
			out = nf_chain_new(c->t,
			                   "type route hook output priority "
			                   "-150; policy accept;",
			                   "way_own");
		}
		give_again(c, in, i + 1, false);
		give_again(c, in, i + 1, true);
		give_again(c, out, i + 1, true);
	}
}
