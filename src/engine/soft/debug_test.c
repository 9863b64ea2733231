/* SPDX-License-Identifier: BSD-2-Clause */
/* debug_test.c - single steps and the debug registers: what traps, before or
 * after its instruction, and what DR6 and the frame tell of it.
 */
#include <errno.h>

#include "base/base.h"
#include "engine/soft/bed_test.h"
#include "engine/soft/soft.h"

enum { PAGE = 0x200000 };

enum {
	DR7_L0 = 1,
	DR7_L1 = 4,
	DR7_W0 = 1 << 16,
	DR7_IO0 = 2 << 16,
	DR7_ANY0 = 3 << 16,
	DR7_LEN8_0 = 2 << 18,
	DR6_B0 = 1,
	DR6_B1 = 2
};

PROGRAM(step, ".code64\n pushf\n orl $0x100, (%rsp)\n popf\n nop\n"
              "step_1: nop\n nop" END);
PROGRAM(step_ss, ".code64\n mov %ss, %eax\n pushf\n orl $0x100, (%rsp)\n"
                 "popf\n mov %eax, %ss\n nop\n step_ss_1: nop\n nop" END);
extern const uint8_t step_1[], step_ss_1[];

static void
single_steps_trap_after_one_instruction(void **state)
{
	struct bed *b = *state;
	struct bed_log log;

	bed_long(b);
	LOAD(b, BED_CODE, step);
	assert_true(bed_run(b));
	expect(b, X86_DB, 0, BED_CODE + (uint64_t)(step_1 - step));
	assert_int_equal(b->st.dr6, 0xffff4ff0);
	(void)bed_vector(b, &log);
	assert_int_equal(log.rflags & X86_FL_TF, X86_FL_TF);
	bed_long(b);
	LOAD(b, BED_CODE, step_ss);
	assert_true(bed_run(b));
	expect(b, X86_DB, 0, BED_CODE + (uint64_t)(step_ss_1 - step_ss));
}

PROGRAM(break_at, ".code64\n"
                  "nop\n nop\n nop\n"
                  "mov $7, %eax\n out %eax, $0xe9" END);

static void
a_breakpoint_comes_before_its_instruction(void **state)
{
	struct bed *b = *state;
	struct bed_log log;

	bed_long(b);
	LOAD(b, BED_CODE, break_at);
	b->st.dr[1] = BED_CODE + 2;
	b->st.dr7 = 0x400 | DR7_L1;
	assert_true(bed_run(b));
	expect(b, X86_DB, 0, BED_CODE + 2);
	assert_int_equal(b->st.dr6 & 0xf, DR6_B1);
	bed_vector(b, &log);
	assert_true(log.rflags & X86_FL_RF);
	/* Gone on with RF it does not come again. */
	bed_long(b);
	LOAD(b, BED_CODE, break_at);
	b->st.dr[1] = BED_CODE + 2;
	b->st.dr7 = 0x400 | DR7_L1;
	b->st.rip = BED_CODE + 2;
	b->st.rflags |= X86_FL_RF;
	b->nout = 0;
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 7);
}

PROGRAM(watched, ".code64\n"
                 "mov 0x200008, %rax\n"
                 "mov %rax, 0x200000\n"
                 "mov %al, 0x20000f\n"
                 "1: nop\n nop" END);

static void
watched_data_traps_after_the_access(void **state)
{
	struct bed *b = *state;

	bed_long(b);
	LOAD(b, BED_CODE, watched);
	b->st.dr[0] = PAGE + 8;
	b->st.dr7 = 0x400 | DR7_L0 | DR7_W0 | DR7_LEN8_0;
	assert_true(bed_run(b));
	expect(b, X86_DB, 0,
	       (uint64_t)(BED_CODE + (watched_end - watched) - 5));
	assert_int_equal(b->st.dr6 & 0xf, DR6_B0);
	bed_long(b);
	LOAD(b, BED_CODE, watched);
	b->st.dr[0] = PAGE + 8;
	b->st.dr7 = 0x400 | DR7_L0 | DR7_ANY0;
	assert_true(bed_run(b));
	expect(b, X86_DB, 0, BED_CODE + 8);
}

PROGRAM(string_watched, ".code64\n"
                        "mov $0x200000, %edi\n mov $64, %ecx\n"
                        "mov $0xff, %al\n"
                        "rep stosb\n nop" END);

static void
a_repetition_stops_at_watched_data(void **state)
{
	struct bed *b = *state;
	struct engine_watch w = { .la = PAGE + 10, .len = 2, .write = true };

	bed_long(b);
	LOAD(b, BED_CODE, string_watched);
	b->st.dr[0] = PAGE + 5;
	b->st.dr7 = 0x400 | DR7_L0 | DR7_W0;
	assert_true(bed_run(b));
	expect(b, X86_DB, 0, BED_CODE + 12);
	assert_true(bed_get64(b, PAGE) == 0xffffffffffff);
	/* The debugger's come back to it. */
	bed_long(b);
	LOAD(b, BED_CODE, string_watched);
	assert_int_equal(engine_soft.watchpoint(b->vm, &w, true), 0);
	assert_false(bed_run(b));
	assert_int_equal(b->c->gpr[X86_RDI], PAGE + 11);
	assert_int_equal(b->c->vcpu->watched, 'w');
	assert_int_equal(engine_soft.watchpoint(b->vm, &w, false), 0);
	assert_int_equal(engine_soft.watchpoint(b->vm, &w, false), -ENOENT);
}

PROGRAM(port_string, ".code64\n"
                     "mov $0x200000, %esi\n mov $3, %ecx\n"
                     "mov $0xe9, %edx\n"
                     "rep outsb\n nop" END);

static void
a_watched_port_traps_after_each_access(void **state)
{
	struct bed *b = *state;

	bed_long(b);
	LOAD(b, BED_CODE, port_string);
	b->st.dr[0] = PORT_OUT;
	b->st.dr7 = 0x400 | DR7_L0 | DR7_IO0;
	b->st.cr4 |= X86_CR4_DE;
	assert_true(bed_run(b));
	expect(b, X86_DB, 0, BED_CODE + 15);
	assert_int_equal(b->st.dr6 & 0xf, DR6_B0);
	assert_int_equal(b->nout, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(single_steps_trap_after_one_instruction),
		BED_TEST(a_breakpoint_comes_before_its_instruction),
		BED_TEST(watched_data_traps_after_the_access),
		BED_TEST(a_repetition_stops_at_watched_data),
		BED_TEST(a_watched_port_traps_after_each_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
