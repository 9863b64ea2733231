/* SPDX-License-Identifier: BSD-2-Clause */
/* sys.c - the opened runtime directory and cgroup base. */
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/internal.h"
#include "jail/netwall.h"
#include "linux/cgroup.h"
#include "linux/file.h"
#include "linux/mnt.h"
#include "linux/mountinfo.h"
#include "linux/tree.h"
#include "linux/userns.h"

#define RUN_DEFAULT "/run/gaol"
#define RUN_LAST    "addr" /* made last: it is there, so are the others */

enum {
	RUN_TRIES = 1000,        /* each spoilt by another's tidying */
	RESERVE_DIVISOR = 16,    /* of memory stays the host's ... */
	RESERVE_MIN = 256 << 20, /* ... and at least this many bytes */
};

/* FNV-1a: tells one runtime directory's groups from another's. */
static unsigned
hash_text(const char *s)
{
	unsigned h = 2166136261u;

	while (*s != '\0')
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h;
}

/*
 * State belongs in memory: it must not outlive a boot, and a journal makes
 * each of its small files cost milliseconds. Where /run is on a disk the
 * runtime directory gets a tmpfs of its own. dir is locked meanwhile.
 */
static int
put_in_memory(struct jail_sys *sys, int dir, struct error *err)
{
	static const char *const opts[] = { "source=gaol", "mode=755", NULL };
	cleanup_close int tmpfs = -1;
	struct statfs fs;

	if (fstatfs(dir, &fs) < 0)
		return error_sys(err, "'%s'", sys->path);
	if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC ||
	    sys->nested || !mountinfo_is_first())
		return 0;
	tmpfs =
	    mnt_fs("tmpfs", opts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	return tmpfs < 0 ? tmpfs : mnt_attach(tmpfs, AT_FDCWD, sys->path, err);
}

static int
open_run(struct jail_sys *sys, struct error *err)
{
	if (sys->run >= 0)
		close(sys->run);
	sys->run = open(sys->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return sys->run >= 0 ? 0 : error_sys(err, "open '%s'", sys->path);
}

static bool
is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/*
 * Open the runtime directory, made if need be, and lock the directory itself.
 * While we waited something may have been mounted over what we locked, or it
 * may be tidied away: what is locked must be what is there. Returns the lock.
 */
static int
lock_run(struct jail_sys *sys, struct error *err)
{
	for (int i = 0; i < RUN_TRIES; i++) {
		cleanup_close int fd = -1;

		if (file_mkdir(AT_FDCWD, sys->path) < 0 && errno != EEXIST)
			return error_sys(err, "make '%s'", sys->path);
		fd = open(sys->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			return error_sys(err, "open '%s'", sys->path);
		if (open_run(sys, err) == 0 && is_same(fd, sys->run))
			return take_fd(&fd);
		if (sys->run < 0 && err->code != -ENOENT)
			return err->code;
	}
	return error_set(err, -ENOENT, "'%s' does not stay", sys->path);
}

/* The first user of a runtime directory furnishes it; others wait. */
static int
furnish(struct jail_sys *sys, struct error *err)
{
	static const char *const subdirs[] = { "jails", "name", "uid",
		                               RUN_LAST };
	cleanup_close int lock = lock_run(sys, err);

	if (lock < 0)
		return lock;
	if (faccessat(sys->run, RUN_LAST, F_OK, 0) == 0)
		return 0;
	if (put_in_memory(sys, sys->run, err) < 0 || open_run(sys, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(subdirs); i++)
		if (file_mkdir(sys->run, subdirs[i]) < 0 && errno != EEXIST)
			return error_sys(err, "make '%s/%s'", sys->path,
			                 subdirs[i]);
	return 0;
}

int
sys_open_run(struct jail_sys *sys, struct error *err)
{
	struct error ignored;

	if (open_run(sys, &ignored) == 0 &&
	    faccessat(sys->run, RUN_LAST, F_OK, 0) == 0)
		return 0;
	return furnish(sys, err);
}

int
sys_lock(struct jail_sys *sys, struct error *err)
{
	for (;;) {
		cleanup_close int fd = file_lock(
		    sys->run, "lock", FILE_LOCK_WAIT | FILE_LOCK_CREATE, err);

		if (fd < 0 && fd != -ENOENT)
			return fd;
		if (fd >= 0 && sys_run_is_current(sys))
			return take_fd(&fd);
		if (sys_open_run(sys, err) < 0)
			return err->code;
	}
}

/* Is what we have open still what the path leads to? */
static bool
is_same_as_path(const struct jail_sys *sys)
{
	struct stat ours, there;

	return fstat(sys->run, &ours) == 0 && stat(sys->path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static bool
is_empty(int dir)
{
	struct error ignored;
	DIR *d = file_opendir(dir, ".", &ignored);
	unsigned entries = 0;

	if (d == NULL)
		return false;
	while (readdir(d) != NULL)
		entries++;
	closedir(d);
	return entries == 2;
}

/* Remove the directory the mount was on, unless somebody holds it again. */
static void
remove_below(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)rmdir(path);
}

void
sys_leave_run(struct jail_sys *sys)
{
	struct statfs fs;

	/* Whoever furnishes it anew holds the directory itself. */
	if (fstatfs(sys->run, &fs) < 0 || fs.f_type != TMPFS_MAGIC ||
	    flock(sys->run, LOCK_EX | LOCK_NB) < 0)
		return;
	/* It may be somebody else's too: gaol(8) keeps its sites here. Where
	 * /run itself is in memory it is no mount, and stays. */
	if (is_same_as_path(sys) && is_empty(sys->run) &&
	    umount2(sys->path, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
		remove_below(sys->path);
	(void)flock(sys->run, LOCK_UN);
}

void
sys_close_run(struct jail_sys *sys)
{
	static const char *const below[] = { "turn", "name", "uid", RUN_LAST,
		                             "jails" };
	struct statfs fs;
	bool is_ours = fstatfs(sys->run, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
	struct error ignored;

	/* Whoever finds it half gone and furnishes it anew has to wait. */
	if (is_ours)
		(void)flock(sys->run, LOCK_EX);
	/* Whatever is claimed still is void: no jail is there. */
	for (size_t i = 0; i < ARRAY_LEN(below) && is_ours; i++)
		(void)tree_remove(sys->run, below[i], &ignored);
	/* Whoever waits for the lock then sees that this is the past. */
	(void)unlinkat(sys->run, "lock", 0);
	sys_leave_run(sys);
}

bool
sys_run_is_current(const struct jail_sys *sys)
{
	return faccessat(sys->run, RUN_LAST, F_OK, 0) == 0 &&
	       is_same_as_path(sys);
}

/* Without a directory there are no jails, which is no error. */
static int
open_to_read(struct jail_sys *sys, struct error *err)
{
	sys->run = open(sys->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return sys->run >= 0 || errno == ENOENT
	           ? 0
	           : error_sys(err, "open '%s'", sys->path);
}

int
jail_sys_open(bool writable, struct jail_sys **out_sys, struct error *err)
{
	const char *env = secure_getenv("GAOL_RUN");
	const char *path = env != NULL && env[0] == '/' ? env : RUN_DEFAULT;
	struct jail_sys *sys;

	if (writable && geteuid() != 0)
		return error_set(err, -EPERM, "Operation not permitted");
	sys = calloc(1, sizeof(*sys));
	if (sys == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	sys->run = sys->cg = -1;
	sys->writable = writable;
	sys->nested = userns_is_nested();
	snprintf(sys->path, sizeof(sys->path), "%s", path);
	snprintf(sys->cg_base, sizeof(sys->cg_base), "gaol");
	if (strcmp(path, RUN_DEFAULT) != 0)
		snprintf(sys->cg_base, sizeof(sys->cg_base), "gaol-%08x",
		         hash_text(path));
	if ((writable ? sys_open_run(sys, err) : open_to_read(sys, err)) < 0) {
		jail_sys_close(sys);
		return err->code;
	}
	*out_sys = sys;
	return 0;
}

void
jail_sys_close(struct jail_sys *sys)
{
	if (sys == NULL)
		return;
	netwall_close(sys->wall);
	if (sys->run >= 0)
		close(sys->run);
	if (sys->cg >= 0)
		close(sys->cg);
	free(sys->snap);
	free(sys);
}

void
jail_sys_set_hooks(struct jail_sys *sys, const struct jail_hooks *hooks)
{
	sys->hooks = *hooks;
}

int
jail_sys_run_dir(const struct jail_sys *sys)
{
	return sys->run;
}

/* What all jails together may take, so that the host survives them. */
static uint64_t
memory_for_jails(void)
{
	struct sysinfo si;
	uint64_t total, reserve;

	if (sysinfo(&si) < 0)
		return UINT64_MAX;
	total = (uint64_t)si.totalram * si.mem_unit;
	reserve = total / RESERVE_DIVISOR;
	if (reserve < RESERVE_MIN)
		reserve = RESERVE_MIN;
	return total > 2 * reserve ? total - reserve : total / 2;
}

int
sys_cgroup(struct jail_sys *sys, struct error *err)
{
	struct error ignored;

	if (sys->cg >= 0)
		return 0;
	sys->cg = cg_root(sys->nested, err);
	if (sys->cg < 0)
		return error_wrap(err, "no cgroup2 hierarchy");
	if (mkdirat(sys->cg, sys->cg_base, 0755) < 0)
		return errno == EEXIST
		           ? 0
		           : error_sys(err, "make cgroup '%s'", sys->cg_base);
	/* Without it jails are still the first that an OOM takes (spawn.c). */
	if (!sys->nested)
		(void)cg_memory_cap(sys->cg, sys->cg_base, memory_for_jails(),
		                    &ignored);
	return 0;
}
