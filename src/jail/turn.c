/* SPDX-License-Identifier: BSD-2-Clause */
/* turn.c - who is at work on the host for a jail that does not exist.
 *
 * A file below turn/ for each name, locked by the process whose pid it has; the
 * kernel unlocks it whatever becomes of that process. It is made and taken with
 * the runtime lock held, so that nobody tidies the directory away around it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "jail/claim.h"
#include "jail/internal.h"
#include "linux/file.h"

enum {
	PATH_TURN = 320, /* "turn/" and 255 bytes */
	ANCESTORS = 1000,
	STAT_MAX = 4096,
};

static void
turn_path(const char *name, char out[PATH_TURN])
{
	char file[CLAIM_NAME_MAX];

	claim_name_file(name, file);
	snprintf(out, PATH_TURN, "turn/%s", file);
}

/* The parent of a process; 0 when that cannot be known. */
static int
parent_of(int pid)
{
	cleanup_free char *text = NULL;
	struct error ignored;
	const char *end;
	char path[32];
	size_t len;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(AT_FDCWD, path, STAT_MAX, &text, &len, &ignored) < 0)
		return 0;
	end = strrchr(text, ')'); /* of its name, which may be anything */
	return end != NULL && sscanf(end, ") %*c %d", &parent) == 1 ? parent
	                                                            : 0;
}

/* Does the holder wait for us, as jail(8) does for its hooks? */
static bool
is_held_above(int run, const char *path)
{
	cleanup_free char *text = NULL;
	struct error ignored;
	int pid = getppid();
	int holder;
	size_t len;

	if (file_read(run, path, STAT_MAX, &text, &len, &ignored) < 0)
		return false;
	holder = atoi(text);
	for (int i = 0; pid > 1 && i < ANCESTORS; i++, pid = parent_of(pid))
		if (pid == holder)
			return true;
	return false;
}

static int
take(struct jail_sys *sys, const char *path, struct error *err)
{
	int fd;

	/* -ENOENT: given up between two steps of ours. */
	do {
		if (file_mkdir(sys->run, "turn") < 0 && errno != EEXIST)
			return error_sys(err, "make '%s/turn'", sys->path);
		fd = file_lock(sys->run, path, FILE_LOCK_CREATE, err);
	} while (fd == -ENOENT);
	return fd;
}

int
jail_turn_take(struct jail_sys *sys, const char *name, struct error *err)
{
	cleanup_close int lock = -1;
	char path[PATH_TURN];
	int fd;

	if (strlen(name) >= CLAIM_NAME_MAX)
		return error_set(err, -ENAMETOOLONG, "name: too long");
	turn_path(name, path);
	lock = sys_lock(sys, err);
	if (lock < 0)
		return lock;
	fd = take(sys, path, err);
	if (fd >= 0) {
		/* Without it a hook that waits for itself is not told. */
		(void)!ftruncate(fd, 0); /* of one that was killed */
		(void)!dprintf(fd, "%d", (int)getpid());
		return fd;
	}
	if (fd != -EWOULDBLOCK)
		return fd;
	if (is_held_above(sys->run, path))
		return error_set(err, -EDEADLK,
		                 "jail \"%s\" is being started or stopped by "
		                 "who runs this command",
		                 name);
	return error_set(err, -EAGAIN, "jail \"%s\" is busy", name);
}

void
jail_turn_drop(struct jail_sys *sys, const char *name, int fd)
{
	char path[PATH_TURN];

	turn_path(name, path);
	(void)unlinkat(sys->run, path, 0);
	(void)unlinkat(sys->run, "turn", AT_REMOVEDIR); /* the last one does */
	close(fd);
}

bool
turn_sweep(struct jail_sys *sys)
{
	struct error ignored;
	DIR *d = file_opendir(sys->run, "turn", &ignored);
	struct dirent *e;
	bool found = false;

	while (d != NULL && (e = readdir(d)) != NULL) {
		cleanup_close int fd = -1;

		if (e->d_name[0] == '.')
			continue;
		fd = file_lock(dirfd(d), e->d_name, 0, &ignored);
		if (fd >= 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
		found = found || fd == -EWOULDBLOCK;
	}
	if (d != NULL)
		closedir(d);
	if (!found)
		(void)unlinkat(sys->run, "turn", AT_REMOVEDIR);
	return found;
}
