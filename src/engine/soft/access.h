/* SPDX-License-Identifier: BSD-2-Clause */
/* access.h - how handlers reach operands: registers, effective addresses, and
 * memory by the TLB, in a quick and a complete way.
 *
 * A handler with a memory operand comes in kinds. AT_BD (base + displacement)
 * and AT_BIS (and scaled index) know only linear addresses and TLB hits; on
 * anything else they jump, having done nothing, to the AT_ANY kind of the same
 * operation. That one does segments, address sizes, misses, MMIO and faults;
 * as it has a stack frame it returns the next uop instead of jumping there.
 * Bodies are written once, as inline functions to which kind, size and
 * operation are constants.
 */
#ifndef SOFT_ACCESS_H
#define SOFT_ACCESS_H
#include <string.h>

#include "engine/soft/cpu.h"
#include "engine/soft/flags.h"
#include "engine/soft/mmu.h"

typedef const struct uop *uop_fn(struct cpu *c, const struct uop *u);

enum { AT_BD, AT_BIS, AT_ANY, AT_KINDS };

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define SOFT_COLD   __attribute__((noinline, cold))

/* The end of a body. */
#define DONE(kind, c, u)                                                       \
	do {                                                                   \
		if ((kind) == AT_ANY)                                          \
			return (u) + 1;                                        \
		NEXT(c, u);                                                    \
	} while (0)

/* The low bits of a register; others zero. */
SOFT_INLINE uint64_t
reg_get(const struct cpu *c, unsigned r, unsigned bits)
{
	return zext(c->gpr[r], bits);
}

/* 32 bits clear the upper half, 16 and 8 keep the rest. v of any upper bits. */
SOFT_INLINE void
reg_set(struct cpu *c, unsigned r, unsigned bits, uint64_t v)
{
	if (bits >= 32)
		c->gpr[r] = zext(v, bits);
	else
		c->gpr[r] = (c->gpr[r] >> bits << bits) | zext(v, bits);
}

/* Registers of one byte when one may be AH CH DH BH: bit 7 of the number. */
enum { REG_HIGH = 0x80 };
SOFT_INLINE uint64_t
reg8_get(const struct cpu *c, unsigned r)
{
	return r & REG_HIGH ? (uint8_t)(c->gpr[r & 15] >> 8)
	                    : (uint8_t)c->gpr[r];
}

SOFT_INLINE void
reg8_set(struct cpu *c, unsigned r, uint64_t v)
{
	if (r & REG_HIGH)
		c->gpr[r & 15] = (c->gpr[r & 15] & ~0xff00ull) | (v & 0xff)
		                                                     << 8;
	else
		c->gpr[r] = (c->gpr[r] & ~0xffull) | (v & 0xff);
}

/* Of any size: for AT_ANY kinds, whose byte registers may be high ones. */
SOFT_INLINE uint64_t
regx_get(const struct cpu *c, int kind, unsigned r, unsigned bits)
{
	return kind == AT_ANY && bits == 8 ? reg8_get(c, r)
	                                   : reg_get(c, r, bits);
}

SOFT_INLINE void
regx_set(struct cpu *c, int kind, unsigned r, unsigned bits, uint64_t v)
{
	if (kind == AT_ANY && bits == 8)
		reg8_set(c, r, v);
	else
		reg_set(c, r, bits, v);
}

/* The offset by the operand's registers, not truncated. */
SOFT_INLINE uint64_t
ea_offset(const struct cpu *c, const struct uop *u, int kind)
{
	uint64_t ea = c->gpr[u->base] + (uint64_t)(int64_t)u->disp;

	if (kind != AT_BD)
		ea += c->gpr[u->index] << (u->shift & EA_SCALE);
	return ea;
}

/* The offset as LEA gives it, truncated to the address size. */
SOFT_INLINE uint64_t
ea_truncated(const struct cpu *c, const struct uop *u)
{
	uint64_t ea = ea_offset(c, u, AT_ANY);

	if (u->shift & EA_A16)
		return (uint16_t)ea;
	return u->shift & (EA_A32 | EA_F32) ? (uint32_t)ea : ea;
}

/* The linear address of size bytes at add beyond u's operand, limits checked;
 * false: c->exc. */
bool ea_linear(struct cpu *c, const struct uop *u, uint64_t add, unsigned size,
               bool write, uint64_t *la);
/* An access by the linear address failed: c->exc becomes #SS where #GP is
 * meant for the stack; gives what cpu_fault_set() does. */
const struct uop *mem_fault(struct cpu *c, const struct uop *u);

/* The host address by the TLB; false: not a hit. */
SOFT_INLINE bool
tlb_read(const struct cpu *c, uint64_t la, unsigned size, void **p)
{
	const struct tlbe *e = tlb_at(c, la);

	*p = (void *)(la + e->addend);
	return likely((la ^ e->tag_r) <= 4096 - size);
}

SOFT_INLINE bool
tlb_write(const struct cpu *c, uint64_t la, unsigned size, void **p)
{
	const struct tlbe *e = tlb_at(c, la);

	*p = (void *)(la + e->addend);
	return likely((la ^ e->tag_w) <= 4096 - size);
}

/* Single accesses, which other threads of the guest may watch. */
typedef volatile uint8_t host8 __attribute__((may_alias));
typedef volatile uint16_t host16 __attribute__((may_alias, aligned(1)));
typedef volatile uint32_t host32 __attribute__((may_alias, aligned(1)));
typedef volatile uint64_t host64 __attribute__((may_alias, aligned(1)));

SOFT_INLINE uint64_t
host_get(const void *p, unsigned bits)
{
	switch (bits) {
	case 8:
		return *(const host8 *)p;
	case 16:
		return *(const host16 *)p;
	case 32:
		return *(const host32 *)p;
	default:
		return *(const host64 *)p;
	}
}

SOFT_INLINE void
host_set(void *p, unsigned bits, uint64_t v)
{
	switch (bits) {
	case 8:
		*(host8 *)p = (uint8_t)v;
		break;
	case 16:
		*(host16 *)p = (uint16_t)v;
		break;
	case 32:
		*(host32 *)p = (uint32_t)v;
		break;
	default:
		*(host64 *)p = v;
	}
}

/* Load at a linear address by the slow way: v zero-extended. */
bool mem_load(struct cpu *c, uint64_t la, unsigned size, uint64_t *v);
bool mem_store(struct cpu *c, uint64_t la, unsigned size, uint64_t v);

/* Load u's operand. False: another kind must do it, or (AT_ANY) c->exc. */
SOFT_INLINE bool
load(struct cpu *c, const struct uop *u, int kind, unsigned bits, uint64_t *v)
{
	uint64_t la;
	void *p;

	if (kind == AT_ANY)
		return ea_linear(c, u, 0, bits / 8, false, &la) &&
		       mem_load(c, la, bits / 8, v);
	if (!tlb_read(c, ea_offset(c, u, kind), bits / 8, &p))
		return false;
	*v = host_get(p, bits);
	return true;
}

SOFT_INLINE bool
store(struct cpu *c, const struct uop *u, int kind, unsigned bits, uint64_t v)
{
	uint64_t la;
	void *p;

	if (kind == AT_ANY)
		return ea_linear(c, u, 0, bits / 8, true, &la) &&
		       mem_store(c, la, bits / 8, v);
	if (!tlb_write(c, ea_offset(c, u, kind), bits / 8, &p))
		return false;
	host_set(p, bits, v);
	return true;
}

/* Where to read, change and write u's operand: rmw_end() completes it. */
SOFT_INLINE bool
rmw_begin(struct cpu *c, const struct uop *u, int kind, unsigned bits,
          struct mmu_bounce *b, void **p)
{
	uint64_t la;

	if (kind != AT_ANY)
		return tlb_write(c, ea_offset(c, u, kind), bits / 8, p);
	if (!ea_linear(c, u, 0, bits / 8, true, &la))
		return false;
	*p = mmu_rmw(c, la, bits / 8, b);
	return *p != NULL;
}

SOFT_INLINE void
rmw_end(struct cpu *c, int kind, struct mmu_bounce *b)
{
	if (kind == AT_ANY)
		mmu_rmw_end(c, b);
}

/* What a body does when its operand cannot be had. */
#define MISSED(kind, c, u, any)                                                \
	return (kind) == AT_ANY ? mem_fault((c), (u)) : (any)((c), (u))
#endif
