/* SPDX-License-Identifier: BSD-2-Clause */
/* sysuop.h - what the files behind system_lower() share. */
#ifndef SOFT_SYSUOP_H
#define SOFT_SYSUOP_H
#include "engine/soft/access.h"
#include "engine/soft/cpu.h"
#include "engine/soft/fault.h"
#include "engine/soft/seg.h"
#include "engine/soft/system.h"

/* aux of a system uop, filled in by system_lower(). */
enum {
	SYS_OPSIZE = 0xff,      /* operand size in bytes */
	SYS_ADDRSIZE_SHIFT = 8, /* address size in bytes, a byte */
	SYS_MEM0 = 1 << 16,     /* the first operand is memory */
	SYS_MEM1 = 1 << 17,     /* the second is */
	SYS_REP = 1 << 18
};

/* Bodies give false with c->exc set, having changed nothing. Then: */
static inline const struct uop *
sys_next(struct cpu *c, const struct uop *u, bool ok)
{
	return ok ? u + 1 : cpu_fault_set(c, u);
}

/* It changed what the run loop looks at. */
static inline const struct uop *
sys_leave(struct cpu *c, const struct uop *u, bool ok)
{
	if (!ok)
		return cpu_fault_set(c, u);
	c->rip = cpu_next_rip(c, u);
	return NULL;
}

/* It set c->rip. */
static inline const struct uop *
sys_jump(struct cpu *c, const struct uop *u, bool ok)
{
	return ok ? NULL : cpu_fault_set(c, u);
}

#define SYS_UOP(body, then)                                                    \
	static const struct uop *uop_##body(struct cpu *c,                     \
	                                    const struct uop *u)               \
	{                                                                      \
		return sys_##then(c, u, body(c, u));                           \
	}

static inline bool
sys_cpl0(struct cpu *c)
{
	return c->cpl == 0 || fault_set_error(c, X86_GP, 0);
}

static inline bool
sys_protected(const struct cpu *c)
{
	return cpu_protected(c);
}

/* In virtual-8086 mode what IOPL guards faults below 3. */
static inline bool
sys_v86_iopl(struct cpu *c)
{
	return !(c->rflags & X86_FL_VM) ||
	       (c->rflags & X86_FL_IOPL) == X86_FL_IOPL ||
	       fault_set_error(c, X86_GP, 0);
}

static inline unsigned
sys_opsize(const struct uop *u)
{
	return u->aux & SYS_OPSIZE;
}

/* A 16-bit operand, the nth, from its register (r) or memory. */
static inline bool
sys_get16(struct cpu *c, const struct uop *u, unsigned n, uint8_t r,
          uint16_t *v)
{
	uint64_t la;

	if (!(u->aux & (n == 0 ? SYS_MEM0 : SYS_MEM1))) {
		*v = (uint16_t)c->gpr[r];
		return true;
	}
	return ea_linear(c, u, 0, 2, false, &la) && mmu_read(c, la, v, 2);
}

/* To the first operand: a register of operand size, or 16 bits of memory. */
static inline bool
sys_put16(struct cpu *c, const struct uop *u, uint64_t v)
{
	uint64_t la;

	if (!(u->aux & SYS_MEM0)) {
		reg_set(c, u->rd, sys_opsize(u) * 8, v);
		return true;
	}
	return ea_linear(c, u, 0, 2, true, &la) && mmu_write(c, la, &v, 2);
}

/* Each gives the handler for an instruction of its file, or NULL. */
typedef uop_fn *sys_pick_fn(const struct x86_insn *i);
sys_pick_fn control_pick, select_pick, flags_pick, io_pick;
#endif
