/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_test.c - the engine as the VMM sees it: kicks, breakpoints, steps,
 * sleep and what ends it, a second processor, state out and in.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/error.h"
#include "engine/soft/bed_test.h"
#include "engine/soft/soft.h"

static void
put_state(struct bed *b)
{
	struct error err;

	assert_int_equal(vm_vcpu_set(b->vm, 0, &b->st, &err), 0);
}

static uint64_t
rip(struct bed *b)
{
	assert_int_equal(vm_vcpu_get(b->vm, 0, &b->st), 0);
	return b->st.rip;
}

PROGRAM(forever, ".code64\n 1: inc %rax\n jmp 1b");

static void
a_kick_before_running_is_not_lost(void **state)
{
	struct bed *b = *state;
	struct vcpu *v = &b->vm->vcpus[0];

	bed_long(b);
	LOAD(b, BED_CODE, forever);
	put_state(b);
	engine_soft.kick(v);
	assert_int_equal(engine_soft.run(v), EXIT_KICKED);
}

static void *
kick_later(void *arg)
{
	const struct timespec t = { .tv_nsec = 20000000 };

	nanosleep(&t, NULL);
	engine_soft.kick(arg);
	return NULL;
}

static void
a_kick_ends_a_loop_and_a_sleep(void **state)
{
	static const uint8_t hlt = 0xf4;
	struct bed *b = *state;
	struct vcpu *v = &b->vm->vcpus[0];
	pthread_t t;

	for (unsigned i = 0; i < 2; i++) {
		bed_long(b);
		if (i == 0)
			LOAD(b, BED_CODE, forever);
		else
			bed_write(b, BED_CODE, &hlt, 1);
		put_state(b);
		assert_int_equal(pthread_create(&t, NULL, kick_later, v), 0);
		assert_int_equal(engine_soft.run(v), EXIT_KICKED);
		pthread_join(t, NULL);
		(void)rip(b);
		assert_int_equal(b->st.activity,
		                 i == 0 ? X86_RUNNING : X86_HALTED);
	}
}

PROGRAM(straight, ".code64\n nop\n nop\n mov $1, %eax\n nop\n"
                  "call 1f\n nop" END "1: nop\n ret");

static void
steps_are_single(void **state)
{
	static const uint8_t at[] = { 1, 2, 7, 8, 17, 18, 13, 14 };
	struct bed *b = *state;
	struct vcpu *v = &b->vm->vcpus[0];

	bed_long(b);
	LOAD(b, BED_CODE, straight);
	put_state(b);
	engine_soft.single_step(v, true);
	for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
		assert_int_equal(engine_soft.run(v), EXIT_DEBUG);
		assert_int_equal(rip(b), BED_CODE + at[i]);
	}
}

static void
breakpoints_stop_and_go_on(void **state)
{
	struct bed *b = *state;
	struct vcpu *v = &b->vm->vcpus[0];

	bed_long(b);
	LOAD(b, BED_CODE, straight);
	put_state(b);
	assert_int_equal(engine_soft.breakpoint(b->vm, BED_CODE + 7, true), 0);
	assert_int_equal(engine_soft.breakpoint(b->vm, BED_CODE + 17, true), 0);
	assert_int_equal(engine_soft.run(v), EXIT_DEBUG);
	assert_int_equal(rip(b), BED_CODE + 7);
	assert_int_equal(engine_soft.run(v), EXIT_DEBUG);
	assert_int_equal(rip(b), BED_CODE + 17);
	assert_int_equal(engine_soft.breakpoint(b->vm, BED_CODE + 17, false),
	                 0);
	assert_int_equal(engine_soft.breakpoint(b->vm, BED_CODE + 99, false),
	                 -ENOENT);
	assert_int_equal(engine_soft.run(v), EXIT_KICKED);
	assert_true(b->ended);
}

PROGRAM(sleeper, ".code64\n"
                 "mov $0x1b, %ecx\n rdmsr\n or $0xc00, %eax\n wrmsr\n"
                 "mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n"
                 "wrmsr\n sti\n hlt\n" END);

struct waker {
	struct bed *b;
	bool nmi;
};

static void *
wake_later(void *arg)
{
	const struct timespec t = { .tv_nsec = 20000000 };
	struct waker *w = arg;

	nanosleep(&t, NULL);
	if (w->nmi)
		engine_soft.nmi(&w->b->vm->vcpus[0]);
	else
		engine_soft.msi(w->b->vm, 0xfee00000, 0x45);
	return NULL;
}

static void
interrupts_end_a_sleep(void **state)
{
	struct bed *b = *state;
	pthread_t t;

	for (unsigned i = 0; i < 2; i++) {
		struct waker w = { b, i == 1 };

		bed_long(b);
		LOAD(b, BED_CODE, sleeper);
		assert_int_equal(pthread_create(&t, NULL, wake_later, &w), 0);
		assert_true(bed_run(b));
		pthread_join(t, NULL);
		assert_int_equal(bed_vector(b, NULL), w.nmi ? X86_NMI : 0x45);
	}
}

/* vCPU 0: INIT, SIPI 20h to the other, then until 30000h is set. */
PROGRAM(bsp, ".code64\n"
             "mov $0x1b, %ecx\n rdmsr\n or $0xc00, %eax\n wrmsr\n"
             "mov $0x830, %ecx\n mov $1, %edx\n"
             "mov $0x4500, %eax\n wrmsr\n mov $0x4620, %eax\n wrmsr\n"
             "1: pause\n cmpl $0, 0x30000\n je 1b\n"
             "mov 0x30000, %eax\n out %eax, $0xe9" END);
PROGRAM(ap, ".code16\n"
            "mov $0x3000, %ax\n mov %ax, %ds\n mov %cs, %ax\n"
            "movw %ax, 0\n 1: hlt\n jmp 1b");

static void
a_second_processor_starts_where_sipi_says(void **state)
{
	const struct vm_options o = { .name = "two",
		                      .ncpus = 2,
		                      .mem_bytes = BED_BYTES,
		                      .tsc_hz = 1000000000,
		                      .x2apic = true,
		                      .engine = &engine_soft };
	struct bed *b = *state, two = { .vm = NULL };
	struct error err;

	assert_int_equal(vm_new(&o, &two.vm, &err), 0);
	assert_int_equal(vm_engine_init(two.vm, &err), 0);
	bed_long(&two);
	LOAD(&two, BED_CODE, bsp);
	LOAD(&two, 0x20000, ap);
	put_state(&two);
	assert_int_equal(vm_start(two.vm, &err), 0);
	for (unsigned i = 0; i < 500 && bed_get64(&two, 0x30000) == 0; i++)
		usleep(10000);
	assert_int_equal(bed_get64(&two, 0x30000), 0x2000);
	vm_stop(two.vm);
	bed_fini(&two);
	(void)b;
}

PROGRAM(halt_when_told, ".code64\n"
                        "1: pause\n cmpl $0, 0x30000\n je 1b\n"
                        "2: hlt\n jmp 2b");

/* Also when one had been asked to stand still while it slept. */
static void
processors_halted_for_good_end_the_guest(void **state)
{
	const struct vm_options o = { .name = "halt",
		                      .ncpus = 2,
		                      .mem_bytes = BED_BYTES,
		                      .tsc_hz = 1000000000,
		                      .x2apic = true,
		                      .engine = &engine_soft };
	struct bed two = { .vm = NULL };
	struct cpu *other;
	struct error err;

	(void)state;
	assert_int_equal(vm_new(&o, &two.vm, &err), 0);
	assert_int_equal(vm_engine_init(two.vm, &err), 0);
	other = two.vm->vcpus[1].engine;
	bed_long(&two);
	LOAD(&two, BED_CODE, halt_when_told);
	put_state(&two);
	assert_int_equal(vm_start(two.vm, &err), 0);
	for (unsigned i = 0; i < 3000 && !atomic_load(&other->asleep); i++)
		usleep(10000);
	atomic_fetch_or(&other->ev, EV_SYNC);
	bed_put64(&two, 0x30000, 1);
	for (unsigned i = 0; i < 3000 && vm_suspended(two.vm) == 0; i++)
		usleep(10000);
	assert_int_equal(vm_suspended(two.vm), VM_SUSPEND_HALT);
	vm_stop(two.vm);
	bed_fini(&two);
}

static void
state_goes_out_and_in(void **state)
{
	struct bed *b = *state;
	struct x86_state one, two;
	struct error err;

	bed_long(b);
	for (unsigned i = 0; i < X86_NGPR; i++)
		b->st.gpr[i] = 0x1111111111111111ull * i;
	b->st.rflags = 0x246cd7 & ~X86_FL_TF;
	b->st.star = 0x1234567800000000;
	b->st.tsc = 987654321;
	b->st.tsc_adjust = 77;
	b->st.dr[2] = 5;
	b->st.cr8 = 3;
	b->st.kernel_gs_base = 0xffff800000000000;
	b->st.mtrr_fixed[4] = 0x0606060606060606;
	b->st.nmi_blocked = 1;
	for (unsigned i = 160; i < 416; i++)
		b->st.fx[i] = (uint8_t)i;
	put_state(b);
	assert_int_equal(vm_vcpu_get(b->vm, 0, &one), 0);
	assert_int_equal(vm_vcpu_set(b->vm, 0, &one, &err), 0);
	assert_int_equal(vm_vcpu_get(b->vm, 0, &two), 0);
	assert_memory_equal(&one, &two, sizeof(one));
	assert_int_equal(one.tsc, 987654321);
	assert_int_equal(one.cr8, 3);
	assert_int_equal(one.lapic[0x80], 0x30);
	assert_memory_equal(one.gpr, b->st.gpr, sizeof(one.gpr));
	assert_int_equal(one.rflags, b->st.rflags);
	assert_memory_equal(one.fx + 160, b->st.fx + 160, 256);
}

static void
a_pending_exception_comes_first(void **state)
{
	struct bed *b = *state;
	struct bed_log log;

	bed_long(b);
	LOAD(b, BED_CODE, forever);
	b->st.exc_pending = 1;
	b->st.exc_vector = X86_GP;
	b->st.exc_has_error = 1;
	b->st.exc_error = 0x48;
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_GP);
	assert_int_equal(log.error, 0x48);
	assert_int_equal(log.rip, BED_CODE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_kick_before_running_is_not_lost),
		BED_TEST(a_kick_ends_a_loop_and_a_sleep),
		BED_TEST(steps_are_single),
		BED_TEST(breakpoints_stop_and_go_on),
		BED_TEST(interrupts_end_a_sleep),
		BED_TEST(a_second_processor_starts_where_sipi_says),
		BED_TEST(processors_halted_for_good_end_the_guest),
		BED_TEST(state_goes_out_and_in),
		BED_TEST(a_pending_exception_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
