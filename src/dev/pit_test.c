/* SPDX-License-Identifier: BSD-2-Clause */
/* pit_test.c - the 8254's modes on a clock the test moves. */

#include "dev/device_test.h"
#include "dev/pit.h"

enum { MS = 1000000, OUT2 = 0x20, REFRESH = 0x10 };

static int
put_device(struct error *err)
{
	return pit_new(f.vm, err);
}

static void
load(unsigned channel, uint8_t control, unsigned count)
{
	fake_out(&f, 0x43, 1, control);
	fake_out(&f, (uint16_t)(0x40 + channel), 1, count & 0xff);
	fake_out(&f, (uint16_t)(0x40 + channel), 1, count >> 8);
}

static unsigned
counter(unsigned channel)
{
	unsigned v = (unsigned)fake_in(&f, (uint16_t)(0x40 + channel), 1);

	return v | (unsigned)fake_in(&f, (uint16_t)(0x40 + channel), 1) << 8;
}

static void
channel_0_ticks_a_hundred_times_a_second(void **state)
{
	(void)state;
	load(0, 0x34, 11932);
	fake_vm_pass(&f, 1000 * MS);
	assert_in_range(f.edges[0], 99, 100);
	load(0, 0x36, 11932); /* square wave: the same rate */
	f.edges[0] = 0;
	fake_vm_pass(&f, 1000 * MS);
	assert_in_range(f.edges[0], 99, 100);
}

static void
one_shot_ends_once_and_stays(void **state)
{
	(void)state;
	load(0, 0x30, 11932);
	fake_vm_pass(&f, 5 * MS);
	assert_false(f.gsi[0]);
	fake_vm_pass(&f, 100 * MS);
	assert_true(f.gsi[0]);
	assert_int_equal(f.edges[0], 1);
	load(0, 0x30, 11932);
	assert_false(f.gsi[0]);
}

/* What Linux does to measure the TSC. */
static void
port_61_shows_channel_2(void **state)
{
	unsigned polls = 0;

	(void)state;
	fake_out(&f, 0x61, 1, 1);
	load(2, 0xb0, 11932); /* 10 ms */
	while ((fake_in(&f, 0x61, 1) & OUT2) == 0) {
		f.now_ns += MS / 100;
		assert_true(polls++ < 2000);
	}
	assert_in_range(polls, 1000, 1001);
}

static void
the_gate_holds_channel_2(void **state)
{
	(void)state;
	load(2, 0xb0, 11932);
	fake_vm_pass(&f, 100 * MS);
	assert_int_equal(fake_in(&f, 0x61, 1) & OUT2, 0);
	fake_out(&f, 0x61, 1, 1);
	fake_vm_pass(&f, 5 * MS);
	fake_out(&f, 0x61, 1, 0);
	fake_vm_pass(&f, 100 * MS);
	assert_int_equal(fake_in(&f, 0x61, 1) & OUT2, 0);
	fake_out(&f, 0x61, 1, 1);
	fake_vm_pass(&f, 6 * MS);
	assert_int_equal(fake_in(&f, 0x61, 1) & OUT2, OUT2);
}

static void
refresh_toggles(void **state)
{
	unsigned changes = 0, last = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++, f.now_ns += 15085) {
		unsigned now = fake_in(&f, 0x61, 1) & REFRESH;

		changes += now != last;
		last = now;
	}
	assert_in_range(changes, 98, 100);
}

static void
a_latch_holds_while_the_counter_goes_on(void **state)
{
	unsigned v;

	(void)state;
	load(0, 0x34, 0);
	fake_vm_pass(&f, 10 * MS);
	fake_out(&f, 0x43, 1, 0x00);
	fake_vm_pass(&f, 10 * MS);
	v = counter(0);
	assert_in_range(v, 65536 - 11932 - 2, 65536 - 11930);
	v = counter(0);
	assert_in_range(v, 65536 - 23864 - 3, 65536 - 23860);
}

static void
read_back_tells_status_and_count(void **state)
{
	(void)state;
	load(0, 0x34, 1000);
	fake_out(&f, 0x43, 1, 0xc2);
	assert_int_equal(fake_in(&f, 0x40, 1), 0xb4);
	assert_int_equal(counter(0), 1000);
	fake_out(&f, 0x43, 1, 0x34);
	fake_out(&f, 0x43, 1, 0xe2); /* status alone: nothing loaded yet */
	assert_int_equal(fake_in(&f, 0x40, 1), 0xf4);
}

static void
counts_in_decimal(void **state)
{
	(void)state;
	load(2, 0xb1, 0x1000);
	fake_out(&f, 0x61, 1, 1);
	fake_vm_pass(&f, 100000); /* 119 ticks */
	assert_int_equal(counter(2), 0x0881);
}

static void
state_comes_back(void **state)
{
	(void)state;
	load(0, 0x34, 11932);
	fake_vm_pass(&f, 25 * MS);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	f.edges[0] = 0;
	fake_vm_pass(&f, 1000 * MS);
	assert_in_range(f.edges[0], 99, 101);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(channel_0_ticks_a_hundred_times_a_second),
		DEVICE_TEST(one_shot_ends_once_and_stays),
		DEVICE_TEST(port_61_shows_channel_2),
		DEVICE_TEST(the_gate_holds_channel_2),
		DEVICE_TEST(refresh_toggles),
		DEVICE_TEST(a_latch_holds_while_the_counter_goes_on),
		DEVICE_TEST(read_back_tells_status_and_count),
		DEVICE_TEST(counts_in_decimal),
		DEVICE_TEST(state_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
