/* SPDX-License-Identifier: BSD-2-Clause */
/* procs.c - how many processes a jail may have at once. */
#include "jail/procs.h"

#include <sys/resource.h>
#include <sys/sysinfo.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jail/claim.h"
#include "linux/cgroup.h"

enum {
	MIN_PROCS = 1024,
	TRIES = 100, /* at a base that others remove */
};

static const char controller[] = "pids";

/* One process for each MiB of memory, so that a fork bomb ends before the
 * host, or what the caller may have himself. */
uint64_t
procs_max(void)
{
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t cap = MIN_PROCS;
	struct sysinfo si;

	if (sysinfo(&si) == 0)
		cap = (uint64_t)si.totalram * si.mem_unit >> 20;
	if (cap < MIN_PROCS)
		cap = MIN_PROCS;
	(void)getrlimit(RLIMIT_NPROC, &lim);
	return lim.rlim_cur < cap ? lim.rlim_cur : cap;
}

/* --- the unified hierarchy ---------------------------------------------- */

static int
hold_unified(struct jail_sys *sys, const struct record *r, int group,
             struct error *err)
{
	char above[512];
	char *slash;

	snprintf(above, sizeof(above), "%s", dict_get(&r->d, REC_CGROUP));
	slash = strrchr(above, '/');
	if (slash != NULL)
		*slash = '\0';
	if (cg_enable(sys->cg, above, controller, err) < 0)
		return err->code;
	return cg_pids_cap(group, procs_max(), claim_uid_of(&r->d), err);
}

/* --- version 1 ----------------------------------------------------------- */

/* BASE/JID in the controller's own hierarchy. The base goes with the last jail
 * that needed one (procs_release), perhaps while we are here. */
static int
make_group(const struct jail_sys *sys, int top, const char *path,
           struct error *err)
{
	int fd = -1;

	for (int i = 0; fd < 0 && i < TRIES; i++) {
		int base = cg_make(top, sys->cg_base, err);

		if (base < 0 && err->code != -ENOENT)
			return base;
		if (base >= 0)
			close(base);
		fd = cg_make(top, path, err);
		if (fd < 0 && err->code != -ENOENT)
			return fd;
	}
	return fd;
}

static int
hold_v1(struct jail_sys *sys, struct record *r, struct error *err)
{
	cleanup_close int top = cg_v1_root(controller, err);
	cleanup_close int group = -1;

	if (top < 0)
		return top;
	if (dict_setf(&r->d, REC_PIDS, "%s/%d", sys->cg_base, r->jid) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (record_save(sys, r, err) < 0)
		return err->code;
	group = make_group(sys, top, dict_get(&r->d, REC_PIDS), err);
	if (group < 0)
		return group;
	return cg_pids_cap(group, procs_max(), claim_uid_of(&r->d), err);
}

int
procs_hold(struct jail_sys *sys, struct record *r, int group, int *out_enter,
           struct error *err)
{
	int rc = hold_unified(sys, r, group, err);

	*out_enter = -1;
	if (rc != -ENOTSUP)
		return rc;
	if (hold_v1(sys, r, err) < 0)
		return err->code;
	return procs_enter_open(r, out_enter, err);
}

int
procs_enter_open(const struct record *r, int *out_enter, struct error *err)
{
	const char *group = dict_get(&r->d, REC_PIDS);
	cleanup_close int top = -1;
	char path[512];
	int fd;

	*out_enter = -1;
	if (group == NULL)
		return 0;
	top = cg_v1_root(controller, err);
	if (top < 0)
		return top;
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = openat(top, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open '%s'", path);
	*out_enter = fd;
	return 0;
}

int
procs_release(const struct jail_sys *sys, const struct record *r,
              struct error *err)
{
	const char *group = dict_get(&r->d, REC_PIDS);
	cleanup_close int top = -1;

	if (group == NULL)
		return 0;
	top = cg_v1_root(controller, err);
	if (top < 0)
		return top;
	if (cg_remove_tree(top, group, err) < 0)
		return err->code;
	(void)unlinkat(top, sys->cg_base, AT_REMOVEDIR); /* the last one does */
	return 0;
}
