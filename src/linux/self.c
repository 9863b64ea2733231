/* SPDX-License-Identifier: BSD-2-Clause */
/* self.c - where this program's companions are. */
#include "linux/self.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
self_libexec(const char *name, char out[PATH_MAX], struct error *err)
{
	static const char below[] = "/libexec/gaol/";
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *cut;
	int len;

	if (n < 0)
		return error_sys(err, "read '/proc/self/exe'");
	exe[n] = '\0';
	cut = strstr(exe, below);
	if (cut == NULL) { /* X/bin/prog */
		cut = strrchr(exe, '/');
		*cut = '\0';
		cut = strrchr(exe, '/');
		if (cut == NULL)
			return error_set(err, -ENOENT, "no libexec beside '%s'",
			                 exe);
	}
	*cut = '\0';
	len = snprintf(out, PATH_MAX, "%s/libexec/gaol%s%s", exe,
	               name != NULL ? "/" : "", name != NULL ? name : "");
	if (len >= PATH_MAX)
		return error_set(err, -ENAMETOOLONG, "%s", exe);
	return 0;
}

int
self_bin(const char *name, char out[PATH_MAX], struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (n < 0)
		return error_sys(err, "read '/proc/self/exe'");
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (slash == NULL ||
	    (size_t)(slash + 1 - out) + strlen(name) >= PATH_MAX)
		return error_set(err, -ENAMETOOLONG, "%s", name);
	strcpy(slash + 1, name);
	return 0;
}
