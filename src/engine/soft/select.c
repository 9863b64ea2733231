/* SPDX-License-Identifier: BSD-2-Clause */
/* select.c - instructions about selectors: segment register moves, LDTR and TR,
 * access checks, far transfers, software interrupts, system calls.
 */
#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/sysuop.h"

enum {
	TYPE_W = 2,
	TYPE_C = 4,
	TYPE_CODE = 8,
	SHADOW_SS = 2,
	ATTR_CODE0 = 0xa09b, /* present, accessed, 64-bit, G */
	ATTR_CODE0_32 = 0xc09b,
	ATTR_DATA0 = 0xc093,
	ATTR_DPL3 = 3 << 5
};

static bool
gp0(struct cpu *c)
{
	return fault_set_error(c, X86_GP, 0);
}

/* Segment registers: rd or rs is its number, as the operand stands. */

static bool
mov_from_sreg(struct cpu *c, const struct uop *u)
{
	return sys_put16(c, u, c->seg[u->rs].sel);
}
SYS_UOP(mov_from_sreg, next)

static bool
load_sreg(struct cpu *c, unsigned seg, uint16_t sel)
{
	if (!seg_load(c, seg, sel))
		return false;
	if (seg == X86_SS) {
		c->shadow = SHADOW_SS;
		cpu_mode_update(c);
	}
	return true;
}

static bool
mov_to_sreg(struct cpu *c, const struct uop *u)
{
	uint16_t sel;

	return sys_get16(c, u, 1, u->rs, &sel) && load_sreg(c, u->rd, sel);
}
SYS_UOP(mov_to_sreg, leave)

static bool
push_sreg(struct cpu *c, const struct uop *u)
{
	uint64_t sp = c->gpr[X86_RSP];

	if (!seg_push(c, &sp, sys_opsize(u), c->seg[u->rd].sel))
		return false;
	seg_set_sp(c, sp);
	return true;
}
SYS_UOP(push_sreg, next)

static bool
pop_sreg(struct cpu *c, const struct uop *u)
{
	uint64_t sp = c->gpr[X86_RSP], v;

	if (!seg_pop(c, &sp, sys_opsize(u), &v))
		return false;
	/* The width that counts is the one before the load. */
	if (u->rd == X86_SS) {
		uint64_t old = c->gpr[X86_RSP];

		seg_set_sp(c, sp);
		if (load_sreg(c, X86_SS, (uint16_t)v))
			return true;
		c->gpr[X86_RSP] = old;
		return false;
	}
	if (!load_sreg(c, u->rd, (uint16_t)v))
		return false;
	seg_set_sp(c, sp);
	return true;
}
SYS_UOP(pop_sreg, leave)

/* A far pointer in memory: offset, then selector. */
static bool
load_far(struct cpu *c, const struct uop *u, uint64_t *off, uint16_t *sel)
{
	unsigned size = sys_opsize(u);
	uint8_t b[10];
	uint64_t la;

	if (!ea_linear(c, u, 0, size + 2, false, &la) ||
	    !mmu_read(c, la, b, size + 2))
		return false;
	*off = 0;
	memcpy(off, b, size);
	memcpy(sel, b + size, 2);
	return true;
}

/* LDS and its kin: the segment is in imm. */
static bool
load_pointer(struct cpu *c, const struct uop *u)
{
	uint64_t off;
	uint16_t sel;

	if (!load_far(c, u, &off, &sel) || !seg_load(c, (unsigned)u->imm, sel))
		return false;
	reg_set(c, u->rd, sys_opsize(u) * 8, off);
	return true;
}
SYS_UOP(load_pointer, leave)

static bool
need_protected(struct cpu *c)
{
	return sys_protected(c) || fault_set(c, X86_UD);
}

static bool
sldt(struct cpu *c, const struct uop *u)
{
	return need_protected(c) && sys_put16(c, u, c->seg[X86_LDTR].sel);
}
SYS_UOP(sldt, next)

static bool
str(struct cpu *c, const struct uop *u)
{
	return need_protected(c) && sys_put16(c, u, c->seg[X86_TR].sel);
}
SYS_UOP(str, next)

static bool
lldt(struct cpu *c, const struct uop *u)
{
	uint16_t sel;

	return need_protected(c) && sys_cpl0(c) &&
	       sys_get16(c, u, 0, u->rd, &sel) && seg_load_ldt(c, sel);
}
SYS_UOP(lldt, leave)

static bool
ltr(struct cpu *c, const struct uop *u)
{
	uint16_t sel;

	return need_protected(c) && sys_cpl0(c) &&
	       sys_get16(c, u, 0, u->rd, &sel) && seg_load_tr(c, sel);
}
SYS_UOP(ltr, leave)

/* Checks of access */

static void
set_zf(struct cpu *c, bool on)
{
	uint32_t f = cpu_rflags(c) & ~X86_FL_ZF;

	cpu_set_rflags(c, on ? f | X86_FL_ZF : f);
}

/* Is a system descriptor one that LAR (LSL: those with limits) knows? */
static bool
system_type_ok(const struct cpu *c, unsigned type, bool limit)
{
	/* TSS16 LDT TSS16-busy | call16 task | TSS TSS-busy | call32 */
	unsigned ok = limit ? 0x0a0e : 0x1a3e;

	if (cpu_long(c))
		ok = limit ? 0x0a04 : 0x1a04;
	return ok >> type & 1;
}

/* Is the segment visible at this privilege? */
static bool
visible(struct cpu *c, uint16_t sel, struct x86_segment *s, uint64_t *desc)
{
	unsigned dpl;

	if ((sel & ~3u) == 0 || !seg_descriptor(c, sel, desc))
		return false;
	seg_unpack(s, sel, *desc);
	dpl = X86_ATTR_DPL(s->attr);
	if ((s->attr & X86_ATTR_S) &&
	    (s->attr & (TYPE_CODE | TYPE_C)) == (TYPE_CODE | TYPE_C))
		return true;
	return dpl >= c->cpl && dpl >= (sel & 3u);
}

static bool
lar_lsl(struct cpu *c, const struct uop *u, bool limit)
{
	struct x86_segment s;
	uint64_t desc;
	uint16_t sel;
	bool ok;

	if (!need_protected(c) || !sys_get16(c, u, 1, u->rs, &sel))
		return false;
	c->exc.pending = false;
	ok = visible(c, sel, &s, &desc);
	if (!ok && c->exc.pending)
		return false;
	if (ok && !(s.attr & X86_ATTR_S))
		ok = system_type_ok(c, s.attr & X86_ATTR_TYPE, limit);
	if (ok)
		reg_set(c, u->rd, sys_opsize(u) * 8,
		        limit ? s.limit : desc >> 32 & 0xf0ff00);
	set_zf(c, ok);
	return true;
}

static bool
lar(struct cpu *c, const struct uop *u)
{
	return lar_lsl(c, u, false);
}
SYS_UOP(lar, next)

static bool
lsl(struct cpu *c, const struct uop *u)
{
	return lar_lsl(c, u, true);
}
SYS_UOP(lsl, next)

static bool
verify(struct cpu *c, const struct uop *u, bool write)
{
	struct x86_segment s;
	uint64_t desc;
	uint16_t sel;
	bool ok;

	if (!need_protected(c) || !sys_get16(c, u, 0, u->rd, &sel))
		return false;
	c->exc.pending = false;
	ok = visible(c, sel, &s, &desc);
	if (!ok && c->exc.pending)
		return false;
	if (ok && !(s.attr & X86_ATTR_S))
		ok = false;
	if (ok && (s.attr & TYPE_CODE))
		ok = !write && (s.attr & TYPE_W);
	else if (ok)
		ok = !write || (s.attr & TYPE_W);
	set_zf(c, ok);
	return true;
}

static bool
verr(struct cpu *c, const struct uop *u)
{
	return verify(c, u, false);
}
SYS_UOP(verr, next)

static bool
verw(struct cpu *c, const struct uop *u)
{
	return verify(c, u, true);
}
SYS_UOP(verw, next)

static bool
arpl(struct cpu *c, const struct uop *u)
{
	uint16_t dst, src = (uint16_t)c->gpr[u->rs];
	bool raise;
	uint64_t la;

	if (!need_protected(c) || !sys_get16(c, u, 0, u->rd, &dst))
		return false;
	raise = (dst & 3) < (src & 3);
	if (raise) {
		dst = (uint16_t)((dst & ~3u) | (src & 3));
		if (!(u->aux & SYS_MEM0))
			reg_set(c, u->rd, 16, dst);
		else if (!ea_linear(c, u, 0, 2, true, &la) ||
		         !mmu_write(c, la, &dst, 2))
			return false;
	}
	set_zf(c, raise);
	return true;
}
SYS_UOP(arpl, next)

/* Far transfers: an immediate pointer is offset in imm, selector in rd, rs. */

static bool
far_operand(struct cpu *c, const struct uop *u, uint64_t *off, uint16_t *sel)
{
	if (u->aux & SYS_MEM0)
		return load_far(c, u, off, sel);
	*off = u->imm;
	*sel = (uint16_t)(u->rd | u->rs << 8);
	return true;
}

static bool
jmpf(struct cpu *c, const struct uop *u)
{
	uint64_t off;
	uint16_t sel;

	return far_operand(c, u, &off, &sel) &&
	       seg_far_jump(c, sel, off, sys_opsize(u), cpu_next_rip(c, u));
}
SYS_UOP(jmpf, jump)

static bool
callf(struct cpu *c, const struct uop *u)
{
	uint64_t off;
	uint16_t sel;

	return far_operand(c, u, &off, &sel) &&
	       seg_far_call(c, sel, off, sys_opsize(u), cpu_next_rip(c, u));
}
SYS_UOP(callf, jump)

static bool
retf(struct cpu *c, const struct uop *u)
{
	return seg_far_ret(c, sys_opsize(u), (uint16_t)u->imm);
}
SYS_UOP(retf, jump)

static bool
iret(struct cpu *c, const struct uop *u)
{
	return sys_v86_iopl(c) &&
	       seg_iret(c, sys_opsize(u), cpu_next_rip(c, u));
}
SYS_UOP(iret, jump)

static bool
int_n(struct cpu *c, const struct uop *u)
{
	return sys_v86_iopl(c) &&
	       fault_software(c, (uint8_t)u->imm, cpu_next_rip(c, u), true);
}
SYS_UOP(int_n, jump)

static bool
int3(struct cpu *c, const struct uop *u)
{
	return fault_software(c, X86_BP, cpu_next_rip(c, u), true);
}
SYS_UOP(int3, jump)

static bool
icebp(struct cpu *c, const struct uop *u)
{
	return fault_software(c, X86_DB, cpu_next_rip(c, u), false);
}
SYS_UOP(icebp, jump)

static const struct uop *
uop_into(struct cpu *c, const struct uop *u)
{
	if (!(cpu_rflags(c) & X86_FL_OF))
		return sys_leave(c, u, true);
	return sys_jump(c, u,
	                fault_software(c, X86_OF, cpu_next_rip(c, u), true));
}

/* System calls: flat segments, nothing looked up. */

static void
flat(struct x86_segment *s, uint64_t sel, uint32_t attr)
{
	*s = (struct x86_segment){ .sel = (uint16_t)sel,
		                   .limit = 0xffffffffu,
		                   .attr = attr };
}

static bool
syscall64(struct cpu *c, const struct uop *u)
{
	uint64_t star = c->msrs.star, next = cpu_next_rip(c, u);
	uint32_t flags = cpu_rflags(c);

	/* Intel's: only from 64-bit code. */
	if (!(c->efer & X86_EFER_SCE) || !cpu_code64(c))
		return fault_set(c, X86_UD);
	c->gpr[X86_RCX] = next;
	c->gpr[X86_R11] = flags & ~X86_FL_RF;
	flat(&c->seg[X86_CS], star >> 32 & 0xfffc, ATTR_CODE0);
	flat(&c->seg[X86_SS], (star >> 32 & 0xfffc) + 8, ATTR_DATA0);
	cpu_set_rflags(c, flags & ~((uint32_t)c->msrs.fmask | X86_FL_RF));
	c->cpl = 0;
	c->rip = c->msrs.lstar;
	cpu_mode_update(c);
	return true;
}
SYS_UOP(syscall64, jump)

static bool
sysret(struct cpu *c, const struct uop *u)
{
	uint64_t star = c->msrs.star >> 48, rip = c->gpr[X86_RCX];
	bool wide = sys_opsize(u) == 8;

	if (!(c->efer & X86_EFER_SCE) || !cpu_code64(c))
		return fault_set(c, X86_UD);
	if (!sys_cpl0(c))
		return false;
	if (wide && !la_canonical(rip))
		return gp0(c);
	flat(&c->seg[X86_CS], (star + (wide ? 16 : 0)) | 3,
	     (wide ? ATTR_CODE0 : ATTR_CODE0_32) | ATTR_DPL3);
	flat(&c->seg[X86_SS], (star + 8) | 3, ATTR_DATA0 | ATTR_DPL3);
	cpu_set_rflags(c, ((uint32_t)c->gpr[X86_R11] & 0x3c7fd7) | X86_FL_ONE);
	c->cpl = 3;
	c->rip = wide ? rip : (uint32_t)rip;
	cpu_mode_update(c);
	return true;
}
SYS_UOP(sysret, jump)

static bool
sysenter(struct cpu *c, const struct uop *u)
{
	uint64_t sel = c->msrs.sysenter_cs & 0xfffc;
	bool wide = cpu_long(c);

	(void)u;
	if (!(c->cr0 & X86_CR0_PE) || sel == 0)
		return gp0(c);
	c->rflags &= ~(X86_FL_IF | X86_FL_VM | X86_FL_RF);
	flat(&c->seg[X86_CS], sel, wide ? ATTR_CODE0 : ATTR_CODE0_32);
	flat(&c->seg[X86_SS], sel + 8, ATTR_DATA0);
	c->cpl = 0;
	c->rip = wide ? c->msrs.sysenter_eip : (uint32_t)c->msrs.sysenter_eip;
	c->gpr[X86_RSP] =
	    wide ? c->msrs.sysenter_esp : (uint32_t)c->msrs.sysenter_esp;
	cpu_mode_update(c);
	return true;
}
SYS_UOP(sysenter, jump)

static bool
sysexit(struct cpu *c, const struct uop *u)
{
	uint64_t sel = c->msrs.sysenter_cs & 0xfffc, rip = c->gpr[X86_RDX];
	uint64_t sp = c->gpr[X86_RCX];
	bool wide = sys_opsize(u) == 8;

	if (!sys_protected(c) || sel == 0 || c->cpl != 0)
		return gp0(c);
	if (wide && (!la_canonical(rip) || !la_canonical(sp)))
		return gp0(c);
	flat(&c->seg[X86_CS], (sel + (wide ? 32 : 16)) | 3,
	     (wide ? ATTR_CODE0 : ATTR_CODE0_32) | ATTR_DPL3);
	flat(&c->seg[X86_SS], (sel + (wide ? 40 : 24)) | 3,
	     ATTR_DATA0 | ATTR_DPL3);
	c->cpl = 3;
	c->rip = wide ? rip : (uint32_t)rip;
	c->gpr[X86_RSP] = wide ? sp : (uint32_t)sp;
	cpu_mode_update(c);
	return true;
}
SYS_UOP(sysexit, jump)

static uop_fn *
pick_sreg(const struct x86_insn *i)
{
	bool first = i->opnd[0].kind == X86_OPND_SREG;

	switch (i->op) {
	case X86_OP_MOV:
		if (first && i->opnd[0].reg != X86_CS)
			return uop_mov_to_sreg;
		return i->opnd[1].kind == X86_OPND_SREG ? uop_mov_from_sreg
		                                        : NULL;
	case X86_OP_PUSH:
		return first ? uop_push_sreg : NULL;
	case X86_OP_POP:
		return first && i->opnd[0].reg != X86_CS ? uop_pop_sreg : NULL;
	default:
		return NULL;
	}
}

static uop_fn *
pick_transfer(const struct x86_insn *i)
{
	switch (i->op) {
	case X86_OP_JMPF:
		return uop_jmpf;
	case X86_OP_CALLF:
		return uop_callf;
	case X86_OP_RETF:
		return uop_retf;
	case X86_OP_IRET:
		return uop_iret;
	case X86_OP_INT:
		return uop_int_n;
	case X86_OP_INT3:
		return uop_int3;
	case X86_OP_INTO:
		return uop_into;
	case X86_OP_ICEBP:
		return uop_icebp;
	case X86_OP_SYSCALL:
		return uop_syscall64;
	case X86_OP_SYSRET:
		return uop_sysret;
	case X86_OP_SYSENTER:
		return uop_sysenter;
	case X86_OP_SYSEXIT:
		return uop_sysexit;
	default:
		return NULL;
	}
}

uop_fn *
select_pick(const struct x86_insn *i)
{
	switch (i->op) {
	case X86_OP_MOV:
	case X86_OP_PUSH:
	case X86_OP_POP:
		return pick_sreg(i);
	case X86_OP_LDS:
	case X86_OP_LES:
	case X86_OP_LFS:
	case X86_OP_LGS:
	case X86_OP_LSS:
		return uop_load_pointer;
	case X86_OP_SLDT:
		return uop_sldt;
	case X86_OP_STR:
		return uop_str;
	case X86_OP_LLDT:
		return uop_lldt;
	case X86_OP_LTR:
		return uop_ltr;
	case X86_OP_LAR:
		return uop_lar;
	case X86_OP_LSL:
		return uop_lsl;
	case X86_OP_VERR:
		return uop_verr;
	case X86_OP_VERW:
		return uop_verw;
	case X86_OP_ARPL:
		return uop_arpl;
	default:
		return pick_transfer(i);
	}
}
