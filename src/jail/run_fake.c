/* SPDX-License-Identifier: BSD-2-Clause */
/* run_fake.c - the world in which the runner is tested. */
#include "jail/run_fake.h"

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
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"

/* --- the world --- */

struct world w;

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

int
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

int
drop_world(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", w.dir);
	return system(cmd);
}

int
reset_world(void **state)
{
	(void)state;
	memset(w.jail, 0, sizeof(w.jail));
	w.next_jid = 0;
	w.create_fails = NULL;
	w.victim = 0;
	w.n_tidied = 0;
	w.n_busy = 0;
	w.is_overtaken = false;
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
jail_turn_take(struct jail_sys *sys, const char *name, struct error *err)
{
	(void)sys;
	if (w.n_busy == 0)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* Another starts it meanwhile, when the test says so. */
	if (--w.n_busy == 0 && w.is_overtaken)
		snprintf(w.jail[w.next_jid++].name, sizeof(w.jail[0].name),
		         "%s", name);
	return error_set(err, -EAGAIN, "jail \"%s\" is busy", name);
}

void
jail_turn_drop(struct jail_sys *sys, const char *name, int fd)
{
	(void)sys;
	(void)name;
	close(fd);
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

int
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

void
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
