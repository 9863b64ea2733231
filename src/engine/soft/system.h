/* SPDX-License-Identifier: BSD-2-Clause */
/* system.h - instructions that touch the machine rather than numbers: control
 * registers, descriptor tables, segment loads, far transfers, interrupts, MSRs,
 * ports, and the flags beyond the arithmetic ones.
 */
#ifndef SOFT_SYSTEM_H
#define SOFT_SYSTEM_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"

/*
 * If the instruction is one of these, set u->fn and its operands and give
 * true; otherwise touch nothing. u->len, u->roff and the memory operand
 * (lower_mem()) are the caller's. Taken:
 *
 *   MOV to and from CR, DR, Sreg; PUSH, POP Sreg; LDS LES LFS LGS LSS
 *   far JMP CALL RET, IRET, INT n INT3 INTO INT1, SYSCALL SYSRET SYSENTER
 *   SYSEXIT, HLT, UD0 UD1 UD2, CLI STI PUSHF POPF CLAC STAC CLTS LMSW SMSW
 *   LGDT LIDT SGDT SIDT LLDT LTR SLDT STR LAR LSL VERR VERW ARPL
 *   INVLPG INVD WBINVD SWAPGS RDMSR WRMSR RDTSC RDTSCP RDPMC CPUID XGETBV
 *   XSETBV RD/WR FS/GS BASE, IN OUT INS OUTS, PAUSE MONITOR MWAIT
 *
 * A handler of these that changed the mode, IF, a segment or RIP sets c->rip
 * and leaves to the run loop (NULL with no exception); the others go on to the
 * next uop. So each may stand last in a block if an end follows it.
 */
bool system_lower(struct cpu *c, const struct x86_insn *i, struct uop *u);

/* The instruction after u, as an offset in CS. Only while c->block runs. */
uint64_t cpu_next_rip(const struct cpu *c, const struct uop *u);

/* MSRs; false asks for #GP(0), nothing having happened. */
bool msr_read(struct cpu *c, uint32_t msr, uint64_t *out);
bool msr_write(struct cpu *c, uint32_t msr, uint64_t v);
uint64_t cpu_tsc(const struct cpu *c); /* the guest's counter, now */
/* The bits of CR4 that this processor has. */
#define CR4_OFFERED                                                            \
	(X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE |  \
	 X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT |     \
	 X86_CR4_FSGSBASE | X86_CR4_SMEP | X86_CR4_SMAP)
bool cpu_set_cr0(struct cpu *c, uint64_t v);
bool cpu_set_cr3(struct cpu *c, uint64_t v);
bool cpu_set_cr4(struct cpu *c, uint64_t v);
#endif
