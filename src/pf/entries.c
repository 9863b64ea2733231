/* SPDX-License-Identifier: BSD-2-Clause */
/* entries.c - the entries of one table, and what pfctl -T does to them.
 *
 * An operation first says what becomes of each request, making a list of edits
 * in the order of entries; the edits are then done all at once. One edit moves
 * memory but searches little; many edits cost as much as one.
 */
#include "pf/entries.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "pf/addr.h"

/* More edits than this look at the whole table for ranges that change. */
enum { MAX_WINDOWS = 256 };

enum edit_kind { INSERT, REMOVE, FLIP };

struct edit {
	struct pf_entry e;
	size_t at; /* REMOVE, FLIP: where it is */
	uint8_t kind;
};

struct edits {
	struct edit *v;
	size_t n, cap;
};

unsigned
pf_family_af(unsigned family)
{
	return family == PF_V4 ? PF_AF_INET : PF_AF_INET6;
}

unsigned
pf_family(unsigned af)
{
	return af == PF_AF_INET ? PF_V4 : PF_V6;
}

void
pf_entries_fini(struct pf_entries *t)
{
	for (unsigned f = 0; f < PF_NFAMILIES; f++)
		free(t->v[f]);
	memset(t, 0, sizeof(*t));
}

void
pf_requests_fini(struct pf_requests *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}

void
pf_change_fini(struct pf_change *c)
{
	for (unsigned f = 0; f < PF_NFAMILIES; f++) {
		pf_spans_fini(&c->drop[f]);
		pf_spans_fini(&c->take[f]);
	}
}

struct pf_request *
pf_requests_add(struct pf_requests *r, unsigned af, const struct pf_ip *ip,
                unsigned bits, bool not )
{
	struct pf_request *v = vec_room(r->v, r->n, &r->cap, sizeof(*v));

	if (v == NULL)
		return NULL;
	r->v = v;
	v += r->n++;
	memset(v, 0, sizeof(*v));
	v->af = (uint8_t)af;
	v->e.ip = *ip;
	v->e.bits = (uint8_t)bits;
	v->e.not = not ;
	pf_ip_mask(&v->e.ip, bits);
	v->feedback = PF_FB_NONE;
	return v;
}

/* --- edits --- */

static bool
add_edit(struct edits *l, enum edit_kind kind, const struct pf_entry *e,
         size_t at)
{
	struct edit *v = vec_room(l->v, l->n, &l->cap, sizeof(*v));

	if (v == NULL)
		return false;
	l->v = v;
	v[l->n++] = (struct edit){ *e, at, (uint8_t)kind };
	return true;
}

/* The ranges that edits touch, as they are now. */
static bool
touched(const struct pf_entries *t, unsigned f, const struct edits *l,
        struct pf_spans *out)
{
	const unsigned af = pf_family_af(f);

	if (l->n > MAX_WINDOWS)
		pf_spans_of(af, t->v[f], t->n[f], NULL, out);
	for (size_t i = 0; l->n <= MAX_WINDOWS && i < l->n; i++) {
		struct pf_span window = { .first = l->v[i].e.ip };

		pf_ip_last(af, &window.first, l->v[i].e.bits, &window.last);
		pf_spans_of(af, t->v[f], t->n[f], &window, out);
	}
	return !out->failed;
}

/* Removals and changes, from the front: what stays moves up. */
static void
take_out(struct pf_entries *t, unsigned f, const struct edits *l)
{
	struct pf_entry *v = t->v[f];
	size_t to = 0, from = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct edit *e = &l->v[i];

		if (e->kind == FLIP)
			v[e->at] = e->e;
		if (e->kind != REMOVE)
			continue;
		if (to != from)
			memmove(v + to, v + from, (e->at - from) * sizeof(*v));
		to += e->at - from;
		from = e->at + 1;
	}
	if (to != from)
		memmove(v + to, v + from, (t->n[f] - from) * sizeof(*v));
	t->n[f] -= from - to;
}

/* Insertions, from the back: room is made before the others move. */
static void
put_in(struct pf_entries *t, unsigned f, const struct edits *l, size_t n_new)
{
	struct pf_entry *v = t->v[f];
	size_t end = t->n[f];

	t->n[f] += n_new;
	for (size_t i = l->n; n_new > 0 && i-- > 0;) {
		size_t lo = 0, hi = end;

		if (l->v[i].kind != INSERT)
			continue;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (pf_entry_cmp(&v[mid], &l->v[i].e) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		memmove(v + lo + n_new, v + lo, (end - lo) * sizeof(*v));
		v[lo + --n_new] = l->v[i].e;
		end = lo;
	}
}

/* Room for n more. */
static int
reserve(struct pf_entries *t, unsigned f, size_t n)
{
	size_t want = t->n[f] + n;
	struct pf_entry *v;

	if (want > PF_MAX_ENTRIES)
		return -E2BIG;
	if (want <= t->cap[f])
		return 0;
	v = realloc(t->v[f], want * sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	t->v[f] = v;
	t->cap[f] = want;
	return 0;
}

static int
apply(struct pf_entries *t, unsigned f, const struct edits *l,
      struct pf_change *c)
{
	size_t n_new = 0, n_gone = 0, n_flipped = 0;
	int code;

	for (size_t i = 0; i < l->n; i++) {
		n_new += l->v[i].kind == INSERT;
		n_gone += l->v[i].kind == REMOVE;
		n_flipped += l->v[i].kind == FLIP;
	}
	code = reserve(t, f, n_new);
	if (code < 0)
		return code;
	if (!touched(t, f, l, &c->drop[f]))
		return -ENOMEM;
	take_out(t, f, l);
	put_in(t, f, l, n_new);
	c->added += n_new;
	c->deleted += n_gone;
	c->changed += n_flipped;
	if (!touched(t, f, l, &c->take[f]))
		return -ENOMEM;
	pf_spans_differ(&c->drop[f], &c->take[f]);
	return 0;
}

/* --- requests --- */

/* A request, to be sorted by entry and then in the order they came. */
struct sorted {
	struct pf_request *r;
};

static int
by_entry(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	int order = pf_entry_cmp(&x->r->e, &y->r->e);

	if (order != 0)
		return order;
	return x->r < y->r ? -1 : x->r > y->r;
}

/* Those of a family. -ENOMEM. */
static int
sort(struct pf_requests *r, unsigned f, struct sorted **out, size_t *out_n)
{
	struct sorted *v = calloc(r->n + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		if (pf_family(r->v[i].af) == f)
			v[n++].r = &r->v[i];
	qsort(v, n, sizeof(*v), by_entry);
	*out = v;
	*out_n = n;
	return 0;
}

/* Where an entry is, or n. */
static size_t
find(const struct pf_entries *t, unsigned f, const struct pf_entry *e)
{
	size_t lo = 0, hi = t->n[f];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pf_entry_cmp(&t->v[f][mid], e) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n[f] && pf_entry_cmp(&t->v[f][lo], e) == 0 ? lo
	                                                          : t->n[f];
}

enum op { OP_ADD, OP_DELETE, OP_REPLACE };

/* One request: what becomes of it, and the edit for that. p is the entry that
 * is there, or NULL; before: what became of the same request before it, or 0.
 */
static bool
decide(enum op op, struct pf_request *r, const struct pf_entry *p, size_t at,
       char before, uint32_t now, struct edits *l)
{
	bool other = p != NULL && (p->not != 0) != (r->e.not != 0);

	r->feedback = PF_FB_NONE;
	if (op == OP_DELETE) {
		if (p == NULL)
			return true;
		r->feedback = other                     ? PF_FB_CONFLICT
		              : before == PF_FB_DELETED ? PF_FB_DUPLICATE
		                                        : PF_FB_DELETED;
		return r->feedback != PF_FB_DELETED ||
		       add_edit(l, REMOVE, p, at);
	}
	if (before == PF_FB_ADDED || (op == OP_REPLACE && before != 0)) {
		r->feedback = PF_FB_DUPLICATE;
		return true;
	}
	if (p == NULL) {
		r->feedback = PF_FB_ADDED;
		r->e.since = now;
		return add_edit(l, INSERT, &r->e, 0);
	}
	r->e.since = p->since;
	if (!other)
		return true;
	if (op == OP_ADD) {
		r->feedback = PF_FB_CONFLICT;
		return true;
	}
	r->feedback = PF_FB_CHANGED;
	return add_edit(l, FLIP, &r->e, at);
}

/* The edits of a family's requests. Two are the same when they are for the
 * same network, negated or not; a deletion must say which. */
static int
decide_all(enum op op, const struct pf_entries *t, unsigned f, struct sorted *s,
           size_t n, uint32_t now, struct edits *l)
{
	char before = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = find(t, f, &s[i].r->e);

		if (i > 0 && pf_entry_cmp(&s[i - 1].r->e, &s[i].r->e) != 0)
			before = 0;
		if (!decide(op, s[i].r, at < t->n[f] ? &t->v[f][at] : NULL, at,
		            before, now, l))
			return -ENOMEM;
		/* What the first came to holds for all that follow. */
		if (before == 0 || s[i].r->feedback == PF_FB_DELETED)
			before = s[i].r->feedback;
	}
	return 0;
}

/* Replacing: what nobody asked for goes. Requests for it are appended to r,
 * whose sorted ones are used up before. */
static int
drop_others(const struct pf_entries *t, unsigned f, const struct sorted *s,
            size_t n, struct edits *l, struct pf_requests *gone)
{
	size_t i = 0, j = 0;

	while (i < t->n[f]) {
		const struct pf_entry *e = &t->v[f][i];
		int order = j == n ? -1 : pf_entry_cmp(e, &s[j].r->e);
		struct pf_request *r;

		if (order >= 0) {
			j += order > 0;
			i += order == 0;
			continue;
		}
		r = pf_requests_add(gone, pf_family_af(f), &e->ip, e->bits,
		                    e->not != 0);
		if (r == NULL || !add_edit(l, REMOVE, e, i))
			return -ENOMEM;
		r->feedback = PF_FB_DELETED;
		i++;
	}
	return 0;
}

static int
edit_order(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return pf_entry_cmp(&x->e, &y->e);
}

static int
plan(enum op op, const struct pf_entries *t, unsigned f, struct pf_requests *r,
     uint32_t now, struct edits *l, struct pf_requests *gone)
{
	cleanup_free struct sorted *s = NULL;
	size_t n;
	int code = sort(r, f, &s, &n);

	if (code == 0)
		code = decide_all(op, t, f, s, n, now, l);
	if (code == 0 && op == OP_REPLACE)
		code = drop_others(t, f, s, n, l, gone);
	if (code == 0 && op == OP_REPLACE && l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), edit_order);
	return code;
}

static int
operate(enum op op, struct pf_entries *t, struct pf_requests *r, uint32_t now,
        struct pf_change *change)
{
	struct edits l[PF_NFAMILIES] = { { NULL, 0, 0 } };
	struct pf_requests gone = { NULL, 0, 0 };
	int code = 0;

	for (unsigned f = 0; f < PF_NFAMILIES && code == 0; f++)
		code = plan(op, t, f, r, now, &l[f], &gone);
	for (size_t i = 0; i < gone.n && code == 0; i++) {
		const struct pf_request *g = &gone.v[i];
		struct pf_request *to = pf_requests_add(
		    r, g->af, &g->e.ip, g->e.bits, g->e.not != 0);

		if (to == NULL)
			code = -ENOMEM;
		else
			to->feedback = g->feedback;
	}
	for (unsigned f = 0; f < PF_NFAMILIES && code == 0; f++)
		code = apply(t, f, &l[f], change);
	for (unsigned f = 0; f < PF_NFAMILIES; f++)
		free(l[f].v);
	pf_requests_fini(&gone);
	return code;
}

/* --- operations --- */

int
pf_entries_add(struct pf_entries *t, struct pf_requests *r, uint32_t now,
               struct pf_change *change)
{
	return operate(OP_ADD, t, r, now, change);
}

int
pf_entries_delete(struct pf_entries *t, struct pf_requests *r,
                  struct pf_change *change)
{
	return operate(OP_DELETE, t, r, 0, change);
}

int
pf_entries_replace(struct pf_entries *t, struct pf_requests *r, uint32_t now,
                   struct pf_change *change)
{
	return operate(OP_REPLACE, t, r, now, change);
}

int
pf_entries_flush(struct pf_entries *t, struct pf_change *change)
{
	struct pf_requests none = { NULL, 0, 0 };
	int code = operate(OP_REPLACE, t, &none, 0, change);

	pf_requests_fini(&none);
	return code;
}

int
pf_entries_expired(const struct pf_entries *t, uint32_t now, uint32_t seconds,
                   struct pf_requests *out)
{
	for (unsigned f = 0; f < PF_NFAMILIES; f++)
		for (size_t i = 0; i < t->n[f]; i++) {
			const struct pf_entry *e = &t->v[f][i];

			if (now < e->since || now - e->since <= seconds)
				continue;
			if (pf_requests_add(out, pf_family_af(f), &e->ip,
			                    e->bits, e->not != 0) == NULL)
				return -ENOMEM;
		}
	return 0;
}

size_t
pf_entries_test(const struct pf_entries *t, struct pf_requests *r)
{
	size_t matches = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct pf_request *q = &r->v[i];
		unsigned f = pf_family(q->af);
		size_t at = pf_entry_match(t->v[f], t->n[f], &q->e.ip,
		                           pf_af_bits(q->af));

		q->is_found = at < t->n[f];
		q->feedback = PF_FB_NONE;
		if (!q->is_found)
			continue;
		q->found = t->v[f][at];
		if (q->found.not != 0)
			continue;
		q->feedback = PF_FB_MATCH;
		matches++;
	}
	return matches;
}

size_t
pf_entries_zero(struct pf_entries *t, struct pf_requests *r, uint32_t now)
{
	size_t n = 0;

	for (unsigned f = 0; r == NULL && f < PF_NFAMILIES; f++)
		for (size_t i = 0; i < t->n[f]; i++, n++)
			t->v[f][i].since = now;
	for (size_t i = 0; r != NULL && i < r->n; i++) {
		struct pf_request *q = &r->v[i];
		unsigned f = pf_family(q->af);
		size_t at = find(t, f, &q->e);

		q->feedback = PF_FB_NONE;
		if (at == t->n[f])
			continue;
		t->v[f][at].since = now;
		q->feedback = PF_FB_CLEARED;
		n++;
	}
	return n;
}

size_t
pf_entries_single(const struct pf_entries *t)
{
	size_t n = 0;

	for (unsigned f = 0; f < PF_NFAMILIES; f++)
		for (size_t i = 0; i < t->n[f]; i++)
			n += t->v[f][i].bits == pf_af_bits(pf_family_af(f));
	return n;
}

bool
pf_entries_spans(const struct pf_entries *t, unsigned family,
                 struct pf_spans *out)
{
	pf_spans_of(pf_family_af(family), t->v[family], t->n[family], NULL,
	            out);
	return !out->failed;
}

int
pf_requests_define(struct pf_requests *r, const struct pf_table *def)
{
	for (size_t i = 0; i < def->n; i++) {
		const struct pf_addr *a = &def->addr[i].addr;

		if (pf_requests_add(r, a->af, &a->ip, a->bits,
		                    def->addr[i].not ) == NULL)
			return -ENOMEM;
	}
	return 0;
}

int
pf_entries_define(struct pf_entries *t, const struct pf_table *def,
                  uint32_t now)
{
	struct pf_requests r = { NULL, 0, 0 };
	struct pf_change change = { 0 };
	int code = pf_requests_define(&r, def);

	if (code == 0)
		code = pf_entries_add(t, &r, now, &change);
	pf_change_fini(&change);
	pf_requests_fini(&r);
	return code;
}
