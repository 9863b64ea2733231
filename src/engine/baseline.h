/* SPDX-License-Identifier: BSD-2-Clause */
/* baseline.h - the processor that every engine can be: the software engine is
 * it always, KVM when a guest is to be able to move between them
 * (x86.cpu=common).
 */
#ifndef ENGINE_BASELINE_H
#define ENGINE_BASELINE_H

struct cpuid_table;
struct vm;

enum { BASELINE_PHYS_BITS = 46 }; /* MAXPHYADDR, CPUID 80000008h */

/* Its CPUID for one of vm->ncpus processors. -ENOSPC. */
int baseline_cpuid(const struct vm *vm, unsigned apic_id,
                   struct cpuid_table *out);
#endif
