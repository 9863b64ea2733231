/* SPDX-License-Identifier: BSD-2-Clause */
/* rootfs.c - the mounts that become a jail's "/".
 *
 * One recursive copy and one mount_setattr(2) do when every file system maps
 * ids. When one does not, the mounts are copied one by one as mountinfo lists
 * them, and those that cannot be mapped come along unmapped or not at all.
 */
#include "jail/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/beneath.h"
#include "linux/mnt.h"
#include "linux/mountinfo.h"
#include "linux/userns.h"

/* What a jail gets of its own or must not have at all. */
static const char *const kernel_fs[] = {
	"proc",       "sysfs",       "cgroup",   "cgroup2",  "devpts",
	"devtmpfs",   "mqueue",      "bpf",      "debugfs",  "tracefs",
	"securityfs", "pstore",      "efivarfs", "configfs", "fusectl",
	"hugetlbfs",  "binfmt_misc", "autofs",   "nsfs",     "rpc_pipefs",
};

static bool
is_kernel_fs(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(kernel_fs); i++)
		if (strcmp(kernel_fs[i], type) == 0)
			return true;
	return false;
}

static int
map_ids(int fd, int userns, bool recursive, struct error *err)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns,
	};

	return mnt_setattr(fd, &attr, recursive, err);
}

int
rootfs_map_ids(int fd, int userns, struct error *err)
{
	return map_ids(fd, userns, true, err);
}

const char *
rootfs_below(const char *path, const char *root)
{
	size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(path, root, len) != 0 || path[len] != '/' ||
	    path[len + 1] == '\0')
		return NULL;
	return path + len + 1;
}

/* A detached copy of the mount at path below root_fd, where a tenant may put
 * links in the way meanwhile. */
static int
clone_beneath(int root_fd, const char *path, struct error *err)
{
	cleanup_close int at = beneath_open(root_fd, "", path, O_PATH, 0, err);

	return at < 0 ? at : mnt_clone_tree(at, "", false, err);
}

/* Copy the mount at path and remember it; one that hides or is gone by now is
 * passed over. */
static int
add_mount(struct rootfs *r, int root_fd, const char *path, int userns,
          struct error *err)
{
	cleanup_close int fd = -1;
	struct rootfs_mount *more;
	struct error ignored;

	if (r->n >= ROOTFS_MAX_MOUNTS)
		return error_set(err, -E2BIG, "over %d mounts below the root",
		                 ROOTFS_MAX_MOUNTS);
	fd = clone_beneath(root_fd, path, &ignored);
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM) {
		*err = ignored;
		return fd;
	}
	if (fd < 0)
		return 0;
	/* Unmapped, its files belong to nobody inside: safe, and readable. */
	if (userns >= 0)
		(void)map_ids(fd, userns, false, &ignored);
	more = reallocarray(r->below, r->n + 1, sizeof(*more));
	if (more == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	r->below = more;
	more[r->n].path = strdup(path);
	if (more[r->n].path == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	more[r->n++].fd = take_fd(&fd);
	return 0;
}

static int
add_each(struct rootfs *r, int root_fd, const char *path, int userns,
         struct error *err)
{
	cleanup_mountinfo struct mountinfo mi = MOUNTINFO_INIT;

	if (mountinfo_read(&mi, err) < 0)
		return err->code;
	for (size_t i = 0; i < mi.n; i++) {
		const char *sub = rootfs_below(mi.row[i].point, path);

		if (sub != NULL && !is_kernel_fs(mi.row[i].type) &&
		    add_mount(r, root_fd, sub, userns, err) < 0)
			return err->code;
	}
	return 0;
}

/* Device nodes of the root's own file system are nobody's: those a jail may
 * use are in its /dev, a mount of its own. */
static int
refuse_nodes(int fd, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV };

	return mnt_setattr(fd, &attr, false, err);
}

int
rootfs_open(int root_fd, const char *path, int userns, struct rootfs *out,
            struct error *err)
{
	struct rootfs r = ROOTFS_INIT;

	/* "/" holds the host's own /proc and /sys: never the short way; and
	 * with the host's ids neither, wherever they are mounted. In a jail
	 * they are the jail's, and locked: only all or nothing can be copied.
	 */
	if (userns_is_nested() || (userns >= 0 && strcmp(path, "/") != 0)) {
		r.fd = mnt_clone_tree(root_fd, "", true, err);
		if (r.fd < 0)
			return r.fd;
		if ((userns < 0 || map_ids(r.fd, userns, true, err) == 0) &&
		    refuse_nodes(r.fd, err) == 0) {
			*out = r;
			return 0;
		}
		close(r.fd);
		if (err->code != -EINVAL)
			return err->code;
	}
	r.fd = mnt_clone_tree(root_fd, "", false, err);
	if (r.fd < 0)
		return r.fd;
	if ((userns >= 0 && map_ids(r.fd, userns, false, err) < 0) ||
	    refuse_nodes(r.fd, err) < 0 ||
	    add_each(&r, root_fd, path, userns, err) < 0) {
		rootfs_close(&r);
		return err->code;
	}
	*out = r;
	return 0;
}

void
rootfs_close(struct rootfs *r)
{
	if (r->fd >= 0)
		close(r->fd);
	for (size_t i = 0; i < r->n; i++) {
		close(r->below[i].fd);
		free(r->below[i].path);
	}
	free(r->below);
	*r = (struct rootfs)ROOTFS_INIT;
}

int
rootfs_attach_below(const struct rootfs *r, struct error *err)
{
	for (size_t i = 0; i < r->n; i++) {
		struct error gone;
		int at =
		    beneath_open(r->fd, "", r->below[i].path, O_PATH, 0, &gone);
		int rc;

		if (at < 0)
			continue; /* hidden by a mount that was left out */
		rc = mnt_attach(r->below[i].fd, at, "", err);
		close(at);
		if (rc < 0)
			return rc;
	}
	return 0;
}
