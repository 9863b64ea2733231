/* SPDX-License-Identifier: BSD-2-Clause */
/* made.c - things made once, beside their place, then renamed into it. */
#include "manage/made.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "linux/file.h"
#include "linux/tree.h"
#include "manage/lib.h"

enum { MADE_MAX_FILE = BASE_MAX_NAME + 32 };

/* The directory of all of a kind, locked for one name while *lock is open. */
static int
open_locked(const struct made_kind *kind, const char *name, char path[PATH_MAX],
            int *lock, struct error *err)
{
	char file[MADE_MAX_FILE];
	int dir;

	if (!base_name_ok(name))
		return error_set(err, -EINVAL, "'%s': not a name for a %s",
		                 name, kind->word);
	dir = lib_open(kind->word, path, err);
	if (dir < 0)
		return dir;
	snprintf(file, sizeof(file), ".%s.lock", name);
	*lock = file_lock(dir, file, FILE_LOCK_WAIT | FILE_LOCK_CREATE, err);
	if (*lock < 0) {
		close(dir);
		return err->code;
	}
	return dir;
}

/* 1: name below dir was made from text; 0: from another; -ENOENT: none. */
static int
made_from(const struct made_kind *kind, int dir, const char *name,
          const char *text, size_t len, struct error *err)
{
	cleanup_free char *old = NULL;
	char file[MADE_MAX_FILE];
	struct stat st;
	size_t old_len;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -ENOENT;
	snprintf(file, sizeof(file), "%s/%s", name, kind->remembered);
	if (file_read(dir, file, BASE_MAX_BYTES, &old, &old_len, err) < 0)
		return 0;
	return old_len == len && memcmp(old, text, len) == 0;
}

static bool
is_in_use(const struct made_kind *kind, int dir, const char *name,
          struct error *err)
{
	return kind->is_in_use != NULL && kind->is_in_use(dir, name, err) != 0;
}

/* It remembers its text, and is on the disk before it has its name. */
static int
finish(const struct made_kind *kind, int dir, const char *tmp, const char *text,
       size_t len, struct error *err)
{
	cleanup_close int fd =
	    openat(dir, tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "open '%s'", tmp);
	if (file_replace(fd, kind->remembered, text, len, err) < 0)
		return err->code;
	if (syncfs(fd) < 0)
		return error_sys(err, "sync '%s'", tmp);
	return 0;
}

static int
install(int dir, const char *tmp, const char *name, struct error *err)
{
	if (renameat2(dir, tmp, dir, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST)
		return error_sys(err, "rename '%s'", tmp);
	if (renameat2(dir, tmp, dir, name, RENAME_EXCHANGE) < 0)
		return error_sys(err, "exchange '%s'", tmp);
	return tree_remove(dir, tmp, err); /* the old one now */
}

int
made_make(const struct made_kind *kind, const char *name, const char *text,
          size_t len, command_line_fn *progress, void *arg, struct error *err)
{
	char path[PATH_MAX], target[PATH_MAX + MADE_MAX_FILE];
	char tmp[MADE_MAX_FILE];
	struct base_plan plan;
	cleanup_close int dir = -1;
	cleanup_close int lock = -1;
	int r;

	if (base_plan_parse(name, text, len, &plan, err) < 0)
		return err->code;
	dir = open_locked(kind, name, path, &lock, err);
	r = dir < 0 ? dir : made_from(kind, dir, name, text, len, err);
	if (dir < 0 || r == 1)
		goto out;
	if (r == 0 && is_in_use(kind, dir, name, err)) {
		r = error_set(err, -EBUSY,
		              "made from another file, and in use: stop "
		              "its jails first");
		goto out;
	}
	snprintf(tmp, sizeof(tmp), ".%s.new", name);
	snprintf(target, sizeof(target), "%s/%s", path, tmp);
	r = tree_remove(dir, tmp, err);
	if (r == 0)
		r = kind->build(&plan, name, target, progress, arg, err);
	if (r == 0)
		r = finish(kind, dir, tmp, text, len, err);
	if (r == 0)
		r = install(dir, tmp, name, err);
	if (r < 0) {
		struct error ignored;

		(void)tree_remove(dir, tmp, &ignored);
	} else {
		r = 2; /* made */
	}
out:
	base_plan_fini(&plan);
	if (r < 0)
		return error_wrap(err, "%s %s", kind->word, name);
	return r == 2;
}

int
made_remove(const struct made_kind *kind, const char *name, struct error *err)
{
	char path[PATH_MAX];
	char tmp[MADE_MAX_FILE], lockname[MADE_MAX_FILE];
	cleanup_close int lock = -1;
	cleanup_close int dir = open_locked(kind, name, path, &lock, err);

	if (dir < 0)
		return dir;
	snprintf(tmp, sizeof(tmp), ".%s.new", name);
	snprintf(lockname, sizeof(lockname), ".%s.lock", name);
	if (is_in_use(kind, dir, name, err))
		return error_set(err, -EBUSY, "%s %s: in use", kind->word,
		                 name);
	/* The name goes first: what has it is whole. */
	if (tree_remove(dir, tmp, err) < 0)
		return err->code;
	if (renameat(dir, name, dir, tmp) < 0) {
		error_sys(err, "%s %s", kind->word, name);
		(void)unlinkat(dir, lockname, 0);
		return err->code;
	}
	(void)unlinkat(dir, lockname, 0);
	return tree_remove(dir, tmp, err);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
made_list(const struct made_kind *kind, struct strv *out, struct error *err)
{
	int dir = lib_open(kind->word, NULL, err);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return err->code;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (base_name_ok(e->d_name))
			r = strv_push(out, e->d_name);
	closedir(d);
	if (r < 0)
		return error_set(err, r, "out of memory");
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_name);
	return 0;
}
