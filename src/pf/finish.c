/* SPDX-License-Identifier: BSD-2-Clause */
/* finish.c - after the last file: labels and tags take the values of the rule
 * they are of.
 */
#include <stdio.h>
#include <string.h>

#include "pf/build.h"
#include "pf/pf.h"
#include "pf/ruleset.h"

static void
put_addr(const struct pf_peer *peer, struct buf *out)
{
	if (peer->not )
		buf_puts(out, "! ");
	pf_print_addr(&peer->addr, false, out);
}

/* Ranges have no text here, as in pf. */
static void
put_port(const struct pf_cmp *c, struct buf *out)
{
	static const char *const ops[] = {
		[PF_OP_EQ] = "",   [PF_OP_NE] = "!=", [PF_OP_LT] = "<",
		[PF_OP_LE] = "<=", [PF_OP_GT] = ">",  [PF_OP_GE] = ">=",
	};

	switch ((enum pf_op)c->op) {
	case PF_OP_NONE:
	case PF_OP_RANGE:
		break;
	case PF_OP_INSIDE:
		buf_printf(out, "%u><%u", c->a, c->b);
		break;
	case PF_OP_OUTSIDE:
		buf_printf(out, "%u<>%u", c->a, c->b);
		break;
	default:
		buf_printf(out, "%s%u", ops[c->op], c->a);
		break;
	}
}

static void
put_if(const struct pf_parser *p, const struct pf_rule *r, struct buf *out)
{
	(void)p;
	buf_puts(out, r->ifname != NULL ? r->ifname : "any");
}

static void
put_srcaddr(const struct pf_parser *p, const struct pf_rule *r, struct buf *out)
{
	(void)p;
	put_addr(&r->src, out);
}

static void
put_dstaddr(const struct pf_parser *p, const struct pf_rule *r, struct buf *out)
{
	(void)p;
	put_addr(&r->dst, out);
}

static void
put_srcport(const struct pf_parser *p, const struct pf_rule *r, struct buf *out)
{
	(void)p;
	put_port(&r->src.port, out);
}

static void
put_dstport(const struct pf_parser *p, const struct pf_rule *r, struct buf *out)
{
	(void)p;
	put_port(&r->dst.port, out);
}

static void
put_proto(const struct pf_parser *p, const struct pf_rule *r, struct buf *out)
{
	const char *name =
	    r->proto != 0 ? p->world->proto_name(p->world->ctx, r->proto) : "";

	if (name != NULL)
		buf_puts(out, name);
	else
		buf_printf(out, "%u", r->proto);
}

static void
put_nr(const struct pf_parser *p, const struct pf_rule *r, struct buf *out)
{
	(void)p;
	buf_printf(out, "%u", r->nr);
}

static const struct variable {
	const char *name;
	void (*put)(const struct pf_parser *p, const struct pf_rule *r,
	            struct buf *out);
} variables[] = {
	{ "$if", put_if },           { "$srcaddr", put_srcaddr },
	{ "$dstaddr", put_dstaddr }, { "$srcport", put_srcport },
	{ "$dstport", put_dstport }, { "$proto", put_proto },
	{ "$nr", put_nr },
};

static const struct variable *
variable_at(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		if (strncmp(s, variables[i].name, strlen(variables[i].name)) ==
		    0)
			return &variables[i];
	return NULL;
}

/* The text with its variables replaced, cut at size. */
static const char *
expand(struct pf_parser *p, const struct pf_rule *r, const char *text,
       size_t size)
{
	cleanup_buf struct buf out = BUF_INIT;

	if (text == NULL || strchr(text, '$') == NULL)
		return text;
	while (*text != '\0') {
		const struct variable *v = variable_at(text);

		if (v == NULL) {
			buf_putc(&out, *text++);
			continue;
		}
		v->put(p, r, &out);
		text += strlen(v->name);
	}
	return arena_strndup(p->arena, buf_str(&out),
	                     out.len < size ? out.len : size - 1);
}

void
pf_finish(struct pf_parser *p)
{
	const struct pf_ruleset *top = p->conf->main;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (unsigned k = 0; k < PF_NKINDS; k++)
			for (struct pf_rule *r = rs->rules[k].first; r != NULL;
			     r = r->next) {
				for (size_t i = 0; i < PF_MAX_LABELS; i++)
					r->label[i] = expand(p, r, r->label[i],
					                     PF_LABEL_SIZE);
				r->tag = expand(p, r, r->tag, PF_TAG_SIZE);
				r->tagged =
				    expand(p, r, r->tagged, PF_TAG_SIZE);
			}
}
