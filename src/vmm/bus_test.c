/* SPDX-License-Identifier: BSD-2-Clause */
/* bus_test.c - who answers where, while ranges come and go. */
#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/bus.h"

/* A device that keeps what it was asked last. */
struct dev {
	uint64_t off, v, answer;
	unsigned size, reads, writes;
};

static uint64_t
dev_read(void *ctx, uint64_t off, unsigned size)
{
	struct dev *d = ctx;

	d->off = off;
	d->size = size;
	d->reads++;
	return d->answer;
}

static void
dev_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct dev *d = ctx;

	d->off = off;
	d->size = size;
	d->v = v;
	d->writes++;
}

static const struct bus_ops ops = { "dev", dev_read, dev_write };
static const struct bus_ops other = { "other", dev_read, dev_write };
static const struct bus_ops deaf = { "deaf", NULL, NULL };

static struct bus *
made(uint64_t limit)
{
	struct bus *b = NULL;
	struct error err;

	assert_int_equal(bus_new(limit, &b, &err), 0);
	return b;
}

static void
ranges_do_not_overlap(void **state)
{
	static const struct {
		uint64_t base, size;
		int rc;
	} rows[] = {
		{ 0x100, 0x10, 0 },         { 0x110, 0x10, 0 },
		{ 0xf0, 0x10, 0 },          { 0x100, 1, -EEXIST },
		{ 0x10f, 1, -EEXIST },      { 0x80, 0x100, -EEXIST },
		{ 0xfff8, 8, 0 },           { 0xffff, 2, -ERANGE },
		{ 0x10000, 1, -ERANGE },    { 0x200, 0, -ERANGE },
		{ UINT64_MAX, 2, -ERANGE },
	};
	struct bus *b = made(0x10000);
	struct dev d = { 0 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
		    bus_add(b, rows[i].base, rows[i].size, &ops, &d, &err),
		    rows[i].rc);
	bus_free(b);
}

static void
a_bus_may_reach_to_the_last_address(void **state)
{
	struct bus *b = made(0);
	struct dev d = { .answer = 7 };
	struct error err;
	uint64_t v;

	(void)state;
	assert_int_equal(bus_add(b, UINT64_MAX - 7, 8, &ops, &d, &err), 0);
	assert_true(bus_read(b, UINT64_MAX, 1, &v));
	assert_int_equal(v, 7);
	assert_false(bus_read(b, UINT64_MAX, 2, &v));
	bus_free(b);
}

static void
an_access_reaches_one_range_whole(void **state)
{
	static const struct {
		uint64_t addr;
		unsigned size;
		bool there;
		uint64_t off, read;
	} rows[] = {
		{ 0x1000, 1, true, 0, 0x88 },
		{ 0x1003, 2, true, 3, 0x7788 },
		{ 0x1004, 4, true, 4, 0x55667788 },
		{ 0x1000, 8, true, 0, 0x1122334455667788 },
		{ 0x1006, 4, false, 0, 0xffffffff },
		{ 0xffe, 4, false, 0, 0xffffffff },
		{ 0x1008, 1, false, 0, 0xff },
		{ 0x1001, 8, false, 0, UINT64_MAX },
	};
	struct bus *b = made(0x10000);
	struct dev d = { .answer = 0x1122334455667788 };
	struct error err;

	(void)state;
	assert_int_equal(bus_add(b, 0x1000, 8, &ops, &d, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned writes = d.writes;
		uint64_t v = 0;

		assert_int_equal(bus_read(b, rows[i].addr, rows[i].size, &v),
		                 rows[i].there);
		assert_int_equal(v, rows[i].read);
		assert_int_equal(
		    bus_write(b, rows[i].addr, rows[i].size, UINT64_MAX),
		    rows[i].there);
		assert_int_equal(d.writes - writes, rows[i].there);
		if (!rows[i].there)
			continue;
		assert_int_equal(d.off, rows[i].off);
		assert_int_equal(d.size, rows[i].size);
		assert_int_equal(d.v, rows[i].size == 8
		                          ? UINT64_MAX
		                          : (1ull << rows[i].size * 8) - 1);
	}
	bus_free(b);
}

static void
registers_without_a_way_read_as_ones(void **state)
{
	struct bus *b = made(0x10000);
	struct error err;
	uint64_t v = 0;

	(void)state;
	assert_int_equal(bus_add(b, 0x60, 1, &deaf, NULL, &err), 0);
	assert_true(bus_read(b, 0x60, 1, &v));
	assert_int_equal(v, 0xff);
	assert_true(bus_write(b, 0x60, 1, 0));
	bus_free(b);
}

static void
only_its_owner_removes_a_range(void **state)
{
	struct bus *b = made(0x10000);
	struct dev d = { 0 };
	struct error err;
	uint64_t v;

	(void)state;
	assert_int_equal(bus_add(b, 0x10, 4, &ops, &d, &err), 0);
	bus_remove(b, 0x11, &ops);
	bus_remove(b, 0x10, &other);
	assert_true(bus_read(b, 0x10, 1, &v));
	bus_remove(b, 0x10, &ops);
	assert_false(bus_read(b, 0x10, 1, &v));
	assert_int_equal(bus_add(b, 0x12, 8, &other, &d, &err), 0);
	bus_free(b);
}

static void
there_are_only_so_many_ranges(void **state)
{
	struct bus *b = made(0);
	struct dev d = { 0 };
	struct error err;
	uint64_t at = 0;

	(void)state;
	while (bus_add(b, at, 1, &ops, &d, &err) == 0)
		at += 2;
	assert_int_equal(err.code, -ENOSPC);
	assert_int_equal(at, 2 * 1024);
	bus_free(b);
}

static uint64_t
signals(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void
a_notifier_takes_the_writes_it_waits_for(void **state)
{
	static const struct {
		uint64_t addr;
		unsigned size;
		uint64_t v;
		bool any, match;
	} rows[] = {
		{ 0x20, 2, 3, true, false },
		{ 0x20, 4, 3, false, false },
		{ 0x20, 2, 4, true, false },
		{ 0x24, 2, 7, false, true },
		{ 0x24, 2, 8, false, false },
		{ 0x24, 4, 7, false, true },
		{ 0x28, 2, 7, false, false },
		/* Only the access's own bits count. */
		{ 0x24, 2, 0x10007, false, true },
	};
	struct bus *b = made(0x10000);
	int any = eventfd(0, EFD_NONBLOCK), match = eventfd(0, EFD_NONBLOCK);
	struct dev d = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(bus_add(b, 0x20, 0x10, &ops, &d, &err), 0);
	assert_int_equal(bus_add_notify(b, 0x20, 2, true, 0, any, &err), 0);
	assert_int_equal(bus_add_notify(b, 0x24, 0, false, 7, match, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned writes = d.writes;

		assert_true(
		    bus_write(b, rows[i].addr, rows[i].size, rows[i].v));
		assert_int_equal(signals(any), rows[i].any);
		assert_int_equal(signals(match), rows[i].match);
		assert_int_equal(d.writes - writes,
		                 !rows[i].any && !rows[i].match);
	}
	bus_remove_notify(b, 0x20, match);
	assert_true(bus_write(b, 0x20, 2, 3));
	assert_int_equal(signals(any), 1);
	bus_remove_notify(b, 0x20, any);
	assert_true(bus_write(b, 0x20, 2, 3));
	assert_int_equal(signals(any), 0);
	close(any);
	close(match);
	bus_free(b);
}

static void
a_full_counter_is_a_signal(void **state)
{
	const uint64_t full = UINT64_MAX - 1;
	struct bus *b = made(0x10000);
	int fd = eventfd(0, EFD_NONBLOCK);
	struct error err;

	(void)state;
	assert_int_equal(write(fd, &full, sizeof(full)), sizeof(full));
	assert_int_equal(bus_add_notify(b, 0x20, 0, true, 0, fd, &err), 0);
	assert_true(bus_write(b, 0x20, 2, 1));
	assert_int_equal(signals(fd), full);
	close(fd);
	bus_free(b);
}

struct mover {
	struct bus *b;
	struct dev d;
	atomic_bool stop;
};

/* The guest's side while a BAR moves: all or nothing. */
static void *
access_all_the_time(void *arg)
{
	struct mover *m = arg;
	uint64_t v;

	while (!atomic_load(&m->stop)) {
		if (bus_read(m->b, 0x1000, 4, &v) && v != 5)
			return m;
		(void)bus_write(m->b, 0x2000, 4, 1);
	}
	return NULL;
}

static void
ranges_move_while_they_are_used(void **state)
{
	struct mover m = { .b = made(0), .d = { .answer = 5 } };
	pthread_t t;
	void *bad = &m;
	struct error err;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, access_all_the_time, &m), 0);
	for (int i = 0; i < 2000; i++) {
		uint64_t at = i % 2 != 0 ? 0x1000 : 0x2000;
		int fd = eventfd(0, EFD_NONBLOCK);

		assert_int_equal(bus_add(m.b, at, 0x100, &ops, &m.d, &err), 0);
		assert_int_equal(
		    bus_add_notify(m.b, 0x2000, 4, true, 0, fd, &err), 0);
		bus_remove_notify(m.b, 0x2000, fd);
		close(fd);
		bus_remove(m.b, at, &ops);
	}
	atomic_store(&m.stop, true);
	assert_int_equal(pthread_join(t, &bad), 0);
	assert_null(bad);
	bus_free(m.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_do_not_overlap),
		cmocka_unit_test(a_bus_may_reach_to_the_last_address),
		cmocka_unit_test(an_access_reaches_one_range_whole),
		cmocka_unit_test(registers_without_a_way_read_as_ones),
		cmocka_unit_test(only_its_owner_removes_a_range),
		cmocka_unit_test(there_are_only_so_many_ranges),
		cmocka_unit_test(a_notifier_takes_the_writes_it_waits_for),
		cmocka_unit_test(a_full_counter_is_a_signal),
		cmocka_unit_test(ranges_move_while_they_are_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
