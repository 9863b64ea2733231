/* SPDX-License-Identifier: BSD-2-Clause */
/* record.c - one jail's record: read, judged, written, erased. */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/strv.h"
#include "jail/claim.h"
#include "jail/internal.h"
#include "jail/procs.h"
#include "linux/cgroup.h"
#include "linux/file.h"

enum {
	RECORD_MAX_BYTES = 1 << 20,
	DEATH_WAIT_MS = 10000, /* for a killed init to be gone */
};

void
record_fini(struct record *r)
{
	dict_fini(&r->d);
	if (r->pidfd >= 0)
		close(r->pidfd);
	r->pidfd = -1;
}

/* Is somebody at work on this jail? */
static bool
is_locked(struct jail_sys *sys, int jid)
{
	char path[PATH_JAIL];
	struct error ignored;
	int fd;

	snprintf(path, sizeof(path), "jails/%d/lock", jid);
	fd = file_lock(sys->run, path, 0, &ignored);
	if (fd < 0)
		return fd == -EWOULDBLOCK;
	close(fd);
	return false;
}

static enum record_life
life_without_record(struct jail_sys *sys, int jid)
{
	char path[PATH_JAIL];

	snprintf(path, sizeof(path), "jails/%d", jid);
	if (faccessat(sys->run, path, F_OK, 0) < 0)
		return RECORD_NONE;
	return sys->writable && is_locked(sys, jid) ? RECORD_BUSY : RECORD_DEAD;
}

enum record_life
record_load(struct jail_sys *sys, int jid, struct record *r)
{
	cleanup_free char *text = NULL;
	char path[PATH_JAIL];
	struct error ignored;
	const char *state;
	size_t len;

	record_fini(r);
	r->jid = jid;
	if (sys->run < 0)
		return RECORD_NONE;
	snprintf(path, sizeof(path), "jails/%d/record", jid);
	if (file_read(sys->run, path, RECORD_MAX_BYTES, &text, &len, &ignored) <
	        0 ||
	    dict_read(&r->d, text, len, &ignored) < 0)
		return life_without_record(sys, jid);
	state = dict_get(&r->d, REC_STATE);
	if (state == NULL || strcmp(state, "up") != 0)
		return sys->writable && is_locked(sys, jid) ? RECORD_BUSY
		                                            : RECORD_DEAD;
	r->init.pid = (pid_t)dict_get_int(&r->d, REC_INIT_PID, 0);
	r->init.start = (uint64_t)dict_get_int(&r->d, REC_INIT_TIME, 0);
	r->init.ino = (uint64_t)dict_get_int(&r->d, REC_INIT_INO, 0);
	r->pidfd = pidref_open(&r->init);
	if (r->pidfd < 0)
		r->pidfd = -1;
	return r->pidfd >= 0 ? RECORD_ALIVE : RECORD_DEAD;
}

int
record_get(struct jail_sys *sys, int jid, struct record *r, struct error *err)
{
	if (record_load(sys, jid, r) != RECORD_ALIVE)
		return error_set(err, -ENOENT, "jail %d not found", jid);
	return 0;
}

int
record_save(struct jail_sys *sys, const struct record *r, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT;
	char path[PATH_JAIL];

	dict_write(&r->d, &b);
	if (b.failed)
		return error_set(err, -ENOMEM, "out of memory");
	snprintf(path, sizeof(path), "jails/%d/record", r->jid);
	return file_replace(sys->run, path, buf_str(&b), b.len, err);
}

int
record_set_init(struct record *r, int pidfd, pid_t pid, struct error *err)
{
	if (pidref_of(pidfd, pid, &r->init, err) < 0)
		return err->code;
	if (dict_setf(&r->d, REC_INIT_PID, "%d", (int)pid) < 0 ||
	    dict_setf(&r->d, REC_INIT_TIME, "%" PRIu64, r->init.start) < 0 ||
	    dict_setf(&r->d, REC_INIT_INO, "%" PRIu64, r->init.ino) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

int
record_lock(struct jail_sys *sys, int jid, struct error *err)
{
	char path[PATH_JAIL];

	snprintf(path, sizeof(path), "jails/%d/lock", jid);
	return file_lock(sys->run, path, FILE_LOCK_WAIT, err);
}

int
record_open_group(struct jail_sys *sys, const struct record *r,
                  struct error *err)
{
	const char *cgroup = dict_get(&r->d, REC_CGROUP);
	char path[512];
	int fd;

	if (cgroup == NULL)
		return error_set(err, -ENOENT, "jail %d has no cgroup", r->jid);
	if (sys_cgroup(sys, err) < 0)
		return err->code;
	snprintf(path, sizeof(path), "%s/p", cgroup);
	fd = openat(sys->cg, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : error_sys(err, "open cgroup '%s'", path);
}

/* Kill a jail's processes and wait until its init is gone. */
static int
kill_group(struct jail_sys *sys, struct record *r, const char *cgroup,
           struct error *err)
{
	cleanup_close int cg =
	    openat(sys->cg, cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pollfd p = { .fd = r->pidfd, .events = POLLIN };

	if (cg < 0)
		return 0;
	if (cg_kill(cg, err) < 0)
		return err->code;
	if (r->pidfd >= 0 && poll(&p, 1, DEATH_WAIT_MS) == 0)
		return error_set(err, -EBUSY, "jail %d does not die", r->jid);
	return 0;
}

/*
 * Remove a jail's directory, or the one below it. The lock goes last: whoever
 * makes a new one then keeps the directory there, so nobody ever holds the lock
 * of a jail that is gone while another takes its jid.
 */
static void
remove_dir(struct jail_sys *sys, int jid, const char *below)
{
	char path[PATH_JAIL + 16];
	struct dirent *e;
	struct error ignored;
	DIR *d;

	snprintf(path, sizeof(path), "jails/%d%s", jid, below);
	d = file_opendir(sys->run, path, &ignored);
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strcmp(e->d_name, "lock") != 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)unlinkat(dirfd(d), "lock", 0);
	closedir(d);
	(void)unlinkat(sys->run, path, AT_REMOVEDIR);
}

/* A jail's group is named for its jid; whatever else a record says must not be
 * killed, least of all the group above, which holds every jail. */
static bool
is_own_group(const char *cgroup, int jid)
{
	const char *slash = strrchr(cgroup, '/');

	return slash != NULL && jid > 0 && atoi(slash + 1) == jid;
}

int
record_erase(struct jail_sys *sys, struct record *r, struct error *err)
{
	const char *cgroup = dict_get(&r->d, REC_CGROUP);

	if (cgroup != NULL && is_own_group(cgroup, r->jid)) {
		if (sys_cgroup(sys, err) < 0 ||
		    kill_group(sys, r, cgroup, err) < 0 ||
		    cg_remove_tree(sys->cg, cgroup, err) < 0 ||
		    procs_release(sys, r, err) < 0)
			return err->code;
	}
	claim_release(sys->run, r->jid, &r->d);
	remove_dir(sys, r->jid, "/vnet.d");
	remove_dir(sys, r->jid, "");
	return 0;
}
