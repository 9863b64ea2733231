/* SPDX-License-Identifier: BSD-2-Clause */
/* entries_test.c - a table holds what a bit by bit search of its entries says,
 * and the ranges that changes give lead from one state to the next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pf/addr.h"
#include "pf/entries.h"

enum { STEPS = 3000, MAX_MODEL = 512, NOW = 1000 };

/* Addresses are of three areas: the first of all, some, the last of all. */
static struct pf_ip
address(unsigned af, unsigned area, unsigned low)
{
	struct pf_ip ip = { { 0 } };
	unsigned last = pf_af_bits(af) / 8 - 1;

	if (area == 2)
		memset(ip.b, 0xff, last);
	if (area == 1)
		ip.b[0] = 10;
	ip.b[last] = (uint8_t)low;
	return ip;
}

static bool
bit(const struct pf_ip *ip, unsigned i)
{
	return (ip->b[i / 8] >> (7 - i % 8) & 1) != 0;
}

/* The table as its definition says: no order, no cleverness. */
struct model {
	struct pf_request v[MAX_MODEL];
	size_t n;
};

static bool
model_holds(const struct model *m, unsigned af, const struct pf_ip *ip)
{
	int longest = -1;
	bool in = false;

	for (size_t i = 0; i < m->n; i++) {
		const struct pf_request *r = &m->v[i];
		unsigned b = 0;

		while (r->af == af && b < r->e.bits &&
		       bit(ip, b) == bit(&r->e.ip, b))
			b++;
		if (r->af != af || b < r->e.bits || r->e.bits <= longest)
			continue;
		longest = r->e.bits;
		in = !r->e.not ;
	}
	return in;
}

static struct pf_request *
model_find(struct model *m, const struct pf_request *r)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].af == r->af && m->v[i].e.bits == r->e.bits &&
		    pf_ip_cmp(&m->v[i].e.ip, &r->e.ip) == 0)
			return &m->v[i];
	return NULL;
}

/* What a kernel has: ranges, changed by drops and takes alone. */
struct kernel {
	struct pf_span v[4 * MAX_MODEL];
	size_t n;
};

static void
kernel_change(struct kernel *k, const struct pf_spans *drop,
              const struct pf_spans *take)
{
	for (size_t i = 0; i < drop->n; i++) {
		size_t j = 0;

		while (j < k->n &&
		       memcmp(&k->v[j], &drop->v[i], sizeof(k->v[j])) != 0)
			j++;
		assert_true(j < k->n); /* only what is there is dropped */
		k->v[j] = k->v[--k->n];
	}
	for (size_t i = 0; i < take->n; i++) {
		for (size_t j = 0; j < k->n; j++)
			assert_true(
			    pf_ip_cmp(&take->v[i].last, &k->v[j].first) < 0 ||
			    pf_ip_cmp(&take->v[i].first, &k->v[j].last) > 0);
		assert_true(k->n < sizeof(k->v) / sizeof(k->v[0]));
		k->v[k->n++] = take->v[i];
	}
}

static bool
spans_hold(const struct pf_span *v, size_t n, const struct pf_ip *ip)
{
	for (size_t i = 0; i < n; i++)
		if (pf_ip_cmp(&v[i].first, ip) <= 0 &&
		    pf_ip_cmp(ip, &v[i].last) <= 0)
			return true;
	return false;
}

static void
check(const struct pf_entries *t, const struct model *m, const struct kernel *k,
      unsigned f)
{
	const unsigned af = pf_family_af(f);
	struct pf_spans all = { 0 };

	assert_true(pf_entries_spans(t, f, &all));
	assert_int_equal(all.n, k[f].n);
	for (size_t i = 0; i < all.n; i++) {
		bool there = false;

		assert_true(pf_ip_cmp(&all.v[i].first, &all.v[i].last) <= 0);
		assert_true(i == 0 ||
		            pf_ip_cmp(&all.v[i - 1].last, &all.v[i].first) < 0);
		for (size_t j = 0; j < k[f].n && !there; j++)
			there = memcmp(&all.v[i], &k[f].v[j],
			               sizeof(all.v[i])) == 0;
		assert_true(there);
	}
	for (unsigned area = 0; area < 3; area++)
		for (unsigned low = 0; low < 64; low++) {
			struct pf_ip ip = address(af, area, low * 4 + area);

			assert_int_equal(model_holds(m, af, &ip),
			                 spans_hold(all.v, all.n, &ip));
		}
	pf_spans_fini(&all);
}

static void
random_requests(struct pf_requests *r, unsigned n)
{
	static const uint8_t off[] = {
		0, 0, 0, 1, 2, 3, 4, 6, 8, 24, 28, 31, 32
	};

	while (n-- > 0) {
		unsigned af = rand() % 2 == 0 ? PF_AF_INET : PF_AF_INET6;
		struct pf_ip ip =
		    address(af, (unsigned)rand() % 3, (unsigned)rand() % 256);
		unsigned bits =
		    pf_af_bits(af) - off[(size_t)rand() % sizeof(off)];

		assert_non_null(
		    pf_requests_add(r, af, &ip, bits, rand() % 3 == 0));
	}
}

static void
model_do(struct model *m, const struct pf_requests *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct pf_request *there = model_find(m, &r->v[i]);

		switch (r->v[i].feedback) {
		case PF_FB_ADDED:
			assert_null(there);
			assert_true(m->n < MAX_MODEL);
			m->v[m->n++] = r->v[i];
			break;
		case PF_FB_DELETED:
			assert_non_null(there);
			*there = m->v[--m->n];
			break;
		case PF_FB_CHANGED:
			assert_non_null(there);
			there->e.not = r->v[i].e.not ;
			break;
		default:
			break;
		}
	}
}

/* A table under random changes is always what it should be. */
static void
changes_lead_from_state_to_state(void **state)
{
	static struct model m;
	static struct kernel k[PF_NFAMILIES];
	struct pf_entries t = { 0 };

	(void)state;
	srand(4);
	for (unsigned step = 0; step < STEPS; step++) {
		struct pf_requests r = { 0 };
		struct pf_change c = { 0 };
		unsigned op = (unsigned)rand() % 16;

		random_requests(&r, 1 + (unsigned)rand() % 4);
		if (op == 0)
			random_requests(&r, 40);
		if (m.n > 200 || op == 15)
			assert_int_equal(pf_entries_replace(&t, &r, NOW, &c),
			                 0);
		else if (op < 9)
			assert_int_equal(pf_entries_add(&t, &r, NOW, &c), 0);
		else
			assert_int_equal(pf_entries_delete(&t, &r, &c), 0);
		model_do(&m, &r);
		assert_int_equal(t.n[0] + t.n[1], m.n);
		for (unsigned f = 0; f < PF_NFAMILIES; f++) {
			kernel_change(&k[f], &c.drop[f], &c.take[f]);
			check(&t, &m, k, f);
		}
		pf_change_fini(&c);
		pf_requests_fini(&r);
	}
	pf_entries_fini(&t);
}

static void
matches_are_of_the_longest(void **state)
{
	struct pf_entries t = { 0 };
	struct pf_requests r = { 0 }, q = { 0 };
	struct pf_change c = { 0 };

	(void)state;
	srand(5);
	random_requests(&r, 150);
	assert_int_equal(pf_entries_add(&t, &r, NOW, &c), 0);
	for (unsigned area = 0; area < 3; area++)
		for (unsigned low = 0; low < 256; low++) {
			struct pf_ip ip = address(PF_AF_INET6, area, low);

			pf_requests_add(&q, PF_AF_INET6, &ip, 128, false);
		}
	pf_entries_test(&t, &q);
	for (size_t i = 0; i < q.n; i++) {
		const struct pf_entry *best = NULL;

		for (size_t j = 0; j < t.n[PF_V6]; j++) {
			const struct pf_entry *e = &t.v[PF_V6][j];

			if (pf_ip_in(&q.v[i].e.ip, &e->ip, e->bits) &&
			    (best == NULL || e->bits > best->bits))
				best = e;
		}
		assert_int_equal(q.v[i].is_found, best != NULL);
		if (best != NULL)
			assert_memory_equal(&q.v[i].found, best, sizeof(*best));
		assert_int_equal(q.v[i].feedback == PF_FB_MATCH,
		                 best != NULL && !best->not );
	}
	pf_change_fini(&c);
	pf_requests_fini(&r);
	pf_requests_fini(&q);
	pf_entries_fini(&t);
}

/* Requests as words: "!" negates, the number is the last octet of 10.0.0.x. */
static void
words(struct pf_requests *r, const char *text)
{
	while (*text != '\0') {
		bool not = *text == '!';
		char *end;
		struct pf_ip ip = address(
		    PF_AF_INET, 1, (unsigned)strtoul(text + not, &end, 10));

		pf_requests_add(r, PF_AF_INET, &ip, 32, not );
		text = *end == ' ' ? end + 1 : end;
	}
}

static void
feedback_is_pfctls(void **state)
{
	static const struct {
		const char *before, *asked, *add, *delete, *replace;
		size_t added, deleted, replaced[3]; /* A, D, C */
	} rows[] = {
		{ "", "1", "A", " ", "A", 1, 0, { 1, 0, 0 } },
		{ "", "1 1", "AX", "  ", "AX", 1, 0, { 1, 0, 0 } },
		{ "", "1 !1", "AX", "  ", "AX", 1, 0, { 1, 0, 0 } },
		{ "1", "1", " ", "D", " ", 0, 1, { 0, 0, 0 } },
		{ "1", "1 1", "  ", "DX", " X", 0, 1, { 0, 0, 0 } },
		{ "1", "!1", "Y", "Y", "C", 0, 0, { 0, 0, 1 } },
		{ "1", "!1 1", "Y ", "YD", "CX", 0, 1, { 0, 0, 1 } },
		{ "1 2", "2 3", " A", "D ", " AD", 1, 1, { 1, 1, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned op = 0; op < 3; op++) {
			const char *want = op == 0   ? rows[i].add
			                   : op == 1 ? rows[i].delete
			                             : rows[i].replace;
			struct pf_entries t = { 0 };
			struct pf_requests r = { 0 }, before = { 0 };
			struct pf_change c = { 0 }, none = { 0 };

			words(&before, rows[i].before);
			words(&r, rows[i].asked);
			pf_entries_add(&t, &before, NOW, &none);
			if (op == 0) {
				pf_entries_add(&t, &r, NOW, &c);
				assert_int_equal(c.added, rows[i].added);
			} else if (op == 1) {
				pf_entries_delete(&t, &r, &c);
				assert_int_equal(c.deleted, rows[i].deleted);
			} else {
				pf_entries_replace(&t, &r, NOW, &c);
				assert_int_equal(c.added, rows[i].replaced[0]);
				assert_int_equal(c.deleted,
				                 rows[i].replaced[1]);
				assert_int_equal(c.changed,
				                 rows[i].replaced[2]);
			}
			assert_int_equal(r.n, strlen(want));
			for (size_t j = 0; j < r.n; j++)
				assert_int_equal(r.v[j].feedback, want[j]);
			pf_change_fini(&c);
			pf_change_fini(&none);
			pf_requests_fini(&r);
			pf_requests_fini(&before);
			pf_entries_fini(&t);
		}
}

static void
old_entries_expire(void **state)
{
	struct pf_entries t = { 0 };
	struct pf_requests r = { 0 }, old = { 0 };
	struct pf_change c = { 0 };

	(void)state;
	words(&r, "1 2");
	pf_entries_add(&t, &r, NOW, &c);
	assert_int_equal(pf_entries_expired(&t, NOW + 10, 10, &old), 0);
	assert_int_equal(old.n, 0);
	r.n = 1;
	assert_int_equal(pf_entries_zero(&t, &r, NOW + 5), 1);
	assert_int_equal(pf_entries_expired(&t, NOW + 11, 10, &old), 0);
	assert_int_equal(old.n, 1);
	assert_int_equal(old.v[0].e.ip.b[3], 2);
	assert_int_equal(pf_entries_zero(&t, NULL, NOW + 7), 2);
	pf_change_fini(&c);
	pf_requests_fini(&r);
	pf_requests_fini(&old);
	pf_entries_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_lead_from_state_to_state),
		cmocka_unit_test(matches_are_of_the_longest),
		cmocka_unit_test(feedback_is_pfctls),
		cmocka_unit_test(old_entries_expire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
