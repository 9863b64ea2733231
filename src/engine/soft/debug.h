/* SPDX-License-Identifier: BSD-2-Clause */
/* debug.h - breakpoints by the guest's debug registers and watchpoints of the
 * debugger's. Source: Intel SDM 3B 17.2, 17.3.
 *
 * Instructions are compared one by one while a breakpoint for them is enabled.
 * Pages with watched data are kept out of the TLB, so that accesses come to the
 * MMU's slow path, which runs an instruction that meets one as a block of its
 * own: the trap comes right after it.
 */
#ifndef SOFT_DEBUG_H
#define SOFT_DEBUG_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"

enum { DEBUG_HIT_HOST = 1 << 16 }; /* of c->debug_hit: the debugger's */

/* What a debug register compares data accesses by (R/W of DR7). */
enum debug_access { DEBUG_EXEC, DEBUG_WRITE, DEBUG_IO, DEBUG_ANY };

/* After DR0 to DR3, DR7, CR4.DE or the VM's watchpoints changed. */
void debug_update(struct cpu *c);

/* DR6 bits of the breakpoints at the instruction at c->rip. */
uint32_t debug_at(const struct cpu *c);

/* The page of la holds watched data: no TLB entry. */
bool debug_watched(const struct cpu *c, uint64_t la);

/*
 * An access is about to be made: note what it meets in c->debug_hit. False: the
 * instruction must run as a block of its own first (c->one_insn is set).
 */
bool debug_data(struct cpu *c, uint64_t la, unsigned len, bool write);
bool debug_port(struct cpu *c, uint16_t port, unsigned len);
#endif
