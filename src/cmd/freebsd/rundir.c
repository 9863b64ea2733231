/* SPDX-License-Identifier: BSD-2-Clause */
/* rundir.c - the runtime directory, as jail_sys_open() has it. */
#include "cmd/freebsd/rundir.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

int
rundir_open(struct error *err)
{
	const char *path = secure_getenv("GAOL_RUN");
	int fd;

	if (path == NULL || path[0] != '/')
		path = "/run/gaol";
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_sys(err, "make '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "open '%s'", path) : fd;
}
