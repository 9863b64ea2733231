/* SPDX-License-Identifier: BSD-2-Clause */
/* vec_test.c - arrays that grow keep what they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/vec.h"

static void
elements_stay_while_the_array_grows(void **state)
{
	size_t n = 0, cap = 0;
	int *v = NULL;

	(void)state;
	for (; n < 1000; n++) {
		int *more = vec_room(v, n, &cap, sizeof(*v));

		assert_non_null(more);
		assert_true(cap > n);
		v = more;
		v[n] = (int)n;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v[i], i);
	free(v);
}

static void
too_much_changes_nothing(void **state)
{
	size_t cap = SIZE_MAX / 4;
	char one;

	(void)state;
	assert_null(vec_room(&one, cap, &cap, 16));
	assert_true(cap == SIZE_MAX / 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_stay_while_the_array_grows),
		cmocka_unit_test(too_much_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
