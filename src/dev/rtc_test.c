/* SPDX-License-Identifier: BSD-2-Clause */
/* rtc_test.c - the clock's cells, its interrupts and the NVRAM. */
#include <errno.h>

#include "dev/device_test.h"
#include "dev/rtc.h"

#define SECOND 1000000000ull

static struct rtc *rtc;

static int
put_device(struct error *err)
{
	/* 2026-11-22 13:59:58, a Sunday. */
	return rtc_new(f.vm, 1795355998, &rtc, err);
}

static uint8_t
cell(uint8_t i)
{
	fake_out(&f, 0x70, 1, i);
	return (uint8_t)fake_in(&f, 0x71, 1);
}

static void
set_cell(uint8_t i, uint8_t v)
{
	fake_out(&f, 0x70, 1, i);
	fake_out(&f, 0x71, 1, v);
}

static void
time_is_in_decimal_by_default(void **state)
{
	static const struct {
		uint8_t cell, want;
	} rows[] = { { 0, 0x58 }, { 2, 0x59 },    { 4, 0x13 },
		     { 6, 0x01 }, { 7, 0x22 },    { 8, 0x11 },
		     { 9, 0x26 }, { 0x32, 0x20 }, { 0x0d, 0x80 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(cell(rows[i].cell), rows[i].want);
	fake_vm_pass(&f, 3 * SECOND);
	assert_int_equal(cell(0), 0x01);
	assert_int_equal(cell(2), 0x00);
	assert_int_equal(cell(4), 0x14);
}

static void
binary_and_twelve_hours(void **state)
{
	(void)state;
	set_cell(11, 0x06);
	assert_int_equal(cell(0), 58);
	assert_int_equal(cell(4), 13);
	set_cell(11, 0x00);
	assert_int_equal(cell(4), 0x81);
}

static void
a_new_time_runs_on(void **state)
{
	(void)state;
	set_cell(11, 0x82); /* SET */
	set_cell(4, 0x23);
	set_cell(2, 0x59);
	set_cell(0, 0x59);
	set_cell(7, 0x31);
	set_cell(8, 0x12);
	fake_vm_pass(&f, 5 * SECOND);
	assert_int_equal(cell(0), 0x59);
	set_cell(11, 0x02);
	fake_vm_pass(&f, 2 * SECOND);
	assert_int_equal(cell(4), 0x00);
	assert_int_equal(cell(8), 0x01);
	assert_int_equal(cell(9), 0x27);
}

/* bhyvectl --get-rtc-time and its like. */
static void
others_can_ask_and_set_it(void **state)
{
	const struct vm_rtc_ops *o = f.vm->rtc;
	void *ctx = f.vm->rtc_ctx;
	int64_t then;

	(void)state;
	then = o->time(ctx);
	fake_vm_pass(&f, 2 * SECOND);
	assert_int_equal(o->time(ctx), then + 2);
	/* 2001-09-09 01:46:40 */
	assert_int_equal(o->set_time(ctx, 1000000000), 0);
	assert_int_equal(cell(9), 0x01);
	assert_int_equal(cell(0), 0x40);
	assert_int_equal(o->set_time(ctx, INT64_MAX), -EINVAL);
	assert_int_equal(o->cell(ctx, 0), 0x40);
	assert_int_equal(o->cell(ctx, 128), -EINVAL);
	assert_int_equal(o->set_cell(ctx, 0x0e, 0x5a), 0);
	assert_int_equal(cell(0x0e), 0x5a);
	assert_int_equal(o->set_cell(ctx, 0, 0), -EINVAL);
	assert_int_equal(o->set_cell(ctx, 0x32, 0), -EINVAL);
	assert_int_equal(o->set_cell(ctx, 128, 0), -EINVAL);
}

/* What guests wait for before they read; never for long. */
static void
update_in_progress_comes_and_goes(void **state)
{
	unsigned on = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++, f.now_ns += SECOND / 10000)
		on += cell(10) >> 7;
	assert_in_range(on, 2, 3);
}

static void
interrupts_stay_until_c_is_read(void **state)
{
	(void)state;
	set_cell(11, 0x12); /* update ended */
	fake_vm_pass(&f, 2 * SECOND);
	assert_true(f.gsi[8]);
	assert_int_equal(f.edges[8], 1);
	assert_int_equal(cell(12) & 0x90, 0x90);
	assert_false(f.gsi[8]);
	fake_vm_pass(&f, 2 * SECOND);
	assert_int_equal(f.edges[8], 2);
}

static void
the_alarm_rings(void **state)
{
	(void)state;
	set_cell(1, 0x00);
	set_cell(3, 0x00);
	set_cell(5, 0xc0); /* every hour */
	set_cell(11, 0x22);
	fake_vm_pass(&f, 1 * SECOND);
	assert_false(f.gsi[8]);
	fake_vm_pass(&f, 2 * SECOND);
	assert_true(f.gsi[8]);
	assert_int_equal(cell(12) & 0xa0, 0xa0);
}

static void
the_periodic_interrupt_keeps_its_rate(void **state)
{
	unsigned n = 0;

	(void)state;
	set_cell(10, 0x26); /* 1024 Hz */
	set_cell(11, 0x42);
	for (unsigned i = 0; i < 4000; i++) {
		fake_vm_pass(&f, SECOND / 4000);
		n += f.gsi[8];
		if (f.gsi[8])
			(void)cell(12);
	}
	assert_in_range(n, 1020, 1026);
}

static void
cells_are_kept(void **state)
{
	(void)state;
	rtc_set_memory(rtc, 3ull << 30, 1ull << 30);
	assert_int_equal(cell(0x34) | cell(0x35) << 8, 0xbf00);
	assert_int_equal(cell(0x5b) | cell(0x5c) << 8 | cell(0x5d) << 16,
	                 0x4000);
	set_cell(0x0f, 0x0a);
	set_cell(0x0d, 0);
	assert_int_equal(cell(0x0f), 0x0a);
	assert_int_equal(cell(0x8f), 0x0a); /* bit 7 is NMI's */
	assert_int_equal(cell(0x0d), 0x80);
}

static void
nonsense_does_no_harm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 128; i++)
		set_cell((uint8_t)i, 0xff);
	set_cell(11, 0x7f);
	fake_vm_pass(&f, 10 * SECOND);
	for (unsigned i = 0; i < 128; i++)
		(void)cell((uint8_t)i);
}

static void
state_comes_back(void **state)
{
	(void)state;
	set_cell(11, 0x12);
	fake_vm_pass(&f, 2 * SECOND);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_int_equal(cell(0), 0x00);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(time_is_in_decimal_by_default),
		DEVICE_TEST(binary_and_twelve_hours),
		DEVICE_TEST(a_new_time_runs_on),
		DEVICE_TEST(others_can_ask_and_set_it),
		DEVICE_TEST(update_in_progress_comes_and_goes),
		DEVICE_TEST(interrupts_stay_until_c_is_read),
		DEVICE_TEST(the_alarm_rings),
		DEVICE_TEST(the_periodic_interrupt_keeps_its_rate),
		DEVICE_TEST(cells_are_kept),
		DEVICE_TEST(nonsense_does_no_harm),
		DEVICE_TEST(state_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
