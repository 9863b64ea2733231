/* SPDX-License-Identifier: BSD-2-Clause */
/* loops.c - guest instructions a second of the software processor, in loops
 * whose number of instructions is known: arithmetic with branches, memory, and
 * calls. The host runs the same bytes for comparison.
 *
 * Prints a line each: name, guest MIPS, host MIPS. CPU time, the best of three.
 */
#include <sys/mman.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "engine/soft/bed.h"

/* RCX rounds; RSI points to 64 KiB. Callable: all end with RET. */
PROGRAM(compute, ".code64\n"
                 "mov $1, %eax\n mov $3, %edx\n mov $5, %r8d\n"
                 "1: mov %rdx, %r9\n xor %rcx, %r9\n add %r9, %rax\n"
                 "lea (,%rdx,8), %rdx\n mov %rax, %r10\n shr $5, %r10\n"
                 "xor %r10, %rdx\n test $1, %al\n jz 2f\n"
                 "add %rdx, %r8\n jmp 3f\n"
                 "2: xor %rax, %r8\n nop\n"
                 "3: sub %r8, %rax\n dec %rcx\n jnz 1b\n ret\n");
PROGRAM(stream, ".code64\n"
                "xor %eax, %eax\n"
                "1: xor %edx, %edx\n"
                "2: mov (%rsi,%rdx,8), %r8\n add %rax, %r8\n"
                "mov %r8, (%rsi,%rdx,8)\n add %r8, %rax\n xor %rdx, %rax\n"
                "inc %rdx\n cmp $8192, %rdx\n jne 2b\n"
                "dec %rcx\n jnz 1b\n ret\n");
PROGRAM(fib, ".code64\n"
             "1: mov $15, %edi\n call 2f\n dec %rcx\n jnz 1b\n ret\n"
             "2: push %rbx\n mov %rdi, %rax\n cmp $1, %rdi\n jbe 3f\n"
             "mov %rdi, %rbx\n dec %rdi\n call 2b\n push %rax\n"
             "lea -2(%rbx), %rdi\n call 2b\n pop %rdx\n add %rdx, %rax\n"
             "3: pop %rbx\n ret\n");
/* Dependent: latency of handlers, not of the host's units. */
PROGRAM(doubles, ".code64\n"
                 "mov $1, %eax\n cvtsi2sd %eax, %xmm0\n"
                 "movapd %xmm0, %xmm1\n movapd %xmm0, %xmm2\n"
                 "1: mulsd %xmm1, %xmm0\n addsd %xmm2, %xmm0\n"
                 "dec %rcx\n jnz 1b\n ret\n");
/* Anywhere in 16 MiB, load and store. The guest has 4 MiB four times there: it
 * is the TLB that is measured. */
PROGRAM(random16, ".code64\n"
                  "mov $12345, %eax\n"
                  "1: imul $1103515245, %eax, %eax\n add $12345, %eax\n"
                  "mov %eax, %edx\n shr $8, %edx\n and $0xfffff8, %edx\n"
                  "add %rdx, (%rsi,%rdx)\n dec %rcx\n jnz 1b\n ret\n");
PROGRAM(start, ".code64\n call *%rdi" END);

enum {
	BUFFER = 0x100000,
	BODY = BED_CODE + 0x1000,
	RUNS = 3,
	MANY = 1 << 30, /* linear */
	MANY_BYTES = 16 << 20,
	MANY_HOST = 4 << 20, /* and where it lies in the guest's memory */
	MANY_PD = 0x200000,
	MANY_PT = 0x201000
};

/* fib(15) makes 1973 calls, 986 of them with two more below. */
static const struct loop {
	const char *name;
	const uint8_t *from, *to;
	uint64_t rounds;
	double insns; /* a round */
	bool many;    /* RSI points to MANY */
} loops[] = {
	{ "compute", compute, compute_end, 4000000, 14, false },
	{ "stream", stream, stream_end, 500, 8192 * 8 + 3, false },
	{ "fib", fib, fib_end, 800, 987 * 6 + 986 * 14 + 4, false },
	{ "random", random16, random16_end, 2000000, 8, true },
	{ "doubles", doubles, doubles_end, 4000000, 4, false },
};

static double
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
map_many(struct bed *b)
{
	bed_put64(b, BED_PDPT + 8, MANY_PD | 7);
	for (uint64_t i = 0; i < MANY_BYTES >> 21; i++)
		bed_put64(b, MANY_PD + i * 8, (MANY_PT + i * 4096) | 7);
	for (uint64_t i = 0; i < MANY_BYTES >> 12; i++)
		bed_put64(b, MANY_PT + i * 8,
		          (MANY_HOST + i % 1024 * 4096) | 7);
}

static double
guest(struct bed *b, const struct loop *l)
{
	double from;

	bed_long(b);
	map_many(b);
	LOAD(b, BED_CODE, start);
	bed_write(b, BODY, l->from, (size_t)(l->to - l->from));
	b->st.gpr[X86_RDI] = BODY;
	b->st.gpr[X86_RSI] = l->many ? MANY : BUFFER;
	b->st.gpr[X86_RCX] = l->rounds;
	from = cpu_now();
	if (!bed_run(b))
		abort();
	return cpu_now() - from;
}

static double
native(const struct loop *l)
{
	static uint64_t buffer[MANY_BYTES / 8];
	uint64_t n = l->rounds, rsi = (uint64_t)buffer;
	size_t len = (size_t)(l->to - l->from);
	void *code = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double from;

	if (code == MAP_FAILED)
		abort();
	memcpy(code, l->from, len);
	if (mprotect(code, len, PROT_READ | PROT_EXEC) < 0)
		abort();
	from = cpu_now();
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\tcall *%2\n\t"
	                 "lea 128(%%rsp), %%rsp"
	                 : "+c"(n), "+S"(rsi)
	                 : "r"(code)
	                 : "rax", "rdx", "rdi", "r8", "r9", "r10", "xmm0",
	                   "xmm1", "xmm2", "memory", "cc");
	from = cpu_now() - from;
	munmap(code, len);
	return from;
}

int
main(void)
{
	struct bed b;

	bed_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
		const struct loop *l = &loops[i];
		double soft = 1e9, host = 1e9, t;
		double million = (double)l->rounds * l->insns / 1e6;

		for (unsigned r = 0; r < RUNS; r++) {
			t = guest(&b, l);
			soft = t < soft ? t : soft;
			t = native(l);
			host = t < host ? t : host;
		}
		printf("%-8s %6.0f guest MIPS, %6.0f of the host\n", l->name,
		       million / soft, million / host);
	}
	bed_fini(&b);
	return 0;
}
