/* SPDX-License-Identifier: BSD-2-Clause */
/* root.c - a jail's root made ready from a base: copied under a name of its
 * own, synced, then renamed into place.
 */
#include "manage/root.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "linux/file.h"
#include "manage/lib.h"

/* What a thin jail has of its own; parents before what is in them. */
static const char *const own_dirs[] = { "etc", "home", "opt",       "root",
	                                "srv", "tmp",  "usr/local", "var" };

static int
open_dir(int at, const char *name, struct error *err)
{
	int fd =
	    openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "open '%s'", name);
	return fd;
}

/* Make name below at and open it; those above it are made plainly. */
static int
make_dir(int at, const char *name, struct error *err)
{
	const char *slash = strchr(name, '/');
	char above[64];

	if (slash != NULL) {
		snprintf(above, sizeof(above), "%.*s", (int)(slash - name),
		         name);
		if (mkdirat(at, above, 0755) < 0 && errno != EEXIST)
			return error_sys(err, "create '%s'", above);
	}
	if (mkdirat(at, name, 0755) < 0)
		return error_sys(err, "create '%s'", name);
	return open_dir(at, name, err);
}

static int
fill_own(int base, int own, struct tree_stats *stats, struct error *err)
{
	for (size_t i = 0; i < sizeof(own_dirs) / sizeof(own_dirs[0]); i++) {
		cleanup_close int from = -1;
		cleanup_close int to = -1;

		from = open_dir(base, own_dirs[i], err);
		if (from < 0 && err->code == -ENOENT)
			continue; /* not every base has all of them */
		to = from < 0 ? -1 : make_dir(own, own_dirs[i], err);
		if (to < 0 || tree_copy(from, to, stats, err) < 0)
			return err->code;
	}
	return 0;
}

static int
fill_root(int base, int root, struct tree_stats *stats, struct error *err)
{
	return tree_copy(base, root, stats, err);
}

/* Fill a new directory and give it its name: all of it or nothing. */
static int
make_whole(int dir, const char *name, int base,
           int (*fill)(int base, int to, struct tree_stats *stats,
                       struct error *err),
           struct tree_stats *stats, struct error *err)
{
	cleanup_close int fd = -1;
	struct error ignored;
	char tmp[16];

	snprintf(tmp, sizeof(tmp), ".%s.new", name);
	if (tree_remove(dir, tmp, err) < 0)
		return err->code;
	fd = make_dir(dir, tmp, err);
	if (fd < 0)
		return fd;
	if (fill(base, fd, stats, err) == 0) {
		/* rename(2) takes the place of an empty directory. */
		if (syncfs(fd) == 0 && renameat(dir, tmp, dir, name) == 0)
			return 1;
		error_sys(err, "rename '%s'", tmp);
	}
	(void)tree_remove(dir, tmp, &ignored);
	return err->code;
}

/* Does name below dir exist, and hold anything? */
static bool
is_filled(int dir, const char *name)
{
	/* Two links and a size tell nothing on every file system: try to
	 * remove it, which an empty directory lets happen. */
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT;
}

/* Open base and dir, and lock dir. */
static int
open_both(const char *base, const char *dir, int *out_base, int *out_dir,
          int *out_lock, struct error *err)
{
	cleanup_close int b = -1;
	cleanup_close int d = -1;

	b = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b < 0)
		return error_sys(err, "base '%s'", base);
	d = lib_open_path(dir, err);
	if (d < 0)
		return d;
	*out_lock =
	    file_lock(d, ".lock", FILE_LOCK_WAIT | FILE_LOCK_CREATE, err);
	if (*out_lock < 0)
		return err->code;
	*out_base = take_fd(&b);
	*out_dir = take_fd(&d);
	return 0;
}

int
root_make_thin(const char *base, const char *dir, struct tree_stats *stats,
               struct error *err)
{
	cleanup_close int b = -1;
	cleanup_close int d = -1;
	cleanup_close int lock = -1;
	int r = 0;

	if (open_both(base, dir, &b, &d, &lock, err) < 0)
		return err->code;
	if (mkdirat(d, "root", 0755) < 0 && errno != EEXIST)
		return error_sys(err, "create '%s/root'", dir);
	if (!is_filled(d, "own"))
		r = make_whole(d, "own", b, fill_own, stats, err);
	return r < 0 ? error_wrap(err, "'%s'", dir) : r;
}

int
root_make_thick(const char *base, const char *dir, struct tree_stats *stats,
                struct error *err)
{
	cleanup_close int b = -1;
	cleanup_close int d = -1;
	cleanup_close int lock = -1;
	int r = 0;

	if (open_both(base, dir, &b, &d, &lock, err) < 0)
		return err->code;
	if (!is_filled(d, "root"))
		r = make_whole(d, "root", b, fill_root, stats, err);
	return r < 0 ? error_wrap(err, "'%s'", dir) : r;
}
