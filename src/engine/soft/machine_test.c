/* SPDX-License-Identifier: BSD-2-Clause */
/* machine_test.c - what only a bare machine shows: modes, privilege, faults and
 * their frames, interrupts, code that changes itself.
 */
#include <string.h>

#include "base/base.h"
#include "engine/soft/bed_test.h"

enum { USER = 0x300000, USER_STACK = 0x310000, PAGE = 0x200000 };

static void
to_user(struct bed *b)
{
	b->st.seg[X86_CS] = (struct x86_segment){ .sel = SEL_USER64,
		                                  .limit = 0xffffffff,
		                                  .attr = 0xa0fb };
	b->st.seg[X86_SS] = (struct x86_segment){ .sel = SEL_USER_DATA,
		                                  .limit = 0xffffffff,
		                                  .attr = 0xc0f3 };
	b->st.rip = USER;
	b->st.gpr[X86_RSP] = USER_STACK;
}

/* Modes */

PROGRAM(modes, ".code16\n"
               "xor %ax, %ax\n mov %ax, %ds\n"
               "mov $0x1111, %eax\n out %eax, $0xe9\n"
               "lgdtl 0x7f00\n"
               "mov %cr0, %eax\n or $1, %al\n mov %eax, %cr0\n"
               "ljmpl $0x18, $(0x10000 + .Lpm - modes)\n"
               ".code32\n"
               ".Lpm: mov $0x10, %ax\n mov %ax, %ds\n mov %ax, %es\n"
               "mov %ax, %ss\n mov $0xf000, %esp\n"
               "push $0x2222\n pop %eax\n out %eax, $0xe9\n"
               "mov $0x20, %eax\n mov %eax, %cr4\n"
               "mov $0x1000, %eax\n mov %eax, %cr3\n"
               "mov $0xc0000080, %ecx\n rdmsr\n or $0x100, %eax\n wrmsr\n"
               "mov %cr0, %eax\n or $0x80000000, %eax\n mov %eax, %cr0\n"
               "ljmp $0x08, $(0x10000 + .Llm - modes)\n"
               ".code64\n"
               ".Llm: movabs $0x3333000000000000, %rax\n shr $48, %rax\n"
               "out %eax, $0xe9\n"
               /* to 32-bit code under the same tables, and back */
               "pushq $0x18\n lea .Lcompat(%rip), %rax\n push %rax\n lretq\n"
               ".code32\n"
               ".Lcompat: mov $0xffffffff, %eax\n inc %eax\n dec %eax\n"
               "out %eax, $0xe9\n"
               "ljmp $0x08, $(0x10000 + .Lend - modes)\n"
               ".code64\n .Lend:" END);

static void
real_protected_long_and_compatibility_mode(void **state)
{
	static const uint8_t gdtr[6] = { 0x5f, 0, 0, 0x80, 0, 0 };
	struct bed *b = *state;

	bed_real(b);
	LOAD(b, BED_CODE, modes);
	bed_write(b, 0x7f00, gdtr, sizeof(gdtr));
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 4);
	assert_int_equal(b->out[0], 0x1111);
	assert_int_equal(b->out[1], 0x2222);
	assert_int_equal(b->out[2], 0x3333);
	assert_int_equal(b->out[3], 0xffffffff);
	assert_int_equal(b->st.efer, X86_EFER_LME | X86_EFER_LMA);
}

PROGRAM(unreal, ".code16\n"
                "xor %ax, %ax\n mov %ax, %ds\n lgdtl 0x7f00\n"
                "mov %cr0, %eax\n or $1, %al\n mov %eax, %cr0\n"
                "mov $0x10, %bx\n mov %bx, %ds\n"
                "and $0xfe, %al\n mov %eax, %cr0\n"
                "xor %ax, %ax\n mov %ax, %ds\n"
                "mov $0x200000, %ebx\n"
                "mov (%ebx), %eax\n out %eax, $0xe9" END);

static void
unreal_mode_keeps_the_limit(void **state)
{
	static const uint8_t gdtr[6] = { 0x5f, 0, 0, 0x80, 0, 0 };
	struct bed *b = *state;

	bed_real(b);
	LOAD(b, BED_CODE, unreal);
	bed_write(b, 0x7f00, gdtr, sizeof(gdtr));
	bed_put64(b, PAGE, 0x4711);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 0x4711);
}

PROGRAM(realint, ".code16\n"
                 "xor %ax, %ax\n mov %ax, %ds\n"
                 "movw $(.Lisr - realint), 0x84\n movw $0x1000, 0x86\n"
                 "sti\n int $0x21\n pushf\n pop %ax\n out %eax, $0xe9" END
                 ".Lisr: pushf\n pop %ax\n out %eax, $0xe9\n iret");

static void
real_mode_interrupts_use_the_table(void **state)
{
	struct bed *b = *state;

	bed_real(b);
	LOAD(b, BED_CODE, realint);
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 2);
	assert_int_equal(b->out[0] & X86_FL_IF, 0);
	assert_int_equal(b->out[1] & X86_FL_IF, X86_FL_IF);
}

/* Privilege */

static void
ring_3_may_not_touch_the_machine(void **state)
{
	static const struct {
		const char *bytes;
		uint8_t len;
	} rows[] = {
		{ "\xf4", 1 },         /* hlt */
		{ "\xfa", 1 },         /* cli */
		{ "\xfb", 1 },         /* sti */
		{ "\x0f\x20\xc0", 3 }, /* mov %cr0, %rax */
		{ "\x0f\x22\xd8", 3 }, /* mov %rax, %cr3 */
		{ "\x0f\x21\xf8", 3 }, /* mov %dr7, %rax */
		{ "\x0f\x01\x10", 3 }, /* lgdt (%rax) */
		{ "\x0f\x01\x18", 3 }, /* lidt (%rax) */
		{ "\x0f\x00\xd0", 3 }, /* lldt %ax */
		{ "\x0f\x00\xd8", 3 }, /* ltr %ax */
		{ "\x0f\x01\xf0", 3 }, /* lmsw %ax */
		{ "\x0f\x06", 2 },     /* clts */
		{ "\x0f\x30", 2 },     /* wrmsr */
		{ "\x0f\x32", 2 },     /* rdmsr */
		{ "\x0f\x33", 2 },     /* rdpmc */
		{ "\x0f\x01\x38", 3 }, /* invlpg (%rax) */
		{ "\x0f\x09", 2 },     /* wbinvd */
		{ "\x0f\x01\xf8", 3 }, /* swapgs */
		{ "\x0f\x07", 2 },     /* sysret */
		{ "\x0f\x35", 2 },     /* sysexit */
		{ "\xe4\x80", 2 },     /* in $0x80, %al */
		{ "\xee", 1 },         /* out %al, %dx */
		{ "\x6e", 1 },         /* outsb */
		{ "\x8e\xd8", 2 },     /* mov %ax, %ds: ring 0's */
		{ "\x8e\xd0", 2 },     /* mov %ax, %ss */
	};
	struct bed *b = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		bed_long(b);
		/* A code segment cannot be loaded as data by ring 3 here. */
		bed_put64(b, BED_GDT + 0x48, 0x00cf93000000ffff);
		bed_write(b, USER, rows[i].bytes, rows[i].len);
		to_user(b);
		b->st.gpr[X86_RAX] = i >= ARRAY_LEN(rows) - 2 ? 0x48 : 0;
		b->st.gpr[X86_RSI] = PAGE;
		assert_true(bed_run(b));
		expect(b, X86_GP, i >= ARRAY_LEN(rows) - 2 ? 0x48 : 0, USER);
	}
}

PROGRAM(syscalls, ".code64\n"
                  "syscall\n mov %r15d, %eax\n out %eax, $0xe9" END);
PROGRAM(sysentry, ".code64\n"
                  "mov %ecx, %eax\n out %eax, $0xe9\n"
                  "mov %r11d, %eax\n out %eax, $0xe9\n"
                  "pushf\n pop %rax\n out %eax, $0xe9\n"
                  "mov %cs, %eax\n out %eax, $0xe9\n"
                  "mov %ss, %eax\n out %eax, $0xe9\n"
                  "mov $0x77, %r15d\n sysretq");

static void
syscall_and_sysret(void **state)
{
	const uint32_t flags = X86_FL_ONE | X86_FL_IOPL | X86_FL_DF | X86_FL_CF;
	struct bed *b = *state;

	bed_long(b);
	LOAD(b, USER, syscalls);
	LOAD(b, BED_CODE, sysentry);
	to_user(b);
	b->st.rflags = flags;
	b->st.star = (uint64_t)0x23 << 48 | (uint64_t)SEL_CODE64 << 32;
	b->st.lstar = BED_CODE;
	b->st.fmask = X86_FL_DF;
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 6);
	assert_int_equal(b->out[0], USER + 2);
	assert_int_equal(b->out[1], flags);
	assert_int_equal(b->out[2] & ~(uint64_t)X86_FL_ARITH,
	                 flags & ~(X86_FL_DF | X86_FL_CF));
	assert_int_equal(b->out[3], SEL_CODE64);
	assert_int_equal(b->out[4], SEL_DATA);
	assert_int_equal(b->out[5], 0x77);
	assert_int_equal(b->st.seg[X86_CS].sel, SEL_USER64);
	assert_int_equal(b->st.seg[X86_SS].sel, 0x2b);
	assert_int_equal(b->st.rflags & X86_FL_DF, X86_FL_DF);
}

PROGRAM(doiret, ".code64\n iretq");

static void
iret_checks_where_it_goes(void **state)
{
	static const struct {
		uint64_t rip, cs, flags, rsp, ss;
		int vector; /* that comes, 3: the INT3 there runs */
		uint64_t error;
		uint64_t nt;
	} rows[] = {
		{ USER, SEL_USER64, 2, USER_STACK, SEL_USER_DATA, 3, 0, 0 },
		{ USER, SEL_USER32, 2, USER_STACK, SEL_USER_DATA, 3, 0, 0 },
		{ USER, SEL_CODE64, 2, USER_STACK, SEL_DATA, 3, 0, 0 },
		{ USER, SEL_CODE64, 2, USER_STACK, 0, 3, 0, 0 },
		{ USER, SEL_USER64, 2, USER_STACK, 0, 13, 0, 0 },
		{ USER, SEL_USER64, 2, USER_STACK, 3, 13, 0, 0 },
		{ USER, 0, 2, USER_STACK, SEL_DATA, 13, 0, 0 },
		{ USER, SEL_DATA, 2, USER_STACK, SEL_DATA, 13, 0x10, 0 },
		{ USER, SEL_CODE64 | 3, 2, USER_STACK, SEL_USER_DATA, 13, 8,
		  0 },
		{ USER, SEL_USER64, 2, USER_STACK, SEL_DATA, 13, 0x10, 0 },
		{ USER, 0x400, 2, USER_STACK, SEL_DATA, 13, 0x400, 0 },
		{ 1ull << 47, SEL_USER64, 2, USER_STACK, SEL_USER_DATA, 13, 0,
		  0 },
		{ USER, SEL_USER64, 2, USER_STACK, SEL_USER_DATA, 13, 0,
		  X86_FL_NT },
	};
	static const uint8_t int3 = 0xcc;
	struct bed *b = *state;
	struct bed_log log;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		bed_long(b);
		/* INT3 for every ring. */
		bed_put64(b, BED_IDT + 3 * 16,
		          bed_get64(b, BED_IDT + 3 * 16) | 3ull << 45);
		LOAD(b, BED_CODE, doiret);
		bed_write(b, USER, &int3, 1);
		b->st.gpr[X86_RSP] = BED_STACK - 40;
		b->st.rflags |= rows[i].nt;
		bed_write(b, BED_STACK - 40, &rows[i].rip, 40);
		assert_true(bed_run(b));
		assert_int_equal(bed_vector(b, &log), rows[i].vector);
		assert_int_equal(log.error, rows[i].error);
		if (rows[i].vector != 3) {
			assert_int_equal(log.rip, BED_CODE);
			continue;
		}
		assert_int_equal(log.rip, USER + 1);
		assert_int_equal(log.cs, rows[i].cs);
		assert_int_equal(log.rsp, USER_STACK);
		assert_int_equal(log.ss, rows[i].ss);
	}
}

PROGRAM(bitmap, ".code64\n in $0x80, %al\n in $0x81, %al\n");

static void
the_bitmap_opens_ports_to_ring_3(void **state)
{
	struct bed *b = *state;
	uint8_t map[0x22];

	bed_long(b);
	memset(map, 0xff, sizeof(map));
	map[0x80 / 8] = 0xfe; /* port 0x80 alone */
	bed_write(b, BED_TSS + 0x68, map, sizeof(map));
	bed_put64(b, BED_TSS + 0x60, 0x68ull << 48);
	b->st.seg[X86_TR].limit = 0x68 + sizeof(map) - 1;
	LOAD(b, USER, bitmap);
	to_user(b);
	assert_true(bed_run(b));
	expect(b, X86_GP, 0, USER + 2);
}

/* Faults */

static void
faults_push_what_the_manual_says(void **state)
{
	static const struct {
		const char *bytes;
		uint8_t len, vector, back; /* back: rip pushed - start */
		uint64_t error;
	} rows[] = {
		{ "\xf7\xf1", 2, X86_DE, 0, 0 },          /* div %ecx */
		{ "\xcc", 1, X86_BP, 1, 0 },              /* int3 */
		{ "\xcd\x80", 2, 0x80, 2, 0 },            /* int */
		{ "\x0f\x0b", 2, X86_UD, 0, 0 },          /* ud2 */
		{ "\xf0\x90", 2, X86_UD, 0, 0 },          /* lock nop */
		{ "\x0f\x05", 2, X86_UD, 0, 0 },          /* syscall, off */
		{ "\x8e\xd8", 2, X86_GP, 0, 0x7ff8 },     /* mov %ax, %ds */
		{ "\x0f\x00\xd8", 3, X86_GP, 0, 0x7ff8 }, /* ltr %ax */
		{ "\xf1", 1, X86_DB, 1, 0 },              /* int1 */
		{ "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66"
		  "\x66\x90",
		  16, X86_GP, 0, 0 }, /* too long */
		{ "\x48\x8b\x04\x25\x00\x00\x80\x00", 8, X86_PF, 0, 0 },
	};
	struct bed *b = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct bed_log log;

		bed_long(b);
		b->st.efer &= ~(uint64_t)X86_EFER_SCE;
		bed_put64(b, BED_PD + 4 * 8, 0);
		bed_write(b, BED_CODE, rows[i].bytes, rows[i].len);
		b->st.gpr[X86_RAX] = 0x7ff8;
		assert_true(bed_run(b));
		expect(b, rows[i].vector, rows[i].error,
		       BED_CODE + rows[i].back);
		(void)bed_vector(b, &log);
		assert_int_equal(log.rsp, BED_STACK);
		assert_int_equal(log.ss, SEL_DATA);
		/* Faults set RF in what they push, traps do not. */
		assert_int_equal(!!(log.rflags & X86_FL_RF), rows[i].back == 0);
	}
}

static void
faults_of_deliveries_escalate(void **state)
{
	static const uint8_t ud2[] = { 0x0f, 0x0b };
	static const uint8_t far_load[] = { 0x48, 0x8b, 0x04, 0x25,
		                            0,    0,    0x80, 0 };
	struct bed *b = *state;

	/* A benign one whose gate is missing: that fault, EXT set. */
	bed_long(b);
	bed_write(b, BED_CODE, ud2, 2);
	bed_put64(b, BED_IDT + X86_UD * 16, 0);
	assert_true(bed_run(b));
	expect(b, X86_GP, X86_UD * 8 + 3, BED_CODE);
	/* A page fault whose gate is missing: double fault. */
	bed_long(b);
	bed_write(b, BED_CODE, far_load, sizeof(far_load));
	bed_put64(b, BED_PD + 4 * 8, 0);
	bed_put64(b, BED_IDT + X86_PF * 16, 0);
	assert_true(bed_run(b));
	expect(b, X86_DF, 0, BED_CODE);
	assert_int_equal(b->st.cr2, 0x800000);
	/* And the double fault's, too: shutdown. */
	bed_long(b);
	bed_put64(b, BED_PD + 4 * 8, 0);
	bed_put64(b, BED_IDT + X86_PF * 16, 0);
	bed_put64(b, BED_IDT + X86_DF * 16, 0);
	assert_false(bed_run(b));
}

static void
stacks_come_from_tss_and_ist(void **state)
{
	static const uint8_t ud2[] = { 0x0f, 0x0b };
	struct bed *b = *state;
	uint64_t gate;

	bed_long(b);
	bed_write(b, USER, ud2, 2);
	to_user(b);
	assert_true(bed_run(b));
	/* The frame's SS is the last thing below RSP0. */
	assert_int_equal(bed_get64(b, BED_STACK - 0x800 - 8), SEL_USER_DATA);
	bed_long(b);
	gate = bed_get64(b, BED_IDT + X86_UD * 16);
	bed_put64(b, BED_IDT + X86_UD * 16, gate | 1ull << 32);
	bed_write(b, BED_CODE, ud2, 2);
	b->st.gpr[X86_RSP] = 0x1234567890; /* nowhere */
	assert_true(bed_run(b));
	assert_int_equal(bed_get64(b, BED_STACK - 0x400 - 8), SEL_DATA);
	assert_int_equal(bed_get64(b, BED_STACK - 0x400 - 16), 0x1234567890);
}

PROGRAM(limits, ".code32\n"
                "mov %bx, %ds\n mov (%esi), %al\n mov $7, %al\n"
                "out %al, $0xe9" END);

static void
segments_have_limits_and_types(void **state)
{
	static const struct {
		uint64_t desc; /* at selector 48h */
		uint32_t off;
		int vector;
		uint64_t error;
	} rows[] = {
		{ 0x0040930000000fff, 0xfff, -1, 0 },
		{ 0x0040930000000fff, 0x1000, X86_GP, 0 },
		{ 0x00c0930000000fff, 0xffffff, -1, 0 },
		{ 0x00c0930000000fff, 0x1000000, X86_GP, 0 },
		{ 0x0040970000000fff, 0xfff, X86_GP, 0 }, /* expands down */
		{ 0x0040970000000fff, 0x1000, -1, 0 },
		{ 0x0000970000000fff, 0xffff, -1, 0 },
		{ 0x0000970000000fff, 0x10000, X86_GP, 0 },
		{ 0x0040130000000fff, 0, X86_NP, 0x48 },
		{ 0x0040990000000fff, 0, X86_GP, 0x48 }, /* execute only */
		{ 0x00409b0000000fff, 0, -1, 0 },        /* readable code */
		{ 0x0040820000000fff, 0, X86_GP, 0x48 }, /* an LDT */
	};
	struct bed *b = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		bed_flat(b);
		LOAD(b, BED_CODE, limits);
		bed_put64(b, BED_GDT + 0x48, rows[i].desc);
		b->st.gpr[X86_RBX] = 0x48;
		b->st.gpr[X86_RSI] = rows[i].off;
		assert_true(bed_run(b));
		if (rows[i].vector >= 0) {
			/* The stubs' DS is the caller's: they log by ES. */
			assert_int_equal(bed_vector(b, NULL), rows[i].vector);
			continue;
		}
		assert_int_equal(b->out[0], 7);
	}
}

/* Interrupts */

/* x2APIC on, vector 40h to itself; then what the test puts after it. */
#define SELF_IPI                                                               \
	".code64\n"                                                            \
	"mov $0x1b, %ecx\n rdmsr\n or $0xc00, %eax\n wrmsr\n"                  \
	"mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n wrmsr\n"       \
	"mov $0x83f, %ecx\n mov $0x40, %eax\n wrmsr\n"

PROGRAM(with_sti, SELF_IPI "sti\n .globl with_sti_1\n nop\n with_sti_1:\n"
                           "nop\n nop" END);
PROGRAM(with_popf, SELF_IPI "pushf\n orl $0x200, (%rsp)\n popf\n"
                            ".globl with_popf_1\n with_popf_1: nop\n nop" END);
PROGRAM(with_ss, SELF_IPI "mov %ss, %eax\n sti\n mov %eax, %ss\n nop\n"
                          ".globl with_ss_1\n with_ss_1: nop\n nop" END);
PROGRAM(with_cr8, SELF_IPI "mov $4, %eax\n mov %rax, %cr8\n sti\n nop\n nop\n"
                           "xor %eax, %eax\n mov %rax, %cr8\n"
                           ".globl with_cr8_1\n with_cr8_1: nop" END);
extern const uint8_t with_sti_1[], with_popf_1[], with_ss_1[], with_cr8_1[];

static void
interrupts_come_when_they_may(void **state)
{
	static const struct {
		const uint8_t *from, *to, *at;
	} rows[] = {
		{ with_sti, with_sti_end, with_sti_1 },
		{ with_popf, with_popf_end, with_popf_1 },
		{ with_ss, with_ss_end, with_ss_1 },
		{ with_cr8, with_cr8_end, with_cr8_1 },
	};
	struct bed *b = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		bed_long(b);
		bed_write(b, BED_CODE, rows[i].from,
		          (size_t)(rows[i].to - rows[i].from));
		assert_true(bed_run(b));
		expect(b, 0x40, 0,
		       BED_CODE + (uint64_t)(rows[i].at - rows[i].from));
	}
}

/* Code that changes */

PROGRAM(smc_next, ".code64\n"
                  "movb $0x22, smc_next_1 + 1(%rip)\n"
                  "smc_next_1: mov $0x11, %al\n out %al, $0xe9" END);
PROGRAM(smc_loop, ".code64\n"
                  "mov $3, %ecx\n"
                  "1: call 2f\n out %al, $0xe9\n incb 2f + 1(%rip)\n"
                  "dec %ecx\n jnz 1b\n" END "2: mov $0x10, %al\n ret");
PROGRAM(smc_rep,
        ".code64\n"
        "lea 3f(%rip), %rsi\n lea 2f(%rip), %rdi\n mov $2, %ecx\n"
        "rep movsb\n 2: mov $1, %al\n out %al, $0xe9" END "3: mov $9, %al");
PROGRAM(smc_lock, ".code64\n"
                  "lock incb 2f + 1(%rip)\n 2: mov $1, %al\n"
                  "out %al, $0xe9" END);
PROGRAM(smc_push, ".code64\n"
                  "mov $0x9090909090909090, %rax\n lea 3f(%rip), %rsp\n"
                  "push %rax\n 2: ud2\n ud2\n ud2\n ud2\n 3:\n"
                  "mov $5, %al\n out %al, $0xe9" END);

static void
code_may_change_itself(void **state)
{
	static const struct {
		const uint8_t *from, *to;
		unsigned n;
		uint64_t out[3];
	} rows[] = {
		{ smc_next, smc_next_end, 1, { 0x22 } },
		{ smc_loop, smc_loop_end, 3, { 0x10, 0x11, 0x12 } },
		{ smc_rep, smc_rep_end, 1, { 9 } },
		{ smc_lock, smc_lock_end, 1, { 2 } },
		{ smc_push, smc_push_end, 1, { 5 } },
	};
	struct bed *b = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		/* On one page, and with each byte as the page's first. */
		for (uint64_t at = 0; at < 64; at++) {
			uint64_t gpa = BED_CODE + 0x1000 - at;

			bed_long(b);
			bed_write(b, gpa, rows[i].from,
			          (size_t)(rows[i].to - rows[i].from));
			b->st.rip = gpa;
			assert_true(bed_run(b));
			assert_int_equal(b->nout, rows[i].n);
			assert_memory_equal(b->out, rows[i].out, rows[i].n * 8);
		}
}

/* The page that follows is changed by its PTE, then by another alias. */
PROGRAM(crossing, ".code64\n"
                  "call *%rbx\n out %al, $0xe9\n"
                  "movb $0x34, (%rcx)\n call *%rbx\n out %al, $0xe9\n"
                  "mov %rdx, (%rsi)\n invlpg (%rdi)\n"
                  "call *%rbx\n out %al, $0xe9" END);

static void
instructions_on_two_pages_follow_both(void **state)
{
	/* mov $0x12, %al in two halves; ret */
	static const uint8_t first = 0xb0, second[] = { 0x12, 0xc3 };
	static const uint8_t other[] = { 0x56, 0xc3 };
	struct bed *b = *state;

	bed_long(b);
	LOAD(b, BED_CODE, crossing);
	bed_write(b, PAGE + 0xfff, &first, 1);
	bed_write(b, 0x280000, second, 2);
	bed_write(b, 0x281000, other, 2);
	bed_put64(b, bed_pte(PAGE + 0x1000), 0x280000 | 7);
	b->st.gpr[X86_RBX] = PAGE + 0xfff;
	b->st.gpr[X86_RCX] = 0x280000; /* another address of that byte */
	b->st.gpr[X86_RDX] = 0x281000 | 7;
	b->st.gpr[X86_RSI] = bed_pte(PAGE + 0x1000);
	b->st.gpr[X86_RDI] = PAGE + 0x1000;
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 3);
	assert_int_equal(b->out[0], 0x12);
	assert_int_equal(b->out[1], 0x34);
	assert_int_equal(b->out[2], 0x56);
}

static void
dma_into_code_is_seen(void **state)
{
	static const uint8_t one[] = { 0xb0, 0x01, 0xe6, 0xe9, 0xe6, 0xf4 };
	static const uint8_t two[] = { 0xb0, 0x02 };
	struct bed *b = *state;

	bed_long(b);
	bed_write(b, BED_CODE, one, sizeof(one));
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 1);
	bed_write(b, BED_CODE, two, sizeof(two)); /* as a device does */
	b->st.rip = BED_CODE;
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 2);
}

PROGRAM(copy, ".code64\n rep movsb" END);

static void
rep_stops_where_it_faults(void **state)
{
	struct bed *b = *state;
	uint8_t bytes[64];
	struct bed_log log;

	bed_long(b);
	LOAD(b, BED_CODE, copy);
	memset(bytes, 0x5a, sizeof(bytes));
	bed_write(b, PAGE, bytes, sizeof(bytes));
	bed_put64(b, bed_pte(0x281000), 0);
	b->st.gpr[X86_RSI] = PAGE;
	b->st.gpr[X86_RDI] = 0x280ff8;
	b->st.gpr[X86_RCX] = 64;
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_PF);
	assert_int_equal(log.cr2, 0x281000);
	assert_int_equal(log.error, X86_PF_W);
	assert_int_equal(log.rip, BED_CODE);
	assert_int_equal(bed_get64(b, 0x280ff8), 0x5a5a5a5a5a5a5a5a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(real_protected_long_and_compatibility_mode),
		BED_TEST(unreal_mode_keeps_the_limit),
		BED_TEST(real_mode_interrupts_use_the_table),
		BED_TEST(ring_3_may_not_touch_the_machine),
		BED_TEST(syscall_and_sysret),
		BED_TEST(iret_checks_where_it_goes),
		BED_TEST(the_bitmap_opens_ports_to_ring_3),
		BED_TEST(faults_push_what_the_manual_says),
		BED_TEST(faults_of_deliveries_escalate),
		BED_TEST(stacks_come_from_tss_and_ist),
		BED_TEST(segments_have_limits_and_types),
		BED_TEST(interrupts_come_when_they_may),
		BED_TEST(code_may_change_itself),
		BED_TEST(instructions_on_two_pages_follow_both),
		BED_TEST(dma_into_code_is_seen),
		BED_TEST(rep_stops_where_it_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
