/* SPDX-License-Identifier: BSD-2-Clause */
/* build_expand.c - a rule with lists becomes single rules.
 *
 * The dimensions stand in a table, outermost first; the last varies fastest.
 */
#include <string.h>

#include "pf/build.h"
#include "pf/ruleset.h"

/* --- can it ever be right? --- */

/* Rows of what is wrong, told in this order. */
struct wrong {
	bool (*is)(const struct pf_rule *r);
	const char *text;
};

static bool
port_without_proto(const struct pf_rule *r)
{
	return !pf_has_ports(r->proto) &&
	       (r->src.port.op != PF_OP_NONE || r->dst.port.op != PF_OP_NONE);
}

static bool
icmp_without_proto(const struct pf_rule *r)
{
	return r->proto != PF_PROTO_ICMP && r->proto != PF_PROTO_ICMP6 &&
	       (r->icmp_type != 0 || r->icmp_code != 0);
}

static bool
icmp_without_af(const struct pf_rule *r)
{
	return r->af == PF_AF_NONE && (r->icmp_type != 0 || r->icmp_code != 0);
}

static bool
overload_without_limit(const struct pf_rule *r)
{
	return r->so.overload != NULL && r->so.max_src_conn == 0 &&
	       r->so.rate_seconds == 0;
}

static bool
icmp_on_inet6(const struct pf_rule *r)
{
	return r->proto == PF_PROTO_ICMP && r->af == PF_AF_INET6;
}

static bool
icmp6_on_inet(const struct pf_rule *r)
{
	return r->proto == PF_PROTO_ICMP6 && r->af == PF_AF_INET;
}

static bool
allow_opts_not_pass(const struct pf_rule *r)
{
	return r->allow_opts && r->action != PF_PASS;
}

static bool
fragment_with_ports(const struct pf_rule *r)
{
	return r->fragment &&
	       (r->src.port.op != PF_OP_NONE || r->dst.port.op != PF_OP_NONE ||
	        r->flag_mask != 0 || r->icmp_type != 0 || r->icmp_code != 0);
}

static bool
rst_not_tcp(const struct pf_rule *r)
{
	return r->action == PF_BLOCK && r->ret == PF_RETURN_RST &&
	       r->proto != PF_PROTO_TCP;
}

static bool
nodes_without_rule(const struct pf_rule *r)
{
	return r->so.max_src_nodes != 0 && r->so.track != PF_TRACK_RULE;
}

static bool
state_not_pass(const struct pf_rule *r)
{
	return r->action != PF_PASS && r->state != PF_STATE_NONE;
}

static bool
sloppy_with_more(const struct pf_rule *r)
{
	return r->so.sloppy &&
	       (r->state == PF_STATE_MODULATE || r->state == PF_STATE_SYNPROXY);
}

static bool
match_diverts(const struct pf_rule *r)
{
	return r->action == PF_MATCH && r->divert_port != 0;
}

static bool
match_routes(const struct pf_rule *r)
{
	return r->action == PF_MATCH && r->route != PF_ROUTE_NONE;
}

static const struct wrong filter_wrongs[] = {
	{ port_without_proto, "port only applies to tcp/udp/sctp" },
	{ icmp_without_proto, "icmp-type/code only applies to icmp" },
	{ icmp_without_af, "must indicate address family with icmp-type/code" },
	{ overload_without_limit, "'overload' requires 'max-src-conn' or "
	                          "'max-src-conn-rate'" },
	{ icmp_on_inet6, "proto icmp doesn't match address family inet6" },
	{ icmp6_on_inet, "proto icmp6 doesn't match address family inet" },
	{ allow_opts_not_pass,
	  "allow-opts can only be specified for pass rules" },
	{ fragment_with_ports,
	  "fragments can be filtered only on IP header fields" },
	{ rst_not_tcp, "return-rst can only be applied to TCP rules" },
	{ nodes_without_rule, "max-src-nodes requires 'source-track rule'" },
	{ state_not_pass, "keep state is great, but only for pass rules" },
	{ sloppy_with_more, "sloppy state matching cannot be used with "
	                    "synproxy state or modulate state" },
	{ match_diverts, "divert is not supported on match rules" },
	{ match_routes, "route-to, reply-to, dup-to and fastroute must not be "
	                "used on match rules" },
};

static bool
rdr_src_port(const struct pf_rule *r)
{
	return !pf_has_ports(r->proto) && r->src.port.op != PF_OP_NONE;
}

static bool
rdr_dst_port(const struct pf_rule *r)
{
	return !pf_has_ports(r->proto) && r->dst.port.op != PF_OP_NONE;
}

static bool
rdr_pool_port(const struct pf_rule *r)
{
	return !pf_has_ports(r->proto) && r->rdr.port_lo != 0;
}

static bool
rdr_port_op(const struct pf_rule *r)
{
	return r->dst.port.op != PF_OP_NONE && r->dst.port.op != PF_OP_EQ &&
	       r->dst.port.op != PF_OP_RANGE;
}

static const struct wrong rdr_wrongs[] = {
	{ rdr_src_port, "src port only applies to tcp/udp/sctp" },
	{ rdr_dst_port, "dst port only applies to tcp/udp/sctp" },
	{ rdr_pool_port, "rpool port only applies to tcp/udp/sctp" },
	{ rdr_port_op, "invalid port operator for rdr destination port" },
};

static bool
tell_wrongs(struct pf_parser *p, const struct wrong *w, size_t n,
            const struct pf_rule *r)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		if (w[i].is(r)) {
			pf_complain(p, "%s", w[i].text);
			ok = false;
		}
	return ok;
}

bool
pf_rule_check(struct pf_parser *p, const struct pf_rule *r)
{
	if (r->kind == PF_FILTER || r->kind == PF_SCRUB)
		return tell_wrongs(p, filter_wrongs, ARRAY_LEN(filter_wrongs),
		                   r);
	if (r->kind == PF_RDR && !r->is_anchor)
		return tell_wrongs(p, rdr_wrongs, ARRAY_LEN(rdr_wrongs), r);
	return true;
}

/* --- expansion --- */

struct expansion {
	struct pf_parser *p;
	const struct pf_rule *tmpl;
	const struct pf_lists *l;
	/* The combination at hand; NULL: any. */
	const struct pf_one *ifs, *proto, *icmp, *src_port, *dst_port, *os,
	    *uid, *gid;
	const struct pf_hostaddr *src, *dst;
	bool added;
};

static void
set_peer(struct pf_peer *peer, const struct pf_hostaddr *h,
         const struct pf_one *port)
{
	if (h != NULL) {
		peer->addr = h->addr;
		peer->not = h->not ;
	}
	if (port != NULL)
		peer->port = port->cmp;
}

static bool
differ(unsigned a, unsigned b)
{
	return a != 0 && b != 0 && a != b;
}

static bool
names_differ(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) != 0;
}

/* Families and scopes that exclude each other make no rule, in silence. */
static bool
fits(const struct expansion *x)
{
	unsigned af = x->tmpl->af;
	unsigned src = x->src != NULL ? x->src->addr.af : 0;
	unsigned dst = x->dst != NULL ? x->dst->addr.af : 0;
	const char *ifname =
	    x->ifs != NULL && !x->ifs->not ? x->ifs->name : NULL;
	const char *scope = x->src != NULL ? x->src->ifname : NULL;
	const char *dscope = x->dst != NULL ? x->dst->ifname : NULL;

	return !differ(af, src) && !differ(af, dst) && !differ(src, dst) &&
	       !names_differ(scope, dscope) && !names_differ(scope, ifname) &&
	       !names_differ(dscope, ifname);
}

static void
set_interface(const struct expansion *x, struct pf_rule *r)
{
	if (x->ifs != NULL && x->ifs->name != NULL) {
		r->ifname = x->ifs->name;
		r->if_not = x->ifs->not ;
	} else if (x->src != NULL && x->src->ifname != NULL) {
		r->ifname = x->src->ifname;
	} else if (x->dst != NULL && x->dst->ifname != NULL) {
		r->ifname = x->dst->ifname;
	}
}

/* What holds for TCP alone falls off rules of other protocols. */
static void
fit_to_proto(struct pf_rule *r)
{
	if (r->proto == 0 || r->proto == PF_PROTO_TCP)
		return;
	if (r->state == PF_STATE_MODULATE || r->state == PF_STATE_SYNPROXY)
		r->state = PF_STATE_KEEP;
	r->flags = r->flag_mask = 0;
}

static bool
fill_pools(struct expansion *x, struct pf_rule *r)
{
	unsigned out_af = r->af_to != 0 ? r->af_to : r->af;

	return pf_pool_fill(x->p, &x->l->route, r->af, &r->route_pool) &&
	       pf_pool_fill(x->p, &x->l->nat, out_af, &r->nat) &&
	       pf_pool_fill(x->p, &x->l->rdr, out_af, &r->rdr);
}

static void
add_rule(struct expansion *x)
{
	struct pf_parser *p = x->p;
	struct pf_rule *r;
	bool ok = true;

	if (!fits(x))
		return;
	r = arena_alloc(p->arena, sizeof(*r));
	if (r == NULL)
		return;
	*r = *x->tmpl;
	set_peer(&r->src, x->src, x->src_port);
	set_peer(&r->dst, x->dst, x->dst_port);
	if (r->af == PF_AF_NONE)
		r->af = r->src.addr.af != 0 ? r->src.addr.af : r->dst.addr.af;
	set_interface(x, r);
	r->proto = x->proto != NULL ? x->proto->proto : 0;
	r->os = x->os != NULL ? x->os->name : NULL;
	if (x->uid != NULL)
		r->uid = x->uid->cmp;
	if (x->gid != NULL)
		r->gid = x->gid->cmp;
	fit_to_proto(r);
	if (x->icmp != NULL) {
		r->icmp_type = x->icmp->type;
		r->icmp_code = x->icmp->code;
		if (r->proto != x->icmp->proto) {
			pf_complain(p, "icmp-type mismatch");
			ok = false;
		}
	}
	if (!fill_pools(x, r))
		return;
	if (!pf_rule_check(p, r) || !ok) {
		pf_complain(p, "skipping rule due to errors");
		return;
	}
	x->added = true;
	if (p->conf->n_rules >= PF_MAX_RULES)
		p->arena->failed = true;
	else if ((p->env->want & (r->kind == PF_FILTER || r->kind == PF_SCRUB ||
	                                  r->kind == PF_ETHER
	                              ? PF_WANT_FILTER
	                              : PF_WANT_NAT)) != 0)
		pf_rules_add(p->conf, p->ruleset, r);
}

/* One dimension: its list, and where the item at hand is kept. */
static const struct dimension {
	size_t list, item;
	bool hosts;
} dimensions[] = {
#define ONE(field, at)                                                         \
	{                                                                      \
		offsetof(struct pf_lists, field),                              \
		    offsetof(struct expansion, at), false                      \
	}
#define HOST(field)                                                            \
	{                                                                      \
		offsetof(struct pf_lists, field),                              \
		    offsetof(struct expansion, field), true                    \
	}
	ONE(ifs, ifs),  ONE(protos, proto),       ONE(icmp, icmp),
	HOST(src),      ONE(src_ports, src_port), ONE(os, os),
	HOST(dst),      ONE(dst_ports, dst_port), ONE(uids, uid),
	ONE(gids, gid),
#undef ONE
#undef HOST
};

static void walk(struct expansion *x, size_t n);

/* Each item of a list in turn; once with none when the list is empty. */
static void
walk_ones(struct expansion *x, size_t n, const struct pf_ones *l,
          const struct pf_one **at)
{
	*at = l->first;
	do
		walk(x, n + 1);
	while (!x->p->arena->failed && *at != NULL &&
	       (*at = (*at)->next) != NULL);
}

static void
walk_hosts(struct expansion *x, size_t n, const struct pf_hosts *l,
           const struct pf_hostaddr **at)
{
	*at = l->first;
	do
		walk(x, n + 1);
	while (!x->p->arena->failed && *at != NULL &&
	       (*at = (*at)->next) != NULL);
}

static void
walk(struct expansion *x, size_t n)
{
	const struct dimension *d = &dimensions[n];
	const void *list;
	void *at;

	if (n == ARRAY_LEN(dimensions)) {
		add_rule(x);
		return;
	}
	list = (const char *)x->l + d->list;
	at = (char *)x + d->item;
	if (d->hosts)
		walk_hosts(x, n, list, at);
	else
		walk_ones(x, n, list, at);
}

void
pf_expand(struct pf_parser *p, const struct pf_rule *tmpl,
          const struct pf_lists *l)
{
	struct expansion x = { .p = p, .tmpl = tmpl, .l = l };

	walk(&x, 0);
	if (!x.added && !p->arena->failed)
		pf_complain(p, "rule expands to no valid combination");
}
