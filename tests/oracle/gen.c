/* SPDX-License-Identifier: BSD-2-Clause */
/* gen.c - random encodings of insn.tab's rows, and states under which they do
 * something: addresses that mostly lead into the data, counts that end, stacks
 * that exist.
 */
#include <string.h>

#include "oracle/oracle.h"
#include "x86/regs.h"

struct encoding {
	uint16_t op;
	uint8_t map, opcode, nopcodes;
	uint8_t prefix; /* 0 any, 1 none of them, or the byte */
	uint8_t modrm;
	int8_t mode64, mod, reg, rm, w, b; /* -1: any */
};

#include "x86/insn_rows.inc"

enum { NROWS = sizeof(encodings) / sizeof(encodings[0]) };

unsigned
gen_rows(void)
{
	return NROWS;
}

const char *
gen_row_name(unsigned row)
{
	return x86_op_name(encodings[row].op);
}

/*
 * What cannot be compared: it leaves the process, waits, reads what differs
 * between any two processors, or needs tables that a process does not have.
 */
static bool
is_incomparable(uint16_t op)
{
	static const uint16_t ops[] = {
		X86_OP_SYSCALL,  X86_OP_SYSRET,   X86_OP_SYSENTER,
		X86_OP_SYSEXIT,  X86_OP_INT,      X86_OP_INT3,
		X86_OP_ICEBP,    X86_OP_IRET,     X86_OP_CALLF,
		X86_OP_JMPF,     X86_OP_RETF,     X86_OP_RDTSC,
		X86_OP_RDTSCP,   X86_OP_RDPMC,    X86_OP_CPUID,
		X86_OP_RDRAND,   X86_OP_RDSEED,   X86_OP_RDPID,
		X86_OP_XGETBV,   X86_OP_POPF,     X86_OP_SGDT,
		X86_OP_SIDT,     X86_OP_SLDT,     X86_OP_STR,
		X86_OP_SMSW,     X86_OP_LAR,      X86_OP_LSL,
		X86_OP_VERR,     X86_OP_VERW,     X86_OP_LSS,
		X86_OP_LFS,      X86_OP_LGS,      X86_OP_IN,
		X86_OP_OUT,      X86_OP_INS,      X86_OP_OUTS,
		X86_OP_RDFSBASE, X86_OP_WRFSBASE, X86_OP_RDGSBASE,
		X86_OP_WRGSBASE, X86_OP_CLAC,     X86_OP_STAC,
		X86_OP_VMCALL,   X86_OP_VMMCALL,  X86_OP_GETSEC,
		X86_OP_RSM,      X86_OP_INVLPG,   X86_OP_LES,
		X86_OP_LDS,      X86_OP_INTO,
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i] == op)
			return true;
	return false;
}

/* Segment registers of a process are not ours to play with. */
static bool
touches_segments(const struct x86_insn *in)
{
	for (unsigned i = 0; i < in->nopnds; i++)
		if (in->opnd[i].kind == X86_OPND_SREG)
			return true;
	return false;
}

static uint64_t
pick_number(struct rng *r)
{
	static const uint64_t odd[] = { 0,
		                        1,
		                        2,
		                        0x7f,
		                        0x80,
		                        0xff,
		                        0x7fff,
		                        0x8000,
		                        0xffff,
		                        0x7fffffff,
		                        0x80000000,
		                        0xffffffff,
		                        0x7fffffffffffffff,
		                        0x8000000000000000,
		                        0xffffffffffffffff,
		                        0x5555555555555555 };
	uint64_t v = rng_next(r);

	switch (rng_below(r, 6)) {
	case 0:
		return odd[v % (sizeof(odd) / sizeof(odd[0]))];
	case 1:
		return v & 0xff;
	case 2:
		return (uint64_t)(int64_t)(int8_t)v;
	case 3:
		return (uint32_t)v;
	default:
		return v;
	}
}

/* A place for n bytes: mostly in the data, now and then at its edges. */
static uint64_t
pick_address(struct rng *r, unsigned n, bool align)
{
	uint64_t off = rng_below(r, DATA_BYTES - 600);

	if (align && !rng_one_in(r, 16))
		off &= ~15ull;
	else if (rng_one_in(r, 2))
		off &= ~7ull;
	switch (rng_below(r, 48)) {
	case 0:
		return ARENA_RO - rng_below(r, n + 1); /* over into it */
	case 1:
		return ARENA_RO + rng_below(r, 4000);
	case 2:
		return ARENA_DATA - rng_below(r, n + 1);
	case 3:
		return ARENA_END - rng_below(r, n + 1);
	case 4:
		return ARENA_DATA + 4096 - rng_below(r, n + 1);
	case 5:
		return rng_one_in(r, 4) ? 0x8000000000000000ull
		                        : ARENA_DATA - 4096;
	default:
		return ARENA_DATA + off;
	}
}

/* ---- encoding ---- */

struct enc {
	uint8_t b[16];
	unsigned n;
};

static void
put(struct enc *e, uint64_t v, unsigned n)
{
	memcpy(e->b + e->n, &v, n);
	e->n += n;
}

/* Legacy prefixes; whether 66 counts as the operand size is the row's. */
static void
put_prefixes(struct rng *r, const struct encoding *e, struct enc *out)
{
	if (rng_one_in(r, 24))
		put(out, rng_one_in(r, 2) ? 0x2e : 0x3e, 1);
	if (rng_one_in(r, 12))
		put(out, 0x67, 1);
	if (rng_one_in(r, 6))
		put(out, 0xf0, 1);
	if (e->prefix > 1) {
		if (e->prefix != 0x66 && rng_one_in(r, 6))
			put(out, 0x66, 1);
		put(out, e->prefix, 1);
	} else if (e->prefix == 0) {
		if (rng_one_in(r, 4))
			put(out, 0x66, 1);
		if (rng_one_in(r, e->map == 0 ? 3 : 16))
			put(out, rng_one_in(r, 2) ? 0xf2 : 0xf3, 1);
	}
}

static void
put_rex(struct rng *r, const struct encoding *e, struct enc *out)
{
	unsigned rex = 0x40 | rng_below(r, 16);

	if (e->w >= 0)
		rex = (rex & ~8u) | (unsigned)e->w << 3;
	if (e->b >= 0)
		rex = (rex & ~1u) | (unsigned)e->b;
	if (e->w == 1 || e->b == 1 || rng_one_in(r, 2))
		put(out, rex, 1);
}

static void
put_modrm(struct rng *r, const struct encoding *e, struct enc *out)
{
	unsigned mod = rng_below(r, 4), reg = rng_below(r, 8);
	unsigned rm = rng_below(r, 8);

	if (e->mod == 1 || (e->mod < 0 && rng_one_in(r, 3)))
		mod = 3;
	else if (e->mod == 0 && mod == 3)
		mod = 1;
	if (e->reg >= 0)
		reg = (unsigned)e->reg;
	if (e->rm >= 0)
		rm = (unsigned)e->rm;
	put(out, mod << 6 | reg << 3 | rm, 1);
	if (mod == 3)
		return;
	if (rm == 4) {
		uint8_t sib = (uint8_t)rng_next(r);

		put(out, sib, 1);
		if (mod == 0 && (sib & 7) == 5)
			put(out, rng_next(r) & 0x7fff, 4);
	}
	if (mod == 1)
		put(out, rng_next(r) & 0xff, 1);
	else if (mod == 2)
		put(out, (uint32_t)(int16_t)rng_next(r), 4);
	else if (mod == 0 && rm == 5)
		put(out, 0, 4);
}

/* Fixed addresses and branch targets, known now that lengths are. */
static void
patch(struct rng *r, struct made *m, uint64_t at)
{
	const struct x86_insn *in = &m->insn;
	uint64_t end = at + (unsigned)m->len, v = 0;
	unsigned n = 4;

	if (in->nopnds > 0 && in->opnd[0].kind == X86_OPND_REL) {
		v = TAKEN_AT - end;
		memcpy(m->code + in->imm_at, &v, in->opnd[0].size);
	}
	if (in->disp_at == 0)
		return;
	if (in->addrsize == 2) /* no data there */
		return;
	v = pick_address(r, 16, true);
	if (in->base == X86_BASE_RIP)
		v -= end;
	else if (in->base != X86_NO_REG || in->index != X86_NO_REG)
		return;
	if (in->modrm_at == 0) /* moffs */
		n = in->addrsize;
	else if (in->base != X86_BASE_RIP && v >> 31)
		return;
	memcpy(m->code + in->disp_at, &v, n);
}

bool
gen_make(struct rng *r, unsigned row, uint64_t features, uint64_t at,
         struct made *m)
{
	const struct encoding *e = &encodings[row];
	enum x86_mode mode = m->bits == 64   ? X86_MODE_64
	                     : m->bits == 32 ? X86_MODE_32
	                                     : X86_MODE_16;
	struct enc out = { .n = 0 };

	if (is_incomparable(e->op) ||
	    (m->bits == 64 ? e->mode64 == 0
	                   : e->mode64 == 1 || e->w == 1 || e->b == 1))
		return false;
	put_prefixes(r, e, &out);
	if (m->bits == 64)
		put_rex(r, e, &out);
	if (e->map > 0)
		put(&out, 0x0f, 1);
	if (e->map > 1)
		put(&out, e->map == 2 ? 0x38 : 0x3a, 1);
	put(&out, e->opcode + rng_below(r, e->nopcodes), 1);
	if (e->modrm)
		put_modrm(r, e, &out);
	while (out.n < 15)
		put(&out, rng_next(r), 1);
	memcpy(m->code, out.b, sizeof(m->code));
	m->op = e->op;
	m->len = x86_decode(m->code, 15, mode, &m->insn);
	/* AMD has meanings for these that Intel has not: LOCK MOV CR0 is MOV
	 * CR8, near branches take 66 for an operand size, 0F 0D of registers
	 * is nothing. */
	if (e->map == 1 &&
	    ((e->opcode >= 0x20 && e->opcode <= 0x23) || e->opcode == 0x0d))
		return false;
	if (m->len > 0 && (m->insn.attr & X86_A_BRANCH) &&
	    memchr(m->code, 0x66, m->insn.opcode_at) != NULL)
		return false;
	/* F2 makes a LOOPNE of LOOPE there, F3 the reverse. */
	if (m->len > 0 &&
	    (m->insn.op == X86_OP_LOOPE || m->insn.op == X86_OP_LOOPNE) &&
	    (memchr(m->code, 0xf2, m->insn.opcode_at) != NULL ||
	     memchr(m->code, 0xf3, m->insn.opcode_at) != NULL))
		return false;
	/* MOVSXD of 16 bits reads 32 there. */
	if (m->len > 0 && m->insn.op == X86_OP_MOVSXD && m->insn.opsize == 2)
		return false;
	/* Beyond the operand's size even the result is undefined. */
	if (m->len > 0 && m->insn.opsize == 2 && (m->insn.imm & 31) > 16 &&
	    (m->insn.op == X86_OP_SHLD || m->insn.op == X86_OP_SHRD))
		return false;
	if (m->len == X86_E_UD) {
		m->n = 15;
		return true;
	}
	if (m->len < 0 || is_incomparable(m->insn.op) ||
	    touches_segments(&m->insn) || !(features >> m->insn.feature & 1))
		return false;
	m->n = (unsigned)m->len;
	patch(r, m, at);
	return x86_decode(m->code, m->n, mode, &m->insn) == m->len;
}

bool
gen_is_straight(const struct made *m)
{
	return m->len > 0 && !(m->insn.attr & (X86_A_BRANCH | X86_A_END));
}

/* ---- states ---- */

static void
random_real(struct rng *r, uint8_t *p)
{
	uint64_t mantissa = rng_next(r);
	uint16_t exponent = (uint16_t)(rng_next(r) & 0x7fff);

	switch (rng_below(r, 8)) {
	case 0:
		mantissa = rng_one_in(r, 2) ? 0 : 1ull << 63;
		break;
	case 1:
		exponent = rng_one_in(r, 2) ? 0 : 0x7fff;
		break;
	case 2: /* a small whole number */
		mantissa |= 1ull << 63;
		mantissa &= ~0ull << 56;
		exponent = (uint16_t)(0x3fff + rng_below(r, 16));
		break;
	default:
		mantissa |= 1ull << 63;
		exponent = (uint16_t)(0x3fff - 70 + rng_below(r, 140));
	}
	exponent |= (uint16_t)(rng_below(r, 2) << 15);
	memcpy(p, &mantissa, 8);
	memcpy(p + 8, &exponent, 2);
}

static void
random_vector(struct rng *r, uint8_t *p)
{
	uint64_t v[2] = { rng_next(r), rng_next(r) };
	double d[2];
	float f[4];

	switch (rng_below(r, 6)) {
	case 0: /* doubles of moderate size */
		for (unsigned i = 0; i < 2; i++)
			d[i] = (double)(int32_t)rng_next(r) /
			       (double)(1u << rng_below(r, 30));
		memcpy(p, d, 16);
		return;
	case 1:
		for (unsigned i = 0; i < 4; i++)
			f[i] = (float)(int32_t)rng_next(r) /
			       (float)(1u << rng_below(r, 30));
		memcpy(p, f, 16);
		return;
	case 2:
		for (unsigned i = 0; i < 2; i++)
			v[i] = pick_number(r);
		break;
	case 3: /* letters, for string operations */
		for (unsigned i = 0; i < 16; i++)
			p[i] = (uint8_t) "abcd\0"[rng_below(r, 5)];
		return;
	default:
		break;
	}
	memcpy(p, v, 16);
}

static uint32_t
random_mxcsr(struct rng *r)
{
	uint32_t v = 0x1f80;

	if (rng_one_in(r, 3))
		v |= (uint32_t)rng_next(r) & 0xe040;
	if (rng_one_in(r, 4))
		v |= (uint32_t)rng_next(r) & 0x3f;
	if (rng_one_in(r, 12))
		v &= ~((uint32_t)rng_next(r) & 0x1f80);
	return v;
}

static void
random_fx(struct rng *r, uint8_t *fx)
{
	uint16_t fcw = 0x37f, fsw = (uint16_t)(rng_next(r) & 0x7840);
	uint32_t mxcsr = random_mxcsr(r), mask = 0xffff;

	memset(fx, 0, 512);
	if (rng_one_in(r, 4))
		fcw = (uint16_t)((rng_next(r) & 0x0c3f) | 0x340);
	if (rng_one_in(r, 8))
		fsw |= (uint16_t)(rng_next(r) & 0x3f);
	if (fsw & ~fcw & 0x3f)
		fsw |= 0x8080;
	memcpy(fx, &fcw, 2);
	memcpy(fx + 2, &fsw, 2);
	fx[4] = rng_one_in(r, 3) ? (uint8_t)rng_next(r) : 0xff;
	memcpy(fx + 24, &mxcsr, 4);
	memcpy(fx + 28, &mask, 4);
	for (unsigned i = 0; i < 8; i++)
		random_real(r, fx + 32 + 16 * i);
	for (unsigned i = 0; i < 16; i++)
		random_vector(r, fx + 160 + 16 * i);
}

void
gen_state(struct rng *r, struct state *s)
{
	random_fx(r, s->fx);
	for (unsigned i = 0; i < 16; i++)
		s->gpr[i] = pick_number(r);
	s->gpr[X86_RSP] = pick_address(r, 16, true);
	s->rflags = X86_FL_ONE | X86_FL_IF | (rng_next(r) & X86_FL_ARITH);
	if (rng_one_in(r, 4))
		s->rflags |= X86_FL_DF;
}

/* ---- fitting a state to an instruction ---- */

static bool
has_memory(const struct x86_insn *in)
{
	for (unsigned i = 0; i < in->nopnds; i++)
		if (in->opnd[i].kind == X86_OPND_MEM)
			return true;
	return false;
}

static unsigned
memory_size(const struct x86_insn *in)
{
	for (unsigned i = 0; i < in->nopnds; i++)
		if (in->opnd[i].kind == X86_OPND_MEM)
			return in->opnd[i].size;
	return 0;
}

/* Give the address registers values that lead to target. */
static bool
aim(struct rng *r, const struct x86_insn *in, struct state *s, uint64_t target)
{
	uint64_t want = target - (uint64_t)in->disp;

	if (in->addrsize == 2 || in->base == X86_BASE_RIP ||
	    (in->base == X86_NO_REG && in->index == X86_NO_REG))
		return true;
	if (in->base == in->index)
		return false;
	if (in->base == X86_NO_REG) {
		s->gpr[in->index] = want / in->scale;
		return true;
	}
	if (in->index != X86_NO_REG)
		want -= s->gpr[in->index] * in->scale;
	if (in->addrsize == 4 && rng_one_in(r, 2))
		want = (uint32_t)want | rng_next(r) << 32;
	s->gpr[in->base] = want;
	return true;
}

uint64_t
gen_effective(const struct made *m, const struct state *s, uint64_t at)
{
	const struct x86_insn *in = &m->insn;
	uint64_t ea = (uint64_t)in->disp;

	if (in->base == X86_BASE_RIP)
		ea += at + in->len;
	else if (in->base != X86_NO_REG)
		ea += s->gpr[in->base];
	if (in->index != X86_NO_REG)
		ea += s->gpr[in->index] * in->scale;
	if (in->addrsize == 2)
		return (uint16_t)ea;
	return in->addrsize == 4 ? (uint32_t)ea : ea;
}

/* Bytes of data at a place, NULL unless n of them may be changed. */
static uint8_t *
at_data(uint8_t *data, uint64_t ea, unsigned n)
{
	return ea >= ARENA_DATA && ea + n <= ARENA_RO ? data + (ea - ARENA_DATA)
	                                              : NULL;
}

static void
fit_division(struct rng *r, const struct x86_insn *in, struct state *s)
{
	uint64_t a = s->gpr[X86_RAX], sign = (uint64_t)((int64_t)a >> 63);

	if (in->opsize == 4)
		sign = (uint64_t)((int32_t)a >> 31);
	if (in->opsize == 2)
		sign = (uint64_t)((int16_t)a >> 15);
	if (in->opsize == 1)
		s->gpr[X86_RAX] = (a & ~0xff00ull) | rng_below(r, 3) << 8;
	else
		s->gpr[X86_RDX] = rng_one_in(r, 2) ? sign : rng_below(r, 4);
}

static void
fit_string(struct rng *r, const struct x86_insn *in, struct state *s)
{
	s->gpr[X86_RSI] = pick_address(r, 64, false);
	s->gpr[X86_RDI] = rng_one_in(r, 3)
	                      ? s->gpr[X86_RSI] + rng_below(r, 40) - 20
	                      : pick_address(r, 64, false);
	if (in->rep != X86_REP_NONE)
		s->gpr[X86_RCX] = rng_below(r, 24);
	if (in->addrsize == 4 && rng_one_in(r, 2)) {
		s->gpr[X86_RSI] |= 0xabcdull << 32;
		s->gpr[X86_RDI] |= 0xabcdull << 48;
		s->gpr[X86_RCX] |= 1ull << 40;
	}
}

/* Registers that operations use in ways of their own. */
static void
fit_registers(struct rng *r, const struct made *m, struct state *s)
{
	const struct x86_insn *in = &m->insn;

	if (in->attr & X86_A_STRING)
		fit_string(r, in, s);
	switch (in->op) {
	case X86_OP_DIV:
	case X86_OP_IDIV:
		if (!rng_one_in(r, 4))
			fit_division(r, in, s);
		break;
	case X86_OP_SHLD:
	case X86_OP_SHRD:
		s->gpr[X86_RCX] =
		    (s->gpr[X86_RCX] & ~0xffull) |
		    rng_below(r, in->opsize * 8u + (in->opsize > 2));
		break;
	case X86_OP_BT:
	case X86_OP_BTS:
	case X86_OP_BTR:
	case X86_OP_BTC:
		if (in->opnd[1].kind == X86_OPND_GPR)
			s->gpr[in->opnd[1].reg] =
			    (uint64_t)(int64_t)(int16_t)(rng_next(r) & ~7ull) /
			    4;
		break;
	case X86_OP_ENTER: /* the old display apart from the new one */
		s->gpr[X86_RBP] =
		    ARENA_DATA + rng_below(r, 0x800) +
		    (s->gpr[X86_RSP] < ARENA_DATA + 4096 ? 0x1600 : 0x200);
		break;
	case X86_OP_LEAVE:
		s->gpr[X86_RBP] = pick_address(r, 8, true);
		break;
	case X86_OP_DPPS: /* how tiny products count within it is its own */
	case X86_OP_DPPD:
		s->fx[25] |= 0x08; /* MXCSR.UM */
		break;
	case X86_OP_LOOP:
	case X86_OP_LOOPE:
	case X86_OP_LOOPNE:
	case X86_OP_JCXZ:
		s->gpr[X86_RCX] = rng_below(r, 3);
		break;
	case X86_OP_JMP:
	case X86_OP_CALL:
		if (in->opnd[0].kind == X86_OPND_GPR && !rng_one_in(r, 8))
			s->gpr[in->opnd[0].reg] = TAKEN_AT;
		break;
	default:
		break;
	}
}

/* An image that FXRSTOR takes more often than not. */
static void
fit_image(struct rng *r, uint8_t *p)
{
	random_fx(r, p);
	if (rng_one_in(r, 8))
		p[27] = 1; /* a reserved bit of MXCSR */
}

/* Memory that the operation reads: n bytes at p may be set. */
static void
fit_memory(struct rng *r, const struct made *m, const struct state *s,
           uint8_t *data, uint64_t ea)
{
	const struct x86_insn *in = &m->insn;
	uint64_t taken = TAKEN_AT;
	uint32_t mxcsr = random_mxcsr(r);
	uint8_t *p;

	switch (in->op) {
	case X86_OP_RET:
		p = at_data(data, s->gpr[X86_RSP], 8);
		if (p != NULL && !rng_one_in(r, 8))
			memcpy(p, &taken, 8);
		return;
	case X86_OP_JMP:
	case X86_OP_CALL:
		p = at_data(data, ea, 8);
		if (has_memory(in) && p != NULL && !rng_one_in(r, 8))
			memcpy(p, &taken, 8);
		return;
	case X86_OP_FXRSTOR:
		p = at_data(data, ea, 512);
		if (p != NULL)
			fit_image(r, p);
		return;
	case X86_OP_LDMXCSR:
		p = at_data(data, ea, 4);
		if (rng_one_in(r, 8))
			mxcsr |= 1u << 16; /* reserved everywhere */
		if (p != NULL)
			memcpy(p, &mxcsr, 4);
		return;
	case X86_OP_CMPXCHG8B:
	case X86_OP_CMPXCHG16B:
		p = at_data(data, ea, 16);
		if (p == NULL || rng_one_in(r, 2))
			return;
		memcpy(p, &s->gpr[X86_RAX], in->opsize == 8 ? 8 : 4);
		memcpy(p + (in->opsize == 8 ? 8 : 4), &s->gpr[X86_RDX], 8);
		return;
	case X86_OP_CMPXCHG:
		p = at_data(data, ea, 8);
		if (p != NULL && rng_one_in(r, 2))
			memcpy(p, &s->gpr[X86_RAX], 8);
		return;
	default:
		return;
	}
}

bool
gen_fit(struct rng *r, const struct made *m, uint64_t at, struct state *s,
        uint8_t *data)
{
	const struct x86_insn *in = &m->insn;
	unsigned size;
	uint64_t ea;

	if (m->len < 0)
		return true;
	fit_registers(r, m, s);
	for (unsigned i = 0; i < 8 && m->bits != 64; i++)
		s->gpr[i] = (uint32_t)s->gpr[i];
	if (in->op == X86_OP_XLAT) {
		s->gpr[X86_RBX] =
		    pick_address(r, 1, false) - (s->gpr[X86_RAX] & 0xff);
	} else if (has_memory(in) && !(in->attr & X86_A_STRING)) {
		size = memory_size(in);
		if (!aim(r, in, s,
		         pick_address(r, size == 0 ? 128 : size,
		                      (in->attr & X86_A_ALIGN) || size == 0)))
			return false;
	}
	/* Beyond the operand's size even the result is undefined. */
	if ((in->op == X86_OP_SHLD || in->op == X86_OP_SHRD) &&
	    in->opsize == 2 && (s->gpr[X86_RCX] & 31) > 16)
		return false;
	for (unsigned i = 0; i < 8 && m->bits != 64; i++)
		s->gpr[i] = (uint32_t)s->gpr[i];
	ea = gen_effective(m, s, at);
	/* Bits that only one of both knows, half of them out of our hands. */
	if (in->op == X86_OP_LDMXCSR && ea < ARENA_RO && ea + 4 > ARENA_RO)
		return false;
	fit_memory(r, m, s, data, ea);
	return true;
}
