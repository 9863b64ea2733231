/* SPDX-License-Identifier: BSD-2-Clause */
/* clone.c - a child in our own memory, while we wait for its exec. */
#include "linux/clone.h"

#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

enum { CHILD_STACK = 256 << 10 }; /* touched pages alone cost */

/* clone3(2) with a stack: the child comes back from the call on that stack, so
 * it must not return into C. */
static long
clone3_call(struct clone_args *args, int (*fn)(void *arg), void *arg)
{
	register long r8 __asm__("r8") = (long)(uintptr_t)fn;
	register long r9 __asm__("r9") = (long)(uintptr_t)arg;
	long ret;

	__asm__ volatile("syscall\n\t"
	                 "test %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "xor %%ebp, %%ebp\n\t"
	                 "mov %%r9, %%rdi\n\t"
	                 "call *%%r8\n\t"
	                 "mov %%eax, %%edi\n\t"
	                 "mov %[quit], %%eax\n\t"
	                 "syscall\n\t"
	                 "1:"
	                 : "=a"(ret)
	                 : "a"(SYS_clone3), "D"(args), "S"(sizeof(*args)),
	                   "r"(r8), "r"(r9), [quit] "i"(SYS_exit_group)
	                 : "rcx", "r11", "rdx", "r10", "memory", "cc");
	return ret;
}

pid_t
clone_wait(struct clone_args *args, int (*fn)(void *arg), void *arg)
{
	void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	long pid;

	if (stack == MAP_FAILED)
		return -errno;
	args->flags |= CLONE_VM | CLONE_VFORK;
	args->stack = (uint64_t)(uintptr_t)stack;
	args->stack_size = CHILD_STACK;
	pid = clone3_call(args, fn, arg);
	(void)munmap(stack, CHILD_STACK);
	return (pid_t)pid;
}
