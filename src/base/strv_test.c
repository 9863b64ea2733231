/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"

static void
split_drops_or_keeps_empty_pieces(void **state)
{
	cleanup_strv struct strv drop = STRV_INIT;
	cleanup_strv struct strv keep = STRV_INIT;

	(void)state;
	assert_int_equal(strv_split(&drop, "a,,b", ",", false), 0);
	assert_int_equal(strv_split(&keep, "a,,b", ",", true), 0);
	assert_int_equal(drop.n, 2);
	assert_int_equal(keep.n, 3);
	assert_string_equal(keep.v[1], "");
	assert_null(keep.v[3]);
}

static void
join_is_the_reverse_of_split(void **state)
{
	cleanup_strv struct strv sv = STRV_INIT;
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(strv_pushf(&sv, "%d", i), 0);
	strv_drop(&sv, 17);
	strv_join(&sv, " ", &b);
	assert_string_equal(buf_str(&b), "0 1 2");
	assert_true(strv_has(&sv, "2"));
	assert_false(strv_has(&sv, "3"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_drops_or_keeps_empty_pieces),
		cmocka_unit_test(join_is_the_reverse_of_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
