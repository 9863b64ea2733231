/* SPDX-License-Identifier: BSD-2-Clause */
/* pidref.c - a process that can be told from a later one. */
#include "linux/pidref.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIDFS_MAGIC = 0x50494446 }; /* linux/magic.h since 6.9 */

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything, so count
 * from its last parenthesis. */
static int
start_time(pid_t pid, uint64_t *out)
{
	char path[32], text[1024], *p;
	unsigned long long start;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	p = strrchr(text, ')');
	if (p == NULL || sscanf(p + 1,
	                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
	                        "%*u %*u %*d %*d %*d %*d %*d %*d %llu",
	                        &start) != 1)
		return -ESRCH;
	*out = start;
	return 0;
}

static uint64_t
pidfd_ino(int pidfd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PIDFS_MAGIC ||
	    fstat(pidfd, &st) < 0)
		return 0;
	return st.st_ino;
}

int
pidref_of(int pidfd, pid_t pid, struct pidref *out, struct error *err)
{
	struct pidref ref = { .pid = pid, .ino = pidfd_ino(pidfd) };

	if (start_time(pid, &ref.start) < 0)
		return error_set(err, -ESRCH, "process %d is gone", (int)pid);
	*out = ref;
	return 0;
}

int
pidref_open(const struct pidref *ref)
{
	cleanup_close int fd = -1;
	struct pollfd p = { .events = POLLIN };
	uint64_t start;

	if (ref->pid <= 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, ref->pid, 0);
	if (fd < 0)
		return errno == ESRCH || errno == EINVAL ? -ESRCH : -errno;
	if (ref->ino != 0) {
		if (pidfd_ino(fd) != ref->ino)
			return -ESRCH;
	} else if (start_time(ref->pid, &start) < 0 || start != ref->start) {
		return -ESRCH;
	}
	p.fd = fd;
	if (poll(&p, 1, 0) != 0) /* exited: readable */
		return -ESRCH;
	return take_fd(&fd);
}
