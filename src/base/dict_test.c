/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/dict.h"

static void
text_form_reads_back_the_same(void **state)
{
	cleanup_dict struct dict d = DICT_INIT;
	cleanup_dict struct dict e = DICT_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct error err;

	(void)state;
	assert_int_equal(dict_set(&d, "a=b", "x\ny\\=z"), 0);
	assert_int_equal(dict_setf(&d, "n", "%d", 7), 0);
	assert_int_equal(dict_set(&d, "empty", ""), 0);
	dict_write(&d, &b);
	assert_int_equal(dict_read(&e, b.data, b.len, &err), 0);
	assert_string_equal(dict_get(&e, "a=b"), "x\ny\\=z");
	assert_int_equal(dict_get_int(&e, "n", 0), 7);
	assert_true(dict_is(&e, "n", "7"));
	assert_true(dict_is(&e, "empty", ""));
	assert_false(dict_is(&e, "n", "70"));
	assert_false(dict_is(&e, "none", ""));
	assert_string_equal(dict_get(&e, "empty"), "");
	dict_del(&e, "n");
	assert_null(dict_get(&e, "n"));
	assert_int_equal(e.n, 2);
}

static void
damage_is_told_with_its_line(void **state)
{
	cleanup_dict struct dict d = DICT_INIT;
	struct error err;

	(void)state;
	assert_int_equal(dict_read(&d, "a=1\nb\n", 6, &err), -EINVAL);
	assert_string_equal(err.msg, "line 2: not key=value");
	assert_int_equal(d.n, 0);
	assert_int_equal(dict_read(&d, "a=\\", 3, &err), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_form_reads_back_the_same),
		cmocka_unit_test(damage_is_told_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
