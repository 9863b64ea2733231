/* SPDX-License-Identifier: BSD-2-Clause */
/* system.c - which instructions are the machine's own, and the short ones among
 * them: flags beyond the arithmetic ones, HLT, FS and GS bases.
 */
#include "engine/soft/system.h"

#include <immintrin.h>
#include <sched.h>

#include "engine/soft/seg.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/sysuop.h"

enum { SHADOW_STI = 1, PAUSES_TO_YIELD = 32 };
/* A change of these is the run loop's business. */
#define LOOP_FLAGS (X86_FL_IF | X86_FL_TF | X86_FL_AC)

uint64_t
cpu_next_rip(const struct cpu *c, const struct uop *u)
{
	uint64_t rip = c->rip + u->roff + u->len;

	if (c->mode & CM_CODE64)
		return rip;
	return c->mode & CM_CODE32 ? (uint32_t)rip : (uint16_t)rip;
}

static bool
gp0(struct cpu *c)
{
	return fault_set_error(c, X86_GP, 0);
}

static bool
iopl_allows(const struct cpu *c)
{
	return c->cpl <= (c->rflags & X86_FL_IOPL) >> 12;
}

static bool
cli(struct cpu *c, const struct uop *u)
{
	(void)u;
	if (!iopl_allows(c))
		return gp0(c);
	c->rflags &= ~X86_FL_IF;
	return true;
}
SYS_UOP(cli, next)

static const struct uop *
uop_sti(struct cpu *c, const struct uop *u)
{
	if (!iopl_allows(c))
		return sys_next(c, u, gp0(c));
	if (c->rflags & X86_FL_IF)
		return u + 1;
	c->rflags |= X86_FL_IF;
	/* With nothing waiting the way on, which make.c lays without a look at
	 * events, is the shadow. */
	if (!c->intr_held && !(c->mode & (CM_SHADOW | CM_TF)))
		return u + 1;
	c->shadow = SHADOW_STI;
	cpu_mode_update(c);
	return sys_leave(c, u, true);
}

static bool
pushf(struct cpu *c, const struct uop *u)
{
	uint64_t sp = c->gpr[X86_RSP];
	uint64_t v = cpu_rflags(c) & ~(X86_FL_VM | X86_FL_RF);

	if (!sys_v86_iopl(c) || !seg_push(c, &sp, sys_opsize(u), v))
		return false;
	seg_set_sp(c, sp);
	return true;
}
SYS_UOP(pushf, next)

static uint32_t
popf_mask(const struct cpu *c, unsigned size)
{
	uint32_t m = X86_FL_ARITH | X86_FL_TF | X86_FL_DF | X86_FL_NT;

	if (size > 2)
		m |= X86_FL_AC | X86_FL_ID | X86_FL_RF;
	if (iopl_allows(c))
		m |= X86_FL_IF;
	return c->cpl == 0 ? m | X86_FL_IOPL : m;
}

static const struct uop *
uop_popf(struct cpu *c, const struct uop *u)
{
	uint32_t mask = popf_mask(c, sys_opsize(u)), old = cpu_rflags(c), new;
	uint32_t changed;
	uint64_t sp = c->gpr[X86_RSP], v;

	if (!sys_v86_iopl(c) || !seg_pop(c, &sp, sys_opsize(u), &v))
		return cpu_fault_set(c, u);
	seg_set_sp(c, sp);
	new = (old & ~mask) | ((uint32_t)v & mask & ~X86_FL_RF);
	cpu_set_rflags(c, new);
	changed = (old ^ new) & LOOP_FLAGS;
	if (changed == 0 || (changed == X86_FL_IF && !c->intr_held))
		return u + 1;
	cpu_mode_update(c);
	return sys_leave(c, u, true);
}

static bool
set_ac(struct cpu *c, bool on)
{
	if (c->cpl != 0)
		return fault_set(c, X86_UD);
	c->rflags = on ? c->rflags | X86_FL_AC : c->rflags & ~X86_FL_AC;
	mmu_select(c);
	return true;
}

static bool
clac(struct cpu *c, const struct uop *u)
{
	(void)u;
	return set_ac(c, false);
}
SYS_UOP(clac, next)

static bool
stac(struct cpu *c, const struct uop *u)
{
	(void)u;
	return set_ac(c, true);
}
SYS_UOP(stac, next)

static bool
hlt(struct cpu *c, const struct uop *u)
{
	(void)u;
	if (!sys_cpl0(c))
		return false;
	c->halted = true;
	return true;
}
SYS_UOP(hlt, leave)

static bool
swapgs(struct cpu *c, const struct uop *u)
{
	uint64_t base = c->seg[X86_GS].base;

	(void)u;
	if (!sys_cpl0(c))
		return false;
	c->seg[X86_GS].base = c->msrs.kernel_gs_base;
	c->msrs.kernel_gs_base = base;
	cpu_bases_update(c);
	return true;
}
SYS_UOP(swapgs, next)

/* rd: the register; imm: the segment. */
static bool
rdbase(struct cpu *c, const struct uop *u)
{
	if (!(c->cr4 & X86_CR4_FSGSBASE))
		return fault_set(c, X86_UD);
	reg_set(c, u->rd, sys_opsize(u) * 8, c->seg[u->imm].base);
	return true;
}
SYS_UOP(rdbase, next)

static bool
wrbase(struct cpu *c, const struct uop *u)
{
	uint64_t v = reg_get(c, u->rd, sys_opsize(u) * 8);

	if (!(c->cr4 & X86_CR4_FSGSBASE))
		return fault_set(c, X86_UD);
	if (!la_canonical(v))
		return gp0(c);
	c->seg[u->imm].base = v;
	cpu_bases_update(c);
	return true;
}
SYS_UOP(wrbase, next)

/* Whoever holds the lock most often runs and is about to let go; but with more
 * vCPUs than host processors it may need ours. */
static bool
pause_hint(struct cpu *c, const struct uop *u)
{
	(void)u;
	if (c->vm->ncpus < 2)
		return true;
	_mm_pause();
	if (++c->pauses % PAUSES_TO_YIELD == 0)
		sched_yield();
	return true;
}
SYS_UOP(pause_hint, next)

static bool
undefined(struct cpu *c, const struct uop *u)
{
	(void)u;
	return fault_set(c, X86_UD);
}
SYS_UOP(undefined, next)

uop_fn *
flags_pick(const struct x86_insn *i)
{
	switch (i->op) {
	case X86_OP_CLI:
		return uop_cli;
	case X86_OP_STI:
		return uop_sti;
	case X86_OP_PUSHF:
		return uop_pushf;
	case X86_OP_POPF:
		return uop_popf;
	case X86_OP_CLAC:
		return uop_clac;
	case X86_OP_STAC:
		return uop_stac;
	case X86_OP_HLT:
		return uop_hlt;
	case X86_OP_SWAPGS:
		return uop_swapgs;
	case X86_OP_RDFSBASE:
	case X86_OP_RDGSBASE:
		return uop_rdbase;
	case X86_OP_WRFSBASE:
	case X86_OP_WRGSBASE:
		return uop_wrbase;
	case X86_OP_PAUSE:
		return uop_pause_hint;
	case X86_OP_UD0:
	case X86_OP_UD1:
	case X86_OP_UD2:
		return uop_undefined;
	default:
		return NULL;
	}
}

/* What imm holds beside the instruction's own. */
static uint64_t
immediate(const struct x86_insn *i)
{
	switch (i->op) {
	case X86_OP_LDS:
		return X86_DS;
	case X86_OP_LES:
		return X86_ES;
	case X86_OP_LFS:
	case X86_OP_RDFSBASE:
	case X86_OP_WRFSBASE:
		return X86_FS;
	case X86_OP_LGS:
	case X86_OP_RDGSBASE:
	case X86_OP_WRGSBASE:
		return X86_GS;
	case X86_OP_LSS:
		return X86_SS;
	default:
		return i->imm;
	}
}

bool
system_lower(struct cpu *c, const struct x86_insn *i, struct uop *u)
{
	static sys_pick_fn *const picks[] = { control_pick, select_pick,
		                              flags_pick, io_pick };
	uop_fn *fn = NULL;

	(void)c;
	for (unsigned n = 0; n < sizeof(picks) / sizeof(picks[0]) && fn == NULL;
	     n++)
		fn = picks[n](i);
	if (fn == NULL)
		return false;
	u->fn = fn;
	u->rd = i->opnd[0].reg;
	u->rs = i->opnd[1].reg;
	u->imm = immediate(i);
	u->aux = i->opsize | (uint32_t)i->addrsize << SYS_ADDRSIZE_SHIFT;
	if (i->nopnds > 0 && i->opnd[0].kind == X86_OPND_MEM)
		u->aux |= SYS_MEM0;
	if (i->nopnds > 1 && i->opnd[1].kind == X86_OPND_MEM)
		u->aux |= SYS_MEM1;
	if (i->rep != X86_REP_NONE)
		u->aux |= SYS_REP;
	if (i->nopnds > 0 && i->opnd[0].kind == X86_OPND_FAR) {
		u->rd = (uint8_t)i->imm2;
		u->rs = (uint8_t)(i->imm2 >> 8);
	}
	if (i->attr & X86_A_STRING)
		u->seg = i->seg;
	return true;
}
