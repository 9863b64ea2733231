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

#include "base/vec.h"
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
		pid_t *more = vec_room(pids, n, &cap, sizeof(*pids));

		if (more == NULL) {
			fclose(f);
			return error_set(err, -ENOMEM, "out of memory");
		}
		pids = more;
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
	if (p.fd < 0) { /* version 1 */
		(void)poll(NULL, 0, ms);
		return;
	}
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
	struct dirent *e;
	int rc = 0;
	DIR *d;

	if (depth > MAX_DEPTH)
		return error_set(err, -ELOOP, "cgroup '%s' too deep", path);
	d = file_opendir(root, path, err);
	if (d == NULL)
		return err->code == -ENOENT ? 0 : err->code;
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			rc = remove_depth(dirfd(d), e->d_name, depth + 1, err);
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

/* Groups made below path get the controller, if it can be had. */
static void
enable_below(int root, const char *path, const char *controller)
{
	char file[512], word[32];
	struct error ignored;

	snprintf(file, sizeof(file), "%s/cgroup.subtree_control", path);
	snprintf(word, sizeof(word), "+%s", controller);
	(void)file_put(root, file, word, &ignored);
}

int
cg_memory_cap(int root, const char *path, uint64_t max_bytes, struct error *err)
{
	char bytes[32];
	char file[512];

	snprintf(bytes, sizeof(bytes), "%" PRIu64, max_bytes);
	snprintf(file, sizeof(file), "%s/memory.max", path);
	if (faccessat(root, file, F_OK, 0) < 0)
		enable_below(root, ".", "memory");
	if (faccessat(root, file, F_OK, 0) < 0)
		return error_set(err, -ENOTSUP, "no memory controller here");
	return file_put(root, file, bytes, err);
}

int
cg_pids_cap(int cg, uint64_t max, uid_t keeper, struct error *err)
{
	char number[32];

	if (faccessat(cg, "pids.max", F_OK, 0) < 0)
		return error_set(err, -ENOTSUP, "no pids controller here");
	snprintf(number, sizeof(number), "%" PRIu64, max);
	if (file_put(cg, "pids.max", number, err) < 0)
		return err->code;
	if (fchownat(cg, "pids.max", keeper, keeper, 0) < 0)
		return error_sys(err, "keep 'pids.max'");
	return 0;
}

/* Is word one of a list's, each with a separator behind it or the end? */
static bool
lists(const char *list, const char *word, const char *separators)
{
	size_t len = strlen(word);

	for (; *list != '\0'; list += strspn(list, separators)) {
		size_t n = strcspn(list, separators);

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n;
	}
	return false;
}

int
cg_enable(int root, const char *path, const char *controller, struct error *err)
{
	cleanup_free char *there = NULL;
	char prefix[256];

	if (file_read(root, "cgroup.controllers", 4096, &there, NULL, err) < 0)
		return err->code;
	if (!lists(there, controller, " \n"))
		return error_set(err, -ENOTSUP, "no %s controller here",
		                 controller);
	enable_below(root, ".", controller);
	for (size_t len = 0; path[len] != '\0';) { /* a, then a/b ... */
		len += path[len] == '/';
		len += strcspn(path + len, "/");
		snprintf(prefix, sizeof(prefix), "%.*s", (int)len, path);
		enable_below(root, prefix, controller);
	}
	return 0;
}

/* Options that mount the version 1 hierarchy of one line of /proc/self/cgroup,
 * "8:cpu,cpuacct:/": its controllers. Cuts the line up. */
static bool
v1_options(char *line, const char *controller, const char **opts, size_t max)
{
	char *names = strchr(line, ':');
	char *end = names != NULL ? strchr(names + 1, ':') : NULL;
	size_t n = 0;

	if (end == NULL)
		return false;
	*end = '\0';
	if (!lists(names + 1, controller, ","))
		return false;
	for (char *name; (name = strsep(&names, ":,")) != NULL;)
		if (*name != '\0' && name != line && n + 1 < max)
			opts[n++] = name;
	opts[n] = NULL;
	return true;
}

int
cg_v1_root(const char *controller, struct error *err)
{
	cleanup_free char *text = NULL;
	const char *opts[8];
	char *rest, *line;

	if (file_read(AT_FDCWD, "/proc/self/cgroup", 65536, &text, NULL, err) <
	    0)
		return err->code;
	/* Mounting by name one that is not there would take the controller
	 * away from the unified hierarchy. */
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
		if (v1_options(line, controller, opts, ARRAY_LEN(opts)))
			return mnt_fs("cgroup", opts, 0, err);
	return error_set(err, -ENOTSUP, "no %s controller here", controller);
}

bool
cg_has_v1(void)
{
	cleanup_free char *text = NULL;
	struct error err;
	char *rest, *line;

	if (file_read(AT_FDCWD, "/proc/self/cgroup", 65536, &text, NULL, &err) <
	    0)
		return true;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
		if (*line != '\0' && strncmp(line, "0::", 3) != 0)
			return true;
	return false;
}

int
cg_enter(int procs, struct error *err)
{
	return write(procs, "0", 1) == 1
	           ? 0
	           : error_sys(err, "enter control group");
}
