/* SPDX-License-Identifier: BSD-2-Clause */
/* spawn.c - a process enters a jail.
 *
 * Two processes: the first joins the cgroup and the namespaces, which counts
 * only for children; its child, made with CLONE_PARENT so that it is the
 * caller's own, puts the walls up and executes the command. From the join to
 * the exec the memory is still the host program's: it is never dumpable then,
 * so nobody inside may trace it or open its descriptors (ptrace(2), "access
 * mode checking").
 */
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/confine.h"
#include "jail/internal.h"
#include "linux/clone.h"
#include "linux/file.h"
#include "linux/keyring.h"
#include "linux/passwd.h"

#define PATH_CLEAN                                                             \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What the two processes need of the caller. */
struct entry {
	const struct jail_cmd *cmd;
	const struct record *rec;
	struct jail_filter_flags flags;
	unsigned ns;
	int group; /* cgroup of the jail's own processes */
	int report[2];
	struct passwd_entry user;
	gid_t groups[PASSWD_MAX_GROUPS];
	int n_groups;
	bool have_user;
};

/* What the first process says when it succeeded, and struct error else. */
struct report {
	pid_t pid;
	struct error err;
};

static _Noreturn void
fail(const struct entry *e, const struct error *err)
{
	struct report r = { 0, *err };

	(void)!write(e->report[1], &r, sizeof(r));
	_exit(1);
}

static int
take_stdio(const struct jail_cmd *cmd, struct error *err)
{
	const int fds[] = { cmd->fd_in, cmd->fd_out, cmd->fd_err };

	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0 && fds[i] != i && dup2(fds[i], i) < 0)
			return error_sys(err, "redirect");
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return error_sys(err, "close descriptors");
	return 0;
}

/* Find the user in the jail's own files, now that "/" is the jail's. */
static int
look_up_user(struct entry *e, struct error *err)
{
	cleanup_close int root = -1;

	if (e->cmd->user == NULL || e->have_user)
		return 0;
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_sys(err, "open '/'");
	e->n_groups = PASSWD_MAX_GROUPS;
	if (passwd_load(root, e->cmd->user, &e->user, e->groups, &e->n_groups,
	                err) < 0)
		return err->code;
	e->have_user = true;
	return 0;
}

static int
become_user(struct entry *e, struct error *err)
{
	if (!e->have_user)
		return 0;
	if (setgroups((size_t)e->n_groups, e->groups) < 0 ||
	    setresgid(e->user.gid, e->user.gid, e->user.gid) < 0 ||
	    setresuid(e->user.uid, e->user.uid, e->user.uid) < 0)
		return error_sys(err, "become %s", e->user.name);
	return 0;
}

/* What survives a scrubbed environment, and where its PATH then leads. */
static int
scrub_environment(struct error *err)
{
	static const char *const kept[] = { "TERM", "USER", "HOME", "SHELL" };
	char *val[ARRAY_LEN(kept)];

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const char *now = getenv(kept[i]);

		val[i] = now != NULL ? strdup(now) : NULL;
	}
	clearenv();
	if (setenv("PATH", PATH_CLEAN, 1) < 0)
		return error_sys(err, "environment");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (val[i] != NULL && setenv(kept[i], val[i], 1) < 0)
			return error_sys(err, "environment");
	return 0;
}

/* The environment: the caller's or cmd's, scrubbed when it is to be clean. */
static int
set_environment(const struct entry *e, struct error *err)
{
	const struct jail_cmd *cmd = e->cmd;
	const char *shell =
	    e->user.shell[0] != '\0' ? e->user.shell : "/bin/sh";

	if (cmd->envp != NULL)
		environ = (char **)(uintptr_t)cmd->envp;
	if (cmd->clean && scrub_environment(err) < 0)
		return err->code;
	if (e->have_user && (setenv("USER", e->user.name, 1) < 0 ||
	                     setenv("HOME", e->user.home, 1) < 0 ||
	                     setenv("SHELL", shell, 1) < 0))
		return error_sys(err, "environment");
	return 0;
}

static int
change_directory(const struct entry *e, struct error *err)
{
	const char *to = e->cmd->cwd != NULL ? e->cmd->cwd : "/";

	if (e->cmd->cwd == NULL && e->cmd->home && e->have_user)
		to = e->user.home;
	if (chdir(to) < 0)
		return error_sys(err, "chdir %s", to);
	return 0;
}

static void
reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* "$SHELL -i"; the caller's shell may not be in the jail. */
static void
exec_shell(struct error *err)
{
	const char *shell = getenv("SHELL");
	char name[PATH_MAX], flag[] = "-i";
	char *const argv[] = { name, flag, NULL };

	snprintf(name, sizeof(name), "%s", shell != NULL ? shell : "/bin/sh");
	execvp(name, argv);
	if (errno == ENOENT) {
		snprintf(name, sizeof(name), "/bin/sh");
		execv(name, argv);
	}
	error_sys(err, "exec %s", name);
}

/* Returns only when it failed. */
static void
exec_command(const struct jail_cmd *cmd, struct error *err)
{
	if (cmd->argv == NULL) {
		exec_shell(err);
		return;
	}
	execvp(cmd->argv[0], cmd->argv);
	if (errno == ENOENT && cmd->fallback != NULL)
		execv(cmd->fallback, cmd->argv);
	error_sys(err, "exec %s", cmd->argv[0]);
}

/*
 * Nobody outside will wait for this command, so it must not be an outsider's
 * child: a zombie whose parent is slow to reap keeps the whole jail. Born of a
 * process inside that ends, it is init's.
 */
static void
leave_for_good(const struct entry *e)
{
	struct error err;
	pid_t pid = fork();

	if (pid > 0)
		_exit(0);
	if (pid < 0) {
		error_sys(&err, "fork");
		fail(e, &err);
	}
	setsid();
}

/* The second process: inside, on its way to the command. */
static _Noreturn void
become_command(struct entry *e)
{
	const struct jail_cmd *cmd = e->cmd;
	struct error err = { 0 };

	if (cmd->new_session)
		leave_for_good(e);
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
	    setresuid(0, 0, 0) < 0) {
		error_sys(&err, "become the jail's root");
		fail(e, &err);
	}
	if (keyring_leave(&err) < 0 || take_stdio(cmd, &err) < 0 ||
	    look_up_user(e, &err) < 0 || set_environment(e, &err) < 0 ||
	    change_directory(e, &err) < 0 ||
	    jail_filter_apply(&e->flags, &err) < 0 || become_user(e, &err) < 0)
		fail(e, &err);
	reset_signals();
	exec_command(cmd, &err);
	fail(e, &err);
}

/* When memory ends, the host's own processes are the last to go. */
static void
volunteer_for_oom(void)
{
	struct error ignored;

	(void)file_put(AT_FDCWD, "/proc/self/oom_score_adj", "500", &ignored);
}

/*
 * A shared-IP jail lives in the network namespace it was made in, which need
 * not be ours. Joined before the rest, while we may still enter a namespace
 * that is not the jail's own.
 */
static int
join_network(const struct entry *e, struct error *err)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)e->rec->init.pid);
	if ((e->ns & CLONE_NEWNET) != 0 ||
	    stat("/proc/self/ns/net", &ours) < 0 || stat(path, &theirs) < 0 ||
	    (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev))
		return 0;
	if (setns(e->rec->pidfd, CLONE_NEWNET) < 0)
		return error_sys(err, "jail_attach");
	return 0;
}

/* The first process: joins, makes the second, tells its pid, goes. */
static int
enter(void *arg)
{
	struct entry *e = arg;
	struct report r = { 0 };
	struct clone_args args = {
		.flags = CLONE_PARENT,
		.exit_signal = 0, /* CLONE_PARENT: the caller's own */
	};

	prctl(PR_SET_DUMPABLE, 0);
	volunteer_for_oom();
	if (join_network(e, &r.err) < 0)
		fail(e, &r.err);
	if (setns(e->rec->pidfd, (int)e->ns) < 0) {
		error_sys(&r.err, "jail_attach");
		fail(e, &r.err);
	}
	r.pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (r.pid == 0)
		become_command(e);
	if (r.pid < 0) {
		error_sys(&r.err, "jail_attach");
		fail(e, &r.err);
	}
	(void)!write(e->report[1], &r, sizeof(r));
	return 0;
}

/* Collect both processes' word. Returns the command's pid. */
static pid_t
hear(struct entry *e, pid_t first, struct error *err)
{
	struct report r, failed = { 0 };
	bool heard = false;
	pid_t pid = 0;

	while (read(e->report[0], &r, sizeof(r)) == (ssize_t)sizeof(r))
		if (r.pid > 0) {
			pid = r.pid;
		} else {
			failed = r;
			heard = true;
		}
	while (waitpid(first, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (pid > 0 && (heard || e->cmd->new_session))
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	if (pid > 0 && !heard)
		return pid;
	if (!heard)
		return error_set(err, -ESRCH, "jail_attach: %s",
		                 strerror(ESRCH));
	failed.err.msg[sizeof(failed.err.msg) - 1] = '\0';
	*err = failed.err;
	return err->code;
}

static pid_t
run_entry(struct entry *e, struct error *err)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)e->group,
	};
	pid_t first, pid;

	if (pipe2(e->report, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	first = clone_wait(&args, enter, e);
	close(e->report[1]);
	if (first < 0)
		pid =
		    error_set(err, first, "jail_attach: %s", strerror(-first));
	else
		pid = hear(e, first, err);
	close(e->report[0]);
	return pid;
}

pid_t
jail_spawn(struct jail_sys *sys, int jid, const struct jail_cmd *cmd,
           struct error *err)
{
	cleanup_record struct record r = RECORD_INIT;
	cleanup_close int group = -1;
	cleanup_close int host_root = -1;
	cleanup_free struct entry *e = NULL;

	if (record_get(sys, jid, &r, err) < 0)
		return err->code;
	group = record_open_group(sys, &r, err);
	if (group < 0)
		return group;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	e->cmd = cmd;
	e->rec = &r;
	e->group = group;
	e->flags = confine_flags(&r.d);
	e->ns = (unsigned)dict_get_int(&r.d, REC_NS, 0);
	if (cmd->user != NULL && cmd->host_passwd) {
		host_root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		e->n_groups = PASSWD_MAX_GROUPS;
		if (passwd_load(host_root, cmd->user, &e->user, e->groups,
		                &e->n_groups, err) < 0)
			return err->code;
		e->have_user = true;
	}
	return run_entry(e, err);
}
