/* SPDX-License-Identifier: BSD-2-Clause */
/* init.c - the first process of a jail: holds its namespaces and reaps.
 *
 * Runs as pid 1 of the jail's pid namespace, without libc, in two pages or so.
 * It answers nobody inside: signals count only when they come from outside the
 * namespace (the kernel then gives pid 0 as the sender).
 *
 *   fd 3  one byte arrives once the jail's record is written; end of file
 *         before it means that the maker died: nobody knows us, so go
 *   fd 4  cgroup.events of the group of the jail's own processes
 *
 * SIGUSR1: go when the last process has gone (the jail does not persist).
 * SIGUSR2: stay (persist). The death of this process ends the jail.
 */
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

enum { FD_GO = 3, FD_EVENTS = 4, FD_OTHERS = 5, KERNEL_SIGSET = 8 };

static long
sys5(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
	                 : "=a"(ret)
	                 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
	                 : "rcx", "r11", "memory");
	return ret;
}

static _Noreturn void
leave(void)
{
	for (;;)
		sys5(SYS_exit_group, 0, 0, 0, 0, 0);
}

/* Does any process of the jail live? The file says "populated 0|1". */
static bool
is_populated(void)
{
	static const char word[] = "populated ";
	char text[128];
	long n = sys5(SYS_pread64, FD_EVENTS, (long)text, sizeof(text), 0, 0);
	size_t match = 0;

	for (long i = 0; i < n; i++) {
		if (match == sizeof(word) - 1)
			return text[i] != '0';
		match = text[i] == word[match] ? match + 1 : 0;
	}
	return n > 0; /* unreadable: nothing is known to live */
}

/* Take one signal; changes *persist when the host says so. */
static void
take_signal(int signals, bool *persist)
{
	struct signalfd_siginfo si;

	if (sys5(SYS_read, signals, (long)&si, sizeof(si), 0, 0) !=
	    (long)sizeof(si))
		return;
	while (sys5(SYS_wait4, -1, 0, 1 /* WNOHANG */, 0, 0) > 0)
		continue;
	if (si.ssi_code != SI_USER || si.ssi_pid != 0)
		return;
	if (si.ssi_signo == SIGUSR1)
		*persist = false;
	else if (si.ssi_signo == SIGUSR2)
		*persist = true;
	else if (si.ssi_signo == SIGTERM)
		leave();
}

_Noreturn void init_run(void);

_Noreturn void
init_run(void)
{
	struct pollfd p[2] = { { -1, POLLIN, 0 }, { FD_EVENTS, POLLPRI, 0 } };
	unsigned long all = ~0UL;
	bool persist = true;
	char go;

	sys5(SYS_prctl, PR_SET_NAME, (long)"gaol-init", 0, 0, 0);
	sys5(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, 0, KERNEL_SIGSET, 0);
	sys5(SYS_close_range, FD_OTHERS, -1U, 0, 0, 0);
	/* Any number: 0 to 2 are free. */
	p[0].fd = (int)sys5(SYS_signalfd4, -1, (long)&all, KERNEL_SIGSET, 0, 0);
	if (p[0].fd < 0 || sys5(SYS_read, FD_GO, (long)&go, 1, 0, 0) != 1)
		leave();
	sys5(SYS_close, FD_GO, 0, 0, 0, 0);
	for (;;) {
		if (!persist && !is_populated())
			leave();
		sys5(SYS_ppoll, (long)p, persist ? 1 : 2, 0, 0, KERNEL_SIGSET);
		if (p[0].revents != 0)
			take_signal(p[0].fd, &persist);
	}
}

/* The kernel enters with an aligned stack and no return address. */
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tcall init_run\n");
