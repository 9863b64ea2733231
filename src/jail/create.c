/* SPDX-License-Identifier: BSD-2-Clause */
/* create.c - making a jail: a table of steps, undone backward when one fails.
 *
 * Everything that can fail for the user's reasons is done here, on the host
 * side, with the host's rights; boot.c then only puts together what was
 * prepared. Until the record says "up" and init got its byte, a kill of this
 * process at any point ends in init's death and a record that tells so.
 */
#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "jail/claim.h"
#include "jail/confine.h"
#include "jail/devfs.h"
#include "jail/making.h"
#include "jail/param.h"
#include "jail/procs.h"
#include "linux/beneath.h"
#include "linux/cgroup.h"
#include "linux/clone.h"
#include "linux/mnt.h"
#include "linux/self.h"
#include "linux/userns.h"

enum {
	JAIL_DEVFS_RULESET = 4,
	USERNS_TRIES = 100,
	USERNS_WAIT_MS = 10,
};

static const char *
param(const struct making *m, const char *name)
{
	return dict_get(&m->rec.d, name);
}

static bool
has_mount(const struct making *m, const char *type)
{
	for (size_t i = 0; i < m->n_mounts; i++)
		if (strcmp(m->mounts[i].type, type) == 0)
			return true;
	return false;
}

/* --- parameters ------------------------------------------------------- */

/* What a parameter not given is: its default, or the parent's where it is
 * inherited; a right that the parent has not, nobody below has. */
static const char *
default_of(const struct param *p, const struct record *parent)
{
	const char *theirs =
	    parent->jid != 0 ? dict_get(&parent->d, p->name) : NULL;

	if (theirs == NULL)
		return p->dflt;
	if (p->inherited || (strncmp(p->name, "allow.", 6) == 0 &&
	                     strcmp(theirs, "false") == 0))
		return theirs;
	return p->dflt;
}

static int
fill_defaults(struct dict *d, const struct record *parent)
{
	for (size_t i = 0; i < param_table_len; i++) {
		const struct param *p = &param_table[i];
		const char *val = default_of(p, parent);

		if (p->pseudo || p->when == PARAM_READONLY || val == NULL ||
		    dict_get(d, p->name) != NULL)
			continue;
		if (dict_set(d, p->name, val) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A host name of its own makes the four values the jail's. */
static int
settle_host(struct dict *d)
{
	static const char *const own[] = { "host.hostname", "host.domainname",
		                           "host.hostuuid", "host.hostid" };

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (dict_get(d, own[i]) != NULL)
			return dict_set(d, "host", "new");
	return 0;
}

/* allow.sysvipc is the old word for all three. */
static int
settle_sysv(struct dict *d)
{
	static const char *const kind[] = { "sysvmsg", "sysvsem", "sysvshm" };

	if (!dict_is_true(d, "allow.sysvipc"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(kind); i++)
		if (dict_get(d, kind[i]) == NULL &&
		    dict_set(d, kind[i], "inherit") < 0)
			return -ENOMEM;
	return 0;
}

/* ip4 and ip6 follow from their lists, as in jail_set(2). */
static int
settle_family(struct dict *d, const char *key, const char *list_key)
{
	const char *list = dict_get(d, list_key);
	const char *mode = dict_get(d, key);
	bool has = list != NULL && list[0] != '\0';

	if (mode != NULL && strcmp(mode, "inherit") == 0 && !has)
		return 0;
	return dict_set(d, key, has ? "new" : "disable");
}

/* Settle which directory becomes the root, and what it is really called. Links
 * are followed once: one that a tenant puts in the way later leads nowhere. */
static int
open_path(struct making *m, struct error *err)
{
	cleanup_close int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *path = param(m, "path");
	cleanup_free char *real = realpath(path != NULL ? path : "/", NULL);

	if (top < 0 || real == NULL)
		return error_sys(err, "path %s", path != NULL ? path : "/");
	if (dict_set(&m->rec.d, "path", real) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	m->root_fd =
	    beneath_open(top, "path ", real, O_PATH | O_DIRECTORY, 0, err);
	return m->root_fd < 0 ? m->root_fd : 0;
}

static int
params_up(struct making *m, struct error *err)
{
	struct dict *d = &m->rec.d;
	const char *name = param(m, "name");

	if ((name != NULL &&
	     record_parent(m->sys, name, &m->parent, err) < 0) ||
	    confine_check(m, err) < 0)
		return err->code;
	if (settle_host(d) < 0 || settle_sysv(d) < 0 ||
	    fill_defaults(d, &m->parent) < 0 ||
	    settle_family(d, "ip4", "ip4.addr") < 0 ||
	    settle_family(d, "ip6", "ip6.addr") < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return open_path(m, err);
}

static void
params_down(struct making *m)
{
	if (m->root_fd >= 0)
		close(m->root_fd);
	m->root_fd = -1;
}

/* --- jid, name, addresses, uids --------------------------------------- */

static int
claims_up(struct making *m, struct error *err)
{
	struct dict *d = &m->rec.d;
	const char *above = dict_get(&m->parent.d, REC_CGROUP);
	long long want = dict_get_int(d, "jid", 0);

	m->shifted = !m->sys->nested;
	if ((above != NULL ? dict_setf(d, REC_CGROUP, "%s/p/gaol", above)
	                   : dict_set(d, REC_CGROUP, m->sys->cg_base)) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (record_reserve(m->sys, (int)want, m->shifted, &m->rec, &m->lock,
	                   err) < 0)
		return err->code;
	m->uid_base = (uint32_t)dict_get_int(d, REC_UID_BASE, 0);
	return 0;
}

static void
claims_down(struct making *m)
{
	struct error ignored;

	if (m->lock < 0)
		return; /* nothing is ours */
	(void)record_erase(m->sys, &m->rec, &ignored);
	close(take_fd(&m->lock));
}

/* --- control group ---------------------------------------------------- */

static int
group_up(struct making *m, struct error *err)
{
	const char *path = param(m, REC_CGROUP);
	char p[512];
	int base = -1;

	if (sys_cgroup(m->sys, err) < 0)
		return err->code;
	if (m->parent.jid != 0) { /* PARENT/p/gaol, once */
		snprintf(p, sizeof(p), "%s/p/gaol",
		         dict_get(&m->parent.d, REC_CGROUP));
		base = cg_make(m->sys->cg, p, err);
		if (base < 0)
			return base;
		close(base);
	}
	m->group = cg_make(m->sys->cg, path, err);
	if (m->group < 0)
		return m->group;
	snprintf(p, sizeof(p), "%s/p", path);
	m->group_p = cg_make(m->sys->cg, p, err);
	if (m->group_p < 0)
		return m->group_p;
	if (dict_get_int(&m->rec.d, "children.max", 0) > 0 &&
	    cg_delegate(m->group_p, m->uid_base, m->uid_base, err) < 0)
		return err->code;
	m->events = openat(m->group_p, "cgroup.events", O_RDONLY | O_CLOEXEC);
	return m->events >= 0 ? 0 : error_sys(err, "open 'cgroup.events'");
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The groups themselves go with the record (record_erase). */
static void
group_down(struct making *m)
{
	close_fd(&m->events);
	close_fd(&m->group_p);
	close_fd(&m->group);
}

/* --- user namespace and root ------------------------------------------ */

static void
tell(struct making *m, const char *line)
{
	if (m->warn != NULL)
		m->warn(m->warn_arg, line);
}

static void
users_down(struct making *m)
{
	rootfs_close(&m->root);
	close_fd(&m->userns);
}

/* Of the unified hierarchy the jail sees its own group and what is below. */
static int
give_unshifted(const struct making *m, struct error *err)
{
	if (confine_check_unshifted(&m->rec.d, err) < 0)
		return err->code;
	return confine_flags(&m->rec.d).children
	           ? cg_delegate(m->group_p, 0, 0, err)
	           : 0;
}

/*
 * The jail's user namespace. In a jail their number is children.max, and of a
 * jail that has just gone the kernel still counts one until it has swept up.
 */
static int
make_userns(const struct making *m, uid_t owner, struct error *err)
{
	int fd = -ENOSPC;

	for (int i = 0; fd == -ENOSPC && i < USERNS_TRIES; i++) {
		if (i > 0)
			(void)poll(NULL, 0, USERNS_WAIT_MS);
		fd = userns_create(owner, m->uid_base, UID_RANGE, procs_max(),
		                   err);
	}
	if (fd >= 0)
		err->code = 0;
	else if (fd == -ENOSPC && m->sys->nested)
		return error_set(err, -EAGAIN, "prison limit exceeded");
	return fd;
}

/*
 * The jail's ids and, as its proof, its root with shifted ids. A file system
 * that cannot map ids gets the host's ids instead: root inside is then uid 0
 * with no rights over the host's namespaces, and the user is told.
 */
static int
users_up(struct making *m, struct error *err)
{
	const char *path = param(m, "path");
	int rc;

	m->userns = make_userns(m, m->uid_base, err);
	if (m->userns < 0)
		return m->userns;
	rc = rootfs_open(m->root_fd, path, m->shifted ? m->userns : -1,
	                 &m->root, err);
	if (rc == 0 || rc != -EINVAL || !m->shifted)
		return rc;
	tell(m, "the file system of its root cannot map ids: files keep "
	        "the host's owners, and root in the jail is uid 0");
	close_fd(&m->userns);
	m->shifted = false;
	if (give_unshifted(m, err) < 0)
		return err->code;
	/* Its range stays claimed: what it uses up is charged to that. */
	m->uid_base = 0;
	if (dict_set(&m->rec.d, REC_UID_BASE, "0") < 0)
		return error_set(err, -ENOMEM, "out of memory");
	m->userns = make_userns(m, claim_uid_of(&m->rec.d), err);
	if (m->userns < 0)
		return m->userns;
	return rootfs_open(m->root_fd, path, -1, &m->root, err);
}

static int
procs_up(struct making *m, struct error *err)
{
	int rc;

	if (m->shifted || m->sys->nested)
		return 0;
	rc = procs_hold(m->sys, &m->rec, m->group, &m->enter, err);
	if (rc != -ENOTSUP)
		return rc;
	tell(m, "no pids controller here: root in the jail can make any "
	        "number of processes");
	err->code = 0;
	return 0;
}

static void
procs_down(struct making *m)
{
	close_fd(&m->enter);
}

/* --- /dev ------------------------------------------------------------- */

static unsigned
devfs_ruleset(const struct making *m)
{
	unsigned set = (unsigned)dict_get_int(&m->rec.d, "devfs_ruleset", 0);

	for (size_t i = 0; i < m->n_mounts; i++) {
		const char *opt;

		if (strcmp(m->mounts[i].type, "devfs") != 0 ||
		    m->mounts[i].opts == NULL)
			continue;
		opt = strstr(m->mounts[i].opts, "ruleset=");
		if (opt != NULL && atoi(opt + 8) > 0)
			return (unsigned)atoi(opt + 8);
	}
	return set != 0 ? set : JAIL_DEVFS_RULESET;
}

static int
dev_up(struct making *m, struct error *err)
{
	char helpers[PATH_MAX];

	if (!has_mount(m, "devfs"))
		return 0;
	if (m->sys->nested) { /* a jail's child has what the jail has */
		m->dev_tree = mnt_clone_tree(AT_FDCWD, "/dev", true, err);
		return m->dev_tree < 0 ? m->dev_tree : 0;
	}
	if (self_libexec("inside", helpers, err) < 0)
		return err->code;
	m->dev_tree = devfs_mount(m->sys->run, devfs_ruleset(m), helpers,
	                          m->shifted ? m->userns : -1, err);
	return m->dev_tree < 0 ? error_wrap(err, "mount.devfs") : 0;
}

static void
dev_down(struct making *m)
{
	close_fd(&m->dev_tree);
}

/* --- addresses and devices -------------------------------------------- */

static int
wall_up(struct making *m, struct error *err)
{
	return confine_attach(m->sys, &m->rec, m->group, devfs_ruleset(m),
	                      m->warn, m->warn_arg, err);
}

/* --- namespaces and init ---------------------------------------------- */

/* Which namespaces the jail has of its own, beside those all have. */
static void
choose_namespaces(struct making *m)
{
	m->ns = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWCGROUP;
	if (!dict_is(&m->rec.d, "sysvmsg", "inherit") &&
	    !dict_is(&m->rec.d, "sysvsem", "inherit") &&
	    !dict_is(&m->rec.d, "sysvshm", "inherit"))
		m->ns |= CLONE_NEWIPC;
	if (!dict_is(&m->rec.d, "host", "inherit"))
		m->ns |= CLONE_NEWUTS;
	if (dict_is(&m->rec.d, "vnet", "new"))
		m->ns |= CLONE_NEWNET;
}

static pid_t
clone_init(struct making *m)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_PIDFD |
		         CLONE_INTO_CGROUP,
		.pidfd = (uint64_t)(uintptr_t)&m->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)m->group,
	};

	return clone_wait(&args, boot_jail, m);
}

/*
 * The child of a running jail: a new pid namespace can only be made by who is
 * in the one above, so one process goes there and a second, born there, makes
 * it. Both share our memory and descriptors while we wait (CLONE_VFORK).
 */
static int
born_in_parent(void *arg)
{
	struct making *m = arg;

	m->pid = clone_init(m);
	return m->pid < 0 ? -m->pid : 0;
}

static int
go_to_parent(void *arg)
{
	struct clone_args args = { .flags = CLONE_FILES,
		                   .exit_signal = SIGCHLD };
	struct making *m = arg;
	int status;
	pid_t pid;

	if (setns(m->parent.pidfd, CLONE_NEWPID | CLONE_NEWNET) < 0)
		return errno;
	pid = clone_wait(&args, born_in_parent, m);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return pid < 0 ? -pid : errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

/* Our number for a process that another namespace numbered. */
static pid_t
pid_of(int pidfd)
{
	char path[64], line[128];
	int pid = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	while (pid < 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pid: %d", &pid) != 1)
			pid = -1;
	fclose(f);
	return pid;
}

static int
start_in_parent(struct making *m, struct error *err)
{
	struct clone_args args = { .flags = CLONE_FILES,
		                   .exit_signal = SIGCHLD };
	pid_t pid = clone_wait(&args, go_to_parent, m);
	int status = 0;

	if (pid > 0 && waitpid(pid, &status, 0) < 0)
		pid = -errno;
	if (pid > 0 && status != 0)
		pid = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
	if (pid < 0) {
		errno = -pid;
		return error_sys(err, "make namespaces in jail %d",
		                 m->parent.jid);
	}
	m->pid = pid_of(m->pidfd);
	return 0;
}

static int
start_init(struct making *m, struct error *err)
{
	if (m->parent.jid != 0)
		return start_in_parent(m, err);
	m->pid = clone_init(m);
	if (m->pid < 0) {
		errno = -m->pid;
		return error_sys(err, "make namespaces");
	}
	return 0;
}

/* The program of init. Where the jail's root is the host's uid 0 it could
 * write to it through /proc/1/exe: there it runs from a read-only mount. */
static int
open_init(struct making *m, const char *path, struct error *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

	if (m->shifted || m->sys->nested) {
		m->init = open(path, O_RDONLY | O_CLOEXEC);
		return m->init >= 0 ? 0 : error_sys(err, "open '%s'", path);
	}
	m->init = mnt_clone_tree(AT_FDCWD, path, false, err);
	return m->init < 0 ? m->init : mnt_setattr(m->init, &ro, false, err);
}

static int
init_up(struct making *m, struct error *err)
{
	char path[PATH_MAX];
	struct error failed;
	ssize_t n;

	choose_namespaces(m);
	if (self_libexec("init", path, err) < 0)
		return err->code;
	if (open_init(m, path, err) < 0)
		return err->code;
	if (pipe2(m->go, O_CLOEXEC) < 0 || pipe2(m->report, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	if (start_init(m, err) < 0)
		return err->code;
	close_fd(&m->report[1]);
	close_fd(&m->go[0]);
	/* Nothing comes when exec closed the other end: init runs. */
	n = read(m->report[0], &failed, sizeof(failed));
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(failed))
		return error_set(err, -EIO, "its first process died");
	failed.msg[sizeof(failed.msg) - 1] = '\0';
	*err = failed;
	return err->code;
}

static int
signal_init(const struct making *m, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, m->pidfd, sig, NULL, 0);
}

static void
init_down(struct making *m)
{
	close_fd(&m->go[1]);
	if (m->pid > 0) {
		(void)signal_init(m, SIGKILL);
		(void)waitpid(m->pid, NULL, 0);
	}
	m->pid = 0;
	close_fd(&m->go[0]);
	close_fd(&m->report[0]);
	close_fd(&m->report[1]);
	close_fd(&m->pidfd);
	close_fd(&m->init);
}

/* --- the record says so ------------------------------------------------ */

static int
commit_up(struct making *m, struct error *err)
{
	bool persist = dict_is(&m->rec.d, "persist", "true");

	if (record_set_init(&m->rec, m->pidfd, m->pid, err) < 0)
		return err->code;
	if (dict_setf(&m->rec.d, REC_NS, "%u", m->ns) < 0 ||
	    dict_set(&m->rec.d, REC_STATE, "up") < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (record_save(m->sys, &m->rec, err) < 0)
		return err->code;
	if (write(m->go[1], "g", 1) != 1)
		return error_sys(err, "start init");
	/* SIGUSR1 is blocked from init's first instant on. */
	if (!persist && signal_init(m, SIGUSR1) < 0)
		return error_sys(err, "signal init");
	return 0;
}

/* What was only needed while making. */
static void
making_fini(struct making *m)
{
	close_fd(&m->go[1]);
	close_fd(&m->report[0]);
	close_fd(&m->pidfd);
	close_fd(&m->init);
	users_down(m);
	dev_down(m);
	procs_down(m);
	group_down(m);
	params_down(m);
	close_fd(&m->lock);
	record_fini(&m->rec);
	record_fini(&m->parent);
}

static void
nothing_down(struct making *m)
{
	(void)m;
}

static const struct {
	int (*up)(struct making *m, struct error *err);
	void (*down)(struct making *m);
} steps[] = {
	{ params_up, params_down },  { claims_up, claims_down },
	{ group_up, group_down },    { users_up, users_down },
	{ procs_up, procs_down },    { dev_up, dev_down },
	{ wall_up, nothing_down },   { init_up, init_down },
	{ commit_up, nothing_down },
};

int
jail_create(struct jail_sys *sys, const struct dict *params,
            const struct jail_mount *mounts, size_t n,
            void (*warn)(void *arg, const char *line), void *arg,
            struct error *err)
{
	struct making m = {
		.sys = sys,
		.mounts = mounts,
		.n_mounts = n,
		.warn = warn,
		.warn_arg = arg,
		.rec = RECORD_INIT,
		.parent = RECORD_INIT,
		.lock = -1,
		.root_fd = -1,
		.root = ROOTFS_INIT,
		.dev_tree = -1,
		.userns = -1,
		.group = -1,
		.group_p = -1,
		.events = -1,
		.enter = -1,
		.init = -1,
		.go = { -1, -1 },
		.report = { -1, -1 },
		.pidfd = -1,
	};
	int jid;

	if (param_check_set(params, err) < 0)
		return err->code;
	if (dict_merge(&m.rec.d, params) < 0)
		error_set(err, -ENOMEM, "out of memory");
	else
		err->code = 0;
	for (size_t i = 0; err->code == 0 && i < ARRAY_LEN(steps); i++)
		if (steps[i].up(&m, err) < 0) {
			/* A step that failed undoes its own part too. */
			for (size_t k = i + 1; k-- > 0;)
				steps[k].down(&m);
		} else {
			err->code = 0;
		}
	jid = err->code < 0 ? err->code : m.rec.jid;
	making_fini(&m);
	return jid;
}
