/* SPDX-License-Identifier: BSD-2-Clause */
/* simd.c - SSE and MMX operations by stubs.
 *
 * Two ways. The many operations "xmm, xmm or memory" call a stub as a function
 * of two vectors (quick). All others fill a struct io, run a stub that loads
 * what the operation wants from it and stores what it gives, and hand out the
 * results: how is written in the uop's aux by simd_lower.c.
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
#include "engine/soft/simd_io.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/stub.h"

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
	enum { BEFORE = 0x07, UE = 0x10 };
	uint32_t guest = fx_get32(c->fx, FX_MXCSR);
	uint32_t masks = (guest & MXCSR_MASKS) >> 7;
	/* Flush-to-zero counts only with underflow masked. */
	uint32_t flags = flags_of(
	    run, arg, masks & UE ? guest : guest & ~(uint32_t)MXCSR_FTZ);
	uint32_t raised;

	if (flags & BEFORE & ~masks) {
		fx_set32(c->fx, FX_MXCSR, guest | (flags & BEFORE));
		return true;
	}
	if (!(masks & UE))
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
	uint32_t flags = 0;
	vec r;

	if (unlikely(!all_masked(guest))) {
		struct vv_call k = { stub, a, b };

		if (judge(c, vv_run, &k))
			return fault_xm(c, u);
		guest = fx_get32(c->fx, FX_MXCSR);
	}
	if (likely(!(guest & MXCSR_CONTROL))) {
		r = stub(a, b);
		flags = host_mxcsr() & MXCSR_EXC;
	}
	/* Flags that the guest lacks may be old ones of the host's. */
	if (unlikely((guest & MXCSR_CONTROL) || (flags & ~guest))) {
		set_host_mxcsr(guest | MXCSR_MASKS);
		r = stub(a, b);
		flags = fp_end(guest);
		fx_set32(c->fx, FX_MXCSR, guest | flags);
	}
	xmm_set(c, u->rd, r);
	return u + 1;
}

UOP(simd_vv)
{
	vv_stub *stub = (vv_stub *)(uintptr_t)u->imm;

	xmm_set(c, u->rd, stub(xmm_get(c, u->rd), xmm_get(c, u->rs)));
	return u + 1;
}

UOP(simd_vv_fp)
{
	return vv_fp(c, u, xmm_get(c, u->rs));
}

SOFT_INLINE bool
vv_load(struct cpu *c, const struct uop *u, vec *b)
{
	*b = (vec){ 0, 0 };
	return fx_load(c, u, u->aux & IO_SIZE, u->aux & IO_ALIGN, b);
}

UOP(simd_vm)
{
	vv_stub *stub = (vv_stub *)(uintptr_t)u->imm;
	vec b;

	if (!vv_load(c, u, &b))
		return NULL;
	xmm_set(c, u->rd, stub(xmm_get(c, u->rd), b));
	return u + 1;
}

UOP(simd_vm_fp)
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

UOP(simd_io)
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

UOP(simd_emms)
{
	if (fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	mmx_enter(c);
	c->fx[FX_FTW] = 0;
	return u + 1;
}

/* aux: IO_SIZE of the memory operand (0: rs is a register), classes. */
UOP(simd_mmx_move)
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
UOP(simd_maskmov)
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

UOP(simd_ldmxcsr)
{
	uint32_t v;

	if (!fx_load(c, u, 4, false, &v))
		return NULL;
	if (v & ~(uint32_t)MXCSR_VALID)
		return cpu_fault_error(c, u, X86_GP, 0);
	fx_set32(c->fx, FX_MXCSR, v);
	return u + 1;
}

UOP(simd_stmxcsr)
{
	return fx_store(c, u, 4, false, c->fx + FX_MXCSR) ? u + 1 : NULL;
}

UOP(simd_nm)
{
	return cpu_fault(c, u, X86_NM);
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
