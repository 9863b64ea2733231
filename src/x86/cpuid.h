/* SPDX-License-Identifier: BSD-2-Clause */
/* cpuid.h - the leaves a guest's CPUID shows. Plain data. */
#ifndef X86_CPUID_H
#define X86_CPUID_H
#include <stdint.h>

enum { CPUID_MAX = 64 };

struct cpuid_leaf {
	uint32_t leaf, subleaf;
	uint32_t eax, ebx, ecx, edx;
};

struct cpuid_table {
	unsigned n;
	struct cpuid_leaf row[CPUID_MAX]; /* sorted by leaf, subleaf */
};

/* -ENOSPC when full; replaces a row of the same leaf and subleaf. */
int cpuid_set(struct cpuid_table *t, const struct cpuid_leaf *row);

/*
 * What CPUID answers: the row of leaf and subleaf; without it, by SDM vol. 2,
 * zeros within the range and the highest basic leaf beyond it.
 */
struct cpuid_leaf cpuid_get(const struct cpuid_table *t, uint32_t leaf,
                            uint32_t subleaf);
#endif
