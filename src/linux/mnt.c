/* SPDX-License-Identifier: BSD-2-Clause */
/* mnt.c - mounts by descriptor. */
#include "linux/mnt.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int
mnt_clone_tree(int dirfd, const char *path, bool recursive, struct error *err)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
	int fd = open_tree(dirfd, path,
	                   flags | (recursive ? (unsigned)AT_RECURSIVE : 0));

	if (fd < 0)
		return error_sys(err, "clone mount '%s'", path);
	return fd;
}

int
mnt_attach(int mnt_fd, int dirfd, const char *path, struct error *err)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH;

	if (path[0] == '\0')
		flags |= MOVE_MOUNT_T_EMPTY_PATH;
	if (move_mount(mnt_fd, "", dirfd, path, flags) < 0)
		return error_sys(err, "attach mount to '%s'", path);
	return 0;
}

int
mnt_setattr(int mnt_fd, const struct mount_attr *attr, bool recursive,
            struct error *err)
{
	struct mount_attr copy = *attr;

	if (mount_setattr(mnt_fd, "",
	                  AT_EMPTY_PATH |
	                      (recursive ? (unsigned)AT_RECURSIVE : 0),
	                  &copy, sizeof(copy)) < 0)
		return error_sys(err, "change mount attributes");
	return 0;
}

/* Replace err by the first complaint ("e ...") in the context's log, if any.
 * Source: fsopen(2): reading the context gives one message a read. */
static int
context_error(int fs, const char *type, const char *opt, struct error *err)
{
	int code = -errno;
	char msg[256];
	ssize_t n;

	while ((n = read(fs, msg, sizeof(msg) - 1)) > 0)
		if (n > 2 && msg[0] == 'e') {
			msg[n] = '\0';
			msg[strcspn(msg, "\n")] = '\0';
			return error_set(err, code, "mount %s: %s", type,
			                 msg + 2);
		}
	return error_set(err, code, "mount %s%s%s%s: %s", type,
	                 opt[0] != '\0' ? ": option '" : "", opt,
	                 opt[0] != '\0' ? "'" : "", strerror(-code));
}

static int
set_option(int fs, const char *opt)
{
	const char *eq = strchr(opt, '=');
	char key[256];

	if (eq == NULL)
		return fsconfig(fs, FSCONFIG_SET_FLAG, opt, NULL, 0);
	if ((size_t)(eq - opt) >= sizeof(key)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, opt, (size_t)(eq - opt));
	key[eq - opt] = '\0';
	return fsconfig(fs, FSCONFIG_SET_STRING, key, eq + 1, 0);
}

int
mnt_fs(const char *type, const char *const *opts, uint64_t attrs,
       struct error *err)
{
	cleanup_close int fs = fsopen(type, FSOPEN_CLOEXEC);
	int mnt;

	if (fs < 0)
		return error_sys(err, "mount %s", type);
	for (size_t i = 0; opts != NULL && opts[i] != NULL; i++) {
		if (i >= MNT_MAX_OPTS)
			return error_set(err, -E2BIG,
			                 "mount %s: too many options", type);
		if (set_option(fs, opts[i]) < 0)
			return context_error(fs, type, opts[i], err);
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return context_error(fs, type, "", err);
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attrs);
	if (mnt < 0)
		return context_error(fs, type, "", err);
	return mnt;
}

int
mnt_id(int fd, uint64_t *out_id, bool *out_is_root, struct error *err)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) <
	    0)
		return error_sys(err, "find mount of descriptor");
	if ((st.stx_mask & STATX_MNT_ID) == 0)
		return error_set(err, -ENOSYS, "no mount number in statx");
	*out_id = st.stx_mnt_id;
	*out_is_root = (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	return 0;
}
