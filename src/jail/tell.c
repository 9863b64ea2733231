/* SPDX-License-Identifier: BSD-2-Clause */
/* tell.c - the parameters of running jails: what their records say, and what is
 * true only at the moment of asking.
 */
#include <sys/utsname.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jail/internal.h"
#include "jail/param.h"

/* One asking, of one jail or of all. */
struct telling {
	struct jail_sys *sys;
	const struct record *r;
	int home;                  /* our UTS namespace, once we left it */
	bool has_names;            /* of this jail: names holds them */
	struct utsname names, own; /* own: before we left */
};

static void
telling_init(struct telling *t, struct jail_sys *sys)
{
	memset(t, 0, sizeof(*t));
	t->sys = sys;
	t->home = -1;
	(void)uname(&t->own);
}

static int
telling_fini(struct telling *t, struct error *err)
{
	int rc = 0;

	if (t->home < 0)
		return 0;
	if (setns(t->home, CLONE_NEWUTS) < 0)
		rc = error_sys(err, "return to own UTS namespace");
	close(t->home);
	t->home = -1;
	return rc;
}

/* --- what is computed --------------------------------------------------- */

enum { TOLD_MAX = 72 }; /* the longest computed value, a name of utsname */

/* The jail's host names as they are now: its root may have changed them. False
 * when we may not look. */
static bool
look_at_names(struct telling *t)
{
	if (t->has_names)
		return true;
	if ((dict_get_int(&t->r->d, REC_NS, 0) & CLONE_NEWUTS) == 0) {
		t->names = t->own;
		t->has_names = true;
		return true;
	}
	if (geteuid() != 0)
		return false;
	if (t->home < 0)
		t->home = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	if (t->home < 0 || setns(t->r->pidfd, CLONE_NEWUTS) < 0)
		return false;
	t->has_names = uname(&t->names) == 0;
	return t->has_names;
}

static bool
tell_hostname(struct telling *t, char out[TOLD_MAX])
{
	if (!look_at_names(t))
		return false;
	snprintf(out, TOLD_MAX, "%s", t->names.nodename);
	return true;
}

/* "(none)" is what Linux says for no name. */
static bool
tell_domainname(struct telling *t, char out[TOLD_MAX])
{
	if (!look_at_names(t))
		return false;
	snprintf(out, TOLD_MAX, "%s",
	         strcmp(t->names.domainname, "(none)") != 0
	             ? t->names.domainname
	             : "");
	return true;
}

static bool
tell_release(struct telling *t, char out[TOLD_MAX])
{
	snprintf(out, TOLD_MAX, "%s", t->own.release);
	return true;
}

static bool
tell_release_date(struct telling *t, char out[TOLD_MAX])
{
	unsigned major = 0, minor = 0;

	if (sscanf(t->own.release, "%u.%u", &major, &minor) != 2)
		return false;
	snprintf(out, TOLD_MAX, "%u", major * 100000 + minor * 1000);
	return true;
}

static bool
tell_jid(struct telling *t, char out[TOLD_MAX])
{
	snprintf(out, TOLD_MAX, "%d", t->r->jid);
	return true;
}

/* The jid of the jail that the full name is below; 0 for a plain name. */
static bool
tell_parent(struct telling *t, char out[TOLD_MAX])
{
	const char *name = dict_get(&t->r->d, "name");
	const char *dot = name != NULL ? strrchr(name, '.') : NULL;
	cleanup_free char *above = NULL;

	if (dot != NULL)
		above = strndup(name, (size_t)(dot - name));
	snprintf(out, TOLD_MAX, "%d",
	         above != NULL ? record_named(t->sys, above) : 0);
	return true;
}

static bool
tell_children(struct telling *t, char out[TOLD_MAX])
{
	const char *name = dict_get(&t->r->d, "name");
	cleanup_free int *jids = NULL;
	struct error ignored;
	int n = 0;

	/* Not below a jail that may have none. */
	if (name != NULL && dict_get_int(&t->r->d, "children.max", 0) > 0)
		n = record_children(t->sys, name, &jids, &ignored);
	snprintf(out, TOLD_MAX, "%d", n > 0 ? n : 0);
	return true;
}

static const struct computed {
	const char *name;
	/* False: what the record says. */
	bool (*tell)(struct telling *t, char out[TOLD_MAX]);
	bool always; /* else only when the record has no word of it */
} computed[] = {
	{ "parent", tell_parent, true },
	{ "cpuset.id", tell_jid, true },
	{ "children.cur", tell_children, true },
	{ "host.hostname", tell_hostname, true },
	{ "host.domainname", tell_domainname, true },
	{ "osrelease", tell_release, false },
	{ "osreldate", tell_release_date, false },
	{ "linux.osrelease", tell_release, false },
};

static const struct computed *
find_computed(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(computed); i++)
		if (strcmp(computed[i].name, name) == 0)
			return &computed[i];
	return NULL;
}

/* --- telling ------------------------------------------------------------ */

static int
tell_param(struct telling *t, const struct param *p, struct dict *out)
{
	const struct computed *c = find_computed(p->name);
	const char *val = dict_get(&t->r->d, p->name);
	char now[TOLD_MAX];

	if (c != NULL && (c->always || val == NULL) && c->tell(t, now))
		val = now;
	if (val == NULL)
		val = p->dflt != NULL ? p->dflt : "";
	return dict_set(out, p->name, val);
}

/* The named parameters of t->r, or all of them, into out. */
static int
tell_jail(struct telling *t, const char *const *names, struct dict *out,
          struct error *err)
{
	int rc = 0;

	t->has_names = false;
	for (size_t i = 0; names == NULL && rc == 0 && i < param_table_len; i++)
		if (!param_table[i].pseudo)
			rc = tell_param(t, &param_table[i], out);
	for (; names != NULL && rc == 0 && *names != NULL; names++) {
		bool negated;
		const struct param *p = param_find(*names, &negated);

		if (p != NULL && !p->pseudo)
			rc = tell_param(t, p, out);
	}
	return rc == 0 ? 0 : error_set(err, rc, "out of memory");
}

int
jail_get(struct jail_sys *sys, int jid, struct dict *out, struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	struct error back = { 0 };
	struct telling t;
	int rc;

	if (record_get(sys, jid, &r, err) < 0)
		return err->code;
	telling_init(&t, sys);
	t.r = &r;
	rc = tell_jail(&t, NULL, out, err);
	if (telling_fini(&t, &back) < 0 && rc == 0) {
		*err = back;
		rc = back.code;
	}
	return rc;
}

static int
each_of_snapshot(struct telling *t, const char *const *names,
                 int (*each)(void *arg, const struct dict *params), void *arg,
                 struct error *err)
{
	for (size_t i = 0; i < t->sys->n_snap; i++) {
		cleanup_record struct record r = RECORD_INIT;
		cleanup_dict struct dict params = DICT_INIT;
		int rc;

		if (record_load(t->sys, t->sys->snap[i], &r) != RECORD_ALIVE)
			continue;
		t->r = &r;
		rc = tell_jail(t, names, &params, err);
		if (rc < 0)
			return rc;
		rc = each(arg, &params);
		if (rc < 0)
			return error_set(err, rc, "stopped");
	}
	return 0;
}

int
jail_each(struct jail_sys *sys, const char *const *names,
          int (*each)(void *arg, const struct dict *params), void *arg,
          struct error *err)
{
	struct error back = { 0 };
	struct telling t;
	int rc = sys_snapshot(sys, err);

	if (rc < 0)
		return rc;
	telling_init(&t, sys);
	rc = each_of_snapshot(&t, names, each, arg, err);
	if (telling_fini(&t, &back) < 0 && rc == 0) {
		*err = back;
		rc = back.code;
	}
	return rc;
}
