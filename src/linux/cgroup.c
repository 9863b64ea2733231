/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.c - control groups. */
#include "linux/cgroup.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "linux/file.h"
#include "linux/mnt.h"

enum {
	CGROUP2_MAGIC = 0x63677270, /* linux/magic.h */
	BUSY_WAIT_MS = 5000,        /* for dying tasks, then give up */
	MAX_DEPTH = 64,             /* of groups below one jail */
};

static bool
is_cgroup2(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_MAGIC;
}

/* A jail's view of the hierarchy begins at the group of its init; its own
 * processes, and what it may make groups in, are in "p" below. */
static int
own_root(int top, struct error *err)
{
	int fd = openat(top, "p", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : error_sys(err, "open own cgroup");
}

int
cg_root(bool in_userns, struct error *err)
{
	static const char *const places[] = { "/sys/fs/cgroup",
		                              "/sys/fs/cgroup/unified" };
	cleanup_close int top = -1;

	for (size_t i = 0; i < ARRAY_LEN(places) && !in_userns; i++) {
		int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && is_cgroup2(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	/* "ip netns exec" covers /sys with one that has no hierarchy in it. */
	top = mnt_fs("cgroup2", NULL, 0, err);
	if (top < 0)
		return top;
	return in_userns ? own_root(top, err) : take_fd(&top);
}

int
cg_make(int root, const char *path, struct error *err)
{
	int fd;

	if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
		return error_sys(err, "make cgroup '%s'", path);
	fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open cgroup '%s'", path);
	return fd;
}

int
cg_populated(int cg, struct error *err)
{
	cleanup_free char *text = NULL;
	int rc = file_read(cg, "cgroup.events", 4096, &text, NULL, err);

	if (rc < 0)
		return rc;
	return strstr(text, "populated 1") != NULL;
}

int
cg_pids(int cg, pid_t **out_pids, struct error *err)
{
	cleanup_close int fd = -1;
	cleanup_free pid_t *pids = NULL;
	size_t n = 0, cap = 0;
	FILE *f;
	int pid;

	fd = openat(cg, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (f = fdopen(fd, "r")) == NULL)
		return error_sys(err, "open 'cgroup.procs'");
	(void)take_fd(&fd);
	while (fscanf(f, "%d", &pid) == 1) {
		if (n == cap) {
			pid_t *more;

			cap = cap != 0 ? cap * 2 : 64;
			more = reallocarray(pids, cap, sizeof(*pids));
			if (more == NULL) {
				fclose(f);
				return error_set(err, -ENOMEM, "out of memory");
			}
			pids = more;
		}
		if (pid != 0) /* 0: not visible from this pid namespace */
			pids[n++] = pid;
	}
	fclose(f);
	*out_pids = take_ptr(pids);
	return (int)n;
}

int
cg_kill(int cg, struct error *err)
{
	return file_put(cg, "cgroup.kill", "1", err);
}

/* Wait until cgroup.events of path changes or ms passed. */
static void
wait_events(int root, const char *path, int ms)
{
	char events[512];
	struct pollfd p = { .events = POLLPRI };
	char text[256];

	snprintf(events, sizeof(events), "%s/cgroup.events", path);
	p.fd = openat(root, events, O_RDONLY | O_CLOEXEC);
	if (p.fd < 0)
		return;
	if (read(p.fd, text, sizeof(text)) > 0)
		(void)poll(&p, 1, ms);
	close(p.fd);
}

static int
remove_one(int root, const char *path, struct error *err)
{
	for (int waited = 0;; waited++) {
		if (unlinkat(root, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY || waited >= BUSY_WAIT_MS)
			return error_sys(err, "remove cgroup '%s'", path);
		wait_events(root, path, 1);
	}
}

static int
remove_depth(int root, const char *path, int depth, struct error *err)
{
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *d;
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_sys(err, "'%s'", path);
	if (depth > MAX_DEPTH || (d = fdopendir(fd)) == NULL) {
		close(fd);
		return error_set(err, -ELOOP, "cgroup '%s' too deep", path);
	}
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			rc = remove_depth(fd, e->d_name, depth + 1, err);
	closedir(d);
	return rc < 0 ? rc : remove_one(root, path, err);
}

int
cg_remove_tree(int root, const char *path, struct error *err)
{
	/* Mostly there is nothing below: try the short way first. */
	if (unlinkat(root, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return remove_depth(root, path, 0, err);
}

int
cg_delegate(int cg, uid_t uid, gid_t gid, struct error *err)
{
	static const char *const files[] = { "cgroup.procs", "cgroup.threads",
		                             "cgroup.subtree_control" };

	if (fchownat(cg, "", uid, gid, AT_EMPTY_PATH) < 0)
		return error_sys(err, "delegate cgroup");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (fchownat(cg, files[i], uid, gid, 0) < 0)
			return error_sys(err, "delegate '%s'", files[i]);
	return 0;
}

int
cg_memory_cap(int root, const char *path, uint64_t max_bytes, struct error *err)
{
	char bytes[32];
	char file[512];

	snprintf(bytes, sizeof(bytes), "%" PRIu64, max_bytes);
	snprintf(file, sizeof(file), "%s/memory.max", path);
	if (faccessat(root, file, F_OK, 0) < 0)
		(void)file_put(root, "cgroup.subtree_control", "+memory", err);
	if (faccessat(root, file, F_OK, 0) < 0)
		return error_set(err, -ENOTSUP, "no memory controller here");
	return file_put(root, file, bytes, err);
}
