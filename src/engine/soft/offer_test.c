/* SPDX-License-Identifier: BSD-2-Clause */
/* offer_test.c - what CPUID offers is what is implemented: every row of
 * insn.tab that it shows has a handler, every other is #UD, and every bit it
 * shows is one that somebody answers for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "engine/soft/bed.h"
#include "engine/soft/lower.h"
#include "vmm/vm.h"
#include "x86/cpuid.h"
#include "x86/feature.h"

struct encoding {
	uint16_t op;
	uint8_t map, opcode, nopcodes;
	uint8_t prefix; /* 0 any, 1 none of them, or the byte */
	uint8_t modrm;
	int8_t mode64, mod, reg, rm, w, b; /* -1: any */
};

#include "x86/insn_rows.inc"

static int
setup(void **state)
{
	static struct bed b;

	bed_init(&b);
	bed_long(&b);
	*state = &b;
	return 0;
}

static int
teardown(void **state)
{
	bed_fini(*state);
	return 0;
}

/* Undefined wherever it is known, or outside system management mode. */
static bool
is_undefined(uint16_t op)
{
	return op == X86_OP_UD0 || op == X86_OP_UD1 || op == X86_OP_UD2 ||
	       op == X86_OP_RSM || op == X86_OP_VMCALL || op == X86_OP_VMMCALL;
}

/* The plainest encoding of a row, its ModRM byte of register or memory form. */
static int
encode(const struct encoding *e, enum x86_mode mode, bool mem, uint8_t buf[15],
       struct x86_insn *in)
{
	int want = e->mod >= 0 ? e->mod : mem ? 0 : 3;
	unsigned n = 0;

	memset(buf, 0, 15);
	if (e->prefix > 1)
		buf[n++] = e->prefix;
	if (mode == X86_MODE_64 && (e->w == 1 || e->b == 1))
		buf[n++] =
		    (uint8_t)(0x40 | (e->w == 1 ? 8 : 0) | (e->b == 1 ? 1 : 0));
	if (e->map > 0)
		buf[n++] = 0x0f;
	if (e->map > 1)
		buf[n++] = e->map == 2 ? 0x38 : 0x3a;
	buf[n++] = e->opcode;
	if (e->modrm)
		buf[n++] =
		    (uint8_t)(want << 6 | (e->reg >= 0 ? e->reg : 1) << 3 |
		              (e->rm >= 0 ? e->rm : 1));
	return x86_decode(buf, 15, mode, in);
}

static bool
is_handled(struct bed *b, const struct x86_insn *in)
{
	struct uop u[2];
	struct lowering l = { .c = b->c, .in = in, .live = X86_FL_ARITH };

	return lower_insn(&l, u, 0) > 0 && u[0].fn != uop_ud;
}

static uint64_t
offered(struct bed *b)
{
	return x86_features(b->vm->vcpus[0].cpuid);
}

static void
set_mode(struct bed *b, enum x86_mode mode)
{
	struct error err;

	if (mode == X86_MODE_64)
		bed_long(b);
	else
		bed_flat(b);
	b->st.cr4 |= X86_CR4_OSFXSR;
	assert_int_equal(vm_vcpu_set(b->vm, 0, &b->st, &err), 0);
}

static void
every_row_that_is_offered_has_a_handler(void **state)
{
	static const enum x86_mode modes[] = { X86_MODE_32, X86_MODE_64 };
	struct bed *b = *state;
	uint64_t set = offered(b);
	unsigned seen = 0, missing = 0;
	struct x86_insn in;
	uint8_t buf[15];

	for (unsigned m = 0; m < ARRAY_LEN(modes); m++) {
		set_mode(b, modes[m]);
		for (unsigned i = 0; i < 2 * ARRAY_LEN(encodings); i++) {
			const struct encoding *e = &encodings[i / 2];

			if (encode(e, modes[m], i & 1, buf, &in) < 0 ||
			    !(set >> in.feature & 1) || is_undefined(in.op))
				continue;
			seen++;
			if (is_handled(b, &in))
				continue;
			missing++;
			print_message("%s (%02x %02x %02x %02x)\n",
			              x86_op_name(in.op), buf[0], buf[1],
			              buf[2], buf[3]);
		}
	}
	assert_true(seen > 1500);
	assert_int_equal(missing, 0);
}

static void
every_other_row_is_undefined(void **state)
{
	struct bed *b = *state;
	uint64_t set = offered(b);
	unsigned seen = 0, there = 0;
	struct x86_insn in;
	uint8_t buf[15];

	for (unsigned i = 0; i < 2 * ARRAY_LEN(encodings); i++) {
		if (encode(&encodings[i / 2], X86_MODE_64, i & 1, buf, &in) <
		        0 ||
		    (set >> in.feature & 1) || (in.attr & X86_A_ALT))
			continue;
		seen++;
		set_mode(b, X86_MODE_64);
		bed_write(b, BED_CODE, buf, sizeof(buf));
		if (bed_run(b) && bed_vector(b, NULL) == X86_UD)
			continue;
		there++;
		print_message("%s\n", x86_op_name(in.op));
	}
	assert_true(seen > 20);
	assert_int_equal(there, 0);
}

/* Bits that no instruction asks for, and who answers for them. */
static const struct {
	uint32_t leaf, sub;
	char reg;
	uint32_t bits;
} others[] = {
	/* de pse pae mce apic mtrr pge mca pat pse36 ss htt: control.c,
	 * walk.c, msr.c, lapic.c; caches are coherent */
	{ 1, 0, 'd',
	  1 << 2 | 1 << 3 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 12 | 1 << 13 |
	      1 << 14 | 1 << 16 | 1 << 17 | 1 << 27 | 1 << 28 },
	/* x2apic, TSC deadline: lapic.c; hypervisor */
	{ 1, 0, 'c', 1u << 21 | 1u << 24 | 1u << 31 },
	/* tsc_adjust: msr.c; smep: walk.c; erms: string.c; x87 pointers: fx.c
	 */
	{ 7, 0, 'b', 1 << 1 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 13 },
	/* fsrm; SPEC_CTRL, STIBP, ARCH_CAPABILITIES, SSBD: msr.c */
	{ 7, 0, 'd', 1u << 4 | 1u << 26 | 1u << 27 | 1u << 29 | 1u << 31 },
	{ 7, 2, 'd', 1u << 4 },     /* BHI_DIS_S: msr.c */
	{ 0x80000001u, 0, 'c', 1 }, /* LAHF in 64-bit mode */
	{ 0x80000001u, 0, 'd', 1 << 20 | 1 << 26 | 1 << 29 }, /* nx 1g lm */
	{ 0x80000007u, 0, 'd', 1 << 8 },                      /* TSC */
};

/* Does an instruction ask for this bit? */
static bool
is_feature(uint32_t leaf, uint32_t sub, char reg, uint32_t bit)
{
	struct cpuid_table t = { .n = 0 };
	struct cpuid_leaf l = { leaf, sub, 0, 0, 0, 0 };
	const struct cpuid_leaf basic = { 0, 0, 0x20, 0, 0, 0 };
	const struct cpuid_leaf extended = { 0x80000000u, 0, 0x80000008u,
		                             0,           0, 0 };
	uint64_t none;

	assert_int_equal(cpuid_set(&t, &basic), 0);
	assert_int_equal(cpuid_set(&t, &extended), 0);
	none = x86_features(&t);
	*(reg == 'b' ? &l.ebx : reg == 'c' ? &l.ecx : &l.edx) = bit;
	assert_int_equal(cpuid_set(&t, &l), 0);
	return x86_features(&t) != none;
}

static void
every_bit_is_somebodys(void **state)
{
	static const struct {
		uint32_t leaf, sub;
		const char *regs;
	} flags[] = { { 1, 0, "cd" },           { 7, 0, "bcd" },
		      { 7, 1, "bcd" },          { 7, 2, "d" },
		      { 0x80000001u, 0, "cd" }, { 0x80000007u, 0, "d" },
		      { 0x80000008u, 0, "b" } };
	struct bed *b = *state;

	for (unsigned i = 0; i < ARRAY_LEN(flags); i++)
		for (const char *r = flags[i].regs; *r != '\0'; r++) {
			struct cpuid_leaf l = cpuid_get(
			    b->vm->vcpus[0].cpuid, flags[i].leaf, flags[i].sub);
			uint32_t v = *r == 'b'   ? l.ebx
			             : *r == 'c' ? l.ecx
			                         : l.edx;

			for (unsigned k = 0; k < ARRAY_LEN(others); k++)
				if (others[k].leaf == flags[i].leaf &&
				    others[k].sub == flags[i].sub &&
				    others[k].reg == *r)
					v &= ~others[k].bits;
			for (; v != 0; v &= v - 1)
				if (!is_feature(flags[i].leaf, flags[i].sub, *r,
				                v & -v))
					fail_msg("leaf %x.%x %c: bit %d",
					         flags[i].leaf, flags[i].sub,
					         *r, __builtin_ctz(v));
		}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_row_that_is_offered_has_a_handler),
		T(every_other_row_is_undefined),
		T(every_bit_is_somebodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
