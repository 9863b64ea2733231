/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static void
hostile_bytes_come_out_as_json(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	json_put_string(&b, "a\"\\\n\x01\xff\xc3\xa9");
	assert_string_equal(buf_str(&b),
	                    "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\"");
}

static void
xml_has_no_bare_markup(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	xml_put_text(&b, "<a href=\"x\">&");
	assert_string_equal(buf_str(&b), "&lt;a href=&quot;x&quot;&gt;&amp;");
	buf_reset(&b);
	xml_put_text(&b, "\x1b\t\xff\xc3\xa9");
	assert_string_equal(buf_str(&b), "\xef\xbf\xbd\t\xef\xbf\xbd\xc3\xa9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_bytes_come_out_as_json),
		cmocka_unit_test(xml_has_no_bare_markup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
