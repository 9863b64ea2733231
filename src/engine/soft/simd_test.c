/* SPDX-License-Identifier: BSD-2-Clause */
/* simd_test.c - what the comparison with the processor (tests/oracle) cannot
 * show of x87 and SSE: control registers that turn them off, deferred
 * exceptions, environments of the modes, pointers, and that nothing of the
 * host's comes through.
 */
#include <string.h>

#include "base/base.h"
#include "engine/soft/bed_test.h"
#include "engine/soft/fx.h"
#include "engine/soft/simd.h"
#include "engine/soft/stub.h"

enum { DATA = 0x200000, NONE = -1 };

/* END in bytes: out %al, $0xf4; hlt */
static void
put_code(struct bed *b, const uint8_t *code, size_t n)
{
	static const uint8_t end[] = { 0xe6, PORT_END, 0xf4 };

	bed_write(b, BED_CODE, code, n);
	bed_write(b, BED_CODE + n, end, sizeof(end));
}

#define ADDPS                                                                  \
	{                                                                      \
		0x0f, 0x58, 0xc1                                               \
	}
#define MOVDQU                                                                 \
	{                                                                      \
		0xf3, 0x0f, 0x6f, 0xc1                                         \
	}
#define PADDB_M                                                                \
	{                                                                      \
		0x0f, 0xfc, 0xc1                                               \
	}
#define FLD1                                                                   \
	{                                                                      \
		0xd9, 0xe8                                                     \
	}
#define FWAIT                                                                  \
	{                                                                      \
		0x9b                                                           \
	}
#define FNSTSW                                                                 \
	{                                                                      \
		0xdf, 0xe0                                                     \
	}
#define CRC32                                                                  \
	{                                                                      \
		0xf2, 0x0f, 0x38, 0xf1, 0xc1                                   \
	}
#define EMMS                                                                   \
	{                                                                      \
		0x0f, 0x77                                                     \
	}
#define AVX                                                                    \
	{                                                                      \
		0xc5, 0xf8, 0x77                                               \
	}

/* SDM 3A tables 2-2 and 13-1. */
static void
control_registers_turn_them_off(void **state)
{
	static const struct {
		uint8_t code[6], n;
		uint32_t cr0;
		bool no_sse;
		int vector;
	} rows[] = {
		{ ADDPS, 3, 0, false, NONE },
		{ ADDPS, 3, X86_CR0_TS, false, X86_NM },
		{ ADDPS, 3, X86_CR0_EM, false, X86_UD },
		{ ADDPS, 3, 0, true, X86_UD },
		{ ADDPS, 3, X86_CR0_TS, true, X86_UD },
		{ MOVDQU, 4, X86_CR0_TS, false, X86_NM },
		{ MOVDQU, 4, 0, true, X86_UD },
		{ PADDB_M, 3, 0, true, NONE },
		{ PADDB_M, 3, X86_CR0_TS, false, X86_NM },
		{ PADDB_M, 3, X86_CR0_EM, false, X86_UD },
		{ EMMS, 2, X86_CR0_TS, false, X86_NM },
		{ EMMS, 2, X86_CR0_EM, false, X86_UD },
		{ FLD1, 2, X86_CR0_TS, false, X86_NM },
		{ FLD1, 2, X86_CR0_EM, false, X86_NM },
		{ FNSTSW, 2, X86_CR0_EM, false, X86_NM },
		{ FWAIT, 1, X86_CR0_TS, false, NONE },
		{ FWAIT, 1, X86_CR0_TS | X86_CR0_MP, false, X86_NM },
		{ CRC32, 5, X86_CR0_TS | X86_CR0_EM, true, NONE },
		{ AVX, 3, 0, false, X86_UD },
	};
	struct bed *b = *state;
	struct bed_log log;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bed_long(b);
		put_code(b, rows[i].code, rows[i].n);
		b->st.cr0 &= ~(uint64_t)(X86_CR0_TS | X86_CR0_EM | X86_CR0_MP);
		b->st.cr0 |= rows[i].cr0;
		b->st.cr4 |= X86_CR4_OSFXSR;
		if (rows[i].no_sse)
			b->st.cr4 &= ~(uint64_t)X86_CR4_OSFXSR;
		assert_true(bed_run(b));
		assert_int_equal(bed_vector(b, &log), rows[i].vector);
	}
}

/* 1/0 unmasked: the next waiting instruction tells, others do not. */
PROGRAM(deferred, ".code64\n"
                  "fninit\n fnstcw 0x200000\n andw $0xfffb, 0x200000\n"
                  "fldcw 0x200000\n fld1\n fldz\n"
                  ".Ldiv: fdivrp\n fnstsw %ax\n mov %eax, %ebx\n"
                  ".Lwait: fld1" END);

static void
x87_exceptions_wait_for_the_next(void **state)
{
	struct bed *b = *state;
	struct bed_log log;
	struct x86_state st;

	bed_long(b);
	LOAD(b, BED_CODE, deferred);
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_MF);
	assert_int_equal(log.rip, BED_CODE + 0x23);
	/* Pointers are the guest's: of the division, not of a stub. */
	assert_int_equal(vm_vcpu_get(b->vm, 0, &st), 0);
	assert_int_equal(fx_get64(st.fx, FX_FIP), BED_CODE + 0x1d);
	assert_true(fx_get16(st.fx, FX_FSW) & FSW_ES);
	assert_true(fx_get16(st.fx, FX_FSW) & 4); /* ZE */
}

/* An unmasked division by zero in SSE. */
PROGRAM(unmasked, ".code64\n"
                  "movl $0x1d80, 0x200000\n ldmxcsr 0x200000\n"
                  "mov $1, %eax\n cvtsi2sd %eax, %xmm0\n"
                  "pxor %xmm1, %xmm1\n divsd %xmm1, %xmm0" END);

static void
sse_exceptions_need_osxmmexcpt(void **state)
{
	struct bed *b = *state;
	struct bed_log log;

	for (unsigned on = 0; on < 2; on++) {
		bed_long(b);
		b->st.cr4 |= X86_CR4_OSFXSR;
		b->st.cr4 &= ~(uint64_t)X86_CR4_OSXMMEXCPT;
		if (on)
			b->st.cr4 |= X86_CR4_OSXMMEXCPT;
		LOAD(b, BED_CODE, unmasked);
		assert_true(bed_run(b));
		assert_int_equal(bed_vector(b, &log), on ? X86_XM : X86_UD);
	}
}

/* FNSTENV by 32 and 16 bits, in protected and in real mode. */
PROGRAM(env32, ".code32\n fninit\n fld1\n fnstenv 0x200000\n"
               ".byte 0x66\n fnstenv 0x200040" END);
PROGRAM(env16, ".code16\n xor %ax, %ax\n mov %ax, %ds\n fninit\n fld1\n"
               "fnstenv 0x6000\n .byte 0x66\n fnstenv 0x6040" END);

static void
environments_have_the_modes_layout(void **state)
{
	struct bed *b = *state;

	bed_flat(b);
	LOAD(b, BED_CODE, env32);
	assert_true(bed_run(b));
	/* FCW, FSW with TOP 7, FTW with register 7 valid. */
	assert_int_equal(bed_get64(b, DATA) & 0xffff, 0x37f);
	assert_int_equal(bed_get64(b, DATA + 4) & 0xffff, 0x3800);
	assert_int_equal(bed_get64(b, DATA + 8) & 0xffff, 0x3fff);
	/* Masked by the first one: still 37f. */
	assert_true((bed_get64(b, DATA + 0x40) & 0xffffffffffff) ==
	            0x3fff3800037f);
	bed_real(b);
	LOAD(b, BED_CODE, env16);
	assert_true(bed_run(b));
	assert_true((bed_get64(b, 0x6000) & 0xffffffffffff) == 0x3fff3800037f);
	assert_int_equal(bed_get64(b, 0x6040) & 0xffff, 0x37f);
	assert_int_equal(bed_get64(b, 0x6048) & 0xffff, 0x3fff);
}

static void
an_image_from_outside_is_made_harmless(void **state)
{
	struct bed *b = *state;
	uint8_t *fx = b->c->fx;

	memset(fx, 0xff, X86_FX_BYTES);
	fx_set16(fx, FX_FCW, 0); /* all unmasked, all flags set */
	simd_sanitize(b->c);
	assert_int_equal(fx_get32(fx, FX_MXCSR) & ~0xffffu, 0);
	assert_int_equal(fx_get16(fx, FX_FSW) & (FSW_ES | FSW_B),
	                 FSW_ES | FSW_B);
	fx_set16(fx, FX_FCW, 0xffff);
	simd_sanitize(b->c);
	assert_int_equal(fx_get16(fx, FX_FSW) & (FSW_ES | FSW_B), 0);
	assert_int_equal(fx_get16(fx, FX_FCW), FCW_VALID | FCW_ONE);
	simd_reset(b->c);
}

static void
the_same_code_is_one_stub(void **state)
{
	struct code k = { .n = 0 }, l = { .n = 0 };
	struct stubs *s = NULL;
	const uint8_t *p;

	(void)state;
	assert_int_equal(stubs_new(&s), 0);
	CODE(&k, 0x90, 0xc3);
	CODE(&l, 0xc3);
	p = stub_get(s, &k);
	assert_non_null(p);
	assert_ptr_equal(stub_get(s, &k), p);
	assert_ptr_not_equal(stub_get(s, &l), p);
	assert_memory_equal(p, "\x90\xc3\xcc", 3);
	stubs_free(s);
	stubs_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_registers_turn_them_off),
		cmocka_unit_test(x87_exceptions_wait_for_the_next),
		cmocka_unit_test(sse_exceptions_need_osxmmexcpt),
		cmocka_unit_test(environments_have_the_modes_layout),
		cmocka_unit_test(an_image_from_outside_is_made_harmless),
		cmocka_unit_test(the_same_code_is_one_stub),
	};

	return cmocka_run_group_tests(tests, make_bed, remove_bed);
}
