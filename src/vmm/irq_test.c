/* SPDX-License-Identifier: BSD-2-Clause */
/* irq_test.c - wires: every controller hears, the PIC answers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/fake_vm.h"

struct ear {
	unsigned rises, falls, eois;
	unsigned gsi;
	uint8_t vector;
};

static void
hear_level(void *ctx, unsigned gsi, bool level)
{
	struct ear *e = ctx;

	e->gsi = gsi;
	e->rises += level;
	e->falls += !level;
}

static void
hear_eoi(void *ctx, uint8_t vector)
{
	struct ear *e = ctx;

	e->eois++;
	e->vector = vector;
}

static int
ack(void *ctx)
{
	return *(int *)ctx;
}

static void
every_controller_hears_every_wire(void **state)
{
	struct ear a = { 0 }, b = { 0 };
	const struct irq_sink sinks[] = { { hear_level, hear_eoi, &a },
		                          { hear_level, NULL, &b } };
	struct fake_vm f;
	struct error err;

	(void)state;
	fake_vm_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(sinks); i++)
		assert_int_equal(vm_irq_sink_add(f.vm, &sinks[i], &err), 0);
	vm_irq_set(f.vm, 5, true);
	assert_true(f.gsi[5]);
	assert_int_equal(a.rises, 1);
	assert_int_equal(b.gsi, 5);
	vm_irq_set(f.vm, 5, false);
	vm_irq_pulse(f.vm, 9);
	assert_int_equal(f.edges[9], 1);
	assert_false(f.gsi[9]);
	assert_int_equal(b.rises, 2);
	assert_int_equal(b.falls, 2);
	vm_eoi(f.vm, 0x31);
	assert_int_equal(a.eois, 1);
	assert_int_equal(a.vector, 0x31);
	assert_int_equal(b.eois, 0);
	/* There is room for one more, no other. */
	assert_int_equal(vm_irq_sink_add(f.vm, &sinks[0], &err), 0);
	assert_int_equal(vm_irq_sink_add(f.vm, &sinks[0], &err), -ENOSPC);
	fake_vm_fini(&f);
}

static void
the_pic_answers_for_itself(void **state)
{
	struct fake_vm f;
	int vector = 0x20;

	(void)state;
	fake_vm_init(&f);
	assert_int_equal(vm_pic_ack(f.vm), -1);
	vm_pic_attach(f.vm, ack, &vector);
	assert_int_equal(vm_pic_ack(f.vm), 0x20);
	vm_pic_int(f.vm, true);
	assert_true(f.extint);
	vm_msi(f.vm, 0xfee00000, 0x41);
	assert_int_equal(f.nmsi, 1);
	assert_int_equal(f.msi[0].data, 0x41);
	fake_vm_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_controller_hears_every_wire),
		cmocka_unit_test(the_pic_answers_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
