/* SPDX-License-Identifier: BSD-2-Clause */
/* branch.c - near control transfers: Jcc, also fused with the CMP or TEST
 * before it, JMP, CALL, RET, LOOP, JCXZ, BOUND. Source: Intel SDM vol. 2.
 */
#include "engine/soft/branch.h"

#include "engine/soft/alu.h"
#include "engine/soft/lower.h"
#include "engine/soft/seg.h"
#include "engine/soft/system.h"

const struct uop *
branch_enter(struct cpu *c)
{
	if (events(c) || (c->mode & (CM_SHADOW | CM_TF)))
		return NULL;
	return block_find(c);
}

bool
branch_target_ok(struct cpu *c, uint64_t rip)
{
	if (c->mode & CM_CODE64)
		return la_canonical(rip);
	return (c->mode & CM_FLAT) || rip <= c->seg[X86_CS].limit;
}

UOP(uop_goto)
{
	TAKE(c, u);
}

/* Without a look at events. */
UOP(uop_goto_on)
{
	const struct uop *to = (const struct uop *)u[1].imm;

	c->rip = u->imm;
	GOTO(c, to);
}

UOP(uop_leave)
{
	c->rip = u->imm;
	return NULL;
}

void
lower_link(const struct lowering *l, struct uop *u)
{
	struct uop *link = u + 1;
	uint32_t mode = l->c->mode;

	*link = (struct uop){ .imm = (uint64_t)link };
	if (mode & (CM_SHADOW | CM_TF))
		link->fn = link_leave;
	else if (!(mode & CM_FLAT))
		link->fn = link_find;
	else
		link->fn = l->near ? link_near : link_far;
}

/* Where a relative branch leads to. */
static uint64_t
target(const struct lowering *l)
{
	uint64_t t = l->next + l->in->imm;

	if (l->c->mode & CM_CODE64)
		return t;
	return l->in->opsize == 2 ? (uint16_t)t : (uint32_t)t;
}

#define FOR_CONDS(X)                                                           \
	X(0)                                                                   \
	X(1)                                                                   \
	X(2)                                                                   \
	X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

#define JCC(n)                                                                 \
	static UOP(jcc_##n)                                                    \
	{                                                                      \
		if (cc_cond(c, n))                                             \
			TAKE(c, u);                                            \
		SKIP(c, u);                                                    \
	}
FOR_CONDS(JCC)
#define JCC_ROW(n) jcc_##n,
static uop_fn *const jcc[] = { FOR_CONDS(JCC_ROW) };

unsigned
jcc_lower(const struct lowering *l, struct uop *u)
{
	u->fn = jcc[l->in->cond];
	u->imm = target(l);
	lower_link(l, u);
	return 2;
}

/* Would CMP or TEST of a and b meet the condition? Both zero-extended. */
SOFT_INLINE bool
fused_cond(enum alu_op op, unsigned bits, unsigned cond, uint64_t a, uint64_t b)
{
	int64_t sa = (int64_t)sext(a, bits), sb = (int64_t)sext(b, bits);
	int64_t r = (int64_t)sext(op == ALU_CMP ? a - b : a & b, bits);
	bool cmp = op == ALU_CMP, v;

	switch (cond >> 1) {
	case COND_B >> 1:
		v = cmp && a < b;
		break;
	case COND_E >> 1:
		v = cmp ? a == b : r == 0;
		break;
	case COND_BE >> 1:
		v = cmp ? a <= b : r == 0;
		break;
	case COND_S >> 1:
		v = r < 0;
		break;
	case COND_L >> 1:
		v = cmp ? sa < sb : r < 0;
		break;
	default:
		v = cmp ? sa <= sb : r <= 0;
	}
	return v != (cond & 1);
}

SOFT_INLINE const struct uop *
fused(struct cpu *c, const struct uop *u, enum alu_op op, unsigned bits,
      bool imm, unsigned cond, bool live)
{
	uint64_t a = reg_get(c, u->rd, bits);
	uint64_t b = imm ? zext((uint64_t)(int64_t)(int32_t)u->aux, bits)
	                 : reg_get(c, u->rs, bits);

	if (live)
		alu_do(c, op, bits, true, a, b);
	if (fused_cond(op, bits, cond, a, b))
		TAKE(c, u);
	SKIP(c, u);
}

/* A memory operand and a register or (imm) immediate; swap: CMP r,m. */
SOFT_INLINE const struct uop *
fused_m(struct cpu *c, const struct uop *u, int kind, enum alu_op op,
        unsigned bits, bool imm, bool swap, unsigned cond, uop_fn *any)
{
	uint64_t a, b = imm ? zext((uint64_t)(int64_t)(int32_t)u->aux, bits)
	                    : regx_get(c, kind, u->rs, bits);
	const struct uop *to = (const struct uop *)u[1].imm;

	if (!load(c, u, kind, bits, &a))
		MISSED(kind, c, u, any);
	if (swap) {
		uint64_t t = a;

		a = b;
		b = t;
	}
	alu_do(c, op, bits, true, a, b);
	if (kind == AT_ANY) {
		if (!fused_cond(op, bits, cond, a, b))
			return u + 2;
		c->rip = u->imm;
		return events(c) ? NULL : to;
	}
	if (fused_cond(op, bits, cond, a, b))
		TAKE(c, u);
	SKIP(c, u);
}

/* clang-format off */
/* Conditions worth it: not overflow, not parity. */
#define FOR_FUSED(X, ...)                                                      \
	X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) \
	X(6, __VA_ARGS__) X(7, __VA_ARGS__) X(8, __VA_ARGS__) X(9, __VA_ARGS__) \
	X(12, __VA_ARGS__) X(13, __VA_ARGS__) X(14, __VA_ARGS__) X(15, __VA_ARGS__)
#define FUSED(n, op, OP, bits)                                                 \
	static UOP(op##bits##_rr_##n) { return fused(c, u, OP, bits, false, n, true); } \
	static UOP(op##bits##_ri_##n) { return fused(c, u, OP, bits, true, n, true); } \
	static UOP(op##bits##_rr_n_##n) { return fused(c, u, OP, bits, false, n, false); } \
	static UOP(op##bits##_ri_n_##n) { return fused(c, u, OP, bits, true, n, false); }
#define FUSED_M(n, op, OP, bits)                                               \
	static SOFT_COLD UOP(op##bits##_mr_any_##n) { return fused_m(c, u, AT_ANY, OP, bits, false, false, n, NULL); } \
	static SOFT_COLD UOP(op##bits##_mi_any_##n) { return fused_m(c, u, AT_ANY, OP, bits, true, false, n, NULL); } \
	static UOP(op##bits##_mr_bd_##n) { return fused_m(c, u, AT_BD, OP, bits, false, false, n, op##bits##_mr_any_##n); } \
	static UOP(op##bits##_mi_bd_##n) { return fused_m(c, u, AT_BD, OP, bits, true, false, n, op##bits##_mi_any_##n); }
#define FUSED_RM(n, op, OP, bits)                                              \
	static SOFT_COLD UOP(op##bits##_rm_any_##n) { return fused_m(c, u, AT_ANY, OP, bits, false, true, n, NULL); } \
	static UOP(op##bits##_rm_bd_##n) { return fused_m(c, u, AT_BD, OP, bits, false, true, n, op##bits##_rm_any_##n); }
FOR_FUSED(FUSED, cmp, ALU_CMP, 8)
FOR_FUSED(FUSED, cmp, ALU_CMP, 32)
FOR_FUSED(FUSED, cmp, ALU_CMP, 64)
FOR_FUSED(FUSED, test, ALU_TEST, 8)
FOR_FUSED(FUSED, test, ALU_TEST, 32)
FOR_FUSED(FUSED, test, ALU_TEST, 64)
FOR_FUSED(FUSED_M, cmp, ALU_CMP, 8)
FOR_FUSED(FUSED_M, cmp, ALU_CMP, 32)
FOR_FUSED(FUSED_M, cmp, ALU_CMP, 64)
FOR_FUSED(FUSED_M, test, ALU_TEST, 8)
FOR_FUSED(FUSED_M, test, ALU_TEST, 32)
FOR_FUSED(FUSED_RM, cmp, ALU_CMP, 32)
FOR_FUSED(FUSED_RM, cmp, ALU_CMP, 64)

enum fused_form { FUSED_RR, FUSED_RI, FUSED_RR_N, FUSED_RI_N,
	          FUSED_MR, FUSED_MI, FUSED_RM_, NFUSED };
#define AT_COND(n, f) [n] = f##_##n,
#define BY_COND(f) { FOR_FUSED(AT_COND, f) }
#define REG_ROWS(f) [FUSED_RR] = BY_COND(f##_rr), [FUSED_RI] = BY_COND(f##_ri), \
	[FUSED_RR_N] = BY_COND(f##_rr_n), [FUSED_RI_N] = BY_COND(f##_ri_n)
#define MEM_ROWS(f) [FUSED_MR] = BY_COND(f##_mr_bd), [FUSED_MI] = BY_COND(f##_mi_bd)
/* [TEST?][log2 of size][form][condition] */
static uop_fn *const fused_rows[2][4][NFUSED][16] = {
	{ { REG_ROWS(cmp8), MEM_ROWS(cmp8) }, { { 0 } },
	  { REG_ROWS(cmp32), MEM_ROWS(cmp32), [FUSED_RM_] = BY_COND(cmp32_rm_bd) },
	  { REG_ROWS(cmp64), MEM_ROWS(cmp64), [FUSED_RM_] = BY_COND(cmp64_rm_bd) } },
	{ { REG_ROWS(test8), MEM_ROWS(test8) }, { { 0 } },
	  { REG_ROWS(test32), MEM_ROWS(test32) }, { REG_ROWS(test64) } }
};
/* clang-format on */

static enum fused_form
fused_form(const struct lowering *l)
{
	const struct x86_opnd *dst = &l->in->opnd[0], *src = &l->in->opnd[1];
	bool dead = lower_live(l) == 0;

	if (dst->kind == X86_OPND_MEM)
		return src->kind == X86_OPND_IMM ? FUSED_MI : FUSED_MR;
	if (src->kind == X86_OPND_MEM)
		return FUSED_RM_;
	if (src->kind == X86_OPND_IMM)
		return dead ? FUSED_RI_N : FUSED_RI;
	return dead ? FUSED_RR_N : FUSED_RR;
}

/* CMP or TEST l with the Jcc that follows it, j; l->live is after both. */
unsigned
fused_lower(const struct lowering *l, const struct lowering *j, struct uop *u)
{
	enum fused_form form = fused_form(l);
	bool test = l->in->op == X86_OP_TEST;
	uop_fn *fn = fused_rows[test][lower_log2(l->in->opnd[0].size)][form]
	                       [j->in->cond];

	if (fn == NULL || lower_high(l) ||
	    (form >= FUSED_MR && lower_kind(u) != AT_BD))
		return 0;
	u->fn = fn;
	u->rd = l->in->opnd[0].reg;
	u->rs = form == FUSED_RM_ ? l->in->opnd[0].reg : l->in->opnd[1].reg;
	u->aux = (uint32_t)l->in->imm;
	u->imm = target(j);
	lower_link(j, u);
	return 2;
}

/* Indirect jumps. The quick kinds do only what is remembered. */
static SOFT_COLD const struct uop *
go_any(struct cpu *c, const struct uop *u, uint64_t rip)
{
	if (!branch_target_ok(c, rip))
		return cpu_fault_error(c, u, X86_GP, 0);
	c->rip = rip;
	return branch_enter(c);
}

/* aux: bits of the operand. */
static SOFT_COLD
UOP(jmp_r_any)
{
	return go_any(c, u, reg_get(c, u->rs, u->aux));
}

SOFT_INLINE const struct uop *
jmp_reg(struct cpu *c, const struct uop *u, unsigned bits)
{
	const struct jump *j = jump_known(c, reg_get(c, u->rs, bits));

	if (j == NULL || events(c))
		return jmp_r_any(c, u);
	c->rip = j->rip;
	GOTO(c, j->uop);
}

static UOP(jmp_r)
{
	return jmp_reg(c, u, 64);
}

static UOP(jmp_r32)
{
	return jmp_reg(c, u, 32);
}

static SOFT_COLD
UOP(jmp_m_any)
{
	uint64_t la, rip;

	if (!ea_linear(c, u, 0, u->aux / 8, false, &la) ||
	    !mem_load(c, la, u->aux / 8, &rip))
		return mem_fault(c, u);
	return go_any(c, u, rip);
}

SOFT_INLINE const struct uop *
jmp_m(struct cpu *c, const struct uop *u, int kind, unsigned bits)
{
	const struct jump *j;
	uint64_t rip;

	if (!load(c, u, kind, bits, &rip))
		return jmp_m_any(c, u);
	j = jump_known(c, rip);
	if (j == NULL || events(c))
		return jmp_m_any(c, u);
	c->rip = rip;
	GOTO(c, j->uop);
}

static UOP(jmp_m_bd)
{
	return jmp_m(c, u, AT_BD, 64);
}

static UOP(jmp_m_bis)
{
	return jmp_m(c, u, AT_BIS, 64);
}

static UOP(jmp_m32_bd)
{
	return jmp_m(c, u, AT_BD, 32);
}

static UOP(jmp_m32_bis)
{
	return jmp_m(c, u, AT_BIS, 32);
}

/* May a quick handler of this many bits be taken? */
static bool
is_quick(const struct lowering *l, unsigned bits, unsigned of)
{
	return bits == of && (of == 64 ? lower_stack64(l) : lower_stack32(l));
}

unsigned
jmp_lower(const struct lowering *l, struct uop *u)
{
	static uop_fn *const m[] = { jmp_m_bd, jmp_m_bis, jmp_m_any };
	static uop_fn *const m32[] = { jmp_m32_bd, jmp_m32_bis, jmp_m_any };
	bool quick, quick32;

	if (l->in->opnd[0].kind == X86_OPND_REL) {
		u->fn = uop_goto;
		u->imm = target(l);
		lower_link(l, u);
		return 2;
	}
	u->aux = l->in->opnd[0].size * 8;
	u->rs = l->in->opnd[0].reg;
	quick = is_quick(l, u->aux, 64);
	quick32 = is_quick(l, u->aux, 32);
	if (lower_is_mem(l, 0))
		u->fn = quick     ? m[lower_kind(u)]
		        : quick32 ? m32[lower_kind(u)]
		                  : jmp_m_any;
	else
		u->fn = quick ? jmp_r : quick32 ? jmp_r32 : jmp_r_any;
	return 1;
}

/* Calls. aux: bits of the return address. */
static const struct uop *
call_any(struct cpu *c, const struct uop *u, uint64_t rip, bool indirect)
{
	uint64_t sp = c->gpr[X86_RSP];

	if (indirect && !branch_target_ok(c, rip))
		return cpu_fault_error(c, u, X86_GP, 0);
	if (!seg_push(c, &sp, u->aux / 8, cpu_next_rip(c, u)))
		return cpu_fault_set(c, u);
	seg_set_sp(c, sp);
	c->rip = rip;
	return branch_enter(c);
}

static SOFT_COLD
UOP(call_rel_any)
{
	return call_any(c, u, u->imm, false);
}

SOFT_INLINE const struct uop *
call_direct(struct cpu *c, const struct uop *u, unsigned bits)
{
	uint64_t sp = zext(c->gpr[X86_RSP] - bits / 8, bits);
	void *p;

	if (!tlb_write(c, sp, bits / 8, &p))
		return call_rel_any(c, u);
	host_set(p, bits, c->rip + u->roff + u->len);
	c->gpr[X86_RSP] = sp;
	TAKE(c, u);
}

static UOP(call_rel)
{
	return call_direct(c, u, 64);
}

static UOP(call_rel32)
{
	return call_direct(c, u, 32);
}

static SOFT_COLD
UOP(call_r_any)
{
	return call_any(c, u, reg_get(c, u->rs, u->aux), true);
}

static SOFT_COLD
UOP(call_m_any)
{
	uint64_t la, rip;

	if (!ea_linear(c, u, 0, u->aux / 8, false, &la) ||
	    !mem_load(c, la, u->aux / 8, &rip))
		return mem_fault(c, u);
	return call_any(c, u, rip, true);
}

SOFT_INLINE const struct uop *
call_indirect(struct cpu *c, const struct uop *u, int kind, bool mem,
              unsigned bits, uop_fn *any)
{
	uint64_t rip, sp = zext(c->gpr[X86_RSP] - bits / 8, bits);
	const struct jump *j;
	void *p;

	if (!mem)
		rip = reg_get(c, u->rs, bits);
	else if (!load(c, u, kind, bits, &rip))
		return any(c, u);
	j = jump_known(c, rip);
	if (j == NULL || events(c) || !tlb_write(c, sp, bits / 8, &p))
		return any(c, u);
	host_set(p, bits, c->rip + u->roff + u->len);
	c->gpr[X86_RSP] = sp;
	c->rip = rip;
	GOTO(c, j->uop);
}

static UOP(call_r)
{
	return call_indirect(c, u, AT_BD, false, 64, call_r_any);
}

static UOP(call_m_bd)
{
	return call_indirect(c, u, AT_BD, true, 64, call_m_any);
}

static UOP(call_m_bis)
{
	return call_indirect(c, u, AT_BIS, true, 64, call_m_any);
}

static UOP(call_r32)
{
	return call_indirect(c, u, AT_BD, false, 32, call_r_any);
}

static UOP(call_m32_bd)
{
	return call_indirect(c, u, AT_BD, true, 32, call_m_any);
}

static UOP(call_m32_bis)
{
	return call_indirect(c, u, AT_BIS, true, 32, call_m_any);
}

unsigned
call_lower(const struct lowering *l, struct uop *u)
{
	static uop_fn *const m[] = { call_m_bd, call_m_bis, call_m_any };
	static uop_fn *const m32[] = { call_m32_bd, call_m32_bis, call_m_any };
	bool quick = is_quick(l, l->in->opsize * 8u, 64);
	bool quick32 = is_quick(l, l->in->opsize * 8u, 32);

	u->aux = l->in->opsize * 8u;
	u->rs = l->in->opnd[0].reg;
	if (l->in->opnd[0].kind == X86_OPND_REL) {
		u->fn = quick ? call_rel : quick32 ? call_rel32 : call_rel_any;
		u->imm = target(l);
		lower_link(l, u);
		return 2;
	}
	if (lower_is_mem(l, 0))
		u->fn = quick     ? m[lower_kind(u)]
		        : quick32 ? m32[lower_kind(u)]
		                  : call_m_any;
	else
		u->fn = quick ? call_r : quick32 ? call_r32 : call_r_any;
	return 1;
}

/* aux: bits; imm: bytes of arguments to drop. */
static SOFT_COLD
UOP(ret_any)
{
	uint64_t rip, sp = c->gpr[X86_RSP];

	if (!seg_pop(c, &sp, u->aux / 8, &rip))
		return cpu_fault_set(c, u);
	if (!branch_target_ok(c, rip))
		return cpu_fault_error(c, u, X86_GP, 0);
	seg_set_sp(c, sp + u->imm);
	c->rip = rip;
	return branch_enter(c);
}

SOFT_INLINE const struct uop *
ret_quick(struct cpu *c, const struct uop *u, unsigned bits)
{
	uint64_t sp = zext(c->gpr[X86_RSP], bits), rip;
	const struct jump *j;
	void *p;

	if (!tlb_read(c, sp, bits / 8, &p))
		return ret_any(c, u);
	rip = host_get(p, bits);
	j = jump_known(c, rip);
	if (j == NULL || events(c))
		return ret_any(c, u);
	c->gpr[X86_RSP] = zext(sp + bits / 8, bits);
	c->rip = rip;
	GOTO(c, j->uop);
}

static UOP(ret64)
{
	return ret_quick(c, u, 64);
}

static UOP(ret32)
{
	return ret_quick(c, u, 32);
}

unsigned
ret_lower(const struct lowering *l, struct uop *u)
{
	u->aux = l->in->opsize * 8u;
	u->imm = l->in->nopnds > 0 ? l->in->imm : 0;
	if (u->imm == 0 && is_quick(l, u->aux, 64))
		u->fn = ret64;
	else
		u->fn =
		    u->imm == 0 && is_quick(l, u->aux, 32) ? ret32 : ret_any;
	return 1;
}

/* LOOP LOOPE LOOPNE JCXZ. aux: bits of the counter; rd: enum loop_op. */
static UOP(loop)
{
	uint64_t n = reg_get(c, X86_RCX, u->aux);
	bool go;

	if (u->rd == LOOP_JCXZ) {
		go = n == 0;
	} else {
		n--;
		reg_set(c, X86_RCX, u->aux, n);
		go = zext(n, u->aux) != 0 &&
		     (u->rd == LOOP_LOOP || cc_zf(c) == (u->rd == LOOP_LOOPE));
	}
	if (go)
		TAKE(c, u);
	SKIP(c, u);
}

unsigned
loop_lower(const struct lowering *l, struct uop *u)
{
	u->fn = loop;
	u->aux = l->in->addrsize * 8u;
	u->rd = (uint8_t)l->arg;
	u->imm = target(l);
	lower_link(l, u);
	return 2;
}

/* aux: bits. Signed bounds, both included. */
static SOFT_COLD
UOP(bound)
{
	unsigned bits = u->aux;
	int64_t i = (int64_t)sext(c->gpr[u->rd], bits);
	uint64_t la, lo, hi;

	if (!ea_linear(c, u, 0, bits / 8, false, &la) ||
	    !mem_load(c, la, bits / 8, &lo) ||
	    !ea_linear(c, u, bits / 8, bits / 8, false, &la) ||
	    !mem_load(c, la, bits / 8, &hi))
		return mem_fault(c, u);
	if (i < (int64_t)sext(lo, bits) || i > (int64_t)sext(hi, bits))
		return cpu_fault(c, u, X86_BR);
	return u + 1;
}

unsigned
bound_lower(const struct lowering *l, struct uop *u)
{
	u->fn = bound;
	u->rd = l->in->opnd[0].reg;
	u->aux = l->in->opsize * 8u;
	return 1;
}
