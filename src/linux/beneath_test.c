/* SPDX-License-Identifier: BSD-2-Clause */
/* beneath_test.c - no link, no dot-dot leads out of the root. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/beneath.h"

static int
make_tree(void **state)
{
	static char dir[] = "/tmp/beneath.XXXXXX";

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("root", 0755), 0);
	assert_int_equal(mkdir("root/dev", 0755), 0);
	assert_int_equal(symlink("/etc", "root/etc"), 0);
	assert_int_equal(symlink("dev", "root/in"), 0);
	assert_int_equal(mkdir("outside", 0755), 0);
	*state = dir;
	return 0;
}

static int
drop_tree(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", (const char *)*state);
	return system(cmd);
}

static void
opens_only_what_is_below(void **state)
{
	static const struct {
		const char *path;
		int code;
		const char *msg;
	} rows[] = {
		{ "/dev", 0, NULL },
		{ "dev", 0, NULL },
		{ "/", 0, NULL },
		{ "", 0, NULL },
		{ "/../../dev", 0, NULL }, /* dot-dot stops at the root */
		{ "/../outside", -ENOENT,
		  "R/../outside: No such file or directory" },
		{ "/etc", -ELOOP, "R/etc is a symbolic link" },
		{ "/etc/passwd", -ELOOP, "R/etc is a symbolic link" },
		{ "/dev/../in/x", -ELOOP, "R/dev/../in is a symbolic link" },
		{ "/none", -ENOENT, "R/none: No such file or directory" },
	};
	int root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(root >= 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = { 0, "" };
		int fd = beneath_open(root, "R", rows[i].path,
		                      O_PATH | O_DIRECTORY, 0, &err);

		if (rows[i].code == 0) {
			assert_true(fd >= 0);
			close(fd);
			continue;
		}
		assert_int_equal(fd, rows[i].code);
		assert_string_equal(err.msg, rows[i].msg);
	}
	close(root);
}

static void
creates_without_following(void **state)
{
	int root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = { 0, "" };
	int fd =
	    beneath_open(root, "", "/dev/log", O_WRONLY | O_CREAT, 0640, &err);
	struct stat st;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	close(fd);
	assert_int_equal(symlink("/tmp/beneath-evil", "root/dev/evil"), 0);
	fd =
	    beneath_open(root, "", "/dev/evil", O_WRONLY | O_CREAT, 0640, &err);
	assert_int_equal(fd, -ELOOP);
	assert_int_equal(access("/tmp/beneath-evil", F_OK), -1);
	close(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_only_what_is_below),
		cmocka_unit_test(creates_without_following),
	};

	return cmocka_run_group_tests(tests, make_tree, drop_tree);
}
