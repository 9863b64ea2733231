/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - a vCPU's life: look at requests, run blocks, deliver what they raise.
 *
 *            +--------------------------------------------------+
 *            v                                                  |
 *   requests (c->ev) -> sleep while halted -> block, block ... -+
 *            |                                       |
 *            v                                       v
 *        leave run()                      exception: deliver, go on
 *
 * EV_INTR that cannot be served (IF clear, shadow) becomes c->intr_held, so
 * that blocks need not be left again and again; whatever sets IF leaves to here
 * and it is looked at anew.
 */
#include "engine/soft/run.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <errno.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "base/error.h"
#include "engine/soft/block.h"
#include "engine/soft/debug.h"
#include "engine/soft/fault.h"
#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/sync.h"
#include "vmm/lapic.h"
#include "vmm/vm.h"

enum { SHADOW_SS = 2 };
#define DR6_BS (1u << 14)

/* What a look at the requests says. */
enum verdict { GO_ON, LEAVE, SHUT_DOWN };

/* How it ended: 0 or an errno. ms = 0: no limit. */
static int
futex(_Atomic uint32_t *at, int op, uint32_t v, unsigned ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, v,
	               ms != 0 ? &t : NULL, NULL, 0) < 0
	           ? errno
	           : 0;
}

void
soft_kick(struct cpu *c, uint32_t ev)
{
	atomic_fetch_or(&c->ev, ev);
	if (atomic_load(&c->asleep))
		(void)futex(&c->ev, FUTEX_WAKE, 1, 0);
}

/* HLT without interrupts, or not started: another processor's message may wake
 * it. */
static bool
is_dead(const struct cpu *c)
{
	return c->wait_sipi || (c->halted && !(c->rflags & X86_FL_IF));
}

/* The last one that could send such a message has gone, and none is under way:
 * the guest has halted. Whoever has a message to look at comes here again.
 * EV_SYNC is none: it stays with who was asleep when others stood still. */
static void
end_when_all_are_dead(struct soft_vm *vm)
{
	if (atomic_load(&vm->ndead) < vm->ncpus)
		return;
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->cpus[i] == NULL ||
		    (atomic_load(&vm->cpus[i]->ev) & ~(uint32_t)EV_SYNC) != 0)
			return;
	vm_suspend(vm->vm, VM_SUSPEND_HALT);
}

/* Long enough for the engine to look at what it keeps. */
static void
sleep_a_while(struct cpu *c)
{
	uint64_t from = __rdtsc();
	int how = futex(&c->ev, FUTEX_WAIT, 0, block_idle_ms(c));

	block_slept(c, __rdtsc() - from);
	if (how != ETIMEDOUT)
		return;
	sync_enter(c);
	block_idle(c);
	sync_leave(c);
}

static void
sleep_until_event(struct cpu *c)
{
	bool dead = is_dead(c);

	block_idle(c);
	sync_leave(c);
	if (dead) {
		atomic_fetch_add(&c->vm->ndead, 1);
		end_when_all_are_dead(c->vm);
	}
	atomic_store(&c->asleep, true);
	while (atomic_load(&c->ev) == 0)
		if (dead)
			(void)futex(&c->ev, FUTEX_WAIT, 0, 0);
		else
			sleep_a_while(c);
	atomic_store(&c->asleep, false);
	if (dead)
		atomic_fetch_sub(&c->vm->ndead, 1);
	sync_enter(c);
}

/* Start and stop by messages */

static void
take_init(struct cpu *c)
{
	struct x86_state st, old;
	struct error err;
	uint64_t tsc_offset = c->tsc_offset;
	bool bsp = (lapic_base(c->lapic) & X86_APIC_BASE_BSP) != 0;

	cpu_get_state(c, &old);
	x86_state_reset(&st, c->vcpu->id, bsp);
	/* What INIT leaves alone (SDM 3A table 9-1). */
	st.tsc_adjust = old.tsc_adjust;
	st.apic_base = old.apic_base;
	memcpy(st.fx, old.fx, sizeof(st.fx));
	memcpy(st.mtrr_fixed, old.mtrr_fixed, sizeof(st.mtrr_fixed));
	memcpy(st.mtrr_base, old.mtrr_base, sizeof(st.mtrr_base));
	memcpy(st.mtrr_mask, old.mtrr_mask, sizeof(st.mtrr_mask));
	st.mtrr_def_type = old.mtrr_def_type;
	st.pat = old.pat;
	st.cr0 |= old.cr0 & (X86_CR0_CD | X86_CR0_NW);
	(void)cpu_put_state(c, &st, &err);
	c->tsc_offset = tsc_offset;
}

static void
take_sipi(struct cpu *c)
{
	uint32_t vector = atomic_load(&c->sipi_vector) & 0xff;

	if (!c->wait_sipi)
		return;
	c->wait_sipi = false;
	c->seg[X86_CS].sel = (uint16_t)(vector << 8);
	c->seg[X86_CS].base = vector << 12;
	c->rip = 0;
	cpu_mode_update(c);
}

/* Interrupts */

/* The vector to take now, or -1. */
static int
next_vector(struct cpu *c)
{
	int vector = lapic_pending(c->lapic);

	if (vector >= 0) {
		lapic_take(c->lapic, vector);
		return vector;
	}
	if (atomic_load(&c->vm->extint) && lapic_takes_extint(c->lapic))
		return vm_pic_ack(c->vm->vm);
	return -1;
}

static enum verdict
deliver_interrupt(struct cpu *c, uint8_t vector)
{
	c->halted = false;
	c->counts.interrupts++;
	if (c->trace != NULL)
		trace_interrupt(c, vector);
	return fault_interrupt(c, vector) ? GO_ON : SHUT_DOWN;
}

static enum verdict
take_interrupts(struct cpu *c)
{
	int vector;

	if (c->shadow != 0 || c->wait_sipi)
		return GO_ON;
	if (c->nmi_held && !c->nmi_blocked) {
		c->nmi_held = false;
		c->nmi_blocked = true;
		return deliver_interrupt(c, X86_NMI);
	}
	if (!c->intr_held || !(c->rflags & X86_FL_IF))
		return GO_ON;
	vector = next_vector(c);
	if (vector >= 0)
		return deliver_interrupt(c, (uint8_t)vector);
	c->intr_held = false;
	return GO_ON;
}

static enum verdict
take_requests(struct cpu *c)
{
	uint32_t ev = atomic_load_explicit(&c->ev, memory_order_relaxed);

	if (ev != 0) {
		ev = atomic_exchange(&c->ev, 0);
		if (ev & EV_SYNC)
			sync_park(c);
		if (ev & EV_INTR)
			c->intr_held = true;
		if (ev & EV_NMI)
			c->nmi_held = true;
		if (ev & EV_INIT)
			take_init(c);
		if (ev & EV_SIPI)
			take_sipi(c);
		if (ev & EV_EXIT)
			return LEAVE;
	}
	return take_interrupts(c);
}

/* Execution */

static enum verdict
deliver_exception(struct cpu *c)
{
	c->counts.exceptions++;
	if (c->trace != NULL)
		trace_event(c);
	return fault_deliver(c) ? GO_ON : SHUT_DOWN;
}

/* Is the instruction at c->rip to run as a block of its own? */
static bool
is_alone(const struct cpu *c)
{
	return c->shadow != 0 || c->one_insn || c->step || c->debug_exec ||
	       (c->rflags & X86_FL_TF) ||
	       atomic_load_explicit(&c->vm->nbreak, memory_order_relaxed) !=
	           0 ||
	       trace_every(c);
}

/* Traps of the instruction that was carried out; MOV SS holds them off. */
static enum verdict
take_traps(struct cpu *c, bool tf)
{
	uint32_t hit = c->debug_hit;

	/* Under TF before and after it. */
	if (tf && (c->rflags & X86_FL_TF))
		hit |= DR6_BS;
	if (hit == 0 || c->shadow == SHADOW_SS)
		return GO_ON;
	c->debug_hit = hit & DEBUG_HIT_HOST;
	if ((hit & ~DEBUG_HIT_HOST) == 0)
		return GO_ON;
	fault_debug(c, hit & ~DEBUG_HIT_HOST);
	return deliver_exception(c);
}

/* A breakpoint at c->rip, unless RF or MOV SS hides it. */
static bool
breaks_here(struct cpu *c)
{
	uint32_t hit;

	if (!c->debug_exec || (c->rflags & X86_FL_RF) || c->shadow == SHADOW_SS)
		return false;
	hit = debug_at(c);
	if (hit == 0)
		return false;
	c->shadow = 0;
	c->one_insn = false;
	fault_debug(c, hit);
	c->exc.rf = true;
	return true;
}

/* From c->rip until a block leaves. */
static enum verdict
execute(struct cpu *c)
{
	bool alone = is_alone(c), tf = (c->rflags & X86_FL_TF) != 0;
	uint32_t rf = c->rflags & X86_FL_RF;
	const struct uop *u;

	if (breaks_here(c))
		return deliver_exception(c);
	c->rflags &= ~X86_FL_RF; /* for one instruction; IRET sets it anew */
	if (alone)
		c->mode |= CM_SHADOW;
	if (c->trace != NULL)
		trace_step(c);
	c->shadow = 0;
	c->one_insn = false;
	u = block_find(c);
	while (u != NULL)
		u = u->fn(c, u);
	if (alone)
		cpu_mode_update(c);
	if (c->exc.pending) {
		c->debug_hit = 0;
		return deliver_exception(c);
	}
	if (c->one_insn) { /* nothing was done yet */
		c->rflags |= rf;
		return GO_ON;
	}
	return take_traps(c, tf);
}

static bool
at_breakpoint(const struct cpu *c)
{
	uint64_t la = c->rip + (cpu_code64(c) ? 0 : c->seg[X86_CS].base);
	uint32_t n = atomic_load(&c->vm->nbreak);

	for (uint32_t i = 0; i < n; i++)
		if (c->vm->breaks[i] == la)
			return true;
	return false;
}

enum vm_exit_code
cpu_run(struct cpu *c)
{
	enum vm_exit_code code = EXIT_KICKED;
	enum verdict v = GO_ON;
	bool first = true;

	sync_enter(c);
	if (c->exc.pending) /* it came with the state */
		v = deliver_exception(c);
	while (v == GO_ON) {
		v = take_requests(c);
		if (v != GO_ON)
			break;
		if (c->halted || c->wait_sipi) {
			if (atomic_load(&c->ev) == 0) {
				c->counts.halts++;
				sleep_until_event(c);
			}
			continue;
		}
		if (!first && atomic_load(&c->vm->nbreak) != 0 &&
		    at_breakpoint(c)) {
			code = EXIT_DEBUG;
			break;
		}
		first = false;
		v = execute(c);
		if (v != GO_ON)
			break;
		if (c->step || (c->debug_hit & DEBUG_HIT_HOST)) {
			c->debug_hit &= ~(uint32_t)DEBUG_HIT_HOST;
			code = EXIT_DEBUG;
			break;
		}
	}
	sync_leave(c);
	if (v != SHUT_DOWN)
		return code;
	trace_dump(c);
	return EXIT_TRIPLE_FAULT;
}
