/* SPDX-License-Identifier: BSD-2-Clause */
/* eval.c - what pf decides about a packet: the reference. */
#include "pf/eval.h"

#include <errno.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/ruleset.h"

/* A state: what a packet of the same crossing looks like, and the translation
 * that goes with it. wire is outside of the translation, stack inside. */
/* What rules change in packets; those of a state in each of its own. */
struct changes {
	int tos; /* -1: none */
	uint8_t min_ttl;
	bool no_df;
};

struct pf_flow {
	struct pf_flow *next;
	struct changes changes;
	const struct pf_rule *rule;
	const struct pf_ruleset *ruleset;
	const char *ifname; /* if-bound; NULL: floating */
	const char *tag;
	uint8_t dir, af, proto;
	struct pf_end {
		struct pf_ip src, dst;
		uint16_t sport, dport;
	} wire, stack;
};

struct eval {
	const struct pf_config *conf;
	const struct pf_eval_env *env;
	const struct pf_packet *in; /* as it came */
	struct pf_packet pkt;       /* as rules see it: translated, tagged */
	struct pf_verdict *v;
	struct changes changes; /* by the rules so far */
	unsigned depth;
};

/* --- conditions --- */

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

/* An interface, or a group that it is in. */
static bool
is_if(const struct eval *e, const char *ifname, const char *want)
{
	return ifname != NULL &&
	       (strcmp(ifname, want) == 0 ||
	        e->env->world->in_group(e->env->world->ctx, ifname, want));
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
		     !is_if(e, f->ifname, a->name)) ||
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
	       is_if(l->e, l->e->pkt.ifname, l->r->ifname) != l->r->if_not;
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
	       is_if(l->e, l->e->pkt.rcv_if, l->r->rcv_if) != l->r->rcv_if_not;
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

static bool
matches(const struct eval *e, const struct pf_ruleset *rs,
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

/* A binat rule seen from outside. */
static bool
matches_turned(const struct eval *e, const struct pf_ruleset *rs,
               const struct pf_rule *r)
{
	struct pf_rule turned;

	pf_rule_turn(r, &turned);
	return matches(e, rs, &turned);
}

/* --- changes --- */

static void
add_changes(struct changes *to, const struct pf_rule *r)
{
	if (r->set_tos >= 0 || r->scrub.set_tos >= 0)
		to->tos = r->set_tos >= 0 ? r->set_tos : r->scrub.set_tos;
	if (r->scrub.min_ttl != 0)
		to->min_ttl = r->scrub.min_ttl;
	to->no_df = to->no_df || r->scrub.no_df;
}

/* The bits of congestion stay. */
static void
change(const struct changes *c, struct pf_packet *pkt)
{
	if (c->tos >= 0)
		pkt->tos = (uint8_t)((c->tos & 0xfc) | (pkt->tos & 3));
	if (pkt->ttl < c->min_ttl)
		pkt->ttl = c->min_ttl;
	if (c->no_df)
		pkt->df = false;
}

/* Old rules of scrub: the first that matches. */
static void
scrub(struct eval *e)
{
	const struct pf_ruleset *rs = e->conf->main;
	struct changes c = { .tos = -1 };

	for (const struct pf_rule *r = rs->rules[PF_SCRUB].first; r != NULL;
	     r = r->next)
		if (matches(e, rs, r)) {
			if (!r->no)
				add_changes(&c, r);
			break;
		}
	change(&c, &e->pkt);
}

/* --- rulesets --- */

enum { GO_ON, STOP };

static int evaluate(struct eval *e, const struct pf_ruleset *rs, bool *matched);

/* What an anchor leads to: one ruleset, or each child in order. */
static int
enter(struct eval *e, const struct pf_rule *r, bool *matched)
{
	bool inside = false;
	int go = GO_ON;

	if (e->depth >= PF_MAX_DEPTH)
		return STOP;
	e->depth++;
	if (!r->anchor_wildcard)
		go = evaluate(e, r->anchor, &inside);
	else
		for (const struct pf_ruleset *c = r->anchor->child;
		     c != NULL && go == GO_ON; c = c->next)
			go = evaluate(e, c, &inside);
	e->depth--;
	*matched = *matched || inside;
	return go == STOP || (r->quick && inside) ? STOP : GO_ON;
}

/* The last that matches decides; quick ends it all. *matched: a pass or block
 * rule did. */
static int
evaluate(struct eval *e, const struct pf_ruleset *rs, bool *matched)
{
	for (const struct pf_rule *r = rs->rules[PF_FILTER].first; r != NULL;
	     r = r->next) {
		if (!(r->binat_to && e->pkt.dir == PF_IN
		          ? matches_turned(e, rs, r)
		          : matches(e, rs, r)))
			continue;
		if (r->tag != NULL)
			e->pkt.tag = r->tag;
		if (r->is_anchor) {
			if (enter(e, r, matched) == STOP)
				return STOP;
			continue;
		}
		if (r->action != PF_MATCH) {
			e->v->rule = r;
			e->v->ruleset = rs;
			e->v->by = PF_BY_RULE;
			e->v->pass = r->action == PF_PASS;
			*matched = true;
		} else {
			add_changes(&e->changes, r);
		}
		if (r->quick)
			return STOP;
	}
	return GO_ON;
}

/* --- translation --- */

/* Errors of ICMP belong to the connection they are about. */
static bool
is_query(const struct pf_packet *pkt)
{
	static const uint8_t errors4[] = { 3, 4, 5, 11, 12 };

	if (pkt->proto == PF_PROTO_ICMP6)
		return pkt->icmp_type >= 128;
	if (pkt->proto == PF_PROTO_ICMP)
		return memchr(errors4, pkt->icmp_type, sizeof(errors4)) == NULL;
	return true;
}

/* The first of a list that matches. */
static const struct pf_rule *
find_translation(struct eval *e, const struct pf_ruleset *rs, enum pf_kind kind)
{
	bool binat_in = kind == PF_BINAT && e->pkt.dir == PF_IN;

	for (const struct pf_rule *r = rs->rules[kind].first; r != NULL;
	     r = r->next) {
		const struct pf_rule *in = NULL;

		if (!(binat_in && !r->is_anchor && !r->no
		          ? matches_turned(e, rs, r)
		          : matches(e, rs, r)))
			continue;
		if (r->tag != NULL)
			e->pkt.tag = r->tag;
		if (!r->is_anchor)
			return r;
		if (e->depth >= PF_MAX_DEPTH)
			return NULL;
		e->depth++;
		if (!r->anchor_wildcard)
			in = find_translation(e, r->anchor, kind);
		else
			for (const struct pf_ruleset *c = r->anchor->child;
			     c != NULL && in == NULL; c = c->next)
				in = find_translation(e, c, kind);
		e->depth--;
		if (in != NULL)
			return in;
	}
	return NULL;
}

/* The bits of a network in place of those of an address. */
static struct pf_ip
in_network(const struct pf_addr *net, const struct pf_ip *ip)
{
	struct pf_ip out = *ip, low = *ip;

	pf_ip_mask(&low, net->bits);
	for (size_t i = 0; i < sizeof(out.b); i++)
		out.b[i] = (uint8_t)((ip->b[i] ^ low.b[i]) | net->ip.b[i]);
	return out;
}

/* rdr to a range of ports goes along with the range it came from. */
static uint16_t
rdr_port(const struct eval *e, const struct pf_rule *r)
{
	const struct pf_pool *pool = &r->rdr;

	if (pool->port_lo == 0)
		return e->pkt.dport;
	if (pool->port_hi > pool->port_lo)
		return (uint16_t)(pool->port_lo +
		                  (e->pkt.dport - r->dst.port.a) %
		                      (pool->port_hi - pool->port_lo + 1U));
	return pool->port_lo;
}

static void
translate(struct eval *e, const struct pf_rule *r)
{
	struct pf_packet *pkt = &e->pkt;
	bool in = pkt->dir == PF_IN;
	const struct pf_pool *pool = r->kind == PF_RDR ? &r->rdr : &r->nat;
	struct pf_verdict *v = e->v;

	if (r->no || (pool->n == 0 && r->kind != PF_BINAT))
		return;
	v->translation = r;
	v->pool = pool;
	if (r->kind == PF_BINAT && in) {
		v->new_ip = in_network(&r->src.addr, &pkt->dst);
		v->new_port = pkt->dport;
	} else if (r->kind == PF_BINAT) {
		v->new_ip = in_network(&pool->target[0].addr, &pkt->src);
		v->new_port = pkt->sport;
	} else {
		v->new_ip = pool->target[0].addr.ip;
		/* Its bits in place of those of what is translated. */
		if (pool->type == PF_POOL_BITMASK)
			v->new_ip = in_network(&pool->target[0].addr,
			                       in ? &pkt->dst : &pkt->src);
		v->new_port = in                               ? rdr_port(e, r)
		              : pool->static_port              ? pkt->sport
		              : pool->port_lo == pool->port_hi ? pool->port_lo
		                                               : 0;
	}
	if (in) {
		pkt->dst = v->new_ip;
		if (v->new_port != 0)
			pkt->dport = v->new_port;
	} else {
		pkt->src = v->new_ip;
		if (v->new_port != 0)
			pkt->sport = v->new_port;
	}
}

/* Inbound rdr and then binat, outbound binat and then nat. */
static void
consult_translation(struct eval *e)
{
	static const enum pf_kind kinds[2][2] = { { PF_RDR, PF_BINAT },
		                                  { PF_BINAT, PF_NAT } };
	const struct pf_rule *r = NULL;

	for (size_t i = 0; i < 2 && r == NULL; i++)
		r = find_translation(e, e->conf->main,
		                     kinds[e->pkt.dir == PF_OUT][i]);
	if (r != NULL)
		translate(e, r);
}

/* nat-to and rdr-to of the rule that decided. */
static void
translate_by_rule(struct eval *e)
{
	const struct pf_rule *r = e->v->rule;
	struct pf_rule as;

	/* A connection is translated with its first packet. */
	if (r == NULL || e->v->translation != NULL || e->in->known ||
	    e->in->fragment || !is_query(e->in) ||
	    !(r->nat.is_set || r->rdr.is_set) || r->af_to != 0)
		return;
	as = *r;
	as.kind = e->pkt.dir == PF_IN ? PF_RDR : PF_NAT;
	if (r->binat_to)
		as.kind = PF_BINAT;
	if ((as.kind == PF_RDR && !r->rdr.is_set) ||
	    (as.kind == PF_NAT && !r->nat.is_set))
		return;
	translate(e, &as);
	if (e->v->translation == &as) {
		e->v->translation = r;
		e->v->pool = as.kind == PF_RDR ? &r->rdr : &r->nat;
	}
}

/* --- states --- */

void
pf_flows_forget_newest(struct pf_flows *flows)
{
	struct pf_flow *next = flows->first->next;

	free(flows->first);
	flows->first = next;
}

void
pf_flows_fini(struct pf_flows *flows)
{
	while (flows->first != NULL)
		pf_flows_forget_newest(flows);
}

static bool
same_end(const struct pf_end *k, const struct pf_packet *pkt, bool turned)
{
	const struct pf_ip *src = turned ? &k->dst : &k->src;
	const struct pf_ip *dst = turned ? &k->src : &k->dst;

	return pf_ip_cmp(src, &pkt->src) == 0 &&
	       pf_ip_cmp(dst, &pkt->dst) == 0 &&
	       (turned ? k->dport : k->sport) == pkt->sport &&
	       (turned ? k->sport : k->dport) == pkt->dport;
}

/* Packets inbound look at the key of the wire, outbound at the stack's. A
 * packet the other way is the answer. */
static const struct pf_flow *
find_flow(const struct pf_flows *flows, const struct pf_packet *pkt)
{
	const struct pf_flow *f = flows != NULL ? flows->first : NULL;

	for (; f != NULL; f = f->next) {
		const struct pf_end *k =
		    pkt->dir == PF_IN ? &f->wire : &f->stack;

		if (f->af == pkt->af && f->proto == pkt->proto &&
		    (f->ifname == NULL ||
		     strcmp(f->ifname, pkt->ifname) == 0) &&
		    same_end(k, pkt, f->dir != pkt->dir))
			break;
	}
	return f;
}

/* A packet of a state goes on translated as the state says. */
static void
translate_by_state(const struct pf_flow *f, struct pf_packet *pkt)
{
	const struct pf_end *to = pkt->dir == PF_IN ? &f->stack : &f->wire;
	bool turned = f->dir != pkt->dir;

	pkt->src = turned ? to->dst : to->src;
	pkt->dst = turned ? to->src : to->dst;
	pkt->sport = turned ? to->dport : to->sport;
	pkt->dport = turned ? to->sport : to->dport;
}

static struct pf_end
end_of(const struct pf_packet *pkt)
{
	return (struct pf_end){ pkt->src, pkt->dst, pkt->sport, pkt->dport };
}

static int
keep(struct eval *e, struct pf_flows *flows)
{
	const struct pf_rule *r = e->v->rule;
	bool in = e->pkt.dir == PF_IN;
	struct pf_flow *f;

	if (flows == NULL || !e->v->makes_state)
		return 0;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return -ENOMEM;
	f->rule = r;
	f->ruleset = e->v->ruleset;
	f->ifname = r != NULL && r->so.if_bound ? e->in->ifname : NULL;
	f->tag = e->pkt.tag;
	f->changes = e->changes;
	f->dir = e->pkt.dir;
	f->af = e->pkt.af;
	f->proto = e->pkt.proto;
	f->wire = in ? end_of(e->in) : end_of(&e->pkt);
	f->stack = in ? end_of(&e->pkt) : end_of(e->in);
	f->next = flows->first;
	flows->first = f;
	return 0;
}

/* --- a packet --- */

static bool
skipped(const struct eval *e)
{
	const struct pf_options *o = &e->conf->opts;

	for (size_t i = 0; i < o->n_skip; i++)
		if (is_if(e, e->in->ifname, o->skip[i]))
			return true;
	return false;
}

static void
decide(struct eval *e)
{
	struct pf_verdict *v = e->v;
	bool matched = false, has_options = e->in->options;

	if (!e->in->fragment && !e->in->known && is_query(e->in))
		consult_translation(e);
	if (v->translation != NULL && v->translation->pass) {
		v->by = PF_BY_NAT_PASS;
		v->rule = v->translation;
		v->pass = true;
	} else {
		evaluate(e, e->conf->main, &matched);
	}
	if (v->pass)
		translate_by_rule(e);
	if (v->pass && v->by == PF_BY_RULE)
		add_changes(&e->changes, v->rule);
	v->makes_state = v->pass && !e->in->fragment && is_query(e->in) &&
	                 ((v->rule != NULL && v->rule->kind == PF_FILTER &&
	                   v->rule->state != PF_STATE_NONE) ||
	                  v->translation != NULL);
	if (v->pass && has_options &&
	    !(v->rule != NULL && v->rule->allow_opts)) {
		v->pass = false;
		v->by = PF_BY_OPTIONS;
	}
}

/* A packet of a state. */
static void
by_state(struct eval *e, const struct pf_flow *f)
{
	struct pf_verdict *v = e->v;

	v->by = PF_BY_STATE;
	v->rule = f->rule;
	v->ruleset = f->ruleset;
	if (f->tag != NULL)
		e->pkt.tag = f->tag;
	translate_by_state(f, &e->pkt);
	e->changes = f->changes;
	/* The rule that made the state lets options pass, or not. */
	if (e->in->options && !(f->rule != NULL && f->rule->allow_opts)) {
		v->pass = false;
		v->by = PF_BY_OPTIONS;
	}
}

int
pf_eval(const struct pf_config *conf, const struct pf_eval_env *env,
        struct pf_flows *flows, const struct pf_packet *pkt,
        struct pf_verdict *out)
{
	struct eval e = { .conf = conf,
		          .env = env,
		          .in = pkt,
		          .pkt = *pkt,
		          .v = out,
		          .changes = { .tos = -1 } };
	const struct pf_flow *f;
	int code = 0;

	memset(out, 0, sizeof(*out));
	out->pass = true;
	out->after = *pkt;
	if (skipped(&e)) {
		out->by = PF_BY_SKIP;
		return 0;
	}
	scrub(&e);
	f = pkt->fragment ? NULL : find_flow(flows, pkt);
	if (f != NULL)
		by_state(&e, f);
	else
		decide(&e);
	if (f == NULL && out->pass)
		code = keep(&e, flows);
	change(&e.changes, &e.pkt);
	out->tag = e.pkt.tag;
	out->after = e.pkt;
	return code;
}
