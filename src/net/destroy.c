/* SPDX-License-Identifier: BSD-2-Clause */
/* destroy.c - destroying an interface without waiting for what comes after. */
#include "net/destroy.h"

#include <linux/close_range.h>
#include <linux/netlink.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

enum {
	FD_REPORT = 0,         /* the child's only descriptor at first */
	LOOK_EVERY_NS = 50000, /* until the child has begun */
};

/* The whole life of the child. A reader of our standard output must not wait
 * for it, so it keeps nothing but the report. */
static void __attribute__((noreturn)) child(int report, unsigned index)
{
	struct nl_sock nl = { .fd = -1 };
	struct error err = { 0 };

	if (dup2(report, FD_REPORT) < 0 ||
	    syscall(SYS_close_range, FD_REPORT + 1, ~0U, 0) < 0)
		_exit(1);
	if (nl_open(&nl, NETLINK_ROUTE, -1, &err) == 0)
		(void)link_destroy(&nl, index, &err);
	/* Nobody reads it when all went well. */
	_exit(write(FD_REPORT, &err, sizeof(err)) == sizeof(err) ? 0 : 1);
}

/* What the child says in the end. */
static int
read_report(int fd, struct error *err)
{
	struct error said;

	if (read(fd, &said, sizeof(said)) != (ssize_t)sizeof(said))
		return error_set(err, -EIO,
		                 "the process that should do it "
		                 "was killed");
	said.msg[sizeof(said.msg) - 1] = '\0';
	if (said.code < 0)
		*err = said;
	return said.code;
}

/*
 * Wait until the interface is gone or the child has an answer. Our own look at
 * it waits for the lock under which the child's request is carried out.
 */
static int
wait_gone(struct nl_sock *nl, unsigned index, int report, struct error *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_NS };
	struct pollfd p = { .fd = report, .events = POLLIN };
	struct error ignored;
	struct link l;

	for (;;) {
		if (ppoll(&p, 1, &pause, NULL) != 0)
			return read_report(report, err);
		if (link_get_index(nl, index, &l, &ignored) == -ENODEV)
			return 0;
	}
}

int
destroy_link(struct nl_sock *nl, unsigned index, struct error *err)
{
	int report[2], rc;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	pid = fork();
	if (pid == 0)
		child(report[1], index);
	close(report[1]);
	/* No more processes: then it takes its time. */
	rc = pid < 0 ? link_destroy(nl, index, err)
	             : wait_gone(nl, index, report[0], err);
	close(report[0]);
	return rc;
}
