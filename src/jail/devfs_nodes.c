/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs_nodes.c - what there is in the host's /dev for rules to choose from.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "jail/devfs.h"

enum {
	MAX_DEPTH = 6, /* directories below /dev */
};

/* What is synthesised: the same in every jail, wherever the host has it. */
static const struct {
	const char *path, *target; /* no target: a directory */
} fixed[] = {
	{ "pts", NULL },
	{ "ptmx", "pts/ptmx" },
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
	/* /dev is read-only: a syslogd of the jail listens where FreeBSD's
	 * does, and what logs to /dev/log finds it there. */
	{ "log", "/run/log" },
};

struct walk {
	struct devfs_node *node;
	size_t n, cap;
	dev_t dev; /* of /dev: directories elsewhere are not entered */
};

static struct devfs_node *
walk_add(struct walk *w)
{
	struct devfs_node *grown =
	    vec_room(w->node, w->n, &w->cap, sizeof(*grown));

	if (grown == NULL)
		return NULL;
	w->node = grown;
	w->node[w->n] = (struct devfs_node){ .mode = 0 };
	return &w->node[w->n++];
}

static bool
is_fixed(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (strcmp(path, fixed[i].path) == 0)
			return true;
	/* Our mount points; what the host has there is not for jails. */
	return strcmp(path, "shm") == 0 || strcmp(path, "gaol") == 0;
}

/* Take one entry if it is of a kind we show. 1: a directory to enter. */
static int
walk_entry(struct walk *w, int dirfd, const char *name, const char *path)
{
	struct devfs_node *node;
	char target[sizeof(node->target)] = "";
	struct stat st;

	if (is_fixed(path) ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(dirfd, name, target, sizeof(target));

		if (n < 0 || n >= (ssize_t)sizeof(target) || target[0] == '/')
			return 0; /* out of /dev, or too long to be worth it */
	} else if (S_ISDIR(st.st_mode)) {
		if (st.st_dev != w->dev)
			return 0;
	} else if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
		return 0;
	}
	node = walk_add(w);
	if (node == NULL)
		return -ENOMEM;
	strcpy(node->path, path);
	memcpy(node->target, target, sizeof(target));
	node->mode = st.st_mode;
	node->rdev = st.st_rdev;
	node->uid = st.st_uid;
	node->gid = st.st_gid;
	return S_ISDIR(st.st_mode) ? 1 : 0;
}

/* Walk the directory dirfd (taken over), whose path below /dev is base. */
static int
walk_dir(struct walk *w, int dirfd, const char *base, unsigned depth)
{
	DIR *d = fdopendir(dirfd);
	struct dirent *e;
	int rc = 0;

	if (d == NULL) {
		close(dirfd);
		return -errno;
	}
	while (rc >= 0 && (e = readdir(d)) != NULL) {
		char path[sizeof(w->node->path)];
		int sub;

		if (e->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s%s%s", base,
		             base[0] != '\0' ? "/" : "",
		             e->d_name) >= (int)sizeof(path))
			continue;
		if (w->n >= DEVFS_MAX_SEEN)
			rc = -E2BIG;
		else
			rc = walk_entry(w, dirfd, e->d_name, path);
		if (rc != 1 || depth >= MAX_DEPTH)
			continue;
		sub = openat(dirfd, e->d_name,
		             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		rc = sub < 0 ? 0 : walk_dir(w, sub, path, depth + 1);
	}
	closedir(d);
	return rc < 0 ? rc : 0;
}

int
devfs_nodes(struct devfs_node **out_all, struct error *err)
{
	cleanup_close int fd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct walk w = { .node = NULL };
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open '/dev'");
	w.dev = st.st_dev;
	rc = walk_dir(&w, take_fd(&fd), "", 0);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(fixed); i++) {
		struct devfs_node *node = walk_add(&w);

		if (node == NULL) {
			rc = -ENOMEM;
			break;
		}
		strcpy(node->path, fixed[i].path);
		node->mode = S_IFDIR | 0755;
		if (fixed[i].target != NULL) {
			strcpy(node->target, fixed[i].target);
			node->mode = S_IFLNK | 0777;
		}
	}
	if (rc < 0) {
		free(w.node);
		return error_set(err, rc, "list '/dev': %s", strerror(-rc));
	}
	*out_all = w.node;
	return (int)w.n;
}
