/* SPDX-License-Identifier: BSD-2-Clause */
/* userns.c - user namespaces made to order.
 *
 * A namespace is owned by the effective uid of the process that makes it, and
 * limited by the real one's RLIMIT_NPROC, so we take that uid for the moment of
 * the clone. The child only has to exist while its maps are written; the
 * namespace then lives by our descriptor.
 */
#include "linux/userns.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "linux/file.h"

enum { CHILD_STACK = 8192 };

/* The child, in our memory: waits to be killed, also by our own death. */
static int
idle(void *arg)
{
	pid_t parent = *(pid_t *)arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	return 0;
}

/* Be uid owner in all but the way back, or come back (owner 0). */
static int
borrow_uid(uid_t owner)
{
	if (owner != 0)
		return setresgid(owner, owner, 0) < 0
		           ? -1
		           : setresuid(owner, owner, 0);
	return setresuid(0, 0, 0) < 0 ? -1 : setresgid(0, 0, 0);
}

static void
set_process_limit(const struct rlimit *lim, uint64_t max_procs)
{
	struct rlimit tight = *lim;

	if (tight.rlim_cur > max_procs)
		tight.rlim_cur = max_procs;
	(void)setrlimit(RLIMIT_NPROC, &tight);
}

/* A child in a new user namespace. Returns its pid. */
static pid_t
clone_owned(uid_t owner, uint64_t max_procs, void *stack_top, pid_t *self,
            struct error *err)
{
	struct rlimit lim;
	pid_t pid = -1;

	if (getrlimit(RLIMIT_NPROC, &lim) < 0)
		return error_sys(err, "limits");
	set_process_limit(&lim, max_procs);
	if (owner == 0 || borrow_uid(owner) == 0)
		pid = clone(idle, stack_top, CLONE_NEWUSER | CLONE_VM | SIGCHLD,
		            self);
	if (pid < 0)
		error_sys(err, "make a user namespace");
	if (owner != 0 && borrow_uid(0) < 0)
		_exit(1); /* as somebody else we must not go on */
	(void)setrlimit(RLIMIT_NPROC, &lim);
	return pid < 0 ? err->code : pid;
}

/* Write both maps of pid and open its user namespace. */
static int
adopt_namespace(pid_t pid, uid_t base, uint32_t count, struct error *err)
{
	char path[64], map[64];
	int fd;

	snprintf(map, sizeof(map), "0 %u %u\n", base, count);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	if (file_put(AT_FDCWD, path, map, err) < 0)
		return err->code;
	snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
	if (file_put(AT_FDCWD, path, map, err) < 0)
		return err->code;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : error_sys(err, "open '%s'", path);
}

int
userns_create(uid_t owner, uid_t base, uint32_t count, uint64_t max_procs,
              struct error *err)
{
	char stack[CHILD_STACK] __attribute__((aligned(16)));
	pid_t self = getpid();
	pid_t pid =
	    clone_owned(owner, max_procs, stack + sizeof(stack), &self, err);
	int fd;

	if (pid < 0)
		return pid;
	fd = adopt_namespace(pid, base, count, err);
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return fd;
}

bool
userns_is_nested(void)
{
	unsigned inside = 0, outside = 0, count = 0;
	FILE *f = fopen("/proc/self/uid_map", "re");

	if (f == NULL)
		return false;
	if (fscanf(f, "%u %u %u", &inside, &outside, &count) != 3)
		count = UINT32_MAX;
	fclose(f);
	return count != UINT32_MAX;
}
