/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock_scope.c - Landlock's scope for abstract UNIX sockets. */
#include "linux/landlock_scope.h"

#include <sys/syscall.h>

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

/* Debian 12's <linux/landlock.h> is of ABI 2; this is ABI 6's. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

enum { CREATE_VERSION = 1, SCOPE_ABSTRACT_UNIX_SOCKET = 1 };

int
landlock_abi(void)
{
	long abi =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

int
landlock_scope_abstract(struct error *err)
{
	const struct ruleset_attr attr = {
		.scoped = SCOPE_ABSTRACT_UNIX_SOCKET,
	};
	cleanup_close int fd = -1;

	if (landlock_abi() < LANDLOCK_ABI_SCOPE)
		return error_set(err, -EOPNOTSUPP,
		                 "landlock: no scopes before Linux 6.12");
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return error_sys(err, "landlock_create_ruleset");
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return error_sys(err, "landlock_restrict_self");
	return 0;
}
