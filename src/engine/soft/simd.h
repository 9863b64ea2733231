/* SPDX-License-Identifier: BSD-2-Clause */
/* simd.h - x87, MMX and SSE (rows with X86_A_HOST), executed by the host.
 *
 * c->fx, an FXSAVE64 image, is the only truth: between uops nothing of the
 * guest's is in the host's registers. Most operations run in stubs, a few bytes
 * of code each, made once per encoding with the register operands rewritten, so
 * that results are the processor's own to the last bit; the hot moves and
 * logic are plain C.
 */
#ifndef SOFT_SIMD_H
#define SOFT_SIMD_H
#include <stdbool.h>

#include "engine/soft/cpu.h"
#include "x86/feature.h"

/*
 * Set u->fn, rd, rs, aux and imm for an instruction with X86_A_HOST; the caller
 * has filled in the memory operand as for any other uop, len and roff. c->mode
 * decides between #NM, #UD and execution, so call it for the mode the block is
 * made for. False: no such instruction here, #UD. Never blocks long; any vCPU
 * thread, any number of them.
 */
bool simd_lower(struct cpu *c, const struct x86_insn *in, struct uop *u);

/* The stubs' memory, vm->stubs. Before any vCPU runs and before the process
 * gives up mmap and memfd_create; later nothing is asked of the system. 0 or a
 * negative errno: -EACCES where no memory may be executable, -ENOTSUP on a
 * host without SSE4.2. */
int simd_new(struct soft_vm *vm);
void simd_free(struct soft_vm *vm);

/* Power-up state of FPU and SSE in c->fx. */
void simd_reset(struct cpu *c);
/* An image from outside (a checkpoint, the debugger) in c->fx: make it one that
 * the host's FXRSTOR takes. */
void simd_sanitize(struct cpu *c);
#endif
