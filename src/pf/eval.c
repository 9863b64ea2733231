/* SPDX-License-Identifier: BSD-2-Clause */
/* eval.c - what pf decides about a packet: the reference. */
#include "pf/eval.h"

#include <errno.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/eval_internal.h"
#include "pf/ruleset.h"

/* A state: what a packet of the same crossing looks like, and the translation
 * that goes with it. wire is outside of the translation, stack inside. */
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
		if (pf_eval_matches(e, rs, r)) {
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
		          ? pf_eval_matches_turned(e, rs, r)
		          : pf_eval_matches(e, rs, r)))
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
		          ? pf_eval_matches_turned(e, rs, r)
		          : pf_eval_matches(e, rs, r)))
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
		if (pf_eval_is_if(e, e->in->ifname, o->skip[i]))
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
