/* SPDX-License-Identifier: BSD-2-Clause */
/* queue_test.c - the split virtqueue against a driver that keeps the rules and
 * one that breaks each of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "dev/virtio/driver_fake.h"
#include "dev/virtio/queue.h"
#include "vmm/mem.h"

enum { SIZE = 8, ROOM = 6, DATA = 0x8000, TABLE = 0x6000 };

struct rig {
	struct fake_driver d;
	struct virtq q;
	struct virtq_chain c;
	struct iovec iov[ROOM];
	uint64_t gpa[ROOM];
};

static void
up(struct rig *r, uint64_t features)
{
	memset(r, 0, sizeof(*r));
	fake_init(&r->d, fake_memory(0x10000), 0, SIZE);
	assert_int_equal(virtq_setup(&r->q, r->d.mem, &r->d.at, features), 0);
	r->c =
	    (struct virtq_chain){ .iov = r->iov, .gpa = r->gpa, .room = ROOM };
}

static void
down(struct rig *r)
{
	guest_mem_free(r->d.mem);
}

static const uint64_t both =
    1ull << VIRTQ_F_INDIRECT | 1ull << VIRTQ_F_EVENT_IDX;

static void
a_buffer_goes_round(void **state)
{
	const struct fake_part parts[] = { { DATA, 4, 0 },
		                           { DATA + 16, 8, FAKE_WRITE } };
	uint32_t id, len, word = 0;
	struct rig r;

	(void)state;
	up(&r, 0);
	assert_int_equal(virtq_pop(&r.q, &r.c), 0);
	fake_put(r.d.mem, DATA, "ping", 4);
	fake_buffer(&r.d, parts, 2);
	assert_int_equal(virtq_waiting(&r.q), 1);
	assert_int_equal(virtq_pop(&r.q, &r.c), 1);
	assert_int_equal(r.c.nread, 1);
	assert_int_equal(r.c.nwrite, 1);
	assert_int_equal(r.c.read_bytes, 4);
	assert_int_equal(r.c.write_bytes, 8);
	assert_int_equal(virtq_copy_out(&r.c, 0, &word, 9), 4);
	assert_memory_equal(&word, "ping", 4);
	assert_int_equal(virtq_copy_in(&r.c, 2, "pong", 4), 4);
	assert_int_equal(virtq_pop(&r.q, &(struct virtq_chain){ 0 }), 0);
	virtq_push(&r.q, &r.c, 6);
	assert_false(fake_used(&r.d, &id, &len)); /* not yet published */
	assert_true(virtq_publish(&r.q));
	assert_false(virtq_publish(&r.q));
	assert_true(fake_used(&r.d, &id, &len));
	assert_int_equal(len, 6);
	fake_get(r.d.mem, DATA + 18, &word, 4);
	assert_memory_equal(&word, "pong", 4);
	down(&r);
}

static void
indexes_wrap(void **state)
{
	const struct fake_part part = { DATA, 4, FAKE_WRITE };
	uint32_t id, len;
	struct rig r;

	(void)state;
	up(&r, both);
	for (unsigned i = 0; i < 70000; i++) {
		uint16_t head = fake_buffer(&r.d, &part, 1);

		assert_int_equal(virtq_pop(&r.q, &r.c), 1);
		virtq_push(&r.q, &r.c, i);
		(void)virtq_publish(&r.q);
		assert_true(fake_used(&r.d, &id, &len));
		assert_int_equal(id, head);
		assert_int_equal(len, i);
	}
	down(&r);
}

static void
an_indirect_table_follows_plain_descriptors(void **state)
{
	struct rig r;

	(void)state;
	up(&r, both);
	fake_desc(&r.d, r.d.at.desc, 0, DATA, 4, FAKE_NEXT, 3);
	fake_desc(&r.d, r.d.at.desc, 3, TABLE, 32, FAKE_INDIRECT | FAKE_WRITE,
	          0);
	fake_desc(&r.d, TABLE, 0, DATA + 8, 8, FAKE_NEXT, 1);
	fake_desc(&r.d, TABLE, 1, DATA + 32, 16, FAKE_WRITE, 0);
	fake_offer(&r.d, 0);
	assert_int_equal(virtq_pop(&r.q, &r.c), 1);
	assert_int_equal(r.c.nread, 2);
	assert_int_equal(r.c.nwrite, 1);
	assert_int_equal(r.c.gpa[2], DATA + 32);
	down(&r);
}

static void
what_was_put_back_comes_again(void **state)
{
	const struct fake_part part = { DATA, 4, 0 };
	struct rig r;
	uint16_t head[2];

	(void)state;
	up(&r, 0);
	head[0] = fake_buffer(&r.d, &part, 1);
	head[1] = fake_buffer(&r.d, &part, 1);
	assert_int_equal(virtq_pop(&r.q, &r.c), 1);
	assert_int_equal(virtq_pop(&r.q, &r.c), 1);
	virtq_unpop(&r.q, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(virtq_pop(&r.q, &r.c), 1);
		assert_int_equal(r.c.head, head[i]);
	}
	assert_int_equal(virtq_pop(&r.q, &r.c), 0);
	down(&r);
}

static void
interrupts_follow_the_drivers_wish(void **state)
{
	const struct fake_part part = { DATA, 4, 0 };
	struct rig r;

	(void)state;
	up(&r, 0);
	fake_put16(r.d.mem, r.d.at.avail, 1); /* NO_INTERRUPT */
	fake_buffer(&r.d, &part, 1);
	assert_int_equal(virtq_pop(&r.q, &r.c), 1);
	virtq_push(&r.q, &r.c, 0);
	assert_false(virtq_publish(&r.q));
	down(&r);

	up(&r, both);
	for (unsigned i = 0; i < 4; i++) { /* wants to hear of entry 2 */
		fake_put16(r.d.mem, r.d.at.avail + 4 + 2 * SIZE, 2);
		fake_buffer(&r.d, &part, 1);
		assert_int_equal(virtq_pop(&r.q, &r.c), 1);
		virtq_push(&r.q, &r.c, 0);
		/* The first says nothing is known of what it saw. */
		assert_int_equal(virtq_publish(&r.q), i == 0 || i == 2);
	}
	down(&r);
}

static void
notifications_are_asked_for_when_idle(void **state)
{
	const struct fake_part part = { DATA, 4, 0 };
	struct rig r;

	(void)state;
	up(&r, 0);
	virtq_busy(&r.q);
	assert_int_equal(fake_get16(r.d.mem, r.d.at.used), 1);
	assert_true(virtq_idle(&r.q));
	assert_int_equal(fake_get16(r.d.mem, r.d.at.used), 0);
	fake_buffer(&r.d, &part, 1);
	assert_false(virtq_idle(&r.q));
	down(&r);

	up(&r, both);
	fake_buffer(&r.d, &part, 1);
	assert_int_equal(virtq_pop(&r.q, &r.c), 1);
	assert_true(virtq_idle(&r.q));
	assert_int_equal(fake_get16(r.d.mem, r.d.at.used + 4 + 8 * SIZE), 1);
	down(&r);
}

/* Each row writes descriptors and offers a head; the queue must die of it. */
static void
loop_of_two(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, DATA, 0, FAKE_NEXT, 1);
	fake_desc(d, d->at.desc, 1, DATA, 0, FAKE_NEXT, 0);
	fake_offer(d, 0);
}

static void
head_outside(struct fake_driver *d)
{
	fake_offer(d, SIZE);
}

static void
next_outside(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, DATA, 4, FAKE_NEXT, SIZE);
	fake_offer(d, 0);
}

static void
outside_memory(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, 0xfffc, 5, 0, 0);
	fake_offer(d, 0);
}

static void
address_wraps(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, UINT64_MAX - 3, 8, FAKE_WRITE, 0);
	fake_offer(d, 0);
}

static void
readable_after_writable(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, DATA, 4, FAKE_NEXT | FAKE_WRITE, 1);
	fake_desc(d, d->at.desc, 1, DATA, 4, 0, 0);
	fake_offer(d, 0);
}

static void
more_than_room(struct fake_driver *d)
{
	for (uint16_t i = 0; i <= ROOM; i++)
		fake_desc(d, d->at.desc, i, DATA, 4, i < ROOM ? FAKE_NEXT : 0,
		          (uint16_t)(i + 1));
	fake_offer(d, 0);
}

static void
indirect_in_indirect(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, TABLE, 16, FAKE_INDIRECT, 0);
	fake_desc(d, TABLE, 0, TABLE, 16, FAKE_INDIRECT, 0);
	fake_offer(d, 0);
}

static void
indirect_and_next(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, TABLE, 16, FAKE_INDIRECT | FAKE_NEXT, 0);
	fake_offer(d, 0);
}

static void
indirect_of_odd_length(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, TABLE, 24, FAKE_INDIRECT, 0);
	fake_offer(d, 0);
}

static void
indirect_of_nothing(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, TABLE, 0, FAKE_INDIRECT, 0);
	fake_offer(d, 0);
}

static void
indirect_outside(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, 0xfff0, 32, FAKE_INDIRECT, 0);
	fake_offer(d, 0);
}

static void
indirect_loop(struct fake_driver *d)
{
	fake_desc(d, d->at.desc, 0, TABLE, 16, FAKE_INDIRECT, 0);
	fake_desc(d, TABLE, 0, DATA, 0, FAKE_NEXT, 0);
	fake_offer(d, 0);
}

static void
index_jumps(struct fake_driver *d)
{
	fake_put16(d->mem, d->at.avail + 2, SIZE + 1);
}

static void
a_broken_rule_breaks_the_queue(void **state)
{
	void (*const rows[])(struct fake_driver * d) = {
		loop_of_two,         head_outside,
		next_outside,        outside_memory,
		address_wraps,       readable_after_writable,
		more_than_room,      indirect_in_indirect,
		indirect_and_next,   indirect_of_odd_length,
		indirect_of_nothing, indirect_outside,
		indirect_loop,       index_jumps,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;

		up(&r, both);
		rows[i](&r.d);
		assert_int_equal(virtq_pop(&r.q, &r.c), -EPROTO);
		assert_int_equal(virtq_pop(&r.q, &r.c), -EPROTO);
		assert_int_equal(virtq_waiting(&r.q), 0);
		assert_true(virtq_idle(&r.q));
		virtq_push(&r.q, &r.c, 4);
		assert_false(virtq_publish(&r.q));
		down(&r);
	}
}

static void
indirect_needs_its_feature(void **state)
{
	struct rig r;

	(void)state;
	up(&r, 0);
	fake_desc(&r.d, r.d.at.desc, 0, TABLE, 16, FAKE_INDIRECT, 0);
	fake_desc(&r.d, TABLE, 0, DATA, 4, 0, 0);
	fake_offer(&r.d, 0);
	assert_int_equal(virtq_pop(&r.q, &r.c), -EPROTO);
	down(&r);
}

static void
rings_must_be_sane(void **state)
{
	static const struct {
		struct virtq_rings at;
		int want;
	} rows[] = {
		{ { 0, 0x1000, 0x2000, 256 }, 0 },
		{ { 0, 0x1000, 0x2000, 0 }, -EINVAL },
		{ { 0, 0x1000, 0x2000, 3 }, -EINVAL },
		{ { 0, 0x1000, 0x2000, 2048 }, -EINVAL },
		{ { 8, 0x1000, 0x2000, 8 }, -EINVAL },
		{ { 0, 0x1001, 0x2000, 8 }, -EINVAL },
		{ { 0, 0x1000, 0x2002, 8 }, -EINVAL },
		{ { 0xfff0, 0x1000, 0x2000, 8 }, -EFAULT },
		{ { 0, 0xfff0, 0x2000, 8 }, -EFAULT },
		{ { 0, 0x1000, 0xfffffffffffffffcull, 8 }, -EFAULT },
	};
	struct guest_mem *mem = fake_memory(0x10000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct virtq q;

		assert_int_equal(virtq_setup(&q, mem, &rows[i].at, 0),
		                 rows[i].want);
		assert_int_equal(virtq_ready(&q), rows[i].want == 0);
	}
	guest_mem_free(mem);
}

static void
heard(void *ctx, uint64_t gpa, uint64_t len)
{
	uint64_t *sum = ctx;

	if (gpa >= DATA)
		sum[0] += len;
	else
		sum[1] += len;
}

static void
the_engine_hears_of_every_write(void **state)
{
	const struct fake_part parts[] = { { DATA, 4, 0 },
		                           { DATA + 16, 8, FAKE_WRITE },
		                           { DATA + 64, 8, FAKE_WRITE } };
	uint64_t sum[2] = { 0, 0 };
	struct rig r;

	(void)state;
	up(&r, 0);
	guest_mem_on_written(r.d.mem, heard, sum);
	fake_buffer(&r.d, parts, 3);
	sum[0] = sum[1] = 0;
	assert_int_equal(virtq_pop(&r.q, &r.c), 1);
	virtq_push(&r.q, &r.c, 10);
	(void)virtq_publish(&r.q);
	assert_int_equal(sum[0], 10);    /* data */
	assert_int_equal(sum[1], 8 + 2); /* the entry and used.idx */
	down(&r);
}

static void
ranges_are_sliced(void **state)
{
	static const struct {
		uint64_t off, len;
		unsigned n;
		size_t first, all;
	} rows[] = {
		{ 0, 30, 3, 10, 30 },  { 0, 5, 1, 5, 5 },   { 9, 2, 2, 1, 2 },
		{ 10, 20, 2, 10, 20 }, { 25, 99, 1, 5, 5 }, { 30, 1, 0, 0, 0 },
	};
	char bytes[30];
	const struct iovec iov[] = { { bytes, 10 },
		                     { bytes + 10, 10 },
		                     { bytes + 20, 10 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct iovec out[3] = { { 0 } };
		size_t all = 0;
		unsigned n = iov_slice(iov, 3, rows[i].off, rows[i].len, out);

		assert_int_equal(n, rows[i].n);
		for (unsigned k = 0; k < n; k++)
			all += out[k].iov_len;
		assert_int_equal(all, rows[i].all);
		if (n > 0) {
			assert_ptr_equal(out[0].iov_base, bytes + rows[i].off);
			assert_int_equal(out[0].iov_len, rows[i].first);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_goes_round),
		cmocka_unit_test(indexes_wrap),
		cmocka_unit_test(an_indirect_table_follows_plain_descriptors),
		cmocka_unit_test(what_was_put_back_comes_again),
		cmocka_unit_test(interrupts_follow_the_drivers_wish),
		cmocka_unit_test(notifications_are_asked_for_when_idle),
		cmocka_unit_test(a_broken_rule_breaks_the_queue),
		cmocka_unit_test(indirect_needs_its_feature),
		cmocka_unit_test(rings_must_be_sane),
		cmocka_unit_test(the_engine_hears_of_every_write),
		cmocka_unit_test(ranges_are_sliced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
