/* SPDX-License-Identifier: BSD-2-Clause */
/* insn.h - one decoded x86 instruction, and the decoder.
 *
 * The table behind it is src/x86/insn.tab: opcode, operands, flags, features;
 * tools/gen-insn makes the arrays from it at build time. The same rows name the
 * handlers of the software engine, the cases of the differential test, and
 * later the translator's templates. The KVM engine decodes MMIO with it.
 */
#ifndef X86_INSN_H
#define X86_INSN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x86/insn_ops.h" /* generated: enum x86_op, enum x86_feature */

enum { X86_MAX_INSN = 15 };

enum x86_mode { X86_MODE_16, X86_MODE_32, X86_MODE_64 };

enum x86_opnd_kind {
	X86_OPND_NONE,
	X86_OPND_GPR,      /* reg is an x86_gpr; size 1: its low byte */
	X86_OPND_GPR_HIGH, /* AH CH DH BH: reg is RAX RCX RDX RBX */
	X86_OPND_MEM,      /* base, index, scale, disp, seg of the insn */
	X86_OPND_IMM,      /* imm (the second one: imm2); size: its bytes */
	X86_OPND_REL,      /* imm is the displacement from the next insn */
	X86_OPND_FAR,      /* imm2:imm */
	X86_OPND_SREG,
	X86_OPND_CR,
	X86_OPND_DR,
	X86_OPND_XMM,
	X86_OPND_MMX,
	X86_OPND_ST
};

struct x86_opnd {
	uint8_t kind; /* enum x86_opnd_kind */
	uint8_t reg;
	uint8_t size; /* bytes; of memory operands the bytes touched; 0: none
	               * or many (FXSAVE, string I/O: the operation knows) */
};

enum { X86_NO_REG = 0xff, X86_BASE_RIP = 0xfe };
enum x86_rep { X86_REP_NONE, X86_REP, X86_REPNE };

/* What the table says of an operation beyond its operands. */
enum x86_attr {
	X86_A_BRANCH = 1 << 0, /* may set RIP */
	X86_A_END = 1 << 1,  /* ends a block: mode, IF, CR or segment change */
	X86_A_CPL0 = 1 << 2, /* #GP above CPL 0 */
	X86_A_IO = 1 << 3,   /* looks at IOPL and the I/O bitmap */
	X86_A_LOCKABLE = 1 << 4, /* LOCK allowed with a memory destination */
	X86_A_HOST = 1 << 5,     /* x87, MMX, SSE: executed by the host's own */
	X86_A_DEF64 = 1 << 6,    /* operand size 64 in 64-bit mode */
	X86_A_COND = 1 << 7,     /* cond holds the condition */
	X86_A_STRING = 1 << 8,   /* REP repeats it */
	X86_A_ALT = 1 << 9,      /* without its feature: x86_insn_without() */
	X86_A_ALIGN = 1 << 10,   /* its 16 bytes of memory must be aligned */
	X86_A_FP = 1 << 11       /* may raise SIMD floating-point exceptions */
};

struct x86_insn {
	uint16_t op;     /* enum x86_op: the mnemonic */
	uint16_t attr;   /* enum x86_attr */
	uint8_t feature; /* enum x86_feature that CPUID must show */
	uint8_t len;
	uint8_t opsize;   /* effective operand size in bytes: 1 2 4 8 */
	uint8_t addrsize; /* effective address size in bytes: 2 4 8 */
	uint8_t cond;     /* 0..15 of Jcc, SETcc, CMOVcc */
	uint8_t rep;      /* enum x86_rep; only where it repeats */
	bool lock;
	uint8_t nopnds;
	struct x86_opnd opnd[4]; /* Intel order: destination first */
	uint8_t seg;             /* enum x86_seg of the memory operand */
	uint8_t base, index,
	    scale;    /* X86_NO_REG, X86_BASE_RIP; scale 1 2 4 8 */
	int64_t disp; /* sign-extended; moffs: the whole address */
	/* Sign-extended to 64 bits whatever opsize is; zero-extended where the
	 * manual counts it unsigned (shifts, ports, vectors, masks, RET). */
	uint64_t imm;
	uint16_t imm2; /* ENTER's level, a far pointer's selector */
	/* X86_FL_*. Written: set to a defined value, always; undef: junk is
	 * left. What an operation may leave alone (a count of zero in CL, REP
	 * with RCX 0) is in read, too: then liveness needs no exceptions. */
	uint32_t flags_read, flags_written, flags_undef;
	/* Where things lie in bytes[], for who encodes it anew. 0: absent. */
	uint8_t opcode_at, modrm_at, disp_at, imm_at;
	uint8_t map;    /* 0 one byte, 1 0F, 2 0F38, 3 0F3A */
	uint8_t prefix; /* mandatory: 0, 0x66, 0xf3, 0xf2 */
	uint8_t rex;
	uint8_t bytes[X86_MAX_INSN]; /* the first len count */
};

/* Errors of x86_decode(). */
enum {
	X86_E_SHORT = -1, /* more bytes are needed than n */
	X86_E_UD = -2,    /* no such instruction: #UD */
	X86_E_LONG = -3   /* over 15 bytes: #GP(0) */
};

/*
 * Decode the instruction at the start of bytes[0..n). Pure: looks at nothing
 * else, CPUID included (the caller compares feature). Returns its length, or
 * one of the errors, which leave *out undefined. Source: SDM vol. 2 chapter 2
 * and appendix A.
 */
int x86_decode(const uint8_t *bytes, size_t n, enum x86_mode mode,
               struct x86_insn *out);

/*
 * An instruction with X86_A_ALT whose feature the guest lacks is another one
 * there: TZCNT is BSF, LZCNT is BSR, WBNOINVD is WBINVD. Makes *in that. False:
 * it has no such twin and is #UD (and *in is lost).
 */
bool x86_insn_without(struct x86_insn *in, enum x86_mode mode);

/* The mnemonic in lower case, for traces and tests. Never NULL. */
const char *x86_op_name(unsigned op);
#endif
