/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/num.h"

static void
only_whole_numbers_in_range(void **state)
{
	static const struct {
		const char *text;
		int rc;
		long long want;
	} rows[] = {
		{ "0", 0, 0 },
		{ "-12", 0, -12 },
		{ "", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		long long n = 0;

		assert_int_equal(num_int(rows[i].text, &n), rows[i].rc);
		assert_int_equal(n, rows[i].want);
	}
}

static void
sizes_take_a_unit(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(num_size("64m", &n), 0);
	assert_int_equal(n, 64 << 20);
	assert_int_equal(num_size("1kb", &n), -EINVAL);
	assert_int_equal(num_size("99999999999t", &n), -ERANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_whole_numbers_in_range),
		cmocka_unit_test(sizes_take_a_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
