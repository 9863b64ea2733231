/* SPDX-License-Identifier: BSD-2-Clause */
/* run_steps.c - the steps of starting and stopping a jail, with their undo.
 *
 * The two tables are jail(8)'s order; a row is a step, its items the elements
 * of a list (commands, addresses, mounts). What is inside the jail's own mounts
 * is only checked and collected here: jail_create() makes it, and it goes with
 * the jail.
 */
#include <linux/magic.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/statfs.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "jail/run_internal.h"
#include "linux/beneath.h"
#include "linux/mnt.h"

/* Rows of stop_steps. */
enum {
	STOP_TURN = 4,
	STOP_REMOVE,
	N_STOP = 10,
};

struct step {
	const char *param; /* whose elements the items are */
	size_t (*count)(const struct run_jail *j, const struct step *s);
	enum step_result (*up)(struct run *r, struct run_jail *j,
	                       const struct step *s, size_t item);
	/* NULL: nothing to undo. */
	enum step_result (*down)(struct run *r, struct run_jail *j,
	                         const struct step *s, size_t item);
	bool is_reversed; /* items are taken from the last to the first */
};

static size_t
count_one(const struct run_jail *j, const struct step *s)
{
	(void)j;
	(void)s;
	return 1;
}

static size_t
count_values(const struct run_jail *j, const struct step *s)
{
	const struct conf_param *p = conf_jail_get(j->conf, s->param);

	return p != NULL ? p->values.n : 0;
}

static size_t
count_given(const struct run_jail *j, const struct step *s)
{
	return count_values(j, s) > 0 ? 1 : 0;
}

static size_t
count_running(const struct run_jail *j, const struct step *s)
{
	(void)s;
	return j->jid > 0 ? 1 : 0;
}

/* 1: interfaces may have been lent to it, by a parameter or a hook. */
static size_t
count_borrowers(const struct run_jail *j, const struct step *s)
{
	return conf_jail_get(j->conf, "vnet") != NULL ? 1 : count_given(j, s);
}

static size_t
count_aliases(const struct run_jail *j, const struct step *s)
{
	(void)s;
	return j->plan.n_alias;
}

static size_t
count_mounts(const struct run_jail *j, const struct step *s)
{
	(void)s;
	return j->plan.n_mount;
}

static const char *
value_of(const struct run_jail *j, const struct step *s, size_t item)
{
	return conf_jail_get(j->conf, s->param)->values.v[item];
}

/* --- commands --- */

static enum step_result
no_memory(struct run *r, const struct run_jail *j)
{
	run_error(r, j, "out of memory");
	return STEP_FAILED;
}

static enum step_result
hook(struct run *r, struct run_jail *j, const char *line, enum run_place place)
{
	cleanup_strv struct strv argv = STRV_INIT;
	bool is_background;

	if (run_command_split(line, &argv, &is_background) < 0)
		return no_memory(r, j);
	return run_command_start(r, j, &argv, line, place, is_background);
}

static enum step_result
hook_host(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	return hook(r, j, value_of(j, s, item), RUN_HOST);
}

static enum step_result
hook_inside(struct run *r, struct run_jail *j, const struct step *s,
            size_t item)
{
	return hook(r, j, value_of(j, s, item), RUN_INSIDE);
}

/* A command of ours, told as the words it is. */
static enum step_result
run_argv(struct run *r, struct run_jail *j, const struct strv *argv,
         enum run_place place)
{
	cleanup_buf struct buf text = BUF_INIT;

	strv_join(argv, " ", &text);
	if (text.failed)
		return no_memory(r, j);
	return run_command_start(r, j, argv, buf_str(&text), place, false);
}

static enum step_result
user_command(struct run *r, struct run_jail *j, const struct step *s,
             size_t item)
{
	(void)item;
	return run_argv(r, j, &conf_jail_get(j->conf, s->param)->values,
	                RUN_INSIDE);
}

/* --- addresses on interfaces of the host --- */

static enum step_result
alias_up(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	(void)s;
	return run_argv(r, j, &j->plan.alias[item].up, RUN_STEP);
}

static bool
is_same_address(const struct sockaddr *sa, const char *text)
{
	struct in6_addr want6;
	struct in_addr want4;

	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET && inet_pton(AF_INET, text, &want4) == 1)
		return memcmp(&((const struct sockaddr_in *)(const void *)sa)
		                   ->sin_addr,
		              &want4, sizeof(want4)) == 0;
	return sa->sa_family == AF_INET6 &&
	       inet_pton(AF_INET6, text, &want6) == 1 &&
	       memcmp(
	           &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
	           &want6, sizeof(want6)) == 0;
}

/* Does any interface have this address? When in doubt, yes. */
static bool
has_address(const char *text)
{
	struct ifaddrs *list = NULL;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return true;
	for (const struct ifaddrs *i = list; i != NULL && !found;
	     i = i->ifa_next)
		found = is_same_address(i->ifa_addr, text);
	freeifaddrs(list);
	return found;
}

static enum step_result
alias_down(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	const struct plan_alias *a = &j->plan.alias[item];

	(void)s;
	/* Nobody knows how far a crashed start, or a command that was given
	 * up, had come. */
	if ((j->is_cleanup || j->is_interrupted) && !has_address(a->addr))
		return STEP_DONE;
	return run_argv(r, j, &a->down, RUN_STEP);
}

static enum step_result
vnet_move(struct run *r, struct run_jail *j, const struct step *s, size_t item,
          const char *word)
{
	const char *jid = conf_jail_last(j->conf, "jid");
	cleanup_strv struct strv argv = STRV_INIT;

	if (strv_push(&argv, "/sbin/ifconfig") < 0 ||
	    strv_push(&argv, value_of(j, s, item)) < 0 ||
	    strv_push(&argv, word) < 0)
		return no_memory(r, j);
	if (jid == NULL && j->plan.name == NULL) {
		if (strv_pushf(&argv, "%d", j->jid) < 0)
			return no_memory(r, j);
	} else if (strv_push(&argv, jid != NULL ? jid : j->plan.name) < 0) {
		return no_memory(r, j);
	}
	return run_argv(r, j, &argv, RUN_STEP);
}

static enum step_result
vnet_up(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	return vnet_move(r, j, s, item, "vnet");
}

static enum step_result
vnet_down(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	return vnet_move(r, j, s, item, "-vnet");
}

/* --- mounts --- */

/*
 * Open a mount point. Below the jail's root no component may be a link: whoever
 * can write there must not choose where we mount.
 */
static int
open_mount_point(const struct run_jail *j, const struct plan_mount *m,
                 struct error *err)
{
	const char *root = j->plan.path;
	size_t len = root != NULL ? strlen(root) : 0;
	cleanup_close int root_fd = -1;
	cleanup_free char *label = NULL;
	int fd;

	while (len > 0 && root[len - 1] == '/')
		len--;
	if (root == NULL || strncmp(m->where, root, len) != 0 ||
	    m->where[len] != '/') {
		fd = open(m->where, O_PATH | O_CLOEXEC);
		return fd >= 0 ? fd
		               : error_sys(err, "%s: %s", m->param, m->where);
	}
	label = strndup(root, len);
	if (label == NULL)
		return error_set(err, -ENOMEM, "%s: out of memory", m->param);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return error_sys(err, "%s: %s", m->param, m->where);
	fd = beneath_open(root_fd, label, m->where + len, O_PATH, 0, err);
	if (fd < 0)
		return error_wrap(err, "%s", m->param);
	return fd;
}

/* Is there an earlier mount inside that this one lies in? Then its mount point
 * is not on the host, and jail_create() looks at it. */
static bool
is_in_inner(const struct run_jail *j, size_t item)
{
	const struct plan_mount *m = &j->plan.mount[item];

	for (size_t i = 0; i < item; i++) {
		const struct plan_mount *o = &j->plan.mount[i];
		size_t len = strlen(o->where);

		if (o->below != NULL && strncmp(m->where, o->where, len) == 0 &&
		    m->where[len] == '/')
			return true;
	}
	return false;
}

/* Show what FreeBSD would run, for what happens inside. */
static void
tell_argv(struct run *r, const struct run_jail *j, const struct strv *argv)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (!r->opt->verbose)
		return;
	strv_join(argv, " ", &text);
	run_detail(r, j, "run command: %s", buf_str(&text));
}

static enum step_result
mount_up(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	struct plan_mount *m = &j->plan.mount[item];
	struct error err;

	(void)s;
	if (!is_in_inner(j, item)) {
		int fd = open_mount_point(j, m, &err);

		if (fd < 0 && m->is_silent)
			return STEP_DONE;
		if (fd < 0) {
			run_error(r, j, "%s", err.msg);
			return STEP_FAILED;
		}
		close(fd);
	}
	m->is_ready = true;
	if (m->below == NULL)
		return run_argv(r, j, &m->up, RUN_STEP);
	if (!m->is_silent)
		tell_argv(r, j, &m->up);
	return STEP_DONE;
}

/* Is the mount there, and of its type as far as Linux can tell? */
static int
check_mounted(const struct run_jail *j, const struct plan_mount *m,
              struct error *err)
{
	cleanup_close int fd = open_mount_point(j, m, err);
	bool is_root = false;
	struct statfs st;
	uint64_t id;

	if (fd < 0)
		return fd;
	if (mnt_id(fd, &id, &is_root, err) < 0)
		return err->code;
	if (!is_root)
		return error_set(err, -EINVAL, "%s: %s: not a mount point",
		                 m->param, m->where);
	if (strcmp(m->type, "tmpfs") == 0 && fstatfs(fd, &st) == 0 &&
	    st.f_type != TMPFS_MAGIC)
		return error_set(err, -EINVAL, "%s: %s: not a %s mount",
		                 m->param, m->where, m->type);
	return 0;
}

static enum step_result
mount_down(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	const struct plan_mount *m = &j->plan.mount[item];
	struct error err;

	(void)s;
	if (m->below != NULL) {
		if (!m->is_silent)
			tell_argv(r, j, &m->down);
		return STEP_DONE;
	}
	if (check_mounted(j, m, &err) == 0)
		return run_argv(r, j, &m->down, RUN_STEP);
	if (j->is_cleanup || j->phase == PHASE_UNDO)
		return STEP_DONE;
	run_error(r, j, "%s", err.msg);
	return STEP_FAILED;
}

/* --- the jail itself --- */

static enum step_result
create(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	enum step_result res = run_set_create(r, j);

	(void)s;
	(void)item;
	/* From here on its name keeps others from starting it. */
	if (res == STEP_DONE)
		run_turn_end(r, j);
	return res;
}

static enum step_result
drop_persist(struct run *r, struct run_jail *j, const struct step *s,
             size_t item)
{
	(void)s;
	(void)item;
	return run_set_drop_persist(r, j);
}

/*
 * Hold a jail that may have lent interfaces until it is removed: with its last
 * process its network namespace would go, and what is in it, where FreeBSD's
 * kernel hands them back. jail_remove() does that as long as the jail is there.
 */
static enum step_result
hold(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	cleanup_dict struct dict d = DICT_INIT;
	struct error ignored;

	(void)s;
	(void)item;
	if (j->jid > 0 && dict_set(&d, "persist", "true") == 0)
		(void)jail_update(r->sys, j->jid, &d, &ignored);
	return STEP_DONE;
}

/* Nobody may start it anew before all is undone. */
static enum step_result
take_turn(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	enum step_result res = run_turn_take(r, j);

	(void)s;
	(void)item;
	if (res != STEP_OTHERS)
		return res;
	/* Ours has gone, and those who removed it undid the rest. */
	run_command_end_strays(j);
	j->jid = 0;
	j->is_gone = true;
	run_wake(r, j);
	j->row = N_STOP;
	return STEP_DONE;
}

static enum step_result
remove_jail(struct run *r, struct run_jail *j, const struct step *s,
            size_t item)
{
	struct error err;

	(void)s;
	(void)item;
	run_command_end_strays(j);
	if (j->jid > 0 && jail_remove(r->sys, j->jid, &err) < 0 &&
	    err.code != -ENOENT) {
		run_error(r, j, "jail_remove: %s", err.msg);
		return STEP_FAILED;
	}
	j->jid = 0;
	j->is_gone = true;
	j->is_created = false;
	if (j->phase == PHASE_UNDO || r->opt->note_removed || r->opt->verbose)
		run_note(r, j, "removed");
	run_wake(r, j);
	return STEP_DONE;
}

/* --- telling the processes to end --- */

/* Wait for the next of the processes that were told to end. One at a time: all
 * must end anyway, and it takes one descriptor. */
static enum step_result
wait_victim(struct run *r, struct run_jail *j, int timeout_s)
{
	while (j->next_victim < j->n_victims) {
		int pidfd = pidfd_open(j->victims[j->next_victim++], 0);

		if (pidfd >= 0)
			return run_wait_for(r, j, pidfd, timeout_s) == 0
			           ? STEP_WAIT
			           : STEP_DONE;
	}
	return STEP_DONE;
}

static enum step_result
terminate(struct run *r, struct run_jail *j, const struct step *s, size_t item)
{
	int timeout = (int)dict_get_int(&j->plan.own, "stop.timeout", 10);
	cleanup_buf struct buf text = BUF_INIT;
	struct error err;
	int n;

	(void)s;
	(void)item;
	if (timeout <= 0 || j->jid <= 0)
		return STEP_DONE;
	free(j->victims);
	j->victims = NULL;
	j->next_victim = j->n_victims = 0;
	n = jail_pids(r->sys, j->jid, &j->victims, &err);
	if (n <= 0 || jail_signal(r->sys, j->jid, SIGTERM, &err) < 0)
		return STEP_DONE; /* nobody there; the removal will tell */
	j->n_victims = n;
	for (int i = 0; i < n && r->opt->verbose; i++)
		buf_printf(&text, " %d", (int)j->victims[i]);
	run_detail(r, j, "sent SIGTERM to:%s", buf_str(&text));
	return wait_victim(r, j, timeout);
}

/* --- the tables --- */

static const struct step start_steps[] = {
	{ "exec.prepare", count_values, hook_host, NULL, false },
	{ "ip4.addr", count_aliases, alias_up, alias_down, false },
	{ "mount", count_mounts, mount_up, mount_down, false },
	{ "exec.prestart", count_values, hook_host, NULL, false },
	{ "path", count_one, create, remove_jail, false },
	{ "exec.created", count_values, hook_host, NULL, false },
	{ "vnet.interface", count_values, vnet_up, vnet_down, false },
	{ "exec.start", count_values, hook_inside, NULL, false },
	{ "command", count_given, user_command, NULL, false },
	{ "exec.poststart", count_values, hook_host, NULL, false },
	{ "persist", count_one, drop_persist, NULL, false },
};

static const struct step stop_steps[] = {
	{ "exec.prestop", count_values, hook_host, NULL, false },
	{ "vnet.interface", count_borrowers, hold, NULL, false },
	{ "exec.stop", count_values, hook_inside, NULL, false },
	{ "stop.timeout", count_one, terminate, NULL, false },
	{ "name", count_one, take_turn, NULL, false },
	{ "path", count_running, remove_jail, NULL, false },
	{ "exec.poststop", count_values, hook_host, NULL, false },
	{ "mount", count_mounts, mount_down, NULL, true },
	{ "ip4.addr", count_aliases, alias_down, NULL, true },
	{ "exec.release", count_values, hook_host, NULL, false },
};

static_assert(ARRAY_LEN(stop_steps) == N_STOP, "rows");

void
run_steps_begin_stop(struct run *r, struct run_jail *j)
{
	j->item = 0;
	j->row = j->jid <= 0           ? STOP_TURN
	         : r->opt->only_remove ? STOP_REMOVE
	                               : 0;
}

bool
run_steps_touch_host(const struct run_jail *j)
{
	static const char *const hooks[] = { "exec.prepare", "exec.prestart",
		                             "exec.poststop", "exec.release" };

	if (j->plan.n_alias > 0)
		return true;
	for (size_t i = 0; i < j->plan.n_mount; i++)
		if (j->plan.mount[i].below == NULL)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		const struct conf_param *p = conf_jail_get(j->conf, hooks[i]);

		if (p != NULL && p->values.n > 0)
			return true;
	}
	return false;
}

bool
run_steps_is_before_removal(const struct run_jail *j)
{
	return j->row <= STOP_REMOVE;
}

bool
run_steps_is_foreground(const struct run_jail *j)
{
	return j->phase == PHASE_START && j->row < ARRAY_LEN(start_steps) &&
	       start_steps[j->row].up == user_command;
}

void
run_steps_step_over(struct run_jail *j)
{
	if (j->phase == PHASE_UNDO)
		j->item--;
	else
		j->item++;
	j->is_interrupted = false;
	j->n_victims = 0;
}

/* Forward through n rows from where j is. */
static enum step_result
walk(struct run *r, struct run_jail *j, const struct step *steps, size_t n)
{
	for (; j->row < n; j->row++, j->item = 0) {
		const struct step *s = &steps[j->row];
		size_t count = s->count(j, s);

		for (; j->item < count; j->item++) {
			enum step_result res = s->up(
			    r, j, s,
			    s->is_reversed ? count - 1 - j->item : j->item);

			if (res != STEP_DONE)
				return res;
		}
	}
	return STEP_DONE;
}

enum step_result
run_steps_start(struct run *r, struct run_jail *j)
{
	return walk(r, j, start_steps, ARRAY_LEN(start_steps));
}

enum step_result
run_steps_stop(struct run *r, struct run_jail *j)
{
	size_t n =
	    r->opt->only_remove ? STOP_REMOVE + 1 : ARRAY_LEN(stop_steps);
	enum step_result res;

	if (j->row < ARRAY_LEN(stop_steps) &&
	    stop_steps[j->row].up == terminate && j->n_victims > 0) {
		/* Some of them have ended; the deadline stays. */
		res = wait_victim(r, j, -1);
		if (res == STEP_WAIT)
			return res;
		run_steps_step_over(j);
	}
	/* Once the jail is gone a failed step does not keep the others from
	 * being tried. */
	while ((res = walk(r, j, stop_steps, n)) == STEP_FAILED &&
	       !run_steps_is_before_removal(j)) {
		j->is_failed = true;
		j->item++;
	}
	return res;
}

/*
 * The items below row, item are undone; row, item itself undid what it had
 * done, unless it was given up in the middle.
 */
void
run_steps_begin_undo(struct run_jail *j)
{
	if (j->is_interrupted)
		j->item++;
}

enum step_result
run_steps_undo(struct run *r, struct run_jail *j)
{
	const enum step_result turn = run_turn_take(r, j);

	if (turn == STEP_NO_TURN)
		return turn;
	if (turn == STEP_OTHERS) {
		run_command_end_strays(j);
		return STEP_DONE;
	}
	for (;;) {
		const struct step *s;
		enum step_result res;

		while (j->item == 0) {
			if (j->row == 0)
				return STEP_DONE;
			j->row--;
			s = &start_steps[j->row];
			j->item = s->count(j, s);
		}
		s = &start_steps[j->row];
		res =
		    s->down != NULL ? s->down(r, j, s, j->item - 1) : STEP_DONE;
		if (res == STEP_WAIT || res == STEP_NO_SLOT)
			return res;
		run_steps_step_over(j);
	}
}
