/* SPDX-License-Identifier: BSD-2-Clause */
/* muldiv.c - MUL, IMUL in its three forms, DIV, IDIV. Source: Intel SDM vol. 2.
 */
#include "engine/soft/access.h"
#include "engine/soft/lower.h"

/* rDX:rAX (AX for bytes) = rAX * v. */
SOFT_INLINE void
mul_do(struct cpu *c, unsigned bits, bool is_signed, bool live, uint64_t v)
{
	uint64_t a = reg_get(c, X86_RAX, bits), lo, hi;

	if (bits == 64) {
		if (is_signed) {
			__int128 p = (__int128)(int64_t)a * (int64_t)v;

			lo = (uint64_t)p;
			hi = (uint64_t)(p >> 64);
		} else {
			unsigned __int128 p = (unsigned __int128)a * v;

			lo = (uint64_t)p;
			hi = (uint64_t)(p >> 64);
		}
		c->gpr[X86_RAX] = lo;
		c->gpr[X86_RDX] = hi;
	} else {
		if (is_signed)
			lo = sext(a, bits) * sext(v, bits);
		else
			lo = a * v;
		hi = zext(lo >> bits, bits);
		if (bits == 8) {
			reg_set(c, X86_RAX, 16, lo);
		} else {
			reg_set(c, X86_RAX, bits, lo);
			reg_set(c, X86_RDX, bits, hi);
		}
	}
	if (!live)
		return;
	if (is_signed)
		hi =
		    hi != zext((uint64_t)((int64_t)sext(lo, bits) >> 63), bits);
	cc_set(c, CC_MUL, bits, lo, hi);
}

SOFT_INLINE const struct uop *
mul_r(struct cpu *c, const struct uop *u, unsigned bits, bool is_signed,
      bool live)
{
	mul_do(c, bits, is_signed, live, regx_get(c, AT_ANY, u->rs, bits));
	NEXT(c, u);
}

SOFT_INLINE const struct uop *
mul_m(struct cpu *c, const struct uop *u, int kind, unsigned bits,
      bool is_signed, uop_fn *any)
{
	uint64_t v;

	if (!load(c, u, kind, bits, &v))
		MISSED(kind, c, u, any);
	mul_do(c, bits, is_signed, true, v);
	DONE(kind, c, u);
}

/* IMUL with a destination: v * w truncated. */
SOFT_INLINE void
imul_do(struct cpu *c, unsigned rd, unsigned bits, bool live, uint64_t v,
        uint64_t w)
{
	int64_t p;
	bool over;

	if (bits == 64) {
		over = __builtin_mul_overflow((int64_t)v, (int64_t)w, &p);
	} else {
		p = (int64_t)(sext(v, bits) * sext(w, bits));
		over = (uint64_t)p != sext((uint64_t)p, bits);
	}
	reg_set(c, rd, bits, (uint64_t)p);
	if (live)
		cc_set(c, CC_MUL, bits, (uint64_t)p, over);
}

SOFT_INLINE const struct uop *
imul_r(struct cpu *c, const struct uop *u, unsigned bits, bool imm, bool live)
{
	imul_do(c, u->rd, bits, live, c->gpr[u->rs],
	        imm ? u->imm : c->gpr[u->rd]);
	NEXT(c, u);
}

SOFT_INLINE const struct uop *
imul_m(struct cpu *c, const struct uop *u, int kind, unsigned bits, bool imm,
       uop_fn *any)
{
	uint64_t v;

	if (!load(c, u, kind, bits, &v))
		MISSED(kind, c, u, any);
	imul_do(c, u->rd, bits, true, v, imm ? u->imm : c->gpr[u->rd]);
	DONE(kind, c, u);
}

/* clang-format off */
#define MUL(op, bits, is_signed)                                               \
	static UOP(op##bits##_r) { return mul_r(c, u, bits, is_signed, true); } \
	static UOP(op##bits##_r_n) { return mul_r(c, u, bits, is_signed, false); } \
	static SOFT_COLD UOP(op##bits##_any) { return mul_m(c, u, AT_ANY, bits, is_signed, NULL); } \
	static UOP(op##bits##_bd) { return mul_m(c, u, AT_BD, bits, is_signed, op##bits##_any); } \
	static UOP(op##bits##_bis) { return mul_m(c, u, AT_BIS, bits, is_signed, op##bits##_any); }
#define IMUL(op, bits, imm)                                                    \
	static UOP(op##bits##_r) { return imul_r(c, u, bits, imm, true); }     \
	static UOP(op##bits##_r_n) { return imul_r(c, u, bits, imm, false); }  \
	static SOFT_COLD UOP(op##bits##_any) { return imul_m(c, u, AT_ANY, bits, imm, NULL); } \
	static UOP(op##bits##_bd) { return imul_m(c, u, AT_BD, bits, imm, op##bits##_any); } \
	static UOP(op##bits##_bis) { return imul_m(c, u, AT_BIS, bits, imm, op##bits##_any); }
MUL(mul, 8, false) MUL(mul, 16, false) MUL(mul, 32, false) MUL(mul, 64, false)
MUL(smul, 8, true) MUL(smul, 16, true) MUL(smul, 32, true) MUL(smul, 64, true)
IMUL(imul2, 16, false) IMUL(imul2, 32, false) IMUL(imul2, 64, false)
IMUL(imul3, 16, true) IMUL(imul3, 32, true) IMUL(imul3, 64, true)

struct mul_row {
	uop_fn *r[2], *m[AT_KINDS]; /* r[1]: without flags */
};
#define ROW(f) { { f##_r, f##_r_n }, { f##_bd, f##_bis, f##_any } }
static const struct mul_row rows[4][4] = {
	{ ROW(mul8), ROW(mul16), ROW(mul32), ROW(mul64) },
	{ ROW(smul8), ROW(smul16), ROW(smul32), ROW(smul64) },
	{ [1] = ROW(imul216), ROW(imul232), ROW(imul264) },
	{ [1] = ROW(imul316), ROW(imul332), ROW(imul364) }
};
/* clang-format on */

/* l->arg: 1 signed. */
unsigned
mul_lower(const struct lowering *l, struct uop *u)
{
	unsigned n = l->in->nopnds;
	const struct x86_opnd *src = &l->in->opnd[n > 1];
	const struct mul_row *row =
	    &rows[n > 1 ? n : l->arg][lower_log2(l->in->opnd[0].size)];

	u->rd = l->in->opnd[0].reg;
	u->rs = lower_reg(src);
	u->imm = l->in->imm;
	u->fn = src->kind == X86_OPND_MEM ? row->m[lower_kind(u)]
	                                  : row->r[lower_live(l) == 0];
	return u->fn != NULL;
}

/* hi:lo / d, all of 64 bits, hi < d. */
static inline uint64_t
div128(uint64_t hi, uint64_t lo, uint64_t d, uint64_t *rem)
{
	uint64_t q;

	__asm__("divq %4"
	        : "=a"(q), "=d"(*rem)
	        : "a"(lo), "d"(hi), "rm"(d)
	        : "cc");
	return q;
}

/* False: #DE. n is hi:lo, of twice the bits; q and r of bits. */
static inline bool
udiv(unsigned bits, uint64_t hi, uint64_t lo, uint64_t d, uint64_t *q,
     uint64_t *r)
{
	if (hi >= d)
		return false;
	if (bits == 64) {
		*q = div128(hi, lo, d, r);
	} else {
		*q = (hi << bits | lo) / d;
		*r = (hi << bits | lo) % d;
	}
	return true;
}

static bool
sdiv(unsigned bits, uint64_t hi, uint64_t lo, uint64_t d, uint64_t *q,
     uint64_t *r)
{
	bool neg = (int64_t)sext(hi, bits) < 0;
	bool neg_d = (int64_t)sext(d, bits) < 0;
	uint64_t most = 1ull << (bits - 1);

	if (neg) {
		lo = zext(0 - lo, bits);
		hi = zext(~hi + (lo == 0), bits);
	}
	if (!udiv(bits, hi, lo, neg_d ? zext(0 - d, bits) : d, q, r))
		return false;
	if (*q > most - (neg == neg_d))
		return false;
	if (neg != neg_d)
		*q = 0 - *q;
	if (neg)
		*r = 0 - *r;
	return true;
}

SOFT_INLINE const struct uop *
div_do(struct cpu *c, const struct uop *u, unsigned bits, bool is_signed,
       uint64_t d)
{
	uint64_t lo = reg_get(c, X86_RAX, bits), q, r;
	uint64_t hi = bits == 8 ? reg8_get(c, X86_RAX | REG_HIGH)
	                        : reg_get(c, X86_RDX, bits);

	if (!(is_signed ? sdiv : udiv)(bits, hi, lo, d, &q, &r))
		return cpu_fault(c, u, X86_DE);
	reg_set(c, X86_RAX, bits, q);
	if (bits == 8)
		reg8_set(c, X86_RAX | REG_HIGH, r);
	else
		reg_set(c, X86_RDX, bits, r);
	return u + 1;
}

/* clang-format off */
#define DIV(op, bits, is_signed)                                               \
	static UOP(op##bits##_r) {                                             \
		return div_do(c, u, bits, is_signed, regx_get(c, AT_ANY, u->rs, bits)); \
	}                                                                      \
	static UOP(op##bits##_m) {                                             \
		uint64_t d;                                                    \
		if (!load(c, u, AT_ANY, bits, &d))                             \
			return mem_fault(c, u);                                \
		return div_do(c, u, bits, is_signed, d);                       \
	}
DIV(div, 8, false) DIV(div, 16, false) DIV(div, 32, false) DIV(div, 64, false)
DIV(idiv, 8, true) DIV(idiv, 16, true) DIV(idiv, 32, true) DIV(idiv, 64, true)
static uop_fn *const div_rows[2][4][2] = {
	{ { div8_r, div8_m }, { div16_r, div16_m }, { div32_r, div32_m }, { div64_r, div64_m } },
	{ { idiv8_r, idiv8_m }, { idiv16_r, idiv16_m }, { idiv32_r, idiv32_m }, { idiv64_r, idiv64_m } }
};
/* clang-format on */

/* l->arg: 1 signed. */
unsigned
div_lower(const struct lowering *l, struct uop *u)
{
	const struct x86_opnd *o = &l->in->opnd[0];

	u->rs = lower_reg(o);
	u->fn = div_rows[l->arg][lower_log2(o->size)][o->kind == X86_OPND_MEM];
	return 1;
}
