/* SPDX-License-Identifier: BSD-2-Clause */
/* state.h - the whole architectural state of one processor, the form in which
 * engines hand it over: at reset, to the debugger, in a checkpoint. What one
 * engine gives, the other takes. Plain data, no pointers.
 */
#ifndef X86_STATE_H
#define X86_STATE_H
#include <stdint.h>

#include "x86/regs.h"

struct x86_segment {
	uint64_t base;
	uint32_t limit; /* in bytes, granularity applied */
	uint32_t attr;  /* X86_ATTR_* */
	uint16_t sel;
};

struct x86_table { /* GDTR, IDTR */
	uint64_t base;
	uint16_t limit;
};

/* What a processor does when nothing executes (KVM's mp_state). */
enum x86_activity { X86_RUNNING, X86_HALTED, X86_WAIT_SIPI };

enum {
	X86_LAPIC_BYTES = 1024,
	X86_FX_BYTES = 512,
	X86_XSTATE_BYTES = 3584,
	X86_NMTRR_VAR = 8
};

struct x86_state {
	uint64_t gpr[X86_NGPR];
	uint64_t rip, rflags;
	struct x86_segment seg[X86_NSEG];
	struct x86_table gdtr, idtr;
	uint64_t cr0, cr2, cr3, cr4, cr8;
	uint64_t pdpte[4]; /* latched by a CR3 load in PAE mode */
	uint64_t dr[4], dr6, dr7;
	uint64_t efer, star, lstar, cstar, fmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t tsc; /* the guest's counter when the state was taken */
	uint64_t tsc_adjust, tsc_deadline, tsc_aux;
	uint64_t apic_base, pat, misc_enable, spec_ctrl, xcr0;
	uint64_t mtrr_def_type, mtrr_fixed[11];
	uint64_t mtrr_base[X86_NMTRR_VAR], mtrr_mask[X86_NMTRR_VAR];
	uint64_t kvm_wall_clock, kvm_system_time;
	uint64_t kvm_async_pf, kvm_async_pf_int, kvm_steal_time, kvm_pv_eoi;
	uint64_t kvm_poll_control;
	uint64_t kvm_clock_ns; /* the VM's, for a guest that has that clock */
	uint8_t fx[X86_FX_BYTES]; /* FXSAVE64 image, MXCSR and x87 included */
	/* What follows it in the processor's XSAVE area, from the header on;
	 * only where xcr0 has more than x87. */
	uint8_t xstate[X86_XSTATE_BYTES];
	/* Local APIC registers as the xAPIC page shows them (id at 0x20 ...).
	 */
	uint8_t lapic[X86_LAPIC_BYTES];
	uint64_t
	    lapic_timer_ns; /* guest time at which it fires; 0: not armed */
	/* Events between instructions. */
	uint32_t activity;   /* enum x86_activity */
	uint8_t intr_shadow; /* STI or MOV SS just executed */
	uint8_t nmi_blocked; /* until IRET */
	uint8_t nmi_pending;
	/* The vector below is to be delivered first: an exception, or from 32
	 * on an interrupt that was acknowledged. */
	uint8_t exc_pending;
	uint8_t exc_vector;
	uint8_t exc_has_error;
	uint32_t exc_error;
};

/* Power-up state of SDM 3A table 9-1; bsp says whether it fetches or waits. */
void x86_state_reset(struct x86_state *st, unsigned apic_id, int bsp);
#endif
