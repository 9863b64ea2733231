/* SPDX-License-Identifier: BSD-2-Clause */
/* spans.c - what a table of networks holds, as ranges of addresses.
 *
 * Entries are gone through in their order with a stack of those we are in:
 *
 *   10.0.0.0/8                |---------------------------------------|
 *   10.1.0.0/16 negated             |----------|
 *   10.1.2.0/24                        |--|
 *   ranges                    [=====]  [==]     [====================]
 *
 * at is the first address that has not been decided; an entry that begins, or
 * that ends, decides for what is before.
 */
#include "pf/spans.h"

#include <string.h>

#include "base/vec.h"
#include "pf/addr.h"

void
pf_spans_fini(struct pf_spans *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}

void
pf_ip_last(unsigned af, const struct pf_ip *ip, unsigned bits,
           struct pf_ip *out)
{
	*out = *ip;
	for (unsigned i = bits; i < pf_af_bits(af) && i % 8 != 0; i++)
		out->b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	for (unsigned i = (bits + 7) / 8; i < pf_af_bits(af) / 8; i++)
		out->b[i] = 0xff;
}

bool
pf_ip_step(unsigned af, struct pf_ip *ip, int by)
{
	const struct pf_ip old = *ip;

	for (int i = (int)pf_af_bits(af) / 8 - 1; i >= 0; i--) {
		ip->b[i] = (uint8_t)(ip->b[i] + by);
		if (ip->b[i] != (by > 0 ? 0 : 0xff))
			return true;
	}
	*ip = old;
	return false;
}

int
pf_entry_cmp(const struct pf_entry *a, const struct pf_entry *b)
{
	int order = pf_ip_cmp(&a->ip, &b->ip);

	return order != 0 ? order : (int)a->bits - (int)b->bits;
}

/* How many of the first bits are the same. */
static unsigned
common_bits(const struct pf_ip *a, const struct pf_ip *b)
{
	unsigned i = 0;

	while (i < sizeof(a->b) && a->b[i] == b->b[i])
		i++;
	if (i == sizeof(a->b))
		return 8 * i;
	return 8 * i + (unsigned)__builtin_clz((unsigned)(a->b[i] ^ b->b[i])) -
	       24;
}

/* How many entries are not behind key. */
static size_t
up_to(const struct pf_entry *v, size_t n, const struct pf_entry *key)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (pf_entry_cmp(&v[mid], key) <= 0)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

size_t
pf_entry_match(const struct pf_entry *v, size_t n, const struct pf_ip *ip,
               unsigned bits)
{
	struct pf_entry key = { .bits = (uint8_t)bits };
	size_t at = n;

	/* What contains ip is no longer than what ip has in common with the
	 * entry before it, when that one itself does not. */
	for (;;) {
		key.ip = *ip;
		pf_ip_mask(&key.ip, key.bits);
		at = up_to(v, at, &key);
		if (at == 0)
			return n;
		if (pf_ip_in(ip, &v[at - 1].ip, v[at - 1].bits))
			return at - 1;
		key.bits = (uint8_t)common_bits(ip, &v[at - 1].ip);
	}
}

/* --- ranges --- */

enum { MAX_OPEN = 129 }; /* networks in networks */

struct walk {
	unsigned af;
	const struct pf_entry *v;
	size_t n;
	const struct pf_entry *open[MAX_OPEN]; /* the innermost is last */
	unsigned n_open;
	struct pf_ip at;
	bool over; /* at is past the last address of all */
	bool bounded;
	struct pf_ip to; /* no range that begins behind it */
	struct pf_spans *out;
};

static void
put(struct walk *w, const struct pf_ip *first, const struct pf_ip *last)
{
	struct pf_spans *out = w->out;
	struct pf_span *v;

	if (pf_ip_cmp(first, last) > 0 ||
	    (w->bounded && pf_ip_cmp(first, &w->to) > 0) ||
	    (out->n > 0 && pf_ip_cmp(first, &out->v[out->n - 1].first) <= 0))
		return;
	v = vec_room(out->v, out->n, &out->cap, sizeof(*v));
	if (v == NULL) {
		out->failed = true;
		return;
	}
	out->v = v;
	v[out->n++] = (struct pf_span){ *first, *last };
}

/* The innermost network ends. */
static void
leave(struct walk *w)
{
	const struct pf_entry *e = w->open[--w->n_open];
	struct pf_ip last;

	pf_ip_last(w->af, &e->ip, e->bits, &last);
	if (!e->not &&!w->over)
		put(w, &w->at, &last);
	w->at = last;
	w->over = !pf_ip_step(w->af, &w->at, 1);
}

/* A network begins, in the innermost one or in none. */
static void
enter(struct walk *w, const struct pf_entry *e)
{
	struct pf_ip before = e->ip;

	if (w->n_open > 0 &&
	    !w->open[w->n_open - 1]->not &&pf_ip_cmp(&w->at, &e->ip) < 0) {
		pf_ip_step(w->af, &before, -1);
		put(w, &w->at, &before);
	}
	w->at = e->ip;
	w->open[w->n_open++] = e;
}

/* Where the range begins that an address is in: behind the last network that
 * ended before ip in the innermost one that contains it, or at its start. */
static void
find_at(struct walk *w, size_t next, const struct pf_ip *ip)
{
	const struct pf_entry *before;
	unsigned common;

	if (w->n_open == 0)
		return;
	before = &w->v[next - 1];
	w->at = before->ip;
	if (before == w->open[w->n_open - 1])
		return;
	common = common_bits(&before->ip, ip);
	for (;;) {
		size_t outer =
		    pf_entry_match(w->v, next, &before->ip, before->bits - 1U);

		if (outer == next || w->v[outer].bits <= common)
			break;
		before = &w->v[outer];
	}
	pf_ip_last(w->af, &before->ip, before->bits, &w->at);
	pf_ip_step(w->af, &w->at, 1);
}

/* Go to an address; returns the first entry behind it. */
static size_t
start(struct walk *w, const struct pf_ip *ip)
{
	const unsigned max = pf_af_bits(w->af);
	struct pf_entry key = { .ip = *ip, .bits = (uint8_t)max };
	const size_t next = up_to(w->v, w->n, &key);
	unsigned bits = max;

	for (;;) {
		size_t i = pf_entry_match(w->v, next, ip, bits);

		if (i == next)
			break;
		w->open[w->n_open++] = &w->v[i];
		if (w->v[i].bits == 0)
			break;
		bits = w->v[i].bits - 1U;
	}
	/* Found from the inside, kept from the outside. */
	for (unsigned i = 0; i < w->n_open / 2; i++) {
		const struct pf_entry *swap = w->open[i];

		w->open[i] = w->open[w->n_open - 1 - i];
		w->open[w->n_open - 1 - i] = swap;
	}
	find_at(w, next, ip);
	return next;
}

void
pf_spans_of(unsigned af, const struct pf_entry *v, size_t n,
            const struct pf_span *window, struct pf_spans *out)
{
	struct walk w = { .af = af, .v = v, .n = n, .out = out };
	struct pf_ip from;
	size_t i = 0;

	if (window != NULL) {
		w.bounded = true;
		from = window->first;
		w.to = window->last;
		pf_ip_step(af, &from, -1);
		pf_ip_step(af, &w.to, 1);
		i = start(&w, &from);
	}
	for (; i < n; i++) {
		while (w.n_open > 0 &&
		       !pf_ip_in(&v[i].ip, &w.open[w.n_open - 1]->ip,
		                 w.open[w.n_open - 1]->bits))
			leave(&w);
		if (w.bounded && pf_ip_cmp(&v[i].ip, &w.to) > 0 &&
		    (w.n_open == 0 || pf_ip_cmp(&w.at, &w.to) > 0))
			return;
		enter(&w, &v[i]);
	}
	while (w.n_open > 0)
		leave(&w);
}

void
pf_spans_differ(struct pf_spans *a, struct pf_spans *b)
{
	size_t i = 0, j = 0, keep_a = 0, keep_b = 0;

	while (i < a->n || j < b->n) {
		int order = i == a->n ? 1
		            : j == b->n
		                ? -1
		                : pf_ip_cmp(&a->v[i].first, &b->v[j].first);

		if (order == 0 &&
		    pf_ip_cmp(&a->v[i].last, &b->v[j].last) == 0) {
			i++;
			j++;
			continue;
		}
		if (order <= 0)
			a->v[keep_a++] = a->v[i++];
		if (order >= 0)
			b->v[keep_b++] = b->v[j++];
	}
	a->n = keep_a;
	b->n = keep_b;
}
