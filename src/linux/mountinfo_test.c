/* SPDX-License-Identifier: BSD-2-Clause */
/* mountinfo_test.c - lines as kernels write them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "linux/mountinfo.h"

static int
parsed(const char *text, struct mountinfo *mi)
{
	struct error err;

	return mountinfo_parse(strdup(text), mi, &err);
}

static void
lines_are_split_and_decoded(void **state)
{
	cleanup_mountinfo struct mountinfo mi = MOUNTINFO_INIT;

	(void)state;
	assert_int_equal(
	    parsed("27 1 8:1 / / rw,relatime shared:1 master:2 - ext4 "
	           "/dev/root rw\n"
	           "40 27 8:1 /base /jails/a\\040b ro - ext4 /dev/root rw\n"
	           "41 27 0:9 / /jails/a\\040b rw - tmpfs  rw,size=4k\n",
	           &mi),
	    0);
	assert_int_equal(mi.n, 3);
	assert_string_equal(mi.row[0].type, "ext4");
	assert_string_equal(mi.row[1].point, "/jails/a b");
	assert_string_equal(mi.row[1].root, "/base");
	assert_int_equal(mi.row[1].major, 8);
	assert_string_equal(mi.row[2].source, "");
	assert_string_equal(mi.row[2].super, "rw,size=4k");
	assert_ptr_equal(mountinfo_at(&mi, "/jails/a b"), &mi.row[2]);
	assert_null(mountinfo_at(&mi, "/jails"));
}

static void
other_text_is_refused(void **state)
{
	struct mountinfo mi = MOUNTINFO_INIT;

	(void)state;
	assert_int_equal(parsed("27 1 8:1 / / rw\n", &mi), -EPROTO);
	assert_int_equal(parsed("a b c d e f - g h i\n", &mi), -EPROTO);
	assert_int_equal(parsed("27 1 8:1 / / rw - ext4\n", &mi), -EPROTO);
}

static void
own_list_has_a_root(void **state)
{
	cleanup_mountinfo struct mountinfo mi = MOUNTINFO_INIT;
	struct error err;

	(void)state;
	assert_int_equal(mountinfo_read(&mi, &err), 0);
	assert_non_null(mountinfo_at(&mi, "/"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_split_and_decoded),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(own_list_has_a_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
