/* SPDX-License-Identifier: BSD-2-Clause */
/* print.c - rules as pf prints them: text that reads back to the same rule. */
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/names.h"
#include "pf/pf.h"
#include "pf/quote.h"
#include "pf/ruleset.h"

/* --- addresses --- */

static void
print_ip(const struct pf_addr *a, const struct pf_ip *ip, struct buf *out)
{
	char text[46];

	buf_puts(out, pf_ip_text(a->af, ip, text));
}

static void
print_dyn(const struct pf_addr *a, bool verbose, struct buf *out)
{
	static const char *const words[] = { "network", "broadcast", "peer",
		                             "0" };
	cleanup_buf struct buf name = BUF_INIT;

	/* One word, modifiers and all. */
	buf_puts(&name, a->name);
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if ((a->dyn & (1U << i)) != 0)
			buf_printf(&name, ":%s", words[i]);
	buf_putc(out, '(');
	pf_put_word(out, buf_str(&name));
	if (verbose)
		buf_puts(out, ":*");
	buf_putc(out, ')');
	if (a->bits != 128 && !(a->af == PF_AF_INET && a->bits == 32))
		buf_printf(out, "/%u", a->bits);
}

static void
print_table_name(const char *name, bool verbose, struct buf *out)
{
	buf_putc(out, '<');
	pf_put_word(out, name);
	buf_puts(out, verbose ? ":0>" : ">");
}

void
pf_print_addr(const struct pf_addr *a, bool verbose, struct buf *out)
{
	switch ((enum pf_addr_kind)a->kind) {
	case PF_ADDR_ANY:
		buf_puts(out, "any");
		break;
	case PF_ADDR_NET:
		print_ip(a, &a->ip, out);
		if (a->bits != pf_af_bits(a->af))
			buf_printf(out, "/%u", a->bits);
		break;
	case PF_ADDR_RANGE:
		print_ip(a, &a->ip, out);
		buf_puts(out, " - ");
		print_ip(a, &a->last, out);
		break;
	case PF_ADDR_TABLE:
		print_table_name(a->name, verbose, out);
		break;
	case PF_ADDR_DYN:
		print_dyn(a, verbose, out);
		break;
	case PF_ADDR_NOROUTE:
		buf_puts(out, "no-route");
		break;
	case PF_ADDR_URPF:
		buf_puts(out, "urpf-failed");
		break;
	}
}

/* Names of services stand for = and != alone. */
static void
print_port(const struct pf_cmp *c, unsigned proto,
           const struct pf_print_env *env, struct buf *out)
{
	static const char *const ops[] = {
		[PF_OP_EQ] = " = ",  [PF_OP_NE] = " != ", [PF_OP_LT] = " < ",
		[PF_OP_LE] = " <= ", [PF_OP_GT] = " > ",  [PF_OP_GE] = " >= ",
	};
	const char *name = NULL;

	if (c->op == PF_OP_NONE)
		return;
	buf_puts(out, " port");
	if (c->op == PF_OP_RANGE)
		buf_printf(out, " %u:%u", c->a, c->b);
	else if (c->op == PF_OP_INSIDE)
		buf_printf(out, " %u >< %u", c->a, c->b);
	else if (c->op == PF_OP_OUTSIDE)
		buf_printf(out, " %u <> %u", c->a, c->b);
	if (c->op >= PF_OP_RANGE)
		return;
	if ((c->op == PF_OP_EQ || c->op == PF_OP_NE) && !env->numeric_ports)
		name = env->world->service_name(env->world->ctx, c->a,
		                                proto == PF_PROTO_TCP ? "tcp"
		                                                      : "udp");
	if (name != NULL)
		buf_printf(out, "%s%s", ops[c->op], name);
	else
		buf_printf(out, "%s%u", ops[c->op], c->a);
}

static void
print_id(const char *what, const struct pf_cmp *c, struct buf *out)
{
	static const char *const ops[] = {
		[PF_OP_EQ] = " =",  [PF_OP_NE] = " !=", [PF_OP_LT] = " <",
		[PF_OP_LE] = " <=", [PF_OP_GT] = " >",  [PF_OP_GE] = " >=",
	};

	if (c->op == PF_OP_NONE)
		return;
	if (c->op == PF_OP_INSIDE)
		buf_printf(out, " %s %u >< %u", what, c->a, c->b);
	else if (c->op == PF_OP_OUTSIDE)
		buf_printf(out, " %s %u <> %u", what, c->a, c->b);
	else if (c->a == PF_ID_UNKNOWN)
		buf_printf(out, " %s%s unknown", what, ops[c->op]);
	else
		buf_printf(out, " %s%s %u", what, ops[c->op], c->a);
}

static void
print_peer(const char *word, const struct pf_peer *peer, unsigned proto,
           const struct pf_print_env *env, struct buf *out)
{
	buf_printf(out, " %s %s", word, peer->not ? "! " : "");
	pf_print_addr(&peer->addr, env->verbose >= 2, out);
	print_port(&peer->port, proto, env, out);
}

static bool
peer_any(const struct pf_peer *peer)
{
	return peer->addr.kind == PF_ADDR_ANY &&
	       !peer->not &&peer->port.op == PF_OP_NONE;
}

static void
print_quoted(const char *what, const char *s, struct buf *out)
{
	buf_printf(out, "%s ", what);
	pf_put_quoted(out, s);
}

static void
print_word(const char *what, const char *s, struct buf *out)
{
	buf_printf(out, "%s ", what);
	pf_put_word(out, s);
}

static void
print_fromto(const struct pf_rule *r, const struct pf_print_env *env,
             struct buf *out)
{
	if (peer_any(&r->src) && peer_any(&r->dst) && r->os == NULL) {
		buf_puts(out, " all");
		return;
	}
	print_peer("from", &r->src, r->proto, env, out);
	if (r->os != NULL)
		print_quoted(" os", r->os, out);
	print_peer("to", &r->dst, r->proto, env, out);
}

/* --- what a rule does --- */

static void
print_code(unsigned af, unsigned code, struct buf *out)
{
	const char *name = pf_icmp_code_name(af, code >> 8, code & 0xff);

	if (name != NULL)
		buf_puts(out, name);
	else
		buf_printf(out, "%u", code & 0xff);
}

static void
print_block(const struct pf_rule *r, struct buf *out)
{
	switch ((enum pf_return)r->ret) {
	case PF_DROP:
		buf_puts(out, " drop");
		return;
	case PF_RETURN:
		buf_puts(out, " return");
		return;
	case PF_RETURN_RST:
		buf_puts(out, " return-rst");
		if (r->ret_ttl != 0)
			buf_printf(out, "(ttl %u)", r->ret_ttl);
		return;
	case PF_RETURN_ICMP:
		break;
	}
	buf_printf(out, " return-icmp%s(", r->af == PF_AF_INET6 ? "6" : "");
	if (r->af != PF_AF_INET6)
		print_code(PF_AF_INET, r->icmp4, out);
	if (r->af == PF_AF_NONE)
		buf_puts(out, ", ");
	if (r->af != PF_AF_INET)
		print_code(PF_AF_INET6, r->icmp6, out);
	buf_putc(out, ')');
}

static void
print_action(const struct pf_rule *r, struct buf *out)
{
	static const char *const actions[] = { "pass", "block", "match" };
	static const char *const kinds[PF_NKINDS] = {
		[PF_SCRUB] = "scrub",
		[PF_NAT] = "nat",
		[PF_BINAT] = "binat",
		[PF_RDR] = "rdr",
	};
	static const char *const anchors[PF_NKINDS] = {
		[PF_NAT] = "nat-anchor",
		[PF_BINAT] = "binat-anchor",
		[PF_RDR] = "rdr-anchor",
		[PF_FILTER] = "anchor",
	};

	if (r->is_anchor) {
		buf_puts(out, anchors[r->kind]);
		if (r->anchor_name != NULL)
			print_quoted("", r->anchor_name, out);
		return;
	}
	if (r->kind != PF_FILTER) {
		buf_printf(out, "%s%s%s", r->no ? "no " : "", kinds[r->kind],
		           r->pass ? " pass" : "");
		return;
	}
	buf_puts(out, actions[r->action]);
	if (r->action == PF_BLOCK)
		print_block(r, out);
}

static void
print_log(const struct pf_rule *r, struct buf *out)
{
	const char *sep = "";

	if (r->log == 0)
		return;
	buf_puts(out, " log");
	if (r->log == PF_LOG && r->log_if == 0)
		return;
	buf_puts(out, " (");
	if ((r->log & PF_LOG_ALL) != 0) {
		buf_puts(out, "all");
		sep = ", ";
	}
	if ((r->log & PF_LOG_USER) != 0) {
		buf_printf(out, "%suser", sep);
		sep = ", ";
	}
	if (r->log_if != 0)
		buf_printf(out, "%sto pflog%u", sep, r->log_if);
	buf_putc(out, ')');
}

static void
print_targets(const struct pf_pool *pool, bool route,
              const struct pf_print_env *env, struct buf *out)
{
	if (pool->n != 1)
		buf_puts(out, "{ ");
	for (size_t i = 0; i < pool->n; i++) {
		const struct pf_target *t = &pool->target[i];
		bool on = route && t->ifname != NULL;

		buf_puts(out, i > 0 ? ", " : "");
		if (on && t->addr.kind == PF_ADDR_ANY) {
			pf_put_word(out, t->ifname);
			continue;
		}
		if (on) {
			buf_putc(out, '(');
			pf_put_word(out, t->ifname);
			buf_putc(out, ' ');
		}
		pf_print_addr(&t->addr, env->verbose >= 2, out);
		buf_puts(out, on ? ")" : "");
	}
	if (pool->n != 1)
		buf_puts(out, " }");
}

static void
print_pool_type(const struct pf_pool *pool, struct buf *out)
{
	static const char *const types[] = {
		[PF_POOL_NONE] = "",
		[PF_POOL_BITMASK] = " bitmask",
		[PF_POOL_RANDOM] = " random",
		[PF_POOL_SOURCEHASH] = " source-hash 0x",
		[PF_POOL_ROUNDROBIN] = " round-robin",
	};

	buf_puts(out, types[pool->type]);
	if (pool->type == PF_POOL_SOURCEHASH)
		for (size_t i = 0; i < sizeof(pool->key); i++)
			buf_printf(out, "%02x", pool->key[i]);
	if (pool->sticky)
		buf_puts(out, " sticky-address");
	if (pool->endpoint_independent)
		buf_puts(out, " endpoint-independent");
}

static void
print_nat_pool(const struct pf_pool *pool, bool rdr,
               const struct pf_print_env *env, struct buf *out)
{
	print_targets(pool, false, env, out);
	if (rdr) {
		if (pool->port_lo != 0)
			buf_printf(out, " port %u", pool->port_lo);
		if (pool->port_hi != 0 && pool->port_hi != pool->port_lo)
			buf_printf(out, ":%u", pool->port_hi);
	} else if (pool->port_lo != 0 &&
	           (pool->port_lo != 50001 || pool->port_hi != 65535)) {
		buf_printf(out, " port %u", pool->port_lo);
		if (pool->port_hi != pool->port_lo)
			buf_printf(out, ":%u", pool->port_hi);
	}
	print_pool_type(pool, out);
	if (!rdr && pool->port_lo == 0 && pool->port_hi == 0 &&
	    pool->static_port)
		buf_puts(out, " static-port");
	if (pool->mape_offset != 0)
		buf_printf(out, " map-e-portset %u/%u/%u", pool->mape_offset,
		           pool->mape_psidlen, pool->mape_psid);
}

static void
print_route(const struct pf_rule *r, const struct pf_print_env *env,
            struct buf *out)
{
	static const char *const words[] = {
		[PF_FASTROUTE] = " fastroute",
		[PF_ROUTE_TO] = " route-to ",
		[PF_REPLY_TO] = " reply-to ",
		[PF_DUP_TO] = " dup-to ",
	};

	if (r->route == PF_ROUTE_NONE)
		return;
	buf_puts(out, words[r->route]);
	if (r->route == PF_FASTROUTE)
		return;
	print_targets(&r->route_pool, true, env, out);
	print_pool_type(&r->route_pool, out);
}

/* --- conditions behind the addresses --- */

static void
print_flags(const struct pf_rule *r, struct buf *out)
{
	char set[9], mask[9];

	if (r->flag_mask != 0) {
		pf_tcp_flag_letters(r->flags, set);
		pf_tcp_flag_letters(r->flag_mask, mask);
		buf_printf(out, " flags %s/%s", set, mask);
	} else if (r->kind == PF_FILTER && !r->is_anchor &&
	           r->action == PF_PASS && r->state != PF_STATE_NONE &&
	           !r->fragment &&
	           (r->proto == 0 || r->proto == PF_PROTO_TCP)) {
		buf_puts(out, " flags any");
	}
}

static void
print_icmp(const struct pf_rule *r, struct buf *out)
{
	const char *suffix = r->af == PF_AF_INET6 ? "6" : "";
	const char *name;

	if (r->icmp_type == 0)
		return;
	name = pf_icmp_type_name(r->af, r->icmp_type - 1U);
	if (name != NULL)
		buf_printf(out, " icmp%s-type %s", suffix, name);
	else
		buf_printf(out, " icmp%s-type %u", suffix, r->icmp_type - 1U);
	if (r->icmp_code == 0)
		return;
	name = pf_icmp_code_name(r->af, r->icmp_type - 1U, r->icmp_code - 1U);
	if (name != NULL)
		buf_printf(out, " code %s", name);
	else
		buf_printf(out, " code %u", r->icmp_code - 1U);
}

static void
print_set(const struct pf_rule *r, struct buf *out)
{
	bool prio = r->set_prio[0] >= 0;

	if (!prio && r->set_tos < 0)
		return;
	buf_puts(out, " set (");
	if (prio && r->set_prio[0] == r->set_prio[1])
		buf_printf(out, " prio %d", r->set_prio[0]);
	else if (prio)
		buf_printf(out, " prio(%d, %d)", r->set_prio[0],
		           r->set_prio[1]);
	if (r->set_tos >= 0)
		buf_printf(out, "%s tos 0x%02x", prio ? "," : "", r->set_tos);
	buf_puts(out, " )");
}

static void
print_probability(const struct pf_rule *r, struct buf *out)
{
	char text[32];
	size_t n;

	if (r->probability == 0)
		return;
	snprintf(text, sizeof(text), "%f",
	         r->probability * 100.0 / (UINT32_MAX + 1.0));
	n = strlen(text);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	buf_printf(out, " probability %.*s%%", (int)n, text);
}

/* --- state --- */

struct option_list {
	struct buf *out;
	bool any;
};

/* The text before the next option. */
static struct buf *
next(struct option_list *l)
{
	buf_puts(l->out, l->any ? ", " : " (");
	l->any = true;
	return l->out;
}

static void
print_state_opts(const struct pf_rule *r, struct buf *out)
{
	const struct pf_state_opts *so = &r->so;
	struct option_list l = { out, false };

	if (so->max != 0)
		buf_printf(next(&l), "max %u", so->max);
	if (so->no_sync)
		buf_puts(next(&l), "no-sync");
	if (so->track != PF_TRACK_NONE)
		buf_puts(next(&l), so->track == PF_TRACK_RULE
		                       ? "source-track rule"
		                       : "source-track global");
	if (so->max_src_states != 0)
		buf_printf(next(&l), "max-src-states %u", so->max_src_states);
	if (so->max_src_conn != 0)
		buf_printf(next(&l), "max-src-conn %u", so->max_src_conn);
	if (so->rate_limit != 0)
		buf_printf(next(&l), "max-src-conn-rate %u/%u", so->rate_limit,
		           so->rate_seconds);
	if (so->max_src_nodes != 0)
		buf_printf(next(&l), "max-src-nodes %u", so->max_src_nodes);
	if (so->overload != NULL) {
		buf_puts(next(&l), "overload ");
		print_table_name(so->overload, false, out);
		if ((so->flush & PF_FLUSH) != 0)
			buf_puts(out, " flush");
		if ((so->flush & PF_FLUSH_GLOBAL) != 0)
			buf_puts(out, " global");
	}
	if (so->if_bound)
		buf_puts(next(&l), "if-bound");
	if (so->floating)
		buf_puts(next(&l), "floating");
	if (so->sloppy)
		buf_puts(next(&l), "sloppy");
	if (so->allow_related)
		buf_puts(next(&l), "allow-related");
	for (unsigned t = 0; t < PF_NTIMEOUTS; t++)
		if (so->timeout[t] != 0)
			buf_printf(next(&l), "%s %u",
			           pf_timeout_name((enum pf_timeout)t),
			           so->timeout[t]);
	if (l.any)
		buf_putc(out, ')');
}

static void
print_state(const struct pf_rule *r, struct buf *out)
{
	static const char *const states[] = {
		[PF_STATE_KEEP] = " keep state",
		[PF_STATE_MODULATE] = " modulate state",
		[PF_STATE_SYNPROXY] = " synproxy state",
	};

	if (r->kind != PF_FILTER || r->is_anchor)
		return;
	if (r->state != PF_STATE_NONE)
		buf_puts(out, states[r->state]);
	else if (r->action == PF_PASS)
		buf_puts(out, " no state");
}

/* --- actions behind the state --- */

/* How both forms of scrub begin. */
static void
print_scrub_head(const struct pf_scrub *s, struct buf *out)
{
	if (s->no_df)
		buf_puts(out, " no-df");
	if (s->random_id)
		buf_puts(out, " random-id");
	if (s->min_ttl != 0)
		buf_printf(out, " min-ttl %u", s->min_ttl);
}

static void
print_old_scrub(const struct pf_scrub *s, struct buf *out)
{
	print_scrub_head(s, out);
	if (s->max_mss != 0)
		buf_printf(out, " max-mss %u", s->max_mss);
	if (s->set_tos >= 0)
		buf_printf(out, " set-tos 0x%02x", (unsigned)s->set_tos);
	if (s->reassemble_tcp)
		buf_puts(out, " reassemble tcp");
	buf_puts(out, s->fragment_no_reassemble ? " fragment no reassemble"
	                                        : " fragment reassemble");
}

static void
print_scrub(const struct pf_scrub *s, struct buf *out)
{
	if (!s->on)
		return;
	buf_puts(out, " scrub(");
	print_scrub_head(s, out);
	if (s->set_tos >= 0)
		buf_printf(out, " set-tos 0x%02x", (unsigned)s->set_tos);
	if (s->reassemble_tcp)
		buf_puts(out, " reassemble tcp");
	if (s->max_mss != 0)
		buf_printf(out, " max-mss %u", s->max_mss);
	buf_putc(out, ')');
}

static void
print_two(const char *queue, const char *pqueue, struct buf *out)
{
	buf_puts(out, " queue(");
	pf_put_word(out, queue);
	print_word(",", pqueue, out);
	buf_putc(out, ')');
}

static void
print_queues(const struct pf_rule *r, struct buf *out)
{
	const char *dn = r->dn_is_queue ? "dnqueue" : "dnpipe";

	if (r->dn[1] != 0)
		buf_printf(out, " %s(%u, %u)", dn, r->dn[0], r->dn[1]);
	else if (r->dn[0] != 0)
		buf_printf(out, " %s %u", dn, r->dn[0]);
	if (r->queue != NULL && r->pqueue != NULL)
		print_two(r->queue, r->pqueue, out);
	else if (r->queue != NULL)
		print_word(" queue", r->queue, out);
}

static void
print_divert(const struct pf_rule *r, struct buf *out)
{
	if (r->divert_reply)
		buf_puts(out, " divert-reply");
	if (r->divert_port == 0)
		return;
	buf_puts(out, " divert-to ");
	if (r->divert_addr.kind == PF_ADDR_NET) {
		pf_print_addr(&r->divert_addr, false, out);
		buf_puts(out, " port ");
	}
	buf_printf(out, "%u", r->divert_port);
}

static void
print_translation(const struct pf_rule *r, const struct pf_print_env *env,
                  struct buf *out)
{
	bool rdr = r->kind == PF_RDR;

	if (r->is_anchor)
		return;
	if (r->kind == PF_NAT || r->kind == PF_BINAT || rdr) {
		const struct pf_pool *pool = rdr ? &r->rdr : &r->nat;

		if (r->no || !pool->is_set)
			return;
		buf_puts(out, " -> ");
		print_nat_pool(pool, rdr || r->kind == PF_BINAT, env, out);
		return;
	}
	if (r->af_to != 0)
		buf_printf(out, " af-to %s from ",
		           r->af_to == PF_AF_INET ? "inet" : "inet6");
	else if (r->nat.is_set)
		buf_puts(out, r->binat_to ? " binat-to " : " nat-to ");
	if (r->nat.is_set)
		print_nat_pool(&r->nat, false, env, out);
	if (r->rdr.is_set) {
		buf_puts(out, r->af_to != 0 ? " to " : " rdr-to ");
		print_nat_pool(&r->rdr, true, env, out);
	}
}

/* --- a rule --- */

static void
print_heads(const struct pf_rule *r, const struct pf_print_env *env,
            struct buf *out)
{
	const char *proto;

	if (env->verbose >= 2)
		buf_printf(out, "@%u ", r->nr);
	print_action(r, out);
	if (r->dir != PF_INOUT)
		buf_puts(out, r->dir == PF_IN ? " in" : " out");
	print_log(r, out);
	if (r->quick)
		buf_puts(out, " quick");
	if (r->ifname != NULL)
		print_word(r->if_not ? " on !" : " on", r->ifname, out);
	print_route(r, env, out);
	if (r->af != PF_AF_NONE)
		buf_puts(out, r->af == PF_AF_INET ? " inet" : " inet6");
	if (r->proto != 0) {
		proto = env->world->proto_name(env->world->ctx, r->proto);
		if (proto != NULL)
			buf_printf(out, " proto %s", proto);
		else
			buf_printf(out, " proto %u", r->proto);
	}
	print_fromto(r, env, out);
}

static void
print_tag(const char *what, const char *tag, struct buf *out)
{
	buf_printf(out, " %s ", what);
	pf_put_words(out, tag);
}

static void
print_names(const struct pf_rule *r, struct buf *out)
{
	for (size_t i = 0; i < PF_MAX_LABELS && r->label[i] != NULL; i++)
		print_quoted(" label", r->label[i], out);
	if (r->ridentifier != 0)
		buf_printf(out, " ridentifier %u", r->ridentifier);
	print_queues(r, out);
	if (r->tag != NULL)
		print_tag("tag", r->tag, out);
	if (r->tagged != NULL)
		print_tag(r->tagged_not ? "! tagged" : "tagged", r->tagged,
		          out);
	if (r->rtable >= 0)
		buf_printf(out, " rtable %d", r->rtable);
}

void
pf_print_rule(const struct pf_rule *r, const struct pf_print_env *env,
              struct buf *out)
{
	print_heads(r, env, out);
	if (r->rcv_if != NULL)
		print_word(r->rcv_if_not ? " ! received-on" : " received-on",
		           r->rcv_if, out);
	print_id("user", &r->uid, out);
	print_id("group", &r->gid, out);
	print_flags(r, out);
	print_icmp(r, out);
	if (r->tos >= 0)
		buf_printf(out, " tos 0x%02x", (unsigned)r->tos);
	if (r->prio >= 0)
		buf_printf(out, " prio %d", r->prio);
	print_set(r, out);
	print_state(r, out);
	print_probability(r, out);
	print_state_opts(r, out);
	if (r->fragment)
		buf_puts(out, " fragment");
	if (r->kind == PF_SCRUB)
		print_old_scrub(&r->scrub, out);
	else
		print_scrub(&r->scrub, out);
	if (r->allow_opts)
		buf_puts(out, " allow-opts");
	if (r->once)
		buf_puts(out, " once");
	print_names(r, out);
	print_divert(r, out);
	print_translation(r, env, out);
}

/* --- tables --- */

void
pf_print_table(const struct pf_table *t, struct buf *out)
{
	bool in_list = false;

	buf_puts(out, "table ");
	print_table_name(t->name, false, out);
	buf_printf(out, "%s%s%s", t->constant ? " const" : "",
	           t->persist ? " persist" : "",
	           t->counters ? " counters" : "");
	for (const struct pf_table_part *part = t->part; part != NULL;
	     part = part->next) {
		if (part->file != NULL) {
			print_quoted(" file", part->file, out);
			continue;
		}
		/* Lists side by side are one. */
		if (!in_list)
			buf_puts(out, " {");
		for (size_t i = 0; i < part->count; i++) {
			const struct pf_table_addr *a =
			    &t->addr[part->first + i];

			buf_puts(out, a->not ? " !" : " ");
			pf_print_addr(&a->addr, false, out);
		}
		in_list = part->next != NULL && part->next->file == NULL;
		if (!in_list)
			buf_puts(out, " }");
	}
	if (t->part == NULL && t->has_init)
		buf_puts(out, " { }");
}
