/* SPDX-License-Identifier: BSD-2-Clause */
/* mov.c - data moves: MOV in all its forms but to system registers, MOVZX,
 * MOVSX, LEA, CMOVcc, SETcc, XCHG of registers, BSWAP, MOVBE, conversions of
 * the accumulator, LAHF, SAHF, XLAT. Source: Intel SDM vol. 2.
 */
#include "engine/soft/access.h"
#include "engine/soft/lower.h"
#include "engine/soft/seg.h"

/* clang-format off */
#define KINDS(name, body, ...)                                                 \
	static SOFT_COLD UOP(name##_any) { return body(c, u, AT_ANY, __VA_ARGS__, NULL); } \
	static UOP(name##_bd) { return body(c, u, AT_BD, __VA_ARGS__, name##_any); } \
	static UOP(name##_bis) { return body(c, u, AT_BIS, __VA_ARGS__, name##_any); }
#define OF_KINDS(name) { name##_bd, name##_bis, name##_any }
/* clang-format on */

static UOP(mov64_rr)
{
	c->gpr[u->rd] = c->gpr[u->rs];
	NEXT(c, u);
}

static UOP(mov32_rr)
{
	c->gpr[u->rd] = (uint32_t)c->gpr[u->rs];
	NEXT(c, u);
}

static UOP(mov16_rr)
{
	reg_set(c, u->rd, 16, c->gpr[u->rs]);
	NEXT(c, u);
}

static UOP(mov8_rr)
{
	reg_set(c, u->rd, 8, c->gpr[u->rs]);
	NEXT(c, u);
}

static UOP(mov8_rr_high)
{
	reg8_set(c, u->rd, reg8_get(c, u->rs));
	NEXT(c, u);
}

/* imm is already of the operand's size. */
static UOP(mov_ri)
{
	c->gpr[u->rd] = u->imm;
	NEXT(c, u);
}

static UOP(mov16_ri)
{
	reg_set(c, u->rd, 16, u->imm);
	NEXT(c, u);
}

static UOP(mov8_ri)
{
	reg8_set(c, u->rd, u->imm);
	NEXT(c, u);
}

SOFT_INLINE const struct uop *
mov_load(struct cpu *c, const struct uop *u, int kind, unsigned bits,
         uop_fn *any)
{
	uint64_t v;

	if (!load(c, u, kind, bits, &v))
		MISSED(kind, c, u, any);
	regx_set(c, kind, u->rd, bits, v);
	DONE(kind, c, u);
}
KINDS(mov8_rm, mov_load, 8)
KINDS(mov16_rm, mov_load, 16)
KINDS(mov32_rm, mov_load, 32)
KINDS(mov64_rm, mov_load, 64)

SOFT_INLINE const struct uop *
mov_store(struct cpu *c, const struct uop *u, int kind, unsigned bits,
          uop_fn *any)
{
	if (!store(c, u, kind, bits, regx_get(c, kind, u->rs, bits)))
		MISSED(kind, c, u, any);
	DONE(kind, c, u);
}
KINDS(mov8_mr, mov_store, 8)
KINDS(mov16_mr, mov_store, 16)
KINDS(mov32_mr, mov_store, 32)
KINDS(mov64_mr, mov_store, 64)

SOFT_INLINE const struct uop *
mov_store_imm(struct cpu *c, const struct uop *u, int kind, unsigned bits,
              uop_fn *any)
{
	if (!store(c, u, kind, bits, u->imm))
		MISSED(kind, c, u, any);
	DONE(kind, c, u);
}
KINDS(mov8_mi, mov_store_imm, 8)
KINDS(mov16_mi, mov_store_imm, 16)
KINDS(mov32_mi, mov_store_imm, 32)
KINDS(mov64_mi, mov_store_imm, 64)

static uop_fn *const mov_rr[4] = { mov8_rr, mov16_rr, mov32_rr, mov64_rr };
static uop_fn *const mov_rm[4][AT_KINDS] = { OF_KINDS(mov8_rm),
	                                     OF_KINDS(mov16_rm),
	                                     OF_KINDS(mov32_rm),
	                                     OF_KINDS(mov64_rm) };
static uop_fn *const mov_mr[4][AT_KINDS] = { OF_KINDS(mov8_mr),
	                                     OF_KINDS(mov16_mr),
	                                     OF_KINDS(mov32_mr),
	                                     OF_KINDS(mov64_mr) };
static uop_fn *const mov_mi[4][AT_KINDS] = { OF_KINDS(mov8_mi),
	                                     OF_KINDS(mov16_mi),
	                                     OF_KINDS(mov32_mi),
	                                     OF_KINDS(mov64_mi) };

/* A whole 64-bit address: imm is the offset, aux the size. */
static SOFT_COLD
UOP(mov_offset)
{
	unsigned size = u->aux & 0xff;
	bool write = (u->aux & 0x100) != 0;
	uint64_t la = u->imm, v;

	if ((u->shift & EA_SEG) && !seg_la(c, u->seg, la, size, write, &la))
		return cpu_fault_set(c, u);
	if (write) {
		if (!mem_store(c, la, size, c->gpr[X86_RAX]))
			return cpu_fault_set(c, u);
	} else {
		if (!mem_load(c, la, size, &v))
			return cpu_fault_set(c, u);
		reg_set(c, X86_RAX, size * 8, v);
	}
	return u + 1;
}

unsigned
mov_lower(const struct lowering *l, struct uop *u)
{
	const struct x86_opnd *dst = &l->in->opnd[0], *src = &l->in->opnd[1];
	unsigned n = lower_log2(dst->size);
	int kind = lower_high(l) ? AT_ANY : lower_kind(u);

	u->rd = lower_reg(dst);
	u->rs = lower_reg(src);
	u->imm = l->in->imm;
	if ((lower_is_mem(l, 0) || lower_is_mem(l, 1)) &&
	    l->in->disp != u->disp && l->in->base == X86_NO_REG) {
		if (u->base != GPR_NONE) /* FS or GS */
			u->shift |= EA_SEG;
		u->imm = (uint64_t)l->in->disp;
		u->aux = dst->size | (lower_is_mem(l, 0) ? 0x100u : 0);
		u->fn = mov_offset;
	} else if (dst->kind == X86_OPND_MEM) {
		u->fn = (src->kind == X86_OPND_IMM ? mov_mi : mov_mr)[n][kind];
	} else if (src->kind == X86_OPND_MEM) {
		u->fn = mov_rm[n][kind];
	} else if (src->kind == X86_OPND_IMM) {
		if (n == 2)
			u->imm = (uint32_t)u->imm;
		u->fn = n == 0 ? mov8_ri : n == 1 ? mov16_ri : mov_ri;
	} else {
		u->fn = lower_high(l) ? mov8_rr_high : mov_rr[n];
	}
	return 1;
}

/* MOVZX, MOVSX, MOVSXD: from and to bits. */
SOFT_INLINE const struct uop *
extend_r(struct cpu *c, const struct uop *u, int kind, bool is_signed,
         unsigned from, unsigned to)
{
	uint64_t v = regx_get(c, kind, u->rs, from);

	reg_set(c, u->rd, to, is_signed ? sext(v, from) : v);
	DONE(kind, c, u);
}

SOFT_INLINE const struct uop *
extend_m(struct cpu *c, const struct uop *u, int kind, bool is_signed,
         unsigned from, unsigned to, uop_fn *any)
{
	uint64_t v;

	if (!load(c, u, kind, from, &v))
		MISSED(kind, c, u, any);
	reg_set(c, u->rd, to, is_signed ? sext(v, from) : v);
	DONE(kind, c, u);
}

/* clang-format off */
#define EXTEND(name, is_signed, from, to)                                      \
	static UOP(name##_r) { return extend_r(c, u, AT_BD, is_signed, from, to); } \
	static SOFT_COLD UOP(name##_high) { return extend_r(c, u, AT_ANY, is_signed, from, to); } \
	KINDS(name, extend_m, is_signed, from, to)
EXTEND(zx8_16, false, 8, 16)
EXTEND(zx8, false, 8, 64)
EXTEND(zx16, false, 16, 64)
EXTEND(zx16_16, false, 16, 16)
EXTEND(zx32, false, 32, 64)
EXTEND(sx8_16, true, 8, 16)
EXTEND(sx8_32, true, 8, 32)
EXTEND(sx8_64, true, 8, 64)
EXTEND(sx16_32, true, 16, 32)
EXTEND(sx16_64, true, 16, 64)
EXTEND(sx32_64, true, 32, 64)

struct extend_row {
	uop_fn *r, *high, *m[AT_KINDS];
};
#define EXTEND_ROW(name) { name##_r, name##_high, OF_KINDS(name) }
/* [signed][log2 of from][log2 of to]; the same size (MOVSXD without REX.W) is
 * a plain move. */
static const struct extend_row extend_rows[2][3][4] = {
	{ { { 0 }, EXTEND_ROW(zx8_16), EXTEND_ROW(zx8), EXTEND_ROW(zx8) },
	  { { 0 }, EXTEND_ROW(zx16_16), EXTEND_ROW(zx16), EXTEND_ROW(zx16) },
	  { { 0 }, { 0 }, EXTEND_ROW(zx32), EXTEND_ROW(zx32) } },
	{ { { 0 }, EXTEND_ROW(sx8_16), EXTEND_ROW(sx8_32), EXTEND_ROW(sx8_64) },
	  { { 0 }, EXTEND_ROW(zx16_16), EXTEND_ROW(sx16_32), EXTEND_ROW(sx16_64) },
	  { { 0 }, EXTEND_ROW(zx16_16), EXTEND_ROW(zx32), EXTEND_ROW(sx32_64) } }
};
/* clang-format on */

/* l->arg: 1 signed. */
unsigned
extend_lower(const struct lowering *l, struct uop *u)
{
	const struct x86_opnd *dst = &l->in->opnd[0], *src = &l->in->opnd[1];
	const struct extend_row *row =
	    &extend_rows[l->arg][lower_log2(src->size)][lower_log2(dst->size)];

	u->rd = lower_reg(dst);
	u->rs = lower_reg(src);
	if (src->kind == X86_OPND_MEM)
		u->fn = row->m[lower_kind(u)];
	else
		u->fn = lower_high(l) ? row->high : row->r;
	return u->fn != NULL;
}

static UOP(lea64_bd)
{
	c->gpr[u->rd] = ea_offset(c, u, AT_BD);
	NEXT(c, u);
}

static UOP(lea64_bis)
{
	c->gpr[u->rd] = ea_offset(c, u, AT_BIS);
	NEXT(c, u);
}

static UOP(lea32_bd)
{
	c->gpr[u->rd] = (uint32_t)ea_offset(c, u, AT_BD);
	NEXT(c, u);
}

static UOP(lea32_bis)
{
	c->gpr[u->rd] = (uint32_t)ea_offset(c, u, AT_BIS);
	NEXT(c, u);
}

/* aux: bits of the destination. */
static UOP(lea_any)
{
	uint64_t ea = ea_truncated(c, u);

	if (u->aux == 16)
		reg_set(c, u->rd, 16, ea);
	else
		c->gpr[u->rd] = u->aux == 32 ? (uint32_t)ea : ea;
	NEXT(c, u);
}

unsigned
lea_lower(const struct lowering *l, struct uop *u)
{
	unsigned bits = l->in->opnd[0].size * 8;

	u->rd = l->in->opnd[0].reg;
	u->aux = bits;
	if (bits < 32 || (u->shift & (EA_A16 | EA_A32)))
		u->fn = lea_any;
	else if (u->index == GPR_NONE)
		u->fn = bits == 64 ? lea64_bd : lea32_bd;
	else
		u->fn = bits == 64 ? lea64_bis : lea32_bis;
	return 1;
}

#define FOR_CONDS(X)                                                           \
	X(0)                                                                   \
	X(1)                                                                   \
	X(2)                                                                   \
	X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/* clang-format off */
#define CMOV(n)                                                                \
	static UOP(cmov64_##n) {                                               \
		uint64_t v = c->gpr[u->rs];                                    \
		if (cc_cond(c, n))                                             \
			c->gpr[u->rd] = v;                                     \
		NEXT(c, u);                                                    \
	}                                                                      \
	static UOP(cmov32_##n) {                                               \
		uint64_t v = c->gpr[cc_cond(c, n) ? u->rs : u->rd];            \
		c->gpr[u->rd] = (uint32_t)v;                                   \
		NEXT(c, u);                                                    \
	}                                                                      \
	static UOP(set_##n) {                                                  \
		reg_set(c, u->rd, 8, cc_cond(c, n));                           \
		NEXT(c, u);                                                    \
	}
FOR_CONDS(CMOV)
/* clang-format on */
#define CMOV64_ROW(n) cmov64_##n,
#define CMOV32_ROW(n) cmov32_##n,
#define SET_ROW(n)    set_##n,
static uop_fn *const cmov64[] = { FOR_CONDS(CMOV64_ROW) };
static uop_fn *const cmov32[] = { FOR_CONDS(CMOV32_ROW) };
static uop_fn *const set[] = { FOR_CONDS(SET_ROW) };

static UOP(cmov16_rr)
{
	if (cc_cond(c, u->aux))
		reg_set(c, u->rd, 16, c->gpr[u->rs]);
	NEXT(c, u);
}

/* The load happens, and may fault, whatever the condition. */
SOFT_INLINE const struct uop *
cmov_load(struct cpu *c, const struct uop *u, int kind, unsigned bits,
          uop_fn *any)
{
	uint64_t v;

	if (!load(c, u, kind, bits, &v))
		MISSED(kind, c, u, any);
	reg_set(c, u->rd, bits, cc_cond(c, u->aux) ? v : c->gpr[u->rd]);
	DONE(kind, c, u);
}
KINDS(cmov16_rm, cmov_load, 16)
KINDS(cmov32_rm, cmov_load, 32)
KINDS(cmov64_rm, cmov_load, 64)
static uop_fn *const cmov_rm[4][AT_KINDS] = {
	{ 0 }, OF_KINDS(cmov16_rm), OF_KINDS(cmov32_rm), OF_KINDS(cmov64_rm)
};

unsigned
cmov_lower(const struct lowering *l, struct uop *u)
{
	unsigned n = lower_log2(l->in->opnd[0].size);

	u->rd = l->in->opnd[0].reg;
	u->rs = l->in->opnd[1].reg;
	u->aux = l->in->cond;
	if (lower_is_mem(l, 1))
		u->fn = cmov_rm[n][lower_kind(u)];
	else if (n == 1)
		u->fn = cmov16_rr;
	else
		u->fn = (n == 2 ? cmov32 : cmov64)[l->in->cond];
	return 1;
}

static SOFT_COLD
UOP(set_high)
{
	reg8_set(c, u->rd, cc_cond(c, u->aux));
	return u + 1;
}

SOFT_INLINE const struct uop *
set_store(struct cpu *c, const struct uop *u, int kind, unsigned bits,
          uop_fn *any)
{
	if (!store(c, u, kind, bits, cc_cond(c, u->aux)))
		MISSED(kind, c, u, any);
	DONE(kind, c, u);
}
KINDS(set_m, set_store, 8)
static uop_fn *const set_m[] = OF_KINDS(set_m);

unsigned
setcc_lower(const struct lowering *l, struct uop *u)
{
	u->rd = lower_reg(&l->in->opnd[0]);
	u->aux = l->in->cond;
	if (lower_is_mem(l, 0))
		u->fn = set_m[lower_kind(u)];
	else
		u->fn = lower_high(l) ? set_high : set[l->in->cond];
	return 1;
}

/* Registers only; aux: bits. Memory is atomic.c's. */
static UOP(xchg_rr)
{
	unsigned bits = u->aux;
	uint64_t a = regx_get(c, AT_ANY, u->rd, bits);
	uint64_t b = regx_get(c, AT_ANY, u->rs, bits);

	regx_set(c, AT_ANY, u->rd, bits, b);
	regx_set(c, AT_ANY, u->rs, bits, a);
	NEXT(c, u);
}

static UOP(xchg64_rr)
{
	uint64_t a = c->gpr[u->rd];

	c->gpr[u->rd] = c->gpr[u->rs];
	c->gpr[u->rs] = a;
	NEXT(c, u);
}

unsigned
xchg_lower(const struct lowering *l, struct uop *u)
{
	if (lower_is_mem(l, 0) || lower_is_mem(l, 1))
		return atomic_lower(l, u);
	u->rd = lower_reg(&l->in->opnd[0]);
	u->rs = lower_reg(&l->in->opnd[1]);
	u->aux = l->in->opnd[0].size * 8;
	u->fn = u->aux == 64 ? xchg64_rr : xchg_rr;
	return 1;
}

static UOP(bswap32)
{
	c->gpr[u->rd] = __builtin_bswap32((uint32_t)c->gpr[u->rd]);
	NEXT(c, u);
}

static UOP(bswap64)
{
	c->gpr[u->rd] = __builtin_bswap64(c->gpr[u->rd]);
	NEXT(c, u);
}

/* Undefined by the manual; processors clear the word. */
static UOP(bswap16)
{
	reg_set(c, u->rd, 16, 0);
	NEXT(c, u);
}

unsigned
bswap_lower(const struct lowering *l, struct uop *u)
{
	u->rd = l->in->opnd[0].reg;
	u->fn = l->in->opnd[0].size == 8   ? bswap64
	        : l->in->opnd[0].size == 4 ? bswap32
	                                   : bswap16;
	return 1;
}

/* aux: bits. */
static SOFT_COLD
UOP(movbe_load)
{
	uint64_t la, v;

	if (!ea_linear(c, u, 0, u->aux / 8, false, &la) ||
	    !mem_load(c, la, u->aux / 8, &v))
		return mem_fault(c, u);
	reg_set(c, u->rd, u->aux, __builtin_bswap64(v) >> (64 - u->aux));
	return u + 1;
}

static SOFT_COLD
UOP(movbe_store)
{
	uint64_t la, v = __builtin_bswap64(c->gpr[u->rs]) >> (64 - u->aux);

	if (!ea_linear(c, u, 0, u->aux / 8, true, &la) ||
	    !mem_store(c, la, u->aux / 8, v))
		return mem_fault(c, u);
	return u + 1;
}

unsigned
movbe_lower(const struct lowering *l, struct uop *u)
{
	u->rd = l->in->opnd[0].reg;
	u->rs = l->in->opnd[1].reg;
	u->aux = l->in->opnd[0].size * 8;
	u->fn = lower_is_mem(l, 0) ? movbe_store : movbe_load;
	return 1;
}

static UOP(cbw16)
{
	reg_set(c, X86_RAX, 16, sext(c->gpr[X86_RAX], 8));
	NEXT(c, u);
}

static UOP(cwde32)
{
	c->gpr[X86_RAX] = (uint32_t)sext(c->gpr[X86_RAX], 16);
	NEXT(c, u);
}

static UOP(cdqe64)
{
	c->gpr[X86_RAX] = sext(c->gpr[X86_RAX], 32);
	NEXT(c, u);
}

static UOP(cwd16)
{
	reg_set(c, X86_RDX, 16, (uint64_t)((int16_t)c->gpr[X86_RAX] >> 15));
	NEXT(c, u);
}

static UOP(cdq32)
{
	c->gpr[X86_RDX] = (uint32_t)((int32_t)c->gpr[X86_RAX] >> 31);
	NEXT(c, u);
}

static UOP(cqo64)
{
	c->gpr[X86_RDX] = (uint64_t)((int64_t)c->gpr[X86_RAX] >> 63);
	NEXT(c, u);
}

/* l->arg: 0 CBW and its kin, 1 CWD and its. */
unsigned
convert_lower(const struct lowering *l, struct uop *u)
{
	static uop_fn *const fn[2][4] = { { NULL, cbw16, cwde32, cdqe64 },
		                          { NULL, cwd16, cdq32, cqo64 } };

	u->fn = fn[l->arg][lower_log2(l->in->opsize)];
	return u->fn != NULL;
}

/* The operand is at rBX; AL comes on top. */
static SOFT_COLD
UOP(xlat)
{
	uint64_t la, v;

	if (!ea_linear(c, u, (uint8_t)c->gpr[X86_RAX], 1, false, &la) ||
	    !mem_load(c, la, 1, &v))
		return mem_fault(c, u);
	reg_set(c, X86_RAX, 8, v);
	return u + 1;
}

unsigned
xlat_lower(const struct lowering *l, struct uop *u)
{
	(void)l;
	u->fn = xlat;
	return 1;
}

static UOP(lahf)
{
	reg8_set(c, X86_RAX | REG_HIGH, (cc_flags(c) & 0xff) | X86_FL_ONE);
	return u + 1;
}

static UOP(sahf)
{
	uint64_t of = cc_flags(c) & X86_FL_OF;

	cc_set_flags(
	    c, of | (reg8_get(c, X86_RAX | REG_HIGH) & (X86_FL_ARITH & 0xff)));
	return u + 1;
}

static UOP(salc)
{
	reg_set(c, X86_RAX, 8, cc_cf(c) ? 0xff : 0);
	NEXT(c, u);
}

/* CLC STC CMC: imm the bits kept, rd those set, rs those turned. */
static SOFT_COLD
UOP(set_cf)
{
	cc_set_flags(c, ((cc_flags(c) & u->imm) | u->rd) ^ u->rs);
	return u + 1;
}

static UOP(set_df)
{
	c->rflags = (uint32_t)((c->rflags & ~X86_FL_DF) | u->imm);
	NEXT(c, u);
}

/* l->arg: enum flag_op. */
unsigned
flag_lower(const struct lowering *l, struct uop *u)
{
	static const struct {
		uop_fn *fn;
		uint64_t imm;
		uint8_t rd, rs;
	} row[] = {
		[FLAG_LAHF] = { lahf, 0, 0, 0 },
		[FLAG_SAHF] = { sahf, 0, 0, 0 },
		[FLAG_SALC] = { salc, 0, 0, 0 },
		[FLAG_CLC] = { set_cf, ~(uint64_t)X86_FL_CF, 0, 0 },
		[FLAG_STC] = { set_cf, ~0ull, X86_FL_CF, 0 },
		[FLAG_CMC] = { set_cf, ~0ull, 0, X86_FL_CF },
		[FLAG_CLD] = { set_df, 0, 0, 0 },
		[FLAG_STD] = { set_df, X86_FL_DF, 0, 0 },
	};

	u->fn = row[l->arg].fn;
	u->imm = row[l->arg].imm;
	u->rd = row[l->arg].rd;
	u->rs = row[l->arg].rs;
	return 1;
}
