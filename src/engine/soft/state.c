/* SPDX-License-Identifier: BSD-2-Clause */
/* state.c - the processor's whole state out of struct cpu and into it.
 *
 * Counters of different vCPUs must not drift apart by a checkpoint: all that
 * are read or set during one stop refer to the same moment, vm->tsc_ref, which
 * the first of them notes and any run forgets. While the VM is paused the
 * host's counter goes on; vm->tsc_stood takes that off.
 */
#include <errno.h>
#include <string.h>
#include <x86intrin.h>

#include "base/error.h"
#include "engine/soft/debug.h"
#include "engine/soft/fault.h"
#include "engine/soft/mmu.h"
#include "engine/soft/run.h"
#include "engine/soft/simd.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/system.h"
#include "vmm/lapic.h"

static uint64_t
reference_tsc(struct soft_vm *s)
{
	uint64_t none = 0;

	atomic_compare_exchange_strong(&s->tsc_ref, &none,
	                               __rdtsc() - atomic_load(&s->tsc_stood));
	return atomic_load(&s->tsc_ref);
}

void
cpu_get_state(struct cpu *c, struct x86_state *st)
{
	*st = c->msrs; /* whatever is only stored */
	memcpy(st->gpr, c->gpr, sizeof(st->gpr));
	st->rip = c->rip;
	st->rflags = cpu_rflags(c);
	memcpy(st->seg, c->seg, sizeof(st->seg));
	st->gdtr = c->gdtr;
	st->idtr = c->idtr;
	st->cr0 = c->cr0;
	st->cr2 = c->cr2;
	st->cr3 = c->cr3;
	st->cr4 = c->cr4;
	st->cr8 = lapic_tpr(c->lapic) >> 4;
	memcpy(st->pdpte, c->pdpte, sizeof(st->pdpte));
	memcpy(st->dr, c->dr, sizeof(st->dr));
	st->dr6 = c->dr6;
	st->dr7 = c->dr7;
	st->efer = c->efer;
	st->tsc = reference_tsc(c->vm) + c->tsc_offset;
	st->tsc_deadline = lapic_deadline(c->lapic);
	st->apic_base = lapic_base(c->lapic);
	memcpy(st->fx, c->fx, sizeof(st->fx));
	lapic_save(c->lapic, st->lapic, &st->lapic_timer_ns);
	st->activity = c->wait_sipi ? X86_WAIT_SIPI
	               : c->halted  ? X86_HALTED
	                            : X86_RUNNING;
	st->intr_shadow = c->shadow;
	st->nmi_blocked = c->nmi_blocked;
	st->nmi_pending = c->nmi_held;
	st->exc_pending = 0; /* delivered before run() returns */
}

/* The CPL is what CS was loaded with, except in real mode. */
static uint8_t
cpl_of(const struct x86_state *st)
{
	if (!(st->cr0 & X86_CR0_PE))
		return 0;
	if ((st->rflags & X86_FL_VM) && !(st->efer & X86_EFER_LMA))
		return 3;
	return (uint8_t)(st->seg[X86_CS].sel & 3);
}

int
cpu_put_state(struct cpu *c, const struct x86_state *st, struct error *err)
{
	/* A state of a processor that has more: it would run into #UD. */
	if ((st->cr4 & ~(uint64_t)CR4_OFFERED) != 0)
		return error_set(err, -EINVAL,
		                 "its processor had more than this one "
		                 "(CR4 %#llx): start it with x86.cpu=common",
		                 (unsigned long long)st->cr4);
	if (lapic_load(c->lapic, st->lapic, st->lapic_timer_ns, st->apic_base,
	               err) < 0)
		return -1;
	c->msrs = *st;
	memcpy(c->gpr, st->gpr, sizeof(st->gpr));
	c->rip = st->rip;
	cpu_set_rflags(c, (uint32_t)st->rflags | X86_FL_ONE);
	if (st->efer & X86_EFER_LMA)
		c->rflags &= ~X86_FL_VM; /* not in long mode */
	memcpy(c->seg, st->seg, sizeof(c->seg));
	c->gdtr = st->gdtr;
	c->idtr = st->idtr;
	c->cr0 = st->cr0 | X86_CR0_ET;
	c->cr2 = st->cr2;
	c->cr3 = st->cr3;
	c->cr4 = st->cr4;
	memcpy(c->pdpte, st->pdpte, sizeof(c->pdpte));
	memcpy(c->dr, st->dr, sizeof(c->dr));
	c->dr6 = st->dr6;
	c->dr7 = st->dr7;
	c->efer = st->efer;
	c->tsc_offset = st->tsc - reference_tsc(c->vm);
	memcpy(c->fx, st->fx, sizeof(c->fx));
	simd_sanitize(c);
	lapic_set_tpr(c->lapic, (uint8_t)(st->cr8 << 4));
	lapic_deadline_load(c->lapic, st->tsc_deadline);
	c->cpl = cpl_of(st);
	c->wait_sipi = st->activity == X86_WAIT_SIPI;
	c->halted = st->activity == X86_HALTED;
	c->shadow = st->intr_shadow;
	c->nmi_blocked = st->nmi_blocked;
	c->nmi_held = st->nmi_pending;
	c->intr_held = true;
	c->one_insn = false;
	c->exc.pending = st->exc_pending;
	c->exc.vector = st->exc_vector;
	c->exc.has_error = st->exc_has_error;
	c->exc.error = st->exc_error;
	c->exc.cr2 = st->cr2;
	mmu_flush_all(c);
	debug_update(c);
	c->debug_hit = 0;
	cpu_mode_update(c);
	return 0;
}
