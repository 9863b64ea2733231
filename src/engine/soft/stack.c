/* SPDX-License-Identifier: BSD-2-Clause */
/* stack.c - PUSH and POP of general registers, immediates and memory, PUSHA,
 * POPA, ENTER, LEAVE. Those of flags and segment registers are system.c's.
 *
 * The quick kinds are for a 64-bit or a flat 32-bit stack; the others take
 * seg_push() and seg_pop(). Source: Intel SDM vol. 2, vol. 1 6.2.
 */
#include "engine/soft/access.h"
#include "engine/soft/lower.h"
#include "engine/soft/seg.h"

/* aux: bits, of all the _any kinds here. */
static const struct uop *
push_any(struct cpu *c, const struct uop *u, uint64_t v)
{
	uint64_t sp = c->gpr[X86_RSP];

	if (!seg_push(c, &sp, u->aux / 8, v))
		return cpu_fault_set(c, u);
	seg_set_sp(c, sp);
	return u + 1;
}

static SOFT_COLD
UOP(push_r_any)
{
	return push_any(c, u, reg_get(c, u->rs, u->aux));
}

SOFT_INLINE const struct uop *
push_quick(struct cpu *c, const struct uop *u, unsigned bits, uint64_t v,
           uop_fn *any)
{
	uint64_t sp = zext(c->gpr[X86_RSP] - bits / 8, bits);
	void *p;

	if (!tlb_write(c, sp, bits / 8, &p))
		return any(c, u);
	host_set(p, bits, v);
	c->gpr[X86_RSP] = sp;
	NEXT(c, u);
}

static UOP(push_r)
{
	return push_quick(c, u, 64, c->gpr[u->rs], push_r_any);
}

static UOP(push_r32)
{
	return push_quick(c, u, 32, c->gpr[u->rs], push_r_any);
}

static SOFT_COLD
UOP(push_i_any)
{
	return push_any(c, u, zext(u->imm, u->aux));
}

static UOP(push_i)
{
	return push_quick(c, u, 64, u->imm, push_i_any);
}

static UOP(push_i32)
{
	return push_quick(c, u, 32, u->imm, push_i_any);
}

static SOFT_COLD
UOP(push_m_any)
{
	uint64_t la, v;

	if (!ea_linear(c, u, 0, u->aux / 8, false, &la) ||
	    !mem_load(c, la, u->aux / 8, &v))
		return mem_fault(c, u);
	return push_any(c, u, v);
}

SOFT_INLINE const struct uop *
push_m(struct cpu *c, const struct uop *u, int kind, unsigned bits)
{
	uint64_t v;

	if (!load(c, u, kind, bits, &v))
		return push_m_any(c, u);
	return push_quick(c, u, bits, v, push_m_any);
}

static UOP(push_m_bd)
{
	return push_m(c, u, AT_BD, 64);
}

static UOP(push_m_bis)
{
	return push_m(c, u, AT_BIS, 64);
}

static UOP(push_m32_bd)
{
	return push_m(c, u, AT_BD, 32);
}

static UOP(push_m32_bis)
{
	return push_m(c, u, AT_BIS, 32);
}

unsigned
push_lower(const struct lowering *l, struct uop *u)
{
	static uop_fn *const m[] = { push_m_bd, push_m_bis, push_m_any };
	static uop_fn *const m32[] = { push_m32_bd, push_m32_bis, push_m_any };
	bool quick = lower_stack64(l) && l->in->opsize == 8;
	bool quick32 = lower_stack32(l) && l->in->opsize == 4;

	u->aux = l->in->opsize * 8u;
	u->imm = l->in->imm;
	u->rs = l->in->opnd[0].reg;
	if (lower_is_mem(l, 0))
		u->fn = quick     ? m[lower_kind(u)]
		        : quick32 ? m32[lower_kind(u)]
		                  : push_m_any;
	else if (l->in->opnd[0].kind == X86_OPND_IMM)
		u->fn = quick ? push_i : quick32 ? push_i32 : push_i_any;
	else
		u->fn = quick ? push_r : quick32 ? push_r32 : push_r_any;
	return 1;
}

static SOFT_COLD
UOP(pop_r_any)
{
	uint64_t v, sp = c->gpr[X86_RSP];

	if (!seg_pop(c, &sp, u->aux / 8, &v))
		return cpu_fault_set(c, u);
	seg_set_sp(c, sp);
	reg_set(c, u->rd, u->aux, v);
	return u + 1;
}

SOFT_INLINE const struct uop *
pop_quick(struct cpu *c, const struct uop *u, unsigned bits)
{
	uint64_t sp = zext(c->gpr[X86_RSP], bits);
	void *p;

	if (!tlb_read(c, sp, bits / 8, &p))
		return pop_r_any(c, u);
	c->gpr[X86_RSP] = zext(sp + bits / 8, bits);
	c->gpr[u->rd] = host_get(p, bits);
	NEXT(c, u);
}

static UOP(pop_r)
{
	return pop_quick(c, u, 64);
}

static UOP(pop_r32)
{
	return pop_quick(c, u, 32);
}

/* An address by RSP counts from after the pop. */
static SOFT_COLD
UOP(pop_m)
{
	uint64_t la, v, old = c->gpr[X86_RSP], sp = old;

	if (!seg_pop(c, &sp, u->aux / 8, &v))
		return cpu_fault_set(c, u);
	seg_set_sp(c, sp);
	if (!ea_linear(c, u, 0, u->aux / 8, true, &la) ||
	    !mem_store(c, la, u->aux / 8, v)) {
		c->gpr[X86_RSP] = old;
		return mem_fault(c, u);
	}
	return u + 1;
}

unsigned
pop_lower(const struct lowering *l, struct uop *u)
{
	u->aux = l->in->opsize * 8u;
	u->rd = l->in->opnd[0].reg;
	if (lower_is_mem(l, 0))
		u->fn = pop_m;
	else if (lower_stack64(l) && u->aux == 64)
		u->fn = pop_r;
	else
		u->fn = lower_stack32(l) && u->aux == 32 ? pop_r32 : pop_r_any;
	return 1;
}

static SOFT_COLD
UOP(pusha)
{
	uint64_t sp = c->gpr[X86_RSP];

	for (unsigned r = 0; r < 8; r++)
		if (!seg_push(c, &sp, u->aux / 8, reg_get(c, r, u->aux)))
			return cpu_fault_set(c, u);
	seg_set_sp(c, sp);
	return u + 1;
}

/* The value for (E)SP is thrown away. */
static SOFT_COLD
UOP(popa)
{
	uint64_t v[8], sp = c->gpr[X86_RSP];

	for (unsigned r = 8; r-- > 0;)
		if (!seg_pop(c, &sp, u->aux / 8, &v[r]))
			return cpu_fault_set(c, u);
	for (unsigned r = 0; r < 8; r++)
		if (r != X86_RSP)
			reg_set(c, r, u->aux, v[r]);
	seg_set_sp(c, sp);
	return u + 1;
}

/* l->arg: 1 POPA. */
unsigned
pusha_lower(const struct lowering *l, struct uop *u)
{
	u->aux = l->in->opsize * 8u;
	u->fn = l->arg ? popa : pusha;
	return 1;
}

/* imm: bytes of the frame; rd: level. */
static SOFT_COLD
UOP(enter)
{
	unsigned bits = u->aux, level = u->rd & 31;
	unsigned width = c->mode & CM_STACK16   ? 16
	                 : c->mode & CM_STACK32 ? 32
	                                        : 64;
	uint64_t sp = c->gpr[X86_RSP], bp = c->gpr[X86_RBP], frame, v, la;
	struct mmu_bounce b;

	if (!seg_push(c, &sp, bits / 8, bp))
		return cpu_fault_set(c, u);
	frame = sp;
	for (unsigned i = 1; i < level; i++) {
		bp -= bits / 8;
		if (!seg_la(c, X86_SS, zext(bp, width), bits / 8, false, &la) ||
		    !mem_load(c, la, bits / 8, &v) ||
		    !seg_push(c, &sp, bits / 8, v))
			return cpu_fault_set(c, u);
	}
	if (level > 0 && !seg_push(c, &sp, bits / 8, frame))
		return cpu_fault_set(c, u);
	sp = zext(sp - u->imm, width);
	/* The new top must be writable, or the frame cannot be. */
	if (!seg_la(c, X86_SS, sp, bits / 8, true, &la) ||
	    mmu_rmw(c, la, bits / 8, &b) == NULL)
		return cpu_fault_set(c, u);
	reg_set(c, X86_RBP, bits, frame);
	seg_set_sp(c, sp);
	return u + 1;
}

unsigned
enter_lower(const struct lowering *l, struct uop *u)
{
	u->fn = enter;
	u->aux = l->in->opsize * 8u;
	u->imm = l->in->imm & 0xffff;
	u->rd = (uint8_t)l->in->imm2;
	return 1;
}

static SOFT_COLD
UOP(leave_any)
{
	uint64_t v, sp = c->gpr[X86_RBP];

	if (c->mode & CM_STACK16)
		sp = (uint16_t)sp;
	else if (c->mode & CM_STACK32)
		sp = (uint32_t)sp;
	if (!seg_pop(c, &sp, u->aux / 8, &v))
		return cpu_fault_set(c, u);
	seg_set_sp(c, sp);
	reg_set(c, X86_RBP, u->aux, v);
	return u + 1;
}

SOFT_INLINE const struct uop *
leave_quick(struct cpu *c, const struct uop *u, unsigned bits)
{
	uint64_t sp = zext(c->gpr[X86_RBP], bits);
	void *p;

	if (!tlb_read(c, sp, bits / 8, &p))
		return leave_any(c, u);
	c->gpr[X86_RSP] = zext(sp + bits / 8, bits);
	c->gpr[X86_RBP] = host_get(p, bits);
	NEXT(c, u);
}

static UOP(leave64)
{
	return leave_quick(c, u, 64);
}

static UOP(leave32)
{
	return leave_quick(c, u, 32);
}

unsigned
leave_lower(const struct lowering *l, struct uop *u)
{
	u->aux = l->in->opsize * 8u;
	if (lower_stack64(l) && u->aux == 64)
		u->fn = leave64;
	else
		u->fn = lower_stack32(l) && u->aux == 32 ? leave32 : leave_any;
	return 1;
}
