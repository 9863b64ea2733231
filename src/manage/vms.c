/* SPDX-License-Identifier: BSD-2-Clause */
/* vms.c - VMs started and stopped.
 *
 * Whether a VM runs is what its presence says, who runs it what its control
 * socket says; nothing is written down here. A VM has started when its control
 * socket answers, which is when all of its devices are there.
 */
#include "manage/vms.h"

#include <sys/pidfd.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/strv.h"
#include "linux/file.h"
#include "linux/self.h"
#include "manage/lib.h"
#include "vmm/config.h"
#include "vmm/ctl.h"
#include "vmm/presence.h"

extern char **environ;

enum {
	TICK_MS = 50,
	LIVES_MS = 2000, /* a VM that was reset runs again within */
	PRESS_MS = 5000, /* between two presses of a power button */
	FORCE_S = 10,
	MAX_VMS = 1024
};

struct vm_file {
	char path[PATH_MAX]; /* its file */
	char name[PRESENCE_MAX_NAME + 1];
	char *prepare; /* exec.prepare, or NULL */
	uint64_t stop_s;
	uint64_t idle_ms;  /* since when there, but not running; 0: it is not */
	uint64_t press_ms; /* when to press its button next */
};

struct vms {
	struct vm_file *v;
	size_t n;
	char base[PATH_MAX]; /* presences */
	command_line_fn *progress;
	void *arg;
};

static void say(const struct vms *all, const char *fmt, ...) PRINTF(2, 3);

static void
say(const struct vms *all, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	all->progress(all->arg, line);
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
wait_a_tick(void)
{
	const struct timespec t = { .tv_nsec = TICK_MS * 1000000L };

	nanosleep(&t, NULL);
}

/* ---- which VMs ---- */

static void
vms_fini(struct vms *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->v[i].prepare);
	free(all->v);
}

/* All that a guest writes to such a line would go to bhyve.log, without end. */
static int
check_lines(const struct config_node *root, struct error *err)
{
	for (unsigned i = 1; i <= 4; i++) {
		char key[32];
		const char *path;

		snprintf(key, sizeof(key), "lpc.com%u.path", i);
		path = config_get(root, key);
		if (path != NULL && strcmp(path, "stdio") == 0)
			return error_set(err, -EINVAL,
			                 "%s: stdio: it has no terminal here; "
			                 "want pty=%%(presence)/console",
			                 key);
	}
	return 0;
}

/* What gaol wants to know of a file; stem is its name without ".conf". */
static int
take_config(struct vm_file *vm, struct config *c, const char *stem,
            struct error *err)
{
	struct config_node *root = config_root(c);
	const char *name, *prepare;

	if (config_get(root, "name") == NULL &&
	    config_set(c, "name", stem, err) < 0)
		return err->code;
	name = config_get(root, "name");
	if (name == NULL || !presence_name_ok(name))
		return error_set(err, -EINVAL, "no good name for a VM");
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	prepare = config_get(root, "exec.prepare");
	vm->prepare = prepare != NULL ? strdup(prepare) : NULL;
	if (prepare != NULL && vm->prepare == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	if (check_lines(root, err) < 0)
		return err->code;
	return config_get_num(root, "stop.timeout", VMS_STOP_S, 0, 86400,
	                      &vm->stop_s, err);
}

static int
read_file(struct vm_file *vm, const char *dir, const char *file,
          struct error *err)
{
	cleanup_free char *text = NULL;
	char stem[NAME_MAX + 1];
	struct config *c = NULL;
	size_t len;

	if (snprintf(vm->path, sizeof(vm->path), "%s/%s", dir, file) >=
	    (int)sizeof(vm->path))
		return error_set(err, -ENAMETOOLONG, "'%s'", file);
	snprintf(stem, sizeof(stem), "%.*s", (int)(strlen(file) - 5), file);
	if (file_read(AT_FDCWD, vm->path, CONFIG_MAX_BYTES, &text, &len, err) <
	        0 ||
	    config_new(&c, err) < 0)
		return err->code;
	if (config_parse(c, vm->path, text, len, err) < 0 ||
	    take_config(vm, c, stem, err) < 0) {
		config_free(c);
		return error_wrap(err, "VM '%s'", stem);
	}
	config_free(c);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct vm_file *)a)->path,
	              ((const struct vm_file *)b)->path);
}

static bool
is_conf(const char *file)
{
	size_t len = strlen(file);

	return file[0] != '.' && len > 5 &&
	       strcmp(file + len - 5, ".conf") == 0;
}

static int
read_all(struct vms *all, DIR *d, const char *path, struct error *err)
{
	struct dirent *e;

	while ((e = readdir(d)) != NULL) {
		if (!is_conf(e->d_name))
			continue;
		if (all->n == MAX_VMS)
			return error_set(err, -E2BIG, "too many VMs");
		void *more = realloc(all->v, (all->n + 1) * sizeof(*all->v));
		if (more == NULL)
			return error_set(err, -ENOMEM, "out of memory");
		all->v = more;
		memset(&all->v[all->n], 0, sizeof(*all->v));
		if (read_file(&all->v[all->n++], path, e->d_name, err) < 0)
			return err->code;
	}
	if (all->n > 1)
		qsort(all->v, all->n, sizeof(*all->v), by_name);
	return 0;
}

static int
vms_open(struct vms *all, const char *dir, command_line_fn *progress, void *arg,
         struct error *err)
{
	char path[PATH_MAX + 8];
	DIR *d;
	int r;

	*all = (struct vms){ .progress = progress, .arg = arg };
	presence_base(all->base, getenv("GAOL_RUN"), getenv("XDG_RUNTIME_DIR"),
	              geteuid() == 0);
	snprintf(path, sizeof(path), "%s/vm", dir);
	d = opendir(path);
	if (d == NULL)
		return errno == ENOENT ? 0 : error_sys(err, "open '%s'", path);
	r = read_all(all, d, path, err);
	closedir(d);
	if (r < 0)
		vms_fini(all);
	return r;
}

/* ---- one VM ---- */

static bool
is_running(const struct vms *all, const struct vm_file *vm)
{
	cleanup_close int dir = -1;
	struct error none;

	return presence_open(all->base, vm->name, &dir, &none) == 0 &&
	       presence_runs(dir);
}

/*
 * Does it run, or will it in a moment? Between two lives of a VM that was reset
 * its presence is there and nobody has the lock, which is also what one leaves
 * that was killed.
 */
static bool
is_alive(const struct vms *all, struct vm_file *vm)
{
	cleanup_close int dir = -1;
	struct error none;

	if (presence_open(all->base, vm->name, &dir, &none) < 0)
		return false;
	if (presence_runs(dir))
		vm->idle_ms = 0;
	else if (vm->idle_ms == 0)
		vm->idle_ms = now_ms();
	return vm->idle_ms == 0 || now_ms() - vm->idle_ms < LIVES_MS;
}

/* A pidfd of its process, when it has come so far as to listen. */
static int
process_of(const struct vms *all, const struct vm_file *vm)
{
	cleanup_close int dir = -1;
	struct error none;

	if (presence_open(all->base, vm->name, &dir, &none) < 0)
		return none.code;
	return ctl_process(dir, &none);
}

/* Forget what a VM leaves that was killed. */
static int
forget(const struct vms *all, const struct vm_file *vm, struct error *err)
{
	int r = presence_destroy(all->base, vm->name, err);

	return r == -ENOENT ? 0 : r;
}

/* sh -c COMMAND, with the programs beside this one first in PATH. */
static int
prepare(const struct vm_file *vm, struct error *err)
{
	char gaol[PATH_MAX], path[2 * PATH_MAX];
	const char *old = getenv("PATH");
	cleanup_free char *was = old != NULL ? strdup(old) : NULL;
	char shell[] = "/bin/sh", flag[] = "-c";
	char *const argv[] = { shell, flag, vm->prepare, NULL };
	int r;

	if (vm->prepare == NULL)
		return 0;
	if (self_bin("gaol", gaol, err) < 0)
		return err->code;
	*strrchr(gaol, '/') = '\0';
	snprintf(path, sizeof(path), "%s%s%s", gaol, was != NULL ? ":" : "",
	         was != NULL ? was : "");
	if (setenv("PATH", path, 1) < 0)
		return error_sys(err, "environment");
	r = command_run(argv, NULL, NULL, err);
	if (was != NULL)
		setenv("PATH", was, 1);
	if (r > 0)
		return error_set(err, -EIO, "exec.prepare failed: %s",
		                 vm->prepare);
	return r;
}

static int
open_log(const struct vm_file *vm, char path[PATH_MAX], struct error *err)
{
	char below[PRESENCE_MAX_NAME + 8];
	cleanup_close int dir = -1;
	size_t len;
	int fd;

	snprintf(below, sizeof(below), "vms/%s", vm->name);
	dir = lib_open(below, path, err);
	if (dir < 0)
		return dir;
	fd = openat(dir, "bhyve.log",
	            O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	len = strlen(path);
	snprintf(path + len, PATH_MAX - len, "/bhyve.log");
	return fd >= 0 ? fd : error_sys(err, "open '%s'", path);
}

/* bhyve -M -k FILE NAME, with a session of its own and all output to log. */
static int
spawn(const struct vm_file *vm, int log, pid_t *out_pid, struct error *err)
{
	char bhyve[PATH_MAX];
	const char *const argv[] = {
		bhyve, "-M", "-k", vm->path, vm->name, NULL
	};
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int r;

	if (self_bin("bhyve", bhyve, err) < 0)
		return err->code;
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&acts, log, 1);
	posix_spawn_file_actions_adddup2(&acts, log, 2);
	r = posix_spawn(out_pid, bhyve, &acts, &attr,
	                (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	posix_spawnattr_destroy(&attr);
	if (r != 0)
		return error_set(err, -r, "run '%s': %s", bhyve, strerror(r));
	return 0;
}

/* The last line of what bhyve said, for who asks why. */
static int
say_why(const char *log, int status, struct error *err)
{
	cleanup_free char *text = NULL;
	struct error none;
	const char *last;
	size_t len = 0;

	if (file_read(AT_FDCWD, log, 1 << 20, &text, &len, &none) < 0)
		len = 0;
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	last = len > 0 ? strrchr(text, '\n') : NULL;
	if (len == 0)
		return error_set(err, -EIO, "bhyve ended with status %d",
		                 WEXITSTATUS(status));
	return error_set(err, -EIO, "%s", last != NULL ? last + 1 : text);
}

static int
wait_until_up(const struct vms *all, const struct vm_file *vm, pid_t pid,
              const char *log, struct error *err)
{
	uint64_t end = now_ms() + VMS_START_S * 1000ULL;
	int status;

	for (;;) {
		cleanup_close int process = process_of(all, vm);

		if (process >= 0)
			return 0;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return say_why(log, status, err);
		if (now_ms() > end)
			return error_set(err, -ETIMEDOUT,
			                 "not up after %d s; see '%s'",
			                 VMS_START_S, log);
		wait_a_tick();
	}
}

static int
start_one(const struct vms *all, struct vm_file *vm, struct error *err)
{
	cleanup_close int log = -1;
	char log_path[PATH_MAX];
	pid_t pid;

	while (is_alive(all, vm)) {
		if (is_running(all, vm))
			return 0;
		wait_a_tick();
	}
	if (forget(all, vm, err) < 0 || prepare(vm, err) < 0)
		return err->code;
	log = open_log(vm, log_path, err);
	if (log < 0 || spawn(vm, log, &pid, err) < 0 ||
	    wait_until_up(all, vm, pid, log_path, err) < 0)
		return err->code;
	say(all, "VM %s: started", vm->name);
	return 1;
}

int
vms_start(const char *dir, command_line_fn *progress, void *arg,
          struct error *err)
{
	struct vms all;
	int r = vms_open(&all, dir, progress, arg, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < all.n; i++)
		if (start_one(&all, &all.v[i], err) < 0)
			r = error_wrap(err, "VM '%s'", all.v[i].name);
	vms_fini(&all);
	return r < 0 ? r : 0;
}

/* ---- stopping ---- */

/* Press its button when it is time. One in its first moments has none yet, and
 * nobody may listen to it: it is pressed again. */
static void
press(const struct vms *all, struct vm_file *vm)
{
	if (vm->idle_ms != 0)
		vm->press_ms = 0; /* its next life's */
	if (now_ms() < vm->press_ms)
		return;
	cleanup_close int process = process_of(all, vm);
	if (process < 0)
		return;
	(void)pidfd_send_signal(process, SIGTERM, NULL, 0);
	vm->press_ms = now_ms() + PRESS_MS;
}

/* Until none is alive or their time is over; how many are. */
static size_t
press_until_gone(const struct vms *all)
{
	uint64_t begin_ms = now_ms();

	for (;;) {
		uint64_t past_ms = now_ms() - begin_ms;
		size_t alive = 0, late = 0;

		for (size_t i = 0; i < all->n; i++) {
			if (!is_alive(all, &all->v[i]))
				continue;
			alive++;
			late += past_ms > all->v[i].stop_s * 1000;
			press(all, &all->v[i]);
		}
		if (alive == late)
			return alive;
		wait_a_tick();
	}
}

/* Off with it, as bhyvectl --force-poweroff does, or killed. */
static void
force(const struct vms *all, struct vm_file *vm)
{
	cleanup_close int dir = -1;
	cleanup_buf struct buf answer = BUF_INIT;
	uint64_t end = now_ms() + FORCE_S * 1000ULL;
	struct error none;

	if (presence_open(all->base, vm->name, &dir, &none) == 0)
		(void)ctl_ask(dir, "suspend poweroff", -1, &answer, &none);
	while (is_alive(all, vm) && now_ms() < end)
		wait_a_tick();
	cleanup_close int process = process_of(all, vm);
	if (process >= 0)
		(void)pidfd_send_signal(process, SIGKILL, NULL, 0);
	for (end = now_ms() + LIVES_MS; is_alive(all, vm) && now_ms() < end;)
		wait_a_tick();
}

static size_t
count_alive(const struct vms *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += is_alive(all, &all->v[i]);
	return n;
}

static int
stop_all(const struct vms *all, struct error *err)
{
	size_t n = count_alive(all);

	if (n != 0)
		say(all, "VMs shut down: %zu ...", n);
	if (n != 0 && press_until_gone(all) != 0)
		for (size_t i = 0; i < all->n; i++) {
			if (!is_alive(all, &all->v[i]))
				continue;
			say(all, "VM %s: powered off, it did not shut down",
			    all->v[i].name);
			force(all, &all->v[i]);
		}
	for (size_t i = 0; i < all->n; i++)
		if (forget(all, &all->v[i], err) < 0)
			return error_wrap(err, "VM '%s'", all->v[i].name);
	return 0;
}

int
vms_stop(const char *dir, command_line_fn *progress, void *arg,
         struct error *err)
{
	struct vms all;
	int r = vms_open(&all, dir, progress, arg, err);

	if (r < 0)
		return r;
	r = stop_all(&all, err);
	vms_fini(&all);
	return r;
}
