/* SPDX-License-Identifier: BSD-2-Clause */
/* pic_test.c - the 8259 pair as a PC's firmware and kernels use it. */

#include "dev/device_test.h"
#include "dev/pic.h"

static int
put_device(struct error *err)
{
	/* ICW1 to 4: vectors 0x30 and 0x38, then nothing masked. */
	static const struct {
		uint16_t port;
		uint8_t v;
	} init[] = {
		{ 0x20, 0x11 }, { 0x21, 0x30 },  { 0x21, 0x04 },
		{ 0x21, 0x01 }, { 0xa0, 0x11 },  { 0xa1, 0x38 },
		{ 0xa1, 0x02 }, { 0xa1, 0x01 },  { 0x21, 0x00 },
		{ 0xa1, 0x00 }, { 0x4d0, 0x00 }, { 0x4d1, 0x00 },
	};

	if (pic_new(f.vm, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(init); i++)
		fake_out(&f, init[i].port, 1, init[i].v);
	return 0;
}

static void
an_edge_is_taken_once(void **state)
{
	(void)state;
	vm_irq_set(f.vm, 4, true);
	assert_true(f.extint);
	assert_int_equal(vm_pic_ack(f.vm), 0x34);
	assert_false(f.extint);
	fake_out(&f, 0x20, 1, 0x20);
	assert_false(f.extint); /* still high, no new edge */
	vm_irq_set(f.vm, 4, false);
	vm_irq_pulse(f.vm, 4);
	assert_true(f.extint);
}

static void
the_second_chip_comes_through_the_first(void **state)
{
	(void)state;
	vm_irq_set(f.vm, 12, true);
	assert_int_equal(vm_pic_ack(f.vm), 0x3c);
	fake_out(&f, 0x20, 1, 0x0b); /* read ISR */
	assert_int_equal(fake_in(&f, 0x20, 1), 0x04);
	fake_out(&f, 0xa0, 1, 0x20);
	fake_out(&f, 0x20, 1, 0x20);
	assert_int_equal(fake_in(&f, 0x20, 1), 0);
}

static void
priority_nests(void **state)
{
	(void)state;
	vm_irq_set(f.vm, 5, true);
	assert_int_equal(vm_pic_ack(f.vm), 0x35);
	vm_irq_set(f.vm, 6, true);
	assert_false(f.extint); /* lower */
	vm_irq_set(f.vm, 1, true);
	assert_true(f.extint); /* higher */
	assert_int_equal(vm_pic_ack(f.vm), 0x31);
	fake_out(&f, 0x20, 1, 0x61); /* specific EOI of 1 */
	fake_out(&f, 0x20, 1, 0x65);
	assert_int_equal(vm_pic_ack(f.vm), 0x36);
}

static void
a_level_stays_until_it_goes(void **state)
{
	(void)state;
	fake_out(&f, 0x4d1, 1, 0xff);
	assert_int_equal(fake_in(&f, 0x4d1, 1), 0xde);
	vm_irq_set(f.vm, 10, true);
	assert_int_equal(vm_pic_ack(f.vm), 0x3a);
	fake_out(&f, 0xa0, 1, 0x20);
	fake_out(&f, 0x20, 1, 0x20);
	assert_true(f.extint);
	vm_irq_set(f.vm, 10, false);
	assert_false(f.extint);
	/* Nobody is there any more: spurious. */
	assert_int_equal(vm_pic_ack(f.vm), 0x37);
}

static void
masks_and_modes(void **state)
{
	(void)state;
	fake_out(&f, 0x21, 1, 0x10);
	assert_int_equal(fake_in(&f, 0x21, 1), 0x10);
	vm_irq_pulse(f.vm, 4);
	assert_false(f.extint);
	fake_out(&f, 0x21, 1, 0);
	assert_true(f.extint);
	fake_out(&f, 0x20, 1, 0x0c); /* poll */
	assert_int_equal(fake_in(&f, 0x20, 1), 0x84);
	fake_out(&f, 0x20, 1, 0xa0); /* EOI, rotating: 4 is lowest now */
	vm_irq_pulse(f.vm, 4);
	vm_irq_pulse(f.vm, 5);
	assert_int_equal(vm_pic_ack(f.vm), 0x35);
}

static void
automatic_eoi_needs_none(void **state)
{
	(void)state;
	fake_out(&f, 0x20, 1, 0x11);
	fake_out(&f, 0x21, 1, 0x30);
	fake_out(&f, 0x21, 1, 0x04);
	fake_out(&f, 0x21, 1, 0x03);
	vm_irq_pulse(f.vm, 3);
	assert_int_equal(vm_pic_ack(f.vm), 0x33);
	vm_irq_pulse(f.vm, 3);
	assert_int_equal(vm_pic_ack(f.vm), 0x33);
}

static void
state_comes_back(void **state)
{
	(void)state;
	vm_irq_set(f.vm, 5, true);
	vm_pic_ack(f.vm);
	vm_irq_set(f.vm, 1, true);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_true(f.extint);
	assert_int_equal(vm_pic_ack(f.vm), 0x31);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(an_edge_is_taken_once),
		DEVICE_TEST(the_second_chip_comes_through_the_first),
		DEVICE_TEST(priority_nests),
		DEVICE_TEST(a_level_stays_until_it_goes),
		DEVICE_TEST(masks_and_modes),
		DEVICE_TEST(automatic_eoi_needs_none),
		DEVICE_TEST(state_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
