/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.c - which rule decides about a packet, and why. */
#include "pf/explain.h"

#include <errno.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/names.h"
#include "pf/ruleset.h"

enum { ANY_PORT = 49152 };

/* --- a packet in words --- */

static void
keep_first(void *ctx, const char *line)
{
	struct error *err = ctx;

	if (err->code == 0)
		error_set(err, -EINVAL, "%s", line);
}

/* One address on a side. */
static int
one_address(const struct pf_peer *peer, const char *side, struct pf_ip *ip,
            struct error *err)
{
	if (peer->addr.kind != PF_ADDR_NET || peer->not ||
	    peer->addr.bits != pf_af_bits(peer->addr.af))
		return error_set(err, -EINVAL, "one %s address, please", side);
	*ip = peer->addr.ip;
	return 0;
}

static int
one_port(const struct pf_cmp *c, const char *side, uint16_t *port,
         struct error *err)
{
	if (c->op != PF_OP_NONE && c->op != PF_OP_EQ)
		return error_set(err, -EINVAL, "one %s port, please", side);
	*port = (uint16_t)(c->op == PF_OP_EQ ? c->a : ANY_PORT);
	return 0;
}

static int
from_rule(const struct pf_rule *r, struct pf_packet *out, struct error *err)
{
	int code;

	memset(out, 0, sizeof(*out));
	if (r->dir == PF_INOUT)
		return error_set(err, -EINVAL, "in or out, please");
	if (r->ifname == NULL || r->if_not)
		return error_set(err, -EINVAL, "on which interface?");
	out->dir = r->dir;
	out->ifname = r->ifname;
	out->rcv_if = r->rcv_if;
	out->af = r->af;
	out->proto = r->proto != 0 ? r->proto : PF_PROTO_TCP;
	if ((code = one_address(&r->src, "source", &out->src, err)) < 0 ||
	    (code = one_address(&r->dst, "destination", &out->dst, err)) < 0)
		return code;
	if (pf_has_ports(out->proto) &&
	    ((code = one_port(&r->src.port, "source", &out->sport, err)) < 0 ||
	     (code = one_port(&r->dst.port, "destination", &out->dport, err)) <
	         0))
		return code;
	if (out->proto == PF_PROTO_TCP)
		out->tcp_flags = r->flags;
	if (r->icmp_type != 0)
		out->icmp_type = (uint8_t)(r->icmp_type - 1);
	else
		out->icmp_type = out->proto == PF_PROTO_ICMP6 ? 128 : 8;
	out->icmp_code = (uint8_t)(r->icmp_code != 0 ? r->icmp_code - 1 : 0);
	out->tos = (uint8_t)(r->tos >= 0 ? r->tos : 0);
	out->prio = r->prio >= 0 ? r->prio : 0;
	out->fragment = r->fragment;
	out->options = r->allow_opts;
	out->has_owner = r->uid.op == PF_OP_EQ || r->gid.op == PF_OP_EQ;
	out->uid = r->uid.a;
	out->gid = r->gid.a;
	out->os = r->os;
	out->tag = r->tagged;
	return 0;
}

/* Strings of a packet live with the caller, not with the rule. */
static int
keep_strings(struct arena *arena, struct pf_packet *pkt, struct error *err)
{
	const char **strings[] = { &pkt->ifname, &pkt->rcv_if, &pkt->os,
		                   &pkt->tag };

	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		if (*strings[i] != NULL)
			*strings[i] = arena_strdup(arena, *strings[i]);
	return arena->failed ? error_set(err, -ENOMEM, "out of memory") : 0;
}

int
pf_packet_parse(const struct pf_world *world, const char *text,
                struct arena *arena, struct pf_packet *out, struct error *err)
{
	cleanup_buf struct buf rule = BUF_INIT;
	struct error first = { 0 };
	const struct pf_parse_env env = { .world = world,
		                          .want = PF_WANT_ALL,
		                          .tell = keep_first,
		                          .tell_ctx = &first };
	struct pf_config *conf;
	int code;

	buf_printf(&rule, "pass %s\n", text);
	code = pf_parse(&env, "packet", buf_str(&rule), rule.len, &conf, err);
	if (code == -EINVAL)
		*err = first;
	if (code == 0) {
		const struct pf_rules *l = &conf->main->rules[PF_FILTER];

		if (conf->n_rules != 1 || l->n != 1 || l->first->is_anchor)
			code = error_set(err, -EINVAL, "one packet, please");
		else
			code = from_rule(l->first, out, err);
	}
	if (code == 0)
		code = keep_strings(arena, out, err);
	pf_config_free(conf);
	return code;
}

/* --- the story --- */

struct story {
	const struct pf_world *world;
	struct buf *out;
};

static void
put_rule(const struct story *s, const struct pf_ruleset *rs,
         const struct pf_rule *r)
{
	const struct pf_print_env how = { .world = s->world, .verbose = 2 };

	if (rs != NULL && rs->path[0] != '\0')
		buf_printf(s->out, "%s", rs->path);
	pf_print_rule(r, &how, s->out);
}

static void
visit(void *ctx, const struct pf_ruleset *rs, const struct pf_rule *r,
      const char *differs)
{
	const struct story *s = ctx;

	buf_puts(s->out, differs == NULL ? "+ " : "  ");
	put_rule(s, rs, r);
	if (differs != NULL)
		buf_printf(s->out, "   # other %s", differs);
	buf_putc(s->out, '\n');
}

static void
put_translation(const struct story *s, const struct pf_packet *pkt,
                const struct pf_verdict *v)
{
	char ip[46];

	if (v->translation == NULL)
		return;
	buf_printf(s->out, "%s becomes %s",
	           pkt->dir == PF_IN ? "destination" : "source",
	           pf_ip_text(pkt->af, &v->new_ip, ip));
	if (v->new_port != 0 && pf_has_ports(pkt->proto))
		buf_printf(s->out, " port %u", v->new_port);
	if (v->pool->n > 1)
		buf_printf(s->out, ", or another of %zu", v->pool->n);
	buf_puts(s->out, " by ");
	put_rule(s, NULL, v->translation);
	buf_putc(s->out, '\n');
}

static void
put_verdict(const struct story *s, const struct pf_verdict *v)
{
	buf_puts(s->out, v->pass ? "pass" : "block");
	switch (v->by) {
	case PF_BY_DEFAULT:
		buf_puts(s->out, ": no rule matches");
		break;
	case PF_BY_SKIP:
		buf_puts(s->out, ": the interface is skipped");
		break;
	case PF_BY_OPTIONS:
		buf_puts(s->out, ": it has IP options, and no allow-opts");
		break;
	case PF_BY_STATE:
	case PF_BY_RULE:
	case PF_BY_NAT_PASS:
		buf_puts(s->out,
		         v->by == PF_BY_STATE ? " by the state of " : " by ");
		put_rule(s, v->ruleset, v->rule);
		break;
	}
	buf_puts(s->out, v->makes_state ? ", and keep state\n" : "\n");
}

int
pf_explain(const struct pf_config *conf, const struct pf_world *world,
           const struct pf_packet *pkt, struct buf *out)
{
	struct story s = { world, out };
	const struct pf_eval_env env = { .world = world,
		                         .ctx = &s,
		                         .visit = visit };
	struct pf_verdict v;
	int code = pf_eval(conf, &env, NULL, pkt, &v);

	if (code < 0)
		return code;
	put_translation(&s, pkt, &v);
	put_verdict(&s, &v);
	return 0;
}
