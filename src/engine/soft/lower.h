/* SPDX-License-Identifier: BSD-2-Clause */
/* lower.h - from decoded instructions to uops: each handler file picks among
 * its own handlers.
 */
#ifndef SOFT_LOWER_H
#define SOFT_LOWER_H
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "engine/soft/access.h"
#include "engine/soft/cpu.h"

/* An instruction on its way into a block. */
struct lowering {
	struct cpu *c;
	const struct x86_insn *in;
	unsigned arg;  /* of the row in lower.c: which of the file's own */
	uint64_t rip;  /* of the instruction */
	uint64_t next; /* rip of the one after it */
	uint32_t live; /* flags somebody may read after it */
	bool alone;    /* the block is left after it: CM_SHADOW, CM_TF */
	bool near;     /* a branch's target lies in the block's own page */
};

/*
 * Set u->fn and operands; u->len, roff are the caller's, who has filled in the
 * memory operand, too (lower_mem()). Gives how many uops it took: 1, or 2 for a
 * branch and its link; 0: not this one's, #UD.
 */
typedef unsigned lower_fn(const struct lowering *l, struct uop *u);

lower_fn mov_lower, extend_lower, lea_lower, cmov_lower, setcc_lower,
    xchg_lower, bswap_lower, movbe_lower, convert_lower, xlat_lower, flag_lower,
    alu_lower, unary_lower, shift_lower, shiftd_lower, mul_lower, div_lower,
    bit_lower, scan_lower, crc32_lower, push_lower, pop_lower, pusha_lower,
    enter_lower, leave_lower, jcc_lower, jmp_lower, call_lower, ret_lower,
    loop_lower, bound_lower, string_lower, atomic_lower, bcd_lower;

/* Arguments of rows that need a name; others are in the handler's file. */
enum flag_op {
	FLAG_LAHF,
	FLAG_SAHF,
	FLAG_SALC,
	FLAG_CLC,
	FLAG_STC,
	FLAG_CMC,
	FLAG_CLD,
	FLAG_STD
};

enum bcd_op { BCD_AAA, BCD_AAD, BCD_AAM, BCD_AAS, BCD_DAA, BCD_DAS };
enum bit_op { BIT_BT, BIT_BTS, BIT_BTR, BIT_BTC };
enum scan_op { SCAN_BSF, SCAN_BSR, SCAN_TZCNT, SCAN_LZCNT, SCAN_POPCNT };
/* As opcode groups number them. */
enum shift_op {
	SHIFT_ROL,
	SHIFT_ROR,
	SHIFT_RCL,
	SHIFT_RCR,
	SHIFT_SHL,
	SHIFT_SHR,
	SHIFT_SAL,
	SHIFT_SAR,
	NSHIFT
};
enum string_op {
	STRING_MOVS,
	STRING_STOS,
	STRING_LODS,
	STRING_CMPS,
	STRING_SCAS
};
enum loop_op { LOOP_LOOP, LOOP_LOOPE, LOOP_LOOPNE, LOOP_JCXZ };

/* CMP or TEST and the Jcc after it; 0: not together. */
unsigned fused_lower(const struct lowering *l, const struct lowering *jcc,
                     struct uop *u);

/*
 * Lower l->in, roff bytes into its block, to u[0] and perhaps u[1]: how many.
 * What is not in the guest's CPUID never comes here.
 */
unsigned lower_insn(struct lowering *l, struct uop *u, unsigned roff);
/* A CMP or TEST and the Jcc after it as one; 0: take them one by one. */
unsigned lower_pair(struct lowering *l, const struct lowering *jcc,
                    struct uop *u, unsigned roff);
/* Is the stack a plain 64-bit one? */
static inline bool
lower_stack64(const struct lowering *l)
{
	return (l->c->mode & CM_CODE64) != 0;
}

/* The same of 32 bits, flat and outside long mode? */
static inline bool
lower_stack32(const struct lowering *l)
{
	return (l->c->mode & CM_FLAT32) != 0;
}

/* Flags of what in writes that are read. */
static inline uint32_t
lower_live(const struct lowering *l)
{
	return l->live & (l->in->flags_written | l->in->flags_undef);
}

static inline bool
lower_is_mem(const struct lowering *l, unsigned n)
{
	return l->in->opnd[n].kind == X86_OPND_MEM;
}

/* Which kind of handler u's memory operand needs. */
static inline int
lower_kind(const struct uop *u)
{
	if (u->shift & ~(EA_SCALE | EA_F32))
		return AT_ANY;
	return u->index == GPR_NONE ? AT_BD : AT_BIS;
}

/* The number of a register operand, REG_HIGH included. */
static inline uint8_t
lower_reg(const struct x86_opnd *o)
{
	return o->kind == X86_OPND_GPR_HIGH ? o->reg | REG_HIGH : o->reg;
}

/* Does any operand need REG_HIGH to be looked at? */
static inline bool
lower_high(const struct lowering *l)
{
	for (unsigned i = 0; i < l->in->nopnds; i++)
		if (l->in->opnd[i].kind == X86_OPND_GPR_HIGH)
			return true;
	return false;
}

/* 0 1 2 3 for operands of 1 2 4 8 bytes. */
static inline unsigned
lower_log2(unsigned size)
{
	return (unsigned)__builtin_ctz(size);
}

/* Fill in u's link, the uop after it, for a branch to u->imm. */
void lower_link(const struct lowering *l, struct uop *u);

uop_fn uop_ud;   /* #UD */
uop_fn uop_long; /* #GP(0): over 15 bytes */
uop_fn uop_nop;
uop_fn uop_goto; /* an unconditional direct jump */
uop_fn uop_goto_on;
uop_fn uop_leave; /* to the run loop, with c->rip = imm */
#endif
