/* SPDX-License-Identifier: BSD-2-Clause */
/* access.c - the complete way to operands in memory. */
#include "engine/soft/access.h"

#include "engine/soft/seg.h"

bool
ea_linear(struct cpu *c, const struct uop *u, uint64_t add, unsigned size,
          bool write, uint64_t *la)
{
	uint64_t ea = ea_offset(c, u, AT_ANY) + add;

	if (u->shift & EA_A16)
		ea = (uint16_t)ea;
	else if (u->shift & (EA_A32 | EA_F32))
		ea = (uint32_t)ea;
	if (u->shift & EA_SEG)
		return seg_la(c, u->seg, ea, size, write, la);
	*la = ea;
	return true;
}

const struct uop *
mem_fault(struct cpu *c, const struct uop *u)
{
	if (c->exc.pending && c->exc.vector == X86_GP && u->seg == X86_SS)
		c->exc.vector = X86_SS_FAULT;
	return cpu_fault_set(c, u);
}

bool
mem_load(struct cpu *c, uint64_t la, unsigned size, uint64_t *v)
{
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;

	switch (size) {
	case 1:
		if (!mmu_load8(c, la, &v8))
			return false;
		*v = v8;
		return true;
	case 2:
		if (!mmu_load16(c, la, &v16))
			return false;
		*v = v16;
		return true;
	case 4:
		if (!mmu_load32(c, la, &v32))
			return false;
		*v = v32;
		return true;
	default:
		return mmu_load64(c, la, v);
	}
}

bool
mem_store(struct cpu *c, uint64_t la, unsigned size, uint64_t v)
{
	switch (size) {
	case 1:
		return mmu_store8(c, la, (uint8_t)v);
	case 2:
		return mmu_store16(c, la, (uint16_t)v);
	case 4:
		return mmu_store32(c, la, (uint32_t)v);
	default:
		return mmu_store64(c, la, v);
	}
}
