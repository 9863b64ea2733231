/* SPDX-License-Identifier: BSD-2-Clause */
/* checkpoint_test.c - a VM to a file and back, and files nobody should trust.
 *
 * The engine only keeps each processor's state, so that every byte of it can be
 * told apart.
 */
#include <sys/mman.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"
#include "vmm/checkpoint.h"
#include "vmm/vm.h"
#include "x86/cpuid.h"
#include "x86/state.h"

enum { CPUS = 2, AT_TIME = 32, AT_SECTIONS = 40, HEAD = 48 };

struct box {
	struct x86_state cpu[CPUS];
};

static int
box_init(struct vm *vm, struct error *err)
{
	(void)vm;
	(void)err;
	return 0;
}

static void
box_fini(struct vm *vm)
{
	(void)vm;
}

static int
box_cpuid(struct vm *vm, unsigned apic_id, struct cpuid_table *out,
          struct error *err)
{
	(void)vm;
	(void)apic_id;
	(void)err;
	memset(out, 0, sizeof(*out));
	return 0;
}

static int
box_vcpu_init(struct vcpu *v, struct error *err)
{
	(void)err;
	v->engine = &((struct box *)v->vm->engine)->cpu[v->id];
	return 0;
}

static void
box_vcpu_fini(struct vcpu *v)
{
	v->engine = NULL;
}

static int
box_get(struct vcpu *v, struct x86_state *out)
{
	*out = *(struct x86_state *)v->engine;
	return 0;
}

static int
box_set(struct vcpu *v, const struct x86_state *st, struct error *err)
{
	if (st->activity > X86_WAIT_SIPI)
		return error_set(err, -EINVAL, "activity %u", st->activity);
	*(struct x86_state *)v->engine = *st;
	return 0;
}

static const struct engine_ops box_ops = {
	.name = "box",
	.vm_init = box_init,
	.vm_fini = box_fini,
	.cpuid = box_cpuid,
	.vcpu_init = box_vcpu_init,
	.vcpu_fini = box_vcpu_fini,
	.get_state = box_get,
	.set_state = box_set,
};

static const struct state_field dev_fields[] = {
	{ "v", 0, 4, 1 },
	{ NULL, 0, 0, 0 },
};
static const struct state_desc dev_state = { "thing", 1, dev_fields, NULL,
	                                     NULL };
static const struct device_ops dev_ops = { .name = "thing",
	                                   .state = &dev_state };

struct rig {
	struct box box;
	struct vm *vm;
	uint32_t dev[2];
	uint64_t host_ns;
};

static uint64_t
rig_now(void *ctx)
{
	return ((struct rig *)ctx)->host_ns;
}

static void
rig_init(struct rig *r, uint64_t mem_bytes, unsigned devices)
{
	const struct clock_source clock = { rig_now, r };
	const struct vm_options o = {
		.name = "box",
		.ncpus = CPUS,
		.mem_bytes = mem_bytes,
		.tsc_hz = 1000000000,
		.engine = &box_ops,
		.clock = &clock,
	};
	struct error err;

	memset(r, 0, sizeof(*r));
	assert_int_equal(vm_new(&o, &r->vm, &err), 0);
	r->vm->engine = &r->box;
	for (unsigned i = 0; i < devices; i++)
		assert_int_equal(
		    vm_device_add(r->vm, &dev_ops, &r->dev[i], &err), 0);
	assert_int_equal(vm_engine_init(r->vm, &err), 0);
}

static int
saved(struct rig *r)
{
	int fd = memfd_create("checkpoint", MFD_CLOEXEC);
	struct error err;

	assert_true(fd >= 0);
	assert_int_equal(checkpoint_write(r->vm, fd, &err), 0);
	return fd;
}

static int
load(struct rig *r, int fd, struct error *err)
{
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return checkpoint_read(r->vm, fd, err);
}

/* Every byte of it another, but where the compiler left room. */
static void
fill(struct x86_state *st, uint8_t seed)
{
	uint8_t *p = (uint8_t *)st;

	for (size_t i = 0; i < sizeof(*st); i++)
		p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
	st->activity = X86_HALTED;
}

/* Fields, not bytes: the room between them is nobody's. */
static void
assert_same_cpu(const struct x86_state *a, const struct x86_state *b)
{
#define SAME(f) assert_memory_equal(&a->f, &b->f, sizeof(a->f))
	SAME(gpr);
	SAME(rip);
	SAME(rflags);
	for (int i = 0; i < X86_NSEG; i++) {
		SAME(seg[i].base);
		SAME(seg[i].limit);
		SAME(seg[i].attr);
		SAME(seg[i].sel);
	}
	SAME(gdtr.base);
	SAME(gdtr.limit);
	SAME(idtr.base);
	SAME(idtr.limit);
	SAME(cr0);
	SAME(cr2);
	SAME(cr3);
	SAME(cr4);
	SAME(cr8);
	/* No field from here to lapic is followed by room. */
	assert_memory_equal(&a->pdpte, &b->pdpte,
	                    offsetof(struct x86_state, lapic) -
	                        offsetof(struct x86_state, pdpte));
	SAME(lapic);
	SAME(lapic_timer_ns);
	SAME(activity);
	SAME(intr_shadow);
	SAME(nmi_blocked);
	SAME(nmi_pending);
	SAME(exc_pending);
	SAME(exc_vector);
	SAME(exc_has_error);
	SAME(exc_error);
}

static void
all_of_a_vm_comes_back(void **state)
{
	static const struct {
		uint64_t gpa, len;
	} runs[] = { { 0, 1 },
		     { 0xfff, 2 },
		     { 0x5000, 0x3000 },
		     { 0x1fffff, 1 },
		     { 0x100000, 0x180000 - 0x100000 } };
	struct rig a, b;
	struct error err;
	int fd;

	(void)state;
	rig_init(&a, 4 << 20, 2);
	rig_init(&b, 4 << 20, 2);
	for (unsigned i = 0; i < CPUS; i++)
		fill(&a.box.cpu[i], (uint8_t)(i * 31 + 1));
	a.dev[0] = 0x11223344;
	a.dev[1] = 0x55;
	a.host_ns = 123456789;
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		memset(guest_mem_at(a.vm->mem, runs[i].gpa, runs[i].len, 1),
		       (int)i + 1, runs[i].len);
	/* What b's loader put there is not a's. */
	memset(guest_mem_at(b.vm->mem, 0x3ff000, 0x1000, 1), 0xff, 0x1000);
	fd = saved(&a);
	assert_true(lseek(fd, 0, SEEK_END) < 2 << 20);
	assert_int_equal(load(&b, fd, &err), 0);
	for (unsigned i = 0; i < CPUS; i++)
		assert_same_cpu(&a.box.cpu[i], &b.box.cpu[i]);
	assert_memory_equal(a.dev, b.dev, sizeof(a.dev));
	assert_int_equal(loop_now(b.vm->loop), 123456789);
	assert_memory_equal(guest_mem_at(a.vm->mem, 0, 4 << 20, 0),
	                    guest_mem_at(b.vm->mem, 0, 4 << 20, 0), 4 << 20);
	close(fd);
	vm_free(a.vm);
	vm_free(b.vm);
}

static void
another_machine_is_refused(void **state)
{
	static const struct {
		uint64_t bytes;
		unsigned devices;
		const char *want;
	} rows[] = {
		{ 1 << 20, 1, "checkpoint: made with 2097152 bytes of memory" },
		{ 2 << 20, 0, "checkpoint: has devices this VM has not" },
		{ 2 << 20, 2, "checkpoint: 'thing': cut off" },
	};
	struct rig a;
	int fd;

	(void)state;
	rig_init(&a, 2 << 20, 1);
	fd = saved(&a);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig b;
		struct error err;

		rig_init(&b, rows[i].bytes, rows[i].devices);
		assert_int_equal(load(&b, fd, &err), -EINVAL);
		assert_string_equal(err.msg, rows[i].want);
		vm_free(b.vm);
	}
	close(fd);
	vm_free(a.vm);
}

static void
hurt_files_are_refused(void **state)
{
	static const struct {
		off_t at;
		size_t len;
		const char *bytes;
	} rows[] = {
		{ 0, 1, "X" },
		{ 8, 1, "\3" },
		{ 16, 1, "\1" },
		{ AT_TIME + 7, 1, "\200" },
		{ AT_SECTIONS + 7, 1, "\1" },
		{ AT_SECTIONS, 1, "\0" },
		{ HEAD, 1, "X" },
		{ HEAD + 100, 1, "\177" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig a;
		struct error err;
		int fd;

		rig_init(&a, 1 << 20, 1);
		fd = saved(&a);
		assert_int_equal(
		    pwrite(fd, rows[i].bytes, rows[i].len, rows[i].at),
		    rows[i].len);
		assert_int_equal(load(&a, fd, &err), -EINVAL);
		close(fd);
		vm_free(a.vm);
	}
}

static void
a_file_cut_anywhere_is_refused(void **state)
{
	struct rig a;
	struct error err;
	off_t len;
	int fd;

	(void)state;
	rig_init(&a, 1 << 20, 1);
	memset(guest_mem_at(a.vm->mem, 0x4000, 0x1000, 1), 1, 0x1000);
	fd = saved(&a);
	len = lseek(fd, 0, SEEK_END);
	for (off_t cut = 1; cut < len; cut += cut < 64 ? 1 : 611) {
		assert_int_equal(ftruncate(fd, len - cut), 0);
		assert_int_equal(load(&a, fd, &err), -EINVAL);
	}
	close(fd);
	vm_free(a.vm);
}

static void
put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

static void
memory_beyond_the_vm_is_refused(void **state)
{
	static const struct {
		uint64_t gpa, bytes;
	} rows[] = {
		{ 0x100000, 0x1000 },
		{ 0xff000, 0x2000 },
		{ 0x10, 0x1000 },
		{ 0x1000, 0x10 },
		{ 0, 2 << 20 },
		{ 0xfffffffffffff000, 0x2000 },
		{ 0x1000, UINT64_MAX & ~0xfffull },
	};
	struct rig a;
	off_t end;
	int fd;

	(void)state;
	rig_init(&a, 1 << 20, 1);
	fd = saved(&a);
	end = lseek(fd, 0, SEEK_END) - 16;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t cell[16];
		struct error err;

		put64(cell, rows[i].gpa);
		put64(cell + 8, rows[i].bytes);
		assert_int_equal(pwrite(fd, cell, 16, end), 16);
		assert_int_equal(load(&a, fd, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "is not this VM's"));
	}
	close(fd);
	vm_free(a.vm);
}

static void
what_no_processor_is_is_refused(void **state)
{
	struct rig a, b;
	struct error err;
	int fd;

	(void)state;
	rig_init(&a, 1 << 20, 0);
	rig_init(&b, 1 << 20, 0);
	a.box.cpu[1].activity = 99;
	fd = saved(&a);
	assert_int_equal(load(&b, fd, &err), -EINVAL);
	assert_string_equal(err.msg, "checkpoint: vCPU 1: activity 99");
	close(fd);
	vm_free(a.vm);
	vm_free(b.vm);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_vm_comes_back),
		cmocka_unit_test(another_machine_is_refused),
		cmocka_unit_test(hurt_files_are_refused),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
		cmocka_unit_test(memory_beyond_the_vm_is_refused),
		cmocka_unit_test(what_no_processor_is_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
