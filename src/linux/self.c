/* SPDX-License-Identifier: BSD-2-Clause */
/* self.c - where this program's companions are. */
#include "linux/self.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The path of the running program. */
static int
self_exe(char exe[PATH_MAX], struct error *err)
{
	char link[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);

	if (n < 0)
		return error_sys(err, "read '/proc/self/exe'");
	memcpy(exe, link, (size_t)n);
	exe[n] = '\0';
	return 0;
}

int
self_libexec(const char *name, char out[PATH_MAX], struct error *err)
{
	static const char below[] = "/libexec/gaol/";
	char exe[PATH_MAX];
	char *cut;
	int len;

	if (self_exe(exe, err) < 0)
		return err->code;
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
	char exe[PATH_MAX];
	char *slash;
	int len;

	if (self_exe(exe, err) < 0)
		return err->code;
	slash = strrchr(exe, '/');
	if (slash != NULL)
		*slash = '\0';
	len = snprintf(out, PATH_MAX, "%s/%s", exe, name);
	if (len >= PATH_MAX)
		return error_set(err, -ENAMETOOLONG, "%s", name);
	return 0;
}
