/* SPDX-License-Identifier: BSD-2-Clause */
/* presence.c - a directory for each VM, a lock for each that runs. */
#include "vmm/presence.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const char *const parts[] = { "ctl", "info", "lock" };

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

int
presence_claim(const char *base, const char *name, int *out_dir, int *out_lock,
               struct error *err)
{
	cleanup_close int dir = -1, lock = -1;

	if (presence_create(base, name, err) < 0 && err->code != -EEXIST)
		return err->code;
	if (presence_open(base, name, &dir, err) < 0)
		return err->code;
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	              0600);
	if (lock < 0)
		return error_sys(err, "VM '%s': lock", name);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
		           ? error_set(err, -EBUSY, "VM '%s' runs already",
		                       name)
		           : error_sys(err, "VM '%s': lock", name);
	/* What a killed process left. */
	(void)unlinkat(dir, "ctl", 0);
	*out_dir = take_fd(&dir);
	*out_lock = take_fd(&lock);
	return 0;
}

bool
presence_runs(int dir)
{
	cleanup_close int lock =
	    openat(dir, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	return lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0;
}

int
presence_destroy(const char *base, const char *name, struct error *err)
{
	cleanup_close int dir = -1, top = -1;

	if (presence_open(base, name, &dir, err) < 0)
		return err->code;
	if (presence_runs(dir))
		return error_set(err, -EBUSY, "VM '%s' runs", name);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		(void)unlinkat(dir, parts[i], 0);
	top = open_base(base, err);
	if (top < 0)
		return err->code;
	if (unlinkat(top, name, AT_REMOVEDIR) < 0)
		return error_sys(err, "destroy VM '%s'", name);
	return 0;
}
