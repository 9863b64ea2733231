/* SPDX-License-Identifier: BSD-2-Clause */
/* run_set.c - making and changing the jail itself: jail_create(), jail_update()
 * and how the transcript tells them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/param.h"
#include "jail/run_internal.h"

/* "jail_set(JAIL_CREATE) persist name=web ...: STRERROR" */
static void
tell_set(struct run *r, const struct run_jail *j, const char *call,
         const char *first, const struct dict *d, const char *why)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (!r->opt->verbose)
		return;
	buf_printf(&text, "jail_set(%s)%s", call, first);
	for (size_t i = 0; d != NULL && i < d->n; i++) {
		const char *key = d->row[i].key, *val = d->row[i].val;
		const char *dot = strrchr(key, '.');
		int head = dot != NULL ? (int)(dot + 1 - key) : 0;
		bool negated;
		const struct param *p = param_find(key, &negated);

		if (p != NULL && p->type == PARAM_BOOL) {
			buf_printf(&text, " %.*s%s%s", head, key,
			           strcmp(val, "true") == 0 ? "" : "no",
			           key + head);
			continue;
		}
		buf_printf(&text, " %s=", key);
		conf_put_quoted(&text, val);
	}
	if (why != NULL)
		buf_printf(&text, ": %s", why);
	run_detail(r, j, "%s", buf_str(&text));
}

/* The jail's root is looked at now, after exec.prepare may have made it. */
static int
check_path(const struct run_jail *j, struct error *err)
{
	const char *path = j->plan.path;
	cleanup_close int fd = -1;

	if (path == NULL)
		return 0;
	if (path[0] != '/')
		return error_set(err, -EINVAL,
		                 "path %s: not an absolute pathname", path);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? 0 : error_sys(err, "path %s", path);
}

static void
tell_warning(void *arg, const char *line)
{
	const struct run_step_arg *a = arg;

	run_error(a->r, a->j, "%s", line);
}

/* Put meta.KEY and env.KEY into the texts meta and env of d, over what now (a
 * running jail's parameters, or NULL) has. */
static int
fold_keys(struct dict *d, const struct dict *keys, const struct dict *now,
          struct error *err)
{
	for (size_t i = 0; i < keys->n; i++) {
		const char *key = keys->row[i].key, *val = keys->row[i].val;
		const char *dot = strchr(key, '.'), *old;
		cleanup_free char *base = strndup(key, (size_t)(dot - key));
		cleanup_free char *text = NULL;

		if (base == NULL)
			return error_set(err, -ENOMEM, "out of memory");
		old = dict_get(d, base);
		if (old == NULL && now != NULL)
			old = dict_get(now, base);
		if (param_meta_set(old != NULL ? old : "", dot + 1,
		                   *val == '=' ? val + 1 : NULL, &text,
		                   err) < 0)
			return err->code;
		if (dict_set(d, base, text) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

/* Without a process to hold it, the jail must persist until the last step. */
static bool
needs_temporary_persist(const struct run_jail *j)
{
	static const char *const holders[] = { "exec.start", "command",
		                               "exec.poststart" };

	if (dict_is_true(&j->plan.kernel, "persist"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(holders); i++) {
		const struct conf_param *p = conf_jail_get(j->conf, holders[i]);

		if (p != NULL && p->values.n > 0)
			return true;
	}
	return false;
}

static int
do_create(struct run *r, struct run_jail *j, struct error *err)
{
	cleanup_free struct jail_mount *m =
	    calloc(j->plan.n_mount + 1, sizeof(*m));
	cleanup_dict struct dict params = DICT_INIT;
	struct run_step_arg arg = { r, j };
	size_t n = 0;

	if (m == NULL || dict_merge(&params, &j->plan.kernel) < 0 ||
	    (j->has_temporary_persist &&
	     dict_set(&params, "persist", "true") < 0))
		return error_set(err, -ENOMEM, "out of memory");
	if (fold_keys(&params, &j->plan.keys, NULL, err) < 0)
		return err->code;
	if (!r->opt->quiet)
		param_tell(&params, tell_warning, &arg);
	for (size_t i = 0; i < j->plan.n_mount; i++) {
		const struct plan_mount *pm = &j->plan.mount[i];

		if (pm->below != NULL && pm->is_ready)
			m[n++] = (struct jail_mount){
				.type = pm->type,
				.where = pm->below,
				.opts = pm->opts,
			};
	}
	return jail_create(r->sys, &params, m, n, tell_warning, &arg, err);
}

enum step_result
run_set_create(struct run *r, struct run_jail *j)
{
	struct error err;
	int jid;

	j->has_temporary_persist = needs_temporary_persist(j);
	if (check_path(j, &err) < 0) {
		run_error(r, j, "%s", err.msg);
		return STEP_FAILED;
	}
	if (!j->has_temporary_persist &&
	    !dict_is_true(&j->plan.kernel, "persist")) {
		run_error(r, j, "new jail must persist or attach");
		return STEP_FAILED;
	}
	jid = do_create(r, j, &err);
	tell_set(r, j, "JAIL_CREATE",
	         j->has_temporary_persist ? " persist" : "", &j->plan.kernel,
	         jid < 0 ? strerror(-err.code) : NULL);
	if (jid < 0) {
		run_error(r, j, "%s", err.msg);
		return STEP_FAILED;
	}
	j->jid = jid;
	j->is_created = true;
	run_note(r, j, "created");
	run_wake(r, j);
	return STEP_DONE;
}

/* jail_update() and its line in the transcript. */
static int
update(struct run *r, struct run_jail *j, const struct dict *d,
       struct error *err)
{
	int rc = jail_update(r->sys, j->jid, d, err);
	char first[32];

	snprintf(first, sizeof(first), " jid=%d", j->jid);
	tell_set(r, j, "JAIL_UPDATE", first, d,
	         rc < 0 ? strerror(-err->code) : NULL);
	return rc;
}

enum step_result
run_set_drop_persist(struct run *r, struct run_jail *j)
{
	cleanup_dict struct dict d = DICT_INIT;
	struct error err;

	if (!j->has_temporary_persist)
		return STEP_DONE;
	if (dict_set(&d, "persist", "false") < 0)
		error_set(&err, -ENOMEM, "out of memory");
	else if (update(r, j, &d, &err) == 0 || err.code == -ENOENT)
		return STEP_DONE; /* gone already is what was wanted */
	run_error(r, j, "%s", err.msg);
	return STEP_FAILED;
}

/*
 * Compare the create-only parameters with the running jail's. Those that are
 * the same are taken out of d. Returns the first that differs, or NULL.
 */
static const char *
compare_fixed(struct dict *d, const struct dict *now)
{
	const char *differs = NULL;

	for (size_t i = 0; i < d->n;) {
		const char *key = d->row[i].key, *val = d->row[i].val;
		const char *is = dict_get(now, key);
		bool no;
		const struct param *p = param_find(key, &no);
		bool is_fixed = p != NULL && p->when == PARAM_CREATE;

		if (is != NULL && strcmp(is, val) == 0 &&
		    (is_fixed || strcmp(key, "name") == 0)) {
			dict_del(d, key);
			continue;
		}
		if (is_fixed && differs == NULL)
			differs = key;
		i++;
	}
	return differs;
}

/* As jail_get() tells it: the path with its links resolved, "new" of an empty
 * list as the "disable" that it is. */
static int
make_comparable(struct dict *d, struct error *err)
{
	static const char *const family[] = { "ip4", "ip6" };
	const char *path = dict_get(d, "path");
	cleanup_free char *real = path != NULL ? realpath(path, NULL) : NULL;

	if (real != NULL && dict_set(d, "path", real) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_LEN(family); i++) {
		const char *mode = dict_get(d, family[i]);

		/* Follows from the list, whatever is said of it. */
		if (mode != NULL && strcmp(mode, "inherit") != 0)
			dict_del(d, family[i]);
	}
	return 0;
}

bool
run_set_modify(struct run *r, struct run_jail *j, bool may_restart)
{
	cleanup_dict struct dict d = DICT_INIT, now = DICT_INIT;
	const char *differs;
	struct error err = { 0, "" };

	if (dict_merge(&d, &j->plan.kernel) < 0)
		error_set(&err, -ENOMEM, "out of memory");
	else if (jail_get(r->sys, j->jid, &now, &err) == 0 &&
	         make_comparable(&d, &err) == 0)
		(void)fold_keys(&d, &j->plan.keys, &now, &err);
	if (err.code == 0) {
		differs = compare_fixed(&d, &now);
		if (differs != NULL && may_restart)
			return true;
		if (differs != NULL)
			error_set(&err, -EINVAL,
			          "%s cannot be changed after creation",
			          differs);
	}
	if (err.code == 0 && update(r, j, &d, &err) == 0) {
		run_note(r, j, "updated");
		return false;
	}
	run_error(r, j, "%s", err.msg);
	j->is_failed = true;
	return false;
}
