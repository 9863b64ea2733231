/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void
sys_adds_the_text_of_errno(void **state)
{
	struct error err = { 0 };

	(void)state;
	errno = ENOENT;
	assert_int_equal(error_sys(&err, "open '%s'", "/x"), -ENOENT);
	assert_string_equal(err.msg, "open '/x': No such file or directory");
}

static void
wrap_puts_words_in_front(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, -EINVAL, "inner");
	assert_int_equal(error_wrap(&err, "outer %d", 1), -EINVAL);
	assert_string_equal(err.msg, "outer 1: inner");
}

static void
long_text_is_cut_not_overrun(void **state)
{
	struct error err;
	char big[2000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	error_set(&err, -EIO, "%s", big);
	error_wrap(&err, "%s", big);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sys_adds_the_text_of_errno),
		cmocka_unit_test(wrap_puts_words_in_front),
		cmocka_unit_test(long_text_is_cut_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
