/* SPDX-License-Identifier: BSD-2-Clause */
/* state.c - a vCPU's state out of KVM and into it, in the form all engines
 * share.
 */
#include "x86/state.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "engine/kvm/kvm.h"
#include "vmm/vm.h"

/* MSRs and where they are kept. What an older kernel or processor has not is
 * skipped both ways. The counter, which is not here, comes after TSC_ADJUST and
 * before the deadline. */
static const struct {
	uint32_t msr;
	uint32_t at;
} msrs[] = {
#define MSR(number, field)                                                     \
	{                                                                      \
		(uint32_t)(number), offsetof(struct x86_state, field)          \
	}
	MSR(MSR_TSC_ADJUST, tsc_adjust),
	MSR(MSR_TSC_AUX, tsc_aux),
	MSR(MSR_STAR, star),
	MSR(MSR_LSTAR, lstar),
	MSR(MSR_CSTAR, cstar),
	MSR(MSR_FMASK, fmask),
	MSR(MSR_KERNEL_GS_BASE, kernel_gs_base),
	MSR(MSR_SYSENTER_CS, sysenter_cs),
	MSR(MSR_SYSENTER_ESP, sysenter_esp),
	MSR(MSR_SYSENTER_EIP, sysenter_eip),
	MSR(MSR_PAT, pat),
	MSR(MSR_MISC_ENABLE, misc_enable),
	MSR(MSR_SPEC_CTRL, spec_ctrl),
	MSR(MSR_MTRR_DEF_TYPE, mtrr_def_type),
	MSR(MSR_MTRR_FIX64K, mtrr_fixed[0]),
	MSR(MSR_MTRR_FIX16K_0, mtrr_fixed[1]),
	MSR(MSR_MTRR_FIX16K_1, mtrr_fixed[2]),
	MSR(MSR_MTRR_FIX4K_0, mtrr_fixed[3]),
	MSR(MSR_MTRR_FIX4K_0 + 1, mtrr_fixed[4]),
	MSR(MSR_MTRR_FIX4K_0 + 2, mtrr_fixed[5]),
	MSR(MSR_MTRR_FIX4K_0 + 3, mtrr_fixed[6]),
	MSR(MSR_MTRR_FIX4K_0 + 4, mtrr_fixed[7]),
	MSR(MSR_MTRR_FIX4K_0 + 5, mtrr_fixed[8]),
	MSR(MSR_MTRR_FIX4K_0 + 6, mtrr_fixed[9]),
	MSR(MSR_MTRR_FIX4K_0 + 7, mtrr_fixed[10]),
#define MTRR(i)                                                                \
	MSR(MSR_MTRR_PHYS0 + 2 * (i), mtrr_base[i]),                           \
	    MSR(MSR_MTRR_PHYS0 + 2 * (i) + 1, mtrr_mask[i])
	MTRR(0),
	MTRR(1),
	MTRR(2),
	MTRR(3),
	MTRR(4),
	MTRR(5),
	MTRR(6),
	MTRR(7),
	MSR(MSR_KVM_WALL_CLOCK, kvm_wall_clock),
	MSR(MSR_KVM_SYSTEM_TIME, kvm_system_time),
	MSR(MSR_KVM_ASYNC_PF_INT, kvm_async_pf_int),
	MSR(MSR_KVM_ASYNC_PF, kvm_async_pf),
	MSR(MSR_KVM_STEAL_TIME, kvm_steal_time),
	MSR(MSR_KVM_PV_EOI, kvm_pv_eoi),
	MSR(MSR_KVM_POLL_CONTROL, kvm_poll_control),
	MSR(MSR_TSC_DEADLINE, tsc_deadline),
#undef MTRR
#undef MSR
};

static int
fd_of(const struct vcpu *v)
{
	return ((const struct kvm_vcpu *)v->engine)->fd;
}

static uint64_t *
field(struct x86_state *st, uint32_t at)
{
	return (uint64_t *)(void *)((uint8_t *)st + at);
}

static bool
get_msr(int fd, uint32_t msr, uint64_t *out)
{
	KVM_ROOM(struct kvm_msrs, struct kvm_msr_entry, 1)
	m = { .head.nmsrs = 1 };

	m.head.entries[0].index = msr;
	if (ioctl(fd, KVM_GET_MSRS, &m.head) != 1)
		return false;
	*out = m.head.entries[0].data;
	return true;
}

static void
set_msr(int fd, uint32_t msr, uint64_t v)
{
	KVM_ROOM(struct kvm_msrs, struct kvm_msr_entry, 1)
	m = { .head.nmsrs = 1 };

	m.head.entries[0].index = msr;
	m.head.entries[0].data = v;
	(void)ioctl(fd, KVM_SET_MSRS, &m.head);
}

/* One at a time: one that is missing must not hide those after it. */
static void
get_msrs(struct vcpu *v, struct x86_state *st)
{
	int fd = fd_of(v);

	for (size_t i = 0; i < ARRAY_LEN(msrs); i++)
		(void)get_msr(fd, msrs[i].msr, field(st, msrs[i].at));
	if (kvm_tsc_get(v, &st->tsc) < 0)
		(void)get_msr(fd, MSR_TSC, &st->tsc);
	if (st->kvm_system_time & 1)
		st->kvm_clock_ns = kvm_clock_get(v);
}

static void
set_msrs(struct vcpu *v, const struct x86_state *st)
{
	struct x86_state copy = *st;
	int fd = fd_of(v);

	if (v->id == 0 && st->kvm_clock_ns != 0)
		kvm_clock_set(v, st->kvm_clock_ns);
	for (size_t i = 0; i < ARRAY_LEN(msrs); i++) {
		if (msrs[i].msr == MSR_TSC_DEADLINE &&
		    kvm_tsc_set(v, st->tsc) < 0)
			set_msr(fd, MSR_TSC, st->tsc);
		set_msr(fd, msrs[i].msr, *field(&copy, msrs[i].at));
	}
}

/* KVM numbers general registers by the alphabet of rax rbx rcx rdx. */
static void
regs_in(const struct kvm_regs *r, struct x86_state *st)
{
	const uint64_t gpr[X86_NGPR] = {
		r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
		r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15,
	};

	memcpy(st->gpr, gpr, sizeof(gpr));
	st->rip = r->rip;
	st->rflags = r->rflags;
}

static void
regs_out(const struct x86_state *st, struct kvm_regs *r)
{
	const uint64_t *g = st->gpr;

	*r = (struct kvm_regs){
		.rax = g[X86_RAX],
		.rcx = g[X86_RCX],
		.rdx = g[X86_RDX],
		.rbx = g[X86_RBX],
		.rsp = g[X86_RSP],
		.rbp = g[X86_RBP],
		.rsi = g[X86_RSI],
		.rdi = g[X86_RDI],
		.r8 = g[X86_R8],
		.r9 = g[X86_R9],
		.r10 = g[X86_R10],
		.r11 = g[X86_R11],
		.r12 = g[X86_R12],
		.r13 = g[X86_R13],
		.r14 = g[X86_R14],
		.r15 = g[X86_R15],
		.rip = st->rip,
		.rflags = st->rflags,
	};
}

static void
seg_in(const struct kvm_segment *k, struct x86_segment *s)
{
	*s = (struct x86_segment){
		.base = k->base,
		.limit = k->limit,
		.sel = k->selector,
		.attr = (uint32_t)(k->type | k->s << 4 | k->dpl << 5 |
		                   k->present << 7 | k->avl << 12 | k->l << 13 |
		                   k->db << 14 | k->g << 15) |
		        (k->unusable ? X86_ATTR_UNUSABLE : 0),
	};
}

static void
seg_out(const struct x86_segment *s, struct kvm_segment *k)
{
	*k = (struct kvm_segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->sel,
		.type = s->attr & 15,
		.s = s->attr >> 4 & 1,
		.dpl = s->attr >> 5 & 3,
		.present = s->attr >> 7 & 1,
		.avl = s->attr >> 12 & 1,
		.l = s->attr >> 13 & 1,
		.db = s->attr >> 14 & 1,
		.g = s->attr >> 15 & 1,
		.unusable = (s->attr & X86_ATTR_UNUSABLE) != 0,
	};
}

static void
sregs_in(const struct kvm_sregs *s, struct x86_state *st)
{
	const struct kvm_segment *from[X86_NSEG] = { &s->es,  &s->cs, &s->ss,
		                                     &s->ds,  &s->fs, &s->gs,
		                                     &s->ldt, &s->tr };

	for (int i = 0; i < X86_NSEG; i++)
		seg_in(from[i], &st->seg[i]);
	st->gdtr = (struct x86_table){ s->gdt.base, s->gdt.limit };
	st->idtr = (struct x86_table){ s->idt.base, s->idt.limit };
	st->cr0 = s->cr0;
	st->cr2 = s->cr2;
	st->cr3 = s->cr3;
	st->cr4 = s->cr4;
	st->cr8 = s->cr8;
	st->efer = s->efer;
	st->apic_base = s->apic_base;
}

static void
sregs_out(const struct x86_state *st, struct kvm_sregs *s)
{
	struct kvm_segment *to[X86_NSEG] = { &s->es, &s->cs, &s->ss,  &s->ds,
		                             &s->fs, &s->gs, &s->ldt, &s->tr };

	memset(s, 0, sizeof(*s));
	for (int i = 0; i < X86_NSEG; i++)
		seg_out(&st->seg[i], to[i]);
	s->gdt = (struct kvm_dtable){ .base = st->gdtr.base,
		                      .limit = st->gdtr.limit };
	s->idt = (struct kvm_dtable){ .base = st->idtr.base,
		                      .limit = st->idtr.limit };
	s->cr0 = st->cr0;
	s->cr2 = st->cr2;
	s->cr3 = st->cr3;
	s->cr4 = st->cr4;
	s->cr8 = st->cr8;
	s->efer = st->efer;
	s->apic_base = st->apic_base;
}

/* An interrupt on its way in. It is the local APIC's request again, or if it
 * was the PIC's, which has forgotten it, an event. */
static void
interrupt_in(uint8_t vector, struct x86_state *st)
{
	enum { ISR = 0x100, IRR = 0x200 };
	unsigned at = vector / 32 * 16 + vector % 32 / 8;
	uint8_t bit = (uint8_t)(1 << vector % 8);

	if (st->lapic[ISR + at] & bit) {
		st->lapic[ISR + at] &= (uint8_t)~bit;
		st->lapic[IRR + at] |= bit;
		return;
	}
	st->exc_pending = 1;
	st->exc_vector = vector;
	st->exc_has_error = 0;
}

/* A vector of the PIC's that was given and has not begun to go in: the guest,
 * which could take it, has not run since. */
static bool
waits_for_extint(const struct kvm_vcpu *c)
{
	return c->extint >= 0 && c->run->if_flag &&
	       !c->run->ready_for_interrupt_injection;
}

/* After the local APIC's registers. INT n that was cut short runs again. */
static void
events_in(const struct vcpu *v, const struct kvm_vcpu_events *e,
          struct x86_state *st)
{
	const struct kvm_vcpu *c = v->engine;

	st->intr_shadow = e->interrupt.shadow;
	st->nmi_blocked = e->nmi.masked;
	st->nmi_pending = e->nmi.pending | e->nmi.injected;
	st->exc_pending = e->exception.injected;
	st->exc_vector = e->exception.nr;
	st->exc_has_error = e->exception.has_error_code;
	st->exc_error = e->exception.error_code;
	if (e->interrupt.injected && !e->interrupt.soft)
		interrupt_in(e->interrupt.nr, st);
	else if (waits_for_extint(c) && !st->exc_pending)
		interrupt_in((uint8_t)c->extint, st);
}

static void
events_out(const struct x86_state *st, struct kvm_vcpu_events *e)
{
	memset(e, 0, sizeof(*e));
	e->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	e->interrupt.shadow = st->intr_shadow;
	e->nmi.masked = st->nmi_blocked;
	e->nmi.pending = st->nmi_pending;
	if (st->exc_pending && st->exc_vector >= 32) {
		e->interrupt.injected = 1;
		e->interrupt.nr = st->exc_vector;
		return;
	}
	e->exception.injected = st->exc_pending;
	e->exception.nr = st->exc_vector;
	e->exception.has_error_code = st->exc_has_error;
	e->exception.error_code = st->exc_error;
}

static const struct {
	uint32_t kvm, ours;
} activities[] = {
	{ KVM_MP_STATE_RUNNABLE, X86_RUNNING },
	{ KVM_MP_STATE_HALTED, X86_HALTED },
	/* The first of a kind is what a vCPU is given: one that had its INIT
	 * and waits must not wait for another. */
	{ KVM_MP_STATE_INIT_RECEIVED, X86_WAIT_SIPI },
	{ KVM_MP_STATE_UNINITIALIZED, X86_WAIT_SIPI },
};

/* Nanoseconds until the local APIC's timer fires; -1: it does not run. KVM's
 * counts nanoseconds, or waits for a deadline. SDM 3A 10.5.4. */
static int64_t
timer_left(const struct vcpu *v, const struct x86_state *st)
{
	enum { LVT_TIMER = 0x320, CURRENT = 0x390, DIVIDE = 0x3e0 };
	uint32_t lvt, left, divide;
	int64_t ticks = (int64_t)(st->tsc_deadline - st->tsc);

	memcpy(&lvt, &st->lapic[LVT_TIMER], 4);
	memcpy(&left, &st->lapic[CURRENT], 4);
	memcpy(&divide, &st->lapic[DIVIDE], 4);
	if ((lvt >> 17 & 3) == 2) {
		if (st->tsc_deadline == 0 || v->vm->tsc_hz == 0)
			return -1;
		return ticks <= 0 ? 0
		                  : (int64_t)((__int128)ticks * 1000000000 /
		                              v->vm->tsc_hz);
	}
	if (left == 0)
		return -1;
	divide = ((divide & 3) | (divide >> 1 & 4)) + 1;
	return (int64_t)((uint64_t)left << (divide & 7));
}

static void
timer_in(const struct vcpu *v, struct x86_state *st)
{
	int64_t left = timer_left(v, st);
	uint64_t now = loop_now(v->vm->loop);

	st->lapic_timer_ns = left < 0 ? 0 : now + (uint64_t)left + (now == 0);
}

/* The four entries that PAE paging has read; KVM reads them again itself. */
static void
pdptes_in(const struct vcpu *v, struct x86_state *st)
{
	if ((st->cr0 & X86_CR0_PG) && (st->cr4 & X86_CR4_PAE) &&
	    !(st->efer & X86_EFER_LMA))
		(void)guest_mem_read(v->vm->mem, st->cr3 & 0xffffffe0u,
		                     st->pdpte, sizeof(st->pdpte));
}

static void
xstate_in(int fd, const struct kvm_xsave *x, struct x86_state *st)
{
	struct kvm_xcrs xcrs = { 0 };

	memcpy(st->fx, x->region, sizeof(st->fx));
	st->xcr0 = 1;
	if (ioctl(fd, KVM_GET_XCRS, &xcrs) < 0 || xcrs.nr_xcrs == 0)
		return;
	st->xcr0 = xcrs.xcrs[0].value;
	memcpy(st->xstate, (const uint8_t *)x->region + X86_FX_BYTES,
	       sizeof(st->xstate));
}

/* XCR0 first: it says which parts count. */
static int
xstate_out(int fd, const struct x86_state *st)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
	struct kvm_xsave x;

	memset(&x, 0, sizeof(x));
	memcpy(x.region, st->fx, sizeof(st->fx));
	/* XSTATE_BV: x87 and SSE are what the image holds. */
	x.region[X86_FX_BYTES / 4] = 3;
	if (st->xcr0 > 1) {
		memcpy((uint8_t *)x.region + X86_FX_BYTES, st->xstate,
		       sizeof(st->xstate));
		xcrs.xcrs[0].value = st->xcr0;
		if (ioctl(fd, KVM_SET_XCRS, &xcrs) < 0)
			return -1;
	}
	return ioctl(fd, KVM_SET_XSAVE, &x);
}

int
kvm_state_get(struct vcpu *v, struct x86_state *out)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
	struct kvm_lapic_state lapic;
	struct kvm_debugregs debug;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp;
	struct x86_state st = { 0 };
	int fd = fd_of(v);

	if (ioctl(fd, KVM_GET_MP_STATE, &mp) < 0 ||
	    ioctl(fd, KVM_GET_REGS, &regs) < 0 ||
	    ioctl(fd, KVM_GET_SREGS, &sregs) < 0 ||
	    ioctl(fd, KVM_GET_XSAVE, &xsave) < 0 ||
	    ioctl(fd, KVM_GET_LAPIC, &lapic) < 0 ||
	    ioctl(fd, KVM_GET_DEBUGREGS, &debug) < 0 ||
	    ioctl(fd, KVM_GET_VCPU_EVENTS, &events) < 0)
		return -errno;
	regs_in(&regs, &st);
	sregs_in(&sregs, &st);
	xstate_in(fd, &xsave, &st);
	pdptes_in(v, &st);
	memcpy(st.lapic, lapic.regs, sizeof(st.lapic));
	memcpy(st.dr, debug.db, sizeof(st.dr));
	st.dr6 = debug.dr6;
	st.dr7 = debug.dr7;
	events_in(v, &events, &st);
	for (size_t i = 0; i < ARRAY_LEN(activities); i++)
		if (activities[i].kvm == mp.mp_state)
			st.activity = activities[i].ours;
	get_msrs(v, &st);
	timer_in(v, &st);
	*out = st;
	return 0;
}

int
kvm_state_set(struct vcpu *v, const struct x86_state *st, struct error *err)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_debugregs debug = { .dr6 = st->dr6, .dr7 = st->dr7 };
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp = { KVM_MP_STATE_RUNNABLE };
	int fd = fd_of(v);

	regs_out(st, &regs);
	sregs_out(st, &sregs);
	events_out(st, &events);
	memcpy(debug.db, st->dr, sizeof(debug.db));
	memset(&lapic, 0, sizeof(lapic));
	memcpy(lapic.regs, st->lapic, sizeof(st->lapic));
	for (size_t i = 0; i < ARRAY_LEN(activities); i++)
		if (activities[i].ours == st->activity) {
			mp.mp_state = activities[i].kvm;
			break;
		}
	if (ioctl(fd, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(fd, KVM_SET_REGS, &regs) < 0 || xstate_out(fd, st) < 0 ||
	    ioctl(fd, KVM_SET_DEBUGREGS, &debug) < 0 ||
	    ioctl(fd, KVM_SET_LAPIC, &lapic) < 0)
		return error_sys(err, "set state");
	set_msrs(v, st);
	if (ioctl(fd, KVM_SET_VCPU_EVENTS, &events) < 0 ||
	    ioctl(fd, KVM_SET_MP_STATE, &mp) < 0)
		return error_sys(err, "set state");
	return 0;
}
