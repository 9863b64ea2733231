/* SPDX-License-Identifier: BSD-2-Clause */
/* flags.c - all of RFLAGS at once, for those who look at it whole. */
#include "engine/soft/flags.h"

static bool
cc_af(const struct cpu *c)
{
	uint64_t r = c->cc_dst, a = c->cc_src, b;

	switch (c->cc_op >> 2) {
	case CC_FLAGS:
		return (a & X86_FL_AF) != 0;
	case CC_ADD:
	case CC_ADC:
		b = r - a - ((c->cc_op >> 2) == CC_ADC);
		return ((a ^ b ^ r) & 0x10) != 0;
	case CC_SUB:
	case CC_SBB:
		b = a - r - ((c->cc_op >> 2) == CC_SBB);
		return ((a ^ b ^ r) & 0x10) != 0;
	case CC_INC:
		return (r & 0xf) == 0;
	case CC_DEC:
		return (r & 0xf) == 0xf;
	default: /* undefined: clear */
		return false;
	}
}

uint64_t
cc_flags(const struct cpu *c)
{
	if (c->cc_op < 4)
		return c->cc_src & X86_FL_ARITH;
	return (cc_cf(c) ? X86_FL_CF : 0) | (cc_pf(c) ? X86_FL_PF : 0) |
	       (cc_af(c) ? X86_FL_AF : 0) | (cc_zf(c) ? X86_FL_ZF : 0) |
	       (cc_sf(c) ? X86_FL_SF : 0) | (cc_of(c) ? X86_FL_OF : 0);
}

uint32_t
cpu_rflags(const struct cpu *c)
{
	return c->rflags | X86_FL_ONE | (uint32_t)cc_flags(c);
}

void
cpu_set_rflags(struct cpu *c, uint32_t v)
{
	c->rflags = (v & ~X86_FL_ARITH) | X86_FL_ONE;
	cc_set_flags(c, v & X86_FL_ARITH);
}
