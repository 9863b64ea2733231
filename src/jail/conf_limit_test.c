/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_limit_test.c - what jail.conf may not make us do: every limit of conf.h
 * is met exactly, and every allocation may fail.
 *
 * Linked with --wrap for the allocating functions, see meson.build.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jail/conf.h"

/* Allocations until one fails; below zero: none does. */
static long until_failure = -1;
static long live;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
int __real_vasprintf(char **out, const char *fmt, va_list ap);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_vasprintf(char **out, const char *fmt, va_list ap) PRINTF(2, 0);
void __wrap_free(void *p);

static bool
fails(void)
{
	if (until_failure == 0)
		return true; /* and all that follow */
	if (until_failure > 0)
		until_failure--;
	return false;
}

static void *
counted(const void *before, void *after)
{
	if (before == NULL && after != NULL)
		live++;
	return after;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : counted(NULL, __real_malloc(n));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(NULL, __real_calloc(n, size));
}

void *
__wrap_realloc(void *p, size_t n)
{
	bool had = p != NULL;

	return fails() ? NULL
	               : counted(had ? &live : NULL, __real_realloc(p, n));
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	bool had = p != NULL;

	return fails() ? NULL
	               : counted(had ? &live : NULL,
	                         __real_reallocarray(p, n, size));
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : counted(NULL, __real_strdup(s));
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : counted(NULL, __real_strndup(s, n));
}

int
__wrap_vasprintf(char **out, const char *fmt, va_list ap)
{
	int n = fails() ? -1 : __real_vasprintf(out, fmt, ap);

	if (n >= 0)
		live++;
	return n;
}

void
__wrap_free(void *p)
{
	if (p != NULL)
		live--;
	__real_free(p);
}

/* Every file has the same text; a pattern "N" is that many files. */
struct world {
	const char *text;
	size_t n_said;
	char first[128], last[128]; /* said */
};

static void
say(void *arg, const char *line)
{
	struct world *w = arg;

	if (w->n_said++ == 0)
		snprintf(w->first, sizeof(w->first), "%s", line);
	snprintf(w->last, sizeof(w->last), "%s", line);
}

static int
find(void *arg, const char *dir, const char *pattern, struct strv *out,
     struct error *err)
{
	(void)arg;
	(void)dir;
	for (long i = strtol(pattern, NULL, 10); i > 0; i--)
		if (strv_push(out, "f") < 0)
			return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int
fetch(void *arg, const char *path, char **out_text, size_t *out_len,
      struct error *err)
{
	struct world *w = arg;

	*out_text = strdup(w->text == NULL ? "" : w->text);
	if (*out_text == NULL)
		return error_set(err, -ENOMEM, "%s: out of memory", path);
	*out_len = strlen(*out_text);
	return 0;
}

static int
parse(struct world *w, const char *text, size_t len, struct conf **out_conf,
      struct error *err)
{
	struct conf_env env = {
		.glob = find, .read = fetch, .report = say, .arg = w
	};

	*out_conf = NULL;
	return conf_parse("x", text, len, &env, out_conf, err);
}

/* "BEFORE", n times "PIECE" with its %u counted up, "AFTER". */
static void
repeat(struct buf *out, const char *before, unsigned n, const char *piece,
       const char *after)
{
	const char *count = strstr(piece, "%u");

	buf_puts(out, before);
	for (unsigned i = 0; i < n; i++) {
		if (count == NULL) {
			buf_puts(out, piece);
			continue;
		}
		buf_put(out, piece, (size_t)(count - piece));
		buf_printf(out, "%u%s", i, count + 2);
	}
	buf_puts(out, after);
	assert_false(out->failed);
}

static void
a_file_over_a_limit_is_refused(void **state)
{
	static const struct {
		const char *before;
		unsigned fits;
		const char *piece, *after, *words;
	} rows[] = {
		{ "", CONF_MAX_BYTES, " ", "", "x: larger than 4194304 bytes" },
		{ "", CONF_MAX_DEPTH, "a{", "",
		  "x line 1: blocks nested deeper than 32" },
		{ "", CONF_MAX_JAILS, "a{}", "", "x: more than 65536 jails" },
		{ "'", CONF_MAX_NAME - 1, "a", "'{}",
		  "x line 1: name longer than 1024 bytes" },
		{ ".include ", CONF_MAX_FILES / 8192, "8192,", "0;",
		  "x: more than 65536 files included" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w = { 0 };
		struct buf text = BUF_INIT;
		struct conf *c;
		struct error err;

		repeat(&text, rows[i].before, rows[i].fits, rows[i].piece,
		       rows[i].after);
		assert_int_not_equal(parse(&w, text.data, text.len, &c, &err),
		                     -E2BIG);
		conf_free(c);
		buf_reset(&text);
		repeat(&text, rows[i].before, rows[i].fits + 1, rows[i].piece,
		       rows[i].after);
		assert_int_equal(parse(&w, text.data, text.len, &c, &err),
		                 -E2BIG);
		assert_string_equal(err.msg, rows[i].words);
		assert_null(c);
		buf_fini(&text);
	}
}

static void
includes_end_at_a_depth(void **state)
{
	struct world w = { .text = ".include 1; a{}" };
	struct conf *c;
	struct error err;

	(void)state;
	assert_int_equal(parse(&w, ".include 1;", 11, &c, &err), -EINVAL);
	assert_int_equal(w.n_said, 1);
	assert_string_equal(w.first, "maximum include depth exceeded");
}

/* A jail over a limit fails alone. */
static void
a_jail_over_a_limit_fails(void **state)
{
	static const struct {
		const char *before;
		unsigned fits;
		const char *piece, *after, *said;
	} rows[] = {
		{ "a{", CONF_MAX_PARAMS - 1, "p%u;", "}",
		  "a: more than 1024 parameters" },
		{ "a{v=", CONF_MAX_VALUES - 1, "v,", "v;}",
		  "a: v: more than 4096 values" },
		{ "a{v='", CONF_MAX_STRING, "v", "';}",
		  "a: v: value longer than 65536 bytes" },
		{ "a{$e=''; v=", CONF_MAX_STRING / 64,
		  "1234567890123456789012345678901234567890"
		  "123456789012345678901234",
		  "$e;}", "a: v: value longer than 65536 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned over = 0; over <= 1; over++) {
			struct world w = { 0 };
			struct buf text = BUF_INIT;
			struct conf *c;
			struct error err;

			repeat(&text, rows[i].before, rows[i].fits + over,
			       rows[i].piece, rows[i].after);
			buf_puts(&text, "b{}");
			assert_int_equal(
			    parse(&w, text.data, text.len, &c, &err), 0);
			assert_int_equal(c->n, 2);
			assert_int_equal(c->jail[0].failed, over);
			assert_false(c->jail[1].failed);
			assert_int_equal(w.n_said, over);
			assert_string_equal(w.first, over ? rows[i].said : "");
			conf_free(c);
			buf_fini(&text);
		}
}

static void
arguments_over_a_limit_are_refused(void **state)
{
	static const struct {
		const char *arg; /* before its number */
		unsigned fits;
		const char *words;
	} rows[] = {
		{ "p", CONF_MAX_PARAMS, "more than 1024 parameters" },
		{ "p=", CONF_MAX_VALUES, "p: more than 4096 values" },
	};
	cleanup_buf struct buf text = BUF_INIT;
	struct conf_jail j = { 0 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (unsigned k = 0; k <= rows[i].fits; k++) {
			buf_reset(&text);
			buf_printf(&text, "%s%u", rows[i].arg, k);
			assert_int_equal(
			    conf_jail_add_arg(&j, buf_str(&text), &err),
			    k < rows[i].fits ? 0 : -E2BIG);
		}
		assert_string_equal(err.msg, rows[i].words);
		conf_jail_fini(&j);
	}
	buf_reset(&text);
	repeat(&text, "p=", CONF_MAX_STRING, "v", "");
	assert_int_equal(conf_jail_add_arg(&j, buf_str(&text), &err), 0);
	buf_putc(&text, 'v');
	assert_int_equal(conf_jail_add_arg(&j, buf_str(&text), &err), -E2BIG);
	assert_string_equal(err.msg, "p: value longer than 65536 bytes");
	conf_jail_fini(&j);
}

/* Doubling in a chain, written backwards so that substitution recurses too. */
static void
laughs_do_not_multiply(void **state)
{
	static const struct {
		const char *first, *glue, *said;
	} rows[] = {
		{ "ha", "", "a: v16: value longer than 65536 bytes" },
		{ "ha", ",", "a: v13: more than 4096 values" },
		{ "''", ",", "a: v13: more than 4096 values" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w = { 0 };
		struct buf text = BUF_INIT;
		struct conf *c;
		struct error err;

		buf_puts(&text, "a{");
		for (unsigned k = CONF_MAX_PARAMS - 2; k > 0; k--)
			buf_printf(&text, "v%u=$v%u%s$v%u;", k, k - 1,
			           rows[i].glue, k - 1);
		buf_printf(&text, "v0=%s;}", rows[i].first);
		assert_int_equal(parse(&w, text.data, text.len, &c, &err), 0);
		assert_true(c->jail[0].failed);
		assert_string_equal(w.first, rows[i].said);
		assert_int_equal(w.n_said, 1);
		conf_free(c);
		buf_fini(&text);
	}
}

/* What many jails share is not free: all of it is counted. */
static void
jails_times_defaults_are_bounded(void **state)
{
	static const struct {
		unsigned jails;
		const char *before;
		unsigned n;
		const char *piece, *after, *words;
	} rows[] = {
		{ CONF_MAX_JAILS - 1, "*{", 513, "x;", "}",
		  "x: too many parameters over all jails" },
		{ 4200, "*{v='", CONF_MAX_STRING, "v", "';}",
		  "x: needs more than 256 MiB of memory" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w = { 0 };
		struct buf text = BUF_INIT;
		struct conf *c;
		struct error err;

		repeat(&text, "", rows[i].jails, "a{}", "");
		repeat(&text, rows[i].before, rows[i].n, rows[i].piece,
		       rows[i].after);
		assert_int_equal(parse(&w, text.data, text.len, &c, &err),
		                 -E2BIG);
		assert_string_equal(err.msg, rows[i].words);
		assert_int_equal(w.n_said, 0);
		buf_fini(&text);
	}
}

static void
messages_end_after_many(void **state)
{
	struct world w = { 0 };
	struct buf text = BUF_INIT;
	struct conf *c;
	struct error err;

	(void)state;
	repeat(&text, "", CONF_MAX_ERRORS + 500, "a b c;", "");
	assert_int_equal(parse(&w, text.data, text.len, &c, &err), -EINVAL);
	assert_int_equal(w.n_said, CONF_MAX_ERRORS + 1);
	assert_string_equal(w.last, "x: too many errors");

	memset(&w, 0, sizeof(w));
	buf_reset(&text);
	repeat(&text, "v=$none;", CONF_MAX_ERRORS + 500, "j%u{}", "");
	assert_int_equal(parse(&w, text.data, text.len, &c, &err), 0);
	assert_int_equal(w.n_said, CONF_MAX_ERRORS + 1);
	assert_string_equal(w.last, "x: too many errors");
	assert_int_equal(c->n, CONF_MAX_ERRORS + 500);
	assert_true(c->jail[c->n - 1].failed);
	conf_free(c);
	buf_fini(&text);
}

static void
allocations_may_fail(void **state)
{
	/* Something of everything that allocates, without an error of the file
	 * and with one. */
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ "path = '/jails/'$name; $list = a, b; .include 2;"
		  "web { ip4.addr = $list; exec.start += 'x'; persist; }"
		  "top { v = ${deep}; w = $none; deep { persist; } }",
		  0 },
		{ "a { v = ; } a 'b' \"c\";", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc = -ENOMEM;
		long n;

		for (n = 0; rc == -ENOMEM; n++) {
			struct world w = { .text = "inc { persist; }" };
			struct conf *c;
			struct error err;
			long before = live;

			until_failure = n;
			rc = parse(&w, rows[i].text, strlen(rows[i].text), &c,
			           &err);
			until_failure = -1;
			assert_true(rc == 0 || c == NULL);
			conf_free(c);
			assert_int_equal(live, before);
		}
		assert_int_equal(rc, rows[i].rc);
		assert_in_range(n, 4, 1000); /* it did fail */
	}
}

static void
arguments_survive_failing_allocations(void **state)
{
	static const char *const args[] = { "name=x",       "ip4.addr=a,b,c",
		                            "exec.start=y", "exec.start=z",
		                            "noexec.clean", "exec.clean" };
	int rc = -ENOMEM;
	long n;

	(void)state;
	for (n = 0; rc == -ENOMEM; n++) {
		struct conf_jail j = { 0 };
		struct error err;
		long before = live;

		until_failure = n;
		rc = 0;
		for (size_t i = 0; i < ARRAY_LEN(args) && rc == 0; i++)
			rc = conf_jail_add_arg(&j, args[i], &err);
		until_failure = -1;
		conf_jail_fini(&j);
		assert_int_equal(live, before);
	}
	assert_int_equal(rc, 0);
	assert_in_range(n, 10, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_over_a_limit_is_refused),
		cmocka_unit_test(includes_end_at_a_depth),
		cmocka_unit_test(a_jail_over_a_limit_fails),
		cmocka_unit_test(arguments_over_a_limit_are_refused),
		cmocka_unit_test(laughs_do_not_multiply),
		cmocka_unit_test(jails_times_defaults_are_bounded),
		cmocka_unit_test(messages_end_after_many),
		cmocka_unit_test(allocations_may_fail),
		cmocka_unit_test(arguments_survive_failing_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
