/* SPDX-License-Identifier: BSD-2-Clause */
/* soft.c - the software processor behind the engine interface. */
#include "engine/soft/soft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/baseline.h"
#include "engine/soft/block.h"
#include "engine/soft/debug.h"
#include "engine/soft/mmu.h"
#include "engine/soft/run.h"
#include "engine/soft/simd.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/sync.h"
#include "engine/soft/system.h"
#include "vmm/lapic.h"
#include "vmm/vm.h"

/* What a LAPIC asks of its processor. */

static void
lapic_wake(void *ctx)
{
	soft_kick(ctx, EV_INTR);
}

static void
lapic_nmi(void *ctx)
{
	soft_kick(ctx, EV_NMI);
}

static void
lapic_init(void *ctx)
{
	soft_kick(ctx, EV_INIT);
}

static void
lapic_sipi(void *ctx, uint8_t vector)
{
	struct cpu *c = ctx;

	atomic_store(&c->sipi_vector, vector);
	soft_kick(c, EV_SIPI);
}

static uint64_t
lapic_tsc(void *ctx)
{
	return cpu_tsc(ctx);
}

static const struct lapic_ops lapic_ops = {
	.wake = lapic_wake,
	.nmi = lapic_nmi,
	.init = lapic_init,
	.sipi = lapic_sipi,
	.tsc = lapic_tsc,
};

/* The VM */

static int
probe(struct error *err)
{
	(void)err;
	return 0; /* it runs wherever this program does */
}

static void
vm_fini(struct vm *vm)
{
	struct soft_vm *s = vm->engine;

	if (s == NULL)
		return;
	guest_mem_on_written(vm->mem, NULL, NULL);
	block_cache_free(s);
	simd_free(s);
	sync_free(s);
	free(s->cpus);
	free(s->lapics);
	free(s);
	vm->engine = NULL;
}

/* A device wrote to memory. */
static void
on_written(void *ctx, uint64_t gpa, uint64_t len)
{
	(void)block_written(ctx, gpa, len);
}

static int
vm_init(struct vm *vm, struct error *err)
{
	struct soft_vm *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return error_set(err, -ENOMEM, "software processor");
	vm->engine = s;
	s->vm = vm;
	s->mem = vm->mem;
	s->ncpus = vm->ncpus;
	s->cpus = calloc(s->ncpus, sizeof(s->cpus[0]));
	s->lapics = calloc(s->ncpus, sizeof(s->lapics[0]));
	if (s->cpus == NULL || s->lapics == NULL || sync_new(s) < 0 ||
	    block_cache_new(s) < 0)
		error_set(err, -ENOMEM, "software processor");
	else if ((rc = simd_new(s)) < 0)
		error_set(err, rc,
		          rc == -ENOTSUP ? "this host's processor has no SSE4.2"
		                         : "software processor");
	else if (guest_mem_flags(vm->mem, err) == 0) {
		guest_mem_on_written(vm->mem, on_written, s);
		return 0;
	}
	vm_fini(vm);
	return err->code;
}

static int
table(struct vm *vm, unsigned apic_id, struct cpuid_table *out,
      struct error *err)
{
	if (baseline_cpuid(vm, apic_id, out) < 0)
		return error_set(err, -ENOSPC, "CPUID: too many leaves");
	return 0;
}

/* vCPUs */

static void
vcpu_fini(struct vcpu *v)
{
	struct soft_vm *s = v->vm->engine;
	struct cpu *c = v->engine;

	if (c == NULL)
		return;
	s->cpus[v->id] = NULL;
	s->lapics[v->id] = NULL;
	lapic_free(c->lapic);
	block_cpu_fini(c);
	mmu_fini(c);
	trace_free(c);
	free(c);
	v->engine = NULL;
}

static int
vcpu_init(struct vcpu *v, struct error *err)
{
	struct soft_vm *s = v->vm->engine;
	struct cpu *c = aligned_alloc(64, (sizeof(*c) + 63) / 64 * 64);

	if (c == NULL)
		return error_set(err, -ENOMEM, "processor");
	memset(c, 0, sizeof(*c));
	c->vm = s;
	c->vcpu = v;
	c->gpr[GPR_4G] = 1ull << 32;
	v->engine = c;
	if (mmu_init(c) < 0 || block_cpu_init(c) < 0) {
		vcpu_fini(v);
		return error_set(err, -ENOMEM, "processor");
	}
	if (lapic_new(v->vm, v->id, s->lapics, &lapic_ops, c, &c->lapic, err) <
	    0) {
		vcpu_fini(v);
		return err->code;
	}
	simd_reset(c);
	s->cpus[v->id] = c;
	s->lapics[v->id] = c->lapic;
	return 0;
}

static enum vm_exit_code
run(struct vcpu *v)
{
	struct cpu *c = v->engine;

	struct vm *vm = v->vm;

	atomic_store(&c->vm->tsc_ref, 0);
	atomic_store(&c->vm->tsc_stood,
	             (uint64_t)((unsigned __int128)loop_stood_ns(vm->loop) *
	                        vm->tsc_hz / 1000000000));
	return cpu_run(c);
}

static void
kick(struct vcpu *v)
{
	soft_kick(v->engine, EV_EXIT);
}

static int
get_state(struct vcpu *v, struct x86_state *out)
{
	cpu_get_state(v->engine, out);
	return 0;
}

static int
set_state(struct vcpu *v, const struct x86_state *st, struct error *err)
{
	return cpu_put_state(v->engine, st, err);
}

/* Interrupts */

static int
msi(struct vm *vm, uint64_t addr, uint32_t data)
{
	struct soft_vm *s = vm->engine;

	lapic_deliver(s->lapics, s->ncpus, addr, data);
	return 0;
}

static void
extint(struct vm *vm, bool level)
{
	struct soft_vm *s = vm->engine;

	atomic_store(&s->extint, level);
	for (unsigned i = 0; level && i < s->ncpus; i++)
		if (s->cpus[i] != NULL && lapic_takes_extint(s->lapics[i]))
			soft_kick(s->cpus[i], EV_INTR);
}

static void
nmi(struct vcpu *v)
{
	soft_kick(v->engine, EV_NMI);
}

/* The debugger; vCPUs are stopped. */

static int
breakpoint(struct vm *vm, uint64_t la, bool set)
{
	struct soft_vm *s = vm->engine;
	uint32_t n = atomic_load(&s->nbreak), i = 0;

	while (i < n && s->breaks[i] != la)
		i++;
	if (set && i == n) {
		if (n == SOFT_MAX_BREAKS)
			return -ENOSPC;
		s->breaks[n] = la;
		atomic_store(&s->nbreak, n + 1);
	} else if (!set && i < n) {
		s->breaks[i] = s->breaks[n - 1];
		atomic_store(&s->nbreak, n - 1);
	}
	return set || i < n ? 0 : -ENOENT;
}

static int
watchpoint(struct vm *vm, const struct engine_watch *watch, bool set)
{
	struct soft_vm *s = vm->engine;
	const struct soft_watch w = { .la = watch->la,
		                      .len = watch->len,
		                      .read = watch->read,
		                      .write = watch->write };
	uint32_t n = atomic_load(&s->nwatch), i = 0;

	while (i < n &&
	       (s->watches[i].la != w.la || s->watches[i].len != w.len ||
	        s->watches[i].read != w.read || s->watches[i].write != w.write))
		i++;
	if (set && n == SOFT_MAX_WATCHES)
		return -ENOSPC;
	if (!set && i == n)
		return -ENOENT;
	if (set)
		s->watches[n++] = w;
	else
		s->watches[i] = s->watches[--n];
	atomic_store(&s->nwatch, n);
	for (i = 0; i < s->ncpus; i++)
		if (s->cpus[i] != NULL)
			debug_update(s->cpus[i]);
	return 0;
}

static void
single_step(struct vcpu *v, bool on)
{
	struct cpu *c = v->engine;

	c->step = on;
}

static int
translate(struct vcpu *v, uint64_t la, uint64_t *out_gpa)
{
	return mmu_peek(v->engine, la, out_gpa) ? 0 : -EFAULT;
}

const struct engine_ops engine_soft = {
	.name = "soft",
	.probe = probe,
	.vm_init = vm_init,
	.vm_fini = vm_fini,
	.cpuid = table,
	.vcpu_init = vcpu_init,
	.vcpu_fini = vcpu_fini,
	.run = run,
	.kick = kick,
	.get_state = get_state,
	.set_state = set_state,
	.msi = msi,
	.extint = extint,
	.nmi = nmi,
	.stats = soft_stats,
	.breakpoint = breakpoint,
	.watchpoint = watchpoint,
	.single_step = single_step,
	.translate = translate,
};

int
soft_trace(struct vm *vm, int fd, bool every)
{
	struct soft_vm *s = vm->engine;

	for (unsigned i = 0; i < s->ncpus; i++)
		if (trace_new(s->cpus[i], fd, every) < 0)
			return -ENOMEM;
	return 0;
}

int
soft_cache(struct vm *vm, uint64_t bytes)
{
	return block_cache_limit(vm->engine, bytes);
}
