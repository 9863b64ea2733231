/* SPDX-License-Identifier: BSD-2-Clause */
/* flags_test.c - lazy flags against those the host's own instructions leave:
 * all pairs of bytes, and edges of the wider sizes; then every condition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "engine/soft/alu.h"
#include "engine/soft/flags.h"

enum kind { ADD, ADC, SUB, SBB, AND, INC, DEC, NEG, SHL1, SHR1, SAR1, NKINDS };

/* clang-format off */
#define TWO(insn, type, c)                                                     \
	__asm__("bt $0, %3\n\t" insn " %2, %1\n\tpushf\n\tpop %0"              \
	        : "=r"(f), "+q"(a) : "q"((type)b), "r"((uint64_t)(c)) : "cc")
#define ONE(insn, c)                                                           \
	__asm__("bt $0, %2\n\t" insn " %1\n\tpushf\n\tpop %0"                  \
	        : "=r"(f), "+q"(a) : "r"((uint64_t)(c)) : "cc")
#define HOST(bits, type)                                                       \
	static uint64_t cpu##bits(enum kind k, type a, type b, bool c)        \
	{                                                                      \
		uint64_t f = 0;                                                \
		switch (k) {                                                   \
		case ADD: TWO("add", type, c); break;                          \
		case ADC: TWO("adc", type, c); break;                          \
		case SUB: TWO("sub", type, c); break;                          \
		case SBB: TWO("sbb", type, c); break;                          \
		case AND: TWO("and", type, c); break;                          \
		case INC: ONE("inc", c); break;                                \
		case DEC: ONE("dec", c); break;                                \
		case NEG: ONE("neg", c); break;                                \
		case SHL1: ONE("shl", c); break;                               \
		case SHR1: ONE("shr", c); break;                               \
		default: ONE("sar", c); break;                                 \
		}                                                              \
		return f & X86_FL_ARITH;                                       \
	}
/* clang-format on */
HOST(8, uint8_t)
HOST(16, uint16_t)
HOST(32, uint32_t)
HOST(64, uint64_t)

static uint64_t
host(enum kind k, unsigned bits, uint64_t a, uint64_t b, bool c)
{
	switch (bits) {
	case 8:
		return cpu8(k, (uint8_t)a, (uint8_t)b, c);
	case 16:
		return cpu16(k, (uint16_t)a, (uint16_t)b, c);
	case 32:
		return cpu32(k, (uint32_t)a, (uint32_t)b, c);
	default:
		return cpu64(k, a, b, c);
	}
}

static void
ours(struct cpu *c, enum kind k, unsigned bits, uint64_t a, uint64_t b)
{
	static const enum alu_op op[] = { [ADD] = ALU_ADD,
		                          [ADC] = ALU_ADC,
		                          [SUB] = ALU_SUB,
		                          [SBB] = ALU_SBB,
		                          [AND] = ALU_AND };
	uint64_t s = sext(a, bits);

	switch (k) {
	case INC:
		cc_set_step(c, CC_INC, bits, a + 1, cc_cf(c));
		break;
	case DEC:
		cc_set_step(c, CC_DEC, bits, a - 1, cc_cf(c));
		break;
	case NEG:
		cc_set(c, CC_SUB, bits, 0 - a, 0);
		break;
	case SHL1:
		cc_set(c, CC_SHL, bits, a << 1, a);
		break;
	case SHR1:
		cc_set(c, CC_SHR, bits, a >> 1, a);
		break;
	case SAR1:
		cc_set(c, CC_SAR, bits, (uint64_t)((int64_t)s >> 1), s);
		break;
	default:
		(void)alu_do(c, op[k], bits, true, a, b);
	}
}

static bool
met(uint64_t f, unsigned cond)
{
	bool cf = f & X86_FL_CF, zf = f & X86_FL_ZF, sf = f & X86_FL_SF;
	bool of = f & X86_FL_OF, pf = f & X86_FL_PF;
	const bool v[] = { of, cf, zf,       cf || zf,
		           sf, pf, sf != of, zf || sf != of };

	return v[cond / 2] != (cond & 1);
}

static void
compare(enum kind k, unsigned bits, uint64_t a, uint64_t b, bool carry)
{
	/* AF is undefined after logic and shifts. */
	uint64_t mask =
	    k == AND || k >= SHL1 ? X86_FL_ARITH & ~X86_FL_AF : X86_FL_ARITH;
	static struct cpu c;
	uint64_t want = host(k, bits, a, b, carry);

	cc_set_flags(&c, carry);
	ours(&c, k, bits, zext(a, bits), zext(b, bits));
	if (((cc_flags(&c) ^ want) & mask) != 0)
		fail_msg("kind %d, %u bits, %#lx %#lx carry %d: %#lx not %#lx",
		         k, bits, a, b, carry, cc_flags(&c), want);
	for (unsigned cond = 0; cond < 16; cond++)
		if (cc_cond(&c, cond) != met(want, cond))
			fail_msg("kind %d, %u bits, %#lx %#lx: condition %u", k,
			         bits, a, b, cond);
}

static void
bytes_agree(void **state)
{
	(void)state;
	for (int k = 0; k < NKINDS; k++)
		for (unsigned a = 0; a < 256; a++)
			for (unsigned b = 0; b < 256; b++) {
				compare(k, 8, a, b, false);
				compare(k, 8, a, b, true);
			}
}

static void
edges_agree(void **state)
{
	static const unsigned sizes[] = { 16, 32, 64 };
	uint64_t v[16];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		unsigned bits = sizes[i];
		uint64_t top = 1ull << (bits - 1);
		const uint64_t edges[] = {
			0,         1,          2,         0xf,
			0x10,      0x7f,       0x80,      0xff,
			top - 1,   top,        top + 1,   ~0ull,
			~0ull - 1, ~0ull - 15, top | 0xf, 0x5555555555555555
		};

		memcpy(v, edges, sizeof(v));
		for (int k = 0; k < NKINDS; k++)
			for (unsigned a = 0; a < 16; a++)
				for (unsigned b = 0; b < 32; b++)
					compare(k, bits, v[a], v[b / 2], b & 1);
	}
}

static void
flags_survive_the_round_trip(void **state)
{
	static struct cpu c;

	(void)state;
	for (uint32_t f = 0; f < 1 << 12; f++) {
		cpu_set_rflags(&c, f | X86_FL_ID);
		assert_int_equal(cpu_rflags(&c), f | X86_FL_ID | X86_FL_ONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_agree),
		cmocka_unit_test(edges_agree),
		cmocka_unit_test(flags_survive_the_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
