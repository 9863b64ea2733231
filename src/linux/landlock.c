/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock.c - a process gives up the file system but for one directory. */
#include "linux/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "base/base.h"

/* Rights of Linux 5.13 but running programs, that is ABI 1. */
#define ABI_1                                                                  \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |        \
	 LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |         \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |       \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |           \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |         \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* What later ABIs added, by number: not all headers have them. Renaming and
 * linking between directories; truncating; ioctls of devices. */
static const struct {
	int abi;
	uint64_t right;
	bool is_left; /* below the directory */
} later[] = {
	{ 2, UINT64_C(1) << 13, true },
	{ 3, UINT64_C(1) << 14, true },
	{ 5, UINT64_C(1) << 15, false },
};

/* A ruleset in whose domain all is refused but some of it below dirfd. */
static int
ruleset_below(int abi, int dirfd, struct error *err)
{
	struct landlock_ruleset_attr all = {
		.handled_access_fs = ABI_1 | LANDLOCK_ACCESS_FS_EXECUTE,
	};
	struct landlock_path_beneath_attr below = {
		.allowed_access = ABI_1,
		.parent_fd = dirfd,
	};
	cleanup_close int fd = -1;

	for (size_t i = 0; i < ARRAY_LEN(later) && later[i].abi <= abi; i++) {
		all.handled_access_fs |= later[i].right;
		if (later[i].is_left)
			below.allowed_access |= later[i].right;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd < 0 || syscall(SYS_landlock_add_rule, fd,
	                      LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0)
		return error_sys(err, "landlock ruleset");
	return take_fd(&fd);
}

int
landlock_only_below(int dirfd, struct error *err)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	                       LANDLOCK_CREATE_RULESET_VERSION);
	cleanup_close int fd = -1;

	if (abi < 0)
		return error_set(err, -ENOTSUP, "no Landlock here");
	fd = ruleset_below(abi, dirfd, err);
	if (fd < 0)
		return fd;
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return error_sys(err, "landlock");
	return 0;
}

/* What later headers put into struct landlock_ruleset_attr. */
struct ruleset {
	uint64_t fs, net, scoped;
};

int
landlock_nothing(struct error *err)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	                       LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset all = { .fs = ABI_1 | LANDLOCK_ACCESS_FS_EXECUTE };
	cleanup_close int fd = -1;
	size_t size = offsetof(struct ruleset, net);

	if (abi < 0)
		return error_set(err, -ENOTSUP, "no Landlock here");
	for (size_t i = 0; i < ARRAY_LEN(later) && later[i].abi <= abi; i++)
		all.fs |= later[i].right;
	if (abi >= 4) {
		all.net = 3; /* bind and connect TCP */
		size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 6) {
		all.scoped = 3; /* abstract sockets and signals */
		size = sizeof(all);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (fd < 0)
		return error_sys(err, "landlock ruleset");
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return error_sys(err, "landlock");
	return 0;
}
