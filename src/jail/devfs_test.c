/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs_test.c - templates made for real, in a mount namespace of our own. */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jail/devfs.h"
#include "linux/mnt.h"
#include "linux/userns.h"

static char run_path[] = "/tmp/devfs_test.XXXXXX";

/* A private mount namespace with an empty runtime directory in it. */
static int
setup(void **state)
{
	static int run_dir;

	if (geteuid() != 0) {
		*state = NULL;
		return 0;
	}
	umask(0077); /* of an administrator; jails must not notice */
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_non_null(mkdtemp(run_path));
	run_dir = open(run_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(run_dir >= 0);
	*state = &run_dir;
	return 0;
}

static int
teardown(void **state)
{
	struct error err;

	if (*state == NULL)
		return 0;
	assert_int_equal(devfs_template_drop(*(int *)*state, &err), 0);
	close(*(int *)*state);
	return rmdir(run_path);
}

static int
run_dir_of(void **state)
{
	if (*state == NULL)
		skip();
	return *(int *)*state;
}

static ino_t
template_ino(int run_dir, unsigned ruleset, const char *helpers)
{
	cleanup_close int fd = -1;
	struct error err;
	struct stat st;

	if (devfs_template(run_dir, ruleset, helpers, &fd, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino + st.st_dev * 100000;
}

static void
template_holds_nodes_links_and_points(void **state)
{
	int run_dir = run_dir_of(state);
	cleanup_close int fd = -1;
	struct error err;
	struct stat st;
	char target[64];

	assert_int_equal(devfs_template(run_dir, 4, NULL, &fd, &err), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(fstatat(fd, "null", &st, 0), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_rdev, makedev(1, 3));
	assert_int_equal(st.st_mode & 07777, 0666);
	for (size_t i = 0; i < 3; i++) {
		static const char *const dirs[] = { "pts", "shm", "gaol" };

		assert_int_equal(fstatat(fd, dirs[i], &st, 0), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0755);
	}
	assert_int_equal(readlinkat(fd, "ptmx", target, sizeof(target)), 8);
	assert_memory_equal(target, "pts/ptmx", 8);
	assert_int_equal(readlinkat(fd, "log", target, sizeof(target)), 8);
	assert_int_equal(fstatat(fd, "kmsg", &st, 0), -1);
	assert_int_equal(mkdirat(fd, "x", 0755), -1);
	assert_int_equal(errno, EROFS);
	assert_true(write(openat(fd, "null", O_WRONLY | O_CLOEXEC), "x", 1) ==
	            1);
}

static void
template_is_made_once_and_again_for_other_helpers(void **state)
{
	int run_dir = run_dir_of(state);
	ino_t first = template_ino(run_dir, 4, NULL);
	cleanup_close int fd = -1;
	struct error err;
	struct stat st;

	assert_int_equal(template_ino(run_dir, 4, NULL), first);
	assert_int_not_equal(template_ino(run_dir, 5, NULL), first);
	assert_int_not_equal(template_ino(run_dir, 4, "/etc"), first);
	assert_int_equal(devfs_template(run_dir, 4, "/etc", &fd, &err), 0);
	assert_int_equal(fstatat(fd, "gaol/passwd", &st, 0), 0);
}

static void
half_made_template_is_replaced(void **state)
{
	int run_dir = run_dir_of(state);
	cleanup_close int fd = -1;
	struct error err;
	struct stat st;
	char path[64];

	assert_int_equal(devfs_template_drop(run_dir, &err), 0);
	snprintf(path, sizeof(path), "%s/devfs", run_path);
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/4");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mount("x", path, "tmpfs", 0, NULL), 0);
	strcat(path, "/dev"); /* no stamp: its maker was killed */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(devfs_template(run_dir, 4, NULL, &fd, &err), 0);
	assert_int_equal(fstatat(fd, "null", &st, 0), 0);
}

static void
many_makers_agree(void **state)
{
	int run_dir = run_dir_of(state);
	struct error err;
	pid_t pid[8];

	assert_int_equal(devfs_template_drop(run_dir, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(pid); i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			int fd;

			_exit(devfs_template(run_dir, 4, NULL, &fd, &err) < 0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pid); i++) {
		int status;

		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
}

static void
mount_is_idmapped_with_exact_owners(void **state)
{
	int run_dir = run_dir_of(state);
	cleanup_close int ns = -1;
	cleanup_close int mnt = -1;
	struct error err;
	struct stat st;

	ns = userns_create(700000, 700000, 65536, 1000, &err);
	assert_true(ns >= 0);
	mnt = devfs_mount(run_dir, 4, NULL, ns, &err);
	if (mnt < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(fstatat(mnt, "null", &st, 0), 0);
	if (st.st_uid == 0) {
		/* Linux before 6.3: the template for everybody */
		assert_int_equal(st.st_mode & 06, 06);
		return;
	}
	assert_int_equal(st.st_uid, 700000);
	assert_int_equal(mkdirat(mnt, "x", 0755), -1);
	assert_int_equal(errno, EROFS);
}

/* Without idmapping no jail is the owner of a node: what the owner may do then
 * everybody may. Ruleset 0 shows all nodes; take one that is its owner's. */
static void
template_opens_what_only_the_owner_may(void **state)
{
	int run_dir = run_dir_of(state);
	cleanup_free struct devfs_node *node = NULL;
	cleanup_close int wide = -1;
	cleanup_close int exact = -1;
	struct error err;
	struct stat st;
	int n = devfs_nodes(&node, &err);

	assert_true(n > 0);
	while (n-- > 0)
		if (S_ISCHR(node[n].mode) && (node[n].mode & 0777) == 0600)
			break;
	if (n < 0)
		skip();
	assert_int_equal(devfs_template(run_dir, 0, NULL, &wide, &err), 0);
	assert_int_equal(fstatat(wide, node[n].path, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0606);
	exact = devfs_mount(run_dir, 0, NULL, -1, &err);
	assert_true(exact >= 0);
	assert_int_equal(fstatat(exact, node[n].path, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
allowed_is_the_same_before_and_after_the_template(void **state)
{
	int run_dir = run_dir_of(state);
	struct devfs_allow a[64], b[64];
	struct error err;
	int na, nb;

	assert_int_equal(devfs_template_drop(run_dir, &err), 0);
	na = devfs_allowed(run_dir, 4, a, ARRAY_LEN(a), &err);
	assert_true(na > 14);
	(void)template_ino(run_dir, 4, NULL);
	nb = devfs_allowed(run_dir, 4, b, ARRAY_LEN(b), &err);
	assert_int_equal(na, nb);
	for (int i = 0; i < na; i++) {
		assert_int_equal(a[i].type, b[i].type);
		assert_int_equal(a[i].major, b[i].major);
		assert_int_equal(a[i].minor, b[i].minor);
	}
	assert_int_equal(devfs_allowed(run_dir, 4, a, 3, &err), -E2BIG);
	assert_true(devfs_allowed(run_dir, 1, a, ARRAY_LEN(a), &err) >= 14);
}

static void
unknown_ruleset_makes_nothing(void **state)
{
	int run_dir = run_dir_of(state);
	struct error err;
	int fd = -1;

	assert_int_equal(devfs_template(run_dir, 777, NULL, &fd, &err),
	                 -ENOENT);
	assert_string_equal(err.msg, "devfs ruleset 777: no devfs ruleset 777");
	assert_int_equal(fd, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_holds_nodes_links_and_points),
		cmocka_unit_test(
		    template_is_made_once_and_again_for_other_helpers),
		cmocka_unit_test(half_made_template_is_replaced),
		cmocka_unit_test(many_makers_agree),
		cmocka_unit_test(mount_is_idmapped_with_exact_owners),
		cmocka_unit_test(template_opens_what_only_the_owner_may),
		cmocka_unit_test(
		    allowed_is_the_same_before_and_after_the_template),
		cmocka_unit_test(unknown_ruleset_makes_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
