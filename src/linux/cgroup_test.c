/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup_test.c - which files of a hierarchy are written, tried on plain files
 * of the same names. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/cgroup.h"
#include "linux/file.h"
#include "linux/tree.h"

static void
put(int dir, const char *path, const char *text)
{
	struct error err;

	assert_int_equal(file_replace(dir, path, text, strlen(text), &err), 0);
}

static void
holds(int dir, const char *path, const char *want)
{
	cleanup_free char *text = NULL;
	struct error err;

	assert_int_equal(file_read(dir, path, 64, &text, NULL, &err), 0);
	assert_string_equal(text, want);
}

/* ROOT/a/b with their control files. */
static int
hierarchy(char *path)
{
	int dir;

	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	assert_int_equal(mkdirat(dir, "a", 0700), 0);
	assert_int_equal(mkdirat(dir, "a/b", 0700), 0);
	put(dir, "cgroup.controllers", "cpuset memory pids\n");
	put(dir, "cgroup.subtree_control", "");
	put(dir, "a/cgroup.subtree_control", "");
	put(dir, "a/b/cgroup.subtree_control", "");
	return dir;
}

static void
drop(const char *path, int dir)
{
	struct error err;

	close(dir);
	assert_int_equal(tree_remove(AT_FDCWD, path, &err), 0);
}

static void
a_controller_is_enabled_from_the_root_down(void **state)
{
	char path[] = "/tmp/cgroup-test.XXXXXX";
	int dir = hierarchy(path);
	struct error err;

	(void)state;
	assert_int_equal(cg_enable(dir, "a", "pids", &err), 0);
	holds(dir, "cgroup.subtree_control", "+pids");
	holds(dir, "a/cgroup.subtree_control", "+pids");
	holds(dir, "a/b/cgroup.subtree_control", "");
	assert_int_equal(cg_enable(dir, "a/b", "memory", &err), 0);
	holds(dir, "a/b/cgroup.subtree_control", "+memory");
	drop(path, dir);
}

static void
a_controller_that_is_elsewhere_is_not_asked_for(void **state)
{
	char path[] = "/tmp/cgroup-test.XXXXXX";
	int dir = hierarchy(path);
	struct error err;

	(void)state;
	assert_int_equal(cg_enable(dir, "a", "cpu", &err), -ENOTSUP);
	assert_int_equal(cg_enable(dir, "a", "pid", &err), -ENOTSUP);
	holds(dir, "cgroup.subtree_control", "");
	drop(path, dir);
}

static void
a_limit_on_processes_belongs_to_its_keeper(void **state)
{
	char path[] = "/tmp/cgroup-test.XXXXXX";
	int dir = hierarchy(path);
	struct error err;
	struct stat st;

	(void)state;
	assert_int_equal(cg_pids_cap(dir, 9, geteuid(), &err), -ENOTSUP);
	put(dir, "pids.max", "");
	if (geteuid() == 0) {
		assert_int_equal(cg_pids_cap(dir, 300, 70000, &err), 0);
		assert_int_equal(fstatat(dir, "pids.max", &st, 0), 0);
		assert_int_equal(st.st_uid, 70000);
		assert_int_equal(st.st_gid, 70000);
		holds(dir, "pids.max", "300");
	}
	drop(path, dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_controller_is_enabled_from_the_root_down),
		cmocka_unit_test(
		    a_controller_that_is_elsewhere_is_not_asked_for),
		cmocka_unit_test(a_limit_on_processes_belongs_to_its_keeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
