/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_nat.c - nat, rdr and binat as chains of translation: the first that
 * matches, once for each connection.
 */
#include <string.h>

#include "pf/addr.h"
#include "pf/compile_internal.h"
#include "pf/ruleset.h"

/* One address of a pool as text. */
static const char *
target_text(struct compile *c, const struct pf_target *t)
{
	char ip[46];

	if (t->addr.kind != PF_ADDR_NET || t->addr.bits != pf_af_bits(c->af))
		return NULL;
	return arena_strdup(c->t->arena, pf_ip_text(c->af, &t->addr.ip, ip));
}

/* An address with a port behind it. */
static const char *
with_port(struct compile *c, const char *ip, const char *port)
{
	return arena_printf(
	    c->t->arena, c->af == PF_AF_INET6 ? "[%s]:%s" : "%s:%s", ip, port);
}

/* Of several, each in turn. */
static const char *
pool_text(struct compile *c, const struct pf_rule *r,
          const struct pf_pool *pool)
{
	cleanup_buf struct buf map = BUF_INIT;

	if (pool->sticky || pool->type == PF_POOL_SOURCEHASH ||
	    pool->type == PF_POOL_BITMASK) {
		pf_refuse(c, r, "this kind of pool");
		return NULL;
	}
	for (size_t i = 0; i < pool->n; i++) {
		const char *ip = target_text(c, &pool->target[i]);

		if (ip == NULL) {
			pf_refuse(c, r, "this kind of pool");
			return NULL;
		}
		if (pool->n == 1)
			return ip;
		buf_printf(&map, "%s%zu : %s", i > 0 ? ", " : "", i, ip);
	}
	return arena_printf(c->t->arena, "numgen %s mod %zu map { %s }",
	                    pool->type == PF_POOL_RANDOM ? "random" : "inc",
	                    pool->n, buf_str(&map));
}

/* State for a rule that says pass. */
static const char *
pass_words(struct compile *c, const struct pf_rule *r)
{
	if (!r->pass)
		return "";
	return arena_printf(c->t->arena, "ct mark set ct mark | 0x%x ",
	                    c->dir == PF_IN ? PF_CT_K1 : PF_CT_K2);
}

static bool
dynamic(const struct pf_pool *pool)
{
	return pool->n == 1 && pool->target[0].addr.kind == PF_ADDR_DYN;
}

static bool
nat_rule(struct compile *c, struct nf_chain *chain, const struct pf_rule *r,
         const struct pf_alternatives *alt)
{
	const struct pf_pool *pool = &r->nat;
	const char *pass = pass_words(c, r);
	const char *to, *ports;

	ports =
	    arena_printf(c->t->arena, "%u-%u", pool->port_lo, pool->port_hi);
	if (dynamic(pool)) {
		if (!pool->static_port &&
		    !pf_emit(c, chain, alt,
		             arena_printf(c->t->arena,
		                          "meta l4proto { tcp, udp } "
		                          "%smasquerade to :%s fully-random",
		                          pass, ports)))
			return false;
		return pf_emit(c, chain, alt,
		               arena_printf(c->t->arena, "%smasquerade", pass));
	}
	to = pool_text(c, r, pool);
	if (to == NULL)
		return false;
	if (!pool->static_port && pool->n == 1 &&
	    !pf_emit(c, chain, alt,
	             arena_printf(
	                 c->t->arena,
	                 "meta l4proto { tcp, udp } %ssnat to %s fully-random",
	                 pass, with_port(c, to, ports))))
		return false;
	return pf_emit(c, chain, alt,
	               arena_printf(c->t->arena, "%ssnat to %s", pass, to));
}

static bool
rdr_rule(struct compile *c, struct nf_chain *chain, const struct pf_rule *r,
         const struct pf_alternatives *alt)
{
	const struct pf_pool *pool = &r->rdr;
	const char *pass = pass_words(c, r), *to = pool_text(c, r, pool);
	unsigned last = pool->port_hi != 0 ? pool->port_hi : pool->port_lo;

	if (to == NULL)
		return false;
	if (pool->port_lo == 0)
		return pf_emit(
		    c, chain, alt,
		    arena_printf(c->t->arena, "%sdnat to %s", pass, to));
	if (last != pool->port_lo)
		return pf_refuse(c, r, "rdr to a range of ports");
	if (pool->n == 1)
		to = with_port(c, to,
		               arena_printf(c->t->arena, "%u", pool->port_lo));
	else
		to = arena_printf(c->t->arena, "%s : %u", to, pool->port_lo);
	return pf_emit(c, chain, alt,
	               arena_printf(c->t->arena, "%sdnat to %s", pass, to));
}

/* Inbound: what goes to the outer address goes to the inner. */
static bool
binat_rule(struct compile *c, struct nf_chain *chain,
           const struct pf_ruleset *rs, const struct pf_rule *r)
{
	struct pf_alternatives alt;
	struct pf_rule as = *r;
	const struct pf_target inner = { .addr = r->src.addr };
	const char *to;

	if (c->dir == PF_IN && !r->no) {
		as.src = r->dst;
		as.dst = (struct pf_peer){ .addr = r->nat.target[0].addr };
	}
	if (!pf_compile_terms(c, rs, &as, &alt))
		return !c->failed;
	if (r->no)
		return pf_emit(c, chain, &alt, "accept");
	to = target_text(c, c->dir == PF_IN ? &inner : &r->nat.target[0]);
	if (to == NULL)
		return pf_refuse(c, r, "binat of a network");
	return pf_emit(c, chain, &alt,
	               arena_printf(c->t->arena, "%s%s to %s", pass_words(c, r),
	                            c->dir == PF_IN ? "dnat" : "snat", to));
}

static bool
list(struct compile *c, struct nf_chain *chain, const struct pf_ruleset *rs,
     enum pf_kind kind)
{
	for (const struct pf_rule *r = rs->rules[kind].first; r != NULL;
	     r = r->next) {
		struct pf_alternatives alt;
		bool ok;

		if (r->is_anchor) {
			if (r->anchor->rules[kind].first != NULL ||
			    r->anchor->child != NULL)
				return pf_refuse(c, r,
				                 "anchors of translation");
			continue;
		}
		if (r->af != PF_AF_NONE && r->af != c->af)
			continue;
		if (r->tag != NULL)
			return pf_refuse(c, r, "tags of translation");
		if (kind == PF_BINAT) {
			if (!binat_rule(c, chain, rs, r))
				return false;
			continue;
		}
		if (!pf_compile_terms(c, rs, r, &alt)) {
			if (c->failed)
				return false;
			continue;
		}
		if (r->no)
			ok = pf_emit(c, chain, &alt, "accept");
		else
			ok = kind == PF_RDR ? rdr_rule(c, chain, r, &alt)
			                    : nat_rule(c, chain, r, &alt);
		if (!ok)
			return false;
	}
	return true;
}

/* Both chains are there without any rule, too: the kernel translates what is
 * translated only as long as there is one, and states outlive their rules. */
bool
pf_compile_nat(struct compile *c)
{
	const struct pf_options *o = &c->conf->opts;
	struct nf_chain *pre, *post;

	pre = nf_chain_new(c->t,
	                   "type nat hook prerouting priority -100; policy "
	                   "accept;",
	                   "nat_in");
	post = nf_chain_new(c->t,
	                    "type nat hook postrouting priority 100; policy "
	                    "accept;",
	                    "nat_out");
	for (size_t i = 0; i < o->n_skip; i++) {
		const char *name = pf_linux_ifname(o->skip[i]);

		nf_say(c->t, pre, "iifname \"%s\" accept", name);
		nf_say(c->t, post, "oifname \"%s\" accept", name);
	}
	c->dir = PF_IN;
	if (!list(c, pre, c->conf->main, PF_RDR) ||
	    !list(c, pre, c->conf->main, PF_BINAT))
		return false;
	c->dir = PF_OUT;
	return list(c, post, c->conf->main, PF_BINAT) &&
	       list(c, post, c->conf->main, PF_NAT);
}
