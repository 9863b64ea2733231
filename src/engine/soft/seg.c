/* SPDX-License-Identifier: BSD-2-Clause */
/* seg.c - segment registers: limits, descriptor loads, stacks.
 *
 * In real mode a load sets selector and base and leaves limit and attributes,
 * so that unreal mode needs nothing of its own; in virtual-8086 mode it sets
 * all.
 */
#include "engine/soft/seg.h"

#include "engine/soft/fault.h"
#include "engine/soft/mmu.h"

enum {
	TYPE_A = 1,
	TYPE_W = 2, /* of data; of code: readable */
	TYPE_C = 4, /* of code: conforming; of data: expands down */
	TYPE_CODE = 8,
	SYS_LDT = 2,
	SYS_TSS16 = 1,
	SYS_TSS = 9,
	SYS_BUSY = 2,
	ATTR_V86 = 0xf3 /* present, DPL 3, writable, accessed */
};
#define DESC_A    (1ull << 40)
#define DESC_BUSY (1ull << 41)

static bool
sel_fault(struct cpu *c, uint8_t vector, uint16_t sel, unsigned ext)
{
	return fault_set_error(c, vector, (sel & 0xfffcu) | ext);
}

/* Limits */

static bool
type_allows(const struct x86_segment *s, bool write)
{
	if (s->attr & X86_ATTR_UNUSABLE)
		return false;
	if (s->attr & TYPE_CODE)
		return !write && (s->attr & TYPE_W);
	return !write || (s->attr & TYPE_W);
}

static bool
within_limit(const struct x86_segment *s, uint64_t off, unsigned size)
{
	uint64_t last = off + (size == 0 ? 0 : size - 1);

	if ((s->attr & (TYPE_CODE | TYPE_C)) == TYPE_C &&
	    (s->attr & X86_ATTR_S))
		return off > s->limit &&
		       last <= (s->attr & X86_ATTR_DB ? 0xffffffffu : 0xffffu);
	return last <= s->limit;
}

bool
seg_la_in(struct cpu *c, const struct x86_segment *s, bool stack, uint64_t off,
          unsigned size, bool write, uint64_t *la)
{
	if ((cpu_protected(c) && !type_allows(s, write)) ||
	    !within_limit(s, off, size))
		return fault_set_error(c, stack ? X86_SS_FAULT : X86_GP, 0);
	*la = (uint32_t)(s->base + off);
	return true;
}

bool
seg_la(struct cpu *c, unsigned seg, uint64_t off, unsigned size, bool write,
       uint64_t *la)
{
	if (!cpu_code64(c))
		return seg_la_in(c, &c->seg[seg], seg == X86_SS, off, size,
		                 write, la);
	if (seg == X86_FS || seg == X86_GS)
		off += c->seg[seg].base;
	if (!la_canonical(off) && seg == X86_SS)
		return fault_set_error(c, X86_SS_FAULT, 0);
	*la = off;
	return true;
}

/* Descriptors */

bool
seg_descriptor(struct cpu *c, uint16_t sel, uint64_t *desc)
{
	uint64_t base = c->gdtr.base, limit = c->gdtr.limit;
	uint64_t at = sel & 0xfff8u;

	c->exc.pending = false;
	if (sel & 4) {
		const struct x86_segment *ldt = &c->seg[X86_LDTR];

		if ((ldt->attr & X86_ATTR_UNUSABLE) || (ldt->sel & ~3u) == 0)
			return false;
		base = ldt->base;
		limit = ldt->limit;
	} else if (at == 0) {
		return false;
	}
	if (at + 7 > limit)
		return false;
	return mmu_read_sys(c, base + at, desc, 8);
}

/* The descriptor, or vector(sel) when there is none. */
static bool
need_descriptor(struct cpu *c, uint16_t sel, uint8_t vector, unsigned ext,
                uint64_t *desc)
{
	if (seg_descriptor(c, sel, desc))
		return true;
	return c->exc.pending ? false : sel_fault(c, vector, sel, ext);
}

void
seg_unpack(struct x86_segment *s, uint16_t sel, uint64_t desc)
{
	uint32_t limit = (uint32_t)((desc & 0xffff) | (desc >> 32 & 0xf0000));

	s->sel = sel;
	s->attr = (uint32_t)(desc >> 40) & 0xf0ff;
	s->base = (desc >> 16 & 0xffffff) | (desc >> 32 & 0xff000000);
	s->limit = s->attr & X86_ATTR_G ? limit << 12 | 0xfff : limit;
}

void
seg_v86(struct x86_segment *s, uint16_t sel)
{
	*s = (struct x86_segment){ .base = (uint32_t)sel << 4,
		                   .limit = 0xffff,
		                   .attr = ATTR_V86,
		                   .sel = sel };
}

void
seg_null(struct x86_segment *s, uint16_t sel)
{
	*s = (struct x86_segment){ .sel = sel, .attr = X86_ATTR_UNUSABLE };
}

static bool
set_desc_bit(struct cpu *c, uint16_t sel, uint64_t desc, uint64_t bit)
{
	uint64_t base = sel & 4 ? c->seg[X86_LDTR].base : c->gdtr.base;
	uint8_t type = (uint8_t)((desc | bit) >> 40);

	if (desc & bit)
		return true;
	return mmu_write_sys(c, base + (sel & 0xfff8u) + 5, &type, 1);
}

bool
seg_touch(struct cpu *c, uint16_t sel, uint64_t desc)
{
	return set_desc_bit(c, sel, desc, DESC_A);
}

/* Loads */

static bool
check_data(struct cpu *c, const struct x86_segment *s, uint16_t sel)
{
	unsigned dpl = X86_ATTR_DPL(s->attr), rpl = sel & 3;

	if (!(s->attr & X86_ATTR_S) ||
	    (s->attr & (TYPE_CODE | TYPE_W)) == TYPE_CODE)
		return sel_fault(c, X86_GP, sel, 0);
	if ((s->attr & (TYPE_CODE | TYPE_C)) != (TYPE_CODE | TYPE_C) &&
	    (rpl > dpl || c->cpl > dpl))
		return sel_fault(c, X86_GP, sel, 0);
	if (!(s->attr & X86_ATTR_P))
		return sel_fault(c, X86_NP, sel, 0);
	return true;
}

bool
seg_check_stack(struct cpu *c, uint16_t sel, unsigned cpl, uint8_t vector,
                unsigned ext, struct x86_segment *out)
{
	uint64_t desc = 0;

	if ((sel & ~3u) == 0)
		return sel_fault(c, vector, 0, ext);
	if (!need_descriptor(c, sel, vector, ext, &desc))
		return false;
	seg_unpack(out, sel, desc);
	if ((sel & 3) != cpl || X86_ATTR_DPL(out->attr) != cpl ||
	    !(out->attr & X86_ATTR_S) ||
	    (out->attr & (TYPE_CODE | TYPE_W)) != TYPE_W)
		return sel_fault(c, vector, sel, ext);
	if (!(out->attr & X86_ATTR_P))
		return sel_fault(c, X86_SS_FAULT, sel, ext);
	return seg_touch(c, sel, desc);
}

static bool
load_ss(struct cpu *c, uint16_t sel)
{
	struct x86_segment s;

	if ((sel & ~3u) == 0 && cpu_code64(c) && c->cpl < 3 &&
	    (sel & 3) == c->cpl)
		seg_null(&s, sel);
	else if (!seg_check_stack(c, sel, c->cpl, X86_GP, 0, &s))
		return false;
	c->seg[X86_SS] = s;
	return true;
}

bool
seg_load(struct cpu *c, unsigned seg, uint16_t sel)
{
	struct x86_segment s;
	uint64_t desc = 0;

	if (c->rflags & X86_FL_VM) {
		seg_v86(&c->seg[seg], sel);
		cpu_mode_update(c);
		return true;
	}
	if (!cpu_protected(c)) {
		c->seg[seg].sel = sel;
		c->seg[seg].base = (uint32_t)sel << 4;
		cpu_mode_update(c);
		return true;
	}
	if (seg == X86_SS) {
		if (!load_ss(c, sel))
			return false;
	} else if ((sel & ~3u) == 0) {
		seg_null(&c->seg[seg], sel);
	} else {
		if (!need_descriptor(c, sel, X86_GP, 0, &desc))
			return false;
		seg_unpack(&s, sel, desc);
		if (!check_data(c, &s, sel) || !seg_touch(c, sel, desc))
			return false;
		c->seg[seg] = s;
	}
	cpu_mode_update(c);
	return true;
}

/* LDT and TSS descriptors: 16 bytes in long mode. */
static bool
load_system(struct cpu *c, uint16_t sel, struct x86_segment *s, uint64_t *desc)
{
	uint64_t high;

	if (sel & 4)
		return sel_fault(c, X86_GP, sel, 0);
	if (!need_descriptor(c, sel, X86_GP, 0, desc))
		return false;
	seg_unpack(s, sel, *desc);
	if (!cpu_long(c))
		return true;
	if ((sel & 0xfff8u) + 15 > c->gdtr.limit)
		return sel_fault(c, X86_GP, sel, 0);
	if (!mmu_read_sys(c, c->gdtr.base + (sel & 0xfff8u) + 8, &high, 8))
		return false;
	s->base |= high << 32;
	if ((high >> 40 & 0x1f) != 0 || !la_canonical(s->base))
		return sel_fault(c, X86_GP, sel, 0);
	return true;
}

bool
seg_load_ldt(struct cpu *c, uint16_t sel)
{
	struct x86_segment s;
	uint64_t desc = 0;

	if ((sel & ~3u) == 0) {
		seg_null(&c->seg[X86_LDTR], sel);
		return true;
	}
	if (!load_system(c, sel, &s, &desc))
		return false;
	if ((s.attr & (X86_ATTR_S | X86_ATTR_TYPE)) != SYS_LDT)
		return sel_fault(c, X86_GP, sel, 0);
	if (!(s.attr & X86_ATTR_P))
		return sel_fault(c, X86_NP, sel, 0);
	c->seg[X86_LDTR] = s;
	return true;
}

bool
seg_load_tr(struct cpu *c, uint16_t sel)
{
	struct x86_segment s;
	uint64_t desc = 0;
	unsigned type;

	if ((sel & ~3u) == 0)
		return fault_set_error(c, X86_GP, 0);
	if (!load_system(c, sel, &s, &desc))
		return false;
	type = s.attr & (X86_ATTR_S | X86_ATTR_TYPE);
	if (type != SYS_TSS && (type != SYS_TSS16 || cpu_long(c)))
		return sel_fault(c, X86_GP, sel, 0);
	if (!(s.attr & X86_ATTR_P))
		return sel_fault(c, X86_NP, sel, 0);
	if (!set_desc_bit(c, sel, desc, DESC_BUSY))
		return false;
	s.attr |= SYS_BUSY;
	c->seg[X86_TR] = s;
	return true;
}

/* Stacks */

static bool
tss_fault(struct cpu *c, unsigned ext)
{
	return sel_fault(c, X86_TS, c->seg[X86_TR].sel, ext);
}

bool
seg_tss_stack(struct cpu *c, unsigned cpl, unsigned ext, uint16_t *sel,
              uint64_t *sp)
{
	const struct x86_segment *tr = &c->seg[X86_TR];
	unsigned off, size;
	uint8_t b[8] = { 0 };

	*sel = 0;
	if (cpu_long(c)) {
		if (4 + 8 * cpl + 7 > tr->limit)
			return tss_fault(c, ext);
		return mmu_read_sys(c, tr->base + 4 + 8ull * cpl, sp, 8);
	}
	size = (tr->attr & SYS_TSS) == SYS_TSS ? 6 : 4;
	off = size == 6 ? 4 + 8 * cpl : 2 + 4 * cpl;
	if (off + size - 1 > tr->limit)
		return tss_fault(c, ext);
	if (!mmu_read_sys(c, tr->base + off, b, size))
		return false;
	*sp = (uint64_t)(b[0] | b[1] << 8);
	if (size == 6)
		*sp |= (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24;
	*sel = (uint16_t)(b[size - 2] | b[size - 1] << 8);
	return true;
}

/* What of a stack pointer counts. */
static uint64_t
sp_mask(const struct cpu *c)
{
	if (c->mode & CM_STACK16)
		return 0xffff;
	return c->mode & CM_STACK32 ? 0xffffffffu : UINT64_MAX;
}

static uint64_t
sp_add(uint64_t sp, int64_t n, uint64_t mask)
{
	return (sp & ~mask) | ((sp + (uint64_t)n) & mask);
}

bool
seg_push(struct cpu *c, uint64_t *sp, unsigned size, uint64_t v)
{
	uint64_t mask = sp_mask(c), new = sp_add(*sp, -(int64_t)size, mask), la;

	if (!seg_la(c, X86_SS, new &mask, size, true, &la) ||
	    !mmu_write(c, la, &v, size))
		return false;
	*sp = new;
	return true;
}

bool
seg_pop(struct cpu *c, uint64_t *sp, unsigned size, uint64_t *v)
{
	uint64_t mask = sp_mask(c), la;

	*v = 0;
	if (!seg_la(c, X86_SS, *sp & mask, size, false, &la) ||
	    !mmu_read(c, la, v, size))
		return false;
	*sp = sp_add(*sp, size, mask);
	return true;
}

bool
seg_push_on(struct cpu *c, const struct x86_segment *ss, unsigned cpl,
            uint64_t *sp, unsigned size, uint64_t v)
{
	uint64_t mask = ss->attr & X86_ATTR_DB ? 0xffffffffu : 0xffffu;
	uint64_t new = sp_add(*sp, -(int64_t)size, mask), la;

	if (!seg_la_in(c, ss, true, new &mask, size, true, &la))
		return false;
	if (cpl == 3 ? !mmu_write(c, la, &v, size)
	             : !mmu_write_sys(c, la, &v, size))
		return false;
	*sp = new;
	return true;
}

void
seg_set_sp(struct cpu *c, uint64_t sp)
{
	if (c->mode & CM_STACK16)
		c->gpr[X86_RSP] =
		    (c->gpr[X86_RSP] & ~0xffffull) | (sp & 0xffff);
	else if (c->mode & CM_STACK32)
		c->gpr[X86_RSP] = (uint32_t)sp;
	else
		c->gpr[X86_RSP] = sp;
}

/* Mode */

static bool
is_flat(const struct cpu *c)
{
	static const uint8_t segs[] = { X86_CS, X86_DS, X86_ES, X86_SS };

	if (!(c->cr0 & X86_CR0_PE))
		return false;
	for (unsigned i = 0; i < sizeof(segs); i++) {
		const struct x86_segment *s = &c->seg[segs[i]];
		bool code = segs[i] == X86_CS;
		uint32_t want = TYPE_W | (code ? (uint32_t)TYPE_CODE : 0);

		if (s->base != 0 || s->limit != 0xffffffffu ||
		    (s->attr & X86_ATTR_UNUSABLE) ||
		    (s->attr & (want | (code ? 0 : TYPE_CODE | TYPE_C))) !=
		        want)
			return false;
	}
	return true;
}

void
cpu_mode_update(struct cpu *c)
{
	uint32_t m = 0;

	if (cpu_long(c) && (c->seg[X86_CS].attr & X86_ATTR_L)) {
		m = CM_CODE64 | CM_FLAT;
	} else {
		m |= c->seg[X86_CS].attr & X86_ATTR_DB ? CM_CODE32 : CM_CODE16;
		m |=
		    c->seg[X86_SS].attr & X86_ATTR_DB ? CM_STACK32 : CM_STACK16;
		if (m == (CM_CODE32 | CM_STACK32) && is_flat(c))
			m |= cpu_long(c) ? CM_FLAT : CM_FLAT | CM_FLAT32;
		if (!cpu_protected(c))
			m |= CM_REAL;
	}
	if (c->cpl == 3)
		m |= CM_USER;
	if (c->rflags & X86_FL_TF)
		m |= CM_TF;
	if (c->cr0 & X86_CR0_TS)
		m |= CM_NM;
	if (c->cr0 & X86_CR0_EM)
		m |= CM_EM;
	if (!(c->cr4 & X86_CR4_OSFXSR))
		m |= CM_NOSSE;
	if (c->shadow != 0 || c->one_insn)
		m |= CM_SHADOW;
	c->mode = m;
	cpu_bases_update(c);
	mmu_select(c);
}
