/* SPDX-License-Identifier: BSD-2-Clause */
/* conntrack_test.c - entries of the table of connections are read as the kernel
 * sends them, and refused when they are cut.
 */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pf/conntrack.h"

enum { CT_NEW = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW };

static void
put_tuple(struct nl_msg *m, uint16_t type, const char *src, const char *dst,
          uint16_t sport, uint16_t dport)
{
	size_t tuple = nl_nest(m, type, NULL, 0);
	size_t in = nl_nest(m, CTA_TUPLE_IP, NULL, 0);
	uint8_t ip[4];

	inet_pton(AF_INET, src, ip);
	nl_put(m, CTA_IP_V4_SRC, ip, sizeof(ip));
	inet_pton(AF_INET, dst, ip);
	nl_put(m, CTA_IP_V4_DST, ip, sizeof(ip));
	nl_nest_end(m, in);
	in = nl_nest(m, CTA_TUPLE_PROTO, NULL, 0);
	nl_put_u8(m, CTA_PROTO_NUM, PF_PROTO_TCP);
	nl_put_u16(m, CTA_PROTO_SRC_PORT, htons(sport));
	nl_put_u16(m, CTA_PROTO_DST_PORT, htons(dport));
	nl_nest_end(m, in);
	nl_nest_end(m, tuple);
}

static void
begin(struct nl_msg *m)
{
	const struct nfgenmsg body = { .nfgen_family = PF_AF_INET };

	nl_msg_init(m, CT_NEW, 0, &body, sizeof(body));
}

static struct nl_reply
reply_of(const struct nl_msg *m)
{
	return (struct nl_reply){ CT_NEW, m->data + sizeof(struct nlmsghdr),
		                  m->len - sizeof(struct nlmsghdr) };
}

/* A connection as it was seen on Linux 6.18, by way of a translation. */
static void
full_entry(struct nl_msg *m)
{
	const uint64_t n[2] = { htobe64(3), htobe64(1) };
	uint64_t v;
	size_t in, tcp;

	begin(m);
	put_tuple(m, CTA_TUPLE_ORIG, "10.1.0.2", "10.1.0.1", 51000, 80);
	put_tuple(m, CTA_TUPLE_REPLY, "10.2.0.2", "10.2.0.1", 8080, 60123);
	nl_put_u32(m, CTA_STATUS, htonl(0x1be));
	nl_put_u32(m, CTA_TIMEOUT, htonl(86390));
	nl_put_u32(m, CTA_MARK, htonl(0xc0008003));
	nl_put_u32(m, CTA_ID, htonl(0xfeedbeef));
	for (unsigned dir = 0; dir < 2; dir++) {
		in = nl_nest(m, (uint16_t)(CTA_COUNTERS_ORIG + dir), NULL, 0);
		nl_put(m, CTA_COUNTERS_PACKETS, &n[dir], sizeof(n[dir]));
		v = htobe64(1000 + dir);
		nl_put(m, CTA_COUNTERS_BYTES, &v, sizeof(v));
		nl_nest_end(m, in);
	}
	in = nl_nest(m, CTA_TIMESTAMP, NULL, 0);
	v = htobe64(1700000000ULL * 1000000000);
	nl_put(m, CTA_TIMESTAMP_START, &v, sizeof(v));
	nl_nest_end(m, in);
	in = nl_nest(m, CTA_PROTOINFO, NULL, 0);
	tcp = nl_nest(m, CTA_PROTOINFO_TCP, NULL, 0);
	nl_put_u8(m, CTA_PROTOINFO_TCP_STATE, 4);
	nl_put_u8(m, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, 7);
	nl_put_u8(m, CTA_PROTOINFO_TCP_WSCALE_REPLY, 9);
	nl_put_u16(m, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, 0x23);
	nl_put_u16(m, CTA_PROTOINFO_TCP_FLAGS_REPLY, 0x27);
	nl_nest_end(m, tcp);
	nl_nest_end(m, in);
}

static void
an_entry_is_read_whole(void **state)
{
	struct ct_entry e;
	struct nl_reply r;
	struct error err;
	struct nl_msg m;

	(void)state;
	full_entry(&m);
	r = reply_of(&m);
	assert_int_equal(ct_read(&r, &e, &err), 0);
	assert_int_equal(e.tuple[CT_ORIG].af, PF_AF_INET);
	assert_int_equal(e.tuple[CT_ORIG].proto, PF_PROTO_TCP);
	assert_int_equal(e.tuple[CT_ORIG].sport, 51000);
	assert_int_equal(e.tuple[CT_ORIG].dport, 80);
	assert_int_equal(e.tuple[CT_REPLY].src.b[1], 2);
	assert_int_equal(e.tuple[CT_REPLY].dport, 60123);
	assert_int_equal(e.mark, 0xc0008003);
	assert_int_equal(e.id, 0xfeedbeef);
	assert_int_equal(e.timeout_s, 86390);
	assert_true((e.status & CT_SEEN_REPLY) != 0);
	assert_int_equal(e.packets[CT_ORIG], 3);
	assert_int_equal(e.bytes[CT_REPLY], 1001);
	assert_int_equal(e.start_ns / 1000000000, 1700000000);
	assert_int_equal(e.tcp_state, 4);
	assert_int_equal(e.wscale[CT_REPLY], 9);
	assert_int_equal(e.tcp_flags[CT_ORIG], 0x23);
	assert_int_equal(e.tcp_flags[CT_REPLY], 0x27);
}

/* Whatever is cut off, nothing behind the end is read (under ASan) and no half
 * an entry comes out. */
static void
a_cut_entry_is_refused_or_shorter(void **state)
{
	struct ct_entry e = { .id = 77 };
	struct nl_reply r;
	struct error err;
	struct nl_msg m;

	(void)state;
	full_entry(&m);
	r = reply_of(&m);
	for (size_t len = r.len; len-- > 0;) {
		unsigned char *copy = malloc(len + 1);
		const struct nl_reply cut = { r.type, copy, len };
		int rc;

		assert_non_null(copy);
		memcpy(copy, r.data, len);
		e.id = 77;
		rc = ct_read(&cut, &e, &err);
		if (rc != 0)
			assert_int_equal(e.id, 77);
		else
			assert_int_equal(e.tuple[CT_REPLY].sport, 8080);
		free(copy);
	}
}

static void
what_is_no_entry_is_left_alone(void **state)
{
	struct ct_entry e = { .id = 77 };
	struct nl_reply r;
	struct error err;
	struct nl_msg m;

	(void)state;
	full_entry(&m);
	r = reply_of(&m);
	r.type++; /* of another kind */
	assert_int_equal(ct_read(&r, &e, &err), 1);
	begin(&m);
	put_tuple(&m, CTA_TUPLE_ORIG, "10.1.0.2", "10.1.0.1", 51000, 80);
	r = reply_of(&m);
	assert_int_equal(ct_read(&r, &e, &err), -EPROTO);
	assert_int_equal(e.id, 77);
}

static void
counters_of_processors_are_added(void **state)
{
	const struct nfgenmsg body = { 0 };
	struct ct_stats sum = { 0 };
	struct nl_msg m;
	struct nl_reply r;

	(void)state;
	nl_msg_init(&m, 0, 0, &body, sizeof(body));
	nl_put_u32(&m, CTA_STATS_INVALID, htonl(5));
	nl_put_u32(&m, CTA_STATS_DROP, htonl(2));
	r = reply_of(&m);
	r.type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS_CPU;
	assert_int_equal(ct_stats_read(&r, &sum), 0);
	assert_int_equal(ct_stats_read(&r, &sum), 0);
	assert_int_equal(sum.invalid, 10);
	assert_int_equal(sum.drop, 4);
	r.type = CT_NEW;
	assert_int_equal(ct_stats_read(&r, &sum), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_is_read_whole),
		cmocka_unit_test(a_cut_entry_is_refused_or_shorter),
		cmocka_unit_test(what_is_no_entry_is_left_alone),
		cmocka_unit_test(counters_of_processors_are_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
