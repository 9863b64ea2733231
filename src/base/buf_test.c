/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void
grows_past_its_first_size(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i % 10);
	assert_false(b.failed);
	assert_int_equal(b.len, 2000);
	assert_memory_equal(buf_str(&b) + 1996, "8,9,", 5);
}

/* Else a long text is copied once for each byte. */
static void
growing_doubles(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t times = 0, cap = 0;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		buf_putc(&b, 'x');
		times += b.cap != cap;
		cap = b.cap;
	}
	assert_in_range(times, 1, 20);
}

static void
an_empty_one_reads_as_empty_text(void **state)
{
	struct buf b = BUF_INIT;
	cleanup_free char *s = NULL;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	s = buf_take(&b);
	assert_string_equal(s, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_past_its_first_size),
		cmocka_unit_test(growing_doubles),
		cmocka_unit_test(an_empty_one_reads_as_empty_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
