/* SPDX-License-Identifier: BSD-2-Clause */
/* seg.h - segmentation: descriptor loads with their checks, limits of the
 * modes that have them, far control transfers.
 *
 * The hidden part in c->seg is the only truth. All give false with c->exc set
 * when the guest faults, having changed nothing but accessed bits. Source:
 * Intel SDM 3A chapters 3, 5 and 6.14; vol. 2 CALL, JMP, RET, IRET.
 */
#ifndef SOFT_SEG_H
#define SOFT_SEG_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"

/*
 * Linear address of [off, off+size) in a segment: adds the base, checks limit
 * and type; #GP(0), or #SS(0) for the stack segment. In 64-bit mode only the
 * bases of FS and GS count. Does not truncate off to the address size.
 */
bool seg_la(struct cpu *c, unsigned seg, uint64_t off, unsigned size,
            bool write, uint64_t *la);

/* The same in a segment that is not in a register yet; stack: faults are
 * #SS. */
bool seg_la_in(struct cpu *c, const struct x86_segment *s, bool stack,
               uint64_t off, unsigned size, bool write, uint64_t *la);

/* MOV, POP, Lxs into DS ES FS GS SS. */
bool seg_load(struct cpu *c, unsigned seg, uint16_t sel);
bool seg_load_ldt(struct cpu *c, uint16_t sel);
bool seg_load_tr(struct cpu *c, uint16_t sel);

/* A descriptor of GDT or LDT as two words; false, nothing set: beyond the
 * table or null. On a page fault c->exc is pending. */
bool seg_descriptor(struct cpu *c, uint16_t sel, uint64_t *desc);
/* SS of privilege cpl for a stack switch; vector is what to raise (#GP of far
 * returns, #TS of gates), ext the EXT bit of error codes. */
bool seg_check_stack(struct cpu *c, uint16_t sel, unsigned cpl, uint8_t vector,
                     unsigned ext, struct x86_segment *out);
/* Stack of the inner ring cpl from the TSS. sel is 0 in long mode. */
bool seg_tss_stack(struct cpu *c, unsigned cpl, unsigned ext, uint16_t *sel,
                   uint64_t *sp);
/* Mark the descriptor accessed unless it is. */
bool seg_touch(struct cpu *c, uint16_t sel, uint64_t desc);
/* The segment that a selector is in virtual-8086 mode. */
void seg_v86(struct x86_segment *s, uint16_t sel);
/* A register without a segment in it. */
void seg_null(struct x86_segment *s, uint16_t sel);
void seg_unpack(struct x86_segment *s, uint16_t sel, uint64_t desc);

/* size: operand size in bytes; next: the return address. */
bool seg_far_jump(struct cpu *c, uint16_t sel, uint64_t off, unsigned size,
                  uint64_t next);
bool seg_far_call(struct cpu *c, uint16_t sel, uint64_t off, unsigned size,
                  uint64_t next);
bool seg_far_ret(struct cpu *c, unsigned size, unsigned pop_bytes);
bool seg_iret(struct cpu *c, unsigned size, uint64_t next);

/* Stack accesses by the current stack's width, for far transfers: *sp is a
 * copy of RSP, committed by the caller. */
bool seg_push(struct cpu *c, uint64_t *sp, unsigned size, uint64_t v);
bool seg_pop(struct cpu *c, uint64_t *sp, unsigned size, uint64_t *v);
/* The same on a stack of another segment and privilege. */
bool seg_push_on(struct cpu *c, const struct x86_segment *ss, unsigned cpl,
                 uint64_t *sp, unsigned size, uint64_t v);
/* RSP := sp, as far as the stack is wide. */
void seg_set_sp(struct cpu *c, uint64_t sp);

static inline bool
cpu_long(const struct cpu *c)
{
	return (c->efer & X86_EFER_LMA) != 0;
}
/* Selectors name descriptors: neither real nor virtual-8086 mode. */
static inline bool
cpu_protected(const struct cpu *c)
{
	return (c->cr0 & X86_CR0_PE) && !(c->rflags & X86_FL_VM);
}
static inline bool
cpu_code64(const struct cpu *c)
{
	return (c->mode & CM_CODE64) != 0;
}
/* la is canonical for 48 bits. */
static inline bool
la_canonical(uint64_t la)
{
	return (uint64_t)((int64_t)(la << 16) >> 16) == la;
}
#endif
