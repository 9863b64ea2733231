/* SPDX-License-Identifier: BSD-2-Clause */
/* jail.c - jail(8): which form the command line has, and what it says; run.h
 * does the rest. Flags, forms and outputs are FreeBSD's.
 */
#include "jail/jail.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/num.h"
#include "jail/conf.h"
#include "jail/run.h"
#include "linux/self.h"
#include "net/lend.h"

#define CONF_DEFAULT "/etc/jail.conf"

/* The parsed command line. */
struct cmdline {
	struct run_options opt;
	const char *file, *separator; /* -f, -e */
	FILE *record;                 /* -J */
	bool prints_jids;             /* -i */
	bool is_old;                  /* PATH HOSTNAME IP COMMAND */
	bool only_words; /* a flag that no file can have: -hlnsuU */
	struct conf_jail words;
	struct conf *conf;
	char helpers[PATH_MAX]; /* what opt.helpers points to */
	bool is_told; /* the file's mistakes were: nothing more to say */
};

/* The eventfd that signals reach; the only state a handler can have. */
static volatile sig_atomic_t cancel_fd = -1;

static int
usage(void)
{
	fputs("usage: jail -[cm] [-Cdqv] [-f file] [-p limit] [jail]\n"
	      "       jail -r [-Cqv] [-f file] [-p limit] ['*' | jail ...]\n"
	      "       jail -R [-qv] ['*' | jail ...]\n"
	      "       jail -[cmr] [-dhilqv] [-J file] [-u user | -U user]\n"
	      "            param=value ... [command=command ...]\n"
	      "       jail [-dhilqv] [-J file] [-u user | -U user] [-n name]\n"
	      "            [-s securelevel] path hostname [ip[,...]] command "
	      "...\n"
	      "       jail [-f file] -e separator\n",
	      stderr);
	return 1;
}

static int
complain(const struct error *err)
{
	fprintf(stderr, "jail: %s\n", err->msg);
	return 1;
}

static void
print_line(void *arg, enum run_level level, const char *line)
{
	(void)arg;
	if (level == RUN_ERROR)
		fprintf(stderr, "jail: %s\n", line);
	else
		puts(line);
}

static void
print_report(void *arg, const char *line)
{
	print_line(arg, RUN_ERROR, line);
}

static const char *
text_or_empty(const struct conf_jail *j, const char *name)
{
	const char *val = conf_jail_last(j, name);

	return val != NULL ? val : "";
}

/* -J of the old form: JID PATH HOSTNAME IP,IP COMMAND. */
static void
put_old_record(struct buf *out, const struct conf_jail *j, int jid)
{
	static const char *const lists[] = { "ip4.addr", "ip6.addr" };
	const struct conf_param *p;
	bool is_first = true;

	buf_printf(out, "%d\t%s\t%s\t", jid, text_or_empty(j, "path"),
	           text_or_empty(j, "host.hostname"));
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		p = conf_jail_get(j, lists[i]);
		if (p == NULL || p->values.n == 0)
			continue;
		if (!is_first)
			buf_putc(out, ',');
		is_first = false;
		strv_join(&p->values, ",", out);
	}
	p = conf_jail_get(j, "command");
	buf_putc(out, '\t');
	if (p != NULL)
		strv_join(&p->values, " ", out);
}

static void
tell_created(void *arg, int jid, const struct conf_jail *jail)
{
	const struct cmdline *cl = arg;
	cleanup_buf struct buf line = BUF_INIT;

	if (cl->prints_jids)
		printf("%d\n", jid);
	if (cl->record == NULL)
		return;
	if (cl->is_old) {
		put_old_record(&line, jail, jid);
	} else {
		buf_printf(&line, "jid=%d\t", jid);
		conf_put_jail(&line, jail, "\t");
	}
	fprintf(cl->record, "%s\n", buf_str(&line));
	fflush(cl->record);
}

/* --- signals --- */

static void
on_signal(int sig, siginfo_t *si, void *ctx)
{
	/* A key at the terminal reaches the jail's command as well. */
	uint64_t count = sig == SIGINT && si->si_code == SI_KERNEL
	                     ? RUN_TERMINAL
	                     : RUN_CANCEL;
	int saved = errno;

	(void)ctx;
	/* A reader that went is no reason to stop halfway; catching it, unlike
	 * ignoring it, is not passed on to commands. */
	if (sig == SIGPIPE)
		return;
	(void)!write(cancel_fd, &count, sizeof(count));
	errno = saved;
}

/* SIGINT, SIGTERM and SIGHUP undo what is half made; what the caller ignores
 * (nohup) stays ignored. */
static int
catch_signals(struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct sigaction act = { .sa_sigaction = on_signal,
		                 .sa_flags = SA_SIGINFO | SA_RESTART };

	cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (cancel_fd < 0)
		return error_sys(err, "eventfd");
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct sigaction old;

		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
	}
	return 0;
}

/* --- the command line --- */

static int
add_word(struct cmdline *cl, const char *name, const char *value,
         struct error *err)
{
	cl->only_words = true;
	return conf_jail_add(&cl->words, name, value, err);
}

static int
open_record(struct cmdline *cl, const char *path, struct error *err)
{
	cl->record = fopen(path, "we");
	return cl->record != NULL ? 0 : error_sys(err, "open %s", path);
}

static int
take_limit(struct cmdline *cl, const char *arg, struct error *err)
{
	long long n;

	if (num_int_in(arg, 0, INT32_MAX, &n) < 0)
		return error_set(err, -EINVAL, "-p %s: not a limit", arg);
	cl->opt.parallel = (unsigned)n;
	return 0;
}

/* One flag. -EINVAL with an empty message: usage. */
static int
take_flag(struct cmdline *cl, int flag, const char *arg, struct error *err)
{
	switch (flag) {
	case 'c':
		cl->opt.ops |= RUN_CREATE;
		return 0;
	case 'm':
		cl->opt.ops |= RUN_MODIFY;
		return 0;
	case 'R':
		cl->opt.only_remove = true;
		cl->opt.ops |= RUN_REMOVE;
		return 0;
	case 'r':
		cl->opt.ops |= RUN_REMOVE;
		return 0;
	case 'C':
		cl->opt.cleanup = true;
		return 0;
	case 'd':
		cl->opt.dying = true;
		return 0;
	case 'i':
		cl->prints_jids = true;
		cl->opt.quiet = true;
		return 0;
	case 'q':
		cl->opt.quiet = true;
		return 0;
	case 'v':
		cl->opt.verbose = true;
		return 0;
	case 'e':
		cl->separator = arg;
		return 0;
	case 'f':
		cl->file = arg;
		return 0;
	case 'J':
		return open_record(cl, arg, err);
	case 'p':
		return take_limit(cl, arg, err);
	case 'h':
		return add_word(cl, "ip_hostname", NULL, err);
	case 'l':
		return add_word(cl, "exec.clean", NULL, err);
	case 'n':
		return add_word(cl, "name", arg, err);
	case 's':
		return add_word(cl, "securelevel", arg, err);
	case 'u':
		if (add_word(cl, "exec.system_jail_user", NULL, err) < 0)
			return err->code;
		return add_word(cl, "exec.jail_user", arg, err);
	case 'U':
		return add_word(cl, "exec.jail_user", arg, err);
	default:
		return error_set(err, -EINVAL, "%s", "");
	}
}

/* PARAM=VALUE ... command=PROGRAM ARG ...: the command takes all the rest. */
static int
take_words(struct cmdline *cl, int argc, char **argv, struct error *err)
{
	for (int i = 0; i < argc; i++) {
		bool is_command = strncmp(argv[i], "command", 7) == 0 &&
		                  (argv[i][7] == '=' || argv[i][7] == '\0');

		if (!is_command) {
			if (conf_jail_add_arg(&cl->words, argv[i], err) < 0)
				return err->code;
			continue;
		}
		if (argv[i][7] == '=' &&
		    conf_jail_add(&cl->words, "command", argv[i] + 8, err) < 0)
			return err->code;
		while (++i < argc)
			if (conf_jail_add(&cl->words, "command", argv[i], err) <
			    0)
				return err->code;
	}
	return 0;
}

/* PATH HOSTNAME IPS COMMAND ARG ... */
static int
take_old_form(struct cmdline *cl, int argc, char **argv, struct error *err)
{
	cleanup_strv struct strv ips = STRV_INIT;

	cl->is_old = true;
	cl->opt.ops = RUN_CREATE;
	if (strv_split(&ips, argv[2], ",", false) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (conf_jail_add(&cl->words, "path", argv[0], err) < 0 ||
	    conf_jail_add(&cl->words, "host.hostname", argv[1], err) < 0)
		return err->code;
	for (size_t i = 0; i < ips.n; i++)
		if (conf_jail_add(&cl->words,
		                  strchr(ips.v[i], ':') != NULL ? "ip6.addr"
		                                                : "ip4.addr",
		                  ips.v[i], err) < 0)
			return err->code;
	for (int i = 3; i < argc; i++)
		if (conf_jail_add(&cl->words, "command", argv[i], err) < 0)
			return err->code;
	return 0;
}

/* --- the forms --- */

static int
load(struct cmdline *cl, struct error *err)
{
	const char *file = cl->file != NULL ? cl->file : CONF_DEFAULT;
	int rc = conf_load(file, print_report, NULL, &cl->conf, err);

	if (rc == -EINVAL) {
		cl->is_told = true;
		err->msg[0] = '\0';
	}
	return rc;
}

/* What was lent to a VNET jail goes home, where Linux would destroy it. */
static void
take_back(void *arg, int jid)
{
	struct error err;

	if (net_jail_reclaim(jail_sys_run_dir(arg), jid, &err) < 0)
		complain(&err);
}

static int
run(struct cmdline *cl, const struct run_request *req, struct error *err)
{
	struct jail_hooks hooks = { .before_kill = take_back };
	const struct run_io io = { print_line, tell_created, cl };
	struct jail_sys *sys = NULL;
	int rc;

	if (jail_sys_open(true, &sys, err) < 0)
		return err->code;
	hooks.arg = sys;
	jail_sys_set_hooks(sys, &hooks);
	if (self_libexec("freebsd", cl->helpers, err) == 0)
		cl->opt.helpers = cl->helpers;
	rc = catch_signals(err);
	if (rc == 0) {
		cl->opt.cancel_fd = cancel_fd;
		rc = run_jails(sys, req, &cl->opt, &io, err);
	}
	jail_sys_close(sys);
	return rc;
}

static int
run_words(struct cmdline *cl, struct error *err)
{
	return run(cl, &(struct run_request){ .words = &cl->words }, err);
}

/* -r and -R: the file is used when it is there. */
static int
run_removal(struct cmdline *cl, int argc, char **argv, struct error *err)
{
	const char *file = cl->file != NULL ? cl->file : CONF_DEFAULT;
	struct run_request req = { .name = argv, .n = (size_t)argc };

	if (!cl->opt.only_remove &&
	    (strcmp(file, "-") == 0 || access(file, F_OK) == 0) &&
	    load(cl, err) < 0)
		return err->code;
	req.conf = cl->conf;
	cl->opt.note_removed =
	    cl->conf != NULL || argc > 1 || conf_is_wild(argv[0]);
	return run(cl, &req, err);
}

static int
run_file(struct cmdline *cl, int argc, char **argv, struct error *err)
{
	struct run_request req = { .name = argv, .n = (size_t)argc };

	if (load(cl, err) < 0)
		return err->code;
	req.conf = cl->conf;
	cl->opt.note_removed = true;
	return run(cl, &req, err);
}

static int
show_file(struct cmdline *cl, struct error *err)
{
	if (load(cl, err) < 0)
		return err->code;
	for (size_t i = 0; i < cl->conf->n; i++) {
		cleanup_buf struct buf line = BUF_INIT;

		conf_put_jail(&line, &cl->conf->jail[i], cl->separator);
		puts(buf_str(&line));
	}
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return error_sys(err, "stdout");
	return 0;
}

static bool
has_assignment(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strchr(argv[i], '=') != NULL)
			return true;
	return false;
}

/* Which form is it? As FreeBSD chooses, in this order. */
static int
dispatch(struct cmdline *cl, int argc, char **argv, struct error *err)
{
	error_set(err, -EINVAL, "%s", ""); /* usage, unless set otherwise */
	if (cl->separator != NULL)
		return cl->opt.ops != 0 || cl->only_words || argc > 0
		           ? -EINVAL
		           : show_file(cl, err);
	if (cl->opt.ops == 0) {
		if (argc < 4 || argv[0][0] != '/')
			return -EINVAL;
		if (take_old_form(cl, argc, argv, err) < 0)
			return err->code;
		return run_words(cl, err);
	}
	if (cl->opt.only_remove && cl->opt.ops != RUN_REMOVE)
		return -EINVAL;
	if (cl->opt.ops == RUN_REMOVE) {
		if (cl->only_words || argc == 0 || has_assignment(argc, argv))
			return -EINVAL;
		return run_removal(cl, argc, argv, err);
	}
	if (argc > 1 || (argc == 1 && strchr(argv[0], '=') != NULL)) {
		if (take_words(cl, argc, argv, err) < 0)
			return err->code;
		return run_words(cl, err);
	}
	if (cl->only_words)
		return -EINVAL;
	return run_file(cl, argc, argv, err);
}

/* What we open must never take the place of a closed standard descriptor, to be
 * handed to a jail's command as its output. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	struct cmdline cl = { .opt = { .cancel_fd = -1 } };
	struct error err = { 0, "" };
	int flag, rc = 0;

	fill_standard_descriptors();
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Whoever started us may ignore it: no command could be waited for. */
	signal(SIGCHLD, SIG_DFL);
	while (rc == 0 && (flag = getopt(argc, argv,
	                                 "+Ccde:f:hiJ:lmn:p:qRrs:u:U:v")) != -1)
		rc = take_flag(&cl, flag, optarg, &err);
	if (rc == 0)
		rc = dispatch(&cl, argc - optind, argv + optind, &err);
	if (rc < 0)
		rc = err.msg[0] != '\0' ? complain(&err)
		     : cl.is_told       ? 1
		                        : usage();
	conf_free(cl.conf);
	conf_jail_fini(&cl.words);
	if (cl.record != NULL)
		fclose(cl.record);
	return rc;
}
