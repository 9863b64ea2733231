/* SPDX-License-Identifier: BSD-2-Clause */
/* build_filter.c - pass, block, match, scrub; anchors; antispoof. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "pf/build.h"
#include "pf/names.h"
#include "pf/ruleset.h"

/* ICMP unreachable, and its code for a port. */
enum {
	UNREACH4 = 3 << 8,
	UNREACH4_PORT = UNREACH4 | 3,
	UNREACH6 = 1 << 8,
	UNREACH6_PORT = UNREACH6 | 4,
};

void
pf_rule_init(struct pf_parser *p, const struct pf_stmt *s, enum pf_kind kind,
             struct pf_rule *r)
{
	memset(r, 0, sizeof(*r));
	r->kind = (uint8_t)kind;
	r->file = pf_lex_file(&p->lex);
	r->line = p->lex.line;
	r->action = s->action;
	r->no = s->no;
	r->pass = s->pass;
	r->dir = s->dir;
	r->af = s->af;
	r->quick = s->quick;
	r->tos = r->prio = r->set_tos = -1;
	r->set_prio[0] = r->set_prio[1] = -1;
	r->scrub.set_tos = -1;
	r->rtable = -1;
	r->ridentifier = (uint32_t)s->ridentifier;
}

/* log to pflogN. */
static bool
log_interface(struct pf_parser *p, const char *to, struct pf_rule *r)
{
	long long unit;

	if (to == NULL)
		return true;
	if (strncmp(to, "pflog", 5) != 0 ||
	    num_int_in(to + 5, 0, 255, &unit) < 0) {
		pf_complain(p, "%s: should be a pflog interface", to);
		return false;
	}
	r->log_if = (uint8_t)unit;
	return true;
}

static bool
short_enough(struct pf_parser *p, const char *s, size_t size, const char *text)
{
	if (s == NULL || strlen(s) < size)
		return true;
	pf_complain(p, "%s", text);
	return false;
}

static bool
tags(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	r->tag = s->tag;
	r->tagged = s->tagged;
	r->tagged_not = s->tagged_not;
	return short_enough(p, s->tag, PF_TAG_SIZE,
	                    "tag too long, max 63 chars") &&
	       short_enough(p, s->tagged, PF_TAG_SIZE,
	                    "tag too long, max 63 chars");
}

static bool
labels(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	for (int i = 0; i < s->n_labels; i++) {
		if (!short_enough(p, s->label[i], PF_LABEL_SIZE,
		                  "rule label too long (max 63 chars)"))
			return false;
		r->label[i] = s->label[i];
	}
	return true;
}

static bool
no_urpf(struct pf_parser *p, const struct pf_items *l)
{
	for (const struct pf_item *i = l->first; i != NULL; i = i->next)
		if (i->kind == PF_HOST_URPF) {
			pf_complain(p, "\"urpf-failed\" is not permitted in a "
			               "destination address");
			return false;
		}
	return true;
}

bool
pf_rule_common(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r,
               struct pf_lists *l)
{
	r->log = s->log;
	r->rtable = (int)s->rtable;
	return log_interface(p, s->log_to, r) && tags(p, s, r) &&
	       labels(p, s, r) && pf_ones_ifs(p, &s->ifs, &l->ifs) &&
	       pf_ones_protos(p, &s->protos, &l->protos) &&
	       no_urpf(p, &s->dst.hosts) &&
	       pf_hosts_of(p, &s->src.hosts, &l->src) &&
	       pf_ones_ports(p, &s->src.ports, &l->src_ports) &&
	       pf_ones_os(p, &s->os, &l->os) &&
	       pf_hosts_of(p, &s->dst.hosts, &l->dst) &&
	       pf_ones_ports(p, &s->dst.ports, &l->dst_ports);
}

/* --- what block answers --- */

static bool
return_code(struct pf_parser *p, const struct pf_val *v, unsigned af,
            unsigned type, uint16_t *out)
{
	long long n = v->num;

	if (v->word != NULL && num_int(v->word, &n) < 0) {
		n = pf_icmp_code(af, type >> 8, v->word);
		if (n < 0) {
			pf_complain(p, "unknown icmp code %s", v->word);
			return false;
		}
	}
	if (n < 0 || n > 255) {
		pf_complain(p, "invalid icmp code %lld", n);
		return false;
	}
	*out = (uint16_t)(type | (unsigned)n);
	return true;
}

static bool
answer(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	const struct pf_options *o = &p->conf->opts;

	if (s->action == PF_PASS)
		r->ret = o->fail_policy;
	if (s->action != PF_BLOCK)
		return true;
	r->ret = s->ret_given ? s->ret : o->block_policy;
	r->ret_ttl = (uint8_t)s->ret_ttl;
	r->icmp4 = UNREACH4_PORT;
	r->icmp6 = UNREACH6_PORT;
	/* One code given with return-icmp gives the other family the default
	 * of IPv4, as pf has it. It prints as 3, which must read back. */
	if ((s->has_code4 && !s->has_code6) ||
	    (s->has_code6 && s->code6.word == NULL && s->code6.num == 3)) {
		r->icmp6 = UNREACH4_PORT;
		return !s->has_code4 || return_code(p, &s->code4, PF_AF_INET,
		                                    UNREACH4, &r->icmp4);
	}
	return (!s->has_code4 ||
	        return_code(p, &s->code4, PF_AF_INET, UNREACH4, &r->icmp4)) &&
	       (!s->has_code6 ||
	        return_code(p, &s->code6, PF_AF_INET6, UNREACH6, &r->icmp6));
}

/* --- single options --- */

static bool
flags(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	int set, mask;

	if (!s->has_flags || s->flags_any)
		return true;
	set = pf_tcp_flags(s->flags);
	mask = pf_tcp_flags(s->flag_mask);
	if (set < 0 || mask < 0) {
		pf_complain(p, "bad flags %s",
		            set < 0 ? s->flags : s->flag_mask);
		return false;
	}
	if ((set & mask) != set) {
		pf_complain(p, "flags always false");
		return false;
	}
	r->flags = (uint8_t)set;
	r->flag_mask = (uint8_t)mask;
	return true;
}

static bool
probability(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	double v = (double)s->probability.num;
	char *end;

	if (!s->has_probability)
		return true;
	if (s->probability.word != NULL) {
		v = strtod(s->probability.word, &end);
		if (strcmp(end, "%") == 0)
			v /= 100;
		else if (*end != '\0' || end == s->probability.word) {
			pf_complain(p, "%s is not a probability",
			            s->probability.word);
			return false;
		}
	}
	v = floor(v * UINT32_MAX + 0.5);
	if (!(v >= 0 && v <= UINT32_MAX)) {
		pf_complain(p, "invalid probability: %f", v);
		return false;
	}
	r->probability = v < 1 ? 1 : (uint32_t)v;
	return true;
}

static bool
set_prio(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	for (int i = 0; i < s->n_set_prio; i++) {
		if (s->set_prio[i] < 0 || s->set_prio[i] > 7) {
			pf_complain(p, "prio must be 0 - 7");
			return false;
		}
		r->set_prio[i] = (int)s->set_prio[i];
	}
	if (s->n_set_prio == 1)
		r->set_prio[1] = r->set_prio[0];
	return true;
}

static bool
divert(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	struct pf_hosts host = { 0 };
	struct pf_item word = { .a.word = s->divert_host, .mask = -1 };
	struct pf_cmp port;

	r->divert_reply = s->divert_reply;
	if (!s->has_divert)
		return true;
	if (!pf_port_range(p, &s->divert_port, false, &port, NULL))
		return false;
	if (port.op != PF_OP_EQ || port.a == 0) {
		pf_complain(p, "invalid divert port");
		return false;
	}
	r->divert_port = (uint16_t)port.a;
	if (s->divert_host == NULL)
		return true;
	if (!pf_host_of(p, &word, &host))
		return false;
	r->divert_addr = host.first->addr;
	return true;
}

static bool
scrub(struct pf_parser *p, const struct pf_stmt *s, struct pf_scrub *to)
{
	to->no_df = s->scrub.no_df;
	to->random_id = s->scrub.random_id;
	to->reassemble_tcp = s->scrub.reassemble_tcp;
	to->fragment_no_reassemble = s->scrub.fragment == 0;
	to->min_ttl = (uint8_t)s->scrub.min_ttl;
	to->max_mss = (uint16_t)s->scrub.max_mss;
	to->on = s->scrub.given;
	return !s->scrub.has_set_tos ||
	       pf_tos_value(p, &s->scrub.set_tos, &to->set_tos);
}

static bool
queues(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	r->queue = s->queue;
	r->pqueue = s->pqueue;
	if (!short_enough(p, s->queue, PF_QUEUE_SIZE,
	                  "queue name too long (max 63 chars)") ||
	    !short_enough(p, s->pqueue, PF_QUEUE_SIZE,
	                  "queue name too long (max 63 chars)"))
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (s->dn[i] < 0 || s->dn[i] > 65535) {
			pf_complain(p, "invalid pipe number %lld", s->dn[i]);
			return false;
		}
		r->dn[i] = (uint16_t)s->dn[i];
	}
	r->dn_is_queue = s->dn_is_queue;
	return true;
}

/* What a filter rule may say after its hosts. */
static bool
options(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r,
        struct pf_lists *l)
{
	r->fragment = s->fragment;
	r->allow_opts = s->allow_opts;
	r->once = s->once;
	r->prio = s->has_prio ? (int)s->prio : -1;
	r->rcv_if = s->rcv_if;
	r->rcv_if_not = s->rcv_if_not;
	return pf_ones_ids(p, &s->users, false, &l->uids) &&
	       pf_ones_ids(p, &s->groups, true, &l->gids) &&
	       pf_ones_icmp(p, &s->icmp, s->icmp_af, &l->icmp) &&
	       flags(p, s, r) && probability(p, s, r) && set_prio(p, s, r) &&
	       (!s->has_tos || pf_tos_value(p, &s->tos, &r->tos)) &&
	       (!s->has_set_tos || pf_tos_value(p, &s->set_tos, &r->set_tos)) &&
	       queues(p, s, r) && divert(p, s, r) && scrub(p, s, &r->scrub);
}

/* --- routing --- */

/* With several gateways, or a table of them, they take turns unless another
 * way was said. */
static bool
route(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r,
      struct pf_lists *l)
{
	struct pf_pool *pool = &r->route_pool;
	const struct pf_hostaddr *h;

	r->route = s->route;
	if (s->route == PF_ROUTE_NONE)
		return true;
	if (r->dir == PF_INOUT) {
		pf_complain(p, "direction must be explicit with rules that "
		               "specify routing");
		return false;
	}
	if (!pf_pool_build(p, &s->route_pool, pool, &l->route))
		return false;
	if (s->route == PF_FASTROUTE)
		return true;
	pf_decide_af(&l->route, &r->af);
	pf_keep_af(&l->route, r->af);
	h = l->route.first;
	if (h == NULL) {
		pf_complain(p, "no routing address with matching address "
		               "family found.");
		return false;
	}
	if (pool->type == PF_POOL_NONE &&
	    (h->next != NULL || h->addr.kind == PF_ADDR_TABLE ||
	     pf_addr_is_many(&h->addr)))
		pool->type = PF_POOL_ROUNDROBIN;
	if (pool->type != PF_POOL_ROUNDROBIN && h->next != NULL) {
		pf_complain(p, "only round-robin valid for multiple routing "
		               "addresses");
		return false;
	}
	return true;
}

/* --- filter rules --- */

void
pf_build_filter(struct pf_parser *p, struct pf_stmt *s)
{
	struct pf_lists l = { 0 };
	struct pf_rule r;

	pf_rule_init(p, s, PF_FILTER, &r);
	if (!answer(p, s, &r) || !pf_rule_common(p, s, &r, &l) ||
	    !options(p, s, &r, &l) || !pf_rule_state(p, s, &r) ||
	    !route(p, s, &r, &l) || !pf_rule_translate(p, s, &r, &l))
		return;
	/* Connections begin with SYN alone, unless said otherwise. */
	if (r.action == PF_PASS && r.state != PF_STATE_NONE && !s->has_flags &&
	    !r.fragment) {
		r.flags = (uint8_t)pf_tcp_flags("S");
		r.flag_mask = (uint8_t)pf_tcp_flags("SA");
	}
	pf_expand(p, &r, &l);
}

void
pf_build_scrub(struct pf_parser *p, struct pf_stmt *s)
{
	struct pf_lists l = { 0 };
	struct pf_rule r;

	if (s->quick) {
		pf_complain(p, "scrub rules do not support 'quick'");
		return;
	}
	pf_rule_init(p, s, PF_SCRUB, &r);
	if (s->scrub.reassemble_tcp && s->dir != PF_INOUT) {
		pf_complain(p, "reassemble tcp rules can not specify "
		               "direction");
		return;
	}
	if (!pf_rule_common(p, s, &r, &l) || !scrub(p, s, &r.scrub))
		return;
	pf_expand(p, &r, &l);
}

/* --- anchors --- */

/* The ruleset an anchor rule leads to: NAME, or all in NAME of NAME slash
 * star. */
static bool
anchor_target(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	const char *name = s->name;
	size_t len = name != NULL ? strlen(name) : 0;
	char *path;

	r->is_anchor = true;
	r->anchor_name = name;
	r->is_inline = s->braces;
	if (s->braces) {
		r->anchor = s->inside;
		return true;
	}
	if (name == NULL) {
		pf_complain(p, "anchors without explicit rules must specify a "
		               "name");
		return false;
	}
	if (name[0] == '_' || strstr(name, "/_") != NULL) {
		pf_complain(p, "anchor names beginning with '_' are reserved "
		               "for internal use");
		return false;
	}
	path = arena_strdup(p->arena, name);
	if (path == NULL)
		return false;
	if (strcmp(name, "*") == 0 ||
	    (len >= 2 && strcmp(name + len - 2, "/*") == 0)) {
		r->anchor_wildcard = true;
		path[len - 1] = '\0';
	}
	r->anchor = pf_ruleset_get(p->conf, p->ruleset, path);
	if (r->anchor == NULL)
		pf_complain(p, "anchor name too long");
	return r->anchor != NULL;
}

void
pf_build_anchor(struct pf_parser *p, struct pf_stmt *s)
{
	struct pf_lists l = { 0 };
	struct pf_rule r;

	pf_rule_init(p, s, PF_FILTER, &r);
	if (!anchor_target(p, s, &r))
		return;
	if (s->has_state) {
		pf_complain(p, "cannot specify state handling on anchors");
		return;
	}
	if (!pf_rule_common(p, s, &r, &l) || !options(p, s, &r, &l))
		return;
	pf_expand(p, &r, &l);
}

void
pf_build_trans_anchor(struct pf_parser *p, struct pf_stmt *s)
{
	struct pf_lists l = { 0 };
	struct pf_rule r;

	pf_rule_init(p, s, s->trans, &r);
	if (!anchor_target(p, s, &r) || !pf_rule_common(p, s, &r, &l))
		return;
	pf_decide_af(&l.src, &r.af);
	pf_decide_af(&l.dst, &r.af);
	pf_expand(p, &r, &l);
}

void
pf_build_load_anchor(struct pf_parser *p, struct pf_stmt *s)
{
	struct pf_later *later = arena_alloc(p->arena, sizeof(*later));
	const char *base = p->ruleset->path;

	if (later == NULL)
		return;
	later->anchor = s->name[0] == '/' || base[0] == '\0'
	                    ? s->name
	                    : pf_join(p, base, "/", s->name);
	later->file = s->file;
	if (p->later == NULL)
		p->later = later;
	else
		p->last_later->next = later;
	p->last_later = later;
}

/* --- antispoof --- */

/* One of the two rules for an interface: from its networks elsewhere, or from
 * its own addresses. */
static void
spoof_rule(struct pf_parser *p, const struct pf_stmt *s,
           const struct pf_item *i, bool elsewhere)
{
	struct pf_one on = { .name = i->a.word, .not = true };
	struct pf_lists l = { 0 };
	struct pf_rule r;
	unsigned mods = elsewhere ? PF_DYN_NETWORK : 0;

	pf_rule_init(p, s, PF_FILTER, &r);
	r.action = PF_BLOCK;
	r.dir = PF_IN;
	r.log = s->log;
	r.rtable = (int)s->rtable;
	if (!log_interface(p, s->log_to, &r) || !labels(p, s, &r))
		return;
	if (elsewhere)
		l.ifs.first = l.ifs.last = &on;
	if (i->kind == PF_HOST_DYN) {
		struct pf_item dyn = { .kind = PF_HOST_DYN, .mask = -1 };

		dyn.a.word = elsewhere ? pf_join(p, i->a.word, ":", "network")
		                       : i->a.word;
		if (dyn.a.word == NULL || !pf_host_of(p, &dyn, &l.src))
			return;
	} else if (!pf_interface_addrs(p, i->a.word, mods, -1, &l.src)) {
		return;
	}
	if (l.src.first == NULL)
		return; /* it has no address now */
	/* Scopes of link-local addresses name the interface itself. */
	for (struct pf_hostaddr *h = l.src.first; elsewhere && h != NULL;
	     h = h->next)
		h->ifname = NULL;
	pf_expand(p, &r, &l);
}

void
pf_build_antispoof(struct pf_parser *p, struct pf_stmt *s)
{
	struct pf_ones names = { 0 };

	if (!pf_ones_ifs(p, &s->ifs, &names))
		return;
	for (const struct pf_item *i = s->ifs.first; i != NULL; i = i->next) {
		spoof_rule(p, s, i, true);
		if (i->kind == PF_HOST_DYN ||
		    !p->world->is_loopback(p->world->ctx, i->a.word))
			spoof_rule(p, s, i, false);
	}
}
