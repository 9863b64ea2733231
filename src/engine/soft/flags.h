/* SPDX-License-Identifier: BSD-2-Clause */
/* flags.h - arithmetic flags, computed when asked for.
 *
 * cc_op says what was done and at which size; cc_dst and cc_src, sign-extended
 * from that size so that most questions need not know it, say with what:
 *
 *   FLAGS               cc_src: the RFLAGS bits themselves
 *   ADD ADC SUB SBB     cc_dst result, cc_src first operand; ADC and SBB are
 *                       those with a carry in, others are ADD and SUB
 *   LOGIC               cc_dst result; CF and OF clear
 *   INC DEC             cc_dst result, cc_src the CF kept
 *   SHL                 cc_dst result, cc_src before the last bit went: CF is
 *                       its top bit
 *   SHR SAR             the same: CF is its lowest bit
 *   MUL                 cc_dst low half, cc_src not zero: CF and OF
 *
 * Why result and first operand suffice: r = a + b wraps just when r < a, and
 * r = a - b just when r > a; with a carry in equality counts as well.
 * Source: Intel SDM vol. 1 3.4.3, appendix A.
 */
#ifndef SOFT_FLAGS_H
#define SOFT_FLAGS_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"

/* Conditions as opcodes number them; odd ones are the negations. */
enum cond {
	COND_O,
	COND_NO,
	COND_B,
	COND_AE,
	COND_E,
	COND_NE,
	COND_BE,
	COND_A,
	COND_S,
	COND_NS,
	COND_P,
	COND_NP,
	COND_L,
	COND_GE,
	COND_LE,
	COND_G
};

#define SOFT_INLINE static inline __attribute__((always_inline))

/* log2 of the operand's bytes, from its bits. */
SOFT_INLINE unsigned
cc_size(unsigned bits)
{
	return bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3;
}

SOFT_INLINE uint64_t
sext(uint64_t v, unsigned bits)
{
	return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
}

SOFT_INLINE uint64_t
zext(uint64_t v, unsigned bits)
{
	return v << (64 - bits) >> (64 - bits);
}

/* dst and src of any upper bits. */
SOFT_INLINE void
cc_set(struct cpu *c, enum cc_op op, unsigned bits, uint64_t dst, uint64_t src)
{
	c->cc_dst = sext(dst, bits);
	c->cc_src = sext(src, bits);
	c->cc_op = op * 4u + cc_size(bits);
}

SOFT_INLINE void
cc_set_logic(struct cpu *c, unsigned bits, uint64_t dst)
{
	c->cc_dst = sext(dst, bits);
	c->cc_op = CC_LOGIC * 4u + cc_size(bits);
}

/* INC and DEC: cf is kept. */
SOFT_INLINE void
cc_set_step(struct cpu *c, enum cc_op op, unsigned bits, uint64_t dst, bool cf)
{
	c->cc_dst = sext(dst, bits);
	c->cc_src = cf;
	c->cc_op = op * 4u + cc_size(bits);
}

SOFT_INLINE void
cc_set_flags(struct cpu *c, uint64_t flags)
{
	c->cc_src = flags;
	c->cc_op = CC_FLAGS;
}

/* Bits to shift left to bring the operand's sign to the top. */
SOFT_INLINE unsigned
cc_up(const struct cpu *c)
{
	return 64 - (8u << (c->cc_op & 3));
}

SOFT_INLINE bool
cc_cf(const struct cpu *c)
{
	switch (c->cc_op >> 2) {
	case CC_ADD:
		return c->cc_dst < c->cc_src;
	case CC_ADC:
		return c->cc_dst <= c->cc_src;
	case CC_SUB:
		return c->cc_dst > c->cc_src;
	case CC_SBB:
		return c->cc_dst >= c->cc_src;
	case CC_LOGIC:
		return false;
	case CC_SHL:
		return (int64_t)c->cc_src < 0;
	case CC_MUL:
		return c->cc_src != 0;
	default: /* FLAGS INC DEC SHR SAR: bit 0 */
		return (c->cc_src & X86_FL_CF) != 0;
	}
}

SOFT_INLINE bool
cc_zf(const struct cpu *c)
{
	return c->cc_op < 4 ? (c->cc_src & X86_FL_ZF) != 0 : c->cc_dst == 0;
}

SOFT_INLINE bool
cc_sf(const struct cpu *c)
{
	return c->cc_op < 4 ? (c->cc_src & X86_FL_SF) != 0
	                    : (int64_t)c->cc_dst < 0;
}

SOFT_INLINE bool
cc_pf(const struct cpu *c)
{
	return c->cc_op < 4 ? (c->cc_src & X86_FL_PF) != 0
	                    : !__builtin_parity((unsigned)c->cc_dst & 0xff);
}

SOFT_INLINE bool
cc_of(const struct cpu *c)
{
	uint64_t r = c->cc_dst, a = c->cc_src, b;

	switch (c->cc_op >> 2) {
	case CC_FLAGS:
		return (a & X86_FL_OF) != 0;
	case CC_ADD:
	case CC_ADC:
		b = r - a - ((c->cc_op >> 2) == CC_ADC);
		return (int64_t)(((a ^ r) & (b ^ r)) << cc_up(c)) < 0;
	case CC_SUB:
	case CC_SBB:
		b = a - r - ((c->cc_op >> 2) == CC_SBB);
		return (int64_t)(((a ^ b) & (a ^ r)) << cc_up(c)) < 0;
	case CC_LOGIC:
		return false;
	case CC_INC: /* to the most negative: only its sign bit is left */
		return r << cc_up(c) == 1ull << 63;
	case CC_DEC:
		return (r + 1) << cc_up(c) == 1ull << 63;
	case CC_MUL:
		return a != 0;
	default: /* shifts: SHL, too, as cc_src's top bit is CF */
		return (int64_t)(a ^ r) < 0;
	}
}

/* Signed less: SF != OF. */
SOFT_INLINE bool
cc_less(const struct cpu *c)
{
	unsigned up = cc_up(c);

	if ((c->cc_op >> 2) == CC_SUB)
		return (int64_t)c->cc_src <
		       (int64_t)((c->cc_src - c->cc_dst) << up) >> up;
	return cc_sf(c) != cc_of(c);
}

/* Is the condition met? With a constant cond this is a few instructions. */
SOFT_INLINE bool
cc_cond(const struct cpu *c, unsigned cond)
{
	bool v = false;

	switch (cond >> 1) {
	case COND_O >> 1:
		v = cc_of(c);
		break;
	case COND_B >> 1:
		v = cc_cf(c);
		break;
	case COND_E >> 1:
		v = cc_zf(c);
		break;
	case COND_BE >> 1:
		v = cc_zf(c) || cc_cf(c);
		break;
	case COND_S >> 1:
		v = cc_sf(c);
		break;
	case COND_P >> 1:
		v = cc_pf(c);
		break;
	case COND_L >> 1:
		v = cc_less(c);
		break;
	default:
		v = cc_zf(c) || cc_less(c);
	}
	return v != (cond & 1);
}

/* All six, as RFLAGS bits. */
uint64_t cc_flags(const struct cpu *c);
#endif
