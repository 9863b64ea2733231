/* SPDX-License-Identifier: BSD-2-Clause */
/* bed.h - a test bed for machine-level programs: a VM with this engine, tables
 * laid out, and ports through which the program talks. For tests alone.
 *
 * Memory of the bed, identity-mapped by 4 KiB pages where paging is on:
 *
 *   1000 PML4  2000 PDPT  3000 PD  4000 5000 6000 7000 PTs of 0..8 MiB
 *   8000 GDT  9000 IDT  a000 TSS  b000 log of a fault  c000 stubs of vectors
 *   f000 end of the ring 0 stack  10000 programs
 */
#ifndef SOFT_BED_H
#define SOFT_BED_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"
#include "vmm/vm.h"

enum {
	BED_PML4 = 0x1000,
	BED_PDPT = 0x2000,
	BED_PD = 0x3000,
	BED_PT = 0x4000,
	BED_GDT = 0x8000,
	BED_IDT = 0x9000,
	BED_TSS = 0xa000,
	BED_LOG = 0xb000,
	BED_STUBS = 0xc000,
	BED_STACK = 0xf000,
	BED_CODE = 0x10000,
	BED_BYTES = 8 << 20,
	BED_MAX_OUT = 64,

	/* Selectors */
	SEL_CODE64 = 0x08,
	SEL_DATA = 0x10,
	SEL_CODE32 = 0x18,
	SEL_USER32 = 0x20 | 3,
	SEL_USER_DATA = 0x28 | 3,
	SEL_USER64 = 0x30 | 3,
	SEL_CODE16 = 0x38,
	SEL_DATA16 = 0x40,
	SEL_TSS = 0x50, /* 16 bytes */

	PORT_OUT = 0xe9, /* a value for the test */
	PORT_END = 0xf4  /* the program is done */
};

struct bed {
	struct vm *vm;
	struct cpu *c; /* of vCPU 0 */
	struct x86_state st;
	uint64_t out[BED_MAX_OUT];
	unsigned nout;
	bool ended;
};

/* What the stubs of bed_long() and bed_flat() wrote when a vector came. */
struct bed_log {
	uint64_t vector, error, rip, cs, rflags, rsp, ss, cr2;
};

/* A program: assembly between two labels, with .code16, 32 or 64 in it. */
#define PROGRAM(name, text)                                                    \
	__asm__(".pushsection .rodata\n" #name ":\n" text "\n" #name           \
	        "_end:\n.code64\n.popsection\n");                              \
	extern const uint8_t name[], name##_end[]
#define LOAD(b, gpa, name) bed_write(b, gpa, name, (size_t)(name##_end - name))
/* The end of a program. */
#define END "\n\tout %al, $0xf4\n\thlt\n"

void bed_init(struct bed *b);
void bed_fini(struct bed *b);
void bed_write(struct bed *b, uint64_t gpa, const void *p, size_t len);
void bed_put64(struct bed *b, uint64_t gpa, uint64_t v);
uint64_t bed_get64(struct bed *b, uint64_t gpa);
/* b->st at CODE in 64-bit mode, ring 0, interrupts off, vectors to stubs. */
void bed_long(struct bed *b);
/* The same in flat 32-bit protected mode without paging. */
void bed_flat(struct bed *b);
/* Real mode at 0:CODE & ffff... CS base is CODE. */
void bed_real(struct bed *b);
/* The PTE of a page below 8 MiB. */
uint64_t bed_pte(uint64_t la);
/* Run from b->st until PORT_END (true) or a triple fault (false). */
bool bed_run(struct bed *b);
/* The vector that came, or -1 (none since bed_run() began). */
int bed_vector(struct bed *b, struct bed_log *log);
#endif
