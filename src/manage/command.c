/* SPDX-License-Identifier: BSD-2-Clause */
/* command.c - running another program and waiting for it. */
#include "manage/command.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>

extern char **environ;

/* Cut what comes from fd into lines. */
static void
read_lines(int fd, command_line_fn *line, void *arg)
{
	FILE *f = fdopen(fd, "r");
	char text[4096];

	if (f == NULL) {
		close(fd);
		return;
	}
	while (fgets(text, sizeof(text), f) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		line(arg, text);
	}
	fclose(f);
}

int
command_run(char *const *argv, command_line_fn *line, void *arg,
            struct error *err)
{
	posix_spawn_file_actions_t acts;
	int out[2] = { -1, -1 };
	int status, r;
	pid_t pid;

	if (line != NULL && pipe2(out, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
	if (line != NULL) {
		posix_spawn_file_actions_adddup2(&acts, out[1], 1);
		posix_spawn_file_actions_adddup2(&acts, out[1], 2);
	}
	r = posix_spawnp(&pid, argv[0], &acts, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	if (line != NULL)
		close(out[1]);
	if (r != 0) {
		if (line != NULL)
			close(out[0]);
		return error_set(err, -r, "run '%s': %s", argv[0], strerror(r));
	}
	if (line != NULL)
		read_lines(out[0], line, arg);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_sys(err, "wait for '%s'", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
