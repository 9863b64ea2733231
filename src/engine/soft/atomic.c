/* SPDX-License-Identifier: BSD-2-Clause */
/* atomic.c - instructions that read, change and write memory as one: those with
 * LOCK, XCHG with memory, and CMPXCHG, XADD, CMPXCHG8B, CMPXCHG16B with or
 * without it.
 *
 * They are the host's own locked operations on the guest's memory. An operand
 * on two pages, or in MMIO, has no address of its own: then all other vCPUs
 * stand still. Source: Intel SDM vol. 2, vol. 3A 8.1.
 */
#include "engine/soft/alu.h"
#include "engine/soft/lower.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/sync.h"

enum atomic_op {
	/* first those of alu.h */
	AT_INC = NALU,
	AT_DEC,
	AT_NEG,
	AT_NOT,
	AT_BTS,
	AT_BTR,
	AT_BTC,
	AT_XCHG,
	AT_XADD,
	AT_CMPXCHG
};

/* aux */
enum {
	AUX_OP = 31,
	AUX_LOG2_SHIFT = 5,
	AUX_IMM = 1 << 7 /* the other operand is imm, else rs */
};

struct place {
	void *p;
	struct mmu_bounce b;
	bool stopped; /* the other vCPUs */
};

static bool
begin(struct cpu *c, uint64_t la, unsigned size, struct place *at)
{
	at->stopped = false;
	at->p = mmu_rmw(c, la, size, &at->b);
	if (at->p == NULL || at->b.size == 0 || at->b.in_place)
		return at->p != NULL;
	if (c->vm->ncpus < 2)
		return true;
	sync_begin_midway(c->vm, c);
	at->stopped = true;
	at->p = mmu_rmw(c, la, size, &at->b);
	if (at->p == NULL)
		sync_end_midway(c->vm, c);
	return at->p != NULL;
}

static void
end(struct cpu *c, struct place *at)
{
	mmu_rmw_end(c, &at->b);
	if (at->stopped)
		sync_end_midway(c->vm, c);
}

/* Store new if *p is still old. */
static bool
swap(void *p, unsigned bits, uint64_t old, uint64_t new)
{
	switch (bits) {
	case 8: {
		uint8_t was = (uint8_t)old;

		return __atomic_compare_exchange_n(
		    (uint8_t *)p, &was, (uint8_t) new, false, __ATOMIC_SEQ_CST,
		    __ATOMIC_SEQ_CST);
	}
	case 16: {
		uint16_t was = (uint16_t)old;

		return __atomic_compare_exchange_n(
		    (uint16_t *)p, &was, (uint16_t) new, false,
		    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
	case 32: {
		uint32_t was = (uint32_t)old;

		return __atomic_compare_exchange_n(
		    (uint32_t *)p, &was, (uint32_t) new, false,
		    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
	default:
		return __atomic_compare_exchange_n((uint64_t *)p, &old, new,
		                                   false, __ATOMIC_SEQ_CST,
		                                   __ATOMIC_SEQ_CST);
	}
}

/* The new value of old; v is the other operand. No flags. */
static uint64_t
result(struct cpu *c, unsigned op, unsigned bits, uint64_t old, uint64_t v)
{
	uint64_t mask = 1ull << (v & (bits - 1));

	switch (op) {
	case AT_INC:
		return old + 1;
	case AT_DEC:
		return old - 1;
	case AT_NEG:
		return 0 - old;
	case AT_NOT:
		return ~old;
	case AT_BTS:
		return old | mask;
	case AT_BTR:
		return old & ~mask;
	case AT_BTC:
		return old ^ mask;
	case AT_XCHG:
		return v;
	case AT_XADD:
		return old + v;
	case AT_CMPXCHG:
		return reg_get(c, X86_RAX, bits) == old ? v : old;
	default:
		return alu_do(c, op, bits, false, old, v);
	}
}

/* Flags and registers, after old became new. */
static void
settle(struct cpu *c, const struct uop *u, unsigned op, unsigned bits,
       uint64_t old, uint64_t v)
{
	uint64_t acc = regx_get(c, AT_ANY, X86_RAX, bits);

	switch (op) {
	case AT_INC:
		cc_set_step(c, CC_INC, bits, old + 1, cc_cf(c));
		break;
	case AT_DEC:
		cc_set_step(c, CC_DEC, bits, old - 1, cc_cf(c));
		break;
	case AT_NEG:
		cc_set(c, CC_SUB, bits, 0 - old, 0);
		break;
	case AT_NOT:
		break;
	case AT_BTS:
	case AT_BTR:
	case AT_BTC:
		cc_set_flags(c, (cc_flags(c) & ~(uint64_t)X86_FL_CF) |
		                    (old >> (v & (bits - 1)) & 1));
		break;
	case AT_XCHG:
		regx_set(c, AT_ANY, u->rs, bits, old);
		break;
	case AT_XADD:
		cc_set(c, CC_ADD, bits, old + v, old);
		regx_set(c, AT_ANY, u->rs, bits, old);
		break;
	case AT_CMPXCHG:
		if (acc != old)
			reg_set(c, X86_RAX, bits, old);
		cc_set(c, CC_SUB, bits, acc - old, acc);
		break;
	default:
		alu_do(c, op, bits, true, old, v);
	}
}

/* Registers only: XADD, CMPXCHG. */
static SOFT_COLD
UOP(plain_r)
{
	unsigned op = u->aux & AUX_OP;
	unsigned bits = 8u << (u->aux >> AUX_LOG2_SHIFT & 3);
	uint64_t old = regx_get(c, AT_ANY, u->rd, bits);
	uint64_t v = regx_get(c, AT_ANY, u->rs, bits);
	uint64_t new = result(c, op, bits, old, v);

	settle(c, u, op, bits, old, v);
	/* A failed CMPXCHG of 32 bits still clears the upper half. */
	regx_set(c, AT_ANY, u->rd, bits, new);
	return u + 1;
}

static UOP(locked_m)
{
	unsigned op = u->aux & AUX_OP;
	unsigned bits = 8u << (u->aux >> AUX_LOG2_SHIFT & 3);
	uint64_t v =
	    u->aux & AUX_IMM ? u->imm : regx_get(c, AT_ANY, u->rs, bits);
	bool by_bit = op >= AT_BTS && op <= AT_BTC;
	uint64_t add = 0, la, old;
	struct place at;

	v = zext(v, bits);
	if (by_bit && !(u->aux & AUX_IMM))
		add =
		    (uint64_t)((int64_t)sext(v, bits) >> __builtin_ctz(bits)) *
		    (bits / 8);
	if (!ea_linear(c, u, add, bits / 8, true, &la) ||
	    !begin(c, la, bits / 8, &at))
		return mem_fault(c, u);
	do
		old = host_get(at.p, bits);
	while (!swap(at.p, bits, old, result(c, op, bits, old, v)));
	end(c, &at);
	settle(c, u, op, bits, old, v);
	return u + 1;
}

/* rDX:rAX against memory; aux: 8 or 16 bytes. */
static bool
swap16(void *p, uint64_t old[2], uint64_t lo, uint64_t hi)
{
	bool ok;

	__asm__ volatile("lock cmpxchg16b %1"
	                 : "=@cce"(ok), "+m"(*(unsigned __int128 *)p),
	                   "+a"(old[0]), "+d"(old[1])
	                 : "b"(lo), "c"(hi)
	                 : "memory");
	return ok;
}

static void
set_zf(struct cpu *c, bool zf)
{
	cc_set_flags(c, (cc_flags(c) & ~(uint64_t)X86_FL_ZF) |
	                    (zf ? X86_FL_ZF : 0));
}

static UOP(cmpxchg16b)
{
	uint64_t old[2] = { c->gpr[X86_RAX], c->gpr[X86_RDX] }, la;
	struct place at;
	bool ok;

	if (!ea_linear(c, u, 0, 16, true, &la))
		return mem_fault(c, u);
	if (la % 16 != 0)
		return cpu_fault_error(c, u, X86_GP, 0);
	if (!begin(c, la, 16, &at))
		return mem_fault(c, u);
	ok = swap16(at.p, old, c->gpr[X86_RBX], c->gpr[X86_RCX]);
	end(c, &at);
	if (!ok) {
		c->gpr[X86_RAX] = old[0];
		c->gpr[X86_RDX] = old[1];
	}
	set_zf(c, ok);
	return u + 1;
}

static UOP(cmpxchg8b)
{
	uint64_t want = c->gpr[X86_RDX] << 32 | (uint32_t)c->gpr[X86_RAX];
	uint64_t new = c->gpr[X86_RCX] << 32 | (uint32_t)c->gpr[X86_RBX];
	uint64_t old, la;
	struct place at;

	if (!ea_linear(c, u, 0, 8, true, &la) || !begin(c, la, 8, &at))
		return mem_fault(c, u);
	do
		old = host_get(at.p, 64);
	while (!swap(at.p, 64, old, old == want ? new : old));
	end(c, &at);
	if (old != want) {
		c->gpr[X86_RAX] = (uint32_t)old;
		c->gpr[X86_RDX] = old >> 32;
	}
	set_zf(c, old == want);
	return u + 1;
}

unsigned
atomic_lower(const struct lowering *l, struct uop *u)
{
	static const uint8_t ops[] = {
		[X86_OP_ADC] = ALU_ADC + 1,        [X86_OP_ADD] = ALU_ADD + 1,
		[X86_OP_AND] = ALU_AND + 1,        [X86_OP_BTC] = AT_BTC + 1,
		[X86_OP_BTR] = AT_BTR + 1,         [X86_OP_BTS] = AT_BTS + 1,
		[X86_OP_CMPXCHG] = AT_CMPXCHG + 1, [X86_OP_DEC] = AT_DEC + 1,
		[X86_OP_INC] = AT_INC + 1,         [X86_OP_NEG] = AT_NEG + 1,
		[X86_OP_NOT] = AT_NOT + 1,         [X86_OP_OR] = ALU_OR + 1,
		[X86_OP_SBB] = ALU_SBB + 1,        [X86_OP_SUB] = ALU_SUB + 1,
		[X86_OP_XADD] = AT_XADD + 1,       [X86_OP_XCHG] = AT_XCHG + 1,
		[X86_OP_XOR] = ALU_XOR + 1,
	};
	const struct x86_opnd *dst = &l->in->opnd[0], *src = &l->in->opnd[1];

	if (l->in->op == X86_OP_CMPXCHG8B || l->in->op == X86_OP_CMPXCHG16B) {
		u->fn = l->in->op == X86_OP_CMPXCHG8B ? cmpxchg8b : cmpxchg16b;
		return 1;
	}
	if (l->in->op >= ARRAY_LEN(ops) || ops[l->in->op] == 0)
		return 0;
	/* XCHG names its operands in any order. */
	if (src->kind == X86_OPND_MEM) {
		src = dst;
		dst = &l->in->opnd[1];
	}
	u->rd = lower_reg(dst);
	u->rs = lower_reg(src);
	u->imm = l->in->imm;
	u->aux = (ops[l->in->op] - 1u) |
	         lower_log2(dst->size) << AUX_LOG2_SHIFT |
	         (src->kind == X86_OPND_IMM ? AUX_IMM : 0);
	u->fn = dst->kind == X86_OPND_MEM ? locked_m : plain_r;
	return 1;
}
