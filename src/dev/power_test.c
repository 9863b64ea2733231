/* SPDX-License-Identifier: BSD-2-Clause */
/* power_test.c - ACPI's fixed hardware, and every way to reset or end a VM. */

#include "dev/device_test.h"
#include "dev/legacy.h"
#include "dev/power.h"
#include "vmm/pci.h"

static struct power *power;

static int
put_device(struct error *err)
{
	struct pci_bus *bus;

	if (pci_bus_new(f.vm, &bus, err) < 0 ||
	    power_new(f.vm, bus, false, &power, err) < 0)
		return err->code;
	return legacy_new(f.vm, err);
}

static void
the_button_waits_for_acpi(void **state)
{
	(void)state;
	assert_false(power_button(power));
	fake_out(&f, 0xb2, 1, 0xa0);
	assert_int_equal(fake_in(&f, 0x404, 2), 1);
	fake_out(&f, 0x402, 2, 1 << 8);
	assert_true(power_button(power));
	assert_true(f.gsi[9]);
	assert_int_equal(fake_in(&f, 0x400, 2), 1 << 8);
	assert_int_equal(fake_in(&f, 0x400, 4), 1 << 8 | 1 << 24);
	fake_out(&f, 0x400, 2, 1 << 8);
	assert_false(f.gsi[9]);
	fake_out(&f, 0xb2, 1, 0xa1);
	assert_false(power_button(power));
}

static void
sleep_5_is_power_off(void **state)
{
	(void)state;
	fake_out(&f, 0x404, 2, 1 | 5 << 10);
	assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_NONE);
	assert_int_equal(fake_in(&f, 0x404, 2), 1 | 5 << 10);
	fake_out(&f, 0x404, 2, 1 | 3 << 10 | 1 << 13); /* S3: not ours */
	assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_NONE);
	fake_out(&f, 0x404, 2, 1 | 5 << 10 | 1 << 13);
	assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_POWEROFF);
}

static void
every_reset_resets(void **state)
{
	static const struct {
		uint16_t port;
		uint8_t v;
	} rows[] = { { 0xcf9, 6 }, { 0x92, 3 }, { 0x64, 0xfe } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		remove_vm(NULL);
		setup(NULL);
		fake_out(&f, rows[i].port, 1, rows[i].v);
		assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_RESET);
	}
}

static void
a20_alone_resets_nothing(void **state)
{
	(void)state;
	fake_out(&f, 0x92, 1, 2);
	fake_out(&f, 0xcf9, 1, 2);
	assert_int_equal(fake_in(&f, 0x92, 1), 2);
	assert_int_equal(fake_in(&f, 0xcf9, 1), 2);
	assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_NONE);
	/* 0xcf9 is not CONFIG_ADDRESS. */
	assert_int_equal(fake_in(&f, 0xcf8, 4), 0);
}

static void
the_timer_counts(void **state)
{
	uint32_t a = (uint32_t)fake_in(&f, 0x408, 4), b;

	(void)state;
	f.now_ns += 1000000000;
	b = (uint32_t)fake_in(&f, 0x408, 4);
	assert_int_equal(b - a, 3579545);
	/* 32 bits, then it begins anew: after 1200 seconds. */
	f.now_ns += 1200000000000;
	assert_true((uint32_t)fake_in(&f, 0x408, 4) < b + 3579545);
}

/* A guest that looks for a keyboard controller is answered at once. */
static void
the_8042_answers(void **state)
{
	(void)state;
	assert_int_equal(fake_in(&f, 0x64, 1) & 3, 0);
	fake_out(&f, 0x64, 1, 0xaa);
	assert_int_equal(fake_in(&f, 0x64, 1) & 1, 1);
	assert_int_equal(fake_in(&f, 0x60, 1), 0x55);
	assert_int_equal(fake_in(&f, 0x64, 1) & 1, 0);
	fake_out(&f, 0x64, 1, 0xd1);
	fake_out(&f, 0x60, 1, 0xdf);
	assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_NONE);
	fake_out(&f, 0x64, 1, 0xd1);
	fake_out(&f, 0x60, 1, 0xde);
	assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_RESET);
}

static void
state_comes_back(void **state)
{
	(void)state;
	fake_out(&f, 0xb2, 1, 0xa0);
	fake_out(&f, 0x402, 2, 1 << 8);
	power_button(power);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_true(f.gsi[9]);
	assert_int_equal(fake_in(&f, 0x402, 2), 1 << 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(the_button_waits_for_acpi),
		DEVICE_TEST(sleep_5_is_power_off),
		DEVICE_TEST(every_reset_resets),
		DEVICE_TEST(a20_alone_resets_nothing),
		DEVICE_TEST(the_timer_counts),
		DEVICE_TEST(the_8042_answers),
		DEVICE_TEST(state_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
