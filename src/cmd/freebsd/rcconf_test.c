/* SPDX-License-Identifier: BSD-2-Clause */
/* rcconf_test.c - what assignments mean, and how text changes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/freebsd/rcconf.h"

static const char sample[] = "# a comment\n"
                             "hostname=\"web.example.org\" # its name\n"
                             "  sshd_enable='YES'\n"
                             "a=1 b=2; c=three\n"
                             "export d=$a-${b}-$nothing\n"
                             "if [ x = \"y\" ]; then\n"
                             "long=\"two\\\n lines\"\n"
                             "raw='$a \"q\"'\n"
                             "esc=\"\\$a \\\"q\\\" \\n\"\n"
                             "run=$(date)\n"
                             "empty=\n"
                             "a=last";

static void
values_are_the_shell_s(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "hostname", "web.example.org" },
		{ "sshd_enable", "YES" },
		{ "a", "last" },
		{ "b", "2" },
		{ "c", "three" },
		{ "d", "1-2-" },
		{ "long", "two lines" },
		{ "raw", "$a \"q\"" },
		{ "esc", "$a \"q\" \\n" },
		{ "run", "$(date)" },
		{ "empty", "" },
	};
	cleanup_dict struct dict vars = DICT_INIT;
	struct rcconf rc = RCCONF_INIT;
	struct error err;

	(void)state;
	assert_int_equal(
	    rcconf_parse("f", sample, sizeof(sample) - 1, &vars, &rc, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_non_null(rcconf_find(&rc, rows[i].name));
		assert_string_equal(dict_get(&vars, rows[i].name),
		                    rows[i].value);
	}
	assert_int_equal(vars.n, ARRAY_LEN(rows));
	rcconf_fini(&rc);
}

/* The text after setting (value not NULL) or deleting a name. */
static char *
changed(const char *text, const char *name, const char *value)
{
	cleanup_dict struct dict vars = DICT_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct rcconf rc = RCCONF_INIT;
	struct error err;

	assert_int_equal(
	    rcconf_parse("f", text, strlen(text), &vars, &rc, &err), 0);
	if ((value != NULL ? rcconf_set(&rc, name, value, &out, &err)
	                   : rcconf_del(&rc, name, &out, &err)) < 0)
		fail_msg("%s", err.msg);
	rcconf_fini(&rc);
	return buf_take(&out);
}

static void
text_changes_where_it_must_only(void **state)
{
	static const struct {
		const char *text, *name, *value, *want;
	} rows[] = {
		{ "", "a", "1", "a=\"1\"\n" },
		{ "x=1", "a", "1", "x=1\na=\"1\"\n" },
		{ "a=0 # keep\n", "a", "1", "a=\"1\" # keep\n" },
		{ "a=0\na='0 0'\nb=1\n", "a", "1", "a=0\na=\"1\"\nb=1\n" },
		{ "a=0; b=2\n", "a", "1", "a=\"1\"; b=2\n" },
		{ "", "a", "x\"y$z`\\", "a=\"x\\\"y\\$z\\`\\\\\"\n" },
		{ "a=1\nb=2\n", "a", NULL, "b=2\n" },
		{ "  a=1 # with it\nb=2\na=3", "a", NULL, "b=2\n" },
		{ "export a=1\nb=2\n", "a", NULL, "b=2\n" },
		{ "a=1 b=2\n", "a", NULL, "b=2\n" },
		{ "b=2; a=1\n", "a", NULL, "b=2; \n" },
		{ "b=2\n", "a", NULL, "b=2\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *got =
		    changed(rows[i].text, rows[i].name, rows[i].value);

		assert_string_equal(got, rows[i].want);
	}
}

static void
bad_text_is_refused(void **state)
{
	static const struct {
		const char *text, *msg;
		size_t len;
	} rows[] = {
		{ "a=1\nb=\"x\n\n", "f: line 2: unterminated quoted string",
		  10 },
		{ "a='", "f: line 1: unterminated quoted string", 3 },
		{ "a=1\0", "f: NUL byte", 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_dict struct dict vars = DICT_INIT;
		struct rcconf rc = RCCONF_INIT;
		struct error err;

		assert_int_equal(rcconf_parse("f", rows[i].text, rows[i].len,
		                              &vars, &rc, &err),
		                 -EINVAL);
		assert_string_equal(err.msg, rows[i].msg);
	}
}

static void
doubling_values_are_stopped(void **state)
{
	cleanup_dict struct dict vars = DICT_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct rcconf rc = RCCONF_INIT;
	struct error err;

	(void)state;
	buf_puts(&text, "a=xxxxxxxxxxxxxxxx\n");
	for (int i = 0; i < 40; i++)
		buf_puts(&text, "a=$a$a\n");
	assert_int_equal(
	    rcconf_parse("f", text.data, text.len, &vars, &rc, &err), -E2BIG);
}

static void
names_are_the_shell_s(void **state)
{
	(void)state;
	assert_true(rcconf_name_ok("ifconfig_em0"));
	assert_true(rcconf_name_ok("_x9"));
	assert_false(rcconf_name_ok("9x"));
	assert_false(rcconf_name_ok("a-b"));
	assert_false(rcconf_name_ok(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_the_shell_s),
		cmocka_unit_test(text_changes_where_it_must_only),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(doubling_values_are_stopped),
		cmocka_unit_test(names_are_the_shell_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
