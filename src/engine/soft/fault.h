/* SPDX-License-Identifier: BSD-2-Clause */
/* fault.h - exceptions and interrupts: noting them and delivering them through
 * the guest's IDT. Source: Intel SDM 3A chapter 6.
 */
#ifndef SOFT_FAULT_H
#define SOFT_FAULT_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"

/* Note an exception in c->exc; always false, for "return fault_set(...)". */
bool fault_set(struct cpu *c, uint8_t vector);
bool fault_set_error(struct cpu *c, uint8_t vector, uint32_t error);
bool fault_page(struct cpu *c, uint64_t la, uint32_t error);

/*
 * Deliver c->exc (pending) at c->rip, faults of the delivery included: double
 * fault by SDM 3A table 6-5. False: triple fault, the processor shut down.
 */
bool fault_deliver(struct cpu *c);
/* An external interrupt or NMI. False: triple fault. */
bool fault_interrupt(struct cpu *c, uint8_t vector);
/* INT n, INT3, INTO, INT1; next is the address to return to. False with c->exc
 * set: the instruction faults. */
bool fault_software(struct cpu *c, uint8_t vector, uint64_t next, bool checked);
/* #DB after an instruction with TF set, or of DR7.GD: DR6 bits to set. */
void fault_debug(struct cpu *c, uint32_t dr6_bits);
#endif
