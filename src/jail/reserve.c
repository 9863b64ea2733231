/* SPDX-License-Identifier: BSD-2-Clause */
/* reserve.c - claiming what a new or changed jail needs, one caller at a time,
 * and clearing away the dead that stand in its way.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/vec.h"
#include "jail/claim.h"
#include "jail/internal.h"
#include "linux/file.h"

enum { SWEEP = 3, SWEEP_BYTES = 32 }; /* one entry: 19 bytes, a jid, a NUL */

int
record_reap(struct jail_sys *sys, int jid, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	cleanup_close int lock = -1;
	char path[PATH_JAIL];

	snprintf(path, sizeof(path), "jails/%d/lock", jid);
	lock = file_lock(sys->run, path, FILE_LOCK_CREATE, err);
	if (lock == -ENOENT)
		return 1;
	if (lock < 0)
		return lock == -EWOULDBLOCK ? 0 : lock;
	/* With the lock in our hand nobody is at work: starting is dead. */
	if (record_load(sys, jid, &r) == RECORD_ALIVE)
		return 0;
	return record_erase(sys, &r, err) < 0 ? err->code : 1;
}

/* Does the jail still stand, also while it is being made? Clears the dead. */
static bool
stands(struct jail_sys *sys, int jid, struct record *r)
{
	struct error ignored;

	switch (record_load(sys, jid, r)) {
	case RECORD_NONE:
		return false;
	case RECORD_DEAD:
		return record_reap(sys, jid, &ignored) <= 0;
	case RECORD_BUSY:
	case RECORD_ALIVE:
		break;
	}
	return true;
}

static bool
addr_holder_alive(void *arg, int jid, bool *out_single)
{
	cleanup_record struct record r = RECORD_INIT;
	const char *ip4, *ip6;

	if (!stands(arg, jid, &r))
		return false;
	ip4 = dict_get(&r.d, "ip4.addr");
	ip6 = dict_get(&r.d, "ip6.addr");
	*out_single = (ip4 == NULL || strchr(ip4, ',') == NULL) &&
	              (ip6 == NULL || strchr(ip6, ',') == NULL);
	return true;
}

static int
try_jid(struct jail_sys *sys, int jid, struct error *err)
{
	char path[PATH_JAIL];

	snprintf(path, sizeof(path), "jails/%d", jid);
	if (file_mkdir(sys->run, path) == 0)
		return 1;
	return errno == EEXIST ? 0 : error_sys(err, "make '%s'", path);
}

/*
 * Look at the next few jails in the directory's order and clear the dead away:
 * a jail that ended by itself had nobody to do it. Two for each new one keeps
 * their number bounded, and the cost the same however many jails there are.
 */
static void
sweep(struct jail_sys *sys)
{
	cleanup_close int dir =
	    openat(sys->run, "jails", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_record struct record r = RECORD_INIT;
	cleanup_free char *text = NULL;
	union {
		struct dirent64 first;
		char bytes[sizeof(struct dirent64)];
	} entry;
	struct error ignored;
	long long from = 0;
	char number[24];

	if (dir < 0)
		return;
	if (file_read(sys->run, "swept", sizeof(number), &text, NULL,
	              &ignored) == 0)
		(void)num_int(text, &from);
	(void)lseek(dir, from, SEEK_SET);
	for (int i = 0; i < SWEEP; i++) {
		if (getdents64(dir, entry.bytes, SWEEP_BYTES) <= 0) {
			from = 0; /* at the end: round again */
			break;
		}
		from = entry.first.d_off;
		if (entry.first.d_name[0] != '.')
			(void)stands(sys, atoi(entry.first.d_name), &r);
	}
	snprintf(number, sizeof(number), "%lld", from);
	(void)file_replace(sys->run, "swept", number, strlen(number), &ignored);
}

/* A jid nobody has: the one asked for, or the next above the last. */
static int
take_jid(struct jail_sys *sys, int want, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	cleanup_free char *text = NULL;
	struct error ignored;
	long long next = 1;
	char number[24];
	int rc = 0;

	if (want > 0) {
		if (stands(sys, want, &r) || try_jid(sys, want, err) <= 0)
			return error_set(err, -EEXIST, "jail %d already exists",
			                 want);
		return want;
	}
	if (file_read(sys->run, "next", sizeof(number), &text, NULL,
	              &ignored) == 0)
		(void)num_int_in(text, 1, JAIL_MAX_JID, &next);
	sweep(sys);
	for (int tries = 0; rc == 0 && tries < JAIL_MAX_JID; tries++) {
		rc = try_jid(sys, (int)next, err);
		if (rc < 0)
			return rc;
		want = (int)next;
		next = next == JAIL_MAX_JID ? 1 : next + 1;
	}
	if (rc == 0)
		return error_set(err, -EAGAIN, "no available jail IDs");
	snprintf(number, sizeof(number), "%lld", next);
	if (file_replace(sys->run, "next", number, strlen(number), err) < 0)
		return err->code;
	return want;
}

static int
check_name(struct jail_sys *sys, const char *name, int jid, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	int other = claim_name_holder(sys->run, name);
	const char *theirs;

	if (other == 0 || other == jid || !stands(sys, other, &r))
		return 0;
	theirs = dict_get(&r.d, "name");
	/* Else the link is what a rename that was killed left. */
	if (theirs == NULL || strcmp(theirs, name) == 0)
		return error_set(err, -EEXIST, "jail \"%s\" already exists",
		                 name);
	return 0;
}

/* Everything but the jid, which is ours already. */
static int
take_claims(struct jail_sys *sys, bool want_uids, struct record *r,
            struct error *err)
{
	unsigned slot = 0;

	if (want_uids) {
		if (claim_uids_find(sys->run, r->jid, &slot, err) < 0)
			return err->code;
		if (dict_setf(&r->d, REC_UID_SLOT, "%u", slot) < 0 ||
		    dict_setf(&r->d, REC_UID_BASE, "%" PRIu32,
		              claim_uid_base(slot)) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	if (record_save(sys, r, err) < 0 ||
	    claim_name(sys->run, dict_get(&r->d, "name"), r->jid, err) < 0 ||
	    (want_uids && claim_uids(sys->run, slot, r->jid, err) < 0) ||
	    claim_addrs(sys->run, dict_get(&r->d, "ip4.addr"), r->jid,
	                addr_holder_alive, sys, err) < 0 ||
	    claim_addrs(sys->run, dict_get(&r->d, "ip6.addr"), r->jid,
	                addr_holder_alive, sys, err) < 0)
		return err->code;
	return 0;
}

/* With the runtime lock held. */
static int
reserve_locked(struct jail_sys *sys, int want_jid, bool want_uids,
               struct record *r, int *out_lock, struct error *err)
{
	const char *name = dict_get(&r->d, "name");
	const char *group;
	char path[512];
	struct error ignored;
	int jid;

	if (name != NULL && check_name(sys, name, 0, err) < 0)
		return err->code;
	jid = take_jid(sys, want_jid, err);
	if (jid < 0)
		return jid;
	r->jid = jid;
	snprintf(path, sizeof(path), "jails/%d/lock", jid);
	*out_lock =
	    file_lock(sys->run, path, FILE_LOCK_WAIT | FILE_LOCK_CREATE, err);
	if (*out_lock < 0) {
		(void)record_erase(sys, r, &ignored);
		return err->code;
	}
	group = dict_get(&r->d, REC_CGROUP);
	snprintf(path, sizeof(path), "%s/%d", group != NULL ? group : "gaol",
	         jid);
	if (dict_setf(&r->d, "jid", "%d", jid) < 0 ||
	    dict_set(&r->d, REC_CGROUP, path) < 0 ||
	    dict_set(&r->d, REC_STATE, "starting") < 0 ||
	    (name == NULL && dict_setf(&r->d, "name", "%d", jid) < 0))
		error_set(err, -ENOMEM, "out of memory");
	else if (check_name(sys, dict_get(&r->d, "name"), jid, err) == 0 &&
	         take_claims(sys, want_uids, r, err) == 0)
		return 0;
	(void)record_erase(sys, r, &ignored);
	close(take_fd(out_lock));
	return err->code;
}

int
record_reserve(struct jail_sys *sys, int want_jid, bool want_uids,
               struct record *r, int *out_lock, struct error *err)
{
	cleanup_close int lock = sys_lock(sys, err);

	if (lock < 0)
		return lock;
	return reserve_locked(sys, want_jid, want_uids, r, out_lock, err);
}

int
record_named(struct jail_sys *sys, const char *name)
{
	if (sys->run < 0 || strlen(name) >= CLAIM_NAME_MAX)
		return 0;
	return claim_name_holder(sys->run, name);
}

int
record_parent(struct jail_sys *sys, const char *name, struct record *out,
              struct error *err)
{
	cleanup_free char *above = NULL;
	const char *dot = strrchr(name, '.');
	int jid;

	if (dot == NULL)
		return 0;
	above = strndup(name, (size_t)(dot - name));
	if (above == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	jid = record_named(sys, above);
	if (jid == 0 || record_load(sys, jid, out) != RECORD_ALIVE)
		return error_set(err, -ENOENT, "jail \"%s\" not found", above);
	return 0;
}

/* The record changes between the two claims, so that one of the names is good
 * at any instant; a link to a jail of another name is void. */
int
record_rename(struct jail_sys *sys, struct record *r, const char *to,
              struct error *err)
{
	cleanup_close int lock = sys_lock(sys, err);
	cleanup_free char *from = strdup(dict_get(&r->d, "name"));

	if (from == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	if (lock < 0 || check_name(sys, to, r->jid, err) < 0 ||
	    claim_name(sys->run, to, r->jid, err) < 0)
		return err->code;
	if (strcmp(from, to) == 0)
		return record_save(sys, r, err);
	if (dict_set(&r->d, "name", to) < 0)
		error_set(err, -ENOMEM, "out of memory");
	else if (record_save(sys, r, err) == 0) {
		claim_name_drop(sys->run, from, r->jid);
		return 0;
	}
	(void)dict_set(&r->d, "name", from);
	claim_name_drop(sys->run, to, r->jid);
	return err->code;
}

static const char *const addr_lists[] = { "ip4.addr", "ip6.addr" };

/* From the addresses of one dict to those of another, for the lists that next
 * has. */
static int
swap_addrs(struct jail_sys *sys, int jid, const struct dict *now,
           const struct dict *then, const struct dict *next, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(addr_lists); i++)
		if (dict_get(next, addr_lists[i]) != NULL)
			claim_addrs_drop(sys->run, dict_get(now, addr_lists[i]),
			                 jid);
	for (size_t i = 0; i < ARRAY_LEN(addr_lists); i++)
		if (dict_get(next, addr_lists[i]) != NULL &&
		    claim_addrs(sys->run, dict_get(then, addr_lists[i]), jid,
		                addr_holder_alive, sys, err) < 0)
			return err->code;
	return 0;
}

int
record_readdress(struct jail_sys *sys, const struct record *r,
                 const struct dict *next, struct error *err)
{
	cleanup_close int lock = sys_lock(sys, err);
	struct error ignored;

	if (lock < 0)
		return lock;
	if (swap_addrs(sys, r->jid, &r->d, next, next, err) == 0)
		return 0;
	(void)swap_addrs(sys, r->jid, next, &r->d, next, &ignored);
	return err->code;
}

int
record_children(struct jail_sys *sys, const char *name, int **out_jids,
                struct error *err)
{
	cleanup_free int *jids = NULL;
	char file[CLAIM_NAME_MAX];
	size_t n = 0, cap = 0, len;
	struct dirent *e;
	DIR *d;

	claim_name_file(name, file);
	len = strlen(file);
	d = file_opendir(sys->run, "name", err);
	if (d == NULL)
		return err->code;
	while ((e = readdir(d)) != NULL) {
		int *more;

		if (strncmp(e->d_name, file, len) != 0 || e->d_name[len] != '.')
			continue;
		more = vec_room(jids, n, &cap, sizeof(*jids));
		if (more == NULL) {
			closedir(d);
			return error_set(err, -ENOMEM, "out of memory");
		}
		jids = more;
		jids[n] = claim_name_holder(sys->run, e->d_name);
		if (jids[n] != 0)
			n++;
	}
	closedir(d);
	*out_jids = take_ptr(jids);
	return (int)n;
}
