/* SPDX-License-Identifier: BSD-2-Clause */
/* making.h - a jail while it is being made: what create.c prepares on the host
 * and boot.c uses in the jail's first process.
 */
#ifndef JAIL_MAKING_H
#define JAIL_MAKING_H
#include <stdint.h>

#include "jail/internal.h"
#include "jail/rootfs.h"

struct making {
	struct jail_sys *sys;
	const struct jail_mount *mounts;
	size_t n_mounts;
	void (*warn)(void *arg, const char *line);
	void *warn_arg;

	struct record rec;
	int lock;
	bool shifted;      /* ids of its own; else the host's (see users_up) */
	uint32_t uid_base; /* host uid of the jail's root */
	unsigned ns;       /* CLONE_NEW* entered by those who come later */
	struct record parent; /* jid 0: the caller's own jail */

	int root_fd;        /* the directory that becomes "/" */
	struct rootfs root; /* its mounts, detached */
	int dev_tree;       /* detached copy of the ready /dev, -1: none */
	int userns;
	int group, group_p;   /* cgroup of init, and of everyone else */
	int enter;            /* what counts its processes (procs.h), or -1 */
	int events;           /* cgroup.events of group_p, for init */
	int init;             /* the program */
	int go[2], report[2]; /* pipes: start init; struct error from boot */
	int pidfd;
	pid_t pid;
};

/*
 * The first process of a jail from clone3(2) to exec of init: m is a struct
 * making, of which it changes nothing (it runs in its maker's memory). Returns
 * only on failure, which is then written to report[1].
 */
int boot_jail(void *m);
#endif
