/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock_test.c - what a process can still do below one directory, and no
 * longer elsewhere; tried in a child. */
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "linux/landlock.h"

/* Each returns 0 or an errno; dir is the one below which all is left. */
static int
make_below(int dir)
{
	int fd = openat(dir, "new", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || close(fd) < 0)
		return errno;
	return renameat(dir, "new", dir, "other") < 0 ||
	               unlinkat(dir, "other", 0) < 0
	           ? errno
	           : 0;
}

static int
follow_out(int dir)
{
	return openat(dir, "out", O_RDONLY) < 0 ? errno : 0;
}

static int
read_host(int dir)
{
	(void)dir;
	return open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
}

static int
write_host(int dir)
{
	(void)dir;
	return open("/tmp/landlock-test", O_WRONLY | O_CREAT, 0600) < 0 ? errno
	                                                                : 0;
}

static int
run_program(int dir)
{
	(void)dir;
	execl("/bin/true", "true", NULL);
	return errno;
}

static int
mount_below(int dir)
{
	if (unshare(CLONE_NEWNS) < 0 || fchdir(dir) < 0)
		return 0;
	return mount("none", ".", "tmpfs", 0, NULL) < 0 ? errno : 0;
}

static int
trace_parent(int dir)
{
	(void)dir;
	return ptrace(PTRACE_SEIZE, getppid(), 0, 0) < 0 ? errno : 0;
}

static const struct {
	int (*attempt)(int dir);
	int want;
} rows[] = {
	{ make_below, 0 },       { follow_out, EACCES },
	{ read_host, EACCES },   { write_host, EACCES },
	{ run_program, EACCES }, { mount_below, EPERM },
	{ trace_parent, EPERM },
};

enum { NO_LANDLOCK = 200 };

/* The row's outcome in a child that gave all up but dir. */
static int
in_domain(int (*attempt)(int dir), int dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct error err;
		int rc = landlock_only_below(dir, &err);

		_exit(rc == -ENOTSUP ? NO_LANDLOCK
		      : rc < 0       ? -rc
		                     : attempt(dir));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
all_but_one_directory_is_given_up(void **state)
{
	char path[] = "/tmp/landlock-test.XXXXXX";
	cleanup_close int dir = -1;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(path));
	dir = open(path, O_PATH | O_DIRECTORY);
	assert_true(dir >= 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "out"), 0);
	assert_int_equal(follow_out(dir), 0); /* without a domain */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int got = in_domain(rows[i].attempt, dir);

		if (got == NO_LANDLOCK)
			break;
		assert_int_equal(got, rows[i].want);
	}
	assert_int_equal(unlinkat(dir, "out", 0), 0);
	assert_int_equal(rmdir(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_one_directory_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
