/* SPDX-License-Identifier: BSD-2-Clause */
/* spaces.c - namespaces and keyrings: making more of them, entering others'. */
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

enum { KEYCTL_SEARCH = 10, KEYCTL_JOIN = 1, SESSION_KEYRING = -3 };

static const struct {
	const char *name;
	int flag;
} space[] = {
	{ "user", CLONE_NEWUSER },     { "mnt", CLONE_NEWNS },
	{ "pid", CLONE_NEWPID },       { "net", CLONE_NEWNET },
	{ "uts", CLONE_NEWUTS },       { "ipc", CLONE_NEWIPC },
	{ "cgroup", CLONE_NEWCGROUP },
};

static int
flag_of(const char *name)
{
	for (size_t i = 0; i < LEN(space); i++)
		if (strcmp(space[i].name, name) == 0)
			return space[i].flag;
	return 0;
}

static int
try_unshare(char **argv)
{
	return outcome(unshare(flag_of(argv[0])));
}

static int
reap(long pid)
{
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(0);
	waitpid((pid_t)pid, NULL, 0);
	return 0;
}

static int
try_clone(char **argv)
{
	return reap(syscall(SYS_clone, flag_of(argv[0]) | SIGCHLD, NULL, NULL,
	                    NULL, 0));
}

static int
try_clone3(char **argv)
{
	struct clone_args args = {
		.flags = (uint64_t)flag_of(argv[0]),
		.exit_signal = SIGCHLD,
	};

	return reap(syscall(SYS_clone3, &args, sizeof(args)));
}

/* setns PATH|FD: enter a namespace by a file, or by an inherited descriptor.*/
static int
try_setns(char **argv)
{
	char *end;
	int fd = (int)strtol(argv[0], &end, 10);

	if (*end != '\0')
		fd = open(argv[0], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return outcome(setns(fd, 0));
}

/* key-give NAME CMD ...: run a command with a key in its session keyring. */
static int
key_give(char **argv)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN, NULL) < 0 ||
	    syscall(SYS_add_key, "user", argv[0], "secret", 6,
	            SESSION_KEYRING) < 0)
		return UNABLE;
	execvp(argv[1], argv + 1);
	return UNABLE;
}

/* key-find NAME: by two ways. */
static int
key_find(char **argv)
{
	if (syscall(SYS_keyctl, KEYCTL_SEARCH, SESSION_KEYRING, "user", argv[0],
	            0) >= 0)
		return 0;
	return outcome(syscall(SYS_request_key, "user", argv[0], NULL, 0));
}

static const struct attack attacks[] = {
	{ "unshare", "SPACE", 1, 1, try_unshare },
	{ "clone", "SPACE", 1, 1, try_clone },
	{ "clone3", "SPACE", 1, 1, try_clone3 },
	{ "setns", "PATH|FD", 1, 1, try_setns },
	{ "key-give", "NAME CMD ...", 2, 64, key_give },
	{ "key-find", "NAME", 1, 1, key_find },
};
const struct attack_list space_attacks = { attacks, LEN(attacks) };
