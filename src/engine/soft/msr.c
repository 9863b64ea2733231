/* SPDX-License-Identifier: BSD-2-Clause */
/* msr.c - model-specific registers: one table of those that are only stored,
 * a switch for those that do something.
 *
 * What no row or case knows asks for #GP when vm->strict_msr is set; otherwise
 * it reads as zero and ignores writes (bhyve -w).
 */
#include <x86intrin.h>

#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/system.h"
#include "vmm/lapic.h"
#include "vmm/vm.h"

#define MICROCODE_REV (1ull << 32)
/* Variable ranges, fixed ranges, write combining. */
#define MTRR_CAP (X86_NMTRR_VAR | 1u << 8 | 1u << 10)
/* Branch trace and PEBS are not there. */
#define MISC_ENABLE_FIXED (3u << 11)
#define MISC_ENABLE_WRITE ((1u << 0) | (1u << 22) | (1ull << 34))
/* This machine does not speculate for the guest: RDCL_NO IBRS_ALL
 * SKIP_L1DFL_VMENTRY SSB_NO MDS_NO PSCHANGE_MC_NO TAA_NO SBDR_SSDP_NO FBSDP_NO
 * PSDP_NO BHI_NO PBRSB_NO GDS_NO RFDS_NO ITS_NO. */
#define ARCH_CAPABILITIES                                                      \
	(1ull << 0 | 1ull << 1 | 1ull << 3 | 1ull << 4 | 1ull << 5 |           \
	 1ull << 6 | 1ull << 8 | 1ull << 13 | 1ull << 14 | 1ull << 15 |        \
	 1ull << 20 | 1ull << 24 | 1ull << 26 | 1ull << 27 | 1ull << 62)
#define EFER_WRITABLE (X86_EFER_SCE | X86_EFER_LME | X86_EFER_NXE)

/* Registers that are only stored, in c->msrs. */
struct stored {
	uint32_t msr, n; /* n of them, step apart in the struct */
	uint16_t offset;
	bool canonical; /* the value is an address */
	uint64_t writable;
};

#define AT(f) offsetof(struct x86_state, f)
static const struct stored stored[] = {
	/* IBRS STIBP SSBD BHI_DIS_S */
	{ MSR_SPEC_CTRL, 1, AT(spec_ctrl), false, 0x407 },
	{ MSR_SYSENTER_CS, 1, AT(sysenter_cs), false, UINT64_MAX },
	{ MSR_SYSENTER_ESP, 1, AT(sysenter_esp), true, UINT64_MAX },
	{ MSR_SYSENTER_EIP, 1, AT(sysenter_eip), true, UINT64_MAX },
	{ MSR_MTRR_FIX64K, 1, AT(mtrr_fixed[0]), false, UINT64_MAX },
	{ MSR_MTRR_FIX16K_0, 2, AT(mtrr_fixed[1]), false, UINT64_MAX },
	{ MSR_MTRR_FIX4K_0, 8, AT(mtrr_fixed[3]), false, UINT64_MAX },
	{ MSR_MTRR_DEF_TYPE, 1, AT(mtrr_def_type), false, 0xcff },
	{ MSR_STAR, 1, AT(star), false, UINT64_MAX },
	{ MSR_LSTAR, 1, AT(lstar), true, UINT64_MAX },
	{ MSR_CSTAR, 1, AT(cstar), true, UINT64_MAX },
	{ MSR_FMASK, 1, AT(fmask), false, UINT32_MAX },
	{ MSR_KERNEL_GS_BASE, 1, AT(kernel_gs_base), true, UINT64_MAX },
	{ MSR_TSC_AUX, 1, AT(tsc_aux), false, UINT32_MAX },
};

/* The stored register, or NULL. */
static uint64_t *
find_stored(struct cpu *c, uint32_t msr, const struct stored **row)
{
	for (unsigned i = 0; i < sizeof(stored) / sizeof(stored[0]); i++)
		if (msr - stored[i].msr < stored[i].n) {
			*row = &stored[i];
			return (uint64_t *)(void *)((char *)&c->msrs +
			                            stored[i].offset) +
			       (msr - stored[i].msr);
		}
	return NULL;
}

uint64_t
cpu_tsc(const struct cpu *c)
{
	return __rdtsc() + c->tsc_offset -
	       atomic_load_explicit(&c->vm->tsc_stood, memory_order_relaxed);
}

static bool
read_mtrr_var(struct cpu *c, uint32_t n, uint64_t *out)
{
	*out = n & 1 ? c->msrs.mtrr_mask[n / 2] : c->msrs.mtrr_base[n / 2];
	return true;
}

bool
msr_read(struct cpu *c, uint32_t msr, uint64_t *out)
{
	const struct stored *row;
	const uint64_t *at = find_stored(c, msr, &row);

	if (at != NULL) {
		*out = *at;
		return true;
	}
	if (msr - MSR_MTRR_PHYS0 < 2 * X86_NMTRR_VAR)
		return read_mtrr_var(c, msr - MSR_MTRR_PHYS0, out);
	if (msr - MSR_X2APIC < 0x100)
		return lapic_msr_read(c->lapic, msr - MSR_X2APIC, out) == 0;
	switch (msr) {
	case MSR_TSC:
		*out = cpu_tsc(c);
		return true;
	case MSR_APIC_BASE:
		*out = lapic_base(c->lapic);
		return true;
	case MSR_FEATURE_CONTROL:
		*out = 1; /* locked, nothing enabled */
		return true;
	case MSR_TSC_ADJUST:
		*out = c->msrs.tsc_adjust;
		return true;
	case MSR_MICROCODE:
		*out = MICROCODE_REV;
		return true;
	case MSR_MTRR_CAP:
		*out = MTRR_CAP;
		return true;
	case MSR_ARCH_CAPABILITIES:
		*out = ARCH_CAPABILITIES;
		return true;
	case MSR_MISC_ENABLE:
		*out = c->msrs.misc_enable | MISC_ENABLE_FIXED;
		return true;
	case MSR_PAT:
		*out = c->msrs.pat;
		return true;
	case MSR_TSC_DEADLINE:
		*out = lapic_deadline(c->lapic);
		return true;
	case MSR_EFER:
		*out = c->efer;
		return true;
	case MSR_FS_BASE:
		*out = c->seg[X86_FS].base;
		return true;
	case MSR_GS_BASE:
		*out = c->seg[X86_GS].base;
		return true;
	case 0x17: /* platform id */
	case 0x34: /* SMI count */
	case MSR_PLATFORM_INFO:
	case MSR_MISC_FEATURES:
	case MSR_MCG_CAP: /* no banks */
	case MSR_MCG_STATUS:
	case MSR_DEBUGCTL:
		*out = 0;
		return true;
	default:
		*out = 0;
		return !c->vm->vm->strict_msr;
	}
}

static bool
pat_ok(uint64_t v)
{
	for (unsigned i = 0; i < 8; i++, v >>= 8) {
		unsigned t = v & 0xff;

		if (t > 7 || t == 2 || t == 3)
			return false;
	}
	return true;
}

static bool
write_efer(struct cpu *c, uint64_t v)
{
	uint64_t changed = (c->efer ^ v) & EFER_WRITABLE;

	if ((v & ~(uint64_t)(EFER_WRITABLE | X86_EFER_LMA)) != 0)
		return false;
	if ((changed & X86_EFER_LME) && (c->cr0 & X86_CR0_PG))
		return false;
	c->efer ^= changed;
	if (changed & X86_EFER_NXE)
		mmu_flush_all(c);
	cpu_mode_update(c);
	return true;
}

static bool
write_base(struct cpu *c, unsigned seg, uint64_t v)
{
	if (!la_canonical(v))
		return false;
	c->seg[seg].base = v;
	cpu_bases_update(c);
	return true;
}

/* Moves the counter and says so in TSC_ADJUST. */
static void
adjust_tsc(struct cpu *c, uint64_t by)
{
	c->tsc_offset += by;
	c->msrs.tsc_adjust += by;
}

static bool
write_stored(const struct stored *row, uint64_t *at, uint64_t v)
{
	if ((v & ~row->writable) != 0 || (row->canonical && !la_canonical(v)))
		return false;
	*at = v;
	return true;
}

bool
msr_write(struct cpu *c, uint32_t msr, uint64_t v)
{
	const struct stored *row = NULL;
	uint64_t *at = find_stored(c, msr, &row);
	uint32_t n = msr - MSR_MTRR_PHYS0;

	if (at != NULL)
		return write_stored(row, at, v);
	if (n < 2 * X86_NMTRR_VAR) {
		*(n & 1 ? &c->msrs.mtrr_mask[n / 2]
		        : &c->msrs.mtrr_base[n / 2]) = v;
		return true;
	}
	if (msr - MSR_X2APIC < 0x100)
		return lapic_msr_write(c->lapic, msr - MSR_X2APIC, v) == 0;
	switch (msr) {
	case MSR_TSC:
		adjust_tsc(c, v - cpu_tsc(c));
		return true;
	case MSR_APIC_BASE:
		if (lapic_set_base(c->lapic, v) < 0)
			return false;
		mmu_flush_all(c);
		return true;
	case MSR_TSC_ADJUST:
		adjust_tsc(c, v - c->msrs.tsc_adjust);
		return true;
	case MSR_MISC_ENABLE:
		c->msrs.misc_enable = v & MISC_ENABLE_WRITE;
		return true;
	case MSR_PAT:
		if (!pat_ok(v))
			return false;
		c->msrs.pat = v;
		return true;
	case MSR_TSC_DEADLINE:
		return lapic_deadline_set(c->lapic, v) == 0;
	case MSR_EFER:
		return write_efer(c, v);
	case MSR_FS_BASE:
		return write_base(c, X86_FS, v);
	case MSR_GS_BASE:
		return write_base(c, X86_GS, v);
	case MSR_PRED_CMD:
		return (v & ~1ull) == 0;
	case MSR_MICROCODE: /* before CPUID is executed */
	case MSR_MCG_STATUS:
	case MSR_DEBUGCTL:
	case MSR_MISC_FEATURES:
		return true;
	default:
		return !c->vm->vm->strict_msr;
	}
}
