/* SPDX-License-Identifier: BSD-2-Clause */
/* run_command.c - the commands of hooks and steps, as processes.
 *
 * Inside a jail jail_spawn() starts them. On the host they are started here,
 * with the directory of FreeBSD-syntax programs first in PATH; a program that a
 * FreeBSD file names by its full path (/sbin/ifconfig) is taken from there too.
 */
#include <linux/close_range.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jail/run_internal.h"
#include "linux/beneath.h"
#include "linux/passwd.h"

enum {
	MAX_GROUPS = PASSWD_MAX_GROUPS,
};

/* Where the helpers are seen inside a jail that has a devfs. */
static const char inside_helpers[] = "/dev/gaol";
/* FreeBSD's is /bin:/usr/bin, but a Linux jail keeps its servers elsewhere. */
static const char clean_path[] = "/bin:/usr/bin";
static const char clean_path_inside[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

int
run_command_split(const char *line, struct strv *argv, bool *out_background)
{
	static const char special[] = "!\"$&'()*;<>?[\\]`{|}~";
	size_t len = strlen(line), at = strcspn(line, special);
	cleanup_free char *words = NULL;

	*out_background = false;
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (line[at] == '&' && at + 1 == len) {
		/* The only special byte is at the very end. */
		*out_background = true;
		len--;
	} else if (line[at] != '\0') {
		if (strv_push(argv, "/bin/sh") < 0 ||
		    strv_push(argv, "-c") < 0 || strv_push(argv, line) < 0)
			return -ENOMEM;
		return 0;
	}
	words = strndup(line, len);
	return words != NULL ? strv_split(argv, words, " \t\r\n", false)
	                     : -ENOMEM;
}

/* The value of NAME in an environment, or NULL. */
static const char *
env_get(const struct strv *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			return env->v[i] + len + 1;
	return NULL;
}

static int
env_set(struct strv *env, const char *name, const char *value)
{
	size_t len = strlen(name);
	char *line;

	if (asprintf(&line, "%s=%s", name, value) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, len) == 0 &&
		    env->v[i][len] == '=') {
			free(env->v[i]);
			env->v[i] = line;
			return 0;
		}
	if (strv_push(env, line) < 0) {
		free(line);
		return -ENOMEM;
	}
	free(line);
	return 0;
}

/* PATH of a command: the helpers before the host's directories, or behind the
 * jail's own, which they must never shadow. */
static int
env_set_path(struct strv *env, const struct run *r, bool is_inside,
             bool is_clean)
{
	const char *base = is_clean ? NULL : env_get(env, "PATH");
	cleanup_free char *path = NULL;

	if (base == NULL)
		base = is_inside ? clean_path_inside : clean_path;
	if (is_inside) {
		if (asprintf(&path, "%s:%s", base, inside_helpers) < 0)
			path = NULL;
	} else if (asprintf(&path, "%s%s%s%s",
	                    r->opt->helpers != NULL ? r->opt->helpers : "",
	                    r->opt->helpers != NULL ? ":" : "", base,
	                    is_clean ? ":/sbin:/usr/sbin" : "") < 0) {
		path = NULL;
	}
	return path != NULL ? env_set(env, "PATH", path) : -ENOMEM;
}

/*
 * The environment of a command, without what belongs to a user. Steps always
 * get JPATH: mount and umount follow no link below it.
 */
static int
make_env(struct strv *env, const struct run *r, const struct run_jail *j,
         enum run_place place, bool is_clean)
{
	const bool is_inside = place == RUN_INSIDE;
	char jid[16];
	int rc = 0;

	/* Of ours, what says which jails there are: a hook's ifconfig or jexec
	 * must see the same ones. */
	for (char **e = environ; e != NULL && *e != NULL && rc == 0; e++)
		if (!is_clean || strncmp(*e, "TERM=", 5) == 0 ||
		    (!is_inside && strncmp(*e, "GAOL_", 5) == 0))
			rc = strv_push(env, *e);
	if (rc == 0)
		rc = env_set_path(env, r, is_inside, is_clean);
	if (rc == 0 && (!is_clean || place == RUN_STEP) && j->plan.path != NULL)
		rc = env_set(env, "JPATH", j->plan.path);
	if (is_clean || rc < 0)
		return rc;
	snprintf(jid, sizeof(jid), "%d", j->jid);
	if (j->jid > 0)
		rc = env_set(env, "JID", jid);
	if (rc == 0 && (j->plan.name != NULL || j->jid > 0))
		rc = env_set(env, "JNAME",
		             j->plan.name != NULL ? j->plan.name : jid);
	return rc;
}

/* What the child of a host command needs; it shares our memory until exec. */
struct child {
	char **argv; /* [0] and [1] are spare, for a script without "#!" */
	char *const *envp;
	char *program;
	const char *cwd;
	bool new_session, has_user;
	uid_t uid;
	gid_t gid, group[MAX_GROUPS];
	int n_group;
	volatile int failed; /* errno */
	const char *volatile what;
};

static void __attribute__((noreturn))
child_fail(struct child *c, const char *what)
{
	c->failed = errno;
	c->what = what;
	_exit(127);
}

static void __attribute__((noreturn)) child_main(struct child *c)
{
	if (c->new_session)
		setsid();
	if (c->has_user && (setgroups((size_t)c->n_group, c->group) < 0 ||
	                    setgid(c->gid) < 0 || setuid(c->uid) < 0))
		child_fail(c, "setuid");
	if (c->cwd != NULL && chdir(c->cwd) < 0)
		child_fail(c, "chdir");
	close_range(3, ~0U, 0);
	execve(c->program, c->argv + 1, c->envp);
	if (errno == ENOEXEC) {
		char shell[] = "/bin/sh";
		char *script = c->argv[1];

		c->argv[0] = shell;
		c->argv[1] = c->program;
		execve(shell, c->argv, c->envp);
		c->argv[1] = script;
	}
	child_fail(c, "exec");
}

/*
 * Start the child. vfork(2), because it starts a command in a third of the time
 * of fork(2) and lets the child say in our memory why it could not:
 * child_main() only makes system calls, and never returns.
 */
static pid_t
child_start(struct child *c, struct error *err)
{
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.*) */

	if (pid == 0)
		child_main(c);
	if (pid < 0)
		return error_sys(err, "fork");
	if (c->failed == 0)
		return pid;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	errno = c->failed;
	return error_sys(err, "%s %s", c->what,
	                 strcmp(c->what, "chdir") == 0 ? c->cwd : c->argv[1]);
}

static bool
is_system_dir(const char *path, size_t len)
{
	static const char *const dirs[] = { "/sbin", "/bin", "/usr/sbin",
		                            "/usr/bin" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (strlen(dirs[i]) == len && strncmp(dirs[i], path, len) == 0)
			return true;
	return false;
}

/* The helper that stands for an absolute path of a FreeBSD system. */
static bool
find_helper(const struct run *r, const char *name, char out[PATH_MAX])
{
	const char *base = strrchr(name, '/');

	return r->opt->helpers != NULL && name[0] == '/' &&
	       is_system_dir(name, (size_t)(base - name)) &&
	       snprintf(out, PATH_MAX, "%s%s", r->opt->helpers, base) <
	           PATH_MAX &&
	       access(out, X_OK) == 0;
}

/* As whom a command runs; NULL: as we are. */
static const char *
user_of(const struct run_jail *j, enum run_place place)
{
	if (place == RUN_STEP)
		return NULL;
	return dict_get(&j->plan.own, place == RUN_INSIDE ? "exec.jail_user"
	                                                  : "exec.system_user");
}

/* Where to find the program of argv[0]; as execvp(3), but in env's PATH. */
static int
find_program(const struct run *r, const char *name, const struct strv *env,
             char out[PATH_MAX])
{
	const char *path = env_get(env, "PATH");
	int why = ENOENT;

	if (strchr(name, '/') != NULL) {
		if (!find_helper(r, name, out) &&
		    snprintf(out, PATH_MAX, "%s", name) >= PATH_MAX)
			return -ENAMETOOLONG;
		return 0;
	}
	while (path != NULL && *name != '\0') {
		int len = (int)strcspn(path, ":");

		if (snprintf(out, PATH_MAX, "%.*s%s%s", len, path,
		             len > 0 ? "/" : "", name) < PATH_MAX) {
			if (access(out, X_OK) == 0)
				return 0;
			if (errno == EACCES)
				why = EACCES;
		}
		path += len;
		if (*path++ == '\0')
			break;
	}
	return -why;
}

/* The user of a host command: exec.system_user, or with exec.clean whoever we
 * are, for USER, HOME and SHELL. */
static int
take_user(struct child *c, struct strv *env, const char *user, bool is_clean,
          char **out_home, struct error *err)
{
	cleanup_close int root = -1;
	struct passwd_entry pw;
	struct error none;
	char self[16];

	if (user == NULL && !is_clean)
		return 0;
	snprintf(self, sizeof(self), "%u", getuid());
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->n_group = MAX_GROUPS;
	if (passwd_load(root, user != NULL ? user : self, &pw, c->group,
	                &c->n_group, &none) < 0) {
		if (user != NULL)
			*err = none;
		return user != NULL ? err->code : 0;
	}
	if (env_set(env, "USER", pw.name) < 0 ||
	    env_set(env, "HOME", pw.home) < 0 ||
	    env_set(env, "SHELL", *pw.shell != '\0' ? pw.shell : "/bin/sh") < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (user == NULL)
		return 0;
	c->has_user = true;
	c->uid = pw.uid;
	c->gid = pw.gid;
	if (is_clean) {
		*out_home = strdup(pw.home);
		c->cwd = *out_home;
	}
	return 0;
}

static pid_t
spawn_host(struct run *r, struct run_jail *j, const struct strv *argv,
           enum run_place place, bool is_background, struct error *err)
{
	const bool is_clean = dict_is_true(&j->plan.own, "exec.clean");
	const char *user = user_of(j, place);
	cleanup_strv struct strv env = STRV_INIT;
	cleanup_free char *home = NULL;
	cleanup_free struct child *c = calloc(1, sizeof(*c));
	cleanup_free char **args = calloc(argv->n + 2, sizeof(*args));
	char program[PATH_MAX];
	int rc;

	if (c == NULL || args == NULL ||
	    make_env(&env, r, j, place, is_clean) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	rc = find_program(r, argv->v[0], &env, program);
	if (rc < 0) {
		errno = -rc;
		return error_sys(err, "exec %s", argv->v[0]);
	}
	if (take_user(c, &env, user, is_clean, &home, err) < 0)
		return err->code;
	memcpy(args + 1, argv->v, argv->n * sizeof(*args));
	c->argv = args;
	c->envp = env.v;
	c->program = program;
	c->new_session = is_background;
	return child_start(c, err);
}

/*
 * exec.consolelog is a file of the host, but may lie below the jail's root,
 * where a link could lead it elsewhere and a FIFO hold us up.
 */
static int
open_console(const struct run_jail *j, struct error *err)
{
	static const char param[] = "exec.consolelog";
	const int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY;
	const char *path = dict_get(&j->plan.own, param);
	const char *root = j->plan.path;
	cleanup_close int root_fd = -1;
	size_t len;
	int fd;

	if (path == NULL || *path == '\0')
		return -1;
	if (path[0] != '/')
		return error_set(err, -EINVAL,
		                 "%s: %s: not an absolute pathname", param,
		                 path);
	len = root != NULL ? strlen(root) : 0;
	while (len > 0 && root[len - 1] == '/')
		len--;
	if (len == 0 || strncmp(path, root, len) != 0 || path[len] != '/') {
		fd = open(path, flags | O_CLOEXEC, 0666);
		return fd >= 0 ? fd : error_sys(err, "open %s", path);
	}
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return error_sys(err, "%s: %s", param, root);
	fd = beneath_open(root_fd, root, path + len, flags | O_NONBLOCK, 0666,
	                  err);
	if (fd < 0)
		return error_wrap(err, "%s", param);
	return fd;
}

static pid_t
spawn_inside(struct run *r, struct run_jail *j, const struct strv *argv,
             bool is_background, struct error *err)
{
	const struct dict *own = &j->plan.own;
	const char *user = user_of(j, RUN_INSIDE);
	const bool is_clean = dict_is_true(own, "exec.clean");
	cleanup_strv struct strv env = STRV_INIT;
	cleanup_close int console = -1;
	cleanup_free char *fallback = NULL;
	struct jail_cmd cmd = {
		.argv = argv->v,
		.user = user,
		.host_passwd = dict_is_true(own, "exec.system_jail_user"),
		.home = user != NULL && is_clean,
		.fd_in = -1,
		.new_session = is_background,
	};

	if (make_env(&env, r, j, RUN_INSIDE, is_clean) < 0 ||
	    (is_clean && user == NULL &&
	     (env_set(&env, "USER", "root") < 0 ||
	      env_set(&env, "HOME", "/root") < 0 ||
	      env_set(&env, "SHELL", "/bin/sh") < 0)))
		return error_set(err, -ENOMEM, "out of memory");
	cmd.envp = env.v;
	err->code = 0;
	console = open_console(j, err);
	if (console < 0 && err->code < 0)
		return err->code;
	cmd.fd_out = console;
	cmd.fd_err = console;
	if (argv->v[0][0] == '/') {
		const char *base = strrchr(argv->v[0], '/');

		if (is_system_dir(argv->v[0], (size_t)(base - argv->v[0])) &&
		    asprintf(&fallback, "%s%s", inside_helpers, base) < 0)
			return error_set(err, -ENOMEM, "out of memory");
		cmd.fallback = fallback;
	}
	return jail_spawn(r->sys, j->jid, &cmd, err);
}

static int
watch_child(struct run *r, struct run_jail *j, pid_t pid, const char *text,
            struct error *err)
{
	int timeout = (int)dict_get_int(&j->plan.own, "exec.timeout", 0);
	int pidfd = pidfd_open(pid, 0);

	free(j->command);
	j->command = strdup(text);
	if (pidfd < 0)
		error_sys(err, "%s: pidfd_open", text);
	else if (j->command == NULL)
		error_set(err, -ENOMEM, "%s: out of memory", text);
	else if (run_wait_for(r, j, pidfd, timeout) < 0)
		error_sys(err, "%s: epoll_ctl", text);
	else
		err->code = 0;
	if (err->code < 0) { /* a command that nobody waits for */
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		if (pidfd >= 0)
			close(pidfd);
		return err->code;
	}
	j->pid = pid;
	j->is_command = true;
	r->n_commands++;
	return 0;
}

int
run_command_stray(struct run_jail *j, pid_t pid)
{
	pid_t *v = reallocarray(j->stray, j->n_stray + 1, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	v[j->n_stray++] = pid;
	j->stray = v;
	return 0;
}

void
run_command_end_strays(struct run_jail *j)
{
	for (size_t i = 0; i < j->n_stray; i++) {
		kill(j->stray[i], SIGKILL);
		while (waitpid(j->stray[i], NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	j->n_stray = 0;
}

enum step_result
run_command_start(struct run *r, struct run_jail *j, const struct strv *argv,
                  const char *text, enum run_place place, bool is_background)
{
	const char *user = user_of(j, place);
	struct error err = { 0, "" };
	pid_t pid;

	if (argv->n == 0)
		return STEP_DONE;
	if (!is_background && r->n_commands >= r->limit)
		return STEP_NO_SLOT;
	run_detail(r, j, "run command%s%s%s: %s",
	           place == RUN_INSIDE ? " in jail" : "",
	           user != NULL ? " as " : "", user != NULL ? user : "", text);
	pid = place == RUN_INSIDE
	          ? spawn_inside(r, j, argv, is_background, &err)
	          : spawn_host(r, j, argv, place, is_background, &err);
	j->is_inside = place == RUN_INSIDE;
	if (pid > 0 && is_background && j->is_inside &&
	    run_command_stray(j, pid) < 0)
		pid = error_set(&err, -ENOMEM, "out of memory");
	if (pid < 0 ||
	    (!is_background && watch_child(r, j, pid, text, &err) < 0)) {
		run_error(r, j, "%s", err.msg);
		return STEP_FAILED;
	}
	return is_background ? STEP_DONE : STEP_WAIT;
}
