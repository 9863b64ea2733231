/* SPDX-License-Identifier: BSD-2-Clause */
/* far.c - control transfers that load CS: far JMP, CALL and RET, call gates,
 * IRET. Source: SDM vol. 2 at each of them; 3A 5.8.
 */
#include "engine/soft/fault.h"
#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/system.h"
#include "engine/soft/task.h"

enum {
	TYPE_W = 2,
	TYPE_C = 4,
	TYPE_CODE = 8,
	SYS_TSS16 = 1,
	GATE_CALL16 = 4,
	GATE_TASK = 5,
	SYS_TSS32 = 9,
	GATE_CALL32 = 12 /* of 64 bits in long mode */
};

/* Where a transfer leads: a checked code segment and offset. */
struct target {
	struct x86_segment cs;
	uint64_t desc, rip;
	unsigned cpl;
};

static bool
gp(struct cpu *c, uint16_t sel)
{
	return fault_set_error(c, X86_GP, sel & 0xfffcu);
}

static uint64_t
truncate_to(uint64_t v, unsigned size)
{
	return size == 8 ? v : v & ((1ull << size * 8) - 1);
}

static bool
is_code(const struct x86_segment *s)
{
	return (s->attr & X86_ATTR_S) && (s->attr & TYPE_CODE);
}

static bool
is_code64(const struct cpu *c, const struct x86_segment *s)
{
	return cpu_long(c) && (s->attr & X86_ATTR_L);
}

static bool
fetch_target(struct cpu *c, uint16_t sel, struct target *t)
{
	if ((sel & ~3u) == 0)
		return gp(c, 0);
	if (!seg_descriptor(c, sel, &t->desc))
		return c->exc.pending ? false : gp(c, sel);
	seg_unpack(&t->cs, sel, t->desc);
	return true;
}

/* The offset fits the segment it goes to. */
static bool
check_rip(struct cpu *c, const struct target *t)
{
	if (is_code64(c, &t->cs) ? !la_canonical(t->rip) : t->rip > t->cs.limit)
		return gp(c, 0);
	return true;
}

static bool
check_code(struct cpu *c, const struct target *t, uint16_t sel)
{
	if (!(t->cs.attr & X86_ATTR_P))
		return fault_set_error(c, X86_NP, sel & 0xfffcu);
	if (is_code64(c, &t->cs) && (t->cs.attr & X86_ATTR_DB))
		return gp(c, sel);
	return true;
}

static void
set_cs(struct cpu *c, const struct target *t)
{
	c->seg[X86_CS] = t->cs;
	c->seg[X86_CS].sel = (uint16_t)((t->cs.sel & ~3u) | t->cpl);
	c->cpl = (uint8_t)t->cpl;
	c->rip = t->rip;
	cpu_mode_update(c);
}

/* JMP and CALL straight to a code segment. */
static bool
direct(struct cpu *c, uint16_t sel, struct target *t)
{
	unsigned dpl = X86_ATTR_DPL(t->cs.attr);

	if (t->cs.attr & TYPE_C ? dpl > c->cpl
	                        : (sel & 3) > c->cpl || dpl != c->cpl)
		return gp(c, sel);
	t->cpl = c->cpl;
	return check_code(c, t, sel) && check_rip(c, t);
}

static void
jump_real(struct cpu *c, uint16_t sel, uint64_t off)
{
	c->seg[X86_CS].sel = sel;
	c->seg[X86_CS].base = (uint32_t)sel << 4;
	c->rip = off;
	cpu_mode_update(c);
}

/* A call gate: t becomes what it names. *words: parameters to copy. */
static bool
through_gate(struct cpu *c, uint16_t sel, bool call, struct target *t,
             unsigned *size, unsigned *words)
{
	uint64_t gate = t->desc, high = 0;
	unsigned type = gate >> 40 & 0x1f, dpl = gate >> 45 & 3;
	uint16_t code = (uint16_t)(gate >> 16);

	if (type != GATE_CALL32 && (type != GATE_CALL16 || cpu_long(c)))
		return gp(c, sel);
	if (dpl < c->cpl || dpl < (sel & 3))
		return gp(c, sel);
	if (!(gate >> 47 & 1))
		return fault_set_error(c, X86_NP, sel & 0xfffcu);
	if (cpu_long(c)) {
		uint64_t base = sel & 4 ? c->seg[X86_LDTR].base : c->gdtr.base;

		if (!mmu_read_sys(c, base + (sel & 0xfff8u) + 8, &high, 8))
			return false;
		if (high >> 40 & 0x1f)
			return gp(c, sel);
	}
	*size = cpu_long(c) ? 8 : type == GATE_CALL32 ? 4 : 2;
	*words = cpu_long(c) ? 0 : gate >> 32 & 31;
	if (!fetch_target(c, code, t))
		return false;
	t->rip = (gate & 0xffff) | (*size > 2 ? gate >> 32 & 0xffff0000u : 0) |
	         high << 32;
	dpl = X86_ATTR_DPL(t->cs.attr);
	if (!is_code(&t->cs) || dpl > c->cpl ||
	    (cpu_long(c) && !(t->cs.attr & X86_ATTR_L)))
		return gp(c, code);
	if (!call && !(t->cs.attr & TYPE_C) && dpl != c->cpl)
		return gp(c, code);
	t->cpl = t->cs.attr & TYPE_C ? c->cpl : dpl;
	return check_code(c, t, code) && check_rip(c, t);
}

/* Does a far JMP or CALL lead to a task? */
static bool
is_task(const struct cpu *c, const struct target *t)
{
	unsigned type = t->cs.attr & (X86_ATTR_S | X86_ATTR_TYPE);

	return !cpu_long(c) &&
	       (type == SYS_TSS16 || type == SYS_TSS32 || type == GATE_TASK);
}

static bool
to_task(struct cpu *c, uint16_t sel, const struct target *t, bool call,
        uint64_t next)
{
	unsigned dpl = X86_ATTR_DPL(t->cs.attr);
	uint16_t tss = sel;

	if (dpl < c->cpl || dpl < (sel & 3))
		return gp(c, sel);
	if ((t->cs.attr & X86_ATTR_TYPE) == GATE_TASK) {
		if (!(t->cs.attr & X86_ATTR_P))
			return fault_set_error(c, X86_NP, sel & 0xfffcu);
		tss = (uint16_t)(t->desc >> 16);
	}
	return task_switch(c, call ? TASK_CALL : TASK_JMP, tss, next, 0, NULL);
}

bool
seg_far_jump(struct cpu *c, uint16_t sel, uint64_t off, unsigned size,
             uint64_t next)
{
	struct target t;
	unsigned words;

	off = truncate_to(off, size);
	if (!cpu_protected(c)) {
		if (off > c->seg[X86_CS].limit)
			return gp(c, 0);
		jump_real(c, sel, off);
		return true;
	}
	if (!fetch_target(c, sel, &t))
		return false;
	if (is_task(c, &t))
		return to_task(c, sel, &t, false, next);
	t.rip = off;
	if (is_code(&t.cs) ? !direct(c, sel, &t)
	    : (t.cs.attr & X86_ATTR_S)
	        ? !gp(c, sel)
	        : !through_gate(c, sel, false, &t, &size, &words))
		return false;
	if (!seg_touch(c, t.cs.sel, t.desc))
		return false;
	set_cs(c, &t);
	return true;
}

/* The frame of a call to an inner ring, on its stack. */
static bool
call_inner(struct cpu *c, const struct target *t, unsigned size, unsigned words,
           uint64_t next)
{
	struct x86_segment ss;
	uint64_t sp, old = c->gpr[X86_RSP], param[32] = { 0 };
	uint16_t sel;

	if (!seg_tss_stack(c, t->cpl, 0, &sel, &sp))
		return false;
	if (cpu_long(c)) {
		uint64_t f[4] = { next, c->seg[X86_CS].sel, old,
			          c->seg[X86_SS].sel };

		if (!la_canonical(sp))
			return fault_set_error(c, X86_SS_FAULT, 0);
		sp -= sizeof(f);
		if (!mmu_write_sys(c, sp, f, sizeof(f)))
			return false;
		seg_null(&ss, (uint16_t)t->cpl);
	} else {
		uint64_t at = old;

		for (unsigned i = 0; i < words; i++)
			if (!seg_pop(c, &at, size, &param[i]))
				return false;
		if (!seg_check_stack(c, sel, t->cpl, X86_TS, 0, &ss) ||
		    !seg_push_on(c, &ss, t->cpl, &sp, size,
		                 c->seg[X86_SS].sel) ||
		    !seg_push_on(c, &ss, t->cpl, &sp, size, old))
			return false;
		for (unsigned i = words; i-- > 0;)
			if (!seg_push_on(c, &ss, t->cpl, &sp, size, param[i]))
				return false;
		if (!seg_push_on(c, &ss, t->cpl, &sp, size,
		                 c->seg[X86_CS].sel) ||
		    !seg_push_on(c, &ss, t->cpl, &sp, size, next))
			return false;
	}
	if (!seg_touch(c, t->cs.sel, t->desc))
		return false;
	c->seg[X86_SS] = ss;
	set_cs(c, t);
	seg_set_sp(c, sp);
	return true;
}

bool
seg_far_call(struct cpu *c, uint16_t sel, uint64_t off, unsigned size,
             uint64_t next)
{
	bool real = !cpu_protected(c);
	uint64_t sp = c->gpr[X86_RSP];
	struct target t = { .cpl = c->cpl };
	unsigned words = 0;

	off = truncate_to(off, size);
	if (real && off > c->seg[X86_CS].limit)
		return gp(c, 0);
	if (!real) {
		if (!fetch_target(c, sel, &t))
			return false;
		if (is_task(c, &t))
			return to_task(c, sel, &t, true, next);
		t.rip = off;
		if (is_code(&t.cs)) {
			if (!direct(c, sel, &t))
				return false;
		} else if (t.cs.attr & X86_ATTR_S) {
			return gp(c, sel);
		} else if (!through_gate(c, sel, true, &t, &size, &words)) {
			return false;
		}
		if (t.cpl < c->cpl)
			return call_inner(c, &t, size, words, next);
	}
	if (!seg_push(c, &sp, size, c->seg[X86_CS].sel) ||
	    !seg_push(c, &sp, size, next))
		return false;
	if (!real && !seg_touch(c, t.cs.sel, t.desc))
		return false;
	seg_set_sp(c, sp);
	if (real)
		jump_real(c, sel, off);
	else
		set_cs(c, &t);
	return true;
}

/* Returns */

/* The code segment a RET or IRET goes back to. */
static bool
return_target(struct cpu *c, uint16_t sel, struct target *t)
{
	unsigned rpl = sel & 3, dpl;

	if (!fetch_target(c, sel, t))
		return false;
	dpl = X86_ATTR_DPL(t->cs.attr);
	if (!is_code(&t->cs) || rpl < c->cpl ||
	    (t->cs.attr & TYPE_C ? dpl > rpl : dpl != rpl))
		return gp(c, sel);
	t->cpl = rpl;
	return check_code(c, t, sel) && check_rip(c, t);
}

/* SS of a return to another ring (or of any IRET in 64-bit mode). */
static bool
return_stack(struct cpu *c, const struct target *t, uint16_t sel,
             struct x86_segment *ss)
{
	if ((sel & ~3u) == 0 && is_code64(c, &t->cs) && t->cpl != 3 &&
	    (sel & 3) == t->cpl) {
		seg_null(ss, sel);
		return true;
	}
	return seg_check_stack(c, sel, t->cpl, X86_GP, 0, ss);
}

/* What an outer ring may not use any longer. */
static void
drop_inner_segments(struct cpu *c)
{
	static const uint8_t segs[] = { X86_ES, X86_DS, X86_FS, X86_GS };

	for (unsigned i = 0; i < sizeof(segs); i++) {
		struct x86_segment *s = &c->seg[segs[i]];
		bool conforming =
		    (s->attr & (TYPE_CODE | TYPE_C)) == (TYPE_CODE | TYPE_C);

		if ((s->sel & ~3u) != 0 && X86_ATTR_DPL(s->attr) < c->cpl &&
		    !conforming)
			seg_null(s, 0);
		else if ((s->sel & ~3u) == 0 && (s->attr & X86_ATTR_UNUSABLE))
			s->sel = 0;
	}
}

/* Commit a return: sp is the stack pointer in the target's stack. */
static void
go_back(struct cpu *c, const struct target *t, const struct x86_segment *ss,
        uint64_t sp)
{
	bool outer = t->cpl > c->cpl;

	if (ss != NULL)
		c->seg[X86_SS] = *ss;
	set_cs(c, t);
	seg_set_sp(c, sp);
	if (outer)
		drop_inner_segments(c);
	cpu_mode_update(c);
}

bool
seg_far_ret(struct cpu *c, unsigned size, unsigned pop_bytes)
{
	uint64_t sp = c->gpr[X86_RSP], rip, sel, outer_sp, outer_ss;
	struct x86_segment ss;
	struct target t;

	if (!seg_pop(c, &sp, size, &rip) || !seg_pop(c, &sp, size, &sel))
		return false;
	if (!cpu_protected(c)) {
		if (rip > c->seg[X86_CS].limit)
			return gp(c, 0);
		seg_set_sp(c, sp + pop_bytes);
		jump_real(c, (uint16_t)sel, rip);
		return true;
	}
	t.rip = rip;
	if (!return_target(c, (uint16_t)sel, &t))
		return false;
	sp += pop_bytes;
	if (t.cpl == c->cpl) {
		if (!seg_touch(c, t.cs.sel, t.desc))
			return false;
		seg_set_sp(c, sp);
		set_cs(c, &t);
		return true;
	}
	if (!seg_pop(c, &sp, size, &outer_sp) ||
	    !seg_pop(c, &sp, size, &outer_ss) ||
	    !return_stack(c, &t, (uint16_t)outer_ss, &ss) ||
	    !seg_touch(c, t.cs.sel, t.desc))
		return false;
	go_back(c, &t, &ss, outer_sp + pop_bytes);
	return true;
}

/* RFLAGS that IRET of this size may change at this CPL. */
static uint32_t
iret_flags(const struct cpu *c, unsigned size)
{
	uint32_t m = X86_FL_ARITH | X86_FL_TF | X86_FL_DF | X86_FL_NT;
	unsigned iopl = (c->rflags & X86_FL_IOPL) >> 12;

	if (size > 2)
		m |= X86_FL_RF | X86_FL_AC | X86_FL_ID;
	if (c->cpl <= iopl)
		m |= X86_FL_IF;
	if (c->cpl == 0) {
		m |= X86_FL_IOPL;
		if (size > 2)
			m |= X86_FL_VIF | X86_FL_VIP;
	}
	return m;
}

static void
set_flags(struct cpu *c, uint32_t v, uint32_t mask)
{
	cpu_set_rflags(c, (cpu_rflags(c) & ~mask) | (v & mask));
}

static bool
iret_real(struct cpu *c, unsigned size, uint64_t sp, uint64_t rip, uint64_t sel,
          uint64_t flags)
{
	if (rip > c->seg[X86_CS].limit)
		return gp(c, 0);
	c->nmi_blocked = false;
	set_flags(c, (uint32_t)flags, iret_flags(c, size));
	seg_set_sp(c, sp);
	jump_real(c, (uint16_t)sel, rip);
	return true;
}

/* To virtual-8086 mode: a frame with all segments. */
static bool
iret_v86(struct cpu *c, uint64_t sp, uint64_t rip, uint64_t sel, uint64_t flags)
{
	static const uint8_t segs[] = { X86_SS, X86_ES, X86_DS, X86_FS,
		                        X86_GS };
	uint64_t outer_sp, v[sizeof(segs)];

	if (!seg_pop(c, &sp, 4, &outer_sp))
		return false;
	for (unsigned i = 0; i < sizeof(segs); i++)
		if (!seg_pop(c, &sp, 4, &v[i]))
			return false;
	if (rip > 0xffff)
		return gp(c, 0);
	c->nmi_blocked = false;
	set_flags(c, (uint32_t)flags, iret_flags(c, 4) | X86_FL_VM);
	for (unsigned i = 0; i < sizeof(segs); i++)
		seg_v86(&c->seg[segs[i]], (uint16_t)v[i]);
	seg_v86(&c->seg[X86_CS], (uint16_t)sel);
	c->cpl = 3;
	c->rip = rip;
	c->gpr[X86_RSP] = outer_sp;
	cpu_mode_update(c);
	return true;
}

bool
seg_iret(struct cpu *c, unsigned size, uint64_t next)
{
	uint64_t sp = c->gpr[X86_RSP], rip, sel, flags, outer_sp, outer_ss;
	bool real = !cpu_protected(c), has_stack;
	uint32_t mask = iret_flags(c, size);
	struct x86_segment ss;
	struct target t;

	if (!real && (c->rflags & X86_FL_NT))
		return cpu_long(c) ? gp(c, 0) : task_return(c, next);
	if (!seg_pop(c, &sp, size, &rip) || !seg_pop(c, &sp, size, &sel) ||
	    !seg_pop(c, &sp, size, &flags))
		return false;
	if (real)
		return iret_real(c, size, sp, rip, sel, flags);
	if (size > 2 && (flags & X86_FL_VM) && c->cpl == 0 && !cpu_long(c))
		return iret_v86(c, sp, rip, sel, flags);
	t.rip = rip;
	if (!return_target(c, (uint16_t)sel, &t))
		return false;
	has_stack = cpu_code64(c) || t.cpl != c->cpl;
	if (has_stack && (!seg_pop(c, &sp, size, &outer_sp) ||
	                  !seg_pop(c, &sp, size, &outer_ss) ||
	                  !return_stack(c, &t, (uint16_t)outer_ss, &ss)))
		return false;
	if (!seg_touch(c, t.cs.sel, t.desc))
		return false;
	c->nmi_blocked = false;
	set_flags(c, (uint32_t)flags, mask);
	go_back(c, &t, has_stack ? &ss : NULL, has_stack ? outer_sp : sp);
	return true;
}
