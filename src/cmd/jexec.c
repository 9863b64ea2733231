/* SPDX-License-Identifier: BSD-2-Clause */
/* jexec.c - jexec(8): run a command in a jail that is there.
 *
 * The command is our child, so that everything that makes it jailed can be
 * prepared here; to our caller we look like it: signals sent to us reach it, we
 * stop when it stops and end as it ends.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/jail.h"
#include "linux/passwd.h"

static volatile sig_atomic_t child; /* for the handler alone */

static int
usage(void)
{
	fprintf(stderr, "usage: jexec [-l] [-d working-directory] "
	                "[-u username | -U username] jail [command ...]\n");
	return 1;
}

static void
forward(int sig)
{
	if (child > 0)
		kill((pid_t)child, sig);
}

/* Signals meant for the command go to it. What the terminal sends reaches the
 * whole foreground group anyway, so the ones it can send are only survived. */
static void
relay_signals(void)
{
	static const int relayed[] = { SIGTERM, SIGHUP,  SIGUSR1, SIGUSR2,
		                       SIGALRM, SIGPIPE, SIGWINCH };
	struct sigaction pass = { .sa_handler = forward,
		                  .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < ARRAY_LEN(relayed); i++)
		sigaction(relayed[i], &pass, NULL);
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGQUIT, &ignore, NULL);
}

/* End as the command did. */
static int
end_like(int status)
{
	struct rlimit no_core = { 0, 0 };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	int sig;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &no_core); /* the core is the command's */
	sigaction(sig, &dfl, NULL);
	raise(sig);
	return 128 + sig;
}

static int
follow(pid_t pid)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, WUNTRACED) < 0) {
			if (errno == EINTR)
				continue;
			perror("jexec: wait");
			return 1;
		}
		if (!WIFSTOPPED(status))
			return end_like(status);
		raise(SIGSTOP); /* and after SIGCONT it goes on too */
		kill(pid, SIGCONT);
	}
}

/* -l without a user: who we are on the host. */
static void
set_caller(void)
{
	cleanup_close int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct passwd_entry pw;
	struct error ignored;
	char self[16];
	gid_t group;
	int n = 1;

	snprintf(self, sizeof(self), "%u", getuid());
	if (passwd_load(root, self, &pw, &group, &n, &ignored) < 0)
		return;
	setenv("USER", pw.name, 1);
	setenv("HOME", pw.home, 1);
	setenv("SHELL", pw.shell[0] != '\0' ? pw.shell : "/bin/sh", 1);
}

static int
run(const char *jail, struct jail_cmd *cmd, struct error *err)
{
	struct jail_sys *sys = NULL;
	pid_t pid;
	int jid;

	if (jail_sys_open(false, &sys, err) < 0)
		return err->code;
	jid = jail_find(sys, jail, err);
	if (jid > 0 && geteuid() != 0)
		jid = error_set(err, -EPERM, "jail_attach(3): %s",
		                strerror(EPERM));
	relay_signals();
	pid = jid < 0 ? jid : jail_spawn(sys, jid, cmd, err);
	jail_sys_close(sys);
	if (pid < 0)
		return pid;
	child = pid;
	return follow(pid);
}

int
main(int argc, char **argv)
{
	struct jail_cmd cmd = { .fd_in = -1, .fd_out = -1, .fd_err = -1 };
	struct error err = { 0 };
	int opt, status;

	/* Whoever started us may ignore it: what we fork could not be waited
	 * for. */
	signal(SIGCHLD, SIG_DFL);
	/* "+": what follows the jail's name belongs to the command. */
	while ((opt = getopt(argc, argv, "+d:lnu:U:")) != -1)
		switch (opt) {
		case 'd':
			cmd.cwd = optarg;
			break;
		case 'l':
			cmd.clean = true;
			break;
		case 'n': /* historical, no effect */
			break;
		case 'u':
		case 'U':
			if (cmd.user != NULL)
				return usage();
			cmd.user = optarg;
			cmd.host_passwd = opt == 'u';
			break;
		default:
			return usage();
		}
	if (optind >= argc)
		return usage();
	cmd.home = cmd.clean;
	if (cmd.clean && cmd.user == NULL)
		set_caller();
	if (optind + 1 < argc)
		cmd.argv = argv + optind + 1;
	status = run(argv[optind], &cmd, &err);
	if (status < 0) {
		/* jail(8) says "exec CMD: ...", jexec(8) "execvp: CMD: ..." */
		if (strncmp(err.msg, "exec ", 5) == 0)
			fprintf(stderr, "jexec: execvp: %s\n", err.msg + 5);
		else
			fprintf(stderr, "jexec: %s\n", err.msg);
		return 1;
	}
	return status;
}
