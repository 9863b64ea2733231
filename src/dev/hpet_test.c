/* SPDX-License-Identifier: BSD-2-Clause */
/* hpet_test.c - the counter, its timers and their two ways to interrupt. */

#include "dev/device_test.h"
#include "dev/hpet.h"
#include "vmm/pci.h"

enum {
	MS = 1000000,
	T0 = 0x100,
	T_LEVEL = 2,
	T_ENABLE = 4,
	T_PERIODIC = 8,
	T_SET = 0x40,
	T_32BIT = 0x100,
	T_FSB = 0x4000,
	PIN_21 = 21 << 9
};

static int
put_device(struct error *err)
{
	struct pci_bus *bus;

	if (pci_bus_new(f.vm, &bus, err) < 0)
		return err->code;
	return hpet_new(f.vm, bus, err);
}

static uint64_t
reg(uint64_t off, unsigned size)
{
	return fake_read(&f, VM_HPET_GPA + off, size);
}

static void
set(uint64_t off, unsigned size, uint64_t v)
{
	fake_write(&f, VM_HPET_GPA + off, size, v);
}

static void
it_says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(reg(0, 4), 0x80862201);
	assert_int_equal(reg(4, 4), 10000000);
	assert_int_equal(reg(T0 + 4, 4), 0x00f00000);
	assert_int_equal(reg(T0, 4) & 0x8030, 0x8030);
	assert_int_equal(reg(1, 2), 0xffff);
	assert_int_equal(reg(0x3f8, 8), 0);
}

static void
the_counter_runs_and_stops(void **state)
{
	(void)state;
	fake_vm_pass(&f, MS);
	assert_int_equal(reg(0xf0, 8), 0);
	set(0x10, 8, 1);
	fake_vm_pass(&f, MS);
	assert_int_equal(reg(0xf0, 8), 100000);
	set(0x10, 4, 0);
	fake_vm_pass(&f, MS);
	assert_int_equal(reg(0xf0, 8), 100000);
	set(0xf0, 8, 1ull << 32);
	assert_int_equal(reg(0xf4, 4), 1);
	set(0x10, 4, 1);
	fake_vm_pass(&f, MS);
	assert_int_equal(reg(0xf0, 4), 100000);
}

static void
a_level_waits_to_be_cleared(void **state)
{
	(void)state;
	set(0x10, 4, 1);
	set(T0, 4, T_ENABLE | T_LEVEL | PIN_21);
	set(T0 + 8, 8, 50000);
	fake_vm_pass(&f, MS / 4);
	assert_false(f.gsi[21]);
	fake_vm_pass(&f, MS / 2);
	assert_true(f.gsi[21]);
	assert_int_equal(reg(0x20, 4), 1);
	set(0x20, 4, 1);
	assert_false(f.gsi[21]);
	fake_vm_pass(&f, 10 * MS);
	assert_int_equal(f.edges[21], 1);
}

static void
messages_come_in_periods(void **state)
{
	(void)state;
	set(0x10, 4, 1);
	set(T0 + 0x10, 8, 0xfee00000ull << 32 | 0x77);
	set(T0, 4, T_ENABLE | T_PERIODIC | T_SET | T_FSB | T_32BIT);
	set(T0 + 8, 4, 100000);
	set(T0 + 8, 4, 200000); /* the period */
	fake_vm_pass(&f, 22 * MS);
	assert_int_equal(f.nmsi, 11);
	assert_int_equal(f.msi[0].addr, 0xfee00000);
	assert_int_equal(f.msi[0].data, 0x77);
}

/* A guest cannot make the loop spin. */
static void
a_period_of_nothing_is_bounded(void **state)
{
	(void)state;
	set(0x10, 4, 1);
	set(T0, 4, T_ENABLE | T_PERIODIC | T_SET | T_FSB);
	set(T0 + 8, 8, 1);
	set(T0 + 8, 8, 0);
	fake_vm_pass(&f, 10 * MS);
	assert_true(f.nmsi <= 101);
}

static void
state_comes_back(void **state)
{
	(void)state;
	set(0x10, 4, 1);
	set(T0, 4, T_ENABLE | T_LEVEL | PIN_21);
	set(T0 + 8, 8, 50000);
	set(T0 + 0x20, 4, T_ENABLE | PIN_21);
	set(T0 + 0x28, 8, 300000);
	fake_vm_pass(&f, MS);
	assert_true(f.gsi[21]);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_true(f.gsi[21]);
	set(0x20, 4, 1);
	assert_false(f.gsi[21]);
	f.edges[21] = 0;
	fake_vm_pass(&f, 5 * MS);
	assert_int_equal(f.edges[21], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(it_says_what_it_is),
		DEVICE_TEST(the_counter_runs_and_stops),
		DEVICE_TEST(a_level_waits_to_be_cleared),
		DEVICE_TEST(messages_come_in_periods),
		DEVICE_TEST(a_period_of_nothing_is_bounded),
		DEVICE_TEST(state_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
