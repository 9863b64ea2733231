/* SPDX-License-Identifier: BSD-2-Clause */
/* build_words.c - lists of words become lists of numbers. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "pf/build.h"
#include "pf/names.h"

static struct pf_one *
add(struct pf_parser *p, struct pf_ones *l)
{
	struct pf_one *o = arena_alloc(p->arena, sizeof(*o));

	if (o == NULL)
		return NULL;
	if (l->first == NULL)
		l->first = o;
	else
		l->last->next = o;
	l->last = o;
	return o;
}

bool
pf_ones_ifs(struct pf_parser *p, const struct pf_items *l, struct pf_ones *out)
{
	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		struct pf_one *o;

		if (strlen(i->a.word) >= PF_IFNAME_SIZE) {
			pf_complain(p, "interface name too long");
			return false;
		}
		o = add(p, out);
		if (o == NULL)
			return false;
		o->name = i->a.word;
		o->not = i->not ;
	}
	return true;
}

bool
pf_ones_protos(struct pf_parser *p, const struct pf_items *l,
               struct pf_ones *out)
{
	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		long long n = i->a.num, v;
		struct pf_one *o;

		if (i->a.word != NULL) {
			n = num_int(i->a.word, &v) == 0
			        ? v
			        : p->world->proto(p->world->ctx, i->a.word);
			if (n == -1) {
				pf_complain(p, "unknown protocol %s",
				            i->a.word);
				return false;
			}
		}
		if (n < 0 || n > 255) {
			pf_complain(p, "protocol outside range");
			return false;
		}
		if (n == 0) {
			pf_complain(p, "proto 0 cannot be used");
			return false;
		}
		o = add(p, out);
		if (o == NULL)
			return false;
		o->proto = (uint8_t)n;
	}
	return true;
}

/* --- ports --- */

static bool
port(struct pf_parser *p, const char *word, long long n, uint32_t *out)
{
	long long v = n;

	if (word != NULL && num_int(word, &v) < 0) {
		v = p->world->service(p->world->ctx, word, NULL);
		if (v < 0) {
			pf_complain(p, "unknown port %s", word);
			return false;
		}
	}
	if (v < 0 || v > 65535) {
		pf_complain(p, "illegal port value %lld", v);
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

bool
pf_port_range(struct pf_parser *p, const struct pf_val *v, bool star,
              struct pf_cmp *out, bool *out_star)
{
	const char *colon = v->word != NULL ? strchr(v->word, ':') : NULL;
	char *first;

	*out = (struct pf_cmp){ PF_OP_EQ, 0, 0 };
	if (out_star != NULL)
		*out_star = false;
	if (colon == NULL)
		return port(p, v->word, v->num, &out->a);
	first = arena_strndup(p->arena, v->word, (size_t)(colon - v->word));
	if (first == NULL || !port(p, first, 0, &out->a))
		return false;
	out->op = PF_OP_RANGE;
	if (star && strcmp(colon, ":*") == 0) {
		*out_star = true;
		return true;
	}
	return port(p, colon + 1, 0, &out->b);
}

bool
pf_ones_ports(struct pf_parser *p, const struct pf_items *l,
              struct pf_ones *out)
{
	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		struct pf_cmp a, b = { 0 };
		struct pf_one *o;

		if (!pf_port_range(p, &i->a, false, &a, NULL) ||
		    (i->op >= PF_OP_INSIDE &&
		     !pf_port_range(p, &i->b, false, &b, NULL)))
			return false;
		if (i->op != PF_OP_NONE &&
		    (a.op == PF_OP_RANGE || b.op == PF_OP_RANGE)) {
			pf_complain(p, "':' cannot be used with an other port "
			               "operator");
			return false;
		}
		if (i->op != PF_OP_NONE) {
			a.op = i->op;
			a.b = b.a;
		}
		o = add(p, out);
		if (o == NULL)
			return false;
		o->cmp = a;
	}
	return true;
}

/* --- users and groups --- */

static bool
id(struct pf_parser *p, const struct pf_val *v, bool group, unsigned op,
   uint32_t *out)
{
	const struct pf_world *w = p->world;
	int64_t n = v->num;
	long long number;

	if (v->word != NULL && strcmp(v->word, "unknown") == 0) {
		if (op != PF_OP_EQ && op != PF_OP_NE) {
			pf_complain(p, "%s unknown requires operator = or !=",
			            group ? "group" : "user");
			return false;
		}
		*out = PF_ID_UNKNOWN;
		return true;
	}
	if (v->word != NULL && num_int(v->word, &number) == 0)
		n = number;
	else if (v->word != NULL) {
		n = group ? w->group(w->ctx, v->word)
		          : w->user(w->ctx, v->word);
		if (n < 0) {
			pf_complain(p, "unknown %s %s",
			            group ? "group" : "user", v->word);
			return false;
		}
	}
	if (n < 0 || n >= UINT32_MAX) {
		pf_complain(p, "illegal %s value %lld", group ? "gid" : "uid",
		            (long long)n);
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

bool
pf_ones_ids(struct pf_parser *p, const struct pf_items *l, bool groups,
            struct pf_ones *out)
{
	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		struct pf_cmp c = { i->op, 0, 0 };
		struct pf_one *o;

		if (!id(p, &i->a, groups, i->op, &c.a) ||
		    (i->op >= PF_OP_INSIDE &&
		     !id(p, &i->b, groups, i->op, &c.b)))
			return false;
		o = add(p, out);
		if (o == NULL)
			return false;
		o->cmp = c;
	}
	return true;
}

/* --- icmp --- */

static bool
icmp_number(struct pf_parser *p, const struct pf_val *v,
            int (*find)(void *ctx, const char *name), void *ctx,
            const char *what, const char *suffix, uint16_t *out)
{
	long long n = v->num;

	if (v->word != NULL && num_int(v->word, &n) < 0) {
		n = find(ctx, v->word);
		if (n < 0) {
			pf_complain(p, "unknown icmp%s-%s %s", suffix, what,
			            v->word);
			return false;
		}
	}
	if (n < 0 || n > 255) {
		pf_complain(p, "illegal icmp%s-%s %lld", suffix, what, n);
		return false;
	}
	*out = (uint16_t)(n + 1);
	return true;
}

struct icmp_at {
	unsigned af, type;
};

static int
find_type(void *ctx, const char *name)
{
	return pf_icmp_type(((struct icmp_at *)ctx)->af, name);
}

static int
find_code(void *ctx, const char *name)
{
	struct icmp_at *at = ctx;

	return pf_icmp_code(at->af, at->type, name);
}

bool
pf_ones_icmp(struct pf_parser *p, const struct pf_items *l, unsigned af,
             struct pf_ones *out)
{
	const char *suffix = af == PF_AF_INET6 ? "6" : "";
	struct icmp_at at = { af, 0 };

	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		struct pf_one *o = add(p, out);

		if (o == NULL || !icmp_number(p, &i->a, find_type, &at, "type",
		                              suffix, &o->type))
			return false;
		at.type = o->type - 1U;
		if (i->has_b && !icmp_number(p, &i->b, find_code, &at, "code",
		                             suffix, &o->code))
			return false;
		o->proto = af == PF_AF_INET6 ? PF_PROTO_ICMP6 : PF_PROTO_ICMP;
	}
	return true;
}

bool
pf_ones_os(struct pf_parser *p, const struct pf_items *l, struct pf_ones *out)
{
	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		struct pf_one *o = add(p, out);

		if (o == NULL)
			return false;
		o->name = i->a.word;
	}
	return true;
}

bool
pf_tos_value(struct pf_parser *p, const struct pf_val *v, int *out)
{
	uint64_t n;

	*out = v->word != NULL ? pf_tos(v->word) : (int)v->num;
	if (v->word == NULL && (v->num < 0 || v->num > 255)) {
		pf_complain(p, "illegal tos value %lld", v->num);
		return false;
	}
	if (v->word != NULL && *out < 0) {
		if (num_u64(v->word, &n) < 0 || n > 255) {
			pf_complain(p, "illegal tos value %s", v->word);
			return false;
		}
		*out = (int)n;
	}
	return true;
}
