/* SPDX-License-Identifier: BSD-2-Clause */
/* state.c - a processor's state at power-up. */
#include "x86/state.h"

#include <string.h>

/* FXSAVE64's places (SDM vol. 1 table 10-2). */
enum { FX_FCW = 0, FX_MXCSR = 24, FX_MXCSR_MASK = 28 };

void
x86_state_reset(struct x86_state *st, unsigned apic_id, int bsp)
{
	memset(st, 0, sizeof(*st));
	for (int i = 0; i < X86_NSEG; i++) {
		st->seg[i].limit = 0xffff;
		st->seg[i].attr = 0x93; /* present, data, accessed */
	}
	st->seg[X86_CS].sel = 0xf000;
	st->seg[X86_CS].base = 0xffff0000;
	st->seg[X86_CS].attr = 0x9b;
	st->seg[X86_LDTR].attr = 0x82;
	st->seg[X86_TR].attr = 0x8b;
	st->gdtr.limit = st->idtr.limit = 0xffff;
	st->rip = 0xfff0;
	st->rflags = X86_FL_ONE;
	st->cr0 = X86_CR0_CD | X86_CR0_NW | X86_CR0_ET;
	st->dr6 = 0xffff0ff0;
	st->dr7 = 0x400;
	st->pat = 0x0007040600070406;
	st->misc_enable = 1; /* fast strings */
	st->xcr0 = 1;
	st->apic_base =
	    0xfee00000u | X86_APIC_BASE_ENABLE | (bsp ? X86_APIC_BASE_BSP : 0);
	st->activity = bsp ? X86_RUNNING : X86_WAIT_SIPI;
	st->fx[FX_FCW] = 0x40;
	st->fx[FX_MXCSR] = 0x80;
	st->fx[FX_MXCSR + 1] = 0x1f;
	st->fx[FX_MXCSR_MASK] = 0xff;
	st->fx[FX_MXCSR_MASK + 1] = 0xff;
	/* The local APIC: id, version with six LVTs, all of them masked. */
	static const uint16_t lvt[] = {
		0x320, 0x330, 0x340, 0x350, 0x360, 0x370
	};
	for (unsigned i = 0; i < sizeof(lvt) / sizeof(lvt[0]); i++)
		st->lapic[lvt[i] + 2] = 1;
	st->lapic[0x23] = (uint8_t)apic_id;
	st->lapic[0x30] = 0x14;
	st->lapic[0x32] = 5;
	memset(&st->lapic[0xe0], 0xff, 4); /* flat model */
	st->lapic[0xf0] = 0xff;            /* spurious vector, disabled */
}
