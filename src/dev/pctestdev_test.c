/* SPDX-License-Identifier: BSD-2-Clause */
/* pctestdev_test.c - the test device keeps, raises and ends what it should. */

#include "dev/device_test.h"
#include "dev/pctestdev.h"

static int
put_device(struct error *err)
{
	return pctestdev_new(f.vm, err);
}

static void
it_keeps_what_is_written(void **state)
{
	(void)state;
	fake_out(&f, PCTESTDEV_DATA, 4, 0x11223344);
	fake_out(&f, PCTESTDEV_DATA + 1, 2, 0xaabb);
	assert_int_equal(fake_in(&f, PCTESTDEV_DATA, 4), 0x11aabb44);
	fake_write(&f, PCTESTDEV_MEMORY + 0xfff8, 8, 0x1122334455667788);
	assert_int_equal(fake_read(&f, PCTESTDEV_MEMORY + 0xfffc, 4),
	                 0x11223344);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_int_equal(fake_in(&f, PCTESTDEV_DATA + 3, 1), 0x11);
}

static void
lines_go_up_and_down(void **state)
{
	(void)state;
	fake_out(&f, PCTESTDEV_LINES + 5, 1, 1);
	fake_out(&f, PCTESTDEV_LINES + 5, 1, 7);
	assert_true(f.gsi[5]);
	assert_int_equal(f.edges[5], 1);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_true(f.gsi[5]);
	fake_out(&f, PCTESTDEV_LINES + 5, 1, 0);
	assert_false(f.gsi[5]);
	fake_out(&f, PCTESTDEV_LINES + 23, 1, 1);
	assert_true(f.gsi[23]);
}

static void
it_ends_with_a_status(void **state)
{
	(void)state;
	fake_out(&f, PCTESTDEV_EXIT, 1, 16);
	assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_STATUS);
	assert_int_equal(f.vm->status, 33);
	/* The first word counts. */
	fake_out(&f, PCTESTDEV_EXIT, 4, 0);
	assert_int_equal(f.vm->status, 33);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(it_keeps_what_is_written),
		DEVICE_TEST(lines_go_up_and_down),
		DEVICE_TEST(it_ends_with_a_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
