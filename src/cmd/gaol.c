/* SPDX-License-Identifier: BSD-2-Clause */
/* gaol.c - gaol(8): sites up and down, bases, disks and roots, and what this
 * host can do. The list of subcommands is the dispatcher, the usage, the
 * completion and the manual's checklist.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "linux/file.h"
#include "manage/base.h"
#include "manage/console.h"
#include "manage/disk.h"
#include "manage/doctor.h"
#include "manage/root.h"
#include "manage/site.h"

static int usage(FILE *to, int status);

/* Progress: one line that changes on a terminal, plain lines elsewhere. */
static void
show_progress(void *arg, const char *line)
{
	(void)arg;
	if (isatty(STDOUT_FILENO))
		printf("\r\033[K%s", line);
	else
		puts(line);
	fflush(stdout);
}

static void
end_progress(void)
{
	if (isatty(STDOUT_FILENO))
		printf("\r\033[K");
	fflush(stdout);
}

/* A whole line in any case. */
static void
show_line(void *arg, const char *line)
{
	if (strncmp(line, "base ", 5) == 0 || strncmp(line, "disk ", 5) == 0) {
		show_progress(arg, line);
		return;
	}
	end_progress();
	puts(line);
	fflush(stdout);
}

/* up and down: [--host-net NAME] DIR. */
static bool
site_args(int argc, char **argv, const char **out_dir, const char **out_net)
{
	*out_net = NULL;
	if (argc == 3 && strcmp(argv[0], "--host-net") == 0)
		*out_net = argv[1];
	else if (argc != 1)
		return false;
	*out_dir = argv[argc - 1];
	return true;
}

static int
cmd_up(int argc, char **argv, struct error *err)
{
	const char *dir, *net;
	int r;

	if (!site_args(argc, argv, &dir, &net))
		return usage(stderr, 2);
	r = site_up(dir, net, show_line, NULL, err);
	end_progress();
	return r;
}

static int
cmd_down(int argc, char **argv, struct error *err)
{
	const char *dir, *net;

	if (!site_args(argc, argv, &dir, &net))
		return usage(stderr, 2);
	return site_down(dir, net, show_line, NULL, err);
}

static int
cmd_console(int argc, char **argv, struct error *err)
{
	int r;

	(void)argc;
	if (isatty(STDIN_FILENO))
		printf("Type ~. at the beginning of a line to leave.\n");
	fflush(stdout);
	r = console_attach(argv[0], err);
	if (r == 0 && isatty(STDIN_FILENO))
		printf("\n");
	return r;
}

static int
cmd_tidy(int argc, char **argv, struct error *err)
{
	(void)argc;
	(void)argv;
	return site_tidy(err);
}

/* base and disk, which are made, removed and listed alike. */
static const struct made_word {
	const char *word;
	int (*make)(const char *name, const char *text, size_t len,
	            command_line_fn *progress, void *arg, struct error *err);
	int (*remove)(const char *name, struct error *err);
	int (*list)(struct strv *out, struct error *err);
} base_word = { "base", base_make, base_remove, base_list },
  disk_word = { "disk", disk_make, disk_remove, disk_list };

static int
make_one(const struct made_word *w, const char *name, const char *file,
         struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r;

	if (file_read(AT_FDCWD, file, BASE_MAX_BYTES, &text, &len, err) < 0)
		return err->code;
	r = w->make(name, text, len, show_progress, NULL, err);
	end_progress();
	if (r >= 0)
		printf("%s %s: %s\n", w->word, name,
		       r > 0 ? "made" : "was there");
	return r < 0 ? r : 0;
}

static int
list_all(const struct made_word *w, struct error *err)
{
	cleanup_strv struct strv names = STRV_INIT;

	if (w->list(&names, err) < 0)
		return err->code;
	for (size_t i = 0; i < names.n; i++)
		puts(names.v[i]);
	return 0;
}

static int
made_command(const struct made_word *w, int argc, char **argv,
             struct error *err)
{
	if (argc == 3 && strcmp(argv[0], "make") == 0)
		return make_one(w, argv[1], argv[2], err);
	if (argc == 2 && strcmp(argv[0], "remove") == 0)
		return w->remove(argv[1], err);
	if (argc == 1 && strcmp(argv[0], "list") == 0)
		return list_all(w, err);
	return usage(stderr, 2);
}

static int
cmd_base(int argc, char **argv, struct error *err)
{
	return made_command(&base_word, argc, argv, err);
}

static int
cmd_disk(int argc, char **argv, struct error *err)
{
	return made_command(&disk_word, argc, argv, err);
}

static int
cmd_root(int argc, char **argv, struct error *err)
{
	struct tree_stats stats = { 0, 0 };
	int r;

	(void)argc;
	if (strcmp(argv[0], "thin") == 0)
		r = root_make_thin(argv[1], argv[2], &stats, err);
	else if (strcmp(argv[0], "thick") == 0)
		r = root_make_thick(argv[1], argv[2], &stats, err);
	else
		return usage(stderr, 2);
	if (r > 0)
		printf("%s: %s root, %llu files%s\n", argv[2], argv[0],
		       (unsigned long long)stats.files,
		       stats.reflinked == 0
		           ? " copied (no reflink on this file system)"
		       : stats.reflinked == stats.files
		           ? " by reflink"
		           : ", in part by reflink");
	return r < 0 ? r : 0;
}

static void
show_mechanism(void *arg, const struct doctor_row *row)
{
	static const char *const word[] = {
		[DOCTOR_HAS] = "yes",
		[DOCTOR_FALLBACK] = "fallback",
		[DOCTOR_LACKS] = "MISSING",
	};

	(void)arg;
	printf("%-18s %-9s %s\n", row->name, word[row->state], row->text);
}

static int
cmd_doctor(int argc, char **argv, struct error *err)
{
	(void)argc;
	(void)argv;
	(void)err;
	return doctor_run(show_mechanism, NULL);
}

static int cmd_help(int argc, char **argv, struct error *err);
static int cmd_completion(int argc, char **argv, struct error *err);

static const struct subcommand {
	const char *name, *args, *help;
	int min, max; /* operands */
	int (*run)(int argc, char **argv, struct error *err);
} subcommands[] = {
	{ "up", "[--host-net NAME] DIR", "start the jails and VMs of a site", 1,
	  3, cmd_up },
	{ "down", "[--host-net NAME] DIR", "stop them and clean up", 1, 3,
	  cmd_down },
	{ "console", "NAME", "this terminal to the console of a VM", 1, 1,
	  cmd_console },
	{ "base", "make NAME FILE", "make a base: a tree for jails to share", 1,
	  3, cmd_base },
	{ "base", "remove NAME | list", "remove a base, list all", 1, 3,
	  cmd_base },
	{ "disk", "make NAME FILE", "make a disk: a system for VMs to boot", 1,
	  3, cmd_disk },
	{ "disk", "remove NAME | list", "remove a disk, list all", 1, 3,
	  cmd_disk },
	{ "root", "thin|thick BASE DIR", "make a root from a base, or a disk",
	  3, 3, cmd_root },
	{ "tidy", "", "clear away what dead jails left", 0, 0, cmd_tidy },
	{ "doctor", "", "what this host can do, and what is used instead", 0, 0,
	  cmd_doctor },
	{ "completion", "", "words for the shell: eval \"$(gaol completion)\"",
	  0, 0, cmd_completion },
	{ "help", "", "this list", 0, 0, cmd_help },
};

static int
usage(FILE *to, int status)
{
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		fprintf(to, "%s gaol %-10s %-22s %s\n",
		        i == 0 ? "usage:" : "      ", subcommands[i].name,
		        subcommands[i].args, subcommands[i].help);
	return status; /* 0 when asked for, 2 when provoked; failure is 1 */
}

static int
cmd_help(int argc, char **argv, struct error *err)
{
	(void)argc;
	(void)argv;
	(void)err;
	return usage(stdout, 0);
}

static int
cmd_completion(int argc, char **argv, struct error *err)
{
	(void)argc;
	(void)argv;
	(void)err;
	printf("complete -o default -W \"");
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		if (i == 0 ||
		    strcmp(subcommands[i].name, subcommands[i - 1].name) != 0)
			printf("%s%s", i != 0 ? " " : "", subcommands[i].name);
	printf("\" gaol\n");
	return 0;
}

static const struct subcommand *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	const struct subcommand *sub;
	struct error err = { 0 };
	int r;

	/* Whoever started us may ignore it: no command could be waited for. */
	signal(SIGCHLD, SIG_DFL);
	if (argc < 2)
		return usage(stderr, 2);
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
		return usage(stdout, 0);
	sub = find(argv[1]);
	argc -= 2;
	argv += 2;
	if (sub == NULL || argc < sub->min || argc > sub->max)
		return usage(stderr, 2);
	r = sub->run(argc, argv, &err);
	if (r >= 0)
		return r;
	fprintf(stderr, "gaol: %s: %s\n", sub->name, err.msg);
	return 1;
}
