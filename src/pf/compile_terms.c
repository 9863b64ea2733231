/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_terms.c - a rule's conditions as terms of nftables, and tables as
 * sets.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/compile_internal.h"
#include "pf/ruleset.h"

/* --- interfaces --- */

const char *
pf_linux_ifname(const char *ifname)
{
	return strcmp(ifname, "lo0") == 0 ? "lo" : ifname;
}

/* A name without a number at its end is a group: all of that kind. */
static const char *
if_pattern(struct compile *c, const char *ifname)
{
	const char *name = pf_linux_ifname(ifname);
	size_t len = strlen(name);

	if (len == 0 || isdigit((unsigned char)name[len - 1]) ||
	    c->world->is_interface(c->world->ctx, name))
		return name;
	return arena_printf(c->t->arena, "%s*", name);
}

/* --- tables: disjoint ranges, the longest prefix deciding --- */

struct span {
	struct pf_ip first, last;
};

static void
last_of(const struct pf_addr *a, struct pf_ip *out)
{
	*out = a->ip;
	for (unsigned i = a->bits; i < pf_af_bits(a->af); i++)
		out->b[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

/* One more or one less, as a number of the family's size. */
static bool
step(unsigned af, struct pf_ip *ip, int by)
{
	for (int i = (int)pf_af_bits(af) / 8 - 1; i >= 0; i--) {
		ip->b[i] = (uint8_t)(ip->b[i] + by);
		if (ip->b[i] != (by > 0 ? 0 : 0xff))
			return true;
	}
	return false;
}

static int
by_prefix(const void *a, const void *b)
{
	const struct pf_table_addr *x = a, *y = b;
	int order = pf_ip_cmp(&x->addr.ip, &y->addr.ip);

	return order != 0 ? order : (int)x->addr.bits - (int)y->addr.bits;
}

struct flatten {
	struct compile *c;
	struct nf_set *set;
	const struct pf_table_addr *v;
	size_t n;
	/* A range not written yet. */
	struct span open;
	bool is_open;
};

static void
write_open(struct flatten *f)
{
	char a[46], b[46];
	struct buf *out = f->set->elements;

	if (!f->is_open)
		return;
	buf_puts(out, out->len > 0 ? ", " : "");
	buf_puts(out, pf_ip_text(f->c->af, &f->open.first, a));
	if (pf_ip_cmp(&f->open.first, &f->open.last) != 0)
		buf_printf(out, "-%s", pf_ip_text(f->c->af, &f->open.last, b));
	f->is_open = false;
}

/* A range that is in the table; ranges side by side become one. */
static void
put_span(struct flatten *f, const struct pf_ip *first, const struct pf_ip *last)
{
	struct pf_ip next = f->open.last;

	if (pf_ip_cmp(first, last) > 0)
		return;
	if (f->is_open && step(f->c->af, &next, 1) &&
	    pf_ip_cmp(&next, first) == 0) {
		f->open.last = *last;
		return;
	}
	write_open(f);
	f->open.first = *first;
	f->open.last = *last;
	f->is_open = true;
}

/* Entry i, and all within it; returns the first that is not. A prefix is what
 * its entry says but for the longer ones in it. */
static size_t
flatten_one(struct flatten *f, size_t i)
{
	const struct pf_table_addr *a = &f->v[i];
	bool in = !a->not ;
	struct pf_ip at = a->addr.ip, last, before;
	bool whole = false;
	size_t j = i + 1;

	last_of(&a->addr, &last);
	while (j < f->n &&
	       pf_ip_in(&f->v[j].addr.ip, &a->addr.ip, a->addr.bits)) {
		struct pf_ip inner_last;

		if (f->v[j].addr.bits == a->addr.bits) {
			j++; /* the same again: the first holds */
			continue;
		}
		last_of(&f->v[j].addr, &inner_last);
		before = f->v[j].addr.ip;
		if (in && pf_ip_cmp(&at, &before) < 0 &&
		    step(f->c->af, &before, -1))
			put_span(f, &at, &before);
		j = flatten_one(f, j);
		at = inner_last;
		whole = !step(f->c->af, &at, 1) ||
		        pf_ip_cmp(&inner_last, &last) == 0;
	}
	if (in && !whole)
		put_span(f, &at, &last);
	return j;
}

static bool
fill_set(struct compile *c, struct nf_set *set, const struct pf_table *t)
{
	struct flatten f = { .c = c, .set = set };
	struct pf_table_addr *v;

	set->elements = arena_alloc(c->t->arena, sizeof(*set->elements));
	v = calloc(t->n + 1, sizeof(*v));
	if (v == NULL || set->elements == NULL) {
		free(v);
		return false;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->addr[i].addr.af == c->af)
			v[f.n++] = t->addr[i];
	qsort(v, f.n, sizeof(*v), by_prefix);
	f.v = v;
	for (size_t i = 0; i < f.n;)
		i = flatten_one(&f, i);
	write_open(&f);
	free(v);
	return !set->elements->failed;
}

/* Names of anchors and tables as nft can say them: other bytes as _XX. */
static const char *
escaped(struct compile *c, const char *s)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (; *s != '\0'; s++)
		if (isalnum((unsigned char)*s))
			buf_putc(&out, *s);
		else
			buf_printf(&out, "_%02x", (unsigned char)*s);
	return arena_strdup(c->t->arena, buf_str(&out));
}

static const char *
ip_type(const struct compile *c)
{
	return c->af == PF_AF_INET6 ? "ipv6_addr; flags interval"
	                            : "ipv4_addr; flags interval";
}

bool
pf_compile_tables(struct compile *c)
{
	const struct pf_ruleset *top = c->conf->main;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (const struct pf_table *t = rs->table; t != NULL;
		     t = t->next) {
			const char *name = pf_table_set(c, rs, t->name);
			struct nf_set *s =
			    nf_set_new(c->t, ip_type(c), "%s", name);

			if (s == NULL || !fill_set(c, s, t))
				return false;
		}
	return true;
}

const char *
pf_table_set(struct compile *c, const struct pf_ruleset *rs, const char *table)
{
	/* The ruleset's own, or else the main one's. */
	if (pf_table_here(rs, table) == NULL)
		rs = c->conf->main;
	return arena_printf(c->t->arena, "t_%s_%s", escaped(c, rs->path),
	                    escaped(c, table));
}

static bool
has_set(const struct compile *c, const char *name)
{
	for (const struct nf_set *s = c->t->set; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

/* --- (em0) --- */

static bool
is_of(struct compile *c, const char *ifname, const char *name)
{
	const char *pattern = if_pattern(c, name);
	size_t len = strlen(pattern);

	if (strcmp(name, "self") == 0 || strcmp(pattern, ifname) == 0)
		return true;
	return len > 1 && pattern[len - 1] == '*' &&
	       strncmp(pattern, ifname, len - 1) == 0;
}

const char *
pf_dyn_set(struct compile *c, const struct pf_addr *a)
{
	const char *name = arena_printf(c->t->arena, "i_%s_%u_%u",
	                                escaped(c, a->name), a->dyn, a->bits);
	struct pf_found_list l = { 0 };
	struct pf_table table = { 0 };
	struct nf_set *s;
	bool ok;

	if (has_set(c, name))
		return name;
	s = nf_set_new(c->t, ip_type(c), "%s", name);
	c->world->addresses(c->world->ctx, &l);
	table.addr = calloc(l.n + 1, sizeof(*table.addr));
	for (size_t i = 0; table.addr != NULL && i < l.n; i++) {
		const struct pf_found *f = &l.v[i];
		struct pf_addr *to = &table.addr[table.n].addr;
		bool network = (a->dyn & PF_DYN_NETWORK) != 0;

		if (f->af != c->af || !is_of(c, f->ifname, a->name) ||
		    ((a->dyn & PF_DYN_BROADCAST) != 0 && !f->has_broadcast) ||
		    ((a->dyn & PF_DYN_PEER) != 0 && !f->has_peer))
			continue;
		to->kind = PF_ADDR_NET;
		to->af = f->af;
		to->bits = network ? f->bits
		           : a->bits < pf_af_bits(f->af)
		               ? a->bits
		               : (uint8_t)pf_af_bits(f->af);
		to->ip = (a->dyn & PF_DYN_BROADCAST) != 0 ? f->broadcast
		         : (a->dyn & PF_DYN_PEER) != 0    ? f->peer
		                                          : f->ip;
		pf_ip_mask(&to->ip, to->bits);
		table.n++;
	}
	ok = table.addr != NULL && s != NULL && fill_set(c, s, &table);
	free(table.addr);
	pf_found_fini(&l);
	return ok ? name : NULL;
}

/* --- terms --- */

static struct nf_term *
each(struct pf_alternatives *alt, unsigned i, enum nf_field field, bool not )
{
	struct nf_term *m = nf_term_new(&alt->rule[i], field);

	if (m != NULL)
		m->not = not ;
	return m;
}

static void
add_name(struct pf_alternatives *alt, enum nf_field field, const char *name,
         bool not )
{
	for (unsigned i = 0; i < alt->n; i++) {
		struct nf_term *m = each(alt, i, field, not );

		if (m != NULL)
			m->name = name;
	}
}

static void
add_number(struct pf_alternatives *alt, enum nf_field field, uint32_t n)
{
	for (unsigned i = 0; i < alt->n; i++) {
		struct nf_term *m = each(alt, i, field, false);

		if (m != NULL)
			m->lo = n;
	}
}

static void
add_set(struct pf_alternatives *alt, enum nf_field field, const char *name,
        bool not )
{
	for (unsigned i = 0; i < alt->n; i++) {
		struct nf_term *m = each(alt, i, field, not );

		if (m != NULL) {
			m->form = NF_SET;
			m->name = name;
		}
	}
}

static bool
add_addr(struct compile *c, const struct pf_ruleset *rs,
         const struct pf_rule *r, const struct pf_peer *peer,
         enum nf_field field, struct pf_alternatives *alt)
{
	const struct pf_addr *a = &peer->addr;
	const char *side = field == NF_SADDR ? "saddr" : "daddr";
	const char *set = NULL;

	switch ((enum pf_addr_kind)a->kind) {
	case PF_ADDR_ANY:
		return !peer->not ;
	case PF_ADDR_NET:
	case PF_ADDR_RANGE:
		if (a->af != c->af)
			return false;
		if (a->kind == PF_ADDR_NET && a->bits == 0)
			return !peer->not ;
		for (unsigned i = 0; i < alt->n; i++) {
			struct nf_term *m = each(alt, i, field, peer->not );

			if (m == NULL)
				return false;
			m->ip = a->ip;
			m->last = a->last;
			m->bits = a->bits;
			m->form =
			    a->kind == PF_ADDR_RANGE ? NF_RANGE : NF_VALUE;
		}
		return true;
	case PF_ADDR_TABLE:
		set = pf_table_set(c, rs, a->name);
		if (!has_set(c, set))
			nf_set_new(c->t, ip_type(c), "%s", set);
		break;
	case PF_ADDR_DYN:
		set = pf_dyn_set(c, a);
		break;
	case PF_ADDR_NOROUTE:
		if (c->dir == PF_OUT)
			return pf_refuse(c, r, "no-route in rules for out");
		add_name(alt, NF_TEXT,
		         arena_printf(c->t->arena,
		                      peer->not ? "fib %s oif exists"
		                                : "fib %s type != local fib %s "
		                                  "oif missing",
		                      side, side),
		         false);
		return true;
	case PF_ADDR_URPF:
		if (c->dir == PF_OUT)
			return pf_refuse(c, r, "urpf-failed in rules for out");
		add_name(alt, NF_TEXT,
		         peer->not ? "fib saddr . iif oif exists"
		                   : "fib saddr . iif oif missing",
		         false);
		return true;
	}
	if (set != NULL)
		add_set(alt, field, set, peer->not );
	return set != NULL;
}

/* A comparison as one term, or as two alternatives. */
static bool
add_cmp(const struct pf_cmp *cmp, enum nf_field field, uint32_t max,
        struct pf_alternatives *alt)
{
	uint32_t lo = cmp->a, hi = cmp->a;
	bool not = false;

	switch ((enum pf_op)cmp->op) {
	case PF_OP_NONE:
		return true;
	case PF_OP_EQ:
		break;
	case PF_OP_NE:
		not = true;
		break;
	case PF_OP_LT:
	case PF_OP_LE:
		lo = 0;
		if (cmp->op == PF_OP_LT && cmp->a == 0)
			return false;
		hi = cmp->op == PF_OP_LT ? cmp->a - 1 : cmp->a;
		break;
	case PF_OP_GT:
	case PF_OP_GE:
		if (cmp->op == PF_OP_GT && cmp->a >= max)
			return false;
		lo = cmp->op == PF_OP_GT ? cmp->a + 1 : cmp->a;
		hi = max;
		break;
	case PF_OP_RANGE:
		hi = cmp->b;
		break;
	case PF_OP_INSIDE:
		if (cmp->b < 2 || cmp->a + 1 > cmp->b - 1)
			return false;
		lo = cmp->a + 1;
		hi = cmp->b - 1;
		break;
	case PF_OP_OUTSIDE: /* all but a..b */
		not = true;
		hi = cmp->b;
		break;
	}
	if (lo > hi)
		return not ;
	for (unsigned i = 0; i < alt->n; i++) {
		struct nf_term *m = each(alt, i, field, not );

		if (m == NULL)
			return false;
		m->lo = lo;
		m->hi = hi;
		/* nft 1.0.6 makes one comparison of two ports that must not be
		 * so and so, true when either differs; not of ranges. */
		m->form = lo == hi && !not ? NF_VALUE : NF_RANGE;
	}
	return true;
}

/* Flags of a rule without a protocol restrict TCP alone: either it is not
 * TCP, or it has the flags. */
static void
add_flags(const struct pf_rule *r, struct pf_alternatives *alt)
{
	unsigned n = alt->n;

	if (r->flag_mask == 0)
		return;
	if (r->proto == 0) {
		for (unsigned i = 0; i < n && alt->n < ARRAY_LEN(alt->rule);
		     i++) {
			struct nf_rule *other = &alt->rule[alt->n++];
			struct nf_term *m;

			*other = alt->rule[i];
			m = nf_term_new(other, NF_PROTO);
			if (m != NULL) {
				m->lo = PF_PROTO_TCP;
				m->not = true;
			}
		}
	}
	for (unsigned i = 0; i < n; i++) {
		struct nf_term *m = nf_term_new(&alt->rule[i], NF_TCP_FLAGS);

		if (m != NULL) {
			m->lo = r->flags;
			m->hi = r->flag_mask;
		}
	}
}

static bool
add_owner(struct compile *c, const struct pf_rule *r, const struct pf_cmp *cmp,
          enum nf_field field, struct pf_alternatives *alt)
{
	if (cmp->op == PF_OP_NONE)
		return true;
	if (c->dir == PF_IN)
		return pf_refuse(c, r,
		                 "user and group of packets that come in");
	if (cmp->a == PF_ID_UNKNOWN)
		return pf_refuse(c, r, "user unknown");
	return add_cmp(cmp, field, UINT32_MAX - 1, alt);
}

static bool
add_options(struct compile *c, const struct pf_rule *r,
            struct pf_alternatives *alt)
{
	if (r->fragment)
		return pf_refuse(c, r,
		                 "fragment: packets are put together "
		                 "first");
	if (r->os != NULL)
		return pf_refuse(c, r, "os");
	if (r->prio >= 0)
		return pf_refuse(c, r, "prio");
	if (r->tos >= 0)
		add_number(alt, NF_TOS, (uint32_t)r->tos);
	if (r->probability != 0)
		add_number(alt, NF_PROBABILITY, r->probability);
	for (unsigned i = 0; r->tagged != NULL && i < alt->n; i++) {
		struct nf_term *m = each(alt, i, NF_MARK, r->tagged_not);

		if (m == NULL)
			return false;
		m->lo = pf_tag_number(c->n, r->tagged);
		m->hi = PF_MARK_TAG;
	}
	if (r->rcv_if != NULL) {
		if (c->dir == PF_IN && !r->rcv_if_not)
			return false;
		if (c->dir == PF_OUT)
			add_name(alt, NF_IIF, if_pattern(c, r->rcv_if),
			         r->rcv_if_not);
	}
	return true;
}

bool
pf_compile_terms(struct compile *c, const struct pf_ruleset *rs,
                 const struct pf_rule *r, struct pf_alternatives *alt)
{
	memset(alt, 0, sizeof(*alt));
	alt->n = 1;
	if ((r->dir != PF_INOUT && r->dir != c->dir) ||
	    (r->af != PF_AF_NONE && r->af != c->af))
		return false;
	if (r->ifname != NULL)
		add_name(alt, c->dir == PF_IN ? NF_IIF : NF_OIF,
		         if_pattern(c, r->ifname), r->if_not);
	if (!add_addr(c, rs, r, &r->src, NF_SADDR, alt) ||
	    !add_addr(c, rs, r, &r->dst, NF_DADDR, alt))
		return false;
	if (r->proto != 0)
		add_number(alt, NF_PROTO, r->proto);
	if (!add_cmp(&r->src.port, NF_SPORT, 65535, alt) ||
	    !add_cmp(&r->dst.port, NF_DPORT, 65535, alt))
		return false;
	add_flags(r, alt);
	if (!add_owner(c, r, &r->uid, NF_UID, alt) ||
	    !add_owner(c, r, &r->gid, NF_GID, alt))
		return false;
	if (r->icmp_type != 0)
		add_number(alt, NF_ICMP_TYPE, r->icmp_type - 1U);
	if (r->icmp_code != 0)
		add_number(alt, NF_ICMP_CODE, r->icmp_code - 1U);
	return add_options(c, r, alt);
}

bool
pf_emit(struct compile *c, struct nf_chain *chain,
        const struct pf_alternatives *alt, const char *then)
{
	for (unsigned i = 0; i < alt->n; i++) {
		struct nf_rule *r = nf_rule_copy(c->t, chain, &alt->rule[i]);

		if (r == NULL || then == NULL)
			return false;
		r->then = then;
	}
	return true;
}
