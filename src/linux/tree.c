/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.c - whole directory trees: copied as they are, removed. */
#include "linux/tree.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "linux/file.h"

/* A file with several names: where its first copy stands. */
struct link {
	ino_t ino;
	char *path; /* below the copy's root */
};

struct copy {
	int root; /* the copy's root directory */
	dev_t dev;
	struct link *link;
	size_t n, cap;
	char path[4096]; /* of the entry at hand, below the root */
	struct tree_stats *stats;
	struct error *err;
};

/* Copy bytes [off, end) by the cheapest call that works. */
static int
copy_range(int in, int out, off_t off, off_t end)
{
	char buf[64 << 10];
	off_t at = off;

	while (off < end) {
		ssize_t n =
		    copy_file_range(in, &off, out, &at, (size_t)(end - off), 0);
		if (n <= 0)
			break;
	}
	while (off < end) { /* kernels and file systems without it */
		size_t want = end - off < (off_t)sizeof(buf)
		                  ? (size_t)(end - off)
		                  : sizeof(buf);
		ssize_t n = pread(in, buf, want, off);

		if (n < 0)
			return -1;
		if (n == 0)
			return 0;
		n = pwrite(out, buf, (size_t)n, off);
		if (n < 0)
			return -1;
		off += n; /* what was not written is read again */
	}
	return 0;
}

/* The bytes of a regular file: blocks shared, or data copied and holes left. */
static int
copy_data(struct copy *c, int in, int out, off_t size)
{
	off_t data = 0;

	if (ioctl(out, FICLONE, in) == 0) {
		c->stats->reflinked++;
		return 0;
	}
	while (data < size) {
		off_t hole;

		data = lseek(in, data, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break; /* a hole up to the end */
		hole = data < 0 ? -1 : lseek(in, data, SEEK_HOLE);
		if (hole < 0) { /* not told: all is data */
			data = 0;
			hole = size;
		}
		if (copy_range(in, out, data, hole) < 0)
			return error_sys(c->err, "copy '%s'", c->path);
		data = hole;
	}
	if (ftruncate(out, size) < 0)
		return error_sys(c->err, "size '%s'", c->path);
	return 0;
}

/* Every extended attribute that in has and out may have. */
static int
copy_xattrs(struct copy *c, int in, int out)
{
	cleanup_free char *names = NULL;
	cleanup_free char *value = NULL;
	ssize_t len = flistxattr(in, NULL, 0);

	if (len <= 0)
		return 0; /* none, or a file system without them */
	names = malloc(TREE_MAX_XATTR);
	value = malloc(TREE_MAX_XATTR);
	if (names == NULL || value == NULL)
		return error_set(c->err, -ENOMEM, "out of memory");
	len = flistxattr(in, names, TREE_MAX_XATTR);
	for (char *name = names; len > 0 && name < names + len;
	     name += strlen(name) + 1) {
		ssize_t n = fgetxattr(in, name, value, TREE_MAX_XATTR);

		if (n < 0 || (fsetxattr(out, name, value, (size_t)n, 0) < 0 &&
		              errno != ENOTSUP))
			return error_sys(c->err, "attribute %s of '%s'", name,
			                 c->path);
	}
	return 0;
}

/* Owner before mode: chown(2) drops set-id bits; xattrs after it for
 * capabilities, times last. */
static int
copy_meta(struct copy *c, int in, int out, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(out, st->st_uid, st->st_gid) < 0 ||
	    fchmod(out, st->st_mode & 07777) < 0)
		return error_sys(c->err, "owner and mode of '%s'", c->path);
	if (copy_xattrs(c, in, out) < 0)
		return c->err->code;
	(void)futimens(out, times);
	return 0;
}

static int
copy_file(struct copy *c, int from, int to, const char *name,
          const struct stat *st)
{
	cleanup_close int in = -1;
	cleanup_close int out = -1;

	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return error_sys(c->err, "open '%s'", c->path);
	out = openat(to, name,
	             O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return error_sys(c->err, "create '%s'", c->path);
	c->stats->files++;
	if (copy_data(c, in, out, st->st_size) < 0)
		return c->err->code;
	return copy_meta(c, in, out, st);
}

/* Symbolic links, fifos and device nodes, which have no descriptor to work
 * on; their extended attributes, if any, stay behind. */
static int
copy_special(struct copy *c, int from, int to, const char *name,
             const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	char target[4096];

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

		if (n < 0)
			return error_sys(c->err, "read link '%s'", c->path);
		target[n] = '\0';
		if (symlinkat(target, to, name) < 0)
			return error_sys(c->err, "create '%s'", c->path);
	} else if (mknodat(to, name, st->st_mode, st->st_rdev) < 0) {
		return error_sys(c->err, "create '%s'", c->path);
	}
	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(c->err, "owner of '%s'", c->path);
	if (!S_ISLNK(st->st_mode) &&
	    fchmodat(to, name, st->st_mode & 07777, 0) < 0)
		return error_sys(c->err, "mode of '%s'", c->path);
	(void)utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* A second name of a file already copied: 1 linked, 0 this is the first. */
static int
copy_link(struct copy *c, int to, const char *name, const struct stat *st)
{
	struct link *l;

	for (size_t i = 0; i < c->n; i++)
		if (c->link[i].ino == st->st_ino) {
			if (linkat(c->root, c->link[i].path, to, name, 0) < 0)
				return error_sys(c->err, "link '%s'", c->path);
			return 1;
		}
	l = vec_room(c->link, c->n, &c->cap, sizeof(*l));
	if (l == NULL)
		return error_set(c->err, -ENOMEM, "out of memory");
	c->link = l;
	c->link[c->n] = (struct link){ st->st_ino, strdup(c->path) };
	if (c->link[c->n].path == NULL)
		return error_set(c->err, -ENOMEM, "out of memory");
	c->n++;
	return 0;
}

static int copy_dir(struct copy *c, int from, int to, int depth);

static int
copy_subdir(struct copy *c, int from, int to, const char *name,
            const struct stat *st, int depth)
{
	cleanup_close int in = -1;
	cleanup_close int out = -1;

	in =
	    openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return error_sys(c->err, "open '%s'", c->path);
	if (mkdirat(to, name, 0700) < 0)
		return error_sys(c->err, "create '%s'", c->path);
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return error_sys(c->err, "open '%s'", c->path);
	if (st->st_dev == c->dev && copy_dir(c, in, out, depth + 1) < 0)
		return c->err->code; /* a mount's directory stays empty */
	return copy_meta(c, in, out, st);
}

static int
copy_entry(struct copy *c, int from, int to, const char *name, int depth)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(c->err, "stat '%s'", c->path);
	if (S_ISDIR(st.st_mode))
		return copy_subdir(c, from, to, name, &st, depth);
	if (S_ISSOCK(st.st_mode))
		return 0;
	if (st.st_nlink > 1) {
		int r = copy_link(c, to, name, &st);

		if (r != 0)
			return r < 0 ? r : 0;
	}
	if (S_ISREG(st.st_mode))
		return copy_file(c, from, to, name, &st);
	return copy_special(c, from, to, name, &st);
}

/* The next name of a directory; NULL at its end, or with err set. */
static const char *
next_name(DIR *d, struct error *err)
{
	struct dirent *e;

	do {
		errno = 0;
		e = readdir(d);
	} while (e != NULL &&
	         (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
	if (e == NULL && errno != 0)
		error_sys(err, "read directory");
	return e != NULL ? e->d_name : NULL;
}

static int
copy_dir(struct copy *c, int from, int to, int depth)
{
	size_t len = strlen(c->path);
	const char *name;
	int r = 0;
	DIR *d;

	if (depth > TREE_MAX_DEPTH)
		return error_set(c->err, -ELOOP, "'%s': too deep", c->path);
	d = file_opendir(from, ".", c->err);
	if (d == NULL)
		return c->err->code;
	c->err->code = 0;
	while (r == 0 && (name = next_name(d, c->err)) != NULL) {
		int n = snprintf(c->path + len, sizeof(c->path) - len, "%s%s",
		                 len != 0 ? "/" : "", name);

		if (n < 0 || (size_t)n >= sizeof(c->path) - len)
			r = error_set(c->err, -ENAMETOOLONG, "'%s'", c->path);
		else
			r = copy_entry(c, from, to, name, depth);
		if (r == 0)
			c->path[len] = '\0';
	}
	closedir(d);
	return r != 0 ? r : c->err->code;
}

int
tree_copy(int from, int to, struct tree_stats *stats, struct error *err)
{
	struct error mine = { 0 };
	struct copy c = { .root = to, .stats = stats, .err = &mine };
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return error_sys(err, "stat");
	c.dev = st.st_dev;
	r = copy_dir(&c, from, to, 0);
	if (r == 0)
		r = copy_meta(&c, from, to, &st);
	for (size_t i = 0; i < c.n; i++)
		free(c.link[i].path);
	free(c.link);
	if (r < 0)
		*err = mine;
	return r;
}

static int
remove_dir(int dirfd, const char *name, int depth, struct error *err)
{
	struct error mine = { 0 };
	cleanup_close int fd = -1;
	const char *entry;
	int r = 0;
	DIR *d;

	if (depth > TREE_MAX_DEPTH)
		return error_set(err, -ELOOP, "'%s': too deep", name);
	fd = openat(dirfd, name,
	            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open '%s'", name);
	d = file_opendir(fd, ".", err);
	if (d == NULL)
		return err->code;
	while (r == 0 && (entry = next_name(d, &mine)) != NULL) {
		if (unlinkat(fd, entry, 0) == 0)
			continue;
		if (errno == EISDIR || errno == EPERM)
			r = remove_dir(fd, entry, depth + 1, &mine);
		else
			r = error_sys(&mine, "remove '%s'", entry);
	}
	closedir(d);
	if (mine.code < 0) {
		*err = mine;
		return err->code;
	}
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		return error_sys(err, "remove '%s'", name);
	return 0;
}

int
tree_remove(int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_sys(err, "stat '%s'", name);
	if (S_ISDIR(st.st_mode))
		return remove_dir(dirfd, name, 0, err);
	if (unlinkat(dirfd, name, 0) < 0)
		return error_sys(err, "remove '%s'", name);
	return 0;
}
