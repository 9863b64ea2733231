/* SPDX-License-Identifier: BSD-2-Clause */
/* nf_merge.c - runs of rules as one verdict map.
 *
 * Neighbours that test the same fields, differ in single values only and do
 * nothing but write into the mark are one lookup, however many they are. Of two
 * with the same values the first counts when they return, and the last when the
 * chain goes on, as it was before.
 */
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/nf.h"

enum {
	MIN_RUN = 8,    /* fewer are as quick one by one */
	MAX_VARYING = 4 /* fields of a key */
};

static bool
returns(const struct nf_rule *r)
{
	size_t len = strlen(r->then);

	return len > 7 && strcmp(r->then + len - 7, " return") == 0;
}

/* Does it write the mark, and maybe return? */
static bool
is_mark(const struct nf_rule *r)
{
	static const char set[] = "meta mark set meta mark & 0x";

	return r->then != NULL && strncmp(r->then, set, sizeof(set) - 1) == 0 &&
	       strstr(r->then, "jump") == NULL;
}

static bool
same_term(const struct nf_term *a, const struct nf_term *b)
{
	return a->field == b->field && a->form == b->form &&
	       a->not == b->not &&a->bits == b->bits && a->lo == b->lo &&
	       a->hi == b->hi && pf_ip_cmp(&a->ip, &b->ip) == 0 &&
	       pf_ip_cmp(&a->last, &b->last) == 0 &&
	       (a->name == b->name || (a->name != NULL && b->name != NULL &&
	                               strcmp(a->name, b->name) == 0));
}

/* One value of a field that a key can have? */
static bool
is_single(const struct nf_table *t, const struct nf_term *m)
{
	if (m->form != NF_VALUE || m->not )
		return false;
	switch ((enum nf_field)m->field) {
	case NF_SADDR:
	case NF_DADDR:
		return m->bits == pf_af_bits(t->af);
	case NF_SPORT:
	case NF_DPORT:
	case NF_PROTO:
		return true;
	case NF_IIF:
	case NF_OIF:
		return strchr(m->name, '*') == NULL;
	default:
		return false;
	}
}

/* --- a run --- */

struct run {
	struct nf_table *t;
	struct nf_rule *first;
	size_t n;
	uint32_t varying; /* bits: terms that differ */
};

/* Take the next rule in, if it is of the same shape. */
static bool
joins(struct run *run, const struct nf_rule *r)
{
	const struct nf_rule *a = run->first;
	uint32_t varying = run->varying;

	if (!is_mark(r) || r->n != a->n || returns(r) != returns(a))
		return false;
	for (unsigned i = 0; i < r->n; i++) {
		if (same_term(&a->term[i], &r->term[i]))
			continue;
		if (a->term[i].field != r->term[i].field ||
		    !is_single(run->t, &a->term[i]) ||
		    !is_single(run->t, &r->term[i]))
			return false;
		varying |= 1U << i;
	}
	if (__builtin_popcount(varying) > MAX_VARYING)
		return false;
	run->varying = varying;
	run->n++;
	return true;
}

struct element {
	char *key;
	size_t nr;
	const struct nf_rule *r;
};

static int
by_key(const void *a, const void *b)
{
	const struct element *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : x->nr < y->nr ? -1 : x->nr > y->nr;
}

/* Where a rule of a map leads to: its own verdict, or a chain that writes the
 * mark and, being gone to, returns from where it was. */
static const char *
target(struct nf_table *t, const struct nf_rule *r)
{
	struct nf_chain *chain;

	if (r->verdict != NULL)
		return arena_printf(t->arena, "goto %s", r->verdict);
	chain = nf_chain_new(t, NULL, "w%u", t->n_written++);
	if (chain == NULL)
		return NULL;
	nf_then(t, chain, r->then);
	return arena_printf(t->arena, "%s %s", returns(r) ? "goto" : "jump",
	                    chain->name);
}

static bool
put_elements(struct run *run, struct element *v, struct buf *map)
{
	bool first = returns(run->first);

	qsort(v, run->n, sizeof(*v), by_key);
	for (size_t i = 0; i < run->n; i++) {
		bool before = i > 0 && strcmp(v[i - 1].key, v[i].key) == 0;
		bool behind =
		    i + 1 < run->n && strcmp(v[i + 1].key, v[i].key) == 0;
		const char *to;

		if (first ? before : behind)
			continue;
		to = target(run->t, v[i].r);
		if (to == NULL)
			return false;
		buf_printf(map, "%s%s : %s", map->len > 0 ? ", " : "", v[i].key,
		           to);
	}
	return !map->failed;
}

static bool
keys_of(struct run *run, struct element *v)
{
	const struct nf_rule *r = run->first;

	for (size_t i = 0; i < run->n; i++, r = r->next) {
		struct buf key = BUF_INIT;

		for (unsigned m = 0; m < r->n; m++)
			if ((run->varying >> m & 1) != 0) {
				buf_puts(&key, key.len > 0 ? " . " : "");
				nf_put_value(run->t, &r->term[m], &key);
			}
		v[i] = (struct element){ .nr = i, .r = r };
		v[i].key = buf_take(&key);
		if (v[i].key == NULL)
			return false;
	}
	return true;
}

/* The first rule of the run becomes the map's, with the terms all have. */
static bool
fold(struct run *run)
{
	struct element *v = calloc(run->n, sizeof(*v));
	cleanup_buf struct buf map = BUF_INIT, then = BUF_INIT;
	struct nf_rule *r = run->first;
	unsigned kept = 0;
	bool ok = v != NULL && keys_of(run, v) && put_elements(run, v, &map);

	for (size_t i = 0; v != NULL && i < run->n; i++)
		free(v[i].key);
	free(v);
	if (!ok)
		return false;
	for (unsigned m = 0; m < r->n; m++)
		if ((run->varying >> m & 1) != 0)
			buf_printf(&then, "%s%s", then.len > 0 ? " . " : "",
			           nf_field_name(run->t, r->term[m].field));
	buf_printf(&then, " vmap { %s }", buf_str(&map));
	for (unsigned m = 0; m < r->n; m++)
		if ((run->varying >> m & 1) == 0)
			r->term[kept++] = r->term[m];
	r->n = kept;
	r->then = arena_strdup(run->t->arena, buf_str(&then));
	return r->then != NULL;
}

bool
nf_merge(struct nf_table *t, struct nf_chain *c)
{
	struct nf_rule *r = c->first;

	while (r != NULL) {
		struct run run = { .t = t, .first = r, .n = 1 };
		struct nf_rule *next = r->next;

		while (is_mark(r) && next != NULL && joins(&run, next))
			next = next->next;
		if (run.n >= MIN_RUN && run.varying != 0) {
			if (!fold(&run))
				return false;
			r->next = next;
			if (next == NULL)
				c->last = r;
		}
		r = next;
	}
	return true;
}
