/* SPDX-License-Identifier: BSD-2-Clause */
/* spawn.c - a process enters a jail.
 *
 * One child, born in the jail's cgroup and pid namespace: joins the other
 * namespaces, puts the walls up and executes the command. Until it joins the
 * user namespace it has the host root's credentials, over which nobody inside
 * has rights; from then to the exec its memory is still the host program's, so
 * it is never dumpable: nobody inside may trace it or open its descriptors
 * (ptrace(2), "access mode checking").
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
#include "jail/procs.h"
#include "linux/cgroup.h"
#include "linux/file.h"
#include "linux/keyring.h"
#include "linux/passwd.h"

#define PATH_CLEAN                                                             \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What the child needs of the caller. */
struct entry {
	const struct jail_cmd *cmd;
	const struct record *rec;
	struct jail_filter_flags flags;
	unsigned ns;
	bool nested; /* we are in a jail ourselves */
	int group;   /* cgroup of the jail's own processes */
	int count;   /* what counts them (procs.h), or -1 */
	int report[2];
	struct passwd_entry user;
	gid_t groups[PASSWD_MAX_GROUPS];
	int n_groups;
	bool have_user;
};

static _Noreturn void
fail(const struct entry *e, const struct error *err)
{
	(void)!write(e->report[1], err, sizeof(*err));
	_exit(1);
}

/* Also when a signal interrupts. Returns what read(2) does. */
static ssize_t
read_whole(int fd, void *data, size_t len)
{
	ssize_t n;

	do {
		n = read(fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n;
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
		if (now != NULL && val[i] == NULL)
			return error_sys(err, "environment");
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

/* Inside, on its way to the command. */
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
	if ((e->ns & CLONE_NEWNET) != 0)
		return 0;
	if (stat("/proc/self/ns/net", &ours) < 0 || stat(path, &theirs) < 0)
		return error_sys(err, "jail_attach");
	if (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev)
		return 0;
	if (setns(e->rec->pidfd, CLONE_NEWNET) < 0)
		return error_sys(err, "jail_attach");
	return 0;
}

/* The child: in the jail's pid namespace already, joins the others. */
static _Noreturn void
enter(struct entry *e)
{
	struct error err = { 0 };

	prctl(PR_SET_DUMPABLE, 0);
	volunteer_for_oom();
	if ((e->count >= 0 && cg_enter(e->count, &err) < 0) ||
	    join_network(e, &err) < 0)
		fail(e, &err);
	if (setns(e->rec->pidfd, (int)(e->ns & ~(unsigned)CLONE_NEWPID)) < 0) {
		error_sys(&err, "jail_attach");
		fail(e, &err);
	}
	become_command(e);
}

/* A child of the kind that flags tell, in the jail's cgroup and where our
 * children are born. */
static pid_t
clone_into(const struct entry *e, uint64_t flags, struct error *err)
{
	struct clone_args args = {
		.flags = flags | CLONE_INTO_CGROUP,
		.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD,
		.cgroup = (uint64_t)e->group,
	};
	pid_t pid;

	if (setns(e->rec->pidfd, CLONE_NEWPID) < 0)
		return error_sys(err, "jail_attach");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid >= 0)
		return pid;
	/* A namespace whose init is gone takes nobody in any more. */
	errno = errno == ENOMEM ? ESRCH : errno;
	return error_sys(err, "jail_attach");
}

/*
 * Make a child in the jail's cgroup and pid namespace. Where children are born
 * is an attribute of ours, turned there and back again, which spares a process
 * between us and the command (pid_namespaces(7), "setns").
 */
static pid_t
bear(const struct entry *e, struct error *err)
{
	cleanup_close int home =
	    open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (home < 0)
		return error_sys(err, "open '/proc/self/ns/pid'");
	pid = clone_into(e, 0, err);
	if (pid != 0 && setns(home, CLONE_NEWPID) < 0)
		return error_sys(err, "leave the jail");
	return pid;
}

/*
 * The same in a jail, whose pid namespace is the host's: nobody inside may turn
 * back to it. A process between us and the command goes there in our stead, and
 * leaves its child to us.
 */
static pid_t
bear_nested(const struct entry *e, struct error *err)
{
	struct {
		pid_t pid;
		struct error err;
	} word = { -1, { 0 } };
	int pipes[2];
	pid_t between;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	between = fork();
	if (between == 0) {
		word.pid = clone_into(e, CLONE_PARENT, &word.err);
		if (word.pid == 0) {
			close(pipes[0]);
			close(pipes[1]);
			return 0;
		}
		_exit(write(pipes[1], &word, sizeof(word)) !=
		      (ssize_t)sizeof(word));
	}
	close(pipes[1]);
	if (between < 0)
		error_sys(err, "fork");
	else if (read_whole(pipes[0], &word, sizeof(word)) != sizeof(word))
		error_set(err, -ESRCH, "jail_attach: no process");
	else if (word.pid < 0)
		*err = word.err;
	while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
		continue;
	close(pipes[0]);
	return word.pid < 0 ? err->code : word.pid;
}

/* The child's word: nothing, when exec closed the pipe. */
static pid_t
hear(const struct entry *e, pid_t pid, struct error *err)
{
	struct error failed;
	bool heard =
	    read_whole(e->report[0], &failed, sizeof(failed)) == sizeof(failed);

	if (heard || e->cmd->new_session)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	if (!heard)
		return pid;
	failed.msg[sizeof(failed.msg) - 1] = '\0';
	*err = failed;
	return err->code;
}

static pid_t
run_entry(struct entry *e, struct error *err)
{
	pid_t pid;

	if (pipe2(e->report, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	pid = e->nested ? bear_nested(e, err) : bear(e, err);
	if (pid == 0) {
		close(e->report[0]);
		enter(e);
	}
	close(e->report[1]);
	if (pid > 0)
		pid = hear(e, pid, err);
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
	cleanup_close int count = -1;
	cleanup_free struct entry *e = NULL;

	if (record_get(sys, jid, &r, err) < 0)
		return err->code;
	group = record_open_group(sys, &r, err);
	if (group < 0 || procs_enter_open(&r, &count, err) < 0)
		return err->code;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	e->cmd = cmd;
	e->rec = &r;
	e->group = group;
	e->nested = sys->nested;
	e->count = count;
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
