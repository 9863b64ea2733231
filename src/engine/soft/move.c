/* SPDX-License-Identifier: BSD-2-Clause */
/* move.c - SSE moves, and the logic that string functions are made of, in
 * plain C: the instructions that matter to speed. What has memory comes in the
 * kinds of access.h. Everything with memory alone or a memory destination is
 * here, too, as stubs only know registers.
 */
#include <emmintrin.h>

#include "engine/soft/fx.h"

enum { MOVE_ALIGN = 1 << 0 }; /* in aux */

/* u's 16 bytes. False: another kind, or (AT_ANY) the fault is noted. */
SOFT_INLINE bool
load16(struct cpu *c, const struct uop *u, int kind, vec *v)
{
	uint64_t la;
	void *p;

	if (kind == AT_ANY)
		return fx_load(c, u, 16, u->aux & MOVE_ALIGN, v);
	la = ea_offset(c, u, kind);
	if (!tlb_read(c, la, 16, &p) ||
	    unlikely((la & 15) && (u->aux & MOVE_ALIGN)))
		return false;
	*v = *(const vec_at *)p;
	return true;
}

SOFT_INLINE bool
store16(struct cpu *c, const struct uop *u, int kind, vec v)
{
	uint64_t la;
	void *p;

	if (kind == AT_ANY)
		return fx_store(c, u, 16, u->aux & MOVE_ALIGN, &v);
	la = ea_offset(c, u, kind);
	if (!tlb_write(c, la, 16, &p) ||
	    unlikely((la & 15) && (u->aux & MOVE_ALIGN)))
		return false;
	*(vec_at *)p = v;
	return true;
}

/* The faulting kind has said all; the others go to it. */
#define OTHER(kind, c, u, any) return (kind) == AT_ANY ? NULL : (any)((c), (u))
/* Loads and stores of access.h only tell that there is a fault. */
#define OTHER_NUM(kind, c, u, any) MISSED(kind, c, u, any)

/* Define the kinds of a body: NAME_bd, NAME_bis, NAME_any and NAME[]. */
#define KINDS(name, ...)                                                       \
	static UOP(name##_any)                                                 \
	{                                                                      \
		return name##_body(c, u, AT_ANY, __VA_ARGS__);                 \
	}                                                                      \
	static UOP(name##_bd)                                                  \
	{                                                                      \
		return name##_body(c, u, AT_BD, __VA_ARGS__);                  \
	}                                                                      \
	static UOP(name##_bis)                                                 \
	{                                                                      \
		return name##_body(c, u, AT_BIS, __VA_ARGS__);                 \
	}                                                                      \
	static uop_fn *const name[AT_KINDS] = { name##_bd, name##_bis,         \
		                                name##_any };

/* ---- whole registers ---- */

static UOP(move16)
{
	xmm_set(c, u->rd, xmm_get(c, u->rs));
	NEXT(c, u);
}

static UOP(load_whole_any);
SOFT_INLINE const struct uop *
load_whole_body(struct cpu *c, const struct uop *u, int kind, int unused)
{
	vec v;

	(void)unused;
	if (!load16(c, u, kind, &v))
		OTHER(kind, c, u, load_whole_any);
	xmm_set(c, u->rd, v);
	DONE(kind, c, u);
}
KINDS(load_whole, 0)

static UOP(store_whole_any);
SOFT_INLINE const struct uop *
store_whole_body(struct cpu *c, const struct uop *u, int kind, int unused)
{
	(void)unused;
	if (!store16(c, u, kind, xmm_get(c, u->rs)))
		OTHER(kind, c, u, store_whole_any);
	DONE(kind, c, u);
}
KINDS(store_whole, 0)

/* ---- parts of registers ---- */

/* Where 4 or 8 bytes from memory go. */
enum part {
	PART_ZERO, /* low, the rest becomes zero */
	PART_LOW,  /* low 8, the rest stays */
	PART_HIGH  /* high 8, the rest stays */
};

SOFT_INLINE void
part_set(struct cpu *c, unsigned n, enum part part, uint64_t v)
{
	vec x = { (long long)v, 0 };

	if (part == PART_LOW)
		x[1] = xmm_get(c, n)[1];
	if (part == PART_HIGH) {
		x[0] = xmm_get(c, n)[0];
		x[1] = (long long)v;
	}
	xmm_set(c, n, x);
}

#define PART_LOAD(name, bits, part)                                            \
	static UOP(name##_any);                                                \
	SOFT_INLINE const struct uop *name##_body(                             \
	    struct cpu *c, const struct uop *u, int kind, int unused)          \
	{                                                                      \
		uint64_t v;                                                    \
                                                                               \
		(void)unused;                                                  \
		if (!load(c, u, kind, bits, &v))                               \
			OTHER_NUM(kind, c, u, name##_any);                     \
		part_set(c, u->rd, part, v);                                   \
		DONE(kind, c, u);                                              \
	}                                                                      \
	KINDS(name, 0)

PART_LOAD(load_zero32, 32, PART_ZERO)
PART_LOAD(load_zero64, 64, PART_ZERO)
PART_LOAD(load_low64, 64, PART_LOW)
PART_LOAD(load_high64, 64, PART_HIGH)

#define PART_STORE(name, bits, half)                                           \
	static UOP(name##_any);                                                \
	SOFT_INLINE const struct uop *name##_body(                             \
	    struct cpu *c, const struct uop *u, int kind, int unused)          \
	{                                                                      \
		uint64_t v = (uint64_t)xmm_get(c, u->rs)[half];                \
                                                                               \
		(void)unused;                                                  \
		if (!store(c, u, kind, bits, v))                               \
			OTHER_NUM(kind, c, u, name##_any);                     \
		DONE(kind, c, u);                                              \
	}                                                                      \
	KINDS(name, 0)

PART_STORE(store_low32, 32, 0)
PART_STORE(store_low64, 64, 0)
PART_STORE(store_high64, 64, 1)

static UOP(move_ss)
{
	vec v = xmm_get(c, u->rd);

	v[0] = (long long)((uint64_t)v[0] >> 32 << 32 |
	                   (uint32_t)xmm_get(c, u->rs)[0]);
	xmm_set(c, u->rd, v);
	NEXT(c, u);
}

static UOP(move_sd)
{
	part_set(c, u->rd, PART_LOW, (uint64_t)xmm_get(c, u->rs)[0]);
	NEXT(c, u);
}

static UOP(move_q)
{
	part_set(c, u->rd, PART_ZERO, (uint64_t)xmm_get(c, u->rs)[0]);
	NEXT(c, u);
}

static UOP(gpr32_to_xmm)
{
	part_set(c, u->rd, PART_ZERO, (uint32_t)c->gpr[u->rs]);
	NEXT(c, u);
}

static UOP(gpr64_to_xmm)
{
	part_set(c, u->rd, PART_ZERO, c->gpr[u->rs]);
	NEXT(c, u);
}

static UOP(xmm_to_gpr32)
{
	c->gpr[u->rd] = (uint32_t)xmm_get(c, u->rs)[0];
	NEXT(c, u);
}

static UOP(xmm_to_gpr64)
{
	c->gpr[u->rd] = (uint64_t)xmm_get(c, u->rs)[0];
	NEXT(c, u);
}

static UOP(move_mask)
{
	c->gpr[u->rd] = (unsigned)_mm_movemask_epi8((__m128i)xmm_get(c, u->rs));
	NEXT(c, u);
}

/* ---- two operands ---- */

#define VEC_OPS(X)                                                             \
	X(PXOR, pxor, _mm_xor_si128)                                           \
	X(POR, por, _mm_or_si128)                                              \
	X(PAND, pand, _mm_and_si128)                                           \
	X(PANDN, pandn, _mm_andnot_si128)                                      \
	X(PCMPEQB, pcmpeqb, _mm_cmpeq_epi8)                                    \
	X(PCMPEQD, pcmpeqd, _mm_cmpeq_epi32)                                   \
	X(PCMPGTB, pcmpgtb, _mm_cmpgt_epi8)                                    \
	X(PMINUB, pminub, _mm_min_epu8)                                        \
	X(PMAXUB, pmaxub, _mm_max_epu8)                                        \
	X(PSUBB, psubb, _mm_sub_epi8)                                          \
	X(PADDB, paddb, _mm_add_epi8)                                          \
	X(PADDD, paddd, _mm_add_epi32)                                         \
	X(PADDQ, paddq, _mm_add_epi64)                                         \
	X(PUNPCKLBW, punpcklbw, _mm_unpacklo_epi8)                             \
	X(PUNPCKLWD, punpcklwd, _mm_unpacklo_epi16)                            \
	X(PUNPCKLDQ, punpckldq, _mm_unpacklo_epi32)                            \
	X(PUNPCKLQDQ, punpcklqdq, _mm_unpacklo_epi64)                          \
	X(PUNPCKHQDQ, punpckhqdq, _mm_unpackhi_epi64)

#define VEC_OP(up, name, f)                                                    \
	static UOP(vec_##name)                                                 \
	{                                                                      \
		xmm_set(c, u->rd,                                              \
		        (vec)f((__m128i)xmm_get(c, u->rd),                     \
		               (__m128i)xmm_get(c, u->rs)));                   \
		NEXT(c, u);                                                    \
	}                                                                      \
	static UOP(vec_m_##name##_any);                                        \
	SOFT_INLINE const struct uop *vec_m_##name##_body(                     \
	    struct cpu *c, const struct uop *u, int kind, int unused)          \
	{                                                                      \
		vec v;                                                         \
                                                                               \
		(void)unused;                                                  \
		if (!load16(c, u, kind, &v))                                   \
			OTHER(kind, c, u, vec_m_##name##_any);                 \
		xmm_set(c, u->rd,                                              \
		        (vec)f((__m128i)xmm_get(c, u->rd), (__m128i)v));       \
		DONE(kind, c, u);                                              \
	}                                                                      \
	KINDS(vec_m_##name, 0)
VEC_OPS(VEC_OP)

static const struct {
	uint16_t op;
	uop_fn *reg;
	uop_fn *const *mem;
} vec_ops[] = {
#define VEC_ROW(up, name, f) { X86_OP_##up, vec_##name, vec_m_##name },
	VEC_OPS(VEC_ROW)
#undef VEC_ROW
};

/* ---- choosing ---- */

static unsigned
kind_of(const struct uop *u)
{
	if (u->shift & ~EA_SCALE)
		return AT_ANY;
	return u->index == GPR_NONE ? AT_BD : AT_BIS;
}

/* MOVD and MOVQ of general registers or memory and XMM. */
static uop_fn *
pick_movd(const struct x86_insn *in, unsigned kind)
{
	const struct x86_opnd *d = &in->opnd[0], *s = &in->opnd[1];
	bool q = in->op == X86_OP_MOVQ;

	if (s->kind == X86_OPND_MEM)
		return (q ? load_zero64 : load_zero32)[kind];
	if (d->kind == X86_OPND_MEM)
		return (q ? store_low64 : store_low32)[kind];
	if (s->kind == X86_OPND_GPR)
		return q ? gpr64_to_xmm : gpr32_to_xmm;
	if (d->kind == X86_OPND_GPR)
		return q ? xmm_to_gpr64 : xmm_to_gpr32;
	return move_q;
}

static uop_fn *
pick_move(const struct x86_insn *in, unsigned kind)
{
	bool from = in->opnd[1].kind == X86_OPND_MEM;
	bool to = in->opnd[0].kind == X86_OPND_MEM;

	switch (in->op) {
	case X86_OP_MOVAPS:
	case X86_OP_MOVAPD:
	case X86_OP_MOVUPS:
	case X86_OP_MOVUPD:
	case X86_OP_MOVDQA:
	case X86_OP_MOVDQU:
	case X86_OP_LDDQU:
	case X86_OP_MOVNTDQA:
	case X86_OP_MOVNTDQ:
	case X86_OP_MOVNTPS:
	case X86_OP_MOVNTPD:
		return from ? load_whole[kind]
		       : to ? store_whole[kind]
		            : move16;
	case X86_OP_MOVD:
	case X86_OP_MOVQ:
		return pick_movd(in, kind);
	case X86_OP_MOVSS:
		return from ? load_zero32[kind]
		       : to ? store_low32[kind]
		            : move_ss;
	case X86_OP_MOVSD:
		return from ? load_zero64[kind]
		       : to ? store_low64[kind]
		            : move_sd;
	case X86_OP_MOVLPS:
	case X86_OP_MOVLPD:
		return (from ? load_low64 : store_low64)[kind];
	case X86_OP_MOVHPS:
	case X86_OP_MOVHPD:
		return (from ? load_high64 : store_high64)[kind];
	case X86_OP_PMOVMSKB:
		return move_mask;
	default:
		return NULL;
	}
}

bool
simd_move_lower(const struct x86_insn *in, struct uop *u)
{
	unsigned kind = kind_of(u);
	uop_fn *fn;

	for (unsigned i = 0; i < in->nopnds; i++)
		if (in->opnd[i].kind == X86_OPND_MMX)
			return false;
	fn = pick_move(in, kind);
	for (size_t i = 0; fn == NULL && i < sizeof(vec_ops) / sizeof(*vec_ops);
	     i++)
		if (vec_ops[i].op == in->op)
			fn = in->opnd[1].kind == X86_OPND_MEM
			         ? vec_ops[i].mem[kind]
			         : vec_ops[i].reg;
	if (fn == NULL)
		return false;
	u->fn = fn;
	u->aux = in->attr & X86_A_ALIGN ? MOVE_ALIGN : 0;
	return true;
}
