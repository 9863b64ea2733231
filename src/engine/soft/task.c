/* SPDX-License-Identifier: BSD-2-Clause */
/* task.c - the state of one task into its TSS, that of another out of its.
 *
 * The new TSS is read whole and the old one written before anything of the
 * processor changes. What fails after that belongs to the new task: selectors
 * are all there then, segments only as far as they were good.
 */
#include "engine/soft/task.h"

#include <string.h>

#include "engine/soft/debug.h"
#include "engine/soft/fault.h"
#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/walk.h"

enum {
	TYPE_W = 2, /* of data; of code: readable */
	TYPE_C = 4,
	TYPE_CODE = 8,
	SYS_LDT = 2,
	SYS_TSS16 = 1,
	SYS_TSS32 = 9,
	SYS_BUSY = 2,
	TSS32_BYTES = 0x68,
	TSS16_BYTES = 0x2c
};
#define DR6_BT    (1u << 15)
#define DR7_LOCAL 0x155u
#define DESC_BUSY (1ull << 41)

/* Where a TSS of either kind has what. */
struct layout {
	unsigned bytes, word; /* of a register */
	unsigned cr3, eip;    /* then flags and eight registers */
	unsigned seg;         /* ES CS SS DS ... and the LDT */
	unsigned nsegs;
};
static const struct layout layout32 = { TSS32_BYTES, 4, 0x1c, 0x20, 0x48, 6 };
static const struct layout layout16 = { TSS16_BYTES, 2, 0, 0x0e, 0x22, 4 };

/* A task on its way in. */
struct task {
	struct x86_segment tr;
	uint64_t desc;
	const struct layout *l;
	uint8_t tss[TSS32_BYTES];
	unsigned ext;
};

static uint32_t
get(const struct task *t, unsigned at)
{
	uint32_t v = 0;

	memcpy(&v, t->tss + at, t->l->word);
	return v;
}

static bool
ts(struct cpu *c, uint16_t sel, unsigned ext)
{
	return fault_set_error(c, X86_TS, (sel & 0xfffcu) | ext);
}

static const struct layout *
layout_of(const struct x86_segment *tr)
{
	return (tr->attr & SYS_TSS32) == SYS_TSS32 ? &layout32 : &layout16;
}

/* The new task's TSS, by the rules of who asks for it. */
static bool
find_tss(struct cpu *c, enum task_reason why, uint16_t sel, struct task *t)
{
	uint8_t vector = why == TASK_IRET ? X86_TS : X86_GP;
	unsigned want = why == TASK_IRET ? SYS_BUSY : 0, type;

	if ((sel & 4) || (sel & ~3u) == 0)
		return fault_set_error(c, vector, (sel & 0xfffcu) | t->ext);
	if (!seg_descriptor(c, sel, &t->desc))
		return c->exc.pending
		           ? false
		           : fault_set_error(c, vector,
		                             (sel & 0xfffcu) | t->ext);
	seg_unpack(&t->tr, sel, t->desc);
	type = t->tr.attr & (X86_ATTR_S | X86_ATTR_TYPE);
	if (type != (SYS_TSS16 | want) && type != (SYS_TSS32 | want))
		return fault_set_error(c, vector, (sel & 0xfffcu) | t->ext);
	if (!(t->tr.attr & X86_ATTR_P))
		return fault_set_error(c, X86_NP, (sel & 0xfffcu) | t->ext);
	t->l = layout_of(&t->tr);
	if (t->tr.limit < t->l->bytes - 1)
		return ts(c, sel, t->ext);
	return mmu_read_sys(c, t->tr.base, t->tss, t->l->bytes);
}

static void
put(uint8_t *at, unsigned word, uint64_t v)
{
	memcpy(at, &v, word);
}

/* The current task into its TSS: from EIP to the last segment. */
static bool
save(struct cpu *c, enum task_reason why, uint64_t next)
{
	const struct x86_segment *tr = &c->seg[X86_TR];
	const struct layout *l = layout_of(tr);
	unsigned n = l->seg + l->nsegs * l->word - l->eip;
	uint32_t flags = cpu_rflags(c);
	uint8_t b[TSS32_BYTES];

	if (tr->limit < l->bytes - 1)
		return ts(c, tr->sel, 0);
	/* What is not written stays: the upper halves of selectors. */
	if (!mmu_read_sys(c, tr->base + l->eip, b, n))
		return false;
	if (why == TASK_IRET)
		flags &= ~X86_FL_NT;
	put(b, l->word, next);
	put(b + l->word, l->word, flags);
	for (unsigned i = 0; i < 8; i++)
		put(b + (2 + i) * l->word, l->word, c->gpr[i]);
	for (unsigned i = 0; i < l->nsegs; i++)
		put(b + l->seg - l->eip + i * l->word, 2, c->seg[i].sel);
	return mmu_write_sys(c, tr->base + l->eip, b, n);
}

static bool
set_busy(struct cpu *c, uint16_t sel, bool busy)
{
	uint64_t at = c->gdtr.base + (sel & 0xfff8u) + 5;
	uint8_t type;

	if (!mmu_read_sys(c, at, &type, 1))
		return false;
	type = busy ? type | SYS_BUSY : type & (uint8_t)~SYS_BUSY;
	return mmu_write_sys(c, at, &type, 1);
}

/* The new task's page tables. False: reserved bits are set in what CR3 points
 * to, and the old ones stay. */
static bool
take_cr3(struct cpu *c, uint64_t cr3)
{
	if ((c->cr4 & X86_CR4_PAE) && !walk_load_pdptes(c, cr3))
		return false;
	c->cr3 = cr3;
	mmu_flush_local(c);
	return true;
}

/* Everything of the new task that needs no descriptor. False: all but CR3. */
static bool
take_registers(struct cpu *c, enum task_reason why, const struct task *t)
{
	const struct layout *l = t->l;
	uint32_t flags = get(t, l->eip + l->word);
	bool ok = true;

	if (why == TASK_CALL || why == TASK_INT)
		flags |= X86_FL_NT;
	if (l->word == 2) {
		flags &= 0xffff;
	} else if (c->cr0 & X86_CR0_PG) {
		ok = take_cr3(c, get(t, l->cr3));
	}
	c->seg[X86_TR] = t->tr;
	c->seg[X86_TR].attr |= SYS_BUSY;
	c->cr0 |= X86_CR0_TS;
	c->dr7 &= ~(uint64_t)DR7_LOCAL;
	cpu_set_rflags(c, (flags & 0x3f7fd7u) | X86_FL_ONE);
	for (unsigned i = 0; i < 8; i++)
		c->gpr[i] = get(t, l->eip + (2 + i) * l->word);
	c->rip = get(t, l->eip);
	for (unsigned i = 0; i < 6; i++)
		seg_null(&c->seg[i], 0);
	for (unsigned i = 0; i < l->nsegs; i++)
		c->seg[i].sel = (uint16_t)get(t, l->seg + i * l->word);
	seg_null(&c->seg[X86_LDTR],
	         (uint16_t)get(t, l->seg + l->nsegs * l->word));
	c->cpl = c->rflags & X86_FL_VM ? 3 : c->seg[X86_CS].sel & 3;
	return ok;
}

/* A descriptor, or #TS(sel). */
static bool
descriptor(struct cpu *c, const struct task *t, uint16_t sel,
           struct x86_segment *s, uint64_t *desc)
{
	if (!seg_descriptor(c, sel, desc))
		return c->exc.pending ? false : ts(c, sel, t->ext);
	seg_unpack(s, sel, *desc);
	return true;
}

static bool
load_ldt(struct cpu *c, const struct task *t)
{
	uint16_t sel = c->seg[X86_LDTR].sel;
	struct x86_segment s;
	uint64_t desc = 0;

	if ((sel & ~3u) == 0)
		return true;
	if (sel & 4)
		return ts(c, sel, t->ext);
	if (!descriptor(c, t, sel, &s, &desc))
		return false;
	if ((s.attr & (X86_ATTR_S | X86_ATTR_TYPE | X86_ATTR_P)) !=
	    (SYS_LDT | X86_ATTR_P))
		return ts(c, sel, t->ext);
	c->seg[X86_LDTR] = s;
	return true;
}

static bool
load_cs(struct cpu *c, const struct task *t)
{
	uint16_t sel = c->seg[X86_CS].sel;
	struct x86_segment s;
	uint64_t desc = 0;
	unsigned dpl;

	if (!descriptor(c, t, sel, &s, &desc))
		return false;
	dpl = X86_ATTR_DPL(s.attr);
	if (!(s.attr & X86_ATTR_S) || !(s.attr & TYPE_CODE) ||
	    (s.attr & TYPE_C ? dpl > (sel & 3u) : dpl != (sel & 3u)))
		return ts(c, sel, t->ext);
	if (!(s.attr & X86_ATTR_P))
		return fault_set_error(c, X86_NP, (sel & 0xfffcu) | t->ext);
	if (!seg_touch(c, sel, desc))
		return false;
	c->seg[X86_CS] = s;
	return true;
}

static bool
load_data(struct cpu *c, const struct task *t, unsigned seg)
{
	uint16_t sel = c->seg[seg].sel;
	struct x86_segment s;
	uint64_t desc = 0;
	unsigned dpl;
	bool conforming;

	if ((sel & ~3u) == 0)
		return true;
	if (!descriptor(c, t, sel, &s, &desc))
		return false;
	dpl = X86_ATTR_DPL(s.attr);
	conforming = (s.attr & (TYPE_CODE | TYPE_C)) == (TYPE_CODE | TYPE_C);
	if (!(s.attr & X86_ATTR_S) ||
	    (s.attr & (TYPE_CODE | TYPE_W)) == TYPE_CODE ||
	    (!conforming && (dpl < c->cpl || dpl < (sel & 3u))))
		return ts(c, sel, t->ext);
	if (!(s.attr & X86_ATTR_P))
		return fault_set_error(c, X86_NP, (sel & 0xfffcu) | t->ext);
	if (!seg_touch(c, sel, desc))
		return false;
	c->seg[seg] = s;
	return true;
}

static bool
load_segments(struct cpu *c, const struct task *t)
{
	static const uint8_t data[] = { X86_ES, X86_DS, X86_FS, X86_GS };

	if (!load_ldt(c, t))
		return false;
	if (c->rflags & X86_FL_VM) {
		for (unsigned i = 0; i < 6; i++)
			seg_v86(&c->seg[i], c->seg[i].sel);
		return true;
	}
	if (!load_cs(c, t))
		return false;
	if (!seg_check_stack(c, c->seg[X86_SS].sel, c->cpl, X86_TS, t->ext,
	                     &c->seg[X86_SS]))
		return false;
	for (unsigned i = 0; i < sizeof(data); i++)
		if (!load_data(c, t, data[i]))
			return false;
	return true;
}

/* In the new task: what may fail there. */
static void
arrive(struct cpu *c, const struct task *t, bool has_cr3, const uint32_t *error)
{
	uint64_t sp = c->gpr[X86_RSP];
	bool ok = load_segments(c, t);

	cpu_mode_update(c);
	debug_update(c);
	if (!ok)
		return;
	if (!has_cr3) {
		(void)fault_set_error(c, X86_GP, t->ext);
		return;
	}
	if (error != NULL) {
		if (!seg_push(c, &sp, t->l->word, *error))
			return;
		seg_set_sp(c, sp);
	}
	if (c->rip > c->seg[X86_CS].limit)
		(void)fault_set_error(c, X86_GP, t->ext);
	else if (t->l->word == 4 && (t->tss[0x64] & 1))
		fault_debug(c, DR6_BT);
}

bool
task_switch(struct cpu *c, enum task_reason why, uint16_t sel, uint64_t next,
            unsigned ext, const uint32_t *error)
{
	uint16_t old = c->seg[X86_TR].sel;
	struct task t = { .ext = ext };
	bool has_cr3;

	if (!find_tss(c, why, sel, &t) || !save(c, why, next))
		return false;
	if ((why == TASK_JMP || why == TASK_IRET) && !set_busy(c, old, false))
		return false;
	if ((why == TASK_CALL || why == TASK_INT) &&
	    !mmu_write_sys(c, t.tr.base, &old, 2))
		return false;
	if (why != TASK_IRET && !set_busy(c, sel, true))
		return false;
	c->exc.pending = false;
	has_cr3 = take_registers(c, why, &t);
	arrive(c, &t, has_cr3, error);
	return true;
}

bool
task_return(struct cpu *c, uint64_t next)
{
	uint16_t link;

	if (c->seg[X86_TR].limit < 1)
		return ts(c, c->seg[X86_TR].sel, 0);
	if (!mmu_read_sys(c, c->seg[X86_TR].base, &link, 2))
		return false;
	return task_switch(c, TASK_IRET, link, next, 0, NULL);
}
