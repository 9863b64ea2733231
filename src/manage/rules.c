/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.c - a site's pf.conf, by pfctl(8). */
#include "manage/rules.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "linux/self.h"

static void
path_of(const char *dir, char out[PATH_MAX + 16])
{
	snprintf(out, PATH_MAX + 16, "%s/pf.conf", dir);
}

bool
rules_are_there(const char *dir)
{
	char path[PATH_MAX + 16];

	path_of(dir, path);
	return access(path, F_OK) == 0;
}

static void
ignore(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* pfctl with one or two words. Its exit status, or a negative errno. */
static int
pfctl(const char *a, const char *b, command_line_fn *progress, void *arg,
      struct error *err)
{
	char exe[PATH_MAX];
	char *const argv[] = { exe, (char *)(uintptr_t)a, (char *)(uintptr_t)b,
		               NULL };

	if (self_bin("pfctl", exe, err) < 0)
		return err->code;
	return command_run(argv, progress, arg, err);
}

int
rules_load(const char *dir, command_line_fn *progress, void *arg,
           struct error *err)
{
	char path[PATH_MAX + 16];
	int status;

	path_of(dir, path);
	status = pfctl("-f", path, progress, arg, err);
	if (status > 0)
		return error_set(err, -EINVAL, "%s: not loaded", path);
	if (status == 0)
		status = pfctl("-s", "Running", ignore, NULL, err);
	if (status > 0)
		status = pfctl("-qe", NULL, progress, arg, err);
	if (status > 0)
		return error_set(err, -EINVAL, "%s: not enabled", path);
	return status;
}

int
rules_unload(struct error *err)
{
	int status = pfctl("-qF", "all", ignore, NULL, err);

	/* Not enabled is as good. */
	if (status >= 0)
		status = pfctl("-qd", NULL, ignore, NULL, err);
	return status < 0 ? status : 0;
}
