/* SPDX-License-Identifier: BSD-2-Clause */
/* eval_match.c - does a rule match a packet? In pf's order of tests. */
#include <string.h>

#include "pf/addr.h"
#include "pf/eval_internal.h"
#include "pf/ruleset.h"
#include "pf/tablefile.h"

bool
pf_cmp_holds(const struct pf_cmp *c, uint32_t n)
{
	switch ((enum pf_op)c->op) {
	case PF_OP_NONE:
		return true;
	case PF_OP_EQ:
		return n == c->a;
	case PF_OP_NE:
		return n != c->a;
	case PF_OP_LT:
		return n < c->a;
	case PF_OP_LE:
		return n <= c->a;
	case PF_OP_GT:
		return n > c->a;
	case PF_OP_GE:
		return n >= c->a;
	case PF_OP_RANGE:
		return n >= c->a && n <= c->b;
	case PF_OP_INSIDE:
		return n > c->a && n < c->b;
	case PF_OP_OUTSIDE:
		return n < c->a || n > c->b;
	}
	return false;
}

bool
pf_eval_is_if(const struct eval *e, const char *ifname, const char *want)
{
	return ifname != NULL &&
	       (strcmp(ifname, want) == 0 ||
	        e->env->world->in_group(e->env->world->ctx, ifname, want));
}

/* What a table holds by now. */
static bool
in_content(const struct eval *e, const struct pf_content *c,
           const struct pf_ip *ip)
{
	const unsigned f = pf_family(e->pkt.af);
	const struct pf_entry *v = c->entries.v[f];
	const size_t n = c->entries.n[f];
	size_t at = pf_entry_match(v, n, ip, pf_af_bits(e->pkt.af));

	return at < n && !v[at].not ;
}

/* The longest prefix that holds the address says whether it is in the table:
 * a negated one makes a hole. */
static bool
in_table(const struct eval *e, const struct pf_ruleset *rs, const char *name,
         const struct pf_ip *ip)
{
	const struct pf_table *t = pf_table_find(rs, name);
	int longest = -1, changed = -1;
	bool in = false;

	if (e->env->in_table != NULL)
		changed =
		    e->env->in_table(e->env->ctx, rs, name, e->pkt.af, ip);
	if (changed >= 0)
		return changed != 0;
	if (t != NULL && t->content != NULL)
		return in_content(e, t->content, ip);
	for (size_t i = 0; t != NULL && i < t->n; i++) {
		const struct pf_table_addr *a = &t->addr[i];

		if (a->addr.af == e->pkt.af && a->addr.bits > longest &&
		    pf_ip_in(ip, &a->addr.ip, a->addr.bits)) {
			longest = a->addr.bits;
			in = !a->not ;
		}
	}
	return in;
}

/* (name): an address, or the networks, that an interface has now. */
static bool
in_interface(const struct eval *e, const struct pf_addr *a,
             const struct pf_ip *ip)
{
	const struct pf_world *w = e->env->world;
	struct pf_found_list l = { 0 };
	bool in = false;

	w->addresses(w->ctx, &l);
	for (size_t i = 0; i < l.n && !in; i++) {
		const struct pf_found *f = &l.v[i];
		const struct pf_ip *at =
		    (a->dyn & PF_DYN_BROADCAST) != 0 ? &f->broadcast
		    : (a->dyn & PF_DYN_PEER) != 0    ? &f->peer
		                                     : &f->ip;
		unsigned bits = pf_af_bits(f->af);

		if (f->af != e->pkt.af ||
		    (strcmp(a->name, "self") != 0 &&
		     !pf_eval_is_if(e, f->ifname, a->name)) ||
		    ((a->dyn & PF_DYN_BROADCAST) != 0 && !f->has_broadcast) ||
		    ((a->dyn & PF_DYN_PEER) != 0 && !f->has_peer))
			continue;
		if ((a->dyn & PF_DYN_NETWORK) != 0)
			bits = f->bits;
		else if (a->bits < bits)
			bits = a->bits;
		in = pf_ip_in(ip, at, bits);
	}
	pf_found_fini(&l);
	return in;
}

static bool
routed(const struct eval *e, const struct pf_ip *ip, const char *ifname)
{
	return e->env->has_route == NULL ||
	       e->env->has_route(e->env->ctx, e->pkt.af, ip, ifname);
}

static bool
is_addr(const struct eval *e, const struct pf_ruleset *rs,
        const struct pf_addr *a, const struct pf_ip *ip)
{
	switch ((enum pf_addr_kind)a->kind) {
	case PF_ADDR_ANY:
		return true;
	case PF_ADDR_NET:
		return a->af == e->pkt.af && pf_ip_in(ip, &a->ip, a->bits);
	case PF_ADDR_RANGE:
		return a->af == e->pkt.af && pf_ip_cmp(ip, &a->ip) >= 0 &&
		       pf_ip_cmp(ip, &a->last) <= 0;
	case PF_ADDR_TABLE:
		return in_table(e, rs, a->name, ip);
	case PF_ADDR_DYN:
		return in_interface(e, a, ip);
	case PF_ADDR_NOROUTE:
		return !routed(e, ip, NULL);
	case PF_ADDR_URPF:
		return !routed(e, ip, e->pkt.ifname);
	}
	return false;
}

/* --- one rule --- */

struct look {
	const struct eval *e;
	const struct pf_ruleset *rs;
	const struct pf_rule *r;
};

static bool
test_interface(const struct look *l)
{
	return l->r->ifname == NULL ||
	       pf_eval_is_if(l->e, l->e->pkt.ifname, l->r->ifname) !=
	           l->r->if_not;
}

static bool
test_direction(const struct look *l)
{
	return l->r->dir == PF_INOUT || l->r->dir == l->e->pkt.dir;
}

static bool
test_af(const struct look *l)
{
	return l->r->af == PF_AF_NONE || l->r->af == l->e->pkt.af;
}

static bool
test_proto(const struct look *l)
{
	return l->r->proto == 0 || l->r->proto == l->e->pkt.proto;
}

static bool
test_src(const struct look *l)
{
	return is_addr(l->e, l->rs, &l->r->src.addr, &l->e->pkt.src) !=
	       l->r->src.not ;
}

static bool
test_dst(const struct look *l)
{
	return is_addr(l->e, l->rs, &l->r->dst.addr, &l->e->pkt.dst) !=
	       l->r->dst.not ;
}

/* A part of a packet has no ports: rules that ask for what it lacks pass it
 * by. */
static bool
test_parts(const struct look *l)
{
	const struct pf_rule *r = l->r;

	return !l->e->pkt.fragment ||
	       (r->src.port.op == PF_OP_NONE && r->dst.port.op == PF_OP_NONE &&
	        r->flag_mask == 0 && r->icmp_type == 0 && r->icmp_code == 0 &&
	        r->uid.op == PF_OP_NONE && r->gid.op == PF_OP_NONE);
}

/* Flags without proto tcp restrict TCP alone. */
static bool
test_flags(const struct look *l)
{
	return l->e->pkt.fragment || l->e->pkt.proto != PF_PROTO_TCP ||
	       (l->e->pkt.tcp_flags & l->r->flag_mask) == l->r->flags;
}

static bool
test_sport(const struct look *l)
{
	return l->r->src.port.op == PF_OP_NONE ||
	       (pf_has_ports(l->e->pkt.proto) &&
	        pf_cmp_holds(&l->r->src.port, l->e->pkt.sport));
}

static bool
test_dport(const struct look *l)
{
	return l->r->dst.port.op == PF_OP_NONE ||
	       (pf_has_ports(l->e->pkt.proto) &&
	        pf_cmp_holds(&l->r->dst.port, l->e->pkt.dport));
}

static bool
is_owner(const struct look *l, const struct pf_cmp *c, uint32_t id)
{
	if (c->op == PF_OP_NONE)
		return true;
	if (!pf_has_ports(l->e->pkt.proto))
		return false;
	return pf_cmp_holds(c, l->e->pkt.has_owner ? id : PF_ID_UNKNOWN);
}

static bool
test_user(const struct look *l)
{
	return is_owner(l, &l->r->uid, l->e->pkt.uid);
}

static bool
test_group(const struct look *l)
{
	return is_owner(l, &l->r->gid, l->e->pkt.gid);
}

static bool
test_icmp_type(const struct look *l)
{
	return l->r->icmp_type == 0 ||
	       l->r->icmp_type == l->e->pkt.icmp_type + 1;
}

static bool
test_icmp_code(const struct look *l)
{
	return l->r->icmp_code == 0 ||
	       l->r->icmp_code == l->e->pkt.icmp_code + 1;
}

static bool
test_tos(const struct look *l)
{
	return l->r->tos < 0 || l->r->tos == l->e->pkt.tos;
}

static bool
test_prio(const struct look *l)
{
	return l->r->prio < 0 || l->r->prio == l->e->pkt.prio;
}

/* Each rule draws its own number. */
static bool
test_probability(const struct look *l)
{
	const struct pf_eval_env *env = l->e->env;

	return l->r->probability == 0 || env->random == NULL ||
	       env->random(env->ctx) < l->r->probability;
}

static bool
test_tagged(const struct look *l)
{
	const char *tag = l->e->pkt.tag;

	return l->r->tagged == NULL ||
	       (tag != NULL && strcmp(tag, l->r->tagged) == 0) !=
	           l->r->tagged_not;
}

static bool
test_received_on(const struct look *l)
{
	return l->r->rcv_if == NULL ||
	       pf_eval_is_if(l->e, l->e->pkt.rcv_if, l->r->rcv_if) !=
	           l->r->rcv_if_not;
}

static bool
test_fragment(const struct look *l)
{
	return !l->r->fragment || l->e->pkt.fragment;
}

static bool
test_os(const struct look *l)
{
	return l->r->os == NULL ||
	       (l->e->pkt.os != NULL && strcmp(l->r->os, l->e->pkt.os) == 0);
}

/* In pf's order, which is that of its counters. */
static const struct test {
	const char *what;
	bool (*holds)(const struct look *l);
} tests[] = {
	{ "interface", test_interface },
	{ "direction", test_direction },
	{ "address family", test_af },
	{ "protocol", test_proto },
	{ "source address", test_src },
	{ "destination address", test_dst },
	{ "fragment without ports", test_parts },
	{ "flags", test_flags },
	{ "source port", test_sport },
	{ "destination port", test_dport },
	{ "user", test_user },
	{ "group", test_group },
	{ "icmp type", test_icmp_type },
	{ "icmp code", test_icmp_code },
	{ "tos", test_tos },
	{ "prio", test_prio },
	{ "probability", test_probability },
	{ "tagged", test_tagged },
	{ "received-on", test_received_on },
	{ "fragment", test_fragment },
	{ "os", test_os },
};

bool
pf_eval_matches(const struct eval *e, const struct pf_ruleset *rs,
                const struct pf_rule *r)
{
	const struct look l = { e, rs, r };
	const char *differs = NULL;

	for (size_t i = 0; i < ARRAY_LEN(tests) && differs == NULL; i++)
		if (!tests[i].holds(&l))
			differs = tests[i].what;
	if (e->env->visit != NULL)
		e->env->visit(e->env->ctx, rs, r, differs);
	return differs == NULL;
}

bool
pf_eval_matches_turned(const struct eval *e, const struct pf_ruleset *rs,
                       const struct pf_rule *r)
{
	struct pf_rule turned;

	pf_rule_turn(r, &turned);
	return pf_eval_matches(e, rs, &turned);
}
