/* SPDX-License-Identifier: BSD-2-Clause */
/* baseline.c - x86-64-v2 without AVX and XSAVE, of an Intel model that no guest
 * knows errata of. What is offered is what the software engine implements, no
 * more. Source: SDM vol. 2, CPUID.
 */
#include "engine/baseline.h"

#include <errno.h>
#include <string.h>

#include "vmm/lapic.h"
#include "vmm/vm.h"
#include "x86/cpuid.h"

#define BIT(n) (1u << (n))

/* Leaf 1 EDX: fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat
 * pse36 clfsh mmx fxsr sse sse2 ss. */
#define F1_EDX                                                                 \
	(BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) |        \
	 BIT(8) | BIT(9) | BIT(11) | BIT(12) | BIT(13) | BIT(14) | BIT(15) |   \
	 BIT(16) | BIT(17) | BIT(19) | BIT(23) | BIT(24) | BIT(25) | BIT(26) | \
	 BIT(27))
/* sse3 ssse3 cx16 sse4.1 sse4.2 popcnt tsc-deadline hypervisor */
#define F1_ECX                                                                 \
	(BIT(0) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(23) | BIT(24) |   \
	 BIT(31))
#define F1_ECX_X2APIC BIT(21)
#define F1_EDX_HTT    BIT(28)
/* fsgsbase tsc_adjust smep erms smap; of the x87 (fx.h): pointers kept only by
 * unmasked exceptions, no selectors */
#define F7_EBX (BIT(0) | BIT(1) | BIT(6) | BIT(7) | BIT(9) | BIT(13) | BIT(20))
/* fsrm, IBRS and IBPB, STIBP, arch_capabilities, SSBD */
#define F7_EDX (BIT(4) | BIT(26) | BIT(27) | BIT(29) | BIT(31))
/* BHI_DIS_S: Linux believes no BHI_NO, and would clear history in a loop at
 * each system call. */
#define F72_EDX BIT(4)
/* lahf prefetchw; syscall nx pdpe1gb rdtscp lm */
#define FE1_ECX (BIT(0) | BIT(8))
#define FE1_EDX (BIT(11) | BIT(20) | BIT(26) | BIT(27) | BIT(29))

enum {
	MAX_BASIC = 0x16,
	VIRT_BITS = 48,
	/* Family 6, model 72h, stepping 1: nobody's. */
	SIGNATURE = 0x00070621,
	CLFLUSH_LINE = 8 << 8,
	ARAT = 1 << 2,
	INVARIANT_TSC = 1 << 8
};
#define MAX_EXTENDED   0x80000008u
#define MAX_HYPERVISOR 0x40000000u

static int
row(struct cpuid_table *t, uint32_t leaf, uint32_t sub, uint32_t a, uint32_t b,
    uint32_t c, uint32_t d)
{
	const struct cpuid_leaf l = { leaf, sub, a, b, c, d };

	return cpuid_set(t, &l);
}

/* Twelve letters in EBX, EDX, ECX, or of a hypervisor in EBX, ECX, EDX. */
static void
letters(uint32_t r[3], const char *twelve)
{
	memcpy(r, twelve, 12);
}

static int
add_brand(struct cpuid_table *t)
{
	static const char brand[48] = "gaol software processor";
	uint32_t r[12];
	int rc = 0;

	memcpy(r, brand, sizeof(r));
	for (uint32_t i = 0; i < 3 && rc == 0; i++)
		rc = row(t, 0x80000002u + i, 0, r[4 * i], r[4 * i + 1],
		         r[4 * i + 2], r[4 * i + 3]);
	return rc;
}

/* Deterministic cache parameters: what software sizes its copies by. */
static int
add_caches(struct cpuid_table *t, unsigned ncpus)
{
	const uint32_t cores = (ncpus - 1) << 26, shared = (ncpus - 1) << 14;
	const uint32_t ways8 = 7u << 22 | 63, ways16 = 15u << 22 | 63;

	if (row(t, 2, 0, 0x00feff01, 0, 0, 0) < 0 ||
	    row(t, 4, 0, cores | 1 << 5 | 1, ways8, 63, 0) < 0 ||
	    row(t, 4, 1, cores | 1 << 5 | 2, ways8, 63, 0) < 0 ||
	    row(t, 4, 2, cores | 2 << 5 | 3, ways16, 1023, 0) < 0 ||
	    row(t, 4, 3, cores | shared | 3 << 5 | 3, ways16, 8191, 0) < 0)
		return -ENOSPC;
	return row(t, 0x80000006u, 0, 0, 0, 1024u << 16 | 8 << 12 | 64, 0);
}

/* One package of ncpus cores without threads. */
static int
add_topology(struct cpuid_table *t, unsigned ncpus, unsigned id)
{
	uint32_t bits = 0;

	while (1u << bits < ncpus)
		bits++;
	if (row(t, 0xb, 0, 0, 1, 0x100, id) < 0)
		return -ENOSPC;
	return row(t, 0xb, 1, bits, ncpus, 0x201, id);
}

/*
 * num / den as near to khz / crystal as a numerator of up to max allows: the
 * last convergent of the continued fraction that is small enough.
 */
static void
ratio(uint64_t khz, uint64_t crystal, uint64_t max, uint64_t *num,
      uint64_t *den)
{
	uint64_t a = khz, b = crystal, n0 = 0, d0 = 1, n = 1, d = 0;

	while (b != 0) {
		uint64_t q = a / b, rest = a % b, n1 = q * n + n0,
		         d1 = q * d + d0;

		if (n1 > max)
			break;
		n0 = n, d0 = d, n = n1, d = d1;
		a = b, b = rest;
	}
	*num = n, *den = d;
}

/*
 * TSC = ECX * EBX / EAX; the crystal is the LAPIC timer's clock, a GHz. Linux
 * computes kHz * EBX in 32 bits, which caps EBX: this is within a part in a
 * million.
 */
int
baseline_frequency(struct cpuid_table *t, uint64_t tsc_hz)
{
	const uint64_t crystal_khz = LAPIC_TIMER_HZ / 1000;
	uint64_t num, den;

	ratio(tsc_hz / 1000, crystal_khz, UINT32_MAX / crystal_khz, &num, &den);
	if (den == 0 || num == 0)
		return 0;
	return row(t, 0x15, 0, (uint32_t)den, (uint32_t)num, LAPIC_TIMER_HZ, 0);
}

static int
add_frequency(struct cpuid_table *t, uint64_t tsc_hz)
{
	uint32_t mhz = (uint32_t)((tsc_hz + 500000) / 1000000);

	if (baseline_frequency(t, tsc_hz) < 0)
		return -ENOSPC;
	return row(t, 0x16, 0, mhz, mhz, 100, 0);
}

int
baseline_cpuid(const struct vm *vm, unsigned apic_id, struct cpuid_table *out)
{
	uint32_t vendor[3], hyper[3], n = vm->ncpus;
	uint32_t ecx = F1_ECX | (vm->x2apic ? F1_ECX_X2APIC : 0);
	uint32_t edx = F1_EDX | (n > 1 ? F1_EDX_HTT : 0);

	letters(vendor, "GenuineIntel");
	letters(hyper, "bhyve bhyve ");
	if (row(out, 0, 0, MAX_BASIC, vendor[0], vendor[2], vendor[1]) < 0 ||
	    row(out, 1, 0, SIGNATURE, CLFLUSH_LINE | n << 16 | apic_id << 24,
	        ecx, edx) < 0 ||
	    add_caches(out, n) < 0 || row(out, 6, 0, ARAT, 0, 0, 0) < 0 ||
	    row(out, 7, 0, 2, F7_EBX, 0, F7_EDX) < 0 ||
	    row(out, 7, 1, 0, 0, 0, 0) < 0 ||
	    row(out, 7, 2, 0, 0, 0, F72_EDX) < 0 ||
	    add_topology(out, n, apic_id) < 0 ||
	    add_frequency(out, vm->tsc_hz) < 0)
		return -ENOSPC;
	if (row(out, 0x40000000u, 0, MAX_HYPERVISOR, hyper[0], hyper[1],
	        hyper[2]) < 0 ||
	    row(out, 0x80000000u, 0, MAX_EXTENDED, 0, 0, 0) < 0 ||
	    row(out, 0x80000001u, 0, 0, 0, FE1_ECX, FE1_EDX) < 0 ||
	    add_brand(out) < 0 ||
	    row(out, 0x80000007u, 0, 0, 0, 0, INVARIANT_TSC) < 0)
		return -ENOSPC;
	return row(out, 0x80000008u, 0, BASELINE_PHYS_BITS | VIRT_BITS << 8, 0,
	           0, 0);
}
