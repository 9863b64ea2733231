/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_terms.c - a rule's conditions as terms of nftables. */
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

const char *
pf_if_pattern(struct compile *c, const char *ifname)
{
	const char *name = pf_linux_ifname(ifname);
	size_t len = strlen(name);

	if (len == 0 || isdigit((unsigned char)name[len - 1]) ||
	    c->world->is_interface(c->world->ctx, name))
		return name;
	return arena_printf(c->t->arena, "%s*", name);
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

/* Is an address in one of a table's two sets, which hold different ones? */
static bool
add_table(struct compile *c, const struct pf_ruleset *rs,
          const struct pf_peer *peer, enum nf_field field,
          struct pf_alternatives *alt)
{
	struct pf_table_sets sets;
	const unsigned n = alt->n;
	struct nf_term *m;

	if (!pf_table_sets(c, rs, peer->addr.name, &sets))
		return false;
	if (sets.single != NULL && !peer->not ) {
		if (2 * n > ARRAY_LEN(alt->rule))
			return false;
		memcpy(&alt->rule[n], alt->rule, n * sizeof(alt->rule[0]));
		for (unsigned i = n; i < 2 * n; i++) {
			m = each(alt, i, field, false);
			if (m == NULL)
				return false;
			m->form = NF_SET;
			m->name = sets.single;
		}
	}
	/* Those there were. */
	add_set(alt, field, sets.range, peer->not );
	if (sets.single != NULL && peer->not )
		add_set(alt, field, sets.single, true);
	alt->n = sets.single != NULL && !peer->not ? 2 * n : n;
	return true;
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
		return add_table(c, rs, peer, field, alt);
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

/* "Class" or "Class Version", of what the kernel's fingerprints call so; SYNs
 * of IPv4 alone have them. */
static bool
add_os(struct compile *c, const struct pf_rule *r, struct pf_alternatives *alt)
{
	const char *version = strchr(r->os, ' ');

	if (c->dir == PF_OUT)
		return pf_refuse(c, r, "os in rules for out");
	if (strpbrk(r->os, "\"\\:") != NULL ||
	    (version != NULL && strchr(version + 1, ' ') != NULL))
		return pf_refuse(c, r, "os but a class and a version");
	if (c->af != PF_AF_INET)
		return false;
	if (version == NULL)
		add_name(alt, NF_TEXT,
		         arena_printf(c->t->arena, "osf ttl loose name \"%s\"",
		                      r->os),
		         false);
	else
		add_name(alt, NF_TEXT,
		         arena_printf(
		             c->t->arena, "osf ttl loose version \"%.*s:%s\"",
		             (int)(version - r->os), r->os, version + 1),
		         false);
	return true;
}

static bool
add_options(struct compile *c, const struct pf_rule *r,
            struct pf_alternatives *alt)
{
	/* They are put together before any rule sees them. */
	if (r->fragment)
		return false;
	if (r->os != NULL && !add_os(c, r, alt))
		return false;
	/* A rule that is done with: see pf_say_once(). */
	if (r->once)
		add_name(alt, NF_TEXT,
		         arena_printf(c->t->arena, "meta protocol != @%s",
		                      pf_once_set(c, r)),
		         false);
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
			add_name(alt, NF_IIF, pf_if_pattern(c, r->rcv_if),
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
		         pf_if_pattern(c, r->ifname), r->if_not);
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
