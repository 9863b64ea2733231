/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - whole small files. */
#include "linux/file.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

enum { CHUNK = 8192 }; /* one read(2) takes most of our files whole */

int
file_read(int dirfd, const char *path, size_t max, char **out_text,
          size_t *out_len, struct error *err)
{
	/* A tenant's file may be a FIFO (or a terminal): nobody waits for it.
	 */
	cleanup_close int fd =
	    openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup_buf struct buf b = BUF_INIT;
	char chunk[CHUNK];
	ssize_t n;

	if (fd < 0)
		return error_sys(err, "open '%s'", path);
	/* Less than asked for is not the end: the kernel's own files come in
	 * pages. */
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		if (b.len + (size_t)n > max)
			return error_set(err, -E2BIG, "'%s': over %zu bytes",
			                 path, max);
		buf_put(&b, chunk, (size_t)n);
	}
	if (n < 0)
		return error_sys(err, "read '%s'", path);
	if (out_len != NULL)
		*out_len = b.len;
	*out_text = buf_take(&b);
	return *out_text != NULL ? 0 : error_set(err, -ENOMEM, "out of memory");
}

DIR *
file_opendir(int dirfd, const char *path, struct error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d != NULL)
		return d;
	error_sys(err, "open '%s'", path);
	if (fd >= 0)
		close(fd);
	return NULL;
}

int
file_write(int fd, const void *data, size_t len)
{
	for (const char *p = data; len > 0;) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
file_replace_by(int dirfd, const char *path,
                int (*put)(int fd, const void *arg), const void *arg,
                struct error *err)
{
	cleanup_close int fd = -1;
	char tmp[256];
	int code;

	if (snprintf(tmp, sizeof(tmp), "%s.%d", path, (int)getpid()) >=
	    (int)sizeof(tmp))
		return error_set(err, -ENAMETOOLONG, "'%s'", path);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_sys(err, "create '%s'", tmp);
	code = put(fd, arg);
	if (code == 0 &&
	    (fchmod(fd, 0644) < 0 || renameat(dirfd, tmp, dirfd, path) < 0))
		code = -errno;
	if (code < 0) {
		errno = -code;
		error_sys(err, "write '%s'", path);
		(void)unlinkat(dirfd, tmp, 0);
	}
	return code;
}

struct bytes {
	const void *data;
	size_t len;
};

static int
put_bytes(int fd, const void *arg)
{
	const struct bytes *b = arg;

	return file_write(fd, b->data, b->len);
}

int
file_replace(int dirfd, const char *path, const void *data, size_t len,
             struct error *err)
{
	const struct bytes b = { data, len };

	return file_replace_by(dirfd, path, put_bytes, &b, err);
}

int
file_mkdir(int dirfd, const char *path)
{
	if (mkdirat(dirfd, path, 0755) < 0)
		return -errno;
	return fchmodat(dirfd, path, 0755, 0) < 0 ? -errno : 0;
}

int
file_put(int dirfd, const char *path, const char *text, struct error *err)
{
	cleanup_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "open '%s'", path);
	if (write(fd, text, strlen(text)) < 0)
		return error_sys(err, "write '%s'", path);
	return 0;
}

int
file_lock(int dirfd, const char *path, int flags, struct error *err)
{
	cleanup_close int fd = -1;
	struct stat st;

	fd = openat(dirfd, path,
	            O_RDWR | O_CLOEXEC |
	                (flags & FILE_LOCK_CREATE ? O_CREAT : 0),
	            0600);
	if (fd < 0)
		return error_sys(err, "open '%s'", path);
	while (flock(fd, LOCK_EX | (flags & FILE_LOCK_WAIT ? 0 : LOCK_NB)) < 0)
		if (errno != EINTR)
			return error_sys(err, "lock '%s'", path);
	if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		return error_set(err, -ENOENT, "'%s' is gone", path);
	return take_fd(&fd);
}
