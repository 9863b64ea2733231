/* SPDX-License-Identifier: BSD-2-Clause */
/* timed.c - "timed N CMD ARG ... -- CMD ARG ... [-- ...]": run the commands in
 * turn, N rounds, and print for each its median, tenth and ninetieth percentile
 * in microseconds, a line a command. A command after "@FILE" is run in the
 * mount namespace that FILE names.
 *
 * In turn, so that whatever else the machine does falls on all of them alike,
 * with a pause between, so that what one leaves the kernel to clean up (network
 * namespaces above all) does not fall on the next.
 * The time is from before fork(2) to after wait4(2), what a shell would see.
 * The first round warms caches and does not count.
 */
#include <sys/wait.h>

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 16, PAUSE_NS = 30 * 1000 * 1000 };

extern char **environ;

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Go to a command's mount namespace; fd is of our own. */
static int
enter(const char *file, int home)
{
	int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : home;
	int ret;

	if (fd < 0)
		return -1;
	ret = setns(fd, CLONE_NEWNS);
	if (file != NULL)
		close(fd);
	return ret;
}

/* Microseconds that one run took; negative when it failed. */
static double
run(char **argv, int home)
{
	const char *space = argv[0][0] == '@' ? *argv++ + 1 : NULL;
	posix_spawn_file_actions_t quiet;
	int status = -1;
	double start;
	pid_t pid;

	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
	if (enter(space, home) < 0)
		return -1;
	start = now_us();
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, "/dev/null",
	                                 O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null",
	                                 O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	start = now_us() - start;
	posix_spawn_file_actions_destroy(&quiet);
	return status == 0 ? start : -1;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Cut argv at each "--"; returns the number of commands. */
static int
split(char **argv, char **command[MAX_COMMANDS])
{
	int n = 0;

	command[n++] = argv;
	for (; *argv != NULL; argv++)
		if (strcmp(*argv, "--") == 0 && n < MAX_COMMANDS) {
			*argv = NULL;
			command[n++] = argv + 1;
		}
	return n;
}

int
main(int argc, char **argv)
{
	char **command[MAX_COMMANDS];
	size_t rounds = argc > 2 ? (size_t)atol(argv[1]) : 0;
	int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	double *took;
	int n;

	if (rounds == 0)
		return 2;
	n = split(argv + 2, command);
	took = calloc((size_t)n * rounds, sizeof(*took));
	if (took == NULL)
		return 1;
	for (size_t r = 0; r <= rounds; r++)
		for (int c = 0; c < n; c++) {
			double us = run(command[c], home);

			if (us < 0) {
				fprintf(stderr, "timed: %s failed\n",
				        command[c][0]);
				return 1;
			}
			if (r > 0)
				took[(size_t)c * rounds + r - 1] = us;
		}
	for (int c = 0; c < n; c++) {
		double *t = &took[(size_t)c * rounds];

		qsort(t, rounds, sizeof(*t), by_value);
		printf("%.0f %.0f %.0f\n", t[rounds / 2], t[rounds / 10],
		       t[rounds * 9 / 10]);
	}
	free(took);
	return 0;
}
