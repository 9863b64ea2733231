/* SPDX-License-Identifier: BSD-2-Clause */
/* processes.c - reaching other processes, and using up what all share. All
 * greed is bounded by an argument, and what was taken is given back.
 */
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

/* kill PID SIGNAL */
static int
try_kill(char **argv)
{
	return outcome(kill(atoi(argv[0]), atoi(argv[1])));
}

/* trace PID */
static int
try_trace(char **argv)
{
	return outcome(ptrace(PTRACE_SEIZE, atoi(argv[0]), NULL, NULL));
}

/* Let a stopped, seized process make one call; its registers come back as they
 * were. It stands just behind a syscall instruction, which is used again. */
static int
make_call(pid_t pid, char **argv, long *result)
{
	struct user_regs_struct was, regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &was) < 0)
		return -errno;
	regs = was;
	regs.rip -= 2;
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = strtoull(argv[0], NULL, 0);
	regs.rdi = strtoull(argv[1], NULL, 0);
	regs.rsi = strtoull(argv[2], NULL, 0);
	regs.rdx = strtoull(argv[3], NULL, 0);
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 ||
	    waitpid(pid, NULL, __WALL) < 0 ||
	    ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return -errno;
	*result = (long)regs.rax;
	/* The call that was interrupted starts anew. */
	was.rip -= 2;
	was.rax = was.orig_rax;
	was.orig_rax = (unsigned long long)-1;
	return outcome(ptrace(PTRACE_SETREGS, pid, NULL, &was));
}

/* inject PID NUMBER A0 A1 A2: have a waiting process make a call. */
static int
inject(char **argv)
{
	pid_t pid = atoi(argv[0]);
	long result = 0;
	int ret;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 ||
	    waitpid(pid, NULL, __WALL) < 0)
		return -errno;
	ret = make_call(pid, argv + 1, &result);
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	if (ret < 0)
		return UNABLE;
	return result < 0 ? (int)result : 0;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Is this entry of /proc a process on its way in? 0 when its program could be
 * seen and is not the jail's, -EACCES when it was closed to us. */
static int
look_at(const char *pid)
{
	char path[64], exe[512];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.16s/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n < 0)
		return -errno;
	exe[n] = '\0';
	if (strncmp(exe, "/bin/", 5) == 0)
		return -ENOENT; /* already the command */
	return 0;
}

/* watch SECONDS: wait for processes that enter, and look into those that have
 * not executed the command yet (programs outside /bin). EACCES when such were
 * seen and all were closed; unable when none was seen. */
static int
watch(char **argv)
{
	double end = now() + atof(argv[0]);
	bool was_closed = false;

	while (now() < end) {
		DIR *d = opendir("/proc");
		struct dirent *e;

		if (d == NULL)
			return UNABLE;
		while ((e = readdir(d)) != NULL) {
			int ret;

			if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
			    strcmp(e->d_name, "1") == 0)
				continue;
			ret = look_at(e->d_name);
			if (ret == 0) {
				closedir(d);
				return 0;
			}
			if (ret == -EACCES || ret == -EPERM)
				was_closed = true;
		}
		closedir(d);
	}
	return was_closed ? -EACCES : UNABLE;
}

/* forks N: N children at once. */
static int
forks(char **argv)
{
	int want = atoi(argv[0]), n = 0, why = 0;
	int gate[2];

	if (pipe(gate) < 0)
		return UNABLE;
	while (n < want) {
		pid_t pid = fork();

		if (pid == 0) { /* until the parent goes */
			char c;

			close(gate[1]);
			(void)!read(gate[0], &c, 1);
			_exit(0);
		}
		if (pid < 0) {
			why = -errno;
			break;
		}
		n++;
	}
	close(gate[1]);
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	return n == want ? 0 : why;
}

/* memory MIB: have that much at once. Refusal is death by SIGKILL. */
static int
memory(char **argv)
{
	size_t size = (size_t)atoi(argv[0]) << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	for (size_t at = 0; at < size; at += 4096)
		p[at] = 1;
	return 0;
}

/* inotify N SECONDS: N instances, held that long. */
static int
inotify(char **argv)
{
	int want = atoi(argv[0]), ret = 0;

	for (int n = 0; ret == 0 && n < want; n++)
		ret = outcome(inotify_init1(IN_CLOEXEC));
	puts("ready");
	fflush(stdout);
	sleep((unsigned)atoi(argv[1]));
	return ret;
}

/* pipes N SECONDS */
static int
pipes(char **argv)
{
	int want = atoi(argv[0]), ret = 0;

	for (int n = 0; ret == 0 && n < want; n++) {
		int fds[2];

		ret = outcome(pipe2(fds, O_CLOEXEC));
	}
	puts("ready");
	fflush(stdout);
	sleep((unsigned)atoi(argv[1]));
	return ret;
}

static const struct attack attacks[] = {
	{ "kill", "PID SIGNAL", 2, 2, try_kill },
	{ "trace", "PID", 1, 1, try_trace },
	{ "inject", "PID NUMBER A0 A1 A2", 5, 5, inject },
	{ "watch", "SECONDS", 1, 1, watch },
	{ "forks", "N", 1, 1, forks },
	{ "memory", "MIB", 1, 1, memory },
	{ "inotify", "N SECONDS", 2, 2, inotify },
	{ "pipes", "N SECONDS", 2, 2, pipes },
};
const struct attack_list process_attacks = { attacks, LEN(attacks) };
