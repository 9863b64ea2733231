/* SPDX-License-Identifier: BSD-2-Clause */
/* presence.c - a directory for each VM, a lock for each that runs. */
#include "vmm/presence.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "linux/file.h"
#include "vmm/confine.h"

enum { CLAIM_TRIES = 100 }; /* each spoilt by one who destroys it */

void
presence_base(char out[PATH_MAX], const char *run, const char *user_run,
              bool is_root)
{
	if (run == NULL && !is_root && user_run != NULL)
		snprintf(out, PATH_MAX, "%s/gaol-vm", user_run);
	else
		snprintf(out, PATH_MAX, "%s-vm",
		         run != NULL ? run : "/run/gaol");
}

bool
presence_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PRESENCE_MAX_NAME &&
	       strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static int
open_base(const char *base, struct error *err)
{
	int fd;

	if (mkdir(base, 0755) < 0 && errno != EEXIST)
		return error_sys(err, "create '%s'", base);
	fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : error_sys(err, "open '%s'", base);
}

int
presence_create(const char *base, const char *name, struct error *err)
{
	cleanup_close int dir = -1;

	if (!presence_name_ok(name))
		return error_set(err, -EINVAL, "'%s' is no name for a VM",
		                 name);
	dir = open_base(base, err);
	if (dir < 0)
		return err->code;
	/* The control socket inside is for the owner alone. */
	if (mkdirat(dir, name, 0700) < 0)
		return error_sys(err, "create VM '%s'", name);
	return 0;
}

int
presence_open(const char *base, const char *name, int *out_dir,
              struct error *err)
{
	cleanup_close int dir = -1;
	int fd = -1;

	dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && presence_name_ok(name))
		fd = openat(dir, name,
		            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	else
		errno = ENOENT;
	if (fd < 0 && errno == ENOENT)
		return error_set(err, -ENOENT, "VM:%s is not created.", name);
	if (fd < 0)
		return error_sys(err, "VM '%s'", name);
	*out_dir = fd;
	return 0;
}

/*
 * The lock of the directory, made if need be: -EAGAIN when somebody destroyed
 * the VM in between, so that what was locked is no longer what others see.
 */
static int
lock_dir(int dir, int *out_lock)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	cleanup_close int lock = openat(
	    dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (lock < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (fcntl(lock, F_OFD_SETLK, &whole) < 0)
		return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	if (fstat(lock, &st) < 0)
		return -errno;
	if (st.st_nlink == 0)
		return -EAGAIN;
	*out_lock = take_fd(&lock);
	return 0;
}

int
presence_claim(const char *base, const char *name, int *out_dir, int *out_lock,
               struct error *err)
{
	for (unsigned i = 0; i < CLAIM_TRIES; i++) {
		cleanup_close int dir = -1;
		int rc;

		if (presence_create(base, name, err) < 0 &&
		    err->code != -EEXIST)
			return err->code;
		if (presence_open(base, name, &dir, err) < 0) {
			if (err->code != -ENOENT)
				return err->code;
			continue;
		}
		rc = lock_dir(dir, out_lock);
		if (rc == 0) {
			/* What a killed process left. */
			(void)unlinkat(dir, "ctl", 0);
			*out_dir = take_fd(&dir);
			return 0;
		}
		if (rc == -EBUSY)
			return error_set(err, rc, "VM '%s' runs already", name);
		if (rc != -EAGAIN)
			return error_set(err, rc, "VM '%s': lock: %s", name,
			                 strerror(-rc));
	}
	return error_set(err, -EAGAIN, "VM '%s' is being destroyed", name);
}

/* Looks without taking: a bhyve that starts now must find the lock free. */
bool
presence_runs(int dir)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	cleanup_close int lock =
	    openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return lock >= 0 && fcntl(lock, F_OFD_GETLK, &whole) == 0 &&
	       whole.l_type != F_UNLCK;
}

/* Files, links and sockets; what a configuration put there, too. */
static int
empty(int dir, struct error *err)
{
	DIR *d = file_opendir(dir, ".", err);
	struct dirent *e;

	if (d == NULL)
		return err->code;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(dir, e->d_name, 0);
	closedir(d);
	return 0;
}

int
presence_destroy(const char *base, const char *name, struct error *err)
{
	cleanup_close int dir = -1, top = -1, lock = -1;
	int rc;

	if (presence_open(base, name, &dir, err) < 0)
		return err->code;
	/* Held to the end: who comes now makes it anew or waits. */
	rc = lock_dir(dir, &lock);
	if (rc == -EBUSY)
		return error_set(err, -EBUSY, "VM '%s' runs", name);
	if (rc < 0 && rc != -EAGAIN)
		return error_set(err, rc, "VM '%s': lock: %s", name,
		                 strerror(-rc));
	if (empty(dir, err) < 0)
		return err->code;
	top = open_base(base, err);
	if (top < 0)
		return err->code;
	if (unlinkat(top, name, AT_REMOVEDIR) < 0)
		return error_sys(err, "destroy VM '%s'", name);
	confine_uids_tidy(base);
	return 0;
}
