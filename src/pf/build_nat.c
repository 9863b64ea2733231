/* SPDX-License-Identifier: BSD-2-Clause */
/* build_nat.c - nat, rdr, binat, and their like in filter rules. */
#include <string.h>

#include "pf/build.h"

/* The ports pf takes for nat when none are said. */
enum { NAT_LO = 50001, NAT_HI = 65535 };

/* The family of the first that has one, unless it is a scope's. */
static void
af_of_first(const struct pf_hosts *l, struct pf_rule *r)
{
	if (r->af == PF_AF_NONE && l->first != NULL && l->first->ifname == NULL)
		r->af = l->first->addr.af;
}

/* Only taking turns suits several addresses; one kind at a time is told. */
static bool
pool_type(struct pf_parser *p, const struct pf_hosts *hosts,
          struct pf_pool *pool)
{
	const struct pf_hostaddr *h = hosts->first;
	bool many = h->next != NULL;

	if (pool->type == PF_POOL_NONE &&
	    (many || h->addr.kind == PF_ADDR_TABLE ||
	     pf_addr_is_many(&h->addr)))
		pool->type = PF_POOL_ROUNDROBIN;
	if (pool->type == PF_POOL_ROUNDROBIN)
		return true;
	if (many) {
		pf_complain(p, "only round-robin valid for multiple "
		               "redirection addresses");
		return false;
	}
	if (h->addr.kind == PF_ADDR_TABLE) {
		pf_complain(p, "tables are only supported in round-robin "
		               "redirection pools");
		return false;
	}
	if (pf_addr_is_many(&h->addr)) {
		pf_complain(p,
		            "interface (%s) is only supported in "
		            "round-robin redirection pools",
		            h->addr.name);
		return false;
	}
	return true;
}

static bool
pool_port(struct pf_parser *p, const struct pf_pool_stmt *ps,
          struct pf_cmp *port, bool *star)
{
	*port = (struct pf_cmp){ 0 };
	*star = false;
	return !ps->has_port || pf_port_range(p, &ps->port, true, port, star);
}

static bool
nat_ports(struct pf_parser *p, const struct pf_pool_stmt *ps,
          struct pf_pool *pool)
{
	struct pf_cmp port;
	bool star;

	if (!pool_port(p, ps, &port, &star))
		return false;
	pool->port_lo = (uint16_t)port.a;
	pool->port_hi = (uint16_t)port.b;
	if (port.a == 0 && port.b == 0) {
		pool->port_lo = NAT_LO;
		pool->port_hi = NAT_HI;
	} else if (port.b == 0) {
		pool->port_hi = pool->port_lo;
	}
	if (!pool->static_port)
		return true;
	if (pool->port_lo != NAT_LO || pool->port_hi != NAT_HI) {
		pf_complain(p, "the 'static-port' option can't be used when "
		               "specifying a port range");
		return false;
	}
	pool->port_lo = pool->port_hi = 0;
	return true;
}

/* port a:* goes on as far as the range of destination ports does. */
static bool
rdr_ports(struct pf_parser *p, const struct pf_pool_stmt *ps,
          const struct pf_ones *dst_ports, struct pf_pool *pool)
{
	struct pf_cmp port;
	bool star;

	if (!pool_port(p, ps, &port, &star))
		return false;
	pool->port_lo = (uint16_t)port.a;
	pool->port_hi = (uint16_t)port.b;
	if (star && dst_ports->first != NULL &&
	    dst_ports->first->cmp.op == PF_OP_RANGE)
		pool->port_hi = (uint16_t)(port.a + dst_ports->first->cmp.b -
		                           dst_ports->first->cmp.a);
	if (!pool->static_port)
		return true;
	pf_complain(p, "the 'static-port' option is only valid with nat "
	               "rules");
	return false;
}

/* The addresses of a pool, of the rule's family. */
static bool
pool_hosts(struct pf_parser *p, const struct pf_pool_stmt *ps, unsigned af,
           struct pf_pool *pool, struct pf_hosts *hosts)
{
	if (!pf_pool_build(p, ps, pool, hosts))
		return false;
	pf_keep_af(hosts, af);
	if (hosts->first != NULL)
		return true;
	pf_complain(p, "no translation address with matching address family "
	               "found.");
	return false;
}

void
pf_build_nat(struct pf_parser *p, struct pf_stmt *s)
{
	bool rdr = s->trans == PF_RDR;
	const struct pf_pool_stmt *ps = rdr ? &s->rdr : &s->nat;
	struct pf_lists l = { 0 };
	struct pf_hosts *hosts = rdr ? &l.rdr : &l.nat;
	struct pf_pool *pool;
	struct pf_rule r;

	pf_rule_init(p, s, s->trans, &r);
	pool = rdr ? &r.rdr : &r.nat;
	if (s->no && s->pass) {
		pf_complain(p, "\"pass\" not valid with \"no\"");
		return;
	}
	if (!pf_rule_common(p, s, &r, &l))
		return;
	af_of_first(&l.src, &r);
	af_of_first(&l.dst, &r);
	if (s->no) {
		if (ps->is_set)
			pf_complain(p, "translation rule with 'no' does not "
			               "need '->'");
		else
			pf_expand(p, &r, &l);
		return;
	}
	if (!ps->is_set || ps->hosts.first == NULL) {
		pf_complain(p, "translation rule requires '-> address'");
		return;
	}
	if (!pf_pool_build(p, ps, pool, hosts))
		return;
	af_of_first(hosts, &r);
	pf_keep_af(hosts, r.af);
	if (hosts->first == NULL) {
		pf_complain(p, "no translation address with matching address "
		               "family found.");
		return;
	}
	if (!(rdr ? rdr_ports(p, ps, &l.dst_ports, pool)
	          : nat_ports(p, ps, pool)) ||
	    !pool_type(p, hosts, pool))
		return;
	pf_expand(p, &r, &l);
}

/* --- binat --- */

static bool
binat_wrong(struct pf_parser *p, const char *text)
{
	pf_complain(p, "%s", text);
	return false;
}

/* One address, of one family, the same size on both sides. */
static bool
binat_hosts(struct pf_parser *p, struct pf_rule *r, const struct pf_lists *l)
{
	const struct pf_hostaddr *src = l->src.first, *to = l->nat.first;

	if (src->addr.kind == PF_ADDR_TABLE || src->addr.kind == PF_ADDR_DYN ||
	    src->addr.kind == PF_ADDR_NOROUTE) {
		pf_complain(p,
		            "invalid use of %s%s%s as the source address "
		            "of a binat rule",
		            src->addr.kind == PF_ADDR_TABLE     ? "table <"
		            : src->addr.kind == PF_ADDR_NOROUTE ? "no-route"
		                                                : "interface (",
		            src->addr.name != NULL ? src->addr.name : "",
		            src->addr.kind == PF_ADDR_TABLE ? ">"
		            : src->addr.kind == PF_ADDR_DYN ? ")"
		                                            : "");
		return false;
	}
	if (src->next != NULL ||
	    (l->dst.first != NULL && l->dst.first->next != NULL))
		return binat_wrong(p, "multiple binat ip addresses");
	if (r->af != PF_AF_NONE && src->addr.af != PF_AF_NONE &&
	    r->af != src->addr.af)
		return binat_wrong(p, "binat ip versions must match");
	if (r->no)
		return true;
	if (to->next != NULL)
		return binat_wrong(p, "binat rule must redirect to a single "
		                      "address");
	if (src->addr.kind == PF_ADDR_NET && to->addr.kind == PF_ADDR_NET &&
	    src->addr.bits != to->addr.bits)
		return binat_wrong(p, "'binat' source mask and redirect mask "
		                      "must be the same");
	return true;
}

void
pf_build_binat(struct pf_parser *p, struct pf_stmt *s)
{
	struct pf_lists l = { 0 };
	struct pf_rule r;

	pf_rule_init(p, s, PF_BINAT, &r);
	if (s->no && s->pass) {
		pf_complain(p, "\"pass\" not valid with \"no\"");
		return;
	}
	if (!pf_rule_common(p, s, &r, &l))
		return;
	if (s->no && s->nat.is_set) {
		pf_complain(p, "'no binat' rule does not need '->'");
		return;
	}
	if (!s->no && !s->nat.is_set) {
		pf_complain(p, "'binat' rule requires '-> address'");
		return;
	}
	if (l.src.first == NULL) {
		pf_complain(p, "'binat' rule requires a source address");
		return;
	}
	pf_decide_af(&l.src, &r.af);
	pf_decide_af(&l.dst, &r.af);
	if (!s->no && !pool_hosts(p, &s->nat, r.af, &r.nat, &l.nat))
		return;
	pf_decide_af(&l.nat, &r.af);
	if (r.af == PF_AF_NONE) {
		pf_complain(p, "address family (inet/inet6) undefined");
		return;
	}
	if (!binat_hosts(p, &r, &l))
		return;
	pf_expand(p, &r, &l);
}

/* --- in filter rules --- */

static bool
translate_one(struct pf_parser *p, const struct pf_pool_stmt *ps, bool rdr,
              struct pf_rule *r, struct pf_lists *l)
{
	struct pf_pool *pool = rdr ? &r->rdr : &r->nat;
	struct pf_hosts *hosts = rdr ? &l->rdr : &l->nat;
	unsigned af = r->af_to != 0 ? r->af_to : r->af;

	if (!ps->is_set)
		return true;
	if (!pf_pool_build(p, ps, pool, hosts))
		return false;
	if (r->af_to == 0) {
		pf_decide_af(hosts, &r->af);
		af = r->af;
		for (const struct pf_hostaddr *h = hosts->first;
		     af == PF_AF_NONE && h != NULL; h = h->next)
			if (h->addr.af != PF_AF_NONE) {
				pf_complain(p, "address family not given and "
				               "translation address expands to "
				               "multiple address families");
				return false;
			}
	}
	pf_keep_af(hosts, af);
	if (hosts->first == NULL) {
		pf_complain(p, "no translation address with matching address "
		               "family found.");
		return false;
	}
	return (rdr ? rdr_ports(p, ps, &l->dst_ports, pool)
	            : nat_ports(p, ps, pool)) &&
	       pool_type(p, hosts, pool);
}

bool
pf_rule_translate(struct pf_parser *p, const struct pf_stmt *s,
                  struct pf_rule *r, struct pf_lists *l)
{
	if (!s->nat.is_set && !s->rdr.is_set)
		return true;
	r->binat_to = s->binat_to;
	r->af_to = s->af_to;
	if (r->action == PF_BLOCK) {
		pf_complain(p, "nat-to, rdr-to, binat-to and af-to are only "
		               "valid with pass and match rules");
		return false;
	}
	if (s->binat_to && r->dir != PF_INOUT) {
		pf_complain(p, "binat-to cannot be used with a direction");
		return false;
	}
	if (!s->binat_to && s->af_to == 0 && r->dir == PF_INOUT) {
		pf_complain(p, "nat-to and rdr-to require a direction");
		return false;
	}
	if (s->af_to != 0 && r->af == PF_AF_NONE) {
		pf_complain(p, "must indicate source address family with "
		               "af-to");
		return false;
	}
	if (s->af_to != 0 && r->af == s->af_to) {
		pf_complain(p, "incorrect address family translation");
		return false;
	}
	if (s->nat.is_set && s->af_to == 0)
		pf_decide_af(&l->src, &r->af);
	return translate_one(p, &s->nat, false, r, l) &&
	       translate_one(p, &s->rdr, true, r, l);
}
