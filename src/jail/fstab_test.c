/* SPDX-License-Identifier: BSD-2-Clause */
/* fstab_test.c - words, escapes and mistakes of fstab lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jail/fstab.h"

static void
reads_words_and_escapes(void **state)
{
	static const struct {
		const char *line, *what, *where, *type, *opts;
	} rows[] = {
		{ "/base /j/a nullfs ro 0 0", "/base", "/j/a", "nullfs", "ro" },
		{ "tmpfs\t/j/t  tmpfs", "tmpfs", "/j/t", "tmpfs", NULL },
		{ "  a b c d", "a", "b", "c", "d" },
		{ "/my\\040base /j/x\\134y nullfs rw", "/my base", "/j/x\\y",
		  "nullfs", "rw" },
		{ "a\\\\b /w t", "a\\b", "/w", "t", NULL },
		{ "a /w t o#p", "a", "/w", "t", "o#p" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fstab_line l;
		struct error err;

		assert_int_equal(
		    fstab_parse(rows[i].line, strlen(rows[i].line), &l, &err),
		    1);
		assert_string_equal(l.what, rows[i].what);
		assert_string_equal(l.where, rows[i].where);
		assert_string_equal(l.type, rows[i].type);
		if (rows[i].opts != NULL)
			assert_string_equal(l.opts, rows[i].opts);
		else
			assert_null(l.opts);
		fstab_line_fini(&l);
	}
}

static void
tells_what_is_wrong(void **state)
{
	static const struct {
		const char *line;
		int rc;
		const char *msg;
	} rows[] = {
		{ "", 0, NULL },
		{ " \t", 0, NULL },
		{ "# a b c", 0, NULL },
		{ "  #", 0, NULL },
		{ "a", -EINVAL, "a: missing information" },
		{ "a b", -EINVAL, "a b: missing information" },
		{ "a\\04 b c", -EINVAL, "a\\04 b c: fstab parse error" },
		{ "a b\\ c d", -EINVAL, "a b\\ c d: fstab parse error" },
		{ "a b\\000 c", -EINVAL, "a b\\000 c: fstab parse error" },
		{ "a b\\777 c", -EINVAL, "a b\\777 c: fstab parse error" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fstab_line l;
		struct error err;

		assert_int_equal(
		    fstab_parse(rows[i].line, strlen(rows[i].line), &l, &err),
		    rows[i].rc);
		if (rows[i].rc < 0)
			assert_string_equal(err.msg, rows[i].msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_words_and_escapes),
		cmocka_unit_test(tells_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
