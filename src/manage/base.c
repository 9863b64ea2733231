/* SPDX-License-Identifier: BSD-2-Clause */
/* base.c - bases: Debian trees, in use while they are mounted. */
#include "manage/base.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "manage/debian.h"
#include "manage/made.h"

/*
 * Is the base mounted somewhere? What shows a directory elsewhere has its
 * device and inode. Mountinfo's fourth field, what of a file system a mount
 * shows, ends alike wherever that file system begins.
 */
static int
is_in_use(int dir, const char *name, struct error *err)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	char tail[BASE_MAX_NAME + 8];
	struct stat base = { 0 }, there;
	size_t cap = 0;
	int used = 0;

	if (f == NULL)
		return error_sys(err, "open '/proc/self/mountinfo'");
	snprintf(tail, sizeof(tail), "/%s", name);
	(void)fstatat(dir, name, &base, AT_SYMLINK_NOFOLLOW); /* or none */
	while (!used && getline(&line, &cap, f) > 0) {
		char root[PATH_MAX], where[PATH_MAX];

		if (sscanf(line, "%*d %*d %*s %4095s %4095s", root, where) != 2)
			continue;
		if (strlen(root) < strlen(tail) ||
		    strcmp(root + strlen(root) - strlen(tail), tail) != 0)
			continue;
		used = stat(where, &there) == 0 &&
		       there.st_dev == base.st_dev &&
		       there.st_ino == base.st_ino;
	}
	fclose(f);
	return used;
}

static int
build(const struct base_plan *plan, const char *name, const char *path,
      command_line_fn *progress, void *arg, struct error *err)
{
	char what[BASE_MAX_NAME + 8];

	if (plan->size_bytes != 0 || plan->kernel[0] != '\0')
		return error_set(err, -EINVAL,
		                 "a base has no size and no kernel");
	snprintf(what, sizeof(what), "base %s", name);
	return debian_tree(plan, NULL, what, path, progress, arg, err);
}

static const struct made_kind base_kind = {
	.word = "base",
	.remembered = "etc/gaol.base",
	.build = build,
	.is_in_use = is_in_use,
};

int
base_make(const char *name, const char *text, size_t len,
          command_line_fn *progress, void *arg, struct error *err)
{
	return made_make(&base_kind, name, text, len, progress, arg, err);
}

int
base_remove(const char *name, struct error *err)
{
	return made_remove(&base_kind, name, err);
}

int
base_list(struct strv *out, struct error *err)
{
	return made_list(&base_kind, out, err);
}
