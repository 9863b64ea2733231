/* SPDX-License-Identifier: BSD-2-Clause */
/* place.c - mount points, opened once and then used by descriptor. */
#include "cmd/freebsd/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "linux/beneath.h"

/* The part of path below the jail's root, or NULL. */
static const char *
below_jail(const char *path, const char **out_root)
{
	const char *root = secure_getenv("JPATH");
	size_t len = root != NULL ? strlen(root) : 0;

	while (len > 1 && root[len - 1] == '/')
		len--;
	if (len <= 1 || strncmp(path, root, len) != 0 || path[len] != '/')
		return NULL;
	*out_root = root;
	return path + len;
}

static int
open_dir_or_file(const char *path, struct error *err)
{
	const char *root;
	const char *below = below_jail(path, &root);
	cleanup_close int fd =
	    open(below != NULL ? root : path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "%s", below != NULL ? root : path);
	if (below == NULL)
		return take_fd(&fd);
	return beneath_open(fd, root, below, O_PATH, 0, err);
}

int
place_open(const char *path, struct error *err)
{
	return open_dir_or_file(path, err);
}

int
place_open_parent(const char *path, char **out_copy, const char **out_name,
                  struct error *err)
{
	cleanup_free char *copy = strdup(path);
	size_t len = strlen(path);
	char *slash;
	int fd;

	if (copy == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	if (strcmp(copy, "/") == 0 || len == 0)
		return error_set(err, -EBUSY, "%s: %s", path, strerror(EBUSY));
	slash = strrchr(copy, '/');
	if (slash == NULL) {
		fd = open_dir_or_file(".", err);
	} else {
		*slash = '\0';
		fd = open_dir_or_file(slash == copy ? "/" : copy, err);
	}
	if (fd < 0)
		return fd;
	*out_name = slash == NULL ? copy : slash + 1;
	*out_copy = take_ptr(copy);
	return fd;
}
