/* SPDX-License-Identifier: BSD-2-Clause */
/* arena_test.c - pieces are apart, aligned and zeroed; the limit holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void
pieces_do_not_overlap(void **state)
{
	struct arena a = ARENA_INIT(1 << 20);
	unsigned char *p[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		size_t bytes = i * 37;

		p[i] = arena_alloc(&a, bytes);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < bytes; j++)
			assert_int_equal(p[i][j], 0);
		memset(p[i], (int)i, bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		for (size_t j = 0; j < i * 37; j++)
			assert_int_equal(p[i][j], i & 0xff);
	arena_fini(&a);
}

static void
a_large_piece_is_whole(void **state)
{
	struct arena a = ARENA_INIT(1 << 20);
	char *p;

	(void)state;
	assert_non_null(arena_strdup(&a, "small"));
	p = arena_alloc(&a, 500 << 10);
	assert_non_null(p);
	memset(p, 'x', 500 << 10);
	assert_string_equal(arena_strdup(&a, "small again"), "small again");
	assert_string_equal(arena_printf(&a, "%d-%s", 7, "up"), "7-up");
	arena_fini(&a);
}

static void
the_limit_holds_and_failure_stays(void **state)
{
	struct arena a = ARENA_INIT(100);

	(void)state;
	assert_non_null(arena_alloc(&a, 60));
	assert_null(arena_alloc(&a, 60));
	assert_true(a.failed);
	assert_null(arena_alloc(&a, 1));
	arena_fini(&a);
	assert_false(a.failed);
	assert_non_null(arena_alloc(&a, 60));
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(a_large_piece_is_whole),
		cmocka_unit_test(the_limit_holds_and_failure_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
