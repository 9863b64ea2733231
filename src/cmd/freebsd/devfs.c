/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs.c - devfs(8): showing rulesets, and choosing that of a mounted devfs.
 *
 * Rulesets are files here, not kernel state, so adding and deleting rules is
 * refused with the file to edit. A devfs that a hook mounted can get another
 * ruleset until its jail is created: the template of that ruleset takes its
 * place. A running jail's own is made from its devfs_ruleset and stays.
 * Source: devfs(8).
 */
#include "jail/devfs.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cmd/freebsd/place.h"
#include "cmd/freebsd/rundir.h"
#include "linux/file.h"
#include "linux/mnt.h"
#include "linux/mountinfo.h"
#include "linux/self.h"
#include "linux/userns.h"

static const char rules_path[] = "/etc/devfs.rules";

static int
usage(void)
{
	fputs("usage: devfs [-m mount-point] rule [-s ruleset] show | showsets "
	      "| applyset\n"
	      "       devfs [-m mount-point] ruleset ruleset\n",
	      stderr);
	return 1;
}

static int
complain(const struct error *err)
{
	fprintf(stderr, "devfs: %s\n", err->msg);
	return 1;
}

static int
refuse(const char *what, const char *why)
{
	fprintf(stderr, "devfs: %s: %s\n", what, why);
	return 1;
}

/* --- rules ------------------------------------------------------------- */

static int
read_rules(struct devfs_rules **out, struct error *err)
{
	struct devfs_rules *rules = NULL;
	cleanup_free char *text = NULL;
	struct error absent;
	size_t len = 0;
	int rc;

	if (devfs_rules_builtin(&rules, err) < 0)
		return err->code;
	rc = file_read(AT_FDCWD, rules_path, DEVFS_MAX_BYTES, &text, &len,
	               &absent);
	if (rc == -ENOENT)
		rc = 0;
	else if (rc < 0)
		*err = absent;
	else
		rc = devfs_rules_parse(rules, rules_path, text, len, err);
	if (rc < 0) {
		devfs_rules_free(rules);
		return rc;
	}
	*out = rules;
	return 0;
}

/* rule show: all of a ruleset; no number: showsets. */
static int
show(const char *number)
{
	struct devfs_rules *rules = NULL;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err;
	long long n = 0;
	int rc = 0;

	if (number != NULL && num_int_in(number, 0, DEVFS_MAX_RULESET, &n) < 0)
		return refuse(number, "not a ruleset number");
	if (read_rules(&rules, &err) < 0)
		return complain(&err);
	if (number == NULL)
		devfs_rules_sets(rules, &text);
	else if (n > 0) /* 0 is always there and empty */
		rc = devfs_rules_show(rules, (unsigned)n, &text, &err);
	devfs_rules_free(rules);
	if (rc < 0)
		return complain(&err);
	fputs(buf_str(&text), stdout);
	return 0;
}

/* --- mounts ------------------------------------------------------------ */

/* Is a devfs of ours mounted at the directory fd? */
static int
check_is_devfs(int fd, const char *dir, struct error *err)
{
	cleanup_mountinfo struct mountinfo mi = MOUNTINFO_INIT;
	bool is_root = false;
	uint64_t id = 0;

	if (mnt_id(fd, &id, &is_root, err) < 0 || mountinfo_read(&mi, err) < 0)
		return err->code;
	for (size_t i = 0; i < mi.n && is_root; i++)
		if (mi.row[i].id == id &&
		    strcmp(mi.row[i].type, "tmpfs") == 0 &&
		    strcmp(mi.row[i].source, "devfs") == 0)
			return 0;
	return error_set(err, -EINVAL,
	                 "%s: no devfs is mounted there; what a jail mounts by "
	                 "itself has the ruleset of its devfs_ruleset "
	                 "parameter",
	                 dir);
}

/* Put the template of a ruleset in the place of the devfs at dir. */
static int
replace(const char *dir, unsigned ruleset, struct error *err)
{
	cleanup_free char *copy = NULL;
	cleanup_close int parent = -1;
	cleanup_close int point = -1;
	cleanup_close int run_dir = -1;
	cleanup_close int tree = -1;
	cleanup_close int mnt = -1;
	char helpers[PATH_MAX], by_fd[PATH_MAX];
	const char *name;

	parent = place_open_parent(dir, &copy, &name, err);
	if (parent < 0)
		return parent;
	point = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (point < 0)
		return error_sys(err, "%s", dir);
	if (check_is_devfs(point, dir, err) < 0 ||
	    self_libexec("inside", helpers, err) < 0)
		return err->code;
	run_dir = rundir_open(err);
	if (run_dir < 0 ||
	    devfs_template(run_dir, ruleset, helpers, &tree, err) < 0)
		return err->code;
	mnt = mnt_clone_tree(tree, "", true, err);
	if (mnt < 0)
		return mnt;
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d/%s", parent, name);
	if (umount2(by_fd, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return error_sys(err, "%s", dir);
	close(point);
	point = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (point < 0)
		return error_sys(err, "%s", dir);
	return mnt_attach(mnt, point, "", err);
}

static int
apply_set(const char *dir, const char *number)
{
	struct error err;
	long long n;

	if (num_int_in(number, 0, DEVFS_MAX_RULESET, &n) < 0)
		return refuse(number, "not a ruleset number");
	if (userns_is_nested()) {
		error_set(&err, -EPERM, "%s: %s", dir, strerror(EPERM));
		return complain(&err);
	}
	if (strcmp(dir, "/dev") == 0)
		return refuse(dir, "is the host's own; name a jail's with -m");
	if (replace(dir, (unsigned)n, &err) < 0)
		return complain(&err);
	return 0;
}

/* --- the command line -------------------------------------------------- */

static int
do_rule(const char *dir, int argc, char **argv)
{
	const char *set = NULL;
	const char *verb;
	int c;

	optind = 1;
	while ((c = getopt(argc, argv, "+s:")) != -1)
		if (c == 's')
			set = optarg;
		else
			return usage();
	if (optind == argc)
		return usage();
	verb = argv[optind];
	if (strcmp(verb, "showsets") == 0)
		return show(NULL);
	if (strcmp(verb, "show") == 0)
		return set != NULL ? show(set)
		                   : refuse("show", "say which with -s");
	if (strcmp(verb, "applyset") == 0) /* alone: ruleset did it already */
		return set != NULL ? apply_set(dir, set) : 0;
	if (strcmp(verb, "add") == 0 || strcmp(verb, "del") == 0 ||
	    strcmp(verb, "delset") == 0)
		return refuse(verb, "rules are kept in /etc/devfs.rules; edit "
		                    "them there");
	if (strcmp(verb, "apply") == 0)
		return refuse(verb, "a single rule cannot be applied; make a "
		                    "ruleset of it in /etc/devfs.rules and "
		                    "give its number to devfs_ruleset");
	return refuse("unknown command", verb);
}

int
main(int argc, char **argv)
{
	const char *dir = "/dev";
	int c;

	while ((c = getopt(argc, argv, "+m:")) != -1)
		if (c == 'm')
			dir = optarg;
		else
			return usage();
	argc -= optind;
	argv += optind;
	if (argc < 2)
		return usage();
	if (strcmp(argv[0], "rule") == 0)
		return do_rule(dir, argc, argv);
	if (strcmp(argv[0], "ruleset") == 0)
		return apply_set(dir, argv[1]);
	return refuse("unknown command", argv[0]);
}
