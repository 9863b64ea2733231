/* SPDX-License-Identifier: BSD-2-Clause */
/* jail.c - finding, telling, changing and removing jails that are there. */
#include "jail/jail.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/vec.h"
#include "jail/confine.h"
#include "jail/internal.h"
#include "jail/param.h"
#include "linux/cgroup.h"
#include "linux/file.h"

/* --- finding ------------------------------------------------------------ */

int
jail_find(struct jail_sys *sys, const char *id_or_name, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	bool is_named = false;
	long long jid;

	if (num_int_in(id_or_name, 1, JAIL_MAX_JID, &jid) < 0) {
		is_named = true;
		jid = record_named(sys, id_or_name);
	}
	/* A link to a jail of another name is what a killed rename left. */
	if (jid == 0 || record_load(sys, (int)jid, &r) != RECORD_ALIVE ||
	    (is_named && strcmp(dict_get(&r.d, "name"), id_or_name) != 0))
		return error_set(err, -ENOENT, "jail \"%s\" not found",
		                 id_or_name);
	return (int)jid;
}

static int
by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

int
sys_snapshot(struct jail_sys *sys, struct error *err)
{
	size_t cap = 0;
	struct dirent *e;
	DIR *d;

	sys->n_snap = 0;
	d = file_opendir(sys->run, "jails", err);
	if (d == NULL)
		return err->code == -ENOENT || err->code == -EBADF ? 0
		                                                   : err->code;
	free(sys->snap);
	sys->snap = NULL;
	while ((e = readdir(d)) != NULL) {
		int *more;

		if (e->d_name[0] == '.')
			continue;
		more = vec_room(sys->snap, sys->n_snap, &cap, sizeof(*more));
		if (more == NULL) {
			closedir(d);
			return error_set(err, -ENOMEM, "out of memory");
		}
		sys->snap = more;
		sys->snap[sys->n_snap++] = atoi(e->d_name);
	}
	closedir(d);
	if (sys->n_snap > 0)
		qsort(sys->snap, sys->n_snap, sizeof(int), by_number);
	return 0;
}

int
jail_next(struct jail_sys *sys, int after, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	size_t low = 0, high;

	if (after <= 0 && sys_snapshot(sys, err) < 0)
		return err->code;
	high = sys->n_snap;
	while (low < high) { /* the first above after */
		size_t mid = low + (high - low) / 2;

		if (sys->snap[mid] <= after)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < sys->n_snap; low++)
		if (record_load(sys, sys->snap[low], &r) == RECORD_ALIVE)
			return sys->snap[low];
	return error_set(err, -ENOENT, "jail %d not found", after);
}

int
jail_pidfd(struct jail_sys *sys, int jid, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;

	if (record_get(sys, jid, &r, err) < 0)
		return err->code;
	return take_fd(&r.pidfd);
}

/* --- processes ----------------------------------------------------------- */

int
jail_pids(struct jail_sys *sys, int jid, pid_t **out_pids, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	cleanup_close int group = -1;

	if (record_get(sys, jid, &r, err) < 0)
		return err->code;
	group = record_open_group(sys, &r, err);
	return group < 0 ? group : cg_pids(group, out_pids, err);
}

int
jail_signal(struct jail_sys *sys, int jid, int sig, struct error *err)
{
	cleanup_free pid_t *pids = NULL;
	int n = jail_pids(sys, jid, &pids, err);
	int sent = 0;

	for (int i = 0; i < n; i++)
		if (kill(pids[i], sig) == 0)
			sent++;
	return n < 0 ? n : sent;
}

/* --- changing ----------------------------------------------------------- */

/* The sysv words can change as far as the IPC namespace, which is chosen when
 * the jail is made, allows. */
static bool
fits_ipc(const struct record *r, const struct param *p, const char *to)
{
	const bool is_own = dict_get_int(&r->d, REC_NS, 0) & CLONE_NEWIPC;

	if (strncmp(p->name, "sysv", 4) != 0 || strcmp(to, "disable") == 0)
		return true;
	return strcmp(to, is_own ? "new" : "inherit") == 0;
}

/* With host=inherit the names are not the jail's to change. */
static bool
fits_uts(const struct record *r, const struct param *p)
{
	return strncmp(p->name, "host.", 5) != 0 ||
	       (dict_get_int(&r->d, REC_NS, 0) & CLONE_NEWUTS) != 0;
}

static int
check_update(const struct record *r, const struct dict *params,
             struct error *err)
{
	for (size_t i = 0; i < params->n; i++) {
		const char *key = params->row[i].key;
		const char *now = dict_get(&r->d, key);
		const char *to = params->row[i].val;
		bool negated;
		const struct param *p = param_find(key, &negated);

		if (p == NULL || p->pseudo || negated)
			return error_set(err, -EINVAL, "unknown parameter: %s",
			                 key);
		if (now != NULL && strcmp(now, to) == 0)
			continue;
		if (p->when == PARAM_CREATE || !fits_ipc(r, p, to) ||
		    !fits_uts(r, p))
			return error_set(err, -EINVAL,
			                 "%s cannot be changed after creation",
			                 key);
		if (param_check(p, to, err) < 0 ||
		    (strcmp(key, "name") == 0 &&
		     param_check_name(to, r->jid, err) < 0))
			return err->code;
	}
	return 0;
}

static int
signal_init(const struct record *r, int sig, struct error *err)
{
	if (syscall(SYS_pidfd_send_signal, r->pidfd, sig, NULL, 0) < 0)
		return error_sys(err, "signal jail %d", r->jid);
	return 0;
}

/* persist went: the jail ends now if nothing runs in it, and init sees to it
 * later if something does. */
static int
end_persist(struct jail_sys *sys, struct record *r, struct error *err)
{
	cleanup_close int group = record_open_group(sys, r, err);
	int rc;

	if (group < 0)
		return group;
	rc = cg_populated(group, err);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return signal_init(r, SIGUSR1, err);
	rc = record_erase(sys, r, err);
	(void)waitpid(r->init.pid, NULL, WNOHANG);
	return rc;
}

static int set_host_names(const struct record *r, const struct dict *params,
                          struct error *err);
static int set_children(struct jail_sys *sys, const struct record *r,
                        const struct dict *params, struct error *err);

/* The parent's part of a name, its length; 0: the caller's own jail. */
static size_t
parent_len(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL ? (size_t)(dot - name) : 0;
}

/* Give one descendant the new name of from's; one that went is no loss. */
static int
rename_child(struct jail_sys *sys, int jid, const char *from, const char *to,
             struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	cleanup_close int lock = record_lock(sys, jid, err);
	cleanup_free char *full = NULL;
	const char *name;
	size_t len = strlen(from);

	if (lock < 0 || record_load(sys, jid, &r) != RECORD_ALIVE)
		return 0;
	name = dict_get(&r.d, "name");
	if (strncmp(name, from, len) != 0 || name[len] != '.')
		return 0;
	if (asprintf(&full, "%s%s", to, name + len) < 0) {
		full = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	if (param_check_name(full, jid, err) < 0)
		return err->code;
	return record_rename(sys, &r, full, err);
}

/*
 * Descendants first: killed halfway, the same change can be asked for again.
 * Locks are taken from a jail down to its descendants, never up.
 */
static int
rename_all(struct jail_sys *sys, struct record *r, const char *to,
           struct error *err)
{
	cleanup_free char *from = strdup(dict_get(&r->d, "name"));
	cleanup_free int *jids = NULL;
	struct error ignored;
	int n, rc = 0;
	size_t len;

	if (from == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	if (strcmp(from, to) == 0)
		return 0;
	len = parent_len(from);
	if (len != parent_len(to) || strncmp(from, to, len) != 0)
		return error_set(err, -EINVAL, "cannot change jail's parent");
	if (jail_find(sys, to, err) > 0)
		return error_set(err, -EEXIST, "jail \"%s\" already exists",
		                 to);
	n = record_children(sys, from, &jids, err);
	if (n < 0)
		return n;
	for (int i = 0; i < n && rc == 0; i++)
		rc = rename_child(sys, jids[i], from, to, err);
	if (rc == 0)
		rc = record_rename(sys, r, to, err);
	for (int i = 0; i < n && rc < 0; i++)
		(void)rename_child(sys, jids[i], to, from, &ignored);
	return rc;
}

/* Does any of these change what holds the jail to its addresses? */
static bool
touches_wall(const struct dict *params)
{
	static const char *const held[] = {
		"ip4.addr",     "ip6.addr",          "ip4.saddrsel",
		"ip6.saddrsel", "allow.raw_sockets", "allow.reserved_ports",
	};

	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		if (dict_get(params, held[i]) != NULL)
			return true;
	return false;
}

/* A change under way: r already has what the steps so far did. */
struct change {
	struct jail_sys *sys;
	struct record *r;
	const struct dict *params;
	struct dict old; /* of r before */
};

/* What the record said of each parameter that changes, but its name. */
static void
put_back(struct change *c)
{
	for (size_t i = 0; i < c->params->n; i++) {
		const char *key = c->params->row[i].key;
		const char *val = dict_get(&c->old, key);

		if (strcmp(key, "name") == 0)
			continue;
		if (val == NULL)
			dict_del(&c->r->d, key);
		else
			(void)dict_set(&c->r->d, key, val);
	}
}

static int
name_change(struct change *c, struct error *err)
{
	const char *to = dict_get(c->params, "name");

	return to != NULL ? rename_all(c->sys, c->r, to, err) : 0;
}

static void
name_undo(struct change *c)
{
	const char *from = dict_get(&c->old, "name");
	struct error ignored;

	if (from != NULL && dict_get(c->params, "name") != NULL)
		(void)rename_all(c->sys, c->r, from, &ignored);
}

static int
address_change(struct change *c, struct error *err)
{
	return touches_wall(c->params)
	           ? record_readdress(c->sys, c->r, c->params, err)
	           : 0;
}

static void
address_undo(struct change *c)
{
	struct error ignored;

	if (touches_wall(c->params))
		(void)record_readdress(c->sys, c->r, &c->old, &ignored);
	put_back(c);
}

static int
wall_change(struct change *c, struct error *err)
{
	if (dict_merge(&c->r->d, c->params) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return touches_wall(c->params) ? confine_update(c->sys, c->r, err) : 0;
}

static void
wall_undo(struct change *c)
{
	struct record before = { .jid = c->r->jid, .d = c->old };
	struct error ignored;

	if (touches_wall(c->params))
		(void)confine_update(c->sys, &before, &ignored);
}

static int
children_change(struct change *c, struct error *err)
{
	return set_children(c->sys, c->r, c->params, err);
}

static void
children_undo(struct change *c)
{
	struct error ignored;

	if (dict_get(c->params, "children.max") != NULL)
		(void)set_children(c->sys, c->r, &c->old, &ignored);
}

static int
host_change(struct change *c, struct error *err)
{
	return set_host_names(c->r, c->params, err);
}

static void
host_undo(struct change *c)
{
	struct error ignored;

	if (dict_get(c->params, "host.hostname") != NULL ||
	    dict_get(c->params, "host.domainname") != NULL)
		(void)set_host_names(c->r, &c->old, &ignored);
}

static int
record_change(struct change *c, struct error *err)
{
	return record_save(c->sys, c->r, err);
}

static void
nothing_undo(struct change *c)
{
	(void)c;
}

/* Undone backward when one fails; that one has undone its own part, but for
 * what r says, which goes back with the addresses. */
static const struct {
	int (*change)(struct change *c, struct error *err);
	void (*undo)(struct change *c);
} changes[] = {
	{ name_change, name_undo }, { address_change, address_undo },
	{ wall_change, wall_undo }, { children_change, children_undo },
	{ host_change, host_undo }, { record_change, nothing_undo },
};

static int
apply_update(struct jail_sys *sys, struct record *r, const struct dict *params,
             struct error *err)
{
	const char *persist = dict_get(params, "persist");
	struct change c = { sys, r, params, DICT_INIT };
	size_t done = 0;
	int rc = 0;

	if (dict_merge(&c.old, &r->d) < 0)
		rc = error_set(err, -ENOMEM, "out of memory");
	while (rc == 0 && done < ARRAY_LEN(changes)) {
		rc = changes[done].change(&c, err);
		done += rc == 0;
	}
	while (rc < 0 && done-- > 0)
		changes[done].undo(&c);
	dict_fini(&c.old);
	if (rc < 0 || persist == NULL)
		return rc;
	return strcmp(persist, "true") == 0 ? signal_init(r, SIGUSR2, err)
	                                    : end_persist(sys, r, err);
}

static int
check_walls(struct jail_sys *sys, const struct record *r,
            const struct dict *params, struct error *err)
{
	cleanup_record struct record parent = RECORD_INIT;

	if (record_parent(sys, dict_get(&r->d, "name"), &parent, err) < 0)
		return err->code;
	return confine_check_change(sys, r, params, &parent, err);
}

/* Whoever has a list has the family, and who has an empty one has not, as
 * jail_set(2) has it; so what check_update() refuses follows here. */
static int
follow_addresses(struct dict *params, const char *list_key, const char *key)
{
	const char *list = dict_get(params, list_key);

	if (list == NULL)
		return 0;
	return dict_set(params, key, list[0] != '\0' ? "new" : "disable");
}

int
jail_update(struct jail_sys *sys, int jid, const struct dict *params,
            struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	cleanup_dict struct dict all = DICT_INIT;
	cleanup_close int lock = record_lock(sys, jid, err);

	if (lock < 0 || record_load(sys, jid, &r) != RECORD_ALIVE)
		return error_set(err, -ENOENT, "jail %d not found", jid);
	if (check_update(&r, params, err) < 0 ||
	    check_walls(sys, &r, params, err) < 0)
		return err->code;
	if (dict_merge(&all, params) < 0 ||
	    follow_addresses(&all, "ip4.addr", "ip4") < 0 ||
	    follow_addresses(&all, "ip6.addr", "ip6") < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return apply_update(sys, &r, &all, err);
}

/* Run set(arg) in a short-lived process that entered a namespace of the jail's
 * init; a negative errno if it or the entering failed. */
static int
visit(const struct record *r, int ns, int (*set)(const void *arg),
      const void *arg, struct error *err)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setns(r->pidfd, ns) < 0 || set(arg) < 0 ? 1 : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return error_sys(err, "enter jail %d", r->jid);
	return status == 0 ? 0 : -EPERM;
}

static int
put_names(const void *arg)
{
	const struct dict *params = arg;
	const char *host = dict_get(params, "host.hostname");
	const char *domain = dict_get(params, "host.domainname");

	if (host != NULL && sethostname(host, strlen(host)) < 0)
		return -1;
	return domain != NULL ? setdomainname(domain, strlen(domain)) : 0;
}

static int
set_host_names(const struct record *r, const struct dict *params,
               struct error *err)
{
	if (dict_get(params, "host.hostname") == NULL &&
	    dict_get(params, "host.domainname") == NULL)
		return 0;
	return visit(r, CLONE_NEWUTS, put_names, params, err) == 0
	           ? 0
	           : error_set(err, -EPERM, "set host names");
}

/* The kernel keeps the count: each child takes a user namespace. */
static int
put_children(const void *arg)
{
	struct error ignored;

	return file_put(AT_FDCWD, "/proc/sys/user/max_user_namespaces", arg,
	                &ignored);
}

/* Let the jail's root make groups below its own, for jails of its own. */
static int
give_group(struct jail_sys *sys, const struct record *r, struct error *err)
{
	const uid_t root = (uid_t)dict_get_int(&r->d, REC_UID_BASE, 0);
	cleanup_close int group = record_open_group(sys, r, err);

	return group < 0 ? group : cg_delegate(group, root, root, err);
}

static int
set_children(struct jail_sys *sys, const struct record *r,
             const struct dict *params, struct error *err)
{
	const char *max = dict_get(params, "children.max");

	if (max == NULL)
		return 0;
	if (strcmp(max, "0") != 0 && give_group(sys, r, err) < 0)
		return err->code;
	return visit(r, CLONE_NEWUSER, put_children, max, err) == 0
	           ? 0
	           : error_set(err, -EPERM, "set children.max");
}

/* --- removing ----------------------------------------------------------- */

static int
remove_one(struct jail_sys *sys, int jid, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	cleanup_close int lock = record_lock(sys, jid, err);
	int rc;

	if (lock < 0 || record_load(sys, jid, &r) == RECORD_NONE)
		return error_set(err, -ENOENT, "jail %d not found", jid);
	if (sys->hooks.before_kill != NULL && r.pidfd >= 0)
		sys->hooks.before_kill(sys->hooks.arg, jid);
	rc = record_erase(sys, &r, err);
	if (r.init.pid > 0) /* ours if we made it */
		(void)waitpid(r.init.pid, NULL, WNOHANG);
	return rc;
}

int
jail_remove(struct jail_sys *sys, int jid, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	cleanup_free int *jids = NULL;
	const char *name;
	int n = 0;

	if (record_load(sys, jid, &r) == RECORD_NONE)
		return error_set(err, -ENOENT, "jail %d not found", jid);
	name = dict_get(&r.d, "name");
	if (name != NULL)
		n = record_children(sys, name, &jids, err);
	for (int i = 0; i < n; i++)
		if (remove_one(sys, jids[i], err) < 0 && err->code != -ENOENT)
			return err->code;
	return remove_one(sys, jid, err);
}
