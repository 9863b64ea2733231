/* SPDX-License-Identifier: BSD-2-Clause */
/* rootfs.h - the mounts that become a jail's "/": detached copies of what lies
 * at and below its path, with ids shifted where the file systems can.
 */
#ifndef JAIL_ROOTFS_H
#define JAIL_ROOTFS_H
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { ROOTFS_MAX_MOUNTS = 4096 };

struct rootfs_mount {
	int fd;     /* detached */
	char *path; /* below the root, without a slash in front */
};

struct rootfs {
	int fd;                     /* the root, detached; -1: not open */
	struct rootfs_mount *below; /* attached afterwards, parents first */
	size_t n;
};

#define ROOTFS_INIT                                                            \
	{                                                                      \
		-1, NULL, 0                                                    \
	}

/*
 * Copy the mounts at root_fd (whose real path is path) and below. userns >= 0:
 * map ids by that user namespace. Kernel file systems (proc, sysfs, cgroup,
 * devpts ...) below are left out of a mapped copy: a jail gets its own.
 *
 * -EINVAL: the root's file system cannot map ids; nothing is open then.
 */
int rootfs_open(int root_fd, const char *path, int userns, struct rootfs *out,
                struct error *err);
/* Map the ids of a detached mount and all below it by a user namespace.
 * -EINVAL: a file system there cannot. */
int rootfs_map_ids(int fd, int userns, struct error *err);
void rootfs_close(struct rootfs *r);

/* The part of an absolute path below root, NULL when it is not. */
const char *rootfs_below(const char *path, const char *root);

/* Attach the mounts below to the root, which is attached itself. */
int rootfs_attach_below(const struct rootfs *r, struct error *err);
#endif
