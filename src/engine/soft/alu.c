/* SPDX-License-Identifier: BSD-2-Clause */
/* alu.c - ADD OR ADC SBB AND SUB XOR CMP TEST, INC DEC NEG NOT.
 *
 * Names: size, then operands, destination first (r register, m memory, i
 * immediate), then _n where no flag is needed, then the kind of the memory
 * operand. Source: Intel SDM vol. 2.
 */
#include "engine/soft/alu.h"

#include "engine/soft/lower.h"

SOFT_INLINE const struct uop *
alu_rr(struct cpu *c, const struct uop *u, int kind, enum alu_op op,
       unsigned bits, bool live)
{
	uint64_t r = alu_do(c, op, bits, live, regx_get(c, kind, u->rd, bits),
	                    regx_get(c, kind, u->rs, bits));

	if (!alu_only_flags(op))
		regx_set(c, kind, u->rd, bits, r);
	DONE(kind, c, u);
}

SOFT_INLINE const struct uop *
alu_ri(struct cpu *c, const struct uop *u, int kind, enum alu_op op,
       unsigned bits, bool live)
{
	uint64_t r = alu_do(c, op, bits, live, regx_get(c, kind, u->rd, bits),
	                    zext(u->imm, bits));

	if (!alu_only_flags(op))
		regx_set(c, kind, u->rd, bits, r);
	DONE(kind, c, u);
}

SOFT_INLINE const struct uop *
alu_rm(struct cpu *c, const struct uop *u, int kind, enum alu_op op,
       unsigned bits, bool live, uop_fn *any)
{
	uint64_t b, r;

	if (!load(c, u, kind, bits, &b))
		MISSED(kind, c, u, any);
	r = alu_do(c, op, bits, live, regx_get(c, kind, u->rd, bits), b);
	if (!alu_only_flags(op))
		regx_set(c, kind, u->rd, bits, r);
	DONE(kind, c, u);
}

/* Memory op= register or immediate. */
SOFT_INLINE const struct uop *
alu_m(struct cpu *c, const struct uop *u, int kind, enum alu_op op,
      unsigned bits, bool live, uop_fn *any, bool imm)
{
	uint64_t a,
	    b = imm ? zext(u->imm, bits) : regx_get(c, kind, u->rs, bits);
	struct mmu_bounce bounce;
	void *p;

	if (alu_only_flags(op)) {
		if (!load(c, u, kind, bits, &a))
			MISSED(kind, c, u, any);
		alu_do(c, op, bits, live, a, b);
	} else {
		if (!rmw_begin(c, u, kind, bits, &bounce, &p))
			MISSED(kind, c, u, any);
		host_set(p, bits,
		         alu_do(c, op, bits, live, host_get(p, bits), b));
		rmw_end(c, kind, &bounce);
	}
	DONE(kind, c, u);
}

enum unary_op { UN_INC, UN_DEC, UN_NEG, UN_NOT, NUNARY };

SOFT_INLINE uint64_t
unary_do(struct cpu *c, enum unary_op op, unsigned bits, bool live, uint64_t a)
{
	uint64_t r;

	switch (op) {
	case UN_INC:
		r = a + 1;
		if (live)
			cc_set_step(c, CC_INC, bits, r, cc_cf(c));
		return r;
	case UN_DEC:
		r = a - 1;
		if (live)
			cc_set_step(c, CC_DEC, bits, r, cc_cf(c));
		return r;
	case UN_NEG:
		r = 0 - a;
		if (live)
			cc_set(c, CC_SUB, bits, r, 0);
		return r;
	default:
		return ~a;
	}
}

SOFT_INLINE const struct uop *
unary_r(struct cpu *c, const struct uop *u, int kind, enum unary_op op,
        unsigned bits, bool live)
{
	regx_set(c, kind, u->rd, bits,
	         unary_do(c, op, bits, live, regx_get(c, kind, u->rd, bits)));
	DONE(kind, c, u);
}

SOFT_INLINE const struct uop *
unary_m(struct cpu *c, const struct uop *u, int kind, enum unary_op op,
        unsigned bits, bool live, uop_fn *any)
{
	struct mmu_bounce bounce;
	void *p;

	if (!rmw_begin(c, u, kind, bits, &bounce, &p))
		MISSED(kind, c, u, any);
	host_set(p, bits, unary_do(c, op, bits, live, host_get(p, bits)));
	rmw_end(c, kind, &bounce);
	DONE(kind, c, u);
}

/* clang-format off */
#define RR(op, OP, bits)                                                       \
	static UOP(op##bits##_rr) { return alu_rr(c, u, AT_BD, OP, bits, true); } \
	static UOP(op##bits##_ri) { return alu_ri(c, u, AT_BD, OP, bits, true); }
#define RR_N(op, OP, bits)                                                     \
	static UOP(op##bits##_rr_n) { return alu_rr(c, u, AT_BD, OP, bits, false); } \
	static UOP(op##bits##_ri_n) { return alu_ri(c, u, AT_BD, OP, bits, false); }
/* The complete kind always sets flags: it is rare anyway. */
#define ANY(op, OP, bits)                                                      \
	static SOFT_COLD UOP(op##bits##_rm_any) { return alu_rm(c, u, AT_ANY, OP, bits, true, NULL); } \
	static SOFT_COLD UOP(op##bits##_mr_any) { return alu_m(c, u, AT_ANY, OP, bits, true, NULL, false); } \
	static SOFT_COLD UOP(op##bits##_mi_any) { return alu_m(c, u, AT_ANY, OP, bits, true, NULL, true); }
#define MEM(op, OP, bits, sfx, kind, live)                                     \
	static UOP(op##bits##_rm##sfx) { return alu_rm(c, u, kind, OP, bits, live, op##bits##_rm_any); } \
	static UOP(op##bits##_mr##sfx) { return alu_m(c, u, kind, OP, bits, live, op##bits##_mr_any, false); } \
	static UOP(op##bits##_mi##sfx) { return alu_m(c, u, kind, OP, bits, live, op##bits##_mi_any, true); }
#define HIGH(op, OP)                                                           \
	static SOFT_COLD UOP(op##_rr_high) { return alu_rr(c, u, AT_ANY, OP, 8, true); } \
	static SOFT_COLD UOP(op##_ri_high) { return alu_ri(c, u, AT_ANY, OP, 8, true); }

#define FULL(op, OP, bits)                                                     \
	RR(op, OP, bits) RR_N(op, OP, bits) ANY(op, OP, bits)                  \
	MEM(op, OP, bits, _bd, AT_BD, true) MEM(op, OP, bits, _bis, AT_BIS, true) \
	MEM(op, OP, bits, _n_bd, AT_BD, false) MEM(op, OP, bits, _n_bis, AT_BIS, false)
#define FLAGS_ONLY(op, OP, bits)                                               \
	RR(op, OP, bits) ANY(op, OP, bits)                                     \
	MEM(op, OP, bits, _bd, AT_BD, true) MEM(op, OP, bits, _bis, AT_BIS, true)
#define SIZES(op, OP)                                                          \
	HIGH(op, OP) FULL(op, OP, 8) FULL(op, OP, 32) FULL(op, OP, 64)         \
	RR(op, OP, 16) RR_N(op, OP, 16) ANY(op, OP, 16)
#define SIZES_FLAGS_ONLY(op, OP)                                               \
	HIGH(op, OP) FLAGS_ONLY(op, OP, 8) FLAGS_ONLY(op, OP, 16)              \
	FLAGS_ONLY(op, OP, 32) FLAGS_ONLY(op, OP, 64)

SIZES(add, ALU_ADD)
SIZES(or, ALU_OR)
SIZES(adc, ALU_ADC)
SIZES(sbb, ALU_SBB)
SIZES(and, ALU_AND)
SIZES(sub, ALU_SUB)
SIZES(xor, ALU_XOR)
SIZES_FLAGS_ONLY(cmp, ALU_CMP)
SIZES_FLAGS_ONLY(test, ALU_TEST)

/* By operation and size; [1] of each pair is without flags. */
struct alu_row {
	uop_fn *rr[2], *ri[2];
	uop_fn *rm[2][AT_KINDS], *mr[2][AT_KINDS], *mi[2][AT_KINDS];
};
#define COL(op, bits, f, n)                                                    \
	{ { op##bits##_##f##_bd, op##bits##_##f##_bis, op##bits##_##f##_any },   \
	  { op##bits##_##f##n##_bd, op##bits##_##f##n##_bis, op##bits##_##f##_any } }
#define COL_ANY(op, bits, f)                                                   \
	{ { op##bits##_##f##_any, op##bits##_##f##_any, op##bits##_##f##_any },  \
	  { op##bits##_##f##_any, op##bits##_##f##_any, op##bits##_##f##_any } }
#define ROW(op, bits)                                                          \
	{ { op##bits##_rr, op##bits##_rr_n }, { op##bits##_ri, op##bits##_ri_n }, \
	  COL(op, bits, rm, _n), COL(op, bits, mr, _n), COL(op, bits, mi, _n) }
#define ROW_ANY(op, bits)                                                      \
	{ { op##bits##_rr, op##bits##_rr_n }, { op##bits##_ri, op##bits##_ri_n }, \
	  COL_ANY(op, bits, rm), COL_ANY(op, bits, mr), COL_ANY(op, bits, mi) }
#define ROW_FLAGS(op, bits)                                                    \
	{ { op##bits##_rr, op##bits##_rr }, { op##bits##_ri, op##bits##_ri },    \
	  COL(op, bits, rm, ), COL(op, bits, mr, ), COL(op, bits, mi, ) }
#define ROWS(op) { ROW(op, 8), ROW_ANY(op, 16), ROW(op, 32), ROW(op, 64) }
#define ROWS_FLAGS(op)                                                         \
	{ ROW_FLAGS(op, 8), ROW_FLAGS(op, 16), ROW_FLAGS(op, 32), ROW_FLAGS(op, 64) }

static const struct alu_row rows[NALU][4] = {
	ROWS(add), ROWS(or), ROWS(adc), ROWS(sbb), ROWS(and), ROWS(sub),
	ROWS(xor), ROWS_FLAGS(cmp), ROWS_FLAGS(test)
};
static uop_fn *const high[NALU][2] = {
	{ add_rr_high, add_ri_high }, { or_rr_high, or_ri_high },
	{ adc_rr_high, adc_ri_high }, { sbb_rr_high, sbb_ri_high },
	{ and_rr_high, and_ri_high }, { sub_rr_high, sub_ri_high },
	{ xor_rr_high, xor_ri_high }, { cmp_rr_high, cmp_ri_high },
	{ test_rr_high, test_ri_high }
};

#define UNARY(op, OP, bits)                                                    \
	static UOP(op##bits##_r) { return unary_r(c, u, AT_BD, OP, bits, true); } \
	static UOP(op##bits##_r_n) { return unary_r(c, u, AT_BD, OP, bits, false); } \
	static SOFT_COLD UOP(op##bits##_m_any) { return unary_m(c, u, AT_ANY, OP, bits, true, NULL); } \
	static UOP(op##bits##_m_bd) { return unary_m(c, u, AT_BD, OP, bits, true, op##bits##_m_any); } \
	static UOP(op##bits##_m_bis) { return unary_m(c, u, AT_BIS, OP, bits, true, op##bits##_m_any); }
#define UNARY_SIZES(op, OP)                                                    \
	UNARY(op, OP, 8) UNARY(op, OP, 16) UNARY(op, OP, 32) UNARY(op, OP, 64) \
	static SOFT_COLD UOP(op##_r_high) { return unary_r(c, u, AT_ANY, OP, 8, true); }
UNARY_SIZES(inc, UN_INC)
UNARY_SIZES(dec, UN_DEC)
UNARY_SIZES(neg, UN_NEG)
UNARY_SIZES(not, UN_NOT)

struct unary_row {
	uop_fn *r[2], *m[AT_KINDS];
};
#define UNARY_ROW(op, bits)                                                    \
	{ { op##bits##_r, op##bits##_r_n },                                      \
	  { op##bits##_m_bd, op##bits##_m_bis, op##bits##_m_any } }
#define UNARY_ROWS(op)                                                         \
	{ UNARY_ROW(op, 8), UNARY_ROW(op, 16), UNARY_ROW(op, 32), UNARY_ROW(op, 64) }
static const struct unary_row unary_rows[NUNARY][4] = {
	UNARY_ROWS(inc), UNARY_ROWS(dec), UNARY_ROWS(neg), UNARY_ROWS(not)
};
static uop_fn *const unary_high[NUNARY] = { inc_r_high, dec_r_high, neg_r_high,
	                                    not_r_high };
/* clang-format on */

/* XOR of a register with itself: nothing to read. */
static UOP(clear32)
{
	c->gpr[u->rd] = 0;
	cc_set_logic(c, 32, 0);
	NEXT(c, u);
}

static UOP(clear32_n)
{
	c->gpr[u->rd] = 0;
	NEXT(c, u);
}

/* l->arg: enum alu_op. */
unsigned
alu_lower(const struct lowering *l, struct uop *u)
{
	const struct x86_opnd *dst = &l->in->opnd[0], *src = &l->in->opnd[1];
	const struct alu_row *row = &rows[l->arg][lower_log2(dst->size)];
	bool dead = lower_live(l) == 0;

	u->imm = l->in->imm;
	u->rd = lower_reg(dst);
	u->rs = lower_reg(src);
	if (dst->kind == X86_OPND_MEM)
		u->fn = (src->kind == X86_OPND_IMM
		             ? row->mi
		             : row->mr)[dead]
		                       [lower_high(l) ? AT_ANY : lower_kind(u)];
	else if (src->kind == X86_OPND_MEM)
		u->fn = row->rm[dead][lower_high(l) ? AT_ANY : lower_kind(u)];
	else if (lower_high(l))
		u->fn = high[l->arg][src->kind == X86_OPND_IMM];
	else if (src->kind == X86_OPND_IMM)
		u->fn = row->ri[dead];
	else if (l->arg == ALU_XOR && u->rd == u->rs && dst->size >= 4)
		u->fn = dead ? clear32_n : clear32;
	else
		u->fn = row->rr[dead];
	return 1;
}

/* l->arg: enum unary_op, in the order INC DEC NEG NOT. */
unsigned
unary_lower(const struct lowering *l, struct uop *u)
{
	const struct x86_opnd *dst = &l->in->opnd[0];
	const struct unary_row *row =
	    &unary_rows[l->arg][lower_log2(dst->size)];

	u->rd = lower_reg(dst);
	if (dst->kind == X86_OPND_MEM)
		u->fn = row->m[lower_kind(u)];
	else
		u->fn = lower_high(l) ? unary_high[l->arg]
		                      : row->r[lower_live(l) == 0];
	return 1;
}
