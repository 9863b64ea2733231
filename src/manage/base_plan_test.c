/* SPDX-License-Identifier: BSD-2-Clause */
/* base_plan_test.c - what a base's file may say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "manage/base.h"

static void
a_file_is_read(void **state)
{
	static const char text[] = "# what we serve with\n"
	                           "suite  bookworm\n"
	                           "package lighttpd curl # two\n"
	                           "\n"
	                           "package libstdc++6\n"
	                           "run echo '#' x >/etc/y # z\r\n"
	                           "  run\ttrue\n"
	                           "size 2G\n"
	                           "kernel linux-image-amd64\n"
	                           "mirror http://mirror.example.org/debian";
	struct base_plan p;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(base_plan_parse("www", text, strlen(text), &p, &err),
	                 0);
	assert_string_equal(p.suite, "bookworm");
	assert_string_equal(p.mirror, "http://mirror.example.org/debian");
	assert_int_equal(p.packages.n, 3);
	assert_string_equal(p.packages.v[2], "libstdc++6");
	assert_int_equal(p.commands.n, 2);
	assert_string_equal(p.commands.v[0], "echo '#' x >/etc/y # z");
	assert_string_equal(p.commands.v[1], "true");
	assert_int_equal(p.size_bytes, 2ULL << 30);
	assert_string_equal(p.kernel, "linux-image-amd64");
	base_plan_fini(&p);
}

static void
mistakes_are_told_with_their_line(void **state)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{ "", "www: no suite" },
		{ "suite a\nsuit b\n", "www line 2: unknown word 'suit'" },
		{ "suite\n", "www line 1: suite: wants one value" },
		{ "suite a b\n", "www line 1: suite: wants one value" },
		{ "suite a\nsuite b\n", "www line 2: suite: given twice" },
		{ "suite --x\n", "www line 1: suite: bad value '--x'" },
		{ "package\n", "www line 1: package: wants a name" },
		{ "package a;b\n", "www line 1: package: bad value 'a;b'" },
		{ "run\n", "www line 1: run: wants a command" },
		{ "runs x\n", "www line 1: unknown word 'runs'" },
		{ "size 2G\nsize 1G\n", "www line 2: size: given twice" },
		{ "size 1\n", "www line 1: size: bad value '1'" },
		{ "size 99999999T\n",
		  "www line 1: size: bad value '99999999T'" },
		{ "suite x\nmirror 'h'\n",
		  "www line 2: mirror: bad value ''h''" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = { 0 };
		struct base_plan p;

		assert_int_equal(base_plan_parse("www", rows[i].text,
		                                 strlen(rows[i].text), &p,
		                                 &err),
		                 -EINVAL);
		assert_string_equal(err.msg, rows[i].msg);
	}
}

static void
names_of_bases(void **state)
{
	(void)state;
	assert_true(base_name_ok("www"));
	assert_true(base_name_ok("debian-12.5_x"));
	assert_false(base_name_ok(""));
	assert_false(base_name_ok("."));
	assert_false(base_name_ok(".www.new"));
	assert_false(base_name_ok("a/b"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(mistakes_are_told_with_their_line),
		cmocka_unit_test(names_of_bases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
