/* SPDX-License-Identifier: BSD-2-Clause */
/* nl_test.c - messages are built and read within their bounds. */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "linux/nl.h"

/* A datagram under construction: messages as the kernel would send them. */
struct gram {
	size_t len;
	_Alignas(4) unsigned char b[1024];
};

static void
gram_add(struct gram *g, uint16_t type, uint16_t flags, uint32_t seq,
         const void *body, size_t len)
{
	struct nlmsghdr h = { .nlmsg_len = (uint32_t)(sizeof(h) + len),
		              .nlmsg_type = type,
		              .nlmsg_flags = flags,
		              .nlmsg_seq = seq };

	memcpy(g->b + g->len, &h, sizeof(h));
	memcpy(g->b + g->len + sizeof(h), body, len);
	g->len += (sizeof(h) + len + 3) & ~(size_t)3;
}

static int
count(const struct nl_reply *r, void *arg, struct error *err)
{
	(void)r;
	(void)err;
	++*(int *)arg;
	return 0;
}

static void
nested_attributes_read_back(void **state)
{
	const uint32_t body = 7;
	struct nl_attr a, in;
	struct nl_msg m;
	size_t mark, off = 20, sub = 0;
	char s[8];

	(void)state;
	nl_msg_init(&m, 16, 0, &body, sizeof(body));
	mark = nl_nest(&m, 5, NULL, 0);
	nl_put_str(&m, 1, "abc");
	nl_put_u16(&m, 2, 0x1234);
	nl_nest_end(&m, mark);
	nl_put_u32(&m, 9, 77);
	assert_false(m.overflow);
	assert_int_equal(m.len % 4, 0);
	assert_true(nl_attr_next(m.data, m.len, &off, &a));
	assert_int_equal(a.type, 5);
	assert_true(nl_attr_next(a.data, a.len, &sub, &in));
	assert_true(nl_attr_str(&in, s, sizeof(s)));
	assert_string_equal(s, "abc");
	assert_true(nl_attr_next(a.data, a.len, &sub, &in));
	assert_int_equal(nl_attr_u16(&in), 0x1234);
	assert_int_equal(nl_attr_u32(&in), 0); /* shorter than asked */
	assert_false(nl_attr_next(a.data, a.len, &sub, &in));
	assert_true(nl_attr_next(m.data, m.len, &off, &a));
	assert_int_equal(nl_attr_u32(&a), 77);
	assert_false(nl_attr_next(m.data, m.len, &off, &a));
}

static void
full_request_is_refused_not_cut(void **state)
{
	struct nl_sock none = { .fd = -1 };
	static char big[NL_MSG_MAX];
	struct error err = { 0 };
	struct nl_msg m;

	(void)state;
	nl_msg_init(&m, 16, 0, NULL, 0);
	nl_put(&m, 1, big, sizeof(big));
	assert_true(m.overflow);
	nl_put_u8(&m, 2, 1); /* nothing fits behind what did not */
	assert_int_equal(nl_request(&none, &m, NULL, &err), -EMSGSIZE);
	nl_msg_init(&m, 16, 0, NULL, 0);
	for (int i = 0; i < NL_MSG_MAX; i++)
		nl_put_u32(&m, 1, 1);
	assert_true(m.overflow);
	assert_true(m.len <= sizeof(m.data));
}

static void
attribute_past_the_end_ends_the_walk(void **state)
{
	static const struct {
		unsigned char b[8];
		size_t len;
		int want; /* attributes */
	} rows[] = {
		{ { 4, 0, 1, 0, 4, 0, 2, 0 }, 8, 2 },
		{ { 9, 0, 1, 0 }, 4, 0 }, /* longer than what is left */
		{ { 3, 0, 1, 0 }, 4, 0 }, /* shorter than its header */
		{ { 0, 0, 0, 0 }, 4, 0 }, /* would never advance */
		{ { 4, 0, 1, 0, 4 }, 5, 1 },
		{ { 5, 0, 1, 0, 7 }, 5, 1 }, /* no padding at the end */
		{ { 4, 0 }, 2, 0 },
		{ { 0 }, 0, 0 },
	};
	struct nl_attr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t off = 0;
		int n = 0;

		while (nl_attr_next(rows[i].b, rows[i].len, &off, &a))
			n++;
		assert_int_equal(n, rows[i].want);
	}
}

static void
string_without_room_is_left_out(void **state)
{
	const struct nl_attr a = { 1, (const unsigned char *)"abcdefgh", 8 };
	char s[8];

	(void)state;
	assert_false(nl_attr_str(&a, s, sizeof(s)));
	assert_string_equal(s, "");
}

static void
acknowledgement_ends_the_answer(void **state)
{
	struct nl_progress p = { .seq = 3 };
	struct nlmsgerr ok = { 0 };
	struct gram g = { 0 };
	struct error err = { 0 };
	int n = 0;
	const struct nl_sink sink = { count, &n };

	(void)state;
	gram_add(&g, RTM_NEWLINK, 0, 3, "data", 4);
	gram_add(&g, RTM_NEWLINK, 0, 2, "old", 3); /* another request's */
	gram_add(&g, NLMSG_ERROR, NLM_F_CAPPED, 3, &ok, sizeof(ok));
	gram_add(&g, RTM_NEWLINK, 0, 3, "late", 4);
	assert_int_equal(nl_reply_read(g.b, g.len, &p, &sink, &err), 0);
	assert_true(p.done);
	assert_int_equal(n, 1);
}

static void
error_carries_the_kernels_words(void **state)
{
	struct {
		struct nlmsgerr e;
		struct nlattr a;
		char text[12];
	} more = { .e = { .error = -EEXIST },
		   .a = { sizeof(struct nlattr) + 12, NLMSGERR_ATTR_MSG },
		   .text = "taken by us" };
	struct nl_progress p = { .seq = 1 };
	struct error err = { 0 };
	struct gram g = { 0 };

	(void)state;
	gram_add(&g, NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, 1, &more,
	         sizeof(more));
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), -EEXIST);
	assert_string_equal(err.msg, "File exists (taken by us)");
}

static void
error_with_the_request_echoed(void **state)
{
	struct {
		struct nlmsgerr e;
		char echoed[8];
		struct nlattr a;
		char text[4];
	} more = { .e = { .error = -EPERM, .msg = { .nlmsg_len = 16 + 8 } },
		   .a = { sizeof(struct nlattr) + 4, NLMSGERR_ATTR_MSG },
		   .text = "why" };
	struct nl_progress p = { .seq = 1 };
	struct error err = { 0 };
	struct gram g = { 0 };

	(void)state;
	gram_add(&g, NLMSG_ERROR, NLM_F_ACK_TLVS, 1, &more, sizeof(more));
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), -EPERM);
	assert_string_equal(err.msg, "Operation not permitted (why)");
	more.e.msg.nlmsg_len = 60000; /* a lie: no words, the errno stands */
	g.len = 0;
	p = (struct nl_progress){ .seq = 1 };
	gram_add(&g, NLMSG_ERROR, NLM_F_ACK_TLVS, 1, &more, sizeof(more));
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), -EPERM);
	assert_string_equal(err.msg, "Operation not permitted");
}

static void
broken_datagrams_are_refused(void **state)
{
	struct nl_progress p = { .seq = 1 };
	struct error err = { 0 };
	struct gram g = { 0 };
	uint32_t lie = 1000;

	(void)state;
	assert_int_equal(nl_reply_read("abc", 3, &p, NULL, &err), -EPROTO);
	gram_add(&g, NLMSG_ERROR, 0, 1, "ab", 2);
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), -EPROTO);
	p.done = false;
	memcpy(g.b, &lie, sizeof(lie));
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), -EPROTO);
	lie = 3;
	memcpy(g.b, &lie, sizeof(lie));
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), -EPROTO);
}

static void
dump_ends_with_done_and_tells_tearing(void **state)
{
	const int done = 0, failed = -ENOBUFS;
	struct nl_progress p = { .seq = 1 };
	struct error err = { 0 };
	struct gram g = { 0 };

	(void)state;
	gram_add(&g, RTM_NEWADDR, NLM_F_MULTI | NLM_F_DUMP_INTR, 1, "x", 1);
	gram_add(&g, NLMSG_DONE, NLM_F_MULTI, 1, &done, sizeof(done));
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), 0);
	assert_true(p.done && p.torn);
	g.len = 0;
	p = (struct nl_progress){ .seq = 1 };
	gram_add(&g, NLMSG_DONE, NLM_F_MULTI, 1, &failed, sizeof(failed));
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), -ENOBUFS);
}

static void
endless_answer_is_cut(void **state)
{
	struct nl_progress p = { .seq = 1, .seen = NL_DUMP_MAX };
	struct error err = { 0 };
	struct gram g = { 0 };

	(void)state;
	gram_add(&g, RTM_NEWADDR, NLM_F_MULTI, 1, "x", 1);
	assert_int_equal(nl_reply_read(g.b, g.len, &p, NULL, &err), -E2BIG);
}

static void
batch_is_requests_in_a_row(void **state)
{
	struct nl_batch b = NL_BATCH_INIT;
	struct nl_sock none = { .fd = -1 };
	struct error err = { 0 };
	static char big[NL_MSG_MAX];
	struct nlmsghdr h;
	struct nl_msg m;

	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		nl_msg_init(&m, (uint16_t)(20 + i), 0, NULL, 0);
		nl_put(&m, 1, big, i);
		nl_batch_add(&b, &m);
	}
	nl_batch_ack_last(&b);
	for (size_t at = 0, i = 0; i < 3; i++, at += (h.nlmsg_len + 3) & ~3U) {
		assert_true(at + sizeof(h) <= b.bytes.len);
		memcpy(&h, b.bytes.data + at, sizeof(h));
		assert_int_equal(h.nlmsg_type, 20 + i);
		assert_int_equal((h.nlmsg_flags & NLM_F_ACK) != 0, i == 2);
	}
	nl_msg_init(&m, 30, 0, NULL, 0);
	nl_put(&m, 1, big, sizeof(big));
	nl_batch_add(&b, &m); /* full: the batch is of no use */
	assert_int_equal(nl_batch_send(&none, &b, &err), -EMSGSIZE);
	nl_batch_fini(&b);
}

static void
batch_tells_the_first_refusal(void **state)
{
	const struct ifinfomsg nobody = { .ifi_index = 0x7ffffffe };
	struct nl_batch b = NL_BATCH_INIT;
	struct error err = { 0 };
	struct nl_sock s;
	struct nl_msg m;

	(void)state;
	assert_int_equal(nl_open(&s, NETLINK_ROUTE, -1, &err), 0);
	nl_msg_init(&m, RTM_GETLINK, 0, &nobody, sizeof(nobody));
	nl_batch_add(&b, &m);
	nl_batch_add(&b, &m);
	nl_batch_ack_last(&b);
	assert_int_equal(nl_batch_send(&s, &b, &err), -ENODEV);
	nl_batch_fini(&b);
	nl_msg_init(&m, NLMSG_NOOP, 0, NULL, 0);
	nl_batch_add(&b, &m);
	assert_int_equal(nl_batch_send(&s, &b, &err), -EPROTO);
	nl_batch_ack_last(&b);
	assert_int_equal(nl_batch_send(&s, &b, &err), 0);
	nl_batch_fini(&b);
	nl_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_attributes_read_back),
		cmocka_unit_test(full_request_is_refused_not_cut),
		cmocka_unit_test(attribute_past_the_end_ends_the_walk),
		cmocka_unit_test(string_without_room_is_left_out),
		cmocka_unit_test(acknowledgement_ends_the_answer),
		cmocka_unit_test(error_carries_the_kernels_words),
		cmocka_unit_test(error_with_the_request_echoed),
		cmocka_unit_test(broken_datagrams_are_refused),
		cmocka_unit_test(dump_ends_with_done_and_tells_tearing),
		cmocka_unit_test(endless_answer_is_cut),
		cmocka_unit_test(batch_is_requests_in_a_row),
		cmocka_unit_test(batch_tells_the_first_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
