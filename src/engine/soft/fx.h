/* SPDX-License-Identifier: BSD-2-Clause */
/* fx.h - what lies where in c->fx, and the floating-point state's invariants.
 *
 *   0 FCW   2 FSW   4 FTW, a bit per register: used   6 FOP   8 FIP   16 FDP
 *  24 MXCSR  28 its mask   32 ST0 to ST7, 16 bytes each   160 XMM0 to XMM15
 *
 * Source: Intel SDM vol. 1 10.5.1, table 10-2. ST(i) lie in the order of the
 * stack: register p of the file is ST((p - TOP) mod 8), and MMp is its
 * mantissa.
 *
 * Invariants
 *  1 FSW.ES and FSW.B are set just when an exception flag is set that FCW does
 *    not mask. (The host's FXRSTOR would else leave a #MF pending for us.)
 *  2 MXCSR has no bits that the mask lacks; the host's FXRSTOR faults on them.
 *  3 FCW has bit 6 set and bits 15:13, 7 clear; the last six bytes of each ST
 *    are zero.
 *
 * FOP, FIP and FDP change only when an x87 instruction raised an exception that
 * is not masked, and FCS and FDS are always zero: what CPUID (7).EBX bits 6 and
 * 13 say of a processor. The host's own pointers never get here.
 */
#ifndef SOFT_FX_H
#define SOFT_FX_H
#include <string.h>

#include "engine/soft/access.h"
#include "engine/soft/cpu.h"

enum {
	FX_FCW = 0,
	FX_FSW = 2,
	FX_FTW = 4,
	FX_FOP = 6,
	FX_FIP = 8,
	FX_FDP = 16,
	FX_MXCSR = 24,
	FX_MXCSR_MASK = 28,
	FX_ST = 32,
	FX_XMM = 160,
	FX_XMM_END = 416
};

enum {
	FSW_EXC = 0x3f,
	FSW_ES = 1 << 7,
	FSW_TOP_SHIFT = 11,
	FSW_TOP = 7 << FSW_TOP_SHIFT,
	FSW_B = 1 << 15,
	FCW_VALID = 0x1f3f,
	FCW_ONE = 0x40,
	FCW_INIT = 0x37f,
	MXCSR_INIT = 0x1f80,
	MXCSR_EXC = 0x3f,
	MXCSR_MASKS = 0x1f80,
	MXCSR_CONTROL = 0xe040, /* rounding, FTZ, DAZ */
	MXCSR_FTZ = 0x8000,
	MXCSR_VALID = 0xffff
};

/* 16 bytes anywhere. */
typedef long long vec __attribute__((vector_size(16)));
typedef long long vec_at
    __attribute__((vector_size(16), may_alias, aligned(1)));

SOFT_INLINE vec
xmm_get(const struct cpu *c, unsigned n)
{
	return *(const vec_at *)(c->fx + FX_XMM + 16 * n);
}

SOFT_INLINE void
xmm_set(struct cpu *c, unsigned n, vec v)
{
	*(vec_at *)(c->fx + FX_XMM + 16 * n) = v;
}

SOFT_INLINE uint16_t
fx_get16(const uint8_t *fx, unsigned at)
{
	uint16_t v;

	memcpy(&v, fx + at, 2);
	return v;
}

SOFT_INLINE void
fx_set16(uint8_t *fx, unsigned at, uint16_t v)
{
	memcpy(fx + at, &v, 2);
}

SOFT_INLINE uint32_t
fx_get32(const uint8_t *fx, unsigned at)
{
	uint32_t v;

	memcpy(&v, fx + at, 4);
	return v;
}

SOFT_INLINE void
fx_set32(uint8_t *fx, unsigned at, uint32_t v)
{
	memcpy(fx + at, &v, 4);
}

SOFT_INLINE uint64_t
fx_get64(const uint8_t *fx, unsigned at)
{
	uint64_t v;

	memcpy(&v, fx + at, 8);
	return v;
}

SOFT_INLINE void
fx_set64(uint8_t *fx, unsigned at, uint64_t v)
{
	memcpy(fx + at, &v, 8);
}

SOFT_INLINE unsigned
fx_top(const uint8_t *fx)
{
	return (fx_get16(fx, FX_FSW) & FSW_TOP) >> FSW_TOP_SHIFT;
}

/* An x87 exception waits to be told: #MF at the next waiting instruction. */
SOFT_INLINE bool
fx_pending(const struct cpu *c)
{
	return (fx_get16(c->fx, FX_FSW) & FSW_ES) != 0;
}

void fx_set_fcw(uint8_t *fx, uint16_t v);
void fx_set_fsw(uint8_t *fx, uint16_t v);   /* by way of invariant 1 */
void fx_set_top(uint8_t *fx, unsigned top); /* the registers stay put */
void fx_make_valid(uint8_t *fx);            /* all three invariants */

/* size bytes of u's memory operand, at most 512; align: to 16, else #GP(0).
 * False: the guest faults, all is noted, the handler gives NULL. */
bool fx_load(struct cpu *c, const struct uop *u, unsigned size, bool align,
             void *v);
bool fx_store(struct cpu *c, const struct uop *u, unsigned size, bool align,
              const void *v);

/* Would a store fault? As fx_store(), writing nothing. */
bool fx_store_nothing(struct cpu *c, const struct uop *u, unsigned size);

/* x87.c's share of simd_lower(). */
bool x87_lower(struct cpu *c, const struct x86_insn *in, struct uop *u);
/* move.c's: the hot ones. False: no handler of its own. */
bool simd_move_lower(const struct x86_insn *in, struct uop *u);
#endif
