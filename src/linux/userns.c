/* SPDX-License-Identifier: BSD-2-Clause */
/* userns.c - user namespaces made to order.
 *
 * A namespace is owned by the effective uid of the process that made it, so a
 * child takes that uid first; the parent, still privileged, writes the maps
 * and keeps the namespace by a descriptor while the child goes away.
 */
#include "linux/userns.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "linux/file.h"

/* The child: never returns. Says one byte, then waits to be let go. */
static _Noreturn void
hold_namespace(int fd, uid_t base, uint64_t max_procs)
{
	struct rlimit lim;
	char ok = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getrlimit(RLIMIT_NPROC, &lim) == 0 && lim.rlim_max > max_procs) {
		lim.rlim_cur = lim.rlim_max = max_procs;
		(void)setrlimit(RLIMIT_NPROC, &lim);
	}
	if ((base == 0 ||
	     (setgroups(0, NULL) == 0 && setresgid(base, base, base) == 0 &&
	      setresuid(base, base, base) == 0)) &&
	    prctl(PR_SET_DUMPABLE, 1) == 0 && unshare(CLONE_NEWUSER) == 0)
		ok = 1;
	if (write(fd, ok != 0 ? "1" : "0", 1) == 1)
		(void)!read(fd, &ok, 1);
	_exit(0);
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
userns_create(uid_t base, uint32_t count, uint64_t max_procs, struct error *err)
{
	int pair[2];
	char ok = '0';
	pid_t pid;
	int fd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_sys(err, "socketpair");
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		hold_namespace(pair[1], base, max_procs);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return error_sys(err, "fork");
	}
	if (read(pair[0], &ok, 1) != 1 || ok != '1')
		fd = error_set(err, -EPERM, "cannot make a user namespace");
	else
		fd = adopt_namespace(pid, base, count, err);
	close(pair[0]);
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
