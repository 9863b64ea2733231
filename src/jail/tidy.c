/* SPDX-License-Identifier: BSD-2-Clause */
/* tidy.c - what is cleared away when jails are gone.
 *
 * Everything that jails share (device templates, programs in the kernel, the
 * cgroup above) is made after a jail has claimed its jid under the runtime
 * lock. So with that lock held and no jid claimed, nobody uses any of it and
 * nobody can start to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "jail/devfs.h"
#include "jail/internal.h"
#include "jail/netwall.h"
#include "linux/cgroup.h"
#include "linux/file.h"

/* Erase one jail's remains, unless it lives or is being worked on. */
static int
erase_dead(struct jail_sys *sys, int jid, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;

	if (record_load(sys, jid, &r) != RECORD_DEAD)
		return 0;
	return record_reap(sys, jid, err);
}

/* Call fn for each claimed jid. Returns their number, or fn's failure. */
static int
each_jid(struct jail_sys *sys,
         int (*fn)(struct jail_sys *sys, int jid, struct error *err),
         struct error *err)
{
	DIR *d = file_opendir(sys->run, "jails", err);
	struct dirent *e;
	int n = 0, r = 0;

	if (d == NULL) /* nobody has furnished it since it was tidied */
		return err->code == -ENOENT ? 0 : err->code;
	while (r >= 0 && (e = readdir(d)) != NULL) {
		long long jid;

		if (num_int_in(e->d_name, 1, JAIL_MAX_JID, &jid) < 0)
			continue;
		n++;
		if (fn != NULL)
			r = fn(sys, (int)jid, err);
	}
	closedir(d);
	return r < 0 ? r : n;
}

/* "next" and "swept", and what a writer of them that was killed left beside
 * it. */
static void
drop_counters(struct jail_sys *sys)
{
	static const char *const names[] = { "next", "swept" };
	struct error ignored;
	DIR *d = file_opendir(sys->run, ".", &ignored);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			size_t len = strlen(names[i]);

			if (strncmp(e->d_name, names[i], len) == 0 &&
			    (e->d_name[len] == '\0' || e->d_name[len] == '.'))
				(void)unlinkat(sys->run, e->d_name, 0);
		}
	if (d != NULL)
		closedir(d);
}

static int
drop_shared(struct jail_sys *sys, struct error *err)
{
	cleanup_close int cg = -1;

	if (devfs_template_drop(sys->run, err) < 0 ||
	    netwall_drop(sys->run, err) < 0)
		return err->code;
	cg = cg_root(sys->nested, err);
	if (cg < 0 || cg_remove_tree(cg, sys->cg_base, err) < 0)
		return err->code;
	drop_counters(sys);
	return 0;
}

int
jail_sys_tidy(struct jail_sys *sys, struct error *err)
{
	cleanup_close int lock = -1;
	int n;

	if (!sys_run_is_current(sys)) {
		/* Somebody else did it, and may have had to leave the rest. */
		sys_leave_run(sys);
		return 0;
	}
	lock = sys_lock(sys, err);
	if (lock < 0 || each_jid(sys, erase_dead, err) < 0)
		return err->code;
	n = each_jid(sys, NULL, err);
	if (turn_sweep(sys) && n == 0)
		return 0; /* who holds it tidies, or makes a jail */
	if (n == 0 && drop_shared(sys, err) < 0)
		return err->code;
	if (n == 0)
		sys_close_run(sys);
	return n;
}
