/* SPDX-License-Identifier: BSD-2-Clause */
/* bcd.c - decimal adjustments of 16- and 32-bit code. Source: Intel SDM vol. 2,
 * whose operation sections these follow.
 */
#include "engine/soft/access.h"
#include "engine/soft/lower.h"

/* ZF, SF, PF of AL with the flags given. */
static uint64_t
by_result(uint8_t al, uint64_t flags)
{
	return flags | (al == 0 ? X86_FL_ZF : 0) | (al & 0x80 ? X86_FL_SF : 0) |
	       (__builtin_parity(al) ? 0 : X86_FL_PF);
}

/* DAA, DAS; imm: 1 subtract. */
static SOFT_COLD
UOP(decimal)
{
	uint64_t f = cc_flags(c), out = 0;
	uint8_t old = (uint8_t)c->gpr[X86_RAX], al = old;
	bool sub = u->imm != 0;

	if ((al & 15) > 9 || (f & X86_FL_AF)) {
		al = (uint8_t)(sub ? al - 6 : al + 6);
		out |= X86_FL_AF;
		if ((f & X86_FL_CF) || (sub ? old < 6 : old > 0xf9))
			out |= X86_FL_CF;
	}
	if (old > 0x99 || (f & X86_FL_CF)) {
		al = (uint8_t)(sub ? al - 0x60 : al + 0x60);
		out |= X86_FL_CF;
	} else if (!sub) {
		out &= ~(uint64_t)X86_FL_CF;
	}
	reg_set(c, X86_RAX, 8, al);
	cc_set_flags(c, by_result(al, out));
	return u + 1;
}

/* AAA, AAS; imm: 1 subtract. */
static SOFT_COLD
UOP(ascii)
{
	uint64_t f = cc_flags(c), out = 0;
	uint16_t ax = (uint16_t)c->gpr[X86_RAX];

	if ((ax & 15) > 9 || (f & X86_FL_AF)) {
		ax = (uint16_t)(u->imm ? ax - 0x106 : ax + 0x106);
		out = X86_FL_AF | X86_FL_CF;
	}
	ax &= 0xff0f;
	reg_set(c, X86_RAX, 16, ax);
	cc_set_flags(c, by_result((uint8_t)ax, out));
	return u + 1;
}

static SOFT_COLD
UOP(aam)
{
	uint8_t al = (uint8_t)c->gpr[X86_RAX], base = (uint8_t)u->imm;

	if (base == 0)
		return cpu_fault(c, u, X86_DE);
	reg_set(c, X86_RAX, 16, (uint64_t)(al / base) << 8 | al % base);
	cc_set_flags(c, by_result(al % base, 0));
	return u + 1;
}

static SOFT_COLD
UOP(aad)
{
	uint64_t ax = c->gpr[X86_RAX];
	uint8_t al = (uint8_t)(ax + (ax >> 8 & 0xff) * (uint8_t)u->imm);

	reg_set(c, X86_RAX, 16, al);
	cc_set_flags(c, by_result(al, 0));
	return u + 1;
}

/* l->arg: enum bcd_op. */
unsigned
bcd_lower(const struct lowering *l, struct uop *u)
{
	static uop_fn *const fn[] = {
		[BCD_AAA] = ascii, [BCD_AAS] = ascii,   [BCD_AAM] = aam,
		[BCD_AAD] = aad,   [BCD_DAA] = decimal, [BCD_DAS] = decimal,
	};

	u->fn = fn[l->arg];
	u->imm = l->arg == BCD_AAS || l->arg == BCD_DAS;
	if (l->arg == BCD_AAM || l->arg == BCD_AAD)
		u->imm = l->in->imm;
	return 1;
}
