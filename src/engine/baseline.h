/* SPDX-License-Identifier: BSD-2-Clause */
/* baseline.h - the processor that every engine can be: the software engine is
 * it always, KVM when a guest is to be able to move between them
 * (x86.cpu=common).
 */
#ifndef ENGINE_BASELINE_H
#define ENGINE_BASELINE_H
#include <stdint.h>

struct cpuid_table;
struct vm;

enum { BASELINE_PHYS_BITS = 46 }; /* MAXPHYADDR, CPUID 80000008h */

/* Its CPUID for one of vm->ncpus processors. -ENOSPC. */
int baseline_cpuid(const struct vm *vm, unsigned apic_id,
                   struct cpuid_table *out);
/* Leaf 15h: what the TSC's frequency is, by that of the local APIC's timer.
 * None where it cannot be said. -ENOSPC. */
int baseline_frequency(struct cpuid_table *t, uint64_t tsc_hz);
#endif
