/* SPDX-License-Identifier: BSD-2-Clause */
/* simd_lower.c - which handler and which stub an SSE or MMX instruction gets.
 *
 * A stub's instruction is the guest's with registers of the stub's choice:
 * XMM0, XMM1 as a function of vectors; otherwise destination 1 and source 2 of
 * XMM and MMX, RAX and RDX of the general ones. Memory operands were loaded by
 * the handler, so that only register forms are executed.
 */
#include "engine/soft/simd.h"
#include "engine/soft/simd_io.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/stub.h"

static unsigned
class_for(const struct x86_opnd *o)
{
	switch (o->kind) {
	case X86_OPND_XMM:
		return CLASS_XMM;
	case X86_OPND_GPR:
	case X86_OPND_GPR_HIGH:
		return CLASS_GPR;
	case X86_OPND_MMX:
		return CLASS_MMX;
	default:
		return CLASS_NONE;
	}
}

/* What memory stands for in the register form that the stub uses. */
static unsigned
memory_class(const struct x86_insn *in)
{
	switch (in->op) {
	case X86_OP_PINSRW:
	case X86_OP_PINSRB:
	case X86_OP_PINSRD:
	case X86_OP_PINSRQ:
	case X86_OP_PEXTRB:
	case X86_OP_PEXTRW:
	case X86_OP_PEXTRD:
	case X86_OP_PEXTRQ:
	case X86_OP_EXTRACTPS:
	case X86_OP_CVTSI2SS:
	case X86_OP_CVTSI2SD:
	case X86_OP_CRC32:
		return CLASS_GPR;
	case X86_OP_CVTPI2PS:
	case X86_OP_CVTPI2PD:
		return CLASS_MMX;
	default:
		return in->opnd[0].kind == X86_OPND_MMX &&
		               in->op != X86_OP_CVTPS2PI &&
		               in->op != X86_OP_CVTTPS2PI &&
		               in->op != X86_OP_CVTPD2PI &&
		               in->op != X86_OP_CVTTPD2PI
		           ? CLASS_MMX
		           : CLASS_XMM;
	}
}

/* In the stub: XMM and MMX destination 1, source 2; RAX, RDX. */
static void
code_load(struct code *k, uint32_t aux)
{
	unsigned dst = (aux >> IO_DST_SHIFT) & IO_CLASS;
	unsigned src = (aux >> IO_SRC_SHIFT) & IO_CLASS;

	if (dst == CLASS_XMM || (aux & (IO_STR | IO_FLAGS)))
		CODE(k, 0x66, 0x0f, 0x6f, 0x0f); /* movdqa xmm1, [rdi] */
	if (dst == CLASS_MMX)
		CODE(k, 0x0f, 0x6f, 0x0f); /* movq mm1, [rdi] */
	if (src == CLASS_XMM)
		CODE(k, 0x66, 0x0f, 0x6f, 0x57, 16); /* xmm2 */
	if (src == CLASS_MMX)
		CODE(k, 0x0f, 0x6f, 0x57, 16); /* mm2 */
	if (aux & IO_XMM0)
		CODE(k, 0x66, 0x0f, 0x6f, 0x47, 32); /* xmm0 */
	if (src == CLASS_GPR || (aux & IO_STR))
		CODE(k, 0x48, 0x8b, 0x57, 48); /* mov rdx, [rdi+48] */
	if (aux & (IO_ACC | IO_STR))
		CODE(k, 0x48, 0x8b, 0x47, 56); /* mov rax, [rdi+56] */
}

static void
code_give(struct code *k, uint32_t aux)
{
	unsigned dst = (aux >> IO_DST_SHIFT) & IO_CLASS;
	unsigned src = (aux >> IO_SRC_SHIFT) & IO_CLASS;

	if (aux & IO_FLAGS)
		CODE(k, 0x9c, 0x8f, 0x47, 64); /* pushfq; pop [rdi+64] */
	if (aux & IO_STR) {
		CODE(k, 0x48, 0x89, 0x4f, 72);       /* mov [rdi+72], rcx */
		CODE(k, 0x66, 0x0f, 0x7f, 0x47, 32); /* xmm0 */
	}
	if (dst == CLASS_XMM)
		CODE(k, 0x66, 0x0f, 0x7f, 0x0f);
	if (dst == CLASS_GPR)
		CODE(k, 0x48, 0x89, 0x47, 56);
	if (dst == CLASS_MMX)
		CODE(k, 0x0f, 0x7f, 0x0f);
	if (dst == CLASS_MMX || src == CLASS_MMX)
		CODE(k, 0x0f, 0x77); /* emms */
	CODE(k, 0xc3);
}

/* Is the destination in ModRM.rm? */
static bool
is_reversed(const struct x86_insn *in)
{
	return in->op == X86_OP_EXTRACTPS ||
	       (in->map == 3 &&
	        (in->op == X86_OP_PEXTRB || in->op == X86_OP_PEXTRW ||
	         in->op == X86_OP_PEXTRD || in->op == X86_OP_PEXTRQ));
}

/* The ModRM byte of the stub's instruction: classes' own registers. */
static uint8_t
stub_modrm(const struct x86_insn *in, uint32_t aux)
{
	unsigned dst = (aux >> IO_DST_SHIFT) & IO_CLASS;
	unsigned src = (aux >> IO_SRC_SHIFT) & IO_CLASS;
	unsigned d = dst == CLASS_GPR ? 0 : 1, s = 2;

	if (src == CLASS_NONE) /* shifts by an immediate: reg is the opcode's */
		return (uint8_t)((in->bytes[in->modrm_at] & 0x38) | 0xc0 | d);
	return (uint8_t)(is_reversed(in) ? 0xc0 | s << 3 | d
	                                 : 0xc0 | d << 3 | s);
}

static uint32_t
io_aux(const struct x86_insn *in)
{
	const struct x86_opnd *d = &in->opnd[0], *s = &in->opnd[1];
	bool sets = (in->flags_written & X86_FL_ZF) != 0;
	bool str = in->op == X86_OP_PCMPESTRI || in->op == X86_OP_PCMPISTRI ||
	           in->op == X86_OP_PCMPESTRM || in->op == X86_OP_PCMPISTRM;
	unsigned dst = class_for(d), src = class_for(s);
	uint32_t aux = 0;

	if (d->kind == X86_OPND_MEM) {
		aux |= IO_STORE | d->size;
		dst = memory_class(in);
	} else if (s->kind == X86_OPND_MEM) {
		aux |= s->size;
		src = memory_class(in);
	}
	if (sets && dst == CLASS_XMM)
		dst = CLASS_NONE;
	if (str)
		aux |= IO_STR;
	if (in->op == X86_OP_PCMPESTRM || in->op == X86_OP_PCMPISTRM)
		aux |= IO_MASK;
	if (in->op == X86_OP_CRC32)
		aux |= IO_ACC;
	if (s->kind == X86_OPND_GPR_HIGH)
		aux |= IO_HIGH;
	return aux | (in->attr & X86_A_ALIGN ? IO_ALIGN : 0) |
	       (in->attr & X86_A_FP ? IO_FP : 0) | (sets ? IO_FLAGS : 0) |
	       (in->nopnds > 2 && in->opnd[2].kind == X86_OPND_XMM ? IO_XMM0
	                                                           : 0) |
	       dst << IO_DST_SHIFT | src << IO_SRC_SHIFT;
}

/* Normal forms of immediates of which the processor ignores bits, so that
 * stubs are shared; INSERTPS of memory takes its lowest element. */
static void
normal_imm(struct x86_insn *in)
{
	if (in->op == X86_OP_INSERTPS && in->opnd[1].kind == X86_OPND_MEM)
		in->bytes[in->imm_at] &= 0x3f;
}

static bool
io_lower(struct cpu *c, const struct x86_insn *in, struct uop *u)
{
	struct code k = { .n = 0 };
	struct x86_insn norm = *in;

	normal_imm(&norm);
	u->aux = io_aux(in);
	code_load(&k, u->aux);
	code_insn(&k, &norm, stub_modrm(in, u->aux));
	code_give(&k, u->aux);
	u->imm = (uintptr_t)stub_get(c->vm->stubs, &k);
	u->fn = simd_io;
	return u->imm != 0;
}

static bool
vv_lower(struct cpu *c, const struct x86_insn *in, struct uop *u)
{
	bool mem = in->opnd[1].kind == X86_OPND_MEM;
	bool fp = in->attr & X86_A_FP;
	struct code k = { .n = 0 };
	struct x86_insn norm = *in;

	normal_imm(&norm);
	code_insn(&k, &norm, 0xc1); /* op xmm0, xmm1 */
	CODE(&k, 0xc3);
	u->imm = (uintptr_t)stub_get(c->vm->stubs, &k);
	u->aux = in->opnd[1].size | (in->attr & X86_A_ALIGN ? IO_ALIGN : 0);
	u->fn = mem ? fp ? simd_vm_fp : simd_vm : fp ? simd_vv_fp : simd_vv;
	return u->imm != 0;
}

static bool
is_mmx_move(const struct x86_insn *in)
{
	bool mmx = in->opnd[0].kind == X86_OPND_MMX ||
	           in->opnd[1].kind == X86_OPND_MMX;

	return mmx && (in->op == X86_OP_MOVD || in->op == X86_OP_MOVQ ||
	               in->op == X86_OP_MOVQ2DQ || in->op == X86_OP_MOVDQ2Q ||
	               in->op == X86_OP_MOVNTQ);
}

/* Those with handlers of their own; false: none. */
static bool
lower_special(const struct x86_insn *in, struct uop *u)
{
	if (is_mmx_move(in)) {
		u->aux = io_aux(in) | (in->rex & 8 ? IO_ACC : 0);
		u->fn = simd_mmx_move;
		return true;
	}
	switch (in->op) {
	case X86_OP_EMMS:
		u->fn = simd_emms;
		return true;
	case X86_OP_LDMXCSR:
		u->fn = simd_ldmxcsr;
		return true;
	case X86_OP_STMXCSR:
		u->fn = simd_stmxcsr;
		return true;
	case X86_OP_MASKMOVQ:
	case X86_OP_MASKMOVDQU:
		u->aux = in->op == X86_OP_MASKMOVQ ? 8 : 16;
		u->fn = simd_maskmov;
		return true;
	default:
		return false;
	}
}

/* What the mode says: 0 go on, or the vector. */
static unsigned
refused(const struct cpu *c, const struct x86_insn *in)
{
	bool xmm = in->op == X86_OP_LDMXCSR || in->op == X86_OP_STMXCSR;
	bool any = xmm || in->op == X86_OP_EMMS;

	for (unsigned i = 0; i < in->nopnds; i++) {
		xmm |= in->opnd[i].kind == X86_OPND_XMM;
		any |= xmm || in->opnd[i].kind == X86_OPND_MMX;
	}
	if (!any)
		return 0; /* CRC32 */
	if ((c->mode & CM_EM) || (xmm && (c->mode & CM_NOSSE)))
		return X86_UD;
	return c->mode & CM_NM ? X86_NM : 0;
}

/* A register operand's number; of two, the destination's. */
static void
lower_registers(const struct x86_insn *in, struct uop *u)
{
	if (in->nopnds > 0 && in->opnd[0].kind != X86_OPND_MEM)
		u->rd = in->opnd[0].reg;
	if (in->nopnds > 1 && in->opnd[1].kind != X86_OPND_MEM &&
	    in->opnd[1].kind != X86_OPND_IMM)
		u->rs = in->opnd[1].reg;
}

bool
simd_lower(struct cpu *c, const struct x86_insn *in, struct uop *u)
{
	bool fpu = in->feature == X86_F_FPU || in->op == X86_OP_FXSAVE ||
	           in->op == X86_OP_FXRSTOR ||
	           (in->map == 0 && (in->attr & X86_A_HOST));

	if (!(in->attr & X86_A_HOST) || in->feature == X86_F_XSAVE ||
	    in->feature == X86_F_XSAVEOPT || in->feature == X86_F_XSAVEC ||
	    in->feature == X86_F_XSAVES)
		return false;
	if (fpu)
		return x87_lower(c, in, u);
	lower_registers(in, u);
	switch (refused(c, in)) {
	case X86_UD:
		return false;
	case X86_NM:
		u->fn = simd_nm;
		return true;
	default:
		break;
	}
	if (simd_move_lower(in, u) || lower_special(in, u))
		return true;
	if (in->opnd[0].kind == X86_OPND_XMM && in->nopnds >= 2 &&
	    (in->opnd[1].kind == X86_OPND_XMM ||
	     (in->opnd[1].kind == X86_OPND_MEM &&
	      memory_class(in) == CLASS_XMM)) &&
	    (in->nopnds == 2 || in->opnd[2].kind == X86_OPND_IMM) &&
	    in->flags_written == 0)
		return vv_lower(c, in, u);
	return io_lower(c, in, u);
}
