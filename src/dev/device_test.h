/* SPDX-License-Identifier: BSD-2-Clause */
/* device_test.h - the frame of a device's unit test: for each test a new VM
 * without processors, with the device in it. Included once, by NAME_test.c,
 * which says by put_device() what belongs into the VM.
 */
#ifndef DEV_DEVICE_TEST_H
#define DEV_DEVICE_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/error.h"
#include "vmm/fake_vm.h"

/* The VM of the test that runs. */
static struct fake_vm f;

static int put_device(struct error *err);

static int
setup(void **state)
{
	struct error err;

	(void)state;
	fake_vm_init(&f);
	assert_int_equal(put_device(&err), 0);
	return 0;
}

static int
remove_vm(void **state)
{
	(void)state;
	fake_vm_fini(&f);
	return 0;
}

/* A test, and what it ends with where more than the VM goes. */
#define DEVICE_TEST_AND(t, end) cmocka_unit_test_setup_teardown(t, setup, end)
#define DEVICE_TEST(t)          DEVICE_TEST_AND(t, remove_vm)
#endif
