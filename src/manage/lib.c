/* SPDX-License-Identifier: BSD-2-Clause */
/* lib.c - where bases and jails are kept. */
#include "manage/lib.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int
lib_open_path(const char *path, struct error *err)
{
	char made[PATH_MAX];
	int fd;

	if (path[0] != '/' || strlen(path) >= sizeof(made))
		return error_set(err, -EINVAL, "'%s': not an absolute pathname",
		                 path);
	for (const char *p = path + 1; *p != '\0'; p++) {
		p += strcspn(p, "/");
		snprintf(made, sizeof(made), "%.*s", (int)(p - path), path);
		if (mkdir(made, 0700) < 0 && errno != EEXIST)
			return error_sys(err, "create '%s'", made);
		if (*p == '\0')
			break;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open '%s'", path);
	return fd;
}

int
lib_open(const char *below, char out_path[PATH_MAX], struct error *err)
{
	const char *lib = getenv("GAOL_LIB");
	char path[PATH_MAX];
	int n, fd;

	n = snprintf(path, sizeof(path), "%s%s%s",
	             lib != NULL ? lib : "/var/lib/gaol",
	             below[0] != '\0' ? "/" : "", below);
	if (n < 0 || (size_t)n >= sizeof(path))
		return error_set(err, -ENAMETOOLONG, "'%s'", below);
	fd = lib_open_path(path, err);
	if (fd >= 0 && out_path != NULL)
		memcpy(out_path, path, (size_t)n + 1);
	return fd;
}
