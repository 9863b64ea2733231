/* SPDX-License-Identifier: BSD-2-Clause */
/* debian.c - mmdebstrap(1)'s command line, and what it says. */
#include "manage/debian.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { COMMAND_NOT_FOUND = 127 }; /* as shells and unshare(1) have it */

/* Keeps the last line that told of a problem, and passes progress on. */
struct output {
	command_line_fn *progress;
	void *arg;
	const char *what;
	char trouble[256];
};

static void
on_line(void *arg, const char *line)
{
	struct output *o = arg;
	char text[512];

	if (strncmp(line, "I: ", 3) == 0) {
		snprintf(text, sizeof(text), "%s: %s", o->what, line + 3);
		o->progress(o->arg, text);
	} else if (strncmp(line, "E:", 2) == 0 && o->trouble[0] == '\0') {
		snprintf(o->trouble, sizeof(o->trouble), "%s",
		         line + 2 + strspn(line + 2, " "));
	}
}

/* A hook is a shell's line, in which $1 is the tree. */
static int
push_command(struct strv *argv, const char *command)
{
	cleanup_buf struct buf hook = BUF_INIT;

	buf_puts(&hook, "--customize-hook=chroot \"$1\" /bin/sh -c '");
	for (const char *c = command; *c != '\0'; c++)
		if (*c == '\'')
			buf_puts(&hook, "'\\''");
		else
			buf_putc(&hook, *c);
	buf_putc(&hook, '\'');
	return hook.failed ? -ENOMEM : strv_push(argv, buf_str(&hook));
}

static int
command_line(struct strv *argv, const struct base_plan *plan,
             const struct strv *also, const char *path)
{
	/* What it mounts is gone with it, even when it is killed. */
	static const char *const first[] = {
		"unshare",          "--mount",     "--",
		"mmdebstrap",       "--mode=root", "--format=directory",
		"--variant=minbase"
	};
	cleanup_buf struct buf include = BUF_INIT;
	cleanup_strv struct strv packages = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(first); i++)
		r = strv_push(argv, first[i]);
	if (r < 0 || (also != NULL && strv_extend(&packages, also) < 0) ||
	    strv_extend(&packages, &plan->packages) < 0)
		return -ENOMEM;
	buf_puts(&include, "--include=");
	strv_join(&packages, ",", &include);
	if (include.failed ||
	    (packages.n != 0 && strv_push(argv, buf_str(&include)) < 0))
		return -ENOMEM;
	for (size_t i = 0; i < plan->commands.n; i++)
		if (push_command(argv, plan->commands.v[i]) < 0)
			return -ENOMEM;
	if (strv_push(argv, plan->suite) < 0 || strv_push(argv, path) < 0)
		return -ENOMEM;
	return plan->mirror[0] != '\0' ? strv_push(argv, plan->mirror) : 0;
}

/* What the host left in the tree. */
static int
clean(const char *path, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "open '%s'", path);
	(void)unlinkat(fd, "etc/hostname", 0);
	return 0;
}

int
debian_tree(const struct base_plan *plan, const struct strv *also,
            const char *what, const char *path, command_line_fn *progress,
            void *arg, struct error *err)
{
	struct output out = { .progress = progress, .arg = arg, .what = what };
	cleanup_strv struct strv argv = STRV_INIT;
	int r;

	if (command_line(&argv, plan, also, path) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	r = command_run(argv.v, on_line, &out, err);
	if (r == COMMAND_NOT_FOUND)
		return error_set(err, -ENOENT, "no mmdebstrap here");
	if (r > 0)
		return error_set(err, -EIO, "mmdebstrap: %s",
		                 out.trouble[0] != '\0' ? out.trouble
		                                        : "failed");
	return r < 0 ? r : clean(path, err);
}
