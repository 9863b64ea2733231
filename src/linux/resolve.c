/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve.c - the addresses of a host name, by getent(1). */
#include "linux/resolve.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* Start "getent ahosts HOST" with its output in a pipe. Returns its pid. */
static pid_t
start(const char *host, int *out_fd, struct error *err)
{
	char name[] = "getent", database[] = "ahosts", end[] = "--";
	cleanup_free char *copy = strdup(host);
	char *argv[] = { name, database, end, copy, NULL };
	posix_spawn_file_actions_t to;
	int fds[2], rc;
	pid_t pid;

	if (copy == NULL || pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, "%s", host);
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_adddup2(&to, fds[1], STDOUT_FILENO);
	rc = posix_spawnp(&pid, name, &to, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&to);
	close(fds[1]);
	if (rc == 0) {
		*out_fd = fds[0];
		return pid;
	}
	close(fds[0]);
	return error_set(err, -rc, "exec getent: %s", strerror(rc));
}

/* A line is "ADDRESS TYPE [NAME]"; an address comes once for each type. */
static int
take_line(char *line, struct strv *v4, struct strv *v6)
{
	struct strv *to = strchr(line, ':') != NULL ? v6 : v4;

	line[strcspn(line, " \t\n")] = '\0';
	if (line[0] == '\0' || strv_has(to, line))
		return 0;
	return strv_push(to, line);
}

int
resolve_host(const char *host, struct strv *v4, struct strv *v6,
             struct error *err)
{
	char line[512];
	int fd = -1, status = -1, rc = 0;
	pid_t pid = start(host, &fd, err);
	FILE *f;

	if (pid < 0)
		return err->code;
	f = fdopen(fd, "r");
	while (f != NULL && rc == 0 && fgets(line, sizeof(line), f) != NULL)
		rc = take_line(line, v4, v6);
	if (f != NULL)
		fclose(f);
	else
		close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (rc < 0 || f == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	if (status != 0)
		return error_set(err, -ENOENT, "%s: Name or service not known",
		                 host);
	return 0;
}
