/* SPDX-License-Identifier: BSD-2-Clause */
/* base.c - bases: made by mmdebstrap(1) beside their place, then renamed into
 * it, so that what has the name is whole.
 */
#include "manage/base.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "linux/file.h"
#include "linux/tree.h"
#include "manage/lib.h"

#define REMEMBERED "etc/gaol.base"

/* The directory of all bases, locked for one base while fd *lock is open. */
static int
open_locked(const char *name, char path[PATH_MAX], int *lock, struct error *err)
{
	char file[BASE_MAX_NAME + 8];
	int dir;

	if (!base_name_ok(name))
		return error_set(err, -EINVAL, "'%s': not a name for a base",
		                 name);
	dir = lib_open("base", path, err);
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

/* 1: name below dir was made from text; 0: from another; -ENOENT: none. */
static int
made_from(int dir, const char *name, const char *text, size_t len,
          struct error *err)
{
	cleanup_free char *old = NULL;
	char file[BASE_MAX_NAME + sizeof(REMEMBERED) + 1];
	struct stat st;
	size_t old_len;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -ENOENT;
	snprintf(file, sizeof(file), "%s/%s", name, REMEMBERED);
	if (file_read(dir, file, BASE_MAX_BYTES, &old, &old_len, err) < 0)
		return 0;
	return old_len == len && memcmp(old, text, len) == 0;
}

/* Keeps the last line that told of a problem, and passes progress on. */
struct output {
	command_line_fn *progress;
	void *arg;
	const char *name;
	char trouble[256];
};

static void
on_line(void *arg, const char *line)
{
	struct output *o = arg;
	char text[512];

	if (strncmp(line, "I: ", 3) == 0) {
		snprintf(text, sizeof(text), "base %s: %s", o->name, line + 3);
		o->progress(o->arg, text);
	} else if (strncmp(line, "E:", 2) == 0 && o->trouble[0] == '\0') {
		snprintf(o->trouble, sizeof(o->trouble), "%s",
		         line + 2 + strspn(line + 2, " "));
	}
}

static int
run_mmdebstrap(const struct base_plan *plan, const char *name,
               const char *target, command_line_fn *progress, void *arg,
               struct error *err)
{
	struct output out = { .progress = progress, .arg = arg, .name = name };
	cleanup_strv struct strv argv = STRV_INIT;
	cleanup_buf struct buf include = BUF_INIT;
	int r;

	buf_puts(&include, "--include=");
	strv_join(&plan->packages, ",", &include);
	if (include.failed || strv_push(&argv, "mmdebstrap") < 0 ||
	    strv_push(&argv, "--mode=root") < 0 ||
	    strv_push(&argv, "--format=directory") < 0 ||
	    strv_push(&argv, "--variant=minbase") < 0 ||
	    (plan->packages.n != 0 && strv_push(&argv, buf_str(&include))) ||
	    strv_push(&argv, plan->suite) < 0 || strv_push(&argv, target) < 0 ||
	    (plan->mirror[0] != '\0' && strv_push(&argv, plan->mirror) < 0))
		return error_set(err, -ENOMEM, "out of memory");
	r = command_run(argv.v, on_line, &out, err);
	if (r > 0)
		return error_set(err, -EIO, "mmdebstrap: %s",
		                 out.trouble[0] != '\0' ? out.trouble
		                                        : "failed");
	return r;
}

/* What the host left in the tree goes, what it was made from stays. */
static int
finish(int dir, const char *tmp, const char *text, size_t len,
       struct error *err)
{
	cleanup_close int fd =
	    openat(dir, tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "open '%s'", tmp);
	(void)unlinkat(fd, "etc/hostname", 0);
	if (file_replace(fd, REMEMBERED, text, len, err) < 0)
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
base_make(const char *name, const char *text, size_t len,
          command_line_fn *progress, void *arg, struct error *err)
{
	char path[PATH_MAX], target[PATH_MAX + BASE_MAX_NAME + 8];
	char tmp[BASE_MAX_NAME + 8];
	struct base_plan plan;
	cleanup_close int dir = -1;
	cleanup_close int lock = -1;
	int r;

	if (base_plan_parse(name, text, len, &plan, err) < 0)
		return err->code;
	dir = open_locked(name, path, &lock, err);
	r = dir < 0 ? dir : made_from(dir, name, text, len, err);
	if (dir < 0 || r == 1)
		goto out;
	if (r == 0 && is_in_use(dir, name, err) != 0) {
		r = error_set(err, -EBUSY,
		              "made from another file, and in use: stop "
		              "its jails first");
		goto out;
	}
	snprintf(tmp, sizeof(tmp), ".%s.new", name);
	snprintf(target, sizeof(target), "%s/%s", path, tmp);
	r = tree_remove(dir, tmp, err);
	if (r == 0)
		r = run_mmdebstrap(&plan, name, target, progress, arg, err);
	if (r == 0)
		r = finish(dir, tmp, text, len, err);
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
		return error_wrap(err, "base %s", name);
	return r == 2;
}

int
base_remove(const char *name, struct error *err)
{
	char path[PATH_MAX];
	char tmp[BASE_MAX_NAME + 8], lockname[BASE_MAX_NAME + 8];
	cleanup_close int lock = -1;
	cleanup_close int dir = open_locked(name, path, &lock, err);

	if (dir < 0)
		return dir;
	snprintf(tmp, sizeof(tmp), ".%s.new", name);
	snprintf(lockname, sizeof(lockname), ".%s.lock", name);
	if (is_in_use(dir, name, err) != 0)
		return error_set(err, -EBUSY, "base %s: in use", name);
	/* The name goes first: what has it is whole. */
	if (tree_remove(dir, tmp, err) < 0)
		return err->code;
	if (renameat(dir, name, dir, tmp) < 0) {
		error_sys(err, "base %s", name);
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
base_list(struct strv *out, struct error *err)
{
	int dir = lib_open("base", NULL, err);
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
