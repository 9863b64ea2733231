/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_pool.c - the addresses and ports that translation puts in place of a
 * packet's, and how one of several is chosen.
 *
 * A pool is a list of single addresses, from which a number picks: the next
 * (round-robin), a random one, or a hash of the source. Networks are written
 * out up to MAX_LISTED; a bigger one is left to the kernel, which picks by a
 * hash of both ends.
 */
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/compile_internal.h"
#include "pf/ruleset.h"
#include "pf/tablefile.h"

enum { MAX_LISTED = 1024, MAX_PORTS = 16384 };

/* How long a source keeps its address (sticky-address) if src.track does not
 * say; pf's would go with the last of its states. */
#define STICKY_SECONDS 3600U

struct listed {
	struct compile *c;
	struct pf_ip ip[MAX_LISTED];
	unsigned n;
	bool too_many;
};

static void
list_net(struct listed *l, const struct pf_ip *ip, unsigned bits)
{
	unsigned host = pf_af_bits(l->c->af) - bits;
	struct pf_ip at = *ip;

	if (host > 10 || l->n + (1U << host) > MAX_LISTED) {
		l->too_many = true;
		return;
	}
	for (unsigned i = 0; i < 1U << host; i++) {
		l->ip[l->n++] = at;
		for (int b = (int)pf_af_bits(l->c->af) / 8 - 1; b >= 0; b--)
			if (++at.b[b] != 0)
				break;
	}
}

/* What an interface has when the rules are loaded. */
static bool
list_interface(struct listed *l, const struct pf_addr *a)
{
	struct pf_found_list found = { 0 };
	struct compile *c = l->c;

	if (c->world->addresses(c->world->ctx, &found) < 0) {
		pf_found_fini(&found);
		return false;
	}
	for (size_t i = 0; i < found.n; i++) {
		const struct pf_found *f = &found.v[i];
		struct pf_ip ip = f->ip;
		bool net = (a->dyn & PF_DYN_NETWORK) != 0;

		if (f->af != c->af || (f->link_local && f->af == PF_AF_INET6) ||
		    !pf_is_interface_of(c, f->ifname, a->name))
			continue;
		if (net)
			pf_ip_mask(&ip, f->bits);
		list_net(l, &ip, net ? f->bits : pf_af_bits(f->af));
		if ((a->dyn & PF_DYN_NOALIAS) != 0)
			break;
	}
	pf_found_fini(&found);
	return true;
}

static bool
list_table(struct listed *l, const struct pf_ruleset *rs, const char *name)
{
	const struct pf_table *t = pf_table_find(rs, name);
	struct pf_entries defined = { 0 };
	const struct pf_entries *e = &defined;
	unsigned f = pf_family(l->c->af);
	bool ok = true;

	if (t != NULL && t->content != NULL)
		e = &t->content->entries;
	else if (t != NULL)
		ok = pf_entries_define(&defined, t, 0) == 0;
	for (size_t i = 0; ok && i < e->n[f]; i++)
		if (!e->v[f][i].not )
			list_net(l, &e->v[f][i].ip, e->v[f][i].bits);
	pf_entries_fini(&defined);
	return ok;
}

static bool
list_pool(struct listed *l, const struct pf_ruleset *rs,
          const struct pf_pool *pool)
{
	for (size_t i = 0; i < pool->n; i++) {
		const struct pf_addr *a = &pool->target[i].addr;

		switch ((enum pf_addr_kind)a->kind) {
		case PF_ADDR_NET:
			if (a->af == l->c->af)
				list_net(l, &a->ip, a->bits);
			break;
		case PF_ADDR_DYN:
			if (!list_interface(l, a))
				return false;
			break;
		case PF_ADDR_TABLE:
			if (!list_table(l, rs, a->name))
				return false;
			break;
		default:
			return false;
		}
	}
	return true;
}

/* --- the statement --- */

struct statement {
	struct compile *c;
	struct nf_chain *chain;
	const struct pf_rule *r;
	const struct pf_pool *pool;
	const struct pf_alternatives *alt;
	const char *first;
	bool rdr;
};

static bool
emit(const struct statement *s, const char *words)
{
	return words != NULL && pf_emit(s->c, s->chain, s->alt, words);
}

/* Ports of rdr that go along with a range: one element for each. */
static const char *
rdr_ports(const struct statement *s)
{
	cleanup_buf struct buf map = BUF_INIT;
	const struct pf_cmp *from = &s->r->dst.port;
	unsigned lo = s->pool->port_lo, hi = s->pool->port_hi;
	unsigned last = from->op == PF_OP_RANGE ? from->b : from->a;

	if (hi <= lo || from->op == PF_OP_EQ)
		return arena_printf(s->c->t->arena, "%u", lo);
	if (from->op != PF_OP_RANGE || last - from->a >= MAX_PORTS) {
		pf_refuse(s->c, s->r, "rdr of all ports to a range of them");
		return NULL;
	}
	for (unsigned p = from->a; p <= last; p++)
		buf_printf(&map, "%s%u : %u", p > from->a ? ", " : "", p,
		           lo + (p - from->a) % (hi - lo + 1));
	return arena_printf(s->c->t->arena, "th dport map { %s }",
	                    buf_str(&map));
}

/* To what stands in to: one address, or words that choose one. */
static bool
rdr_to(const struct statement *s, const char *to, bool is_ip)
{
	struct arena *a = s->c->t->arena;
	const char *port;

	if (s->pool->port_lo == 0)
		return emit(s, arena_printf(a, "%sdnat to %s", s->first, to));
	port = rdr_ports(s);
	if (port == NULL)
		return false;
	if (is_ip && port[0] != 't' && s->c->af == PF_AF_INET6)
		return emit(s, arena_printf(a, "%sdnat to [%s]:%s", s->first,
		                            to, port));
	return emit(s,
	            arena_printf(a, "%sdnat to %s : %s", s->first, to, port));
}

static bool
nat_to(const struct statement *s, const char *to, bool is_ip)
{
	struct arena *a = s->c->t->arena;
	const struct pf_pool *pool = s->pool;
	bool v6 = is_ip && s->c->af == PF_AF_INET6;

	if (!pool->static_port && pool->port_lo != 0 &&
	    !emit(s, arena_printf(a,
	                          "meta l4proto { tcp, udp } %ssnat to "
	                          "%s%s%s:%u-%u fully-random",
	                          s->first, v6 ? "[" : "", to, v6 ? "]" : "",
	                          pool->port_lo, pool->port_hi)))
		return false;
	return emit(s, arena_printf(a, "%ssnat to %s", s->first, to));
}

static bool
put(const struct statement *s, const char *to, bool is_ip)
{
	return s->rdr ? rdr_to(s, to, is_ip) : nat_to(s, to, is_ip);
}

static const char *
ip_text(struct compile *c, const struct pf_ip *ip)
{
	char text[46];

	return arena_strdup(c->t->arena, pf_ip_text(c->af, ip, text));
}

/* The number that picks. */
static const char *
picker(const struct statement *s, unsigned n)
{
	const uint8_t *k = s->pool->key;

	switch (s->pool->type) {
	case PF_POOL_RANDOM:
		return arena_printf(s->c->t->arena, "numgen random mod %u", n);
	case PF_POOL_SOURCEHASH:
		return arena_printf(
		    s->c->t->arena, "jhash %s saddr mod %u seed 0x%x",
		    s->c->af == PF_AF_INET6 ? "ip6" : "ip", n,
		    (unsigned)(k[0] << 24 | k[1] << 16 | k[2] << 8 | k[3]));
	default:
		return arena_printf(s->c->t->arena, "numgen inc mod %u", n);
	}
}

/* --- sticky-address --- */

/* Whom a source was given once it is given again: a chain for each address
 * writes it down. */
static bool
sticky(const struct statement *s, const struct listed *l)
{
	struct compile *c = s->c;
	const char *ip = c->af == PF_AF_INET6 ? "ip6" : "ip";
	const struct pf_options *o = &c->conf->opts;
	unsigned id = c->n_sticky++;
	unsigned seconds = o->timeout[PF_TM_SRC_TRACK] > 0 &&
	                           (o->timeout_set & 1U << PF_TM_SRC_TRACK) != 0
	                       ? o->timeout[PF_TM_SRC_TRACK]
	                       : STICKY_SECONDS;
	struct nf_set *map = nf_set_new(
	    c->t,
	    c->af == PF_AF_INET6
	        ? "ipv6_addr : ipv6_addr; flags dynamic,timeout; size 65536"
	        : "ipv4_addr : ipv4_addr; flags dynamic,timeout; size 65536",
	    "st%u", id);
	struct pf_alternatives any = { .n = 1 };
	cleanup_buf struct buf vmap = BUF_INIT;

	if (map == NULL)
		return false;
	map->is_map = true;
	if (!put(s,
	         arena_printf(c->t->arena, "%s saddr map @%s", ip, map->name),
	         false))
		return false;
	if (s->r->proto != 0) {
		struct nf_term *m = nf_term_new(&any.rule[0], NF_PROTO);

		m->lo = s->r->proto;
	}
	for (unsigned i = 0; i < l->n; i++) {
		const char *to = ip_text(c, &l->ip[i]);
		struct statement one = *s;

		one.chain = nf_chain_new(c->t, NULL, "%s_%u", map->name, i);
		one.alt = &any;
		if (one.chain == NULL)
			return false;
		nf_say(c->t, one.chain,
		       "update @%s { %s saddr timeout %us : %s }", map->name,
		       ip, seconds, to);
		if (!put(&one, to, true))
			return false;
		nf_map_add(&vmap, i, one.chain->name);
	}
	return emit(s, arena_printf(c->t->arena, "%s vmap { %s }",
	                            picker(s, l->n), buf_str(&vmap)));
}

/* --- the whole --- */

/* (em0) on em0: the kernel knows the address at the time. */
static bool
is_masquerade(const struct statement *s)
{
	const struct pf_pool *pool = s->pool;
	const struct pf_addr *a = &pool->target[0].addr;

	return !s->rdr && pool->n == 1 && a->kind == PF_ADDR_DYN &&
	       (a->dyn & ~PF_DYN_NOALIAS) == 0 && s->r->ifname != NULL &&
	       !s->r->if_not && strcmp(s->r->ifname, a->name) == 0;
}

static bool
masquerade(const struct statement *s)
{
	struct arena *a = s->c->t->arena;
	const struct pf_pool *pool = s->pool;

	if (!pool->static_port && pool->port_lo != 0 &&
	    !emit(s, arena_printf(a,
	                          "meta l4proto { tcp, udp } %smasquerade to "
	                          ":%u-%u fully-random",
	                          s->first, pool->port_lo, pool->port_hi)))
		return false;
	return emit(s, arena_printf(a, "%smasquerade", s->first));
}

/* The network's bits in place of the address's, or a network too big to write
 * out. */
static bool
network(const struct statement *s)
{
	const struct pf_addr *a = &s->pool->target[0].addr;
	struct compile *c = s->c;
	struct pf_ip last = a->ip;

	if (s->pool->n != 1 || a->kind != PF_ADDR_NET || s->pool->sticky)
		return pf_refuse(c, s->r, "a pool of this size");
	if (s->pool->type == PF_POOL_BITMASK)
		return emit(s, arena_printf(c->t->arena, "%s%s prefix to %s/%u",
		                            s->first, s->rdr ? "dnat" : "snat",
		                            ip_text(c, &a->ip), a->bits));
	for (unsigned i = a->bits; i < pf_af_bits(a->af); i++)
		last.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return put(s,
	           arena_printf(c->t->arena, "%s-%s", ip_text(c, &a->ip),
	                        ip_text(c, &last)),
	           false);
}

static bool
several(const struct statement *s, const struct listed *l)
{
	cleanup_buf struct buf words = BUF_INIT;

	if (l->n == 1)
		return put(s, ip_text(s->c, &l->ip[0]), true);
	if (s->pool->sticky)
		return sticky(s, l);
	buf_printf(&words, "%s map { ", picker(s, l->n));
	for (unsigned i = 0; i < l->n; i++)
		buf_printf(&words, "%s%u : %s", i > 0 ? ", " : "", i,
		           ip_text(s->c, &l->ip[i]));
	buf_puts(&words, " }");
	return put(s, buf_str(&words), false);
}

bool
pf_compile_pool(struct compile *c, struct nf_chain *chain,
                const struct pf_ruleset *rs, const struct pf_rule *r,
                enum pf_kind kind, const struct pf_alternatives *alt,
                const char *first)
{
	const struct statement s = { .c = c,
		                     .chain = chain,
		                     .r = r,
		                     .pool = kind == PF_RDR ? &r->rdr : &r->nat,
		                     .alt = alt,
		                     .first = first,
		                     .rdr = kind == PF_RDR };
	struct listed *l;

	if (s.pool->mape_psidlen != 0)
		return pf_refuse(c, r, "map-e-portset");
	if (is_masquerade(&s))
		return masquerade(&s);
	l = arena_alloc(c->t->arena, sizeof(*l));
	if (l == NULL)
		return false;
	l->c = c;
	if (!list_pool(l, rs, s.pool))
		return pf_refuse(c, r, "this kind of pool");
	if (l->too_many ||
	    (s.pool->type == PF_POOL_BITMASK && s.pool->n == 1 && l->n > 1))
		return network(&s);
	/* As pf does when it finds no address. */
	return l->n == 0 ? emit(&s, "drop") : several(&s, l);
}
