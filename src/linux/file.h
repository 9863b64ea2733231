/* SPDX-License-Identifier: BSD-2-Clause */
/* file.h - whole small files: read with a limit, replaced atomically, locked.
 */
#ifndef LINUX_FILE_H
#define LINUX_FILE_H
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * All bytes of a file below dirfd (AT_FDCWD too), with a NUL after them.
 * *out_text is malloc'ed, the caller's. -E2BIG over max bytes.
 */
int file_read(int dirfd, const char *path, size_t max, char **out_text,
              size_t *out_len, struct error *err);

/* A directory below dirfd to read, "." for dirfd itself, closed by closedir(3);
 * NULL with a negative errno in err->code. Symlinks are followed. */
DIR *file_opendir(int dirfd, const char *path, struct error *err);

/* Replace (or make) a file in one step: a reader, and a writer killed at any
 * instant, sees the old bytes or the new ones. Not synced to a disk. */
int file_replace(int dirfd, const char *path, const void *data, size_t len,
                 struct error *err);

/* All of data to an open file or pipe, which blocks. 0 or a negative errno. */
int file_write(int fd, const void *data, size_t len);

/* The same for bytes that put() writes to fd: 0 or a negative errno. */
int file_replace_by(int dirfd, const char *path,
                    int (*put)(int fd, const void *arg), const void *arg,
                    struct error *err);

/* Make a directory that everybody may read, whatever the umask; -EEXIST when
 * there is one. */
int file_mkdir(int dirfd, const char *path);

/* One write(2) to an existing file, as kernel control files want it. */
int file_put(int dirfd, const char *path, const char *text, struct error *err);

enum {
	FILE_LOCK_WAIT = 1,   /* block; else -EWOULDBLOCK when it is held */
	FILE_LOCK_CREATE = 2, /* make the file; else -ENOENT without it */
};

/*
 * Open and flock(2) exclusively a file below dirfd. Returns the descriptor,
 * whose closing unlocks. -ENOENT also when the last holder removed the file
 * while we waited.
 */
int file_lock(int dirfd, const char *path, int flags, struct error *err);
#endif
