/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "x86/feature.h"
#include "x86/insn.h"
#include "x86/regs.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define B(...)                                                                 \
	(const uint8_t[15])                                                    \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

enum { M16 = X86_MODE_16, M32 = X86_MODE_32, M64 = X86_MODE_64 };

/* Fifteen bytes, zeros after what is given. */
static struct x86_insn
decode(const uint8_t b[15], enum x86_mode mode, int want_len)
{
	struct x86_insn in;

	assert_int_equal(x86_decode(b, 15, mode, &in), want_len);
	return in;
}

static void
lengths_and_operations(void **state)
{
	static const struct {
		uint8_t b[15];
		uint8_t mode;
		int8_t len;
		uint16_t op;
		uint8_t opsize;
	} rows[] = {
		{ { 0x90 }, M64, 1, X86_OP_NOP, 4 },
		{ { 0xf3, 0x90 }, M64, 2, X86_OP_PAUSE, 4 },
		{ { 0x41, 0x90 }, M64, 2, X86_OP_XCHG, 4 },
		{ { 0xf3, 0x41, 0x90 }, M64, 3, X86_OP_XCHG, 4 },
		{ { 0xf3, 0x0f, 0x1e, 0xfa }, M64, 4, X86_OP_NOP, 4 },
		{ { 0x48, 0xb8 }, M64, 10, X86_OP_MOV, 8 },
		{ { 0x66, 0xb8 }, M64, 4, X86_OP_MOV, 2 },
		/* REX counts only as the last prefix. */
		{ { 0x48, 0x66, 0xb8 }, M64, 5, X86_OP_MOV, 2 },
		{ { 0x66, 0x48, 0xb8 }, M64, 11, X86_OP_MOV, 8 },
		{ { 0x48, 0xb8 }, M32, 1, X86_OP_DEC, 4 },
		/* moffs is as wide as addresses are. */
		{ { 0xa0 }, M64, 9, X86_OP_MOV, 1 },
		{ { 0x67, 0xa1 }, M64, 6, X86_OP_MOV, 4 },
		{ { 0xa1 }, M32, 5, X86_OP_MOV, 4 },
		{ { 0xa1 }, M16, 3, X86_OP_MOV, 2 },
		/* Near branches ignore 66 in 64-bit mode. */
		{ { 0x66, 0xe8 }, M64, 6, X86_OP_CALL, 8 },
		{ { 0x66, 0xe8 }, M32, 4, X86_OP_CALL, 2 },
		{ { 0x66, 0xc3 }, M64, 2, X86_OP_RET, 8 },
		{ { 0x50 }, M64, 1, X86_OP_PUSH, 8 },
		{ { 0x66, 0x50 }, M64, 2, X86_OP_PUSH, 2 },
		/* VEX prefixes are loads of far pointers elsewhere. */
		{ { 0xc5, 0x00 }, M32, 2, X86_OP_LDS, 4 },
		{ { 0xc5, 0xf8, 0x77 }, M32, X86_E_UD, 0, 0 },
		{ { 0xc5, 0xf8, 0x77 }, M64, X86_E_UD, 0, 0 },
		{ { 0x62, 0xf1 }, M64, X86_E_UD, 0, 0 },
		/* The last of F2 and F3 selects. */
		{ { 0xf2, 0xf3, 0x0f, 0x10, 0xc1 }, M64, 5, X86_OP_MOVSS, 4 },
		{ { 0xf3, 0xf2, 0x0f, 0x10, 0xc1 }, M64, 5, X86_OP_MOVSD, 4 },
		{ { 0x66, 0xf2, 0x0f, 0x38, 0xf1, 0xc1 },
		  M64,
		  6,
		  X86_OP_CRC32,
		  2 },
		{ { 0x66, 0x0f, 0x38, 0xf1, 0x01 }, M64, 5, X86_OP_MOVBE, 2 },
		{ { 0x0f, 0xc7, 0x09 }, M64, 3, X86_OP_CMPXCHG8B, 4 },
		{ { 0x48, 0x0f, 0xc7, 0x09 }, M64, 4, X86_OP_CMPXCHG16B, 8 },
		{ { 0x0f, 0x01, 0xf8 }, M64, 3, X86_OP_SWAPGS, 4 },
		{ { 0x0f, 0x01, 0xf8 }, M32, X86_E_UD, 0, 0 },
		{ { 0x0f, 0x05 }, M32, X86_E_UD, 0, 0 },
		{ { 0x27 }, M32, 1, X86_OP_DAA, 4 },
		{ { 0x27 }, M64, X86_E_UD, 0, 0 },
		{ { 0x82, 0xc0 }, M64, X86_E_UD, 0, 0 },
		{ { 0x8e, 0xc8 }, M64, X86_E_UD, 0, 0 }, /* to CS */
		{ { 0x8c, 0xf0 }, M64, X86_E_UD, 0, 0 },
		{ { 0x0f, 0x20, 0xc8 }, M64, X86_E_UD, 0, 0 },         /* CR1 */
		{ { 0x44, 0x0f, 0x20, 0xc0 }, M64, 4, X86_OP_MOV, 4 }, /* CR8 */
		{ { 0x0f, 0x20, 0x00 }, M64, 3, X86_OP_MOV, 4 },
		{ { 0x8d, 0xc0 }, M64, X86_E_UD, 0, 0 }, /* LEA of a register */
		/* LOCK where nothing is to be locked. */
		{ { 0xf0, 0x01, 0x00 }, M64, 3, X86_OP_ADD, 4 },
		{ { 0xf0, 0x01, 0xc0 }, M64, X86_E_UD, 0, 0 },
		{ { 0xf0, 0x03, 0x00 }, M64, X86_E_UD, 0, 0 },
		{ { 0xf0, 0x39, 0x00 }, M64, X86_E_UD, 0, 0 },
		{ { 0xf0, 0x90 }, M64, X86_E_UD, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct x86_insn in;
		int len =
		    x86_decode(rows[i].b, 15, (enum x86_mode)rows[i].mode, &in);

		assert_int_equal(len, rows[i].len);
		if (len < 0)
			continue;
		assert_int_equal(in.len, len);
		assert_string_equal(x86_op_name(in.op),
		                    x86_op_name(rows[i].op));
		assert_int_equal(in.opsize, rows[i].opsize);
	}
}

static void
fifteen_bytes_and_no_more(void **state)
{
	uint8_t b[32];
	struct x86_insn in;

	(void)state;
	memset(b, 0x66, sizeof(b));
	b[14] = 0x90;
	assert_int_equal(x86_decode(b, 15, X86_MODE_64, &in), 15);
	assert_int_equal(x86_decode(b, 32, X86_MODE_64, &in), 15);
	assert_int_equal(x86_decode(b, 14, X86_MODE_64, &in), X86_E_SHORT);
	b[14] = 0x66;
	assert_int_equal(x86_decode(b, 32, X86_MODE_64, &in), X86_E_LONG);
	assert_int_equal(x86_decode(b, 0, X86_MODE_64, &in), X86_E_SHORT);
	b[12] = 0xb8; /* its immediate would end at byte 15 */
	assert_int_equal(x86_decode(b, 32, X86_MODE_64, &in), 15);
	b[12] = 0x66;
	b[13] = 0xb8;
	assert_int_equal(x86_decode(b, 32, X86_MODE_64, &in), X86_E_LONG);
}

static void
addresses_of_all_modes(void **state)
{
	struct x86_insn in;

	(void)state;
	in = decode(B(0x8b, 0x44, 0x88, 0xf0), X86_MODE_64, 4);
	assert_int_equal(in.base, X86_RAX);
	assert_int_equal(in.index, X86_RCX);
	assert_int_equal(in.scale, 4);
	assert_int_equal(in.disp, -16);
	assert_int_equal(in.disp_at, 3);
	in = decode(B(0x43, 0x8b, 0x04, 0x24), X86_MODE_64, 4);
	assert_int_equal(in.base, X86_R12);
	assert_int_equal(in.index, X86_R12); /* index 4 with REX.X is one */
	in = decode(B(0x8b, 0x04, 0x24), X86_MODE_64, 3);
	assert_int_equal(in.base, X86_RSP);
	assert_int_equal(in.index, X86_NO_REG);
	assert_int_equal(in.seg, X86_SS);
	in = decode(B(0x8b, 0x05, 0xff, 0xff, 0xff, 0xff), X86_MODE_64, 6);
	assert_int_equal(in.base, X86_BASE_RIP);
	assert_int_equal(in.disp, -1);
	in = decode(B(0x8b, 0x05, 0xff, 0xff, 0xff, 0xff), X86_MODE_32, 6);
	assert_int_equal(in.base, X86_NO_REG);
	/* REX.B does not make R13 of "no base". */
	in = decode(B(0x41, 0x8b, 0x04, 0x25, 1), X86_MODE_64, 8);
	assert_int_equal(in.base, X86_NO_REG);
	assert_int_equal(in.disp, 1);
	in = decode(B(0x8b, 0x42, 0x80), X86_MODE_16, 3);
	assert_int_equal(in.base, X86_RBP);
	assert_int_equal(in.index, X86_RSI);
	assert_int_equal(in.seg, X86_SS);
	assert_int_equal(in.disp, -128);
	assert_int_equal(in.addrsize, 2);
	in = decode(B(0x8b, 0x06, 0x34, 0x12), X86_MODE_16, 4);
	assert_int_equal(in.base, X86_NO_REG);
	assert_int_equal(in.seg, X86_DS);
	assert_int_equal(in.disp, 0x1234);
	in = decode(B(0x67, 0x8b, 0x04, 0x24), X86_MODE_16, 4);
	assert_int_equal(in.base, X86_RSP);
	assert_int_equal(in.addrsize, 4);
}

static void
segments_default_and_override(void **state)
{
	struct x86_insn in;

	(void)state;
	in = decode(B(0x2e, 0x8b, 0x00), X86_MODE_32, 3);
	assert_int_equal(in.seg, X86_CS);
	in = decode(B(0x2e, 0x8b, 0x00), X86_MODE_64, 3);
	assert_int_equal(in.seg, X86_DS);
	in = decode(B(0x65, 0x2e, 0x8b, 0x45, 0), X86_MODE_64, 5);
	assert_int_equal(in.seg, X86_GS);
	in = decode(B(0x64, 0xa5), X86_MODE_64, 2); /* MOVS's source */
	assert_int_equal(in.seg, X86_FS);
	in = decode(B(0x64, 0xab), X86_MODE_64, 2); /* STOS has none */
	assert_int_equal(in.seg, X86_ES);
	in = decode(B(0x64, 0xa1), X86_MODE_64, 10);
	assert_int_equal(in.seg, X86_FS);
}

static void
operands_in_intels_order(void **state)
{
	struct x86_insn in;

	(void)state;
	in = decode(B(0x88, 0xe0), X86_MODE_64, 2); /* mov al, ah */
	assert_int_equal(in.opnd[0].kind, X86_OPND_GPR);
	assert_int_equal(in.opnd[1].kind, X86_OPND_GPR_HIGH);
	assert_int_equal(in.opnd[1].reg, X86_RAX);
	in = decode(B(0x40, 0x88, 0xe0), X86_MODE_64, 3); /* mov al, spl */
	assert_int_equal(in.opnd[1].kind, X86_OPND_GPR);
	assert_int_equal(in.opnd[1].reg, X86_RSP);
	in = decode(B(0x83, 0xc0, 0xff), X86_MODE_64, 3);
	assert_int_equal(in.opnd[1].kind, X86_OPND_IMM);
	assert_true(in.imm == UINT64_MAX);
	in = decode(B(0xc1, 0xe0, 0xff), X86_MODE_64, 3);
	assert_true(in.imm == 0xff);
	in = decode(B(0xe4, 0xff), X86_MODE_64, 2);
	assert_true(in.imm == 0xff);
	in = decode(B(0xc8, 0xff, 0xff, 0x07), X86_MODE_64, 4);
	assert_true(in.imm == 0xffff);
	assert_int_equal(in.imm2, 7);
	in = decode(B(0x9a, 1, 0, 0, 0x80, 8, 0), X86_MODE_32, 7);
	assert_int_equal(in.opnd[0].kind, X86_OPND_FAR);
	assert_true(in.imm == 0x80000001);
	assert_int_equal(in.imm2, 8);
	in = decode(B(0x0f, 0x85, 0xfc, 0xff, 0xff, 0xff), X86_MODE_64, 6);
	assert_int_equal(in.cond, 5);
	assert_int_equal(in.opnd[0].kind, X86_OPND_REL);
	assert_true((int64_t)in.imm == -4);
	in = decode(B(0x0f, 0xb6, 0x00), X86_MODE_64, 3); /* movzx */
	assert_int_equal(in.opsize, 4);
	assert_int_equal(in.opnd[1].size, 1);
	in = decode(B(0x8e, 0xd0), X86_MODE_64, 2); /* mov ss, ax */
	assert_int_equal(in.opnd[0].kind, X86_OPND_SREG);
	assert_int_equal(in.opnd[0].reg, X86_SS);
	in = decode(B(0x0f, 0xa9), X86_MODE_64, 2); /* pop gs */
	assert_int_equal(in.opnd[0].reg, X86_GS);
	in = decode(B(0x66, 0x0f, 0x6f, 0x00), X86_MODE_64, 4);
	assert_int_equal(in.opnd[0].kind, X86_OPND_XMM);
	assert_int_equal(in.opnd[1].size, 16);
	assert_int_equal(in.prefix, 0x66);
	assert_true(in.attr & X86_A_ALIGN);
	assert_int_equal(in.feature, X86_F_SSE2);
	in = decode(B(0xf3, 0x0f, 0x6f, 0x00), X86_MODE_64, 4);
	assert_false(in.attr & X86_A_ALIGN);
	in = decode(B(0x0f, 0xff, 0x00), X86_MODE_64, 3);
	assert_int_equal(in.op, X86_OP_UD0);
}

static void
flags_that_liveness_may_trust(void **state)
{
	struct x86_insn in;

	(void)state;
	in = decode(B(0x01, 0xc0), X86_MODE_64, 2);
	assert_int_equal(in.flags_written, X86_FL_ARITH);
	assert_int_equal(in.flags_read, 0);
	in = decode(B(0x11, 0xc0), X86_MODE_64, 2); /* adc */
	assert_int_equal(in.flags_read, X86_FL_CF);
	in = decode(B(0xff, 0xc0), X86_MODE_64, 2); /* inc */
	assert_int_equal(in.flags_written, X86_FL_ARITH & ~X86_FL_CF);
	in = decode(B(0x7f, 0), X86_MODE_64, 2); /* jg */
	assert_int_equal(in.flags_read, X86_FL_ZF | X86_FL_SF | X86_FL_OF);
	in = decode(B(0xd3, 0xe0), X86_MODE_64, 2); /* shl eax, cl */
	assert_int_equal(in.flags_read, X86_FL_ARITH);
	in = decode(B(0xc1, 0xe0, 0x20), X86_MODE_64, 3); /* by 32: nothing */
	assert_int_equal(in.flags_written | in.flags_undef, 0);
	in = decode(B(0xc1, 0xe0, 0x01), X86_MODE_64, 3);
	assert_int_equal(in.flags_written, X86_FL_ARITH & ~X86_FL_AF);
	in = decode(B(0xc1, 0xe0, 0x02), X86_MODE_64, 3);
	assert_int_equal(in.flags_undef, X86_FL_OF | X86_FL_AF);
	in = decode(B(0xa6), X86_MODE_64, 1);
	assert_int_equal(in.flags_read, X86_FL_DF);
	in = decode(B(0xf3, 0xa6), X86_MODE_64, 2); /* none of it at RCX 0 */
	assert_int_equal(in.flags_read, X86_FL_DF | X86_FL_ARITH);
	assert_int_equal(in.rep, X86_REP);
	in = decode(B(0xf2, 0xa4), X86_MODE_64, 2); /* MOVS knows one REP */
	assert_int_equal(in.rep, X86_REP);
	in = decode(B(0xf2, 0xae), X86_MODE_64, 2);
	assert_int_equal(in.rep, X86_REPNE);
	in = decode(B(0xf3, 0xc3), X86_MODE_64, 2);
	assert_int_equal(in.rep, X86_REP_NONE);
}

static void
without_a_feature_it_is_another(void **state)
{
	struct x86_insn in;

	(void)state;
	in = decode(B(0xf3, 0x48, 0x0f, 0xbc, 0xc1), X86_MODE_64, 5);
	assert_int_equal(in.op, X86_OP_TZCNT);
	assert_int_equal(in.feature, X86_F_BMI1);
	assert_true(x86_insn_without(&in, X86_MODE_64));
	assert_int_equal(in.op, X86_OP_BSF);
	assert_int_equal(in.opsize, 8);
	assert_int_equal(in.feature, X86_F_NONE);
	in = decode(B(0xf3, 0x0f, 0xb8, 0xc1), X86_MODE_64, 4);
	assert_int_equal(in.op, X86_OP_POPCNT);
	assert_false(x86_insn_without(&in, X86_MODE_64));
}

static void
features_from_cpuid(void **state)
{
	struct cpuid_table t = { .n = 0 };
	const struct cpuid_leaf rows[] = {
		{ 0, 0, 1, 0, 0, 0 },
		{ 1, 0, 0, 0, 1u << 23, 1u << 26 }, /* POPCNT, SSE2 */
	};
	uint64_t set;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		assert_int_equal(cpuid_set(&t, &rows[i]), 0);
	set = x86_features(&t);
	assert_true(set == (1ull << X86_F_NONE | 1ull << X86_F_POPCNT |
	                    1ull << X86_F_SSE2));
}

static void
every_operation_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(x86_op_name(X86_OP_ADD), "add");
	for (unsigned i = 1; i < X86_NOPS; i++)
		assert_string_not_equal(x86_op_name(i), "(none)");
	assert_string_equal(x86_op_name(0), "(none)");
	assert_string_equal(x86_op_name(X86_NOPS), "(none)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_and_operations),
		cmocka_unit_test(fifteen_bytes_and_no_more),
		cmocka_unit_test(addresses_of_all_modes),
		cmocka_unit_test(segments_default_and_override),
		cmocka_unit_test(operands_in_intels_order),
		cmocka_unit_test(flags_that_liveness_may_trust),
		cmocka_unit_test(without_a_feature_it_is_another),
		cmocka_unit_test(features_from_cpuid),
		cmocka_unit_test(every_operation_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
