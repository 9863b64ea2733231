/* SPDX-License-Identifier: BSD-2-Clause */
/* feature.h - what CPUID shows, as a set of enum x86_feature: bit n is feature
 * n. X86_F_NONE is always in it, so that (set >> insn.feature & 1) tells
 * whether an instruction exists.
 */
#ifndef X86_FEATURE_H
#define X86_FEATURE_H
#include <stdint.h>

#include "x86/cpuid.h"
#include "x86/insn_ops.h"

_Static_assert(X86_NFEATURES <= 64, "a set is one word");

uint64_t x86_features(const struct cpuid_table *t);
#endif
