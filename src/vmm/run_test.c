/* SPDX-License-Identifier: BSD-2-Clause */
/* run_test.c - vCPUs' threads under an engine that only counts: started
 * together, paused, suspended once, ended.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/vm.h"
#include "x86/cpuid.h"
#include "x86/state.h"

enum { CPUS = 3 };

/* One processor: counts until it is kicked, or leaves as it is told. */
struct toy_cpu {
	atomic_bool kicked;
	atomic_ulong steps;
	atomic_int leave; /* enum vm_exit_code + 1, once; 0: on */
	struct x86_state st;
};

struct toy {
	struct toy_cpu cpu[CPUS];
	int fail_vcpu; /* -1: none */
	unsigned finis;
};

static struct toy_cpu *
cpu_of(struct vcpu *v)
{
	return v->engine;
}

static int
toy_init(struct vm *vm, struct error *err)
{
	(void)err;
	return vm->engine != NULL ? 0 : -EINVAL;
}

static void
toy_fini(struct vm *vm)
{
	((struct toy *)vm->engine)->finis++;
}

static int
toy_cpuid(struct vm *vm, unsigned apic_id, struct cpuid_table *out,
          struct error *err)
{
	(void)vm;
	(void)apic_id;
	(void)err;
	memset(out, 0, sizeof(*out));
	return 0;
}

static int
toy_vcpu_init(struct vcpu *v, struct error *err)
{
	struct toy *t = v->vm->engine;

	if ((int)v->id == t->fail_vcpu)
		return error_set(err, -ENODEV, "no more processors");
	v->engine = &t->cpu[v->id];
	return 0;
}

static void
toy_vcpu_fini(struct vcpu *v)
{
	v->engine = NULL;
}

static enum vm_exit_code
toy_run(struct vcpu *v)
{
	struct toy_cpu *c = cpu_of(v);

	for (;;) {
		int leave = atomic_exchange(&c->leave, 0);

		if (leave != 0) {
			error_set(&v->error, -EIO, "toy broke");
			return (enum vm_exit_code)(leave - 1);
		}
		if (atomic_exchange(&c->kicked, false))
			return EXIT_KICKED;
		atomic_fetch_add(&c->steps, 1);
		usleep(50);
	}
}

static void
toy_kick(struct vcpu *v)
{
	atomic_store(&cpu_of(v)->kicked, true);
}

static int
toy_get(struct vcpu *v, struct x86_state *out)
{
	*out = cpu_of(v)->st;
	return 0;
}

static int
toy_set(struct vcpu *v, const struct x86_state *st, struct error *err)
{
	(void)err;
	cpu_of(v)->st = *st;
	return 0;
}

static const struct engine_ops toy_ops = {
	.name = "toy",
	.vm_init = toy_init,
	.vm_fini = toy_fini,
	.cpuid = toy_cpuid,
	.vcpu_init = toy_vcpu_init,
	.vcpu_fini = toy_vcpu_fini,
	.run = toy_run,
	.kick = toy_kick,
	.get_state = toy_get,
	.set_state = toy_set,
};

/* A device with a thread's worth of state: quiet or not. */
struct probe {
	struct vm *vm;
	unsigned pauses, resumes;
	bool quiet;
};

static unsigned long
steps(const struct toy *t)
{
	unsigned long n = 0;

	for (int i = 0; i < CPUS; i++)
		n += atomic_load(&t->cpu[i].steps);
	return n;
}

static void
probe_pause(void *dev)
{
	struct probe *p = dev;

	p->pauses++;
	p->quiet = true;
}

static void
probe_resume(void *dev)
{
	struct probe *p = dev;

	p->resumes++;
	p->quiet = false;
}

static const struct device_ops probe_ops = {
	.name = "probe",
	.pause = probe_pause,
	.resume = probe_resume,
};

static struct vm *
made(struct toy *t, struct probe *p)
{
	const struct vm_options o = {
		.name = "toy",
		.ncpus = CPUS,
		.mem_bytes = 1 << 20,
		.tsc_hz = 1000000000,
		.engine = &toy_ops,
	};
	struct vm *vm = NULL;
	struct error err;

	memset(t, 0, sizeof(*t));
	t->fail_vcpu = -1;
	*p = (struct probe){ .quiet = true };
	assert_int_equal(vm_new(&o, &vm, &err), 0);
	vm->engine = t;
	p->vm = vm;
	assert_int_equal(vm_device_add(vm, &probe_ops, p, &err), 0);
	return vm;
}

static void
start(struct vm *vm)
{
	struct error err;

	assert_int_equal(vm_engine_init(vm, &err), 0);
	assert_int_equal(vm_start(vm, &err), 0);
}

static void
wait_for_steps(const struct toy *t)
{
	unsigned long was = steps(t);

	while (steps(t) == was)
		usleep(100);
}

static void
a_paused_vm_stands_still(void **state)
{
	struct toy t;
	struct probe p;
	struct vm *vm = made(&t, &p);
	unsigned long was;
	uint64_t at;

	(void)state;
	start(vm);
	assert_int_equal(p.resumes, 1);
	for (int i = 0; i < 20; i++) {
		wait_for_steps(&t);
		vm_pause(vm);
		was = steps(&t);
		at = loop_now(vm->loop);
		assert_true(p.quiet);
		vm_pause(vm); /* pauses nest */
		vm_resume(vm);
		usleep(500);
		assert_int_equal(steps(&t), was);
		assert_int_equal(p.pauses, i + 1);
		vm_resume(vm);
		assert_false(p.quiet);
		assert_true(loop_now(vm->loop) >= at);
	}
	wait_for_steps(&t);
	vm_stop(vm);
	was = steps(&t);
	usleep(500);
	assert_int_equal(steps(&t), was);
	vm_free(vm);
	assert_int_equal(t.finis, 1);
}

static void
time_stands_until_the_last_resumes(void **state)
{
	struct toy t;
	struct probe p;
	struct vm *vm = made(&t, &p);
	uint64_t at;

	(void)state;
	start(vm);
	vm_pause(vm);
	vm_pause(vm);
	at = loop_now(vm->loop);
	vm_resume(vm);
	usleep(1000);
	assert_int_equal(loop_now(vm->loop), at);
	assert_true(p.quiet);
	vm_resume(vm);
	usleep(1000);
	assert_true(loop_now(vm->loop) > at);
	assert_false(p.quiet);
	vm_free(vm);
}

static void
exits_end_the_vm_with_their_reason(void **state)
{
	static const struct {
		enum vm_exit_code leave;
		enum vm_suspend how;
		const char *words;
	} rows[] = {
		{ EXIT_TRIPLE_FAULT, VM_SUSPEND_TRIPLEFAULT, "" },
		{ EXIT_ERROR, VM_SUSPEND_ERROR, "toy broke" },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct toy t;
		struct probe p;
		struct vm *vm = made(&t, &p);
		unsigned long was;

		start(vm);
		atomic_store(&t.cpu[1].leave, (int)rows[i].leave + 1);
		assert_int_equal(loop_run(vm->loop, &err), 0);
		assert_int_equal(vm_suspended(vm), rows[i].how);
		/* The first reason stays, and nobody runs on. */
		vm_suspend(vm, VM_SUSPEND_RESET);
		assert_int_equal(vm_suspended(vm), rows[i].how);
		assert_string_equal(vm->error.msg, rows[i].words);
		vm_pause(vm);
		was = steps(&t);
		vm_resume(vm);
		usleep(500);
		assert_int_equal(steps(&t), was);
		vm_stop(vm);
		vm_stop(vm);
		vm_free(vm);
	}
}

static void
all_may_say_that_it_ends(void **state)
{
	struct error err;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct toy t;
		struct probe p;
		struct vm *vm = made(&t, &p);

		for (int c = 0; c < CPUS; c++)
			atomic_store(&t.cpu[c].leave, EXIT_TRIPLE_FAULT + 1);
		start(vm);
		assert_int_equal(loop_run(vm->loop, &err), 0);
		assert_int_equal(vm_suspended(vm), VM_SUSPEND_TRIPLEFAULT);
		vm_free(vm);
	}
}

struct ear {
	atomic_uint n;
	unsigned cpu;
};

static void
hear(void *ctx, struct vcpu *v)
{
	struct ear *e = ctx;

	e->cpu = v->id;
	atomic_fetch_add(&e->n, 1);
}

static void
the_debugger_hears_of_breakpoints(void **state)
{
	struct toy t;
	struct probe p;
	struct vm *vm = made(&t, &p);
	struct ear e = { .n = 0 };

	(void)state;
	vm->debugger = hear;
	vm->debugger_ctx = &e;
	start(vm);
	atomic_store(&t.cpu[2].leave, EXIT_DEBUG + 1);
	while (atomic_load(&e.n) == 0)
		usleep(100);
	vm_pause(vm);
	assert_int_equal(e.cpu, 2);
	assert_int_equal(vm_suspended(vm), VM_SUSPEND_NONE);
	vm_resume(vm);
	vm_free(vm);
}

static void
vcpus_begin_in_their_reset_state(void **state)
{
	struct toy t;
	struct probe p;
	struct vm *vm = made(&t, &p);
	struct x86_state st;
	struct error err;

	(void)state;
	assert_int_equal(vm_engine_init(vm, &err), 0);
	assert_int_equal(vm_vcpu_get(vm, 0, &st), 0);
	assert_int_equal(st.activity, X86_RUNNING);
	assert_int_equal(st.seg[X86_CS].base + st.rip, 0xfffffff0);
	assert_int_equal(vm_vcpu_get(vm, 1, &st), 0);
	assert_int_equal(st.activity, X86_WAIT_SIPI);
	assert_int_equal(vm_vcpu_get(vm, CPUS, &st), -EINVAL);
	assert_int_equal(vm_vcpu_set(vm, CPUS, &st, &err), -EINVAL);
	vm_free(vm);
}

static void
an_engine_that_fails_is_taken_down(void **state)
{
	struct toy t;
	struct probe p;
	struct vm *vm = made(&t, &p);
	struct error err;

	(void)state;
	t.fail_vcpu = 1;
	assert_int_equal(vm_engine_init(vm, &err), -ENODEV);
	assert_string_equal(err.msg,
	                    "engine 'toy': vCPU 1: no more processors");
	vm_free(vm);
	assert_int_equal(t.finis, 1);
}

static void
vms_have_limits(void **state)
{
	static const struct {
		unsigned ncpus;
		uint64_t bytes;
		int rc;
	} rows[] = {
		{ 0, 1 << 20, -EINVAL }, { VM_MAX_CPUS + 1, 1 << 20, -EINVAL },
		{ 1, 0, -EINVAL },       { VM_MAX_CPUS, 1 << 20, 0 },
		{ 1, 5ull << 30, 0 },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct vm_options o = { .name = "x",
			                      .ncpus = rows[i].ncpus,
			                      .mem_bytes = rows[i].bytes };
		struct vm *vm = NULL;

		assert_int_equal(vm_new(&o, &vm, &err), rows[i].rc);
		if (vm != NULL)
			assert_int_equal(vm->lowmem + vm->highmem,
			                 rows[i].bytes);
		vm_free(vm);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_paused_vm_stands_still),
		cmocka_unit_test(time_stands_until_the_last_resumes),
		cmocka_unit_test(exits_end_the_vm_with_their_reason),
		cmocka_unit_test(all_may_say_that_it_ends),
		cmocka_unit_test(the_debugger_hears_of_breakpoints),
		cmocka_unit_test(vcpus_begin_in_their_reset_state),
		cmocka_unit_test(an_engine_that_fails_is_taken_down),
		cmocka_unit_test(vms_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
