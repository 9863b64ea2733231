/* SPDX-License-Identifier: BSD-2-Clause */
/* beneath.c - opening paths below a directory that others may write to. */
#include "linux/beneath.h"

#include <linux/openat2.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static int
open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = (flags & O_CREAT) != 0 ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS |
		           RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

/* Which component of path is the link that stopped us? For the message only:
 * the tree may have changed since, so any answer will do. */
static int
name_link(int root_fd, const char *label, const char *path, struct error *err)
{
	char prefix[PATH_MAX];
	size_t len = strlen(path), end = 0;

	while (end < len && end < sizeof(prefix)) {
		cleanup_close int fd = -1;

		end += strspn(path + end, "/");
		end += strcspn(path + end, "/");
		if (end >= sizeof(prefix))
			break;
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		fd = open_in_root(root_fd, prefix, O_PATH, 0);
		if (fd < 0 && errno == ELOOP)
			return error_set(err, -ELOOP, "%s%s is a symbolic link",
			                 label, prefix);
	}
	return error_set(err, -ELOOP, "%s%s is a symbolic link", label, path);
}

int
beneath_open(int root_fd, const char *label, const char *path, int flags,
             mode_t mode, struct error *err)
{
	const char *p = path + strspn(path, "/");
	int fd = open_in_root(root_fd, *p != '\0' ? p : ".", flags, mode);

	if (fd >= 0)
		return fd;
	if (errno == ELOOP)
		return name_link(root_fd, label, path, err);
	return error_sys(err, "%s%s", label, path);
}
