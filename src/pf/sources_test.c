/* SPDX-License-Identifier: BSD-2-Clause */
/* sources_test.c - elements of maps are read, shown and chosen. */
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pf/compile_internal.h"
#include "pf/sources.h"

static void
put_data(struct nl_msg *m, uint16_t type, const uint8_t *ip, size_t len)
{
	size_t data = nl_nest(m, type, NULL, 0);

	nl_put(m, NFTA_DATA_VALUE, ip, len);
	nl_nest_end(m, data);
}

/* A message of elements 10.0.0.N -> 192.0.2.N; len: of their addresses. */
static struct nl_reply
message(struct nl_msg *m, unsigned n, size_t len)
{
	const struct nfgenmsg head = { .nfgen_family = PF_AF_INET };
	const uint64_t ms = htobe64(3601000);
	size_t list, one;

	nl_msg_init(m, 0, 0, &head, sizeof(head));
	nl_put_str(m, NFTA_SET_ELEM_LIST_TABLE, "pf");
	list = nl_nest(m, NFTA_SET_ELEM_LIST_ELEMENTS, NULL, 0);
	for (unsigned i = 1; i <= n; i++) {
		const uint8_t ip[16] = { 10, 0, 0, (uint8_t)i };
		const uint8_t to[16] = { 192, 0, 2, (uint8_t)i };

		one = nl_nest(m, NFTA_LIST_ELEM, NULL, 0);
		put_data(m, NFTA_SET_ELEM_KEY, ip, len);
		put_data(m, NFTA_SET_ELEM_DATA, to, len);
		nl_put(m, NFTA_SET_ELEM_EXPIRATION, &ms, sizeof(ms));
		nl_nest_end(m, one);
	}
	nl_nest_end(m, list);
	return (struct nl_reply){
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM,
		m->data + sizeof(struct nlmsghdr),
		m->len - sizeof(struct nlmsghdr),
	};
}

/* A connection of 10.0.0.1 that went out as 192.0.2.1. */
static struct ct_entry
given(void)
{
	struct ct_entry e = { .mark = PF_CT_K1 | PF_CT_K2,
		              .packets = { 3, 2 },
		              .bytes = { 30, 20 } };
	const struct pf_ip ip = { { 10, 0, 0, 1 } }, to = { { 192, 0, 2, 1 } };

	e.tuple[CT_ORIG].af = e.tuple[CT_REPLY].af = PF_AF_INET;
	e.tuple[CT_ORIG].src = ip;
	e.tuple[CT_REPLY].dst = to;
	return e;
}

static void
elements_are_sources_with_states(void **state)
{
	struct pf_sources l = { .af = PF_AF_INET, .map = 7 };
	struct ct_entry e = given();
	const struct ct_list states = { &e, 1, 1 };
	cleanup_buf struct buf out = BUF_INIT;
	struct error err;
	struct nl_msg m;
	struct nl_reply r = message(&m, 2, 4);

	(void)state;
	assert_int_equal(pf_sources_read(&r, &l, &err), 0);
	assert_int_equal(l.n, 2);
	pf_sources_print(&l, &states, 1, &out);
	assert_string_equal(
	    buf_str(&out),
	    "10.0.0.1 -> 192.0.2.1 ( states 1, connections 0, rate 0.0/0s )\n"
	    "   expires in 01:00:01, 5 pkts, 50 bytes\n"
	    "10.0.0.2 -> 192.0.2.2 ( states 0, connections 0, rate 0.0/0s )\n"
	    "   expires in 01:00:01, 0 pkts, 0 bytes\n");
	pf_sources_fini(&l);
}

static void
those_that_are_meant_are_removed(void **state)
{
	struct pf_kill k = { .by = PF_KILL_HOSTS,
		             .from = { .kind = PF_ADDR_NET,
		                       .af = PF_AF_INET,
		                       .bits = 32,
		                       .ip = { { 10, 0, 0, 2 } } } };
	struct pf_sources l = { .af = PF_AF_INET, .map = 7 };
	cleanup_buf struct buf out = BUF_INIT;
	struct error err;
	struct nl_msg m;
	struct nl_reply r = message(&m, 3, 4);
	size_t n;

	(void)state;
	assert_int_equal(pf_sources_read(&r, &l, &err), 0);
	pf_sources_put_removal(&l, &k, &out, &n);
	assert_int_equal(n, 1);
	assert_string_equal(buf_str(&out),
	                    "delete element ip pf st7 { 10.0.0.2 }\n");
	k.by = PF_KILL_ALL;
	pf_sources_put_removal(&l, &k, &out, &n);
	assert_int_equal(n, 3);
	pf_sources_fini(&l);
}

static void
what_is_no_source_is_refused(void **state)
{
	struct pf_sources l = { .af = PF_AF_INET };
	struct error err;
	struct nl_msg m;
	struct nl_reply r = message(&m, 1, 16); /* of the other family */

	(void)state;
	assert_int_equal(pf_sources_read(&r, &l, &err), -EPROTO);
	r.type++;
	assert_int_equal(pf_sources_read(&r, &l, &err), 0);
	assert_int_equal(l.n, 0);
	pf_sources_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_sources_with_states),
		cmocka_unit_test(those_that_are_meant_are_removed),
		cmocka_unit_test(what_is_no_source_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
