/* SPDX-License-Identifier: BSD-2-Clause */
/* nf.c - the intermediate form, and its text. */
#include "pf/nf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/totals.h"

/* --- building --- */

static const char *PRINTF(2, 0)
    text(struct nf_table *t, const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, ap);
	return arena_strdup(t->arena, line);
}

struct nf_chain *
nf_chain_new(struct nf_table *t, const char *hook, const char *fmt, ...)
{
	struct nf_chain *c = arena_alloc(t->arena, sizeof(*c));
	va_list ap;

	if (c == NULL)
		return NULL;
	va_start(ap, fmt);
	c->name = text(t, fmt, ap);
	va_end(ap);
	c->hook = hook;
	if (t->chain == NULL)
		t->chain = c;
	else
		t->last_chain->next = c;
	t->last_chain = c;
	return c;
}

struct nf_rule *
nf_rule_new(struct nf_table *t, struct nf_chain *c)
{
	struct nf_rule *r = arena_alloc(t->arena, sizeof(*r));

	if (r == NULL || c == NULL)
		return NULL;
	if (c->first == NULL)
		c->first = r;
	else
		c->last->next = r;
	c->last = r;
	return r;
}

struct nf_rule *
nf_rule_copy(struct nf_table *t, struct nf_chain *c, const struct nf_rule *from)
{
	struct nf_rule *r = nf_rule_new(t, c);

	if (r != NULL) {
		memcpy(r->term, from->term, sizeof(r->term));
		r->n = from->n;
		r->then = from->then;
		r->verdict = from->verdict;
	}
	return r;
}

struct nf_term *
nf_term_new(struct nf_rule *r, enum nf_field field)
{
	struct nf_term *m;

	if (r == NULL || r->n == NF_MAX_TERMS)
		return NULL;
	m = &r->term[r->n++];
	m->field = (uint8_t)field;
	return m;
}

struct nf_set *
nf_set_new(struct nf_table *t, const char *type, const char *fmt, ...)
{
	struct nf_set *s = arena_alloc(t->arena, sizeof(*s));
	va_list ap;

	if (s == NULL)
		return NULL;
	va_start(ap, fmt);
	s->name = text(t, fmt, ap);
	va_end(ap);
	s->type = type;
	if (t->set == NULL)
		t->set = s;
	else
		t->last_set->next = s;
	t->last_set = s;
	return s;
}

void
nf_object_new(struct nf_table *t, const char *fmt, ...)
{
	struct nf_object *o = arena_alloc(t->arena, sizeof(*o));
	va_list ap;

	if (o == NULL)
		return;
	va_start(ap, fmt);
	o->words = text(t, fmt, ap);
	va_end(ap);
	if (t->object == NULL)
		t->object = o;
	else
		t->last_object->next = o;
	t->last_object = o;
}

struct nf_set *
nf_set_find(const struct nf_table *t, const char *name)
{
	struct nf_set *s = t->set;

	while (s != NULL && strcmp(s->name, name) != 0)
		s = s->next;
	return s;
}

void
nf_say(struct nf_table *t, struct nf_chain *c, const char *fmt, ...)
{
	struct nf_rule *r = nf_rule_new(t, c);
	va_list ap;

	if (r == NULL)
		return;
	va_start(ap, fmt);
	r->then = text(t, fmt, ap);
	va_end(ap);
}

void
nf_map_add(struct buf *map, unsigned key, const char *chain)
{
	buf_printf(map, "%s0x%x : goto %s", map->len > 0 ? ", " : "", key,
	           chain);
}

void
nf_dispatch(struct nf_table *t, struct nf_chain *c, const char *key,
            const struct buf *map)
{
	cleanup_buf struct buf line = BUF_INIT;

	if (map->len == 0)
		return;
	buf_printf(&line, "%s vmap { %s }", key, buf_str(map));
	nf_then(t, c, buf_str(&line));
}

void
nf_then(struct nf_table *t, struct nf_chain *c, const char *words)
{
	struct nf_rule *r = nf_rule_new(t, c);

	if (r != NULL)
		r->then = arena_strdup(t->arena, words);
}

/* --- text --- */

/* What nft calls a field: in the tables of IPv4 and of IPv6. */
static const struct {
	const char *name[2];
} fields[NF_NFIELDS] = {
	[NF_IIF] = { { "iifname", "iifname" } },
	[NF_OIF] = { { "oifname", "oifname" } },
	[NF_PROTO] = { { "meta l4proto", "meta l4proto" } },
	[NF_SADDR] = { { "ip saddr", "ip6 saddr" } },
	[NF_DADDR] = { { "ip daddr", "ip6 daddr" } },
	[NF_SPORT] = { { "th sport", "th sport" } },
	[NF_DPORT] = { { "th dport", "th dport" } },
	[NF_TCP_FLAGS] = { { "tcp flags", "tcp flags" } },
	[NF_ICMP_TYPE] = { { "icmp type", "icmpv6 type" } },
	[NF_ICMP_CODE] = { { "icmp code", "icmpv6 code" } },
	[NF_TOS] = { { "@nh,8,8", "@nh,4,8" } },
	[NF_MARK] = { { "meta mark", "meta mark" } },
	[NF_CT_MARK] = { { "ct mark", "ct mark" } },
	[NF_UID] = { { "meta skuid", "meta skuid" } },
	[NF_GID] = { { "meta skgid", "meta skgid" } },
};

const char *
nf_field_name(const struct nf_table *t, enum nf_field field)
{
	return fields[field].name[t->af == PF_AF_INET6];
}

void
nf_put_value(const struct nf_table *t, const struct nf_term *m, struct buf *out)
{
	char ip[46];

	switch ((enum nf_field)m->field) {
	case NF_IIF:
	case NF_OIF:
		buf_printf(out, "\"%s\"", m->name);
		break;
	case NF_SADDR:
	case NF_DADDR:
		buf_puts(out, pf_ip_text(t->af, &m->ip, ip));
		if (m->form == NF_RANGE)
			buf_printf(out, "-%s", pf_ip_text(t->af, &m->last, ip));
		else if (m->bits != pf_af_bits(t->af))
			buf_printf(out, "/%u", m->bits);
		break;
	default:
		buf_printf(out, "%u", m->lo);
		if (m->form == NF_RANGE)
			buf_printf(out, "-%u", m->hi);
		break;
	}
}

static void
put_term(const struct nf_table *t, const struct nf_term *m, struct buf *out)
{
	const char *not = m->not ? "!= " : "";

	switch ((enum nf_field)m->field) {
	case NF_TEXT:
		buf_printf(out, "%s ", m->name);
		return;
	case NF_PROBABILITY:
		buf_printf(out, "numgen random mod 4294967295 < %u ", m->lo);
		return;
	case NF_TCP_FLAGS:
	case NF_MARK:
	case NF_CT_MARK:
		buf_printf(out, "%s & 0x%x %s 0x%x ", fields[m->field].name[0],
		           m->hi, m->not ? "!=" : "==", m->lo);
		return;
	default:
		break;
	}
	buf_printf(out, "%s %s", nf_field_name(t, m->field), not );
	if (m->form == NF_SET)
		buf_printf(out, "@%s", m->name);
	else
		nf_put_value(t, m, out);
	buf_putc(out, ' ');
}

static void
put_rule(const struct nf_table *t, const struct nf_rule *r, struct buf *out)
{
	buf_puts(out, "    ");
	for (unsigned i = 0; i < r->n; i++)
		put_term(t, &r->term[i], out);
	buf_printf(out, "%s\n", r->then != NULL ? r->then : "");
}

void
nf_print(const struct nf_table *t, struct buf *out)
{
	const char *family = t->af == PF_AF_INET6 ? "ip6" : "ip";

	/* Whatever was there goes in the same transaction. */
	buf_printf(out, "table %s pf\ndelete table %s pf\ntable %s pf {\n",
	           family, family, family);
	if (t->dormant)
		buf_puts(out, "  flags dormant\n");
	for (const struct nf_set *s = t->set; s != NULL; s = s->next) {
		buf_printf(out, "  %s %s { type %s;", s->is_map ? "map" : "set",
		           s->name, s->type);
		if (s->elements != NULL && s->elements->len > 0)
			buf_printf(out, "\n    elements = { %s }",
			           buf_str(s->elements));
		buf_puts(out, "\n  }\n");
	}
	for (const struct nf_object *o = t->object; o != NULL; o = o->next)
		buf_printf(out, "  %s\n", o->words);
	for (unsigned i = 0; i < t->n_counters; i++)
		buf_printf(out, "  counter c%u { }\n", i);
	for (unsigned i = 0; i < PF_NTOTALS; i++)
		buf_printf(out, "  counter %s { }\n",
		           pf_total_name((enum pf_total)i));
	for (const struct nf_chain *c = t->chain; c != NULL; c = c->next) {
		buf_printf(out, "  chain %s {\n", c->name);
		if (c->hook != NULL)
			buf_printf(out, "    %s\n", c->hook);
		for (const struct nf_rule *r = c->first; r != NULL; r = r->next)
			put_rule(t, r, out);
		buf_puts(out, "  }\n");
	}
	buf_puts(out, "}\n");
}
