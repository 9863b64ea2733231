/* SPDX-License-Identifier: BSD-2-Clause */
/* fx.c - the FXSAVE image's invariants, and operands in memory. */
#include "engine/soft/fx.h"

void
fx_set_fsw(uint8_t *fx, uint16_t v)
{
	uint16_t fcw = fx_get16(fx, FX_FCW);

	v &= (uint16_t) ~(FSW_ES | FSW_B);
	if (v & ~fcw & FSW_EXC)
		v |= FSW_ES | FSW_B;
	fx_set16(fx, FX_FSW, v);
}

void
fx_set_fcw(uint8_t *fx, uint16_t v)
{
	fx_set16(fx, FX_FCW, (v & FCW_VALID) | FCW_ONE);
	fx_set_fsw(fx, fx_get16(fx, FX_FSW));
}

void
fx_set_top(uint8_t *fx, unsigned top)
{
	unsigned old = fx_top(fx);
	uint16_t fsw = fx_get16(fx, FX_FSW);
	uint8_t st[128];

	if (top == old)
		return;
	memcpy(st, fx + FX_ST, sizeof(st));
	for (unsigned p = 0; p < 8; p++)
		memcpy(fx + FX_ST + 16 * ((p - top) & 7),
		       st + 16 * ((p - old) & 7), 16);
	fx_set16(fx, FX_FSW,
	         (uint16_t)((fsw & ~FSW_TOP) | top << FSW_TOP_SHIFT));
}

void
fx_make_valid(uint8_t *fx)
{
	fx_set_fcw(fx, fx_get16(fx, FX_FCW));
	fx_set16(fx, FX_FTW, fx[FX_FTW]);
	fx_set16(fx, FX_FOP, fx_get16(fx, FX_FOP) & 0x7ff);
	fx_set32(fx, FX_MXCSR, fx_get32(fx, FX_MXCSR) & MXCSR_VALID);
	fx_set32(fx, FX_MXCSR_MASK, MXCSR_VALID);
	for (unsigned i = 0; i < 8; i++)
		memset(fx + FX_ST + 16 * i + 10, 0, 6);
}

/* The linear address; false: the fault is noted. */
static inline bool
address(struct cpu *c, const struct uop *u, unsigned size, bool align,
        bool write, uint64_t *la)
{
	if (!ea_linear(c, u, 0, size, write, la)) {
		mem_fault(c, u);
		return false;
	}
	if (align && (*la & 15)) {
		cpu_fault_error(c, u, X86_GP, 0);
		return false;
	}
	return true;
}

bool
fx_load(struct cpu *c, const struct uop *u, unsigned size, bool align, void *v)
{
	uint64_t la;

	if (!address(c, u, size, align, false, &la))
		return false;
	if (size <= 8 && (size & (size - 1)) == 0) {
		uint64_t n;

		if (mem_load(c, la, size, &n)) {
			memcpy(v, &n, size);
			return true;
		}
	} else if (mmu_read(c, la, v, size)) {
		return true;
	}
	mem_fault(c, u);
	return false;
}

bool
fx_store(struct cpu *c, const struct uop *u, unsigned size, bool align,
         const void *v)
{
	uint64_t la;

	if (!address(c, u, size, align, true, &la))
		return false;
	if (size <= 8 && (size & (size - 1)) == 0) {
		uint64_t n = 0;

		memcpy(&n, v, size);
		if (mem_store(c, la, size, n))
			return true;
	} else if (mmu_write(c, la, v, size)) {
		return true;
	}
	mem_fault(c, u);
	return false;
}

bool
fx_store_nothing(struct cpu *c, const struct uop *u, unsigned size)
{
	struct mmu_bounce b;
	uint64_t la;

	if (!address(c, u, size, false, true, &la))
		return false;
	if (mmu_rmw(c, la, size, &b) != NULL)
		return true;
	mem_fault(c, u);
	return false;
}
