/* SPDX-License-Identifier: BSD-2-Clause */
/* bit.c - BT BTS BTR BTC, BSF BSR, TZCNT LZCNT POPCNT, CRC32. Source: Intel SDM
 * vol. 2.
 */
#include "engine/soft/access.h"
#include "engine/soft/lower.h"

/* aux of BT and its kin. */
enum {
	AUX_OP = 3,         /* enum bit_op */
	AUX_LOG2_SHIFT = 2, /* of the operand's bytes */
	AUX_IMM = 1 << 4,   /* the number is in imm, else in rs */
	AUX_KEEP = 1 << 5   /* ZF is read by somebody: BT leaves it */
};

static unsigned
bits_of(const struct uop *u)
{
	return 8u << (u->aux >> AUX_LOG2_SHIFT & 3);
}

static void
set_cf(struct cpu *c, const struct uop *u, bool cf)
{
	uint64_t other = 0;

	if (u->aux & AUX_KEEP)
		other = cc_flags(c) & ~(uint64_t)X86_FL_CF;
	cc_set_flags(c, other | (cf ? X86_FL_CF : 0));
}

SOFT_INLINE uint64_t
changed(unsigned op, uint64_t v, uint64_t mask)
{
	switch (op) {
	case BIT_BTS:
		return v | mask;
	case BIT_BTR:
		return v & ~mask;
	case BIT_BTC:
		return v ^ mask;
	default:
		return v;
	}
}

static UOP(bit_r)
{
	unsigned bits = bits_of(u), op = u->aux & AUX_OP;
	uint64_t n = u->aux & AUX_IMM ? u->imm : c->gpr[u->rs];
	uint64_t v = reg_get(c, u->rd, bits), mask = 1ull << (n & (bits - 1));

	set_cf(c, u, (v & mask) != 0);
	if (op != BIT_BT)
		reg_set(c, u->rd, bits, changed(op, v, mask));
	return u + 1;
}

/* A number in a register leads to memory far away. */
static SOFT_COLD
UOP(bit_m)
{
	unsigned bits = bits_of(u), op = u->aux & AUX_OP;
	int64_t n = (int64_t)(u->aux & AUX_IMM ? u->imm & (bits - 1)
	                                       : sext(c->gpr[u->rs], bits));
	uint64_t add = (uint64_t)(n >> __builtin_ctz(bits)) * (bits / 8);
	uint64_t mask = 1ull << ((uint64_t)n & (bits - 1)), la, v;
	struct mmu_bounce b;
	void *p;

	if (!ea_linear(c, u, add, bits / 8, op != BIT_BT, &la))
		return mem_fault(c, u);
	if (op == BIT_BT) {
		if (!mem_load(c, la, bits / 8, &v))
			return mem_fault(c, u);
	} else {
		p = mmu_rmw(c, la, bits / 8, &b);
		if (p == NULL)
			return mem_fault(c, u);
		v = host_get(p, bits);
		host_set(p, bits, changed(op, v, mask));
		mmu_rmw_end(c, &b);
	}
	set_cf(c, u, (v & mask) != 0);
	return u + 1;
}

/* l->arg: enum bit_op. */
unsigned
bit_lower(const struct lowering *l, struct uop *u)
{
	const struct x86_opnd *dst = &l->in->opnd[0], *src = &l->in->opnd[1];

	u->rd = dst->reg;
	u->rs = src->reg;
	u->imm = l->in->imm;
	u->aux = l->arg | lower_log2(dst->size) << AUX_LOG2_SHIFT |
	         (src->kind == X86_OPND_IMM ? AUX_IMM : 0) |
	         (l->live & X86_FL_ZF ? AUX_KEEP : 0);
	u->fn = dst->kind == X86_OPND_MEM ? bit_m : bit_r;
	return 1;
}

/* v zero-extended. BSF and BSR leave the destination alone when it is zero. */
SOFT_INLINE void
scan_do(struct cpu *c, enum scan_op op, unsigned rd, unsigned bits, uint64_t v)
{
	unsigned low = v != 0 ? (unsigned)__builtin_ctzll(v) : bits;
	unsigned high = v != 0 ? 63 - (unsigned)__builtin_clzll(v) : 0;
	uint64_t r;

	switch (op) {
	case SCAN_BSF:
	case SCAN_BSR:
		if (v != 0)
			reg_set(c, rd, bits, op == SCAN_BSF ? low : high);
		cc_set_logic(c, bits, v);
		return;
	case SCAN_TZCNT:
		r = low;
		break;
	case SCAN_LZCNT:
		r = v != 0 ? bits - 1 - high : bits;
		break;
	default:
		reg_set(c, rd, bits, (uint64_t)__builtin_popcountll(v));
		cc_set_flags(c, v == 0 ? X86_FL_ZF : 0);
		return;
	}
	reg_set(c, rd, bits, r);
	cc_set_flags(c, (v == 0 ? X86_FL_CF : 0) | (r == 0 ? X86_FL_ZF : 0));
}

/* clang-format off */
#define SCAN(op, OP, bits)                                                     \
	static UOP(op##bits##_r) {                                             \
		scan_do(c, OP, u->rd, bits, reg_get(c, u->rs, bits));          \
		return u + 1;                                                  \
	}                                                                      \
	static SOFT_COLD UOP(op##bits##_m) {                                   \
		uint64_t v;                                                    \
		if (!load(c, u, AT_ANY, bits, &v))                             \
			return mem_fault(c, u);                                \
		scan_do(c, OP, u->rd, bits, v);                                \
		return u + 1;                                                  \
	}
#define SIZES(op, OP) SCAN(op, OP, 16) SCAN(op, OP, 32) SCAN(op, OP, 64)
SIZES(bsf, SCAN_BSF)
SIZES(bsr, SCAN_BSR)
SIZES(tzcnt, SCAN_TZCNT)
SIZES(lzcnt, SCAN_LZCNT)
SIZES(popcnt, SCAN_POPCNT)
#define ROW(op)                                                                \
	{ { NULL, NULL }, { op##16_r, op##16_m }, { op##32_r, op##32_m },      \
	  { op##64_r, op##64_m } }
static uop_fn *const scan_rows[][4][2] = {
	[SCAN_BSF] = ROW(bsf), [SCAN_BSR] = ROW(bsr), [SCAN_TZCNT] = ROW(tzcnt),
	[SCAN_LZCNT] = ROW(lzcnt), [SCAN_POPCNT] = ROW(popcnt)
};
/* clang-format on */

/* l->arg: enum scan_op. */
unsigned
scan_lower(const struct lowering *l, struct uop *u)
{
	u->rd = l->in->opnd[0].reg;
	u->rs = l->in->opnd[1].reg;
	u->fn = scan_rows[l->arg][lower_log2(l->in->opnd[0].size)]
	                 [lower_is_mem(l, 1)];
	return 1;
}

/* CRC-32C, bit-reversed, by half bytes. */
static uint32_t
crc32c(uint32_t crc, uint64_t v, unsigned size)
{
	static const uint32_t table[16] = { 0x00000000, 0x105ec76f, 0x20bd8ede,
		                            0x30e349b1, 0x417b1dbc, 0x5125dad3,
		                            0x61c69362, 0x7198540d, 0x82f63b78,
		                            0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		                            0xc38d26c4, 0xd3d3e1ab, 0xe330a81a,
		                            0xf36e6f75 };

	for (unsigned i = 0; i < size * 2; i++) {
		crc = crc >> 4 ^ table[(crc ^ v) & 15];
		v >>= 4;
	}
	return crc;
}

/* aux: bytes of the source. */
static UOP(crc32_r)
{
	c->gpr[u->rd] = crc32c((uint32_t)c->gpr[u->rd],
	                       regx_get(c, AT_ANY, u->rs, u->aux * 8), u->aux);
	return u + 1;
}

static SOFT_COLD
UOP(crc32_m)
{
	uint64_t la, v;

	if (!ea_linear(c, u, 0, u->aux, false, &la) ||
	    !mem_load(c, la, u->aux, &v))
		return mem_fault(c, u);
	c->gpr[u->rd] = crc32c((uint32_t)c->gpr[u->rd], v, u->aux);
	return u + 1;
}

unsigned
crc32_lower(const struct lowering *l, struct uop *u)
{
	u->rd = l->in->opnd[0].reg;
	u->rs = lower_reg(&l->in->opnd[1]);
	u->aux = l->in->opnd[1].size;
	u->fn = lower_is_mem(l, 1) ? crc32_m : crc32_r;
	return 1;
}
