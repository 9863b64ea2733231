/* SPDX-License-Identifier: BSD-2-Clause */
/* run_test.c - order of steps, undo at every failing step, dependencies,
 * parallel commands and time limits, over a fake of jail.h.
 *
 * Everything that happens is a line of one log: commands on the host write to
 * it (through fakes of ifconfig, mount and umount in a helpers directory, or as
 * hooks of the shape "log WORD"), the fake jail_*() calls do, and what is told.
 */
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jail/run.h"

enum { MAX_JAILS = 32 };

/* --- the world --- */

static struct world {
	char dir[64], helpers[80], root[80], log[80];
	struct {
		char name[32];
		bool persist;
	} jail[MAX_JAILS]; /* jid - 1 */
	int next_jid;
	const char *create_fails, *remove_fails;
	int n_tidied;
	pid_t victim; /* a process that jail_pids() shows */
	char mounts[256];
} w;

PRINTF(1, 2)
static void
log_line(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n,
	    fd = open(w.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	assert_int_equal(write(fd, line, (size_t)n), n);
	close(fd);
}

static char *
read_log(void)
{
	static char text[16384];
	int fd = open(w.log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
write_script(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w.helpers, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fchmod(fileno(f), 0755), 0);
	fclose(f);
}

static int
make_world(void **state)
{
	static const char *const dirs[] = { "", "/dev", "/mnt", "/proc" };
	char text[256];

	(void)state;
	strcpy(w.dir, "/tmp/run-test.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.helpers, sizeof(w.helpers), "%s/helpers", w.dir);
	snprintf(w.root, sizeof(w.root), "%s/root", w.dir);
	snprintf(w.log, sizeof(w.log), "%s/log", w.dir);
	assert_int_equal(mkdir(w.helpers, 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		snprintf(text, sizeof(text), "%s%s", w.root, dirs[i]);
		assert_int_equal(mkdir(text, 0755), 0);
	}
	snprintf(text, sizeof(text),
	         "#!/bin/sh\n"
	         "echo \"${0##*/} $*\" >>%s\n"
	         "case \"$*\" in *bad*) exit 1;; esac\n",
	         w.log);
	write_script("ifconfig", text);
	write_script("mount", text);
	write_script("umount", text);
	snprintf(text, sizeof(text), "#!/bin/sh\necho \"$*\" >>%s\n", w.log);
	write_script("log", text);
	return 0;
}

static int
drop_world(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", w.dir);
	return system(cmd);
}

static int
reset_world(void **state)
{
	(void)state;
	memset(w.jail, 0, sizeof(w.jail));
	w.next_jid = 0;
	w.create_fails = w.remove_fails = NULL;
	w.victim = 0;
	w.n_tidied = 0;
	w.mounts[0] = '\0';
	unlink(w.log);
	return 0;
}

/* --- the fake of jail.h --- */

int
jail_find(struct jail_sys *sys, const char *name, struct error *err)
{
	(void)sys;
	for (int i = 0; i < MAX_JAILS; i++)
		if (w.jail[i].name[0] != '\0' &&
		    (strcmp(w.jail[i].name, name) == 0 || atoi(name) == i + 1))
			return i + 1;
	return error_set(err, -ENOENT, "jail \"%s\" not found", name);
}

int
jail_create(struct jail_sys *sys, const struct dict *params,
            const struct jail_mount *mounts, size_t n,
            void (*warn)(void *arg, const char *line), void *arg,
            struct error *err)
{
	const char *name = dict_get(params, "name");
	int jid;

	(void)sys;
	(void)warn;
	(void)arg;
	if (w.create_fails != NULL) {
		log_line("create %s fails", name);
		return error_set(err, -EPERM, "%s", w.create_fails);
	}
	jid = ++w.next_jid;
	snprintf(w.jail[jid - 1].name, sizeof(w.jail[0].name), "%s",
	         name != NULL ? name : "anon");
	w.jail[jid - 1].persist = dict_is_true(params, "persist");
	for (size_t i = 0; i < n; i++)
		snprintf(w.mounts + strlen(w.mounts),
		         sizeof(w.mounts) - strlen(w.mounts), "%s:%s:%s ",
		         mounts[i].type, mounts[i].where, mounts[i].opts);
	log_line("create %s%s", w.jail[jid - 1].name,
	         w.jail[jid - 1].persist ? " persist" : "");
	return jid;
}

int
jail_update(struct jail_sys *sys, int jid, const struct dict *params,
            struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	(void)sys;
	if (w.jail[jid - 1].name[0] == '\0')
		return error_set(err, -ENOENT, "jail %d not found", jid);
	for (size_t i = 0; i < params->n; i++)
		buf_printf(&text, " %s=%s", params->row[i].key,
		           params->row[i].val);
	log_line("update %s%s", w.jail[jid - 1].name, buf_str(&text));
	return 0;
}

int
jail_get(struct jail_sys *sys, int jid, struct dict *out, struct error *err)
{
	(void)sys;
	if (w.jail[jid - 1].name[0] == '\0')
		return error_set(err, -ENOENT, "jail %d not found", jid);
	assert_int_equal(dict_setf(out, "jid", "%d", jid), 0);
	assert_int_equal(dict_set(out, "name", w.jail[jid - 1].name), 0);
	assert_int_equal(dict_set(out, "path", w.root), 0);
	assert_int_equal(dict_set(out, "osrelease", "1"), 0);
	assert_int_equal(dict_set(out, "meta", "a=1\n"), 0);
	return 0;
}

int
jail_next(struct jail_sys *sys, int after, struct error *err)
{
	(void)sys;
	for (int i = after; i < MAX_JAILS; i++)
		if (w.jail[i].name[0] != '\0')
			return i + 1;
	return error_set(err, -ENOENT, "no more");
}

int
jail_remove(struct jail_sys *sys, int jid, struct error *err)
{
	(void)sys;
	if (w.jail[jid - 1].name[0] == '\0')
		return error_set(err, -ENOENT, "jail %d not found", jid);
	if (w.remove_fails != NULL)
		return error_set(err, -EBUSY, "%s", w.remove_fails);
	log_line("remove %s", w.jail[jid - 1].name);
	w.jail[jid - 1].name[0] = '\0';
	return 0;
}

int
jail_sys_tidy(struct jail_sys *sys, struct error *err)
{
	(void)sys;
	(void)err;
	w.n_tidied++;
	return 0;
}

int
jail_pids(struct jail_sys *sys, int jid, pid_t **out_pids, struct error *err)
{
	(void)sys;
	(void)jid;
	(void)err;
	if (w.victim == 0)
		return 0;
	*out_pids = malloc(sizeof(pid_t));
	**out_pids = w.victim;
	return 1;
}

int
jail_signal(struct jail_sys *sys, int jid, int sig, struct error *err)
{
	(void)sys;
	(void)err;
	log_line("signal %s %d", w.jail[jid - 1].name, sig);
	return kill(w.victim, sig) == 0 ? 1 : 0;
}

pid_t
jail_spawn(struct jail_sys *sys, int jid, const struct jail_cmd *cmd,
           struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	pid_t pid;

	(void)sys;
	for (size_t i = 0; cmd->argv[i] != NULL; i++)
		buf_printf(&text, " %s", cmd->argv[i]);
	log_line("inside %s:%s%s%s", w.jail[jid - 1].name, buf_str(&text),
	         cmd->fallback != NULL ? " or " : "",
	         cmd->fallback != NULL ? cmd->fallback : "");
	if (strcmp(cmd->argv[0], "nosuch") == 0)
		return error_set(err, -ENOENT, "exec nosuch: %s",
		                 strerror(ENOENT));
	pid = fork();
	if (pid == 0) {
		if (cmd->fd_out >= 0)
			dup2(cmd->fd_out, 1);
		execvpe(cmd->argv[0], cmd->argv, cmd->envp);
		_exit(127);
	}
	return pid;
}

/* --- running a configuration --- */

static void
keep_line(void *arg, enum run_level level, const char *line)
{
	(void)arg;
	log_line("%s%s", level == RUN_ERROR ? "! " : "> ", line);
}

static void
keep_report(void *arg, const char *line)
{
	(void)arg;
	log_line("! %s", line);
}

/* text with R for the jails' root. */
static int
run_conf(const char *text, const struct run_options *opt,
         const char *const *names)
{
	const struct conf_env env = { .report = keep_report };
	const struct run_io io = { .print = keep_line };
	struct run_request req = { 0 };
	cleanup_buf struct buf full = BUF_INIT;
	struct run_options o = *opt;
	struct conf *conf = NULL;
	struct error err;
	int rc;

	buf_printf(&full, "path = %s;\n%s", w.root, text);
	assert_int_equal(
	    conf_parse("test", buf_str(&full), full.len, &env, &conf, &err), 0);
	if (o.cancel_fd == 0)
		o.cancel_fd = -1;
	o.helpers = w.helpers;
	o.note_removed = true;
	req.conf = conf;
	req.name = (char *const *)(uintptr_t)names;
	while (names != NULL && names[req.n] != NULL)
		req.n++;
	rc = run_jails(NULL, &req, &o, &io, &err);
	conf_free(conf);
	return rc;
}

/* Compare the log with want, where each R stands for the root. */
static void
expect(const char *want)
{
	cleanup_buf struct buf full = BUF_INIT;

	for (; *want != '\0'; want++)
		if (*want == '@')
			buf_puts(&full, w.root);
		else
			buf_putc(&full, *want);
	assert_string_equal(read_log(), buf_str(&full));
	unlink(w.log);
}

static const char everything[] =
    "exec.prepare = \"log prepare\"; exec.prestart = \"log prestart\";\n"
    "exec.created = \"log created\"; exec.start = \"true start\";\n"
    "exec.poststart = \"log poststart\"; exec.prestop = \"log prestop\";\n"
    "exec.stop = \"true stop\"; exec.poststop = \"log poststop\";\n"
    "exec.release = \"log release\"; stop.timeout = 0;\n"
    "interface = em0; mount.noprocfs;\n"
    "ip4.addr = 10.0.0.1/24, 10.0.0.2; ip6.addr = \"lo1|fd00::1\";\n"
    "mount = \"/base $path/mnt nullfs ro 0 0\"; mount.devfs;\n";

static void
starts_and_stops_in_order(void **state)
{
	struct run_options o = { .ops = RUN_CREATE };
	cleanup_buf struct buf text = BUF_INIT;

	(void)state;
	setenv("PATH", "/bin:/usr/bin", 1);
	buf_printf(&text, "%s a { command = true, word; }", everything);
	assert_int_equal(run_conf(buf_str(&text), &o, NULL), 0);
	expect("prepare\n"
	       "ifconfig em0 inet 10.0.0.1/24 alias\n"
	       "ifconfig em0 inet 10.0.0.2 netmask 255.255.255.255 alias\n"
	       "ifconfig lo1 inet6 fd00::1 prefixlen 128 alias\n"
	       "mount -t nullfs -o ro /base @/mnt\n"
	       "prestart\n"
	       "create a persist\n"
	       "> a: created\n"
	       "created\n"
	       "inside a: true start\n"
	       "inside a: true word\n"
	       "poststart\n"
	       "update a persist=false\n");
	assert_string_equal(w.mounts, "devfs:/dev:ruleset=4 ");
	o.ops = RUN_REMOVE;
	/* The fake mounts nothing, so there is nothing to unmount. */
	assert_int_equal(run_conf(buf_str(&text), &o, NULL), 1);
	expect("prestop\n"
	       "inside a: true stop\n"
	       "remove a\n"
	       "> a: removed\n"
	       "poststop\n"
	       "! a: mount: @/mnt: not a mount point\n"
	       "ifconfig lo1 inet6 fd00::1 prefixlen 128 -alias\n"
	       "ifconfig em0 inet 10.0.0.2 netmask 255.255.255.255 -alias\n"
	       "ifconfig em0 inet 10.0.0.1/24 -alias\n"
	       "release\n");
}

/* What each failing step leaves to be undone, in reverse. */
static void
undoes_backward_at_every_step(void **state)
{
#define ALIAS   "ifconfig em0 inet 10.0.0.1/24 alias\n"
#define UNALIAS "ifconfig em0 inet 10.0.0.1/24 -alias\n"
#define CREATED ALIAS "create a persist\n> a: created\n"
#define REMOVED "remove a\n> a: removed\n" UNALIAS
	static const struct {
		const char *conf, *create_fails, *log;
	} rows[] = {
		{ "exec.prepare = false;", NULL, "! a: false: failed\n" },
		{ "ip4.addr += \"bad|10.0.0.2\";", NULL,
		  ALIAS
		  "ifconfig bad inet 10.0.0.2 netmask 255.255.255.255 alias\n"
		  "! a: /sbin/ifconfig bad inet 10.0.0.2 netmask "
		  "255.255.255.255 alias: failed\n" UNALIAS },
		{ "mount = \"/bad $path/mnt nullfs rw\";", NULL,
		  ALIAS "mount -t nullfs -o rw /bad @/mnt\n"
		        "! a: /sbin/mount -t nullfs -o rw /bad @/mnt: "
		        "failed\n" UNALIAS },
		{ "mount = \"/b $path/none nullfs rw\";", NULL,
		  ALIAS
		  "! a: mount: @/none: No such file or directory\n" UNALIAS },
		{ "exec.prestart = \"exit 3\", \"log never\";", NULL,
		  ALIAS "! a: exec exit: No such file or directory\n" UNALIAS },
		{ "exec.prestart = \"kill -9 \\$\\$\";", NULL,
		  ALIAS "! a: kill -9 $$: exited on signal 9\n" UNALIAS },
		{ "exec.start = true;", "no way",
		  ALIAS "create a fails\n! a: no way\n" UNALIAS },
		{ "path = /nonexistent; persist;", NULL,
		  ALIAS "! a: path /nonexistent: No such file or "
		        "directory\n" UNALIAS },
		{ "nopersist;", NULL,
		  ALIAS "! a: new jail must persist or attach\n" UNALIAS },
		{ "exec.created = false; persist;", NULL,
		  ALIAS "create a persist\n> a: created\n"
		        "! a: false: failed\n" REMOVED },
		{ "vnet.interface = e0b, badb; exec.start = true;", NULL,
		  CREATED "ifconfig e0b vnet a\nifconfig badb vnet a\n"
		          "! a: /sbin/ifconfig badb vnet a: failed\n"
		          "ifconfig e0b -vnet a\n" REMOVED },
		{ "exec.start = nosuch;", NULL,
		  CREATED "inside a: nosuch\n"
		          "! a: exec nosuch: No such file or "
		          "directory\n" REMOVED },
		{ "exec.start = false;", NULL,
		  CREATED "inside a: false\n! a: false: failed\n" REMOVED },
		{ "command = false, now;", NULL,
		  CREATED
		  "inside a: false now\n! a: false now: failed\n" REMOVED },
		{ "exec.start = true; exec.poststart = false;", NULL,
		  CREATED "inside a: true\n! a: false: failed\n" REMOVED },
	};
	const struct run_options o = { .ops = RUN_CREATE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf text = BUF_INIT;

		reset_world(NULL);
		w.create_fails = rows[i].create_fails;
		buf_printf(&text,
		           "a { ip4.addr = \"em0|10.0.0.1/24\"; mount.noprocfs;"
		           " exec.poststop = \"log never\"; %s }",
		           rows[i].conf);
		assert_int_equal(run_conf(buf_str(&text), &o, NULL), 1);
		expect(rows[i].log);
	}
}

static void
stops_where_a_stop_hook_fails(void **state)
{
	static const char conf[] =
	    "a { persist; stop.timeout = 0; exec.prestop = \"log prestop\";"
	    "    exec.stop = false; exec.poststop = \"log poststop\"; }"
	    "b { persist; stop.timeout = 0; exec.poststop = false;"
	    "    exec.release = \"log release\"; depend = a; }";
	struct run_options o = { .ops = RUN_CREATE, .quiet = true };

	(void)state;
	assert_int_equal(run_conf(conf, &o, NULL), 0);
	expect("create a persist\ncreate b persist\n");
	o.ops = RUN_REMOVE;
	/* b fails when it is gone already: it does its other steps, and a may
	 * be stopped. a fails before that, and stays. */
	assert_int_equal(run_conf(conf, &o, NULL), 1);
	expect("remove b\n! b: false: failed\nrelease\n"
	       "prestop\ninside a: false\n! a: false: failed\n");
}

static void
orders_by_dependency(void **state)
{
	static const char conf[] = "persist; stop.timeout = 0;"
	                           "web { depend = db, app; }"
	                           "app { depend = db; }"
	                           "db { exec.poststart = \"sleep 0.1\"; }"
	                           "top.kid { }"
	                           "top { exec.poststart = \"sleep 0.1\"; }";
	static const char *const only_web[] = { "web", NULL };
	static const char *const only_db[] = { "db", NULL };
	struct run_options o = { .ops = RUN_CREATE };

	(void)state;
	assert_int_equal(run_conf(conf, &o, only_web), 0);
	expect("create db persist\n> db: created\n"
	       "create app persist\n> app: created\n"
	       "create web persist\n> web: created\n");
	/* Those that run are left alone; a child only needs its parent made. */
	assert_int_equal(run_conf(conf, &o, NULL), 0);
	expect("create top persist\n> top: created\n"
	       "create top.kid persist\n> top.kid: created\n");
	o.ops = RUN_REMOVE;
	assert_int_equal(run_conf(conf, &o, only_db), 0);
	expect("remove web\n> web: removed\nremove app\n> app: removed\n"
	       "remove db\n> db: removed\n");
}

static void
tells_broken_dependencies(void **state)
{
	static const char conf[] = "persist; a { depend = b; }"
	                           "b { depend = c; } c { depend = b; }"
	                           "d { depend = nobody; } e { depend = d; }"
	                           "f { }";
	struct run_options o = { .ops = RUN_CREATE };

	(void)state;
	assert_int_equal(run_conf(conf, &o, NULL), 1);
	expect("! b: dependency loop\n! c: dependency loop\n"
	       "! d: depends on undefined jail \"nobody\"\n"
	       "! a: skipped\n! e: skipped\n"
	       "create f persist\n> f: created\n");
}

/* Restarting db takes down what runs on it, and brings it back. */
static void
restarts_dependents(void **state)
{
	static const char conf[] = "persist; stop.timeout = 0;"
	                           "db { } app { depend = db; }"
	                           "idle { depend = db; }";
	static const char *const some[] = { "app", NULL };
	static const char *const db[] = { "db", NULL };
	struct run_options o = { .ops = RUN_CREATE, .quiet = true };

	(void)state;
	assert_int_equal(run_conf(conf, &o, some), 0);
	expect("create db persist\ncreate app persist\n");
	o.ops = RUN_REMOVE | RUN_CREATE;
	assert_int_equal(run_conf(conf, &o, db), 0);
	expect("remove app\nremove db\ncreate db persist\n"
	       "create app persist\n");
}

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void
runs_at_most_p_commands(void **state)
{
	static const char conf[] = "persist; mount.noprocfs;"
	                           "exec.prestart = \"log $name begin\","
	                           " \"sleep 0.3\", \"log $name end\";"
	                           "a { } b { } c { }";
	struct run_options o = { .ops = RUN_CREATE, .quiet = true };
	long long t0 = now_ms(), together, one_by_one;

	(void)state;
	assert_int_equal(run_conf(conf, &o, NULL), 0);
	together = now_ms() - t0;
	assert_true(together >= 300);
	reset_world(NULL);
	o.parallel = 1;
	t0 = now_ms();
	assert_int_equal(run_conf(conf, &o, NULL), 0);
	one_by_one = now_ms() - t0;
	expect("a begin\na end\ncreate a persist\n"
	       "b begin\nb end\ncreate b persist\n"
	       "c begin\nc end\ncreate c persist\n");
	assert_true(one_by_one >= 900);
	assert_true(together < one_by_one);
}

static void
gives_up_slow_commands(void **state)
{
	static const char conf[] =
	    "a { exec.timeout = 1; mount.noprocfs; exec.prepare = true;"
	    "    ip4.addr = \"em0|10.0.0.1/24\"; exec.start = \"sleep 5\"; }";
	const struct run_options o = { .ops = RUN_CREATE };
	long long t0 = now_ms();

	(void)state;
	assert_int_equal(run_conf(conf, &o, NULL), 1);
	assert_true(now_ms() - t0 < 4000);
	expect("ifconfig em0 inet 10.0.0.1/24 alias\n"
	       "create a persist\n> a: created\ninside a: sleep 5\n"
	       "! a: sleep 5: timed out\nremove a\n> a: removed\n"
	       "ifconfig em0 inet 10.0.0.1/24 -alias\n");
}

static pid_t
start_victim(bool ignores_term)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, ignores_term ? SIG_IGN : SIG_DFL);
		for (;;)
			pause();
	}
	return pid;
}

static void
waits_for_processes_to_end(void **state)
{
	static const char conf[] = "a { persist; stop.timeout = 1; }";
	struct run_options o = { .ops = RUN_CREATE, .quiet = true };

	(void)state;
	for (int i = 0; i < 2; i++) {
		char want[128];
		long long t0;

		assert_int_equal(run_conf(conf, &o, NULL), 0);
		reset_world(NULL);
		strcpy(w.jail[0].name, "a");
		w.victim = start_victim(i == 1);
		usleep(50000);
		o.ops = RUN_REMOVE;
		o.verbose = true;
		t0 = now_ms();
		assert_int_equal(run_conf(conf, &o, NULL), 0);
		assert_true(i == 1 ? now_ms() - t0 >= 1000
		                   : now_ms() - t0 < 900);
		snprintf(want, sizeof(want),
		         "signal a 15\n> a: sent SIGTERM to: %d\n%s"
		         "remove a\n> a: removed\n",
		         (int)w.victim, i == 1 ? "> a: timed out\n" : "");
		expect(want);
		kill(w.victim, SIGKILL);
		waitpid(w.victim, NULL, 0);
		w.victim = 0;
		o = (struct run_options){ .ops = RUN_CREATE, .quiet = true };
	}
}

/* A timer's process asks for the end in the middle of a hook. */
static void
undoes_when_interrupted(void **state)
{
	static const char conf[] =
	    "a { exec.start = \"sleep 5\"; mount.noprocfs;"
	    "    ip4.addr = \"em0|10.0.0.1/24\"; }"
	    "b { depend = a; persist; }";
	struct run_options o = { .ops = RUN_CREATE };
	const uint64_t count = RUN_CANCEL;
	pid_t pid;

	(void)state;
	o.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pid = fork();
	if (pid == 0) {
		usleep(200000);
		_exit(write(o.cancel_fd, &count, sizeof(count)) != 8);
	}
	assert_int_equal(run_conf(conf, &o, NULL), 1);
	waitpid(pid, NULL, 0);
	close(o.cancel_fd);
	expect("ifconfig em0 inet 10.0.0.1/24 alias\n"
	       "create a persist\n> a: created\ninside a: sleep 5\n"
	       "! a: interrupted\nremove a\n> a: removed\n"
	       "ifconfig em0 inet 10.0.0.1/24 -alias\n");
}

/* What the letters do to a jail that runs (name r) and one that does not. */
static void
does_what_the_letters_say(void **state)
{
	enum {
		C = RUN_CREATE,
		M = RUN_MODIFY,
		R = RUN_REMOVE,
	};
	static const struct {
		unsigned ops;
		const char *name;
		int rc;
		const char *log;
	} rows[] = {
		{ C, "r", 1, "! \"r\" already exists\n" },
		{ C, "n", 0, "create n persist\n" },
		{ C, NULL, 0, "create n persist\n" },
		{ M, "r", 0, "update r persist=true\n" },
		{ M, "n", 1, "! \"n\" not found\n" },
		{ C | M, "r", 0, "update r persist=true\n" },
		{ C | M, "n", 0, "create n persist\n" },
		{ R, "r", 0, "remove r\n" },
		{ R, "n", 1, "" },
		{ R, "x", 1, "" },
		{ R, NULL, 0, "remove r\n" },
		{ R | C, "r", 0, "remove r\ncreate r persist\n" },
		{ R | C, "n", 1, "" },
		{ R | C, NULL, 0,
		  "create n persist\nremove r\ncreate r persist\n" },
		{ M | R, "r", 0, "update r persist=true\n" },
		{ M | R, "n", 1, "" },
		{ C | M | R, "n", 0, "create n persist\n" },
		{ C, "x", 1, "! \"x\" not found\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const names[] = { rows[i].name, NULL };
		const struct run_options o = { .ops = rows[i].ops,
			                       .quiet = true };

		reset_world(NULL);
		strcpy(w.jail[0].name, "r");
		w.next_jid = 1;
		assert_int_equal(
		    run_conf("persist; stop.timeout = 0; r { } n { }", &o,
		             rows[i].name != NULL ? names : NULL),
		    rows[i].rc);
		expect(rows[i].log);
	}
}

static void
changes_what_can_be_changed(void **state)
{
	static const struct {
		const char *conf;
		unsigned ops;
		int rc;
		const char *log;
	} rows[] = {
		{ "osrelease = 1;", RUN_MODIFY, 0,
		  "update r persist=true\n> r: updated\n" },
		{ "osrelease = 2;", RUN_MODIFY, 1,
		  "! r: osrelease cannot be changed after creation\n" },
		{ "osrelease = 2;", RUN_MODIFY | RUN_REMOVE, 0,
		  "remove r\n> r: removed\n"
		  "! r: osrelease: told by jls only; uname inside tells the "
		  "Linux kernel's release\ncreate r persist\n> r: created\n" },
		{ "meta.b = 2; meta.a;", RUN_MODIFY, 0,
		  "update r persist=true meta=b=2\n\n> r: updated\n" },
		{ "bogus = 1;", RUN_MODIFY, 1,
		  "! r: unknown parameter: bogus\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct run_options o = { .ops = rows[i].ops };
		cleanup_buf struct buf text = BUF_INIT;

		reset_world(NULL);
		strcpy(w.jail[0].name, "r");
		w.next_jid = 1;
		buf_printf(&text, "persist; stop.timeout = 0; r { %s }",
		           rows[i].conf);
		assert_int_equal(run_conf(buf_str(&text), &o, NULL),
		                 rows[i].rc);
		expect(rows[i].log);
	}
}

/* -R and -r of jails that no file has; -C of one that is gone. */
static void
removes_without_a_file(void **state)
{
	static const char *const all[] = { "*", NULL };
	static const char *const other[] = { "2", NULL };
	struct run_options o = { .ops = RUN_REMOVE, .only_remove = true };

	(void)state;
	strcpy(w.jail[0].name, "r");
	strcpy(w.jail[1].name, "other");
	assert_int_equal(run_conf("r { exec.prestop = false; }", &o, all), 0);
	expect("remove other\n> other: removed\nremove r\n> r: removed\n");
	strcpy(w.jail[1].name, "other");
	o.only_remove = false;
	assert_int_equal(run_conf("r { }", &o, other), 0);
	expect("remove other\n> 2: removed\n");
	o.cleanup = true;
	assert_int_equal(run_conf("r { exec.prestop = false; exec.poststop = "
	                          "\"log poststop\"; exec.release = \"log "
	                          "release\"; ip4.addr = \"em0|192.0.2.99\"; "
	                          "mount = \"/b $path/mnt nullfs rw\"; }",
	                          &o, all),
	                 0);
	expect("poststop\nrelease\n");
	assert_int_equal(w.n_tidied, 2); /* -R and -C, not -r */
}

static void
reports_every_mistake(void **state)
{
	const struct run_options o = { .ops = RUN_CREATE };

	(void)state;
	assert_int_equal(
	    run_conf("a { bogus; allow.mount = x; ip4.addr = 300.0.0.1;"
	             "    mount = \"a b\"; mount.fstab = /none;"
	             "    mount += \"x rel nullfs\"; zfs.dataset = a/b;"
	             "    exec.fib = 1; }",
	             &o, NULL),
	    1);
	expect("! a: unknown parameter: bogus\n"
	       "! a: allow.mount: unknown boolean value \"x\"\n"
	       "! a: zfs.dataset is refused: datasets in jails are not there "
	       "yet\n"
	       "! a: exec.fib is refused for any value but 0: Linux has no "
	       "numbered routing table per process\n"
	       "! a: ip4.addr: not an IPv4 address: 300.0.0.1\n"
	       "! a: mount: a b: missing information\n"
	       "! a: mount: rel: not an absolute pathname\n"
	       "! a: mount.fstab: /none: No such file or directory\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(starts_and_stops_in_order, reset_world),
		cmocka_unit_test_setup(undoes_backward_at_every_step,
		                       reset_world),
		cmocka_unit_test_setup(stops_where_a_stop_hook_fails,
		                       reset_world),
		cmocka_unit_test_setup(orders_by_dependency, reset_world),
		cmocka_unit_test_setup(tells_broken_dependencies, reset_world),
		cmocka_unit_test_setup(restarts_dependents, reset_world),
		cmocka_unit_test_setup(runs_at_most_p_commands, reset_world),
		cmocka_unit_test_setup(gives_up_slow_commands, reset_world),
		cmocka_unit_test_setup(waits_for_processes_to_end, reset_world),
		cmocka_unit_test_setup(undoes_when_interrupted, reset_world),
		cmocka_unit_test_setup(does_what_the_letters_say, reset_world),
		cmocka_unit_test_setup(changes_what_can_be_changed,
		                       reset_world),
		cmocka_unit_test_setup(removes_without_a_file, reset_world),
		cmocka_unit_test_setup(reports_every_mistake, reset_world),
	};

	return cmocka_run_group_tests(tests, make_world, drop_world);
}
