/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.h - the software processor's own state, and the shape of decoded code.
 *
 * struct cpu is one vCPU inside this engine; only its thread touches it, but
 * for ev. Guest code runs as blocks of uops: a uop is one guest instruction
 * (or a fused pair) with its handler, operands unpacked. Handlers end by going
 * to the next uop; a block ends in a handler that chooses the next block or
 * leaves to run.c.
 *
 * Invariants
 *  1 Every handler first gets host pointers and raises faults, then commits
 *    registers, flags and memory. On a fault it changes nothing: c->exc is set
 *    and the handler returns NULL.
 *  2 While a block executes c->rip is the block's rip, and u->roff leads from
 *    there to the instruction; whenever a handler returned NULL c->rip is the
 *    instruction to execute next (cpu_fault() and its kin add u->roff).
 *  3 Arithmetic flags live in cc_*; c->rflags holds all the others.
 *  4 A block is valid for one (gpa, rip, mode) while its bytes in guest memory
 *    are unchanged; whoever writes them, DMA included, drops it first.
 *  5 A TLB entry that matches needs no further check: ROM, MMIO, PG_CODE,
 *    logged and watched pages have no write tag.
 */
#ifndef SOFT_CPU_H
#define SOFT_CPU_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "x86/insn.h"
#include "x86/state.h"

struct cpu;
struct jump;
struct lapic;
struct mmu;
struct soft_vm;
struct tlbe;
struct trace;
struct uop;
struct vcpu;

/* With SOFT_TAIL each handler jumps to the next; without (sanitizers, -O0) it
 * returns it to the loop. Same code, same results. The loop is always
 * "while (u != NULL) u = u->fn(c, u);": handlers that need a stack frame (slow
 * paths) return the next uop in either build. */
#define UOP(name) const struct uop *name(struct cpu *c, const struct uop *u)
#ifdef SOFT_TAIL
#define NEXT(c, u) return (u)[1].fn((c), (u) + 1)
#define GOTO(c, u) return (u)->fn((c), (u))
#else
#define NEXT(c, u) return (void)(c), (u) + 1
#define GOTO(c, u) return (void)(c), (u)
#endif

/* Requests to a vCPU, in c->ev; any thread sets bits, then kicks. */
enum cpu_event {
	EV_INTR = 1 << 0, /* LAPIC or PIC may have something */
	EV_NMI = 1 << 1,
	EV_INIT = 1 << 2,
	EV_SIPI = 1 << 3,
	EV_EXIT = 1 << 4, /* return to the vCPU loop */
	EV_SYNC = 1 << 5, /* park: somebody changes what all share */
	EV_TRAP = 1 << 6  /* own: TF, shadow or debug wants one step */
};

/* How the last arithmetic left the flags: enough to compute each on demand. */
enum cc_op {
	CC_FLAGS, /* cc_src holds them as RFLAGS bits */
	CC_ADD,
	CC_ADC,
	CC_SUB,
	CC_SBB,
	CC_LOGIC,
	CC_INC,
	CC_DEC,
	CC_SHL,
	CC_SHR,
	CC_SAR,
	CC_MUL,
	CC_NOPS
}; /* cc_op is this * 4 + log2(size); see flags.h */

struct cpu_exception {
	bool pending; /* false after NULL: just leave, or restart (mmu.h) */
	uint8_t vector;
	bool has_error, soft; /* soft: INT n, INT3, INTO */
	bool rf;              /* a #DB that is a fault: RF in its image */
	uint32_t error;
	uint64_t cr2;
};

/* Beyond the guest's own; FS and GS are those segments' bases, so that 64-bit
 * code adds them like any register. 4G is 1 << 32: what makes an address of a
 * displacement that is negative for being above 2 GiB. */
enum {
	GPR_NONE = 16,
	GPR_RIP = 17,
	GPR_FS = 18,
	GPR_GS = 19,
	GPR_4G = 20,
	NGPR_ALL = 21
};

/* The entries of the current set, copied here by mmu_select(). */
struct tlb {
	struct tlbe *e;
	uint64_t mask; /* (entries - 1) * sizeof(struct tlbe) */
};

struct cpu {
	union {
		/* [GPR_NONE]: always zero, for absent base or index */
		uint64_t gpr[NGPR_ALL];
		struct {
			uint64_t gpr_words[GPR_RIP];
			uint64_t rip; /* see invariant 2 */
		};
	};
	uint64_t cc_dst, cc_src;
	uint32_t cc_op;
	_Atomic uint32_t ev;
	uint32_t mode;   /* block key: enum cpu_mode_bit */
	uint32_t rflags; /* without the arithmetic flags */
	struct tlb tlb;
	/* Jumps remembered and links to other pages hold while they carry one
	 * of these numbers, unique in the VM: [0] what was fetched from pages
	 * that are not global, [1] from global ones. */
	uint64_t gen[2];
	struct jump *jumps; /* block.c's */
	bool fetch_global;  /* mmu_fetch(): the page it last gave is global */
	uint8_t cpl;
	uint8_t shadow; /* 1 STI, 2 MOV SS: until the next insn */
	bool nmi_blocked;
	bool halted, wait_sipi;
	bool intr_held; /* EV_INTR was seen while interrupts were off */
	bool one_insn;  /* run the next instruction as a block of its own */
	bool nmi_held;  /* the same of EV_NMI, while nmi_blocked */
	bool step;      /* the debugger's: leave run() after an instruction */
	_Atomic bool asleep; /* in HLT: soft_kick() wakes it */
	uint32_t pauses;
	bool delivering; /* an exception or interrupt, between blocks */
	_Atomic uint32_t sipi_vector;
	struct mmu *mmu; /* mmu.c's */
	struct trace *trace;
	struct x86_segment seg[X86_NSEG];
	struct x86_table gdtr, idtr;
	uint64_t cr0, cr2, cr3, cr4, cr8;
	uint64_t pdpte[4];
	uint64_t dr[4], dr6, dr7;
	bool debug_exec, debug_io, debug_watch; /* debug.c's: any of the kind */
	uint32_t debug_hit; /* DR6 bits and DEBUG_HIT_HOST of this insn */
	uint64_t efer;
	_Alignas(64) uint8_t fx[X86_FX_BYTES]; /* FXSAVE64 image: the truth */
	struct x86_state msrs; /* storage of MSRs that are only stored */
	uint64_t tsc_offset;
	struct cpu_exception exc;
	struct lapic *lapic;
	struct soft_vm *vm;
	struct vcpu *vcpu;
	struct cpu_counts {
		uint64_t interrupts, exceptions, halts, walks, blocks;
		uint64_t pio, mmio;
	} counts; /* off the quick paths: stats.c */
};

/* What a block was decoded for besides its address. */
enum cpu_mode_bit {
	CM_CODE16 = 1 << 0,
	CM_CODE32 = 1 << 1,
	CM_CODE64 = 1 << 2,
	CM_STACK16 = 1 << 3,
	CM_STACK32 = 1 << 4, /* neither: 64 */
	CM_USER = 1 << 5,    /* CPL 3 */
	CM_FLAT = 1 << 6, /* no bases or limits to look at, FS and GS apart */
	CM_REAL = 1 << 7,
	CM_TF = 1 << 8,
	CM_NM = 1 << 9, /* CR0.TS: x87/SSE raise #NM */
	CM_EM = 1 << 10,
	CM_NOSSE = 1 << 11,  /* CR4.OSFXSR is off: SSE is #UD */
	CM_FLAT32 = 1 << 13, /* CM_FLAT outside long mode: no address in the
	                      * TLB has more than 32 bits */
	CM_SHADOW = 1 << 12  /* one instruction, then leave to the run loop: STI
	                      * or MOV SS shadow, c->one_insn, single step */
};
/* After a change of CR0, CR4, EFER, CPL or any segment register. */
void cpu_mode_update(struct cpu *c);

/* After a change of nothing but FS's or GS's base. */
static inline void
cpu_bases_update(struct cpu *c)
{
	c->gpr[GPR_FS] = c->seg[X86_FS].base;
	c->gpr[GPR_GS] = c->seg[X86_GS].base;
}

/* Bits of uop.shift beside the scale (1:0) of the index: how the effective
 * address becomes linear. None set: it is linear as computed. EA_F32 is EA_A32
 * in CM_FLAT32: an address that would be truncated misses the TLB, so that the
 * quick kinds need not look. */
enum { EA_SCALE = 3, EA_SEG = 4, EA_A32 = 8, EA_A16 = 16, EA_F32 = 32 };

/*
 * A direct branch is two uops: itself, with the target in imm, and its link:
 * imm is the uop to go to (const struct uop *), at first the link itself,
 * whose fn then finds the block.
 */
struct uop {
	const struct uop *(*fn)(struct cpu *, const struct uop *);
	union {
		struct {
			uint8_t rd, rs;      /* of gpr (or xmm, seg ...) */
			uint8_t base, index; /* of gpr; GPR_NONE, GPR_RIP */
			uint8_t shift, seg;  /* EA_*; enum x86_seg */
			uint8_t len, roff;   /* bytes of the insn; its offset
			                      * from the block's rip */
		};
		const struct uop *to; /* of a link to another page */
	};
	union {
		struct {
			int32_t disp; /* GPR_RIP: from the block's rip */
			uint32_t aux; /* handler's own: condition, stub ... */
		};
		uint64_t gen; /* of a link to another page */
	};
	uint64_t imm; /* immediate or branch target */
};

/* Faults: record, set rip to the instruction, give NULL. */
const struct uop *cpu_fault(struct cpu *c, const struct uop *u, uint8_t vector);
const struct uop *cpu_fault_error(struct cpu *c, const struct uop *u,
                                  uint8_t vector, uint32_t error);
/* c->exc was set by whoever failed below (MMU, segment). */
const struct uop *cpu_fault_set(struct cpu *c, const struct uop *u);

/* RFLAGS as the guest sees it, and setting it without any checks. */
uint32_t cpu_rflags(const struct cpu *c);
void cpu_set_rflags(struct cpu *c, uint32_t v);
#endif
