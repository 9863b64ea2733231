/* SPDX-License-Identifier: BSD-2-Clause */
/* fault.c - exceptions and interrupts delivered: real mode's table, gates of
 * 32 and 64 bits, stacks of inner rings, IST; what a fault in a delivery
 * becomes. Source: SDM 3A 6.12 to 6.15.
 *
 * A delivery that fails has changed nothing but memory below the stack it
 * would have used and accessed bits.
 */
#include "engine/soft/fault.h"

#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/task.h"

enum {
	ERR_EXT = 1,
	ERR_IDT = 2,
	TYPE_C = 4,
	TYPE_CODE = 8,
	DR7_GD = 1 << 13,
	GATE_TASK = 5,
	MAX_TASKS = 16, /* that fault before their first instruction */
	GATE_INT16 = 6,
	GATE_TRAP16 = 7,
	GATE_INT32 = 14, /* of 64 bits in long mode */
	GATE_TRAP32 = 15
};

bool
fault_set(struct cpu *c, uint8_t vector)
{
	c->exc = (struct cpu_exception){ .pending = true, .vector = vector };
	return false;
}

bool
fault_set_error(struct cpu *c, uint8_t vector, uint32_t error)
{
	fault_set(c, vector);
	c->exc.has_error = true;
	c->exc.error = error;
	return false;
}

bool
fault_page(struct cpu *c, uint64_t la, uint32_t error)
{
	fault_set_error(c, X86_PF, error);
	c->exc.cr2 = la;
	return false;
}

void
fault_debug(struct cpu *c, uint32_t dr6_bits)
{
	c->dr6 |= dr6_bits;
	fault_set(c, X86_DB);
}

const struct uop *
cpu_fault_set(struct cpu *c, const struct uop *u)
{
	c->rip += u->roff;
	return NULL;
}

const struct uop *
cpu_fault(struct cpu *c, const struct uop *u, uint8_t vector)
{
	fault_set(c, vector);
	return cpu_fault_set(c, u);
}

const struct uop *
cpu_fault_error(struct cpu *c, const struct uop *u, uint8_t vector,
                uint32_t error)
{
	fault_set_error(c, vector, error);
	return cpu_fault_set(c, u);
}

/* What is being delivered. */
struct event {
	uint8_t vector;
	bool has_error, software; /* software: the gate's DPL counts */
	uint32_t error;
	unsigned ext; /* EXT of error codes that arise */
	uint64_t rip;
	uint32_t flags; /* the image to push */
};

/* The handler: where its gate leads. */
struct gate {
	struct x86_segment cs;
	uint64_t desc, rip;
	unsigned type, ist, cpl, size; /* size of what is pushed */
	uint16_t tss;                  /* of a task gate */
};

static bool
gp(struct cpu *c, const struct event *e, uint16_t sel)
{
	return fault_set_error(c, X86_GP, (sel & 0xfffcu) | e->ext);
}

static bool
gate_fault(struct cpu *c, const struct event *e, uint8_t vector)
{
	return fault_set_error(c, vector, e->vector * 8u | ERR_IDT | e->ext);
}

static bool
deliver_real(struct cpu *c, const struct event *e)
{
	uint64_t sp = c->gpr[X86_RSP];
	uint16_t to[2];

	if (e->vector * 4u + 3 > c->idtr.limit)
		return gate_fault(c, e, X86_GP);
	if (!mmu_read_sys(c, c->idtr.base + e->vector * 4u, to, 4) ||
	    !seg_push(c, &sp, 2, e->flags) ||
	    !seg_push(c, &sp, 2, c->seg[X86_CS].sel) ||
	    !seg_push(c, &sp, 2, e->rip))
		return false;
	seg_set_sp(c, sp);
	c->seg[X86_CS].sel = to[1];
	c->seg[X86_CS].base = (uint32_t)to[1] << 4;
	c->rip = to[0];
	c->rflags &= ~(X86_FL_IF | X86_FL_TF | X86_FL_AC | X86_FL_RF);
	cpu_mode_update(c);
	return true;
}

static bool
read_gate(struct cpu *c, const struct event *e, uint64_t w[2])
{
	unsigned size = cpu_long(c) ? 16 : 8;

	w[1] = 0;
	if (e->vector * size + size - 1 > c->idtr.limit)
		return gate_fault(c, e, X86_GP);
	return mmu_read_sys(c, c->idtr.base + e->vector * size, w, size);
}

static bool
gate_type_ok(const struct cpu *c, unsigned type)
{
	if (type == GATE_INT32 || type == GATE_TRAP32)
		return true;
	return !cpu_long(c) &&
	       (type == GATE_INT16 || type == GATE_TRAP16 || type == GATE_TASK);
}

/* The code segment a gate names. */
static bool
gate_code(struct cpu *c, const struct event *e, uint16_t sel, struct gate *g)
{
	unsigned dpl;

	if ((sel & ~3u) == 0)
		return gp(c, e, 0);
	if (!seg_descriptor(c, sel, &g->desc))
		return c->exc.pending ? false : gp(c, e, sel);
	seg_unpack(&g->cs, sel, g->desc);
	dpl = X86_ATTR_DPL(g->cs.attr);
	if ((g->cs.attr & (X86_ATTR_S | TYPE_CODE)) !=
	        (X86_ATTR_S | TYPE_CODE) ||
	    dpl > c->cpl)
		return gp(c, e, sel);
	if (!(g->cs.attr & X86_ATTR_P))
		return fault_set_error(c, X86_NP, (sel & 0xfffcu) | e->ext);
	if (cpu_long(c) &&
	    (g->cs.attr & (X86_ATTR_L | X86_ATTR_DB)) != X86_ATTR_L)
		return gp(c, e, sel);
	g->cpl = g->cs.attr & TYPE_C ? c->cpl : dpl;
	if ((c->rflags & X86_FL_VM) && g->cpl != 0)
		return gp(c, e, sel);
	return true;
}

static bool
find_gate(struct cpu *c, const struct event *e, struct gate *g)
{
	uint64_t w[2];

	if (!read_gate(c, e, w))
		return false;
	g->type = w[0] >> 40 & 0x1f;
	if (!gate_type_ok(c, g->type))
		return gate_fault(c, e, X86_GP);
	if (e->software && (w[0] >> 45 & 3) < c->cpl)
		return gate_fault(c, e, X86_GP);
	if (!(w[0] >> 47 & 1))
		return gate_fault(c, e, X86_NP);
	g->tss = (uint16_t)(w[0] >> 16);
	if (g->type == GATE_TASK)
		return true;
	g->ist = cpu_long(c) ? w[0] >> 32 & 7 : 0;
	g->size = cpu_long(c) ? 8 : g->type & 8 ? 4 : 2;
	g->rip = (w[0] & 0xffff) |
	         (g->size > 2 ? w[0] >> 32 & 0xffff0000u : 0) | w[1] << 32;
	if (!gate_code(c, e, (uint16_t)(w[0] >> 16), g))
		return false;
	if (cpu_long(c) ? !la_canonical(g->rip) : g->rip > g->cs.limit)
		return gp(c, e, 0);
	return true;
}

/* Take the gate: the frame is written, sp points to it. */
static void
enter(struct cpu *c, const struct gate *g, uint64_t sp)
{
	uint32_t off = X86_FL_TF | X86_FL_NT | X86_FL_RF | X86_FL_VM;

	if (!(g->type & 1))
		off |= X86_FL_IF;
	c->rflags &= ~off;
	c->seg[X86_CS] = g->cs;
	c->seg[X86_CS].sel = (uint16_t)((g->cs.sel & ~3u) | g->cpl);
	c->cpl = (uint8_t)g->cpl;
	c->rip = g->rip;
	cpu_mode_update(c);
	seg_set_sp(c, sp);
}

static bool
stack64(struct cpu *c, const struct event *e, const struct gate *g,
        uint64_t *sp)
{
	const struct x86_segment *tr = &c->seg[X86_TR];
	uint16_t none;

	*sp = c->gpr[X86_RSP];
	if (g->ist != 0) {
		uint64_t off = 0x1c + 8ull * g->ist;

		if (off + 7 > tr->limit)
			return fault_set_error(c, X86_TS,
			                       (tr->sel & 0xfffcu) | e->ext);
		if (!mmu_read_sys(c, tr->base + off, sp, 8))
			return false;
	} else if (g->cpl < c->cpl) {
		if (!seg_tss_stack(c, g->cpl, e->ext, &none, sp))
			return false;
	}
	*sp &= ~15ull;
	if (!la_canonical(*sp - 48))
		return fault_set_error(c, X86_SS_FAULT, e->ext);
	return true;
}

static bool
deliver64(struct cpu *c, const struct event *e, const struct gate *g)
{
	uint64_t frame[6] = { e->error, e->rip,          c->seg[X86_CS].sel,
		              e->flags, c->gpr[X86_RSP], c->seg[X86_SS].sel };
	unsigned from = e->has_error ? 0 : 1, len = (6 - from) * 8;
	uint64_t sp;

	if (!stack64(c, e, g, &sp))
		return false;
	sp -= len;
	if (g->cpl == 3 ? !mmu_write(c, sp, &frame[from], len)
	                : !mmu_write_sys(c, sp, &frame[from], len))
		return false;
	if (!seg_touch(c, g->cs.sel, g->desc))
		return false;
	if (g->cpl < c->cpl)
		seg_null(&c->seg[X86_SS], (uint16_t)g->cpl);
	enter(c, g, sp);
	return true;
}

static bool
deliver32(struct cpu *c, const struct event *e, const struct gate *g)
{
	struct x86_segment ss = c->seg[X86_SS];
	uint64_t sp = c->gpr[X86_RSP];
	bool inner = g->cpl < c->cpl, v86 = (c->rflags & X86_FL_VM) != 0;
	static const uint8_t segs[] = { X86_GS, X86_FS, X86_DS, X86_ES };
	uint64_t push[10];
	unsigned n = 0;

	for (unsigned i = 0; v86 && i < sizeof(segs); i++)
		push[n++] = c->seg[segs[i]].sel;
	if (inner) {
		uint16_t sel;

		if (!seg_tss_stack(c, g->cpl, e->ext, &sel, &sp) ||
		    !seg_check_stack(c, sel, g->cpl, X86_TS, e->ext, &ss))
			return false;
		push[n++] = c->seg[X86_SS].sel;
		push[n++] = c->gpr[X86_RSP];
	}
	push[n++] = e->flags;
	push[n++] = c->seg[X86_CS].sel;
	push[n++] = e->rip;
	if (e->has_error)
		push[n++] = e->error;
	for (unsigned i = 0; i < n; i++)
		if (!seg_push_on(c, &ss, g->cpl, &sp, g->size, push[i])) {
			if (c->exc.vector == X86_SS_FAULT)
				c->exc.error |= e->ext;
			return false;
		}
	if (!seg_touch(c, g->cs.sel, g->desc))
		return false;
	c->seg[X86_SS] = ss;
	for (unsigned i = 0; v86 && i < sizeof(segs); i++)
		seg_null(&c->seg[segs[i]], 0);
	enter(c, g, sp);
	return true;
}

/* c->exc may be pending afterwards: what is wrong in the other task. The image
 * of the flags is the one this task's TSS gets; without a switch there is
 * none. */
static bool
deliver_task(struct cpu *c, const struct event *e, const struct gate *g)
{
	uint32_t was = c->rflags;

	c->rflags = (was & ~X86_FL_RF) | (e->flags & X86_FL_RF);
	if (task_switch(c, TASK_INT, g->tss, e->rip, e->ext,
	                e->has_error ? &e->error : NULL))
		return true;
	c->rflags = was;
	return false;
}

static bool
deliver(struct cpu *c, const struct event *e)
{
	struct gate g;
	bool was = c->delivering, ok;

	c->delivering = true;
	if (!(c->cr0 & X86_CR0_PE))
		ok = deliver_real(c, e);
	else if (!find_gate(c, e, &g))
		ok = false;
	else if (g.type == GATE_TASK)
		ok = deliver_task(c, e, &g);
	else
		ok = cpu_long(c) ? deliver64(c, e, &g) : deliver32(c, e, &g);
	c->delivering = was;
	return ok;
}

/* Classes of SDM 3A table 6-4. */
static bool
is_contributory(uint8_t v)
{
	return v == X86_DE || (v >= X86_TS && v <= X86_GP);
}

static bool
is_fault(uint8_t v)
{
	return v < 32 && v != X86_DB && v != X86_BP && v != X86_OF &&
	       v != X86_NMI && v != X86_DF && v != X86_MC;
}

/* c->exc, and whatever its delivery raises, until one is delivered. Tasks that
 * fault as they begin could call each other for ever, while nobody could stop
 * the vCPU: a processor with so many shuts down. */
bool
fault_deliver(struct cpu *c)
{
	unsigned tasks = 0;

	for (;;) {
		struct cpu_exception x = c->exc;
		struct event e = { .vector = x.vector,
			           .has_error =
			               x.has_error && (c->cr0 & X86_CR0_PE),
			           .error = x.error,
			           .ext = ERR_EXT,
			           .rip = c->rip,
			           .flags = cpu_rflags(c) };

		c->exc.pending = false;
		if (x.vector == X86_PF)
			c->cr2 = x.cr2;
		if (is_fault(x.vector) || x.rf)
			e.flags |= X86_FL_RF;
		if (x.vector == X86_DB)
			c->dr7 &= ~(uint64_t)DR7_GD;
		if (deliver(c, &e)) {
			if (!c->exc.pending)
				return true;
			if (++tasks == MAX_TASKS)
				return false;
			continue;
		}
		if (x.vector == X86_DF)
			return false;
		if ((is_contributory(x.vector) &&
		     is_contributory(c->exc.vector)) ||
		    (x.vector == X86_PF && (c->exc.vector == X86_PF ||
		                            is_contributory(c->exc.vector)))) {
			if (c->exc.vector == X86_PF)
				c->cr2 = c->exc.cr2;
			fault_set_error(c, X86_DF, 0);
		}
	}
}

bool
fault_interrupt(struct cpu *c, uint8_t vector)
{
	struct event e = { .vector = vector,
		           .ext = ERR_EXT,
		           .rip = c->rip,
		           .flags = cpu_rflags(c) };

	c->exc.pending = false;
	if (deliver(c, &e) && !c->exc.pending)
		return true;
	return fault_deliver(c);
}

bool
fault_software(struct cpu *c, uint8_t vector, uint64_t next, bool checked)
{
	struct event e = { .vector = vector,
		           .software = checked,
		           .ext = checked ? 0 : ERR_EXT,
		           .rip = next,
		           .flags = cpu_rflags(c) };

	if (deliver(c, &e))
		return true;
	c->exc.soft = true;
	return false;
}
