/* SPDX-License-Identifier: BSD-2-Clause */
/* sets.c - the kernel's sets follow tables through random changes.
 *
 * usage: pf_sets [STEPS [SEED]], in a network namespace of one's own. Each step
 * changes a table at random and sends the kernel what changed; what the kernel
 * then has must be all that the table's entries say. At the end a table of
 * 100,000 entries is changed by one, which is timed.
 */
#include "pf/sets.h"

#include <linux/netlink.h>

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pf/addr.h"

static void
die(const char *what, const struct error *err)
{
	fprintf(stderr, "pf_sets: %s: %s\n", what, err->msg);
	exit(1);
}

static void
make_sets(void)
{
	static const char text[] =
	    "add table ip pf\nadd table ip6 pf\n"
	    "add set ip pf t { type ipv4_addr; flags interval; counter; }\n"
	    "add set ip6 pf t { type ipv6_addr; flags interval; }\n"
	    "add set ip pf h { type ipv4_addr; flags dynamic; size 200000; }\n"
	    "add set ip6 pf h { type ipv6_addr; flags dynamic; size 65535; }\n"
	    "add element ip pf t { 192.0.2.1 }\n"
	    "delete element ip pf t { 192.0.2.1 }\n";
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (nft == NULL || nft_run_cmd_from_buffer(nft, text) != 0)
		exit(1);
	nft_ctx_free(nft);
}

/* The borders of ranges, sorted. */
struct border {
	struct pf_ip ip;
	bool is_end;
};

struct borders {
	struct border *v;
	size_t n, cap;
	unsigned af;
};

static int
add_border(struct borders *l, const struct pf_ip *ip, bool is_end)
{
	if (l->n == l->cap) {
		l->cap = l->cap != 0 ? 2 * l->cap : 64;
		l->v = realloc(l->v, l->cap * sizeof(*l->v));
		if (l->v == NULL)
			exit(1);
	}
	l->v[l->n++] = (struct border){ *ip, is_end };
	return 0;
}

static int
see(const struct pf_set_element *e, void *arg, struct error *err)
{
	static const struct pf_ip none;

	(void)err;
	/* nft marks where the first gap begins; nobody asks for that. */
	if (e->is_end && pf_ip_cmp(&e->ip, &none) == 0)
		return 0;
	return add_border(arg, &e->ip, e->is_end);
}

static int
by_address(const void *a, const void *b)
{
	const struct border *x = a, *y = b;
	int order = pf_ip_cmp(&x->ip, &y->ip);

	return order != 0 ? order : (int)y->is_end - (int)x->is_end;
}

/* An address of the hash has both borders. */
static int
see_single(const struct pf_set_element *e, void *arg, struct error *err)
{
	struct borders *l = arg;
	struct pf_ip behind = e->ip;

	(void)err;
	add_border(l, &e->ip, false);
	if (pf_ip_step(l->af, &behind, 1))
		add_border(l, &behind, true);
	return 0;
}

static void
compare(struct nl_sock *s, const struct pf_entries *t, unsigned f)
{
	struct borders has = { .af = pf_family_af(f) }, wants = { 0 };
	struct pf_spans all = { 0 };
	struct error err;

	if (pf_sets_read(s, has.af, "t", see, &has, &err) < 0 ||
	    pf_sets_read(s, has.af, "h", see_single, &has, &err) < 0)
		die("read", &err);
	pf_entries_spans(t, f, &all);
	for (size_t i = 0; i < all.n; i++) {
		struct pf_ip behind = all.v[i].last;

		add_border(&wants, &all.v[i].first, false);
		if (pf_ip_step(pf_family_af(f), &behind, 1))
			add_border(&wants, &behind, true);
	}
	if (has.n > 0)
		qsort(has.v, has.n, sizeof(*has.v), by_address);
	if (wants.n > 0)
		qsort(wants.v, wants.n, sizeof(*wants.v), by_address);
	err = (struct error){ .msg = "not what the entries say" };
	if (has.n != wants.n)
		die("set", &err);
	for (size_t i = 0; i < has.n; i++)
		if (by_address(&has.v[i], &wants.v[i]) != 0)
			die("set", &err);
	free(has.v);
	free(wants.v);
	pf_spans_fini(&all);
}

static void
commit(struct nl_sock *s, const struct pf_change *c, bool hashed)
{
	const struct pf_set_names to = { "t", hashed ? "h" : NULL };
	struct pf_sets_batch b;
	struct error err;

	pf_sets_begin(&b);
	for (unsigned f = 0; f < PF_NFAMILIES; f++)
		pf_sets_drop(&b, pf_family_af(f), &to, &c->drop[f]);
	for (unsigned f = 0; f < PF_NFAMILIES; f++)
		pf_sets_take(&b, pf_family_af(f), &to, &c->take[f]);
	if (pf_sets_commit(s, &b, &err) < 0)
		die("commit", &err);
	pf_sets_fini(&b);
}

static void
random_step(struct pf_requests *r)
{
	static const uint8_t off[] = { 0, 0, 0, 1, 2, 3, 4, 8, 24, 31, 32 };

	for (int n = 1 + rand() % 3; n > 0; n--) {
		unsigned af = rand() % 2 == 0 ? PF_AF_INET : PF_AF_INET6;
		unsigned last = pf_af_bits(af) / 8 - 1;
		struct pf_ip ip = { { 0 } };

		if (rand() % 3 == 0)
			memset(ip.b, 0xff, last);
		else if (rand() % 2 == 0)
			ip.b[0] = 10;
		ip.b[last] = (uint8_t)rand();
		pf_requests_add(r, af, &ip,
		                pf_af_bits(af) -
		                    off[(size_t)rand() % sizeof(off)],
		                rand() % 3 == 0);
	}
}

static void
follow(struct nl_sock *s, unsigned steps, bool hashed)
{
	struct pf_entries t = { 0 };

	for (unsigned i = 0; i <= steps; i++) {
		struct pf_requests r = { 0 };
		struct pf_change c = { 0 };
		bool much = t.n[0] + t.n[1] > 100 || i == steps;

		random_step(&r);
		if (much)
			pf_entries_flush(&t, &c);
		else if (rand() % 3 == 0)
			pf_entries_delete(&t, &r, &c);
		else
			pf_entries_add(&t, &r, 0, &c);
		commit(s, &c, hashed);
		compare(s, &t, PF_V4);
		compare(s, &t, PF_V6);
		pf_change_fini(&c);
		pf_requests_fini(&r);
	}
	pf_entries_fini(&t);
}

static double
ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* One address more and less in a large table. */
static void
time_large(struct nl_sock *s)
{
	struct pf_entries t = { 0 };
	struct pf_requests r = { 0 };
	struct pf_change c = { 0 };
	double before;

	for (unsigned i = 0; i < 100000; i++) {
		struct pf_ip ip = { { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			              (uint8_t)i } };

		pf_requests_add(&r, PF_AF_INET, &ip, 32, false);
	}
	before = ms();
	pf_entries_add(&t, &r, 0, &c);
	printf("100000 entries: add %.2f ms", ms() - before);
	before = ms();
	commit(s, &c, true);
	printf(", commit %.2f ms\n", ms() - before);
	pf_change_fini(&c);
	r.n = 1;
	r.v[0].e.ip.b[0] = 11;
	for (int i = 0; i < 20; i++) {
		before = ms();
		if (i % 2 == 0)
			pf_entries_add(&t, &r, 0, &c);
		else
			pf_entries_delete(&t, &r, &c);
		printf("one: %.2f ms", ms() - before);
		before = ms();
		commit(s, &c, true);
		printf(", commit %.2f ms\n", ms() - before);
		pf_change_fini(&c);
		c = (struct pf_change){ 0 };
	}
	pf_requests_fini(&r);
	pf_entries_fini(&t);
}

int
main(int argc, char **argv)
{
	struct nl_sock s;
	struct error err;

	srand(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
	make_sets();
	if (nl_open(&s, NETLINK_NETFILTER, -1, &err) < 0)
		die("netlink", &err);
	follow(&s, argc > 1 ? (unsigned)atoi(argv[1]) : 1000, false);
	follow(&s, argc > 1 ? (unsigned)atoi(argv[1]) : 1000, true);
	time_large(&s);
	nl_close(&s);
	return 0;
}
