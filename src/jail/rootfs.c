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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "linux/beneath.h"
#include "linux/mnt.h"
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

/* Undo mountinfo's octal escapes in place. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++)
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
			               (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	*to = '\0';
}

/* The part of a mount point below root, NULL when it is not. */
static const char *
below(const char *point, const char *root)
{
	size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(point, root, len) != 0 || point[len] != '/' ||
	    point[len + 1] == '\0')
		return NULL;
	return point + len + 1;
}

/* Copy the mount at path and remember it; one that hides or is gone by now is
 * passed over. */
static int
add_mount(struct rootfs *r, int root_fd, const char *path, int userns,
          struct error *err)
{
	struct rootfs_mount *more;
	struct error ignored;
	int fd;

	if (r->n >= ROOTFS_MAX_MOUNTS)
		return error_set(err, -E2BIG, "over %d mounts below the root",
		                 ROOTFS_MAX_MOUNTS);
	fd = mnt_clone_tree(root_fd, path, false, &ignored);
	if (fd < 0)
		return 0;
	/* Unmapped, its files belong to nobody inside: safe, and readable. */
	if (userns >= 0)
		(void)map_ids(fd, userns, false, &ignored);
	more = reallocarray(r->below, r->n + 1, sizeof(*more));
	if (more == NULL) {
		close(fd);
		return error_set(err, -ENOMEM, "out of memory");
	}
	r->below = more;
	r->below[r->n].fd = fd;
	r->below[r->n].path = strdup(path);
	if (r->below[r->n].path == NULL) {
		close(fd);
		return error_set(err, -ENOMEM, "out of memory");
	}
	r->n++;
	return 0;
}

static int
add_each(struct rootfs *r, int root_fd, const char *path, int userns,
         struct error *err)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	if (f == NULL)
		return error_sys(err, "open '/proc/self/mountinfo'");
	while (rc == 0 && getline(&line, &cap, f) > 0) {
		char point[4096], type[64];
		const char *tail = strstr(line, " - ");
		const char *sub;

		if (tail == NULL || sscanf(tail, " - %63s", type) != 1 ||
		    sscanf(line, "%*d %*d %*s %*s %4095s", point) != 1 ||
		    is_kernel_fs(type))
			continue;
		unescape(point);
		sub = below(point, path);
		if (sub != NULL)
			rc = add_mount(r, root_fd, sub, userns, err);
	}
	free(line);
	fclose(f);
	return rc;
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
