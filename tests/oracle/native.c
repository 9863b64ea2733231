/* SPDX-License-Identifier: BSD-2-Clause */
/* native.c - the case on the host's processor, in this very process.
 *
 * A stub loads all registers from the harness page, jumps into the code, which
 * jumps back through a pointer of that page to a stub that stores them. Faults
 * come as signals on a stack of their own; the handler notes the state and
 * returns to the way out.
 */
#define _GNU_SOURCE 1
#include <asm/ldt.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "oracle/oracle.h"

/* The harness page; offsets are in the assembly, too. */
struct harness {
	uint8_t fx[512];
	uint64_t gpr[16]; /* 0x200 */
	uint64_t rflags;  /* 0x280 */
	uint64_t host_rsp;
	uint64_t entry; /* 0x290 */
	uint64_t out, out2;
	uint64_t which; /* 0x2a8 */
	uint32_t mxcsr; /* 0x2b0 */
	uint32_t pad;
	uint32_t out32, out2_32; /* 0x2b8 */
	uint32_t far_offset;     /* 0x2c0: far pointer into 32-bit code */
	uint16_t far_selector;
};

static struct harness *const harness = (struct harness *)(uintptr_t)HARNESS;
static struct state *current; /* the handler's */
static bool has16;

/* Linux's selectors of user code and data. */
enum { CS32 = 0x23, CS64 = 0x33, DS32 = 0x2b, CS16 = 0x07 };
/* Low code that leads from 32-bit code back to 64-bit code. */
enum {
	BRIDGE = HARNESS - 4096,
	BRIDGE2 = BRIDGE + 32,
	BRIDGE16 = BRIDGE + 64, /* the same from 16-bit code */
	BRIDGE16_2 = BRIDGE + 96
};

void oracle_enter(void);
void oracle_enter32(void);
void oracle_out(void);
void oracle_out2(void);
void oracle_fault(void);

#define STORE_GPRS                                                             \
	"mov %rax, 0x53517200\n mov %rcx, 0x53517208\n"                        \
	"mov %rdx, 0x53517210\n mov %rbx, 0x53517218\n"                        \
	"mov %rsp, 0x53517220\n mov %rbp, 0x53517228\n"                        \
	"mov %rsi, 0x53517230\n mov %rdi, 0x53517238\n"                        \
	"mov %r8, 0x53517240\n mov %r9, 0x53517248\n"                          \
	"mov %r10, 0x53517250\n mov %r11, 0x53517258\n"                        \
	"mov %r12, 0x53517260\n mov %r13, 0x53517268\n"                        \
	"mov %r14, 0x53517270\n mov %r15, 0x53517278\n"

__asm__(".text\n"
        ".globl oracle_enter\noracle_enter:\n"
        "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n"
        "push %r15\n"
        "mov %rsp, 0x53517288\n"
        "fxrstor64 0x53517000\n"
        "pushq 0x53517280\n popfq\n"
        "mov 0x53517200, %rax\n mov 0x53517208, %rcx\n"
        "mov 0x53517210, %rdx\n mov 0x53517218, %rbx\n"
        "mov 0x53517228, %rbp\n mov 0x53517230, %rsi\n"
        "mov 0x53517238, %rdi\n mov 0x53517240, %r8\n"
        "mov 0x53517248, %r9\n mov 0x53517250, %r10\n"
        "mov 0x53517258, %r11\n mov 0x53517260, %r12\n"
        "mov 0x53517268, %r13\n mov 0x53517270, %r14\n"
        "mov 0x53517278, %r15\n mov 0x53517220, %rsp\n"
        "jmp *0x53517290\n"
        ".globl oracle_enter32\noracle_enter32:\n"
        "ljmp *0x535172c0\n"
        ".globl oracle_out2\noracle_out2:\n" STORE_GPRS
        "mov $0x53518000, %rsp\n pushfq\n popq 0x53517280\n"
        "movq $2, 0x535172a8\n"
        "jmp 1f\n"
        ".globl oracle_out\noracle_out:\n" STORE_GPRS
        "mov $0x53518000, %rsp\n pushfq\n popq 0x53517280\n"
        "movq $1, 0x535172a8\n"
        "1: fxsave64 0x53517000\n"
        ".globl oracle_fault\noracle_fault:\n"
        "mov 0x53517288, %rsp\n"
        "pushq $0x202\n popfq\n"
        "fninit\n ldmxcsr 0x535172b0\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n"
        "pop %rbx\n ret\n");

/* A signal's registers, in ModRM's order. */
static const int gregs[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX,
	                       REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	                       REG_R8,  REG_R9,  REG_R10, REG_R11,
	                       REG_R12, REG_R13, REG_R14, REG_R15 };

static void
on_signal(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	greg_t *g = uc->uc_mcontext.gregs;
	struct state *s = current;

	(void)si;
	if (s == NULL) {
		signal(sig, SIG_DFL);
		return;
	}
	for (int i = 0; i < 16; i++)
		s->gpr[i] = (uint64_t)g[gregs[i]];
	s->rip = (uint64_t)g[REG_RIP];
	s->rflags = (uint64_t)g[REG_EFL];
	s->fault = (int)g[REG_TRAPNO];
	s->error = (uint32_t)g[REG_ERR];
	s->cr2 = (uint64_t)g[REG_CR2];
	memcpy(s->fx, uc->uc_mcontext.fpregs, 512);
	g[REG_RIP] = (greg_t)(uintptr_t)oracle_fault;
	g[REG_EFL] = 0x202;
	g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffff) | CS64;
	harness->which = 0;
}

static void *
map_at(uintptr_t at, size_t len)
{
	void *p =
	    mmap((void *)at, len, PROT_READ | PROT_WRITE,
	         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return p == (void *)at ? p : NULL;
}

/* ljmp CS64:+16; +16: jmp [where] */
static void
make_bridge(uint32_t at, bool wide, uint32_t where)
{
	uint8_t *p = (uint8_t *)(uintptr_t)at, *q = p;
	uint32_t to = at + 16;
	const uint16_t cs = CS64;

	if (!wide)
		*q++ = 0x66;
	*q++ = 0xea;
	memcpy(q, &to, 4);
	memcpy(q + 4, &cs, 2);
	memcpy(p + 16, (const uint8_t[]){ 0xff, 0x24, 0x25 }, 3);
	memcpy(p + 19, &where, 4);
}

/* 16-bit code in all of the 4 GiB: the addresses stay, and what is by 16-bit
 * addresses faults where it would. */
static bool
make_segment16(void)
{
	struct user_desc d = { .entry_number = CS16 >> 3,
		               .limit = 0xfffff,
		               .contents = MODIFY_LDT_CONTENTS_CODE,
		               .limit_in_pages = 1 };

	return syscall(SYS_modify_ldt, 1, &d, sizeof(d)) == 0;
}

bool
native_init(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	static uint8_t stack[65536];
	const stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = on_signal,
		                .sa_flags =
		                    SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	if (map_at(HARNESS, 4096) == NULL || map_at(ARENA_CODE, 4096) == NULL ||
	    map_at(ARENA_DATA, ARENA_END - ARENA_DATA) == NULL ||
	    mprotect((void *)(uintptr_t)ARENA_CODE, 4096,
	             PROT_READ | PROT_WRITE | PROT_EXEC) < 0 ||
	    mprotect((void *)(uintptr_t)ARENA_RO, 4096, PROT_READ) < 0 ||
	    map_at(BRIDGE, 4096) == NULL || sigaltstack(&alt, NULL) < 0)
		return false;
	make_bridge(BRIDGE, true, OUT_AT);
	make_bridge(BRIDGE2, true, OUT2_AT);
	make_bridge(BRIDGE16, false, OUT_AT);
	make_bridge(BRIDGE16_2, false, OUT2_AT);
	has16 = make_segment16();
	if (mprotect((void *)(uintptr_t)BRIDGE, 4096, PROT_READ | PROT_EXEC) <
	    0)
		return false;
	/* Present from the start, for error codes. */
	(void)*(volatile uint8_t *)(uintptr_t)ARENA_RO;
	__asm__ volatile("mov %0, %%ds\n mov %0, %%es" : : "r"(DS32));
	for (unsigned i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (sigaction(sigs[i], &sa, NULL) < 0)
			return false;
	return true;
}

bool
native_has16(void)
{
	return has16;
}

uint8_t *
native_data(void)
{
	return (uint8_t *)(uintptr_t)ARENA_DATA;
}

void
native_code(const uint8_t *code, unsigned n)
{
	memcpy((void *)(uintptr_t)CODE_AT, code, n);
}

void
native_run(struct state *s, unsigned bits)
{
	memcpy(harness->fx, s->fx, 512);
	memcpy(harness->gpr, s->gpr, sizeof(s->gpr));
	harness->rflags = s->rflags;
	harness->out = (uint64_t)(uintptr_t)oracle_out;
	harness->out2 = (uint64_t)(uintptr_t)oracle_out2;
	harness->out32 = bits == 16 ? BRIDGE16 : BRIDGE;
	harness->out2_32 = bits == 16 ? BRIDGE16_2 : BRIDGE2;
	harness->far_offset = CODE_AT;
	harness->far_selector = bits == 16 ? CS16 : CS32;
	harness->entry =
	    bits == 64 ? CODE_AT : (uint64_t)(uintptr_t)oracle_enter32;
	harness->mxcsr = 0x1f80;
	s->fault = NO_FAULT;
	s->error = 0;
	s->cr2 = 0;
	current = s;
	oracle_enter();
	current = NULL;
	if (harness->which == 0)
		return; /* the handler has filled s */
	memcpy(s->fx, harness->fx, 512);
	memcpy(s->gpr, harness->gpr, sizeof(s->gpr));
	s->rflags = harness->rflags;
	s->rip = harness->which == 1 ? OUT_AT : OUT2_AT;
}
