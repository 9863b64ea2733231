/* SPDX-License-Identifier: BSD-2-Clause */
/* mnt.h - mounts by descriptor.
 *
 * Thin wrappers over open_tree(2), move_mount(2), mount_setattr(2), fsopen(2)
 * and umount2(2). A mount is made detached, finished, and only then attached
 * to a directory that the caller holds open, so no path is walked twice and
 * nothing half made is ever seen. Owns no policy and no state.
 *
 * Every descriptor returned is close-on-exec and the caller's. A detached mount
 * goes away when its last descriptor is closed.
 */
#ifndef LINUX_MNT_H
#define LINUX_MNT_H
#include <sys/mount.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { MNT_MAX_OPTS = 64 }; /* in one mnt_fs() */

/*
 * A detached copy of the mount (and with recursive, of those below it) seen at
 * path below dirfd; path "" is dirfd itself. Returns its descriptor.
 */
int mnt_clone_tree(int dirfd, const char *path, bool recursive,
                   struct error *err);

/* Attach a detached mount, or move an attached one, at path below dirfd; path
 * "" is dirfd itself. A symlink at the end of path is not followed. */
int mnt_attach(int mnt_fd, int dirfd, const char *path, struct error *err);

/*
 * Change attributes of the mount at mnt_fd: attr_set, attr_clr of MOUNT_ATTR_*,
 * propagation, and userns_fd with MOUNT_ATTR_IDMAP in attr_set.
 *
 * -EINVAL with MOUNT_ATTR_IDMAP: this file system cannot be idmapped.
 */
int mnt_setattr(int mnt_fd, const struct mount_attr *attr, bool recursive,
                struct error *err);

/*
 * A detached new mount of file system type with superblock options "key=value"
 * or "key", NULL-ended (NULL: none; "source=X" names the source), and mount
 * attributes MOUNT_ATTR_*. Returns its descriptor; it shows as a directory.
 *
 * The error carries the file system's own words where it left some.
 */
int mnt_fs(const char *type, const char *const *opts, uint64_t attrs,
           struct error *err);

/* The mount's number of /proc/self/mountinfo for what fd is on, below *out_id;
 * *out_is_root: fd is the root of that mount, that is, a mount point. */
int mnt_id(int fd, uint64_t *out_id, bool *out_is_root, struct error *err);
#endif
