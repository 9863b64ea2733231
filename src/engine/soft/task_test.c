/* SPDX-License-Identifier: BSD-2-Clause */
/* task_test.c - virtual-8086 mode and hardware task switches. */
#include <string.h>

#include "base/base.h"
#include "engine/soft/bed_test.h"

enum {
	V86 = 0x20000, /* its code: CS 2000h */
	V86_DATA = 0x30000,
	SEL_TSS2 = 0x60,
	TSS2 = 0x14000,
	STACK2 = 0x13000,
	GDT2 = 0x15000,
	SEL_ABSENT = 0x300,
	GATE_INT = 0x8e,
	GATE_INT3 = 0xee, /* for CPL 3 */
	GATE_TASK = 0x85,
	NT = 1 << 14
};

static int
make_flat(void **state)
{
	make_bed(state);
	bed_flat(*state);
	return 0;
}

static void
set_gate(struct bed *b, unsigned vector, uint64_t to, uint64_t type)
{
	bed_put64(b, BED_IDT + vector * 8ull,
	          (to & 0xffff) | SEL_CODE32 << 16 | type << 40 |
	              (to >> 16) << 48);
}

/* Into virtual-8086 mode with EBX as flags; what comes back tells its frame. */
PROGRAM(monitor, ".code32\n"
                 "push $0x1004\n push $0x1003\n push $0x3000\n push $0x1001\n"
                 "push $0x2800\n push $0x100\n push %ebx\n push $0x2000\n"
                 "push $0\n iret\n"
                 ".org monitor + 64\n"
                 "mov %ds, %ecx\n mov $0x10, %eax\n mov %eax, %ds\n"
                 "mov %ecx, %eax\n out %eax, $0xe9\n"
                 "mov $10, %ecx\n"
                 "1: pop %eax\n out %eax, $0xe9\n loop 1b" END);
enum { HANDLER = BED_CODE + 64, VM = 1 << 17, IOPL3 = 3 << 12 };

PROGRAM(v86_cli, ".code16\n"
                 "mov %ds, %ax\n mov %ax, %es\n movw $0x1234, 0x10\n"
                 "push %cs\n pop %fs\n pushl $7\n pop %eax\n cli");

static void
sensitive_instructions_leave_for_the_monitor(void **state)
{
	static const uint64_t want[] = { 0,      0,      17,     0x2000,
		                         VM | 2, 0x100,  0x2800, 0x3000,
		                         0x3000, 0x2000, 0x1004 };
	struct bed *b = *state;

	LOAD(b, BED_CODE, monitor);
	LOAD(b, V86, v86_cli);
	set_gate(b, X86_GP, HANDLER, GATE_INT);
	b->st.gpr[X86_RBX] = VM | 2;
	/* FS is pushed as a selector by PUSH CS, so SS:SP is 2800:100. */
	assert_true(bed_run(b));
	assert_int_equal(b->nout, ARRAY_LEN(want));
	for (unsigned i = 0; i < ARRAY_LEN(want); i++)
		if (i != 2 && i != 4)
			assert_int_equal(b->out[i], want[i]);
	assert_int_equal(b->out[2], v86_cli_end - v86_cli - 1);
	assert_int_equal(b->out[4] & VM, VM);
	assert_int_equal(bed_get64(b, V86_DATA + 0x10) & 0xffff, 0x1234);
}

PROGRAM(v86_int, ".code16\n"
                 "sti\n pushf\n pop %ax\n cli\n int $0x40");

static void
with_iopl_3_interrupts_go_through_the_idt(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, monitor);
	LOAD(b, V86, v86_int);
	set_gate(b, 0x40, HANDLER, GATE_INT3);
	b->st.gpr[X86_RBX] = VM | IOPL3 | 2;
	assert_true(bed_run(b));
	assert_int_equal(b->out[1], v86_int_end - v86_int);
	assert_int_equal(b->out[2], 0x2000);
	assert_int_equal(b->out[3] & (VM | IOPL3 | X86_FL_IF), VM | IOPL3);
	/* A gate of ring 0 is not for it. */
	bed_flat(b);
	LOAD(b, BED_CODE, monitor);
	set_gate(b, 0x40, HANDLER, GATE_INT);
	set_gate(b, X86_GP, HANDLER, GATE_INT);
	b->st.gpr[X86_RBX] = VM | IOPL3 | 2;
	assert_true(bed_run(b));
	assert_int_equal(b->out[1], 0x40 * 8 + 2);
}

/* Task switches */

static void
lay_task(struct bed *b, uint32_t eip)
{
	uint32_t tss[26] = { 0 };

	tss[8] = eip;
	tss[9] = 2;
	tss[11] = 0x77; /* ECX */
	tss[14] = STACK2;
	for (unsigned i = 18; i < 24; i++)
		tss[i] = SEL_DATA;
	tss[19] = SEL_CODE32;
	bed_write(b, TSS2, tss, sizeof(tss));
	bed_put64(b, BED_GDT + SEL_TSS2, 0x0000890140000067);
	b->st.gdtr.limit = SEL_TSS2 + 7;
}

PROGRAM(tasks, ".code32\n"
               "mov $5, %ecx\n lcall $0x60, $0\n"
               "mov %ecx, %eax\n out %eax, $0xe9\n"
               "str %eax\n out %eax, $0xe9\n"
               "lcall $0x60, $0\n"
               "mov %ecx, %eax\n out %eax, $0xe9" END ".org tasks + 64\n"
               "mov %ecx, %eax\n out %eax, $0xe9\n"
               "pushf\n pop %eax\n out %eax, $0xe9\n"
               "mov $0x78, %ecx\n iret\n"
               "mov %ecx, %eax\n out %eax, $0xe9\n iret\n");

static void
a_call_to_a_task_returns_by_iret(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, tasks);
	lay_task(b, BED_CODE + 64);
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 6);
	assert_int_equal(b->out[0], 0x77);
	assert_int_equal(b->out[1] & NT, NT);
	assert_int_equal(b->out[2], 5);
	assert_int_equal(b->out[3], SEL_TSS);
	assert_int_equal(b->out[4], 0x78); /* it goes on where it left */
	assert_int_equal(b->out[5], 5);
	assert_true(b->st.cr0 & X86_CR0_TS);
	/* Busy no longer. */
	assert_true(bed_get64(b, BED_GDT + SEL_TSS2) == 0x0000890140000067);
}

PROGRAM(fault_task, ".code32\n mov $0x70, %eax\n mov %eax, %es\n nop" END
                    ".org fault_task + 64\n"
                    "pop %eax\n out %eax, $0xe9\n str %eax\n"
                    "out %eax, $0xe9" END);

static void
an_exception_may_have_a_task(void **state)
{
	struct bed *b = *state;
	uint32_t eip;

	LOAD(b, BED_CODE, fault_task);
	lay_task(b, BED_CODE + 64);
	bed_put64(b, BED_IDT + X86_GP * 8ull,
	          (uint64_t)GATE_TASK << 40 | SEL_TSS2 << 16);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 0x70);
	assert_int_equal(b->out[1], SEL_TSS2);
	/* The old task's state is in its TSS. */
	eip = (uint32_t)bed_get64(b, BED_TSS + 0x20);
	assert_int_equal(eip, BED_CODE + 5);
}

static void
what_is_wrong_in_a_task_is_its_own_fault(void **state)
{
	struct bed *b = *state;
	struct bed_log log;
	uint32_t bad = SEL_TSS;

	LOAD(b, BED_CODE, tasks);
	lay_task(b, BED_CODE + 64);
	bed_write(b, TSS2 + 0x54, &bad, 4); /* DS */
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_TS);
	assert_int_equal(log.error, SEL_TSS);
	assert_int_equal(log.rip, BED_CODE + 64);
	/* A TSS that is too short is the caller's. */
	bed_flat(b);
	lay_task(b, BED_CODE + 64);
	bed_put64(b, BED_GDT + SEL_TSS2, 0x0000890140000066);
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_TS);
	assert_int_equal(log.rip, BED_CODE + 5);
}

/* A TSS whose EAX and ECX are its own descriptor: saving it makes it available
 * again. Its DS is bad. */
static void
lay_bad_task(struct bed *b, uint16_t sel, uint16_t ds, unsigned vector)
{
	uint32_t at = GDT2 + sel - 0x28, code = SEL_CODE32, data = SEL_DATA;
	uint32_t bad = ds;

	bed_put64(b, GDT2 + sel,
	          0x67 | (uint64_t)at << 16 | (uint64_t)0x89 << 40);
	bed_write(b, at + 0x4c, &code, 4);
	bed_write(b, at + 0x50, &data, 4);
	bed_write(b, at + 0x54, &bad, 4);
	bed_put64(b, BED_IDT + vector * 8ull,
	          (uint64_t)GATE_TASK << 40 | (uint64_t)sel << 16);
}

/* A task's CR3 with reserved bits in what it points to is like MOV's: #GP, but
 * of the new task, in the old one's address space. */
static void
a_bad_cr3_is_the_tasks_fault(void **state)
{
	enum { PDPTES = 0x22000, BAD_PDPTES = 0x22020, DIRECTORY = 0x23000 };
	struct bed *b = *state;
	struct bed_log log;
	uint32_t cr3 = BAD_PDPTES;

	LOAD(b, BED_CODE, tasks);
	lay_task(b, BED_CODE + 64);
	bed_write(b, TSS2 + 0x1c, &cr3, 4);
	bed_put64(b, PDPTES, DIRECTORY | 1);
	bed_put64(b, BAD_PDPTES, DIRECTORY | 7);
	bed_put64(b, DIRECTORY, 0x83);
	b->st.cr3 = PDPTES;
	b->st.pdpte[0] = DIRECTORY | 1;
	b->st.cr4 |= X86_CR4_PAE;
	b->st.cr0 |= X86_CR0_PG;
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_GP);
	assert_int_equal(log.error, 0);
	assert_int_equal(log.rip, BED_CODE + 64);
	assert_int_equal(b->st.cr3, PDPTES);
}

/* No switch, no image: RF, which the fault's own would have, does not get into
 * the double fault's. */
static void
flags_stay_where_no_task_begins(void **state)
{
	struct bed *b = *state;
	struct bed_log log;

	LOAD(b, BED_CODE, fault_task);
	for (unsigned v = X86_TS; v <= X86_GP; v++)
		bed_put64(b, BED_IDT + v * 8ull,
		          (uint64_t)GATE_TASK << 40 | SEL_DATA << 16);
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_DF);
	assert_int_equal(log.rflags & X86_FL_RF, 0);
}

/* The end of the table is where addresses are used up, and begin anew. */
PROGRAM(wrapped, ".code32\n"
                 "mov $0x108, %eax\n mov %eax, %es\n"
                 "mov %es:0x10000, %eax\n out %eax, $0xe9" END);

static void
tables_end_at_4_gib(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, wrapped);
	bed_put64(b, 8, 0x00cf92000000ffff);
	b->st.gdtr = (struct x86_table){ 0xffffff00, 0xfff };
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 1);
	assert_int_equal(b->out[0], bed_get64(b, BED_CODE) & 0xffffffff);
	assert_true(bed_get64(b, 8) == 0x00cf93000000ffff); /* accessed */
}

PROGRAM(begin_task, ".code32\n int $10" END);

static void
tasks_that_fault_for_ever_end(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, begin_task);
	for (unsigned sel = 0; sel < SEL_TSS2; sel += 8)
		bed_put64(b, GDT2 + sel, bed_get64(b, BED_GDT + sel));
	b->st.gdtr = (struct x86_table){ GDT2, 0xfff };
	bed_put64(b, GDT2 + SEL_ABSENT, (uint64_t)0x12 << 40);
	lay_bad_task(b, 0x100, SEL_ABSENT, X86_TS);
	lay_bad_task(b, 0x200, SEL_TSS, X86_NP);
	assert_false(bed_run(b));
}

int
main(void)
{
#define T(t) BED_TEST_ON(t, make_flat)
	const struct CMUnitTest tests[] = {
		T(sensitive_instructions_leave_for_the_monitor),
		T(with_iopl_3_interrupts_go_through_the_idt),
		T(a_call_to_a_task_returns_by_iret),
		T(an_exception_may_have_a_task),
		T(what_is_wrong_in_a_task_is_its_own_fault),
		T(a_bad_cr3_is_the_tasks_fault),
		T(flags_stay_where_no_task_begins),
		T(tables_end_at_4_gib),
		T(tasks_that_fault_for_ever_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
