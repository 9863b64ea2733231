/* SPDX-License-Identifier: BSD-2-Clause */
/* simd.c - SSE and MMX operations by stubs.
 *
 * Two ways. The many operations "xmm, xmm or memory" call a stub as a function
 * of two vectors (quick). All others fill a struct io, run a stub that loads
 * what the operation wants from it and stores what it gives, and hand out the
 * results: how is written in the uop's aux.
 *
 * MXCSR: floating-point stubs run with all exceptions masked. What they set is
 * then compared with the guest's masks; the rare guest that unmasks some has
 * the operation judged again, see judge(). While the guest's rounding and
 * flush bits are the default ones the host's MXCSR is not touched, but for its
 * flags, about which nobody here cares: they stay a subset of the guest's.
 */
#include "engine/soft/simd.h"

#include <errno.h>

#include "engine/soft/fault.h"
#include "engine/soft/fx.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/stub.h"

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

typedef vec vv_stub(vec a, vec b);
typedef void io_stub(struct io *io);

/* ---- MXCSR ---- */

static inline uint32_t
host_mxcsr(void)
{
	uint32_t v;

	__asm__ volatile("stmxcsr %0" : "=m"(v) : : "memory");
	return v;
}

static inline void
set_host_mxcsr(uint32_t v)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(v) : "memory");
}

SOFT_INLINE void
fp_begin(uint32_t guest)
{
	if (unlikely(guest & MXCSR_CONTROL))
		set_host_mxcsr(guest | MXCSR_MASKS);
	else if (unlikely(host_mxcsr() & ~guest & MXCSR_EXC))
		set_host_mxcsr(guest | MXCSR_MASKS);
}

/* Gives the flags set by what ran. */
SOFT_INLINE uint32_t
fp_end(uint32_t guest)
{
	uint32_t flags = host_mxcsr() & MXCSR_EXC;

	if (unlikely(guest & MXCSR_CONTROL))
		set_host_mxcsr(MXCSR_INIT);
	return flags;
}

SOFT_INLINE bool
all_masked(uint32_t guest)
{
	return (guest & MXCSR_MASKS) == MXCSR_MASKS;
}

/* Flags that run sets with all exceptions masked and these other bits. */
static uint32_t
flags_of(void (*run)(void *), void *arg, uint32_t control)
{
	uint32_t flags;

	set_host_mxcsr((control & MXCSR_CONTROL) | MXCSR_MASKS);
	run(arg);
	flags = host_mxcsr() & MXCSR_EXC;
	set_host_mxcsr(MXCSR_INIT);
	return flags;
}

/*
 * The guest has unmasked some exceptions: does run raise one? Then its flags
 * go to MXCSR and it is true (SDM vol. 1 11.5.3: of those found before the
 * computation only these are reported). Underflow is another thing unmasked:
 * any tiny result, even an exact one, which flush-to-zero lets us see. PE
 * beside an unmasked overflow or underflow is that of the masked result:
 * processors look at one with a wider exponent.
 */
static SOFT_COLD bool
judge(struct cpu *c, void (*run)(void *), void *arg)
{
	enum { BEFORE = 0x07, OE = 0x08, UE = 0x10, PE = 0x20 };
	uint32_t guest = fx_get32(c->fx, FX_MXCSR);
	uint32_t masks = (guest & MXCSR_MASKS) >> 7;
	uint32_t flags = flags_of(run, arg, guest & ~(uint32_t)MXCSR_FTZ);
	uint32_t raised;

	if (flags & BEFORE & ~masks) {
		fx_set32(c->fx, FX_MXCSR, guest | (flags & BEFORE));
		return true;
	}
	if (masks & UE)
		flags = flags_of(run, arg, guest);
	else
		flags = (flags & ~(uint32_t)UE) |
		        (flags_of(run, arg, guest | MXCSR_FTZ) & UE);
	raised = flags & ~masks;
	fx_set32(c->fx, FX_MXCSR, guest | flags);
	return raised != 0;
}

static SOFT_COLD const struct uop *
fault_xm(struct cpu *c, const struct uop *u)
{
	return cpu_fault(c, u, c->cr4 & X86_CR4_OSXMMEXCPT ? X86_XM : X86_UD);
}

/* ---- xmm, xmm or memory ---- */

struct vv_call {
	vv_stub *stub;
	vec a, b;
};

static void
vv_run(void *arg)
{
	struct vv_call *k = arg;
	volatile vec r = k->stub(k->a, k->b);

	(void)r;
}

SOFT_INLINE const struct uop *
vv_fp(struct cpu *c, const struct uop *u, vec b)
{
	uint32_t guest = fx_get32(c->fx, FX_MXCSR);
	vec a = xmm_get(c, u->rd);
	vv_stub *stub = (vv_stub *)(uintptr_t)u->imm;
	vec r;

	if (unlikely(!all_masked(guest))) {
		struct vv_call k = { stub, a, b };

		if (judge(c, vv_run, &k))
			return fault_xm(c, u);
		guest = fx_get32(c->fx, FX_MXCSR);
	}
	fp_begin(guest);
	r = stub(a, b);
	fx_set32(c->fx, FX_MXCSR, guest | fp_end(guest));
	xmm_set(c, u->rd, r);
	return u + 1;
}

static UOP(simd_vv)
{
	vv_stub *stub = (vv_stub *)(uintptr_t)u->imm;

	xmm_set(c, u->rd, stub(xmm_get(c, u->rd), xmm_get(c, u->rs)));
	return u + 1;
}

static UOP(simd_vv_fp)
{
	return vv_fp(c, u, xmm_get(c, u->rs));
}

SOFT_INLINE bool
vv_load(struct cpu *c, const struct uop *u, vec *b)
{
	*b = (vec){ 0, 0 };
	return fx_load(c, u, u->aux & IO_SIZE, u->aux & IO_ALIGN, b);
}

static UOP(simd_vm)
{
	vv_stub *stub = (vv_stub *)(uintptr_t)u->imm;
	vec b;

	if (!vv_load(c, u, &b))
		return NULL;
	xmm_set(c, u->rd, stub(xmm_get(c, u->rd), b));
	return u + 1;
}

static UOP(simd_vm_fp)
{
	vec b;

	return vv_load(c, u, &b) ? vv_fp(c, u, b) : NULL;
}

/* ---- MMX's registers ---- */

SOFT_INLINE uint8_t *
mmx_at(struct cpu *c, unsigned n)
{
	return c->fx + FX_ST + 16 * ((n - fx_top(c->fx)) & 7);
}

/* What every MMX operation does to the x87 state (SDM vol. 1 9.6.2). */
static void
mmx_enter(struct cpu *c)
{
	fx_set_top(c->fx, 0);
	c->fx[FX_FTW] = 0xff;
}

static void
mmx_set(struct cpu *c, unsigned n, uint64_t v)
{
	uint8_t *p = mmx_at(c, n);

	memcpy(p, &v, 8);
	memset(p + 8, 0xff, 2);
}

/* ---- everything else ---- */

SOFT_INLINE unsigned
class_of(const struct uop *u, unsigned shift)
{
	return (u->aux >> shift) & IO_CLASS;
}

static bool
uses_mmx(const struct uop *u)
{
	bool dst = class_of(u, IO_DST_SHIFT) == CLASS_MMX;
	bool src = class_of(u, IO_SRC_SHIFT) == CLASS_MMX;

	/* CVTPI2xx of memory does not touch the file. */
	if (src && !dst && (u->aux & IO_SIZE))
		return false;
	return dst || src;
}

static void
io_source(struct cpu *c, const struct uop *u, struct io *io)
{
	switch (class_of(u, IO_SRC_SHIFT)) {
	case CLASS_XMM:
		io->b = xmm_get(c, u->rs);
		break;
	case CLASS_GPR:
		io->g =
		    u->aux & IO_HIGH ? c->gpr[u->rs & 15] >> 8 : c->gpr[u->rs];
		break;
	case CLASS_MMX:
		memcpy(&io->b, mmx_at(c, u->rs), 8);
		break;
	default:
		break;
	}
}

/* The operands before the operation; false: a fault. */
static bool
io_gather(struct cpu *c, const struct uop *u, struct io *io)
{
	unsigned size = u->aux & IO_SIZE;

	memset(io, 0, sizeof(*io));
	if (size == 0 || (u->aux & IO_STORE))
		io_source(c, u, io);
	else if (!fx_load(c, u, size, u->aux & IO_ALIGN,
	                  class_of(u, IO_SRC_SHIFT) == CLASS_GPR
	                      ? (void *)&io->g
	                      : (void *)&io->b))
		return false;
	if (class_of(u, IO_DST_SHIFT) == CLASS_XMM ||
	    (u->aux & (IO_FLAGS | IO_STR)))
		io->a = xmm_get(c, u->rd);
	if (class_of(u, IO_DST_SHIFT) == CLASS_MMX)
		memcpy(&io->a, mmx_at(c, u->rd), 8);
	if (u->aux & IO_ACC)
		io->d = c->gpr[u->rd];
	if (u->aux & IO_XMM0)
		io->c = xmm_get(c, 0);
	if (u->aux & IO_STR) {
		io->d = c->gpr[X86_RAX];
		io->g = c->gpr[X86_RDX];
	}
	return true;
}

static void
io_commit(struct cpu *c, const struct uop *u, const struct io *io)
{
	uint64_t low;

	if (uses_mmx(u))
		mmx_enter(c);
	switch (class_of(u, IO_DST_SHIFT)) {
	case CLASS_XMM:
		xmm_set(c, u->rd, io->a);
		break;
	case CLASS_GPR:
		if (!(u->aux & IO_STORE))
			c->gpr[u->rd] = io->d;
		break;
	case CLASS_MMX:
		memcpy(&low, &io->a, 8);
		mmx_set(c, u->rd, low);
		break;
	default:
		break;
	}
	if ((u->aux & (IO_STR | IO_MASK)) == (IO_STR | IO_MASK))
		xmm_set(c, 0, io->c);
	else if (u->aux & IO_STR)
		c->gpr[X86_RCX] = io->rcx;
	if (u->aux & IO_FLAGS)
		cc_set_flags(c, io->flags & X86_FL_ARITH);
}

struct io_call {
	io_stub *stub;
	const struct io *io;
};

static void
io_run(void *arg)
{
	struct io_call *k = arg;
	struct io io = *k->io; /* the operation may run again */

	k->stub(&io);
}

static UOP(simd_io)
{
	io_stub *stub = (io_stub *)(uintptr_t)u->imm;
	struct io io;

	if (uses_mmx(u) && fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	if (!io_gather(c, u, &io))
		return NULL;
	if (u->aux & IO_FP) {
		uint32_t guest = fx_get32(c->fx, FX_MXCSR);
		struct io_call k = { stub, &io };

		if (!all_masked(guest) && judge(c, io_run, &k))
			return fault_xm(c, u);
		guest = fx_get32(c->fx, FX_MXCSR);
		fp_begin(guest);
		stub(&io);
		fx_set32(c->fx, FX_MXCSR, guest | fp_end(guest));
	} else {
		stub(&io);
	}
	if ((u->aux & IO_STORE) &&
	    !fx_store(c, u, u->aux & IO_SIZE, false, &io.d))
		return NULL;
	io_commit(c, u, &io);
	return u + 1;
}

/* ---- the few of MMX and SSE that are no computation ---- */

static UOP(simd_emms)
{
	if (fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	mmx_enter(c);
	c->fx[FX_FTW] = 0;
	return u + 1;
}

/* aux: IO_SIZE of the memory operand (0: rs is a register), classes. */
static UOP(simd_mmx_move)
{
	unsigned size = u->aux & IO_SIZE;
	uint64_t v = 0;

	if (fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	if (size != 0 && !(u->aux & IO_STORE)) {
		if (!fx_load(c, u, size, false, &v))
			return NULL;
	} else if (class_of(u, IO_SRC_SHIFT) == CLASS_MMX) {
		memcpy(&v, mmx_at(c, u->rs), 8);
	} else if (class_of(u, IO_SRC_SHIFT) == CLASS_XMM) {
		v = (uint64_t)xmm_get(c, u->rs)[0];
	} else {
		v = c->gpr[u->rs];
		if (!(u->aux & IO_ACC)) /* MOVD, not MOVQ */
			v = (uint32_t)v;
	}
	if ((u->aux & IO_STORE) && !fx_store(c, u, size, false, &v))
		return NULL;
	mmx_enter(c);
	if (u->aux & IO_STORE)
		return u + 1;
	if (class_of(u, IO_DST_SHIFT) == CLASS_MMX)
		mmx_set(c, u->rd, v);
	else if (class_of(u, IO_DST_SHIFT) == CLASS_XMM)
		xmm_set(c, u->rd, (vec){ (long long)v, 0 });
	else
		c->gpr[u->rd] = u->aux & IO_ACC ? v : (uint32_t)v;
	return u + 1;
}

/* MASKMOVQ, MASKMOVDQU: the bytes of rd whose byte in rs has its top bit. */
static UOP(simd_maskmov)
{
	unsigned size = u->aux & IO_SIZE;
	uint8_t data[16], mask[16], *mem;
	struct mmu_bounce b;
	uint64_t la;

	if (size == 8 && fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	if (size == 8) {
		memcpy(data, mmx_at(c, u->rd), 8);
		memcpy(mask, mmx_at(c, u->rs), 8);
	} else {
		memcpy(data, c->fx + FX_XMM + 16 * u->rd, 16);
		memcpy(mask, c->fx + FX_XMM + 16 * u->rs, 16);
	}
	/* Faults come even if no byte is to be written. */
	if (!ea_linear(c, u, 0, size, true, &la) ||
	    (mem = mmu_rmw(c, la, size, &b)) == NULL)
		return mem_fault(c, u);
	for (unsigned i = 0; i < size; i++)
		if (mask[i] & 0x80)
			mem[i] = data[i];
	mmu_rmw_end(c, &b);
	if (size == 8)
		mmx_enter(c);
	return u + 1;
}

static UOP(simd_ldmxcsr)
{
	uint32_t v;

	if (!fx_load(c, u, 4, false, &v))
		return NULL;
	if (v & ~(uint32_t)MXCSR_VALID)
		return cpu_fault_error(c, u, X86_GP, 0);
	fx_set32(c->fx, FX_MXCSR, v);
	return u + 1;
}

static UOP(simd_stmxcsr)
{
	return fx_store(c, u, 4, false, c->fx + FX_MXCSR) ? u + 1 : NULL;
}

static UOP(simd_nm)
{
	return cpu_fault(c, u, X86_NM);
}

/* ---- choosing ---- */

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

int
simd_new(struct soft_vm *vm)
{
	/* What CPUID offers (cpuid.c) and stubs contain. */
	if (!__builtin_cpu_supports("sse4.2") ||
	    !__builtin_cpu_supports("ssse3"))
		return -ENOTSUP;
	return stubs_new(&vm->stubs);
}

void
simd_free(struct soft_vm *vm)
{
	stubs_free(vm->stubs);
	vm->stubs = NULL;
}

void
simd_reset(struct cpu *c)
{
	memset(c->fx, 0, sizeof(c->fx));
	fx_set16(c->fx, FX_FCW, FCW_ONE);
	fx_set32(c->fx, FX_MXCSR, MXCSR_INIT);
	fx_set32(c->fx, FX_MXCSR_MASK, MXCSR_VALID);
	c->fx[FX_FTW] = 0xff; /* all zero, none empty (SDM 3A table 9-1) */
}

void
simd_sanitize(struct cpu *c)
{
	fx_make_valid(c->fx);
}
