/* SPDX-License-Identifier: BSD-2-Clause */
/* ioapic_test.c - pins to messages, levels and their EOIs. */

#include "dev/device_test.h"
#include "dev/ioapic.h"

enum { MASKED = 1 << 16, LEVEL = 1 << 15, LOGICAL = 1 << 11 };

static int
put_device(struct error *err)
{
	return ioapic_new(f.vm, err);
}

static uint32_t
reg(unsigned index)
{
	fake_write(&f, VM_IOAPIC_GPA, 4, index);
	return (uint32_t)fake_read(&f, VM_IOAPIC_GPA + 0x10, 4);
}

static void
set_reg(unsigned index, uint32_t v)
{
	fake_write(&f, VM_IOAPIC_GPA, 4, index);
	fake_write(&f, VM_IOAPIC_GPA + 0x10, 4, v);
}

static void
set_pin(unsigned pin, uint32_t high, uint32_t low)
{
	set_reg(0x11 + 2 * pin, high);
	set_reg(0x10 + 2 * pin, low);
}

static void
it_says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(reg(1), 0x00170011);
	assert_int_equal(reg(0x10), MASKED);
	set_reg(0, 0xffffffff);
	assert_int_equal(reg(0), 0x0f000000);
	assert_int_equal(reg(0x40), 0); /* past the last pin */
	set_pin(3, 0xffffffff, 0xffffffff);
	assert_int_equal(reg(0x16), 0x0001afff);
	assert_int_equal(reg(0x17), 0xfffe0000);
}

static void
edges_are_sent_once(void **state)
{
	(void)state;
	vm_irq_pulse(f.vm, 4); /* masked: lost */
	set_pin(4, 0x02000000, 0x31);
	assert_int_equal(f.nmsi, 0);
	vm_irq_set(f.vm, 4, true);
	vm_irq_set(f.vm, 4, true);
	assert_int_equal(f.nmsi, 1);
	assert_int_equal(f.msi[0].addr, 0xfee02000);
	assert_int_equal(f.msi[0].data, 0x31);
	vm_irq_set(f.vm, 4, false);
	vm_irq_set(f.vm, 4, true);
	assert_int_equal(f.nmsi, 2);
}

static void
the_pit_is_on_pin_2(void **state)
{
	(void)state;
	set_pin(2, 0, 0x40);
	set_pin(0, 0, 0x41);
	vm_irq_pulse(f.vm, 0);
	vm_irq_pulse(f.vm, 2); /* the cascade is no wire */
	assert_int_equal(f.nmsi, 1);
	assert_int_equal(f.msi[0].data, 0x40);
}

static void
a_level_is_sent_again_after_its_eoi(void **state)
{
	(void)state;
	set_pin(19, 0x01000000, 0x52 | LEVEL | LOGICAL | 1 << 8);
	vm_irq_set(f.vm, 19, true);
	assert_int_equal(f.nmsi, 1);
	assert_int_equal(f.msi[0].addr, 0xfee0100c); /* lowest, logical */
	assert_int_equal(f.msi[0].data, 0xc152);
	assert_int_equal(reg(0x36) & 1 << 14, 1 << 14);
	vm_irq_set(f.vm, 19, true);
	assert_int_equal(f.nmsi, 1);
	vm_eoi(f.vm, 0x53); /* another's */
	assert_int_equal(f.nmsi, 1);
	vm_eoi(f.vm, 0x52);
	assert_int_equal(f.nmsi, 2);
	vm_irq_set(f.vm, 19, false);
	vm_eoi(f.vm, 0x52);
	assert_int_equal(f.nmsi, 2);
	assert_int_equal(reg(0x36) & 1 << 14, 0);
}

static void
a_mask_holds_a_level_back(void **state)
{
	(void)state;
	set_pin(19, 0, 0x52 | LEVEL | MASKED);
	vm_irq_set(f.vm, 19, true);
	assert_int_equal(f.nmsi, 0);
	set_reg(0x36, 0x52 | LEVEL);
	assert_int_equal(f.nmsi, 1);
}

/* What Linux does to a pin whose EOI was lost. */
static void
edge_mode_forgets_remote_irr(void **state)
{
	(void)state;
	set_pin(19, 0, 0x52 | LEVEL);
	vm_irq_set(f.vm, 19, true);
	set_reg(0x36, 0x52 | MASKED);
	assert_int_equal(reg(0x36) & 1 << 14, 0);
	set_reg(0x36, 0x52 | LEVEL);
	assert_int_equal(f.nmsi, 2);
}

static void
the_engine_hears_of_every_entry(void **state)
{
	(void)state;
	set_pin(7, 0x05020000, 0x61 | LEVEL);
	assert_int_equal(f.route[7].msg.addr, 0xfee05020);
	assert_int_equal(f.route[7].msg.data, 0xc061);
	assert_false(f.route[7].masked);
	set_reg(0x1e, MASKED);
	assert_true(f.route[7].masked);
}

static void
state_comes_back(void **state)
{
	(void)state;
	set_pin(19, 0, 0x52 | LEVEL);
	vm_irq_set(f.vm, 19, true);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_false(f.route[19].masked);
	vm_eoi(f.vm, 0x52);
	assert_int_equal(f.nmsi, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(it_says_what_it_is),
		DEVICE_TEST(edges_are_sent_once),
		DEVICE_TEST(the_pit_is_on_pin_2),
		DEVICE_TEST(a_level_is_sent_again_after_its_eoi),
		DEVICE_TEST(a_mask_holds_a_level_back),
		DEVICE_TEST(edge_mode_forgets_remote_irr),
		DEVICE_TEST(the_engine_hears_of_every_entry),
		DEVICE_TEST(state_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
