/* SPDX-License-Identifier: BSD-2-Clause */
/* site.c - a site up and down.
 *
 * The file "sites" (dict.h) holds a row for each site in a named namespace,
 * its real path and the name, and a row "netns NAME" for each namespace that
 * was made here. It is written before the namespace is made and after it is
 * gone, so that a kill between leaves a row too many, which does no harm.
 */
#include "manage/site.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/dict.h"
#include "base/strv.h"
#include "jail/conf.h"
#include "jail/jail.h"
#include "linux/file.h"
#include "linux/netns.h"
#include "linux/self.h"
#include "manage/base.h"
#include "manage/disk.h"
#include "manage/rules.h"
#include "manage/vms.h"

struct site {
	char dir[PATH_MAX];       /* real path */
	char conf[PATH_MAX + 16]; /* its jail.conf */
	struct jail_sys *sys;
	command_line_fn *progress;
	void *arg;
};

static int
site_open(const char *dir, command_line_fn *progress, void *arg,
          struct site *out, struct error *err)
{
	out->sys = NULL;
	out->progress = progress;
	out->arg = arg;
	if (realpath(dir, out->dir) == NULL)
		return error_sys(err, "site '%s'", dir);
	snprintf(out->conf, sizeof(out->conf), "%s/jail.conf", out->dir);
	if (access(out->conf, R_OK) < 0)
		return error_sys(err, "site '%s': jail.conf", dir);
	return jail_sys_open(true, &out->sys, err);
}

static void say(const struct site *s, const char *fmt, ...) PRINTF(2, 3);

static void
say(const struct site *s, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->progress(s->arg, line);
}

/* ---- bases and disks ---- */

/* What a site has a directory of files for, one for each. */
static const struct kind {
	const char *word;
	int (*make)(const char *name, const char *text, size_t len,
	            command_line_fn *progress, void *arg, struct error *err);
} kinds[] = { { "base", base_make }, { "disk", disk_make } };

static int
make_one(const struct site *s, const struct kind *kind, int dir,
         const char *name, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r;

	if (file_read(dir, name, BASE_MAX_BYTES, &text, &len, err) < 0)
		return err->code;
	r = kind->make(name, text, len, s->progress, s->arg, err);
	if (r > 0)
		say(s, "made %s %s", kind->word, name);
	return r;
}

static int
make_kind(const struct site *s, const struct kind *kind, struct error *err)
{
	char path[PATH_MAX + 16];
	struct dirent *e;
	DIR *d;
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s", s->dir, kind->word);
	d = opendir(path);
	if (d == NULL)
		return errno == ENOENT ? 0 : error_sys(err, "open '%s'", path);
	while (r >= 0 && (e = readdir(d)) != NULL)
		if (base_name_ok(e->d_name))
			r = make_one(s, kind, dirfd(d), e->d_name, err);
	closedir(d);
	return r < 0 ? r : 0;
}

static int
make_all(const struct site *s, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (make_kind(s, &kinds[i], err) < 0)
			return err->code;
	return 0;
}

/* ---- which site lives where ---- */

static int
sites_read(const struct site *s, struct dict *rows, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (file_read(jail_sys_run_dir(s->sys), "sites", DICT_MAX_BYTES, &text,
	              &len, err) < 0)
		return err->code == -ENOENT ? 0 : err->code;
	return dict_read(rows, text, len, err);
}

/* Read the rows to change them: locked until *lock is closed. */
static int
sites_lock(const struct site *s, struct dict *rows, int *lock,
           struct error *err)
{
	do
		*lock = file_lock(jail_sys_run_dir(s->sys), "sites.lock",
		                  FILE_LOCK_WAIT | FILE_LOCK_CREATE, err);
	while (*lock == -ENOENT); /* its last holder removed it */
	if (*lock < 0)
		return err->code;
	return sites_read(s, rows, err);
}

static int
sites_write(const struct site *s, const struct dict *rows, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	int run = jail_sys_run_dir(s->sys);

	if (rows->n == 0) {
		if (unlinkat(run, "sites", 0) < 0 && errno != ENOENT)
			return error_sys(err, "remove 'sites'");
		(void)unlinkat(run, "sites.lock", 0);
		return 0;
	}
	dict_write(rows, &text);
	if (text.failed)
		return error_set(err, -ENOMEM, "out of memory");
	return file_replace(run, "sites", text.data, text.len, err);
}

static int
made_key(char out[NAME_MAX + 8], const char *net, struct error *err)
{
	if (!netns_name_ok(net))
		return error_set(err, -EINVAL, "'%s': not a namespace name",
		                 net);
	snprintf(out, NAME_MAX + 8, "netns %s", net);
	return 0;
}

/* Move into the namespace that plays the host, made when it is not there. */
static int
enter_host_net(const struct site *s, const char *net, struct error *err)
{
	cleanup_dict struct dict rows = DICT_INIT;
	cleanup_close int lock = -1;
	char key[NAME_MAX + 8];

	if (made_key(key, net, err) < 0 || sites_lock(s, &rows, &lock, err) < 0)
		return err->code;
	if (dict_set(&rows, s->dir, net) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (netns_enter(net, err) == 0)
		return sites_write(s, &rows, err);
	if (err->code != -ENOENT)
		return err->code;
	if (dict_set(&rows, key, "made") < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (sites_write(s, &rows, err) < 0 || netns_create(net, err) < 0)
		return err->code;
	return netns_enter(net, err);
}

/* The name of the namespace a site was started in; "" when in none. */
static int
find_host_net(const struct site *s, char out[NAME_MAX + 1], struct error *err)
{
	cleanup_dict struct dict rows = DICT_INIT;
	const char *net;

	if (sites_read(s, &rows, err) < 0)
		return err->code;
	net = dict_get(&rows, s->dir);
	snprintf(out, NAME_MAX + 1, "%s", net != NULL ? net : "");
	return 0;
}

static bool
is_any_site_in(const struct dict *rows, const char *net)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->row[i].key[0] == '/' &&
		    strcmp(rows->row[i].val, net) == 0)
			return true;
	return false;
}

/* Forget the site; the last one out takes down a namespace we made. */
static int
leave_host_net(const struct site *s, const char *net, struct error *err)
{
	cleanup_dict struct dict rows = DICT_INIT;
	cleanup_close int lock = -1;
	char key[NAME_MAX + 8];

	if (made_key(key, net, err) < 0 || sites_lock(s, &rows, &lock, err) < 0)
		return err->code;
	dict_del(&rows, s->dir);
	if (!is_any_site_in(&rows, net) && dict_get(&rows, key) != NULL) {
		if (netns_delete(net, err) < 0)
			return err->code;
		dict_del(&rows, key);
	}
	return sites_write(s, &rows, err);
}

/* ---- jails ---- */

static void
on_report(void *arg, const char *line)
{
	const struct site *s = arg;

	say(s, "%s", line);
}

/* Is anything mounted at a jail's root or below? */
static bool
has_mounts(const struct conf_jail *j)
{
	const char *path = conf_jail_last(j, "path");
	FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	size_t cap = 0, len = path != NULL ? strlen(path) : 0;
	bool found = false;

	/* The host's root and the like are not a jail's mounts. */
	while (f != NULL && len > 1 && !found && getline(&line, &cap, f) > 0) {
		char where[PATH_MAX];

		if (sscanf(line, "%*d %*d %*s %*s %4095s", where) == 1)
			found = strncmp(where, path, len) == 0 &&
			        (where[len] == '/' || where[len] == '\0');
	}
	if (f != NULL)
		fclose(f);
	return found;
}

enum pick {
	PICK_RUNNING,
	PICK_STOPPED,
	PICK_LEFT_MOUNTS, /* stopped, but not by jail(8) */
};

static bool
is_picked(struct jail_sys *sys, const struct conf_jail *j, enum pick which)
{
	struct error none;
	bool runs = jail_find(sys, j->name, &none) >= 0;

	switch (which) {
	case PICK_RUNNING:
		return runs;
	case PICK_STOPPED:
		return !runs;
	case PICK_LEFT_MOUNTS:
		return !runs && has_mounts(j);
	}
	return false;
}

/* The names of the site's jails that are picked, appended to out. */
static int
pick_jails(const struct site *s, enum pick which, struct strv *out,
           struct error *err)
{
	struct conf *conf = NULL;
	int r = 0;

	if (conf_load(s->conf, on_report, (void *)(uintptr_t)s, &conf, err) < 0)
		return err->code;
	for (size_t i = 0; r == 0 && i < conf->n; i++)
		if (is_picked(s->sys, &conf->jail[i], which))
			r = strv_push(out, conf->jail[i].name);
	conf_free(conf);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

/* jail -f CONF FLAG [NAME ...]; without names all of the file. */
static int
run_jail(const struct site *s, const char *flag, const struct strv *names,
         struct error *err)
{
	cleanup_strv struct strv argv = STRV_INIT;
	char exe[PATH_MAX];

	if (self_bin("jail", exe, err) < 0)
		return err->code;
	if (strv_push(&argv, exe) < 0 || strv_push(&argv, "-f") < 0 ||
	    strv_push(&argv, s->conf) < 0 || strv_push(&argv, flag) < 0 ||
	    strv_extend(&argv, names) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return command_run(argv.v, NULL, NULL, err);
}

/* Start the jails that are stopped. jail(8) -c takes one name or none. */
static int
start_jails(const struct site *s, const struct strv *stopped, bool all,
            struct error *err)
{
	const struct strv none = STRV_INIT;
	int worst = 0;

	if (all)
		return run_jail(s, "-c", &none, err);
	for (size_t i = 0; i < stopped->n && worst >= 0; i++) {
		const struct strv one = { stopped->v + i, 1, 0 };
		int r = run_jail(s, "-c", &one, err);

		if (r != 0)
			worst = r;
	}
	return worst;
}

/* The host's own packet filter is its administrator's. */
static int
load_rules(const struct site *s, bool in_host_net, struct error *err)
{
	if (!rules_are_there(s->dir))
		return 0;
	if (in_host_net)
		return rules_load(s->dir, s->progress, s->arg, err);
	say(s, "the host's pf stays as it is; the site's: pfctl -f %s/pf.conf",
	    s->dir);
	return 0;
}

static int
bring_up(const struct site *s, const char *host_net, struct error *err)
{
	cleanup_strv struct strv stopped = STRV_INIT;
	cleanup_strv struct strv running = STRV_INIT;

	int status = 0;

	if (make_all(s, err) < 0)
		return err->code;
	if (host_net != NULL && enter_host_net(s, host_net, err) < 0)
		return err->code;
	if (pick_jails(s, PICK_STOPPED, &stopped, err) < 0 ||
	    pick_jails(s, PICK_RUNNING, &running, err) < 0)
		return err->code;
	if (stopped.n == 0 && running.n != 0)
		say(s, "all jails of '%s' are running", s->dir);
	if (stopped.n != 0)
		status = start_jails(s, &stopped, running.n == 0, err);
	/* After the jails, whose hooks make the bridges. */
	if (status < 0 || load_rules(s, host_net != NULL, err) < 0 ||
	    vms_start(s->dir, s->progress, s->arg, err) < 0)
		return err->code;
	return status;
}

int
site_up(const char *dir, const char *host_net, command_line_fn *progress,
        void *arg, struct error *err)
{
	struct site s;
	int r = site_open(dir, progress, arg, &s, err);

	if (r == 0)
		r = bring_up(&s, host_net, err);
	jail_sys_close(s.sys);
	return r;
}

static int
stop_jails(const struct site *s, enum pick which, const char *flag,
           struct error *err)
{
	cleanup_strv struct strv names = STRV_INIT;

	if (pick_jails(s, which, &names, err) < 0)
		return err->code;
	return names.n != 0 ? run_jail(s, flag, &names, err) : 0;
}

/*
 * Have jails that died by themselves take their last steps. What those undo may
 * be gone already, so that a hook fails (and says so); what counts is that
 * nothing is left mounted.
 */
static int
clear_dead(const struct site *s, struct error *err)
{
	cleanup_strv struct strv left = STRV_INIT;

	if (stop_jails(s, PICK_LEFT_MOUNTS, "-rC", err) < 0 ||
	    pick_jails(s, PICK_LEFT_MOUNTS, &left, err) < 0)
		return err->code;
	return left.n == 0
	           ? 0
	           : error_set(err, -EBUSY, "%s: mounts are left", left.v[0]);
}

static int
take_down(const struct site *s, const char *host_net, struct error *err)
{
	cleanup_strv struct strv running = STRV_INIT;
	char net[NAME_MAX + 1] = "";
	bool inside = false;
	int status;

	if (host_net != NULL)
		snprintf(net, sizeof(net), "%s", host_net);
	else if (find_host_net(s, net, err) < 0)
		return err->code;
	if (net[0] != '\0') {
		inside = netns_enter(net, err) == 0;
		if (!inside && err->code != -ENOENT)
			return err->code;
	}
	if (vms_stop(s->dir, s->progress, s->arg, err) < 0)
		return err->code;
	status = stop_jails(s, PICK_RUNNING, "-r", err);
	if (status < 0 || clear_dead(s, err) < 0 ||
	    pick_jails(s, PICK_RUNNING, &running, err) < 0)
		return err->code;
	if (inside && running.n == 0 && rules_are_there(s->dir) &&
	    rules_unload(err) < 0)
		return err->code;
	if (running.n == 0 && net[0] != '\0' && leave_host_net(s, net, err) < 0)
		return err->code;
	return jail_sys_tidy(s->sys, err) < 0 ? err->code : status;
}

int
site_down(const char *dir, const char *host_net, command_line_fn *progress,
          void *arg, struct error *err)
{
	struct site s;
	int r = site_open(dir, progress, arg, &s, err);

	if (r == 0)
		r = take_down(&s, host_net, err);
	jail_sys_close(s.sys);
	return r;
}

int
site_tidy(struct error *err)
{
	struct jail_sys *sys = NULL;
	int r;

	if (jail_sys_open(true, &sys, err) < 0)
		return err->code;
	r = jail_sys_tidy(sys, err);
	jail_sys_close(sys);
	return r < 0 ? r : 0;
}
