/* SPDX-License-Identifier: BSD-2-Clause */
/* x87.c - the x87 by the host's own, and its state in memory.
 *
 * An operation's stub loads the guest's image with FXRSTOR, executes, saves
 * with FXSAVE, and leaves the host's FPU as FNINIT does. It runs when no
 * exception is pending (fx.h, invariant 1), so the host never sees one: what
 * the operation itself raises unmasked waits for the guest's next instruction.
 * Control words, environments and whole images are moved by C alone.
 *
 * #MF is raised whatever CR0.NE says: no guest of ours wants IRQ 13.
 * Source: Intel SDM vol. 1 chapter 8, vol. 2 (figures of FSTENV, table of
 * FXSAVE).
 */
#include "engine/soft/fault.h"
#include "engine/soft/fx.h"
#include "engine/soft/simd.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/stub.h"

/* aux of an operation. */
enum {
	X_FOP = 0x7ff,
	X_SIZE_SHIFT = 11, /* bytes of memory, four bits */
	X_SIZE = 15,
	X_STORE = 1 << 15, /* memory is the destination */
	X_FLAGS = 1 << 16  /* FCOMI and its kin set EFLAGS */
};

/* flags: RFLAGS as they are, for FCMOVcc; gives RFLAGS after it. */
typedef uint64_t x87_stub(uint8_t *fx, void *mem, uint64_t flags);

static unsigned
mem_size(const struct uop *u)
{
	return (u->aux >> X_SIZE_SHIFT) & X_SIZE;
}

/* Run the stub on an image, keeping the host's pointers out of it. */
static uint64_t
run(struct cpu *c, const struct uop *u, uint8_t *fx, void *mem)
{
	x87_stub *stub = (x87_stub *)(uintptr_t)u->imm;
	uint16_t fop = fx_get16(fx, FX_FOP);
	uint64_t fip = fx_get64(fx, FX_FIP), fdp = fx_get64(fx, FX_FDP);
	uint64_t flags = stub(fx, mem, cc_flags(c));

	if (fx_get16(fx, FX_FSW) & FSW_ES) {
		fop = u->aux & X_FOP;
		fip = c->rip + u->roff;
		if (mem_size(u) != 0)
			fdp = ea_truncated(c, u);
	}
	fx_set16(fx, FX_FOP, fop);
	fx_set64(fx, FX_FIP, fip);
	fx_set64(fx, FX_FDP, fdp);
	/* The host's mask may be wider than the guest's. */
	fx_set32(fx, FX_MXCSR_MASK, MXCSR_VALID);
	return flags;
}

static UOP(x87_op)
{
	uint64_t flags, mem[2] = { 0, 0 };

	if (fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	if (mem_size(u) != 0 && !fx_load(c, u, mem_size(u), false, mem))
		return NULL;
	flags = run(c, u, c->fx, mem);
	if (u->aux & X_FLAGS)
		cc_set_flags(c, flags & X86_FL_ARITH);
	return u + 1;
}

/*
 * Stores work on a copy until the guest's memory took the bytes. An unmasked
 * exception other than precision stores nothing: then the bytes are still what
 * was there before.
 */
static UOP(x87_store)
{
	_Alignas(64) uint8_t fx[X86_FX_BYTES];
	uint8_t mem[16], untouched[16];

	if (fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	memcpy(fx, c->fx, sizeof(fx));
	memset(mem, 0xa5, sizeof(mem));
	memset(untouched, 0xa5, sizeof(untouched));
	run(c, u, fx, mem);
	if ((fx_get16(fx, FX_FSW) & FSW_ES) &&
	    memcmp(mem, untouched, sizeof(mem)) == 0) {
		if (!fx_store_nothing(c, u, mem_size(u)))
			return NULL;
	} else if (!fx_store(c, u, mem_size(u), false, mem)) {
		return NULL;
	}
	memcpy(c->fx, fx, FX_XMM);
	return u + 1;
}

/* ---- control ---- */

static UOP(x87_fwait)
{
	if ((c->cr0 & (X86_CR0_MP | X86_CR0_TS)) == (X86_CR0_MP | X86_CR0_TS))
		return cpu_fault(c, u, X86_NM);
	return fx_pending(c) ? cpu_fault(c, u, X86_MF) : u + 1;
}

static UOP(x87_fnop)
{
	return fx_pending(c) ? cpu_fault(c, u, X86_MF) : u + 1;
}

/* FNENI, FNDISI, FNSETPM: of the 8087 and 287, nothing since. */
static UOP(x87_nothing)
{
	(void)c;
	return u + 1;
}

static void
init(uint8_t *fx)
{
	fx_set_top(fx, 0);
	fx_set16(fx, FX_FCW, FCW_INIT);
	fx_set16(fx, FX_FSW, 0);
	fx[FX_FTW] = 0;
	fx_set16(fx, FX_FOP, 0);
	fx_set64(fx, FX_FIP, 0);
	fx_set64(fx, FX_FDP, 0);
}

static UOP(x87_fninit)
{
	init(c->fx);
	return u + 1;
}

static UOP(x87_fnclex)
{
	fx_set16(c->fx, FX_FSW, fx_get16(c->fx, FX_FSW) & 0x7f00);
	return u + 1;
}

static UOP(x87_fnstsw_ax)
{
	reg_set(c, X86_RAX, 16, fx_get16(c->fx, FX_FSW));
	return u + 1;
}

static UOP(x87_fnstsw)
{
	return fx_store(c, u, 2, false, c->fx + FX_FSW) ? u + 1 : NULL;
}

static UOP(x87_fnstcw)
{
	return fx_store(c, u, 2, false, c->fx + FX_FCW) ? u + 1 : NULL;
}

static UOP(x87_fldcw)
{
	uint16_t v;

	if (fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	if (!fx_load(c, u, 2, false, &v))
		return NULL;
	fx_set_fcw(c->fx, v);
	return u + 1;
}

/* ---- environments ---- */

/*
 * FSTENV's four layouts, seven words or doublewords. aux: the operand size.
 *
 *              protected             real
 *   3          FIP                   FIP 15:0
 *   4          FOP<<16 | FCS, FCS    FIP 31:16 << 12 | FOP
 *   5, 6       FDP, FDS              FDP 15:0, FDP 31:16 << 12
 *
 * before these FCW, FSW, FTW; the upper halves of doublewords are ones where
 * nothing is said to be.
 */
enum { ENV_WORDS = 7 };

static bool
real_layout(const struct cpu *c)
{
	return (c->mode & CM_REAL) != 0;
}

/* FTW of two bits a register: 0 valid, 1 zero, 2 special, 3 empty. */
static uint16_t
full_tags(const uint8_t *fx)
{
	unsigned top = fx_top(fx), tags = 0;

	for (unsigned p = 0; p < 8; p++) {
		const uint8_t *st = fx + FX_ST + 16 * ((p - top) & 7);
		unsigned exponent = fx_get16(st, 8) & 0x7fff;
		uint64_t mantissa = fx_get64(st, 0);
		unsigned tag = 0;

		if (!(fx[FX_FTW] >> p & 1))
			tag = 3;
		else if (exponent == 0 && mantissa == 0)
			tag = 1;
		else if (exponent == 0 || exponent == 0x7fff ||
		         !(mantissa >> 63))
			tag = 2;
		tags |= tag << 2 * p;
	}
	return (uint16_t)tags;
}

static void
env_build(const struct cpu *c, unsigned size, uint32_t w[ENV_WORDS])
{
	const uint8_t *fx = c->fx;
	uint64_t fip = fx_get64(fx, FX_FIP), fdp = fx_get64(fx, FX_FDP);
	uint32_t fop = fx_get16(fx, FX_FOP);
	uint32_t ones = 0xffff0000;

	w[0] = ones | fx_get16(fx, FX_FCW);
	w[1] = ones | fx_get16(fx, FX_FSW);
	w[2] = ones | full_tags(fx);
	if (real_layout(c)) {
		w[3] = ones | (uint16_t)fip;
		w[4] = (uint32_t)(fip >> 16 << 12 & 0x0ffff000) | fop;
		w[5] = ones | (uint16_t)fdp;
		w[6] = (uint32_t)(fdp >> 16 << 12 & 0x0ffff000);
	} else {
		w[3] = (uint32_t)fip;
		w[4] = size == 4 ? fop << 16 : 0;
		w[5] = (uint32_t)fdp;
		w[6] = ones;
	}
}

static void
env_take(struct cpu *c, unsigned size, const uint32_t w[ENV_WORDS])
{
	uint8_t *fx = c->fx;
	uint64_t fip = w[3], fdp = w[5];
	uint32_t fop = size == 4 ? w[4] >> 16 : fx_get16(fx, FX_FOP);
	unsigned tags = 0;

	if (real_layout(c)) {
		fip = (fip & 0xffff) | (w[4] & 0x0ffff000) << 4;
		fdp = (fdp & 0xffff) | (w[6] & 0x0ffff000) << 4;
		fop = w[4];
	}
	for (unsigned p = 0; p < 8; p++)
		if ((w[2] >> 2 * p & 3) != 3)
			tags |= 1u << p;
	fx_set_top(fx, (w[1] & FSW_TOP) >> FSW_TOP_SHIFT);
	fx_set16(fx, FX_FCW, (uint16_t)((w[0] & FCW_VALID) | FCW_ONE));
	fx_set_fsw(fx, (uint16_t)w[1]);
	fx[FX_FTW] = (uint8_t)tags;
	fx_set64(fx, FX_FIP, fip);
	fx_set64(fx, FX_FDP, fdp);
	fx_set16(fx, FX_FOP, fop & 0x7ff);
}

/* Between words in registers and bytes in memory, packed to 2 or 4 each. */
static void
env_pack(uint8_t *b, unsigned size, const uint32_t w[ENV_WORDS])
{
	for (unsigned i = 0; i < ENV_WORDS; i++)
		memcpy(b + i * size, &w[i], size);
}

static void
env_unpack(const uint8_t *b, unsigned size, uint32_t w[ENV_WORDS])
{
	memset(w, 0, ENV_WORDS * sizeof(w[0]));
	for (unsigned i = 0; i < ENV_WORDS; i++)
		memcpy(&w[i], b + i * size, size);
}

static UOP(x87_fnstenv)
{
	uint8_t b[ENV_WORDS * 4];
	uint32_t w[ENV_WORDS];

	env_build(c, u->aux, w);
	env_pack(b, u->aux, w);
	if (!fx_store(c, u, ENV_WORDS * u->aux, false, b))
		return NULL;
	fx_set_fcw(c->fx, fx_get16(c->fx, FX_FCW) | FSW_EXC);
	return u + 1;
}

static UOP(x87_fldenv)
{
	uint8_t b[ENV_WORDS * 4];
	uint32_t w[ENV_WORDS];

	if (fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	if (!fx_load(c, u, ENV_WORDS * u->aux, false, b))
		return NULL;
	env_unpack(b, u->aux, w);
	env_take(c, u->aux, w);
	return u + 1;
}

static UOP(x87_fnsave)
{
	uint8_t b[ENV_WORDS * 4 + 80];
	unsigned env = ENV_WORDS * u->aux;
	uint32_t w[ENV_WORDS];

	env_build(c, u->aux, w);
	env_pack(b, u->aux, w);
	for (unsigned i = 0; i < 8; i++)
		memcpy(b + env + 10 * i, c->fx + FX_ST + 16 * i, 10);
	if (!fx_store(c, u, env + 80, false, b))
		return NULL;
	init(c->fx);
	return u + 1;
}

static UOP(x87_frstor)
{
	uint8_t b[ENV_WORDS * 4 + 80];
	unsigned env = ENV_WORDS * u->aux;
	uint32_t w[ENV_WORDS];

	if (fx_pending(c))
		return cpu_fault(c, u, X86_MF);
	if (!fx_load(c, u, env + 80, false, b))
		return NULL;
	env_unpack(b, u->aux, w);
	env_take(c, u->aux, w);
	for (unsigned i = 0; i < 8; i++)
		memcpy(c->fx + FX_ST + 16 * i, b + env + 10 * i, 10);
	return u + 1;
}

/* ---- FXSAVE, FXRSTOR. aux: the operand size ---- */

/* Bytes of the image that the mode has: XMM8 to XMM15 in 64-bit mode alone. */
static unsigned
image_bytes(const struct cpu *c)
{
	return c->mode & CM_CODE64 ? FX_XMM_END : FX_XMM + 8 * 16;
}

static UOP(x87_fxsave)
{
	uint8_t b[FX_XMM_END];

	memcpy(b, c->fx, sizeof(b));
	if (u->aux != 8) { /* 32 bits of pointers, zero selectors */
		fx_set32(b, FX_FIP + 4, 0);
		fx_set32(b, FX_FDP + 4, 0);
	}
	return fx_store(c, u, image_bytes(c), true, b) ? u + 1 : NULL;
}

static UOP(x87_fxrstor)
{
	_Alignas(16) uint8_t b[X86_FX_BYTES];

	if (!fx_load(c, u, sizeof(b), true, b))
		return NULL;
	if (fx_get32(b, FX_MXCSR) & ~(uint32_t)MXCSR_VALID)
		return cpu_fault_error(c, u, X86_GP, 0);
	if (u->aux != 8) {
		fx_set32(b, FX_FIP + 4, 0);
		fx_set32(b, FX_FDP + 4, 0);
	}
	memcpy(c->fx, b, image_bytes(c));
	fx_make_valid(c->fx);
	return u + 1;
}

static UOP(x87_nm)
{
	return cpu_fault(c, u, X86_NM);
}

/* ---- choosing ---- */

static const struct {
	uint16_t op;
	uop_fn *fn;
} special[] = {
	{ X86_OP_FWAIT, x87_fwait },     { X86_OP_FNOP, x87_fnop },
	{ X86_OP_FNENI, x87_nothing },   { X86_OP_FNDISI, x87_nothing },
	{ X86_OP_FNSETPM, x87_nothing }, { X86_OP_FNINIT, x87_fninit },
	{ X86_OP_FNCLEX, x87_fnclex },   { X86_OP_FNSTSW, x87_fnstsw },
	{ X86_OP_FNSTCW, x87_fnstcw },   { X86_OP_FLDCW, x87_fldcw },
	{ X86_OP_FNSTENV, x87_fnstenv }, { X86_OP_FLDENV, x87_fldenv },
	{ X86_OP_FNSAVE, x87_fnsave },   { X86_OP_FRSTOR, x87_frstor },
	{ X86_OP_FXSAVE, x87_fxsave },   { X86_OP_FXRSTOR, x87_fxrstor },
};

/* The stub's instruction: memory is at rsi. */
static const void *
make_stub(struct cpu *c, const struct x86_insn *in)
{
	uint8_t modrm = in->bytes[in->modrm_at];
	struct code k = { .n = 0 };

	if (modrm < 0xc0)
		modrm = (modrm & 0x38) | 6;
	CODE(&k, 0x0f, 0xae, 0x5c, 0x24, 0xe0); /* stmxcsr [rsp-32] */
	CODE(&k, 0x48, 0x0f, 0xae, 0x0f);       /* fxrstor64 [rdi] */
	if (in->flags_read != 0)                /* mov ah, dl; sahf */
		CODE(&k, 0x88, 0xd4, 0x9e);
	CODE(&k, in->bytes[in->opcode_at], modrm);
	CODE(&k, 0x9c, 0x58);                   /* pushfq; pop rax */
	CODE(&k, 0x48, 0x0f, 0xae, 0x07);       /* fxsave64 [rdi] */
	CODE(&k, 0xdb, 0xe3);                   /* fninit */
	CODE(&k, 0x0f, 0xae, 0x54, 0x24, 0xe0); /* ldmxcsr [rsp-32] */
	CODE(&k, 0xc3);
	return stub_get(c->vm->stubs, &k);
}

static bool
lower_op(struct cpu *c, const struct x86_insn *in, struct uop *u)
{
	uint8_t opcode = in->bytes[in->opcode_at];
	bool mem = in->nopnds > 0 && in->opnd[0].kind == X86_OPND_MEM;
	bool store = in->op == X86_OP_FST || in->op == X86_OP_FSTP ||
	             in->op == X86_OP_FIST || in->op == X86_OP_FISTP ||
	             in->op == X86_OP_FISTTP || in->op == X86_OP_FBSTP;

	u->aux = (unsigned)(opcode & 7) << 8 | in->bytes[in->modrm_at];
	if (mem)
		u->aux |= (unsigned)in->opnd[0].size << X_SIZE_SHIFT;
	if (in->flags_written != 0)
		u->aux |= X_FLAGS;
	u->fn = mem && store ? x87_store : x87_op;
	u->imm = (uintptr_t)make_stub(c, in);
	return u->imm != 0;
}

/* The mode's answer: FWAIT looks itself, images want no emulation. */
static unsigned
refused(const struct cpu *c, const struct x86_insn *in)
{
	bool image = in->op == X86_OP_FXSAVE || in->op == X86_OP_FXRSTOR;

	if (in->op == X86_OP_FWAIT)
		return 0;
	if (c->mode & CM_EM)
		return image ? X86_UD : X86_NM;
	return c->mode & CM_NM ? X86_NM : 0;
}

bool
x87_lower(struct cpu *c, const struct x86_insn *in, struct uop *u)
{
	switch (refused(c, in)) {
	case X86_UD:
		return false;
	case X86_NM:
		u->fn = x87_nm;
		return true;
	default:
		break;
	}
	if (in->op == X86_OP_FNSTSW && in->opnd[0].kind == X86_OPND_GPR) {
		u->fn = x87_fnstsw_ax;
		return true;
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i].op == in->op) {
			u->fn = special[i].fn;
			u->aux = in->opsize;
			/* Environments know 16 and 32 bits. */
			if (in->op != X86_OP_FXSAVE &&
			    in->op != X86_OP_FXRSTOR && u->aux == 8)
				u->aux = 4;
			return true;
		}
	return lower_op(c, in, u);
}
