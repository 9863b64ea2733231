/* SPDX-License-Identifier: BSD-2-Clause */
/* simd_io.h - what simd_lower.c writes into uops and stubs, and simd.c reads:
 * how an operation gets its operands and where its results go.
 */
#ifndef SOFT_SIMD_IO_H
#define SOFT_SIMD_IO_H
#include "engine/soft/access.h"
#include "engine/soft/fx.h"

/* aux of a generic uop. */
enum {
	IO_SIZE = 0x1f, /* bytes of memory; 0: none */
	IO_ALIGN = 1 << 5,
	IO_FP = 1 << 6,
	IO_FLAGS = 1 << 7,  /* gives arithmetic flags */
	IO_XMM0 = 1 << 8,   /* reads XMM0, too */
	IO_STR = 1 << 9,    /* PCMPxSTRx: lengths in RAX and RDX ... */
	IO_MASK = 1 << 10,  /* ... result in XMM0, not ECX */
	IO_STORE = 1 << 11, /* memory is the destination */
	IO_DST_SHIFT = 12,
	IO_SRC_SHIFT = 14,
	IO_CLASS = 3,
	IO_ACC = 1 << 16, /* the destination register is a source, too */
	IO_HIGH = 1 << 17 /* the source is AH CH DH BH */
};
enum { CLASS_NONE, CLASS_XMM, CLASS_GPR, CLASS_MMX };

struct io {
	vec a, b, c;         /* 0: destination; 16: source; 32: XMM0 */
	uint64_t g, d;       /* 48: source; 56: destination or RAX */
	uint64_t flags, rcx; /* 64, 72 */
};

/* By simd_vv...: two vectors in registers (vv) or register and memory (vm);
 * the stub is a function of both. imm of all: the stub. */
uop_fn simd_vv, simd_vv_fp, simd_vm, simd_vm_fp;
/* By struct io, at rdi of the stub. */
uop_fn simd_io;
uop_fn simd_emms, simd_mmx_move, simd_maskmov, simd_ldmxcsr, simd_stmxcsr;
uop_fn simd_nm;
#endif
