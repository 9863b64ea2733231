/* SPDX-License-Identifier: BSD-2-Clause */
/* parsers_oom_test.c - every allocation of the helpers' parsers may fail: the
 * answer is then -ENOMEM, and what was there before is unchanged. Leaks are the
 * sanitizer's to find.
 *
 * Linked with --wrap for the allocating functions, see meson.build.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/freebsd/rcconf.h"
#include "jail/devfs.h"
#include "linux/mountinfo.h"

/* Allocations until one fails, and all after it; below zero: none does. */
static long until_failure = -1;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strndup(const char *s, size_t n);

static bool
fails(void)
{
	if (until_failure > 0)
		until_failure--;
	return until_failure == 0;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

/* Call fn with the first, second, ... allocation failing until it succeeds. */
static void
until_success(int (*fn)(void))
{
	for (long n = 1;; n++) {
		int rc;

		assert_true(n < 10000);
		until_failure = n;
		rc = fn();
		until_failure = -1;
		if (rc == 0) {
			assert_true(n > 3);
			return;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

static int
devfs_rules(void)
{
	static const char text[] = "[a=9]\nadd path 'x y' hide\nadd 7 unhide\n"
	                           "[b=10]\nadd include $a\nadd include 4\n";
	struct devfs_rules *rules = NULL;
	cleanup_buf struct buf sets = BUF_INIT;
	struct error err;
	long left;
	int rc = devfs_rules_builtin(&rules, &err);

	if (rc == 0)
		rc =
		    devfs_rules_parse(rules, "f", text, sizeof(text) - 1, &err);
	left = until_failure;
	until_failure = -1;
	if (rules != NULL)
		devfs_rules_sets(rules, &sets);
	if (rules != NULL && rc < 0)
		assert_string_equal(buf_str(&sets), "1\n2\n3\n4\n5\n");
	devfs_rules_free(rules);
	until_failure = left;
	return rc;
}

static int
rcconf(void)
{
	static const char text[] = "a=1\nb=\"$a two\" c=3\nexport d=x\n";
	cleanup_dict struct dict vars = DICT_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct rcconf rc = RCCONF_INIT;
	struct error err;
	int r = rcconf_parse("f", text, sizeof(text) - 1, &vars, &rc, &err);

	if (r == 0)
		r = rcconf_set(&rc, "b", "new", &out, &err);
	rcconf_fini(&rc);
	/* An answer that could not be checked is refused. */
	return r == -ENOTSUP ? -ENOMEM : r;
}

static int
mountinfo(void)
{
	static const char line[] = "27 1 8:1 / / rw - ext4 /dev/root rw\n";
	struct mountinfo mi = MOUNTINFO_INIT;
	struct error err;
	char *text = __real_calloc(200, sizeof(line));
	int rc;

	for (int i = 0; i < 200; i++) /* more than one growth */
		strcat(text, line);
	rc = mountinfo_parse(text, &mi, &err);
	mountinfo_fini(&mi);
	return rc;
}

static void
devfs_rules_may_fail(void **state)
{
	(void)state;
	until_success(devfs_rules);
}

static void
rcconf_may_fail(void **state)
{
	(void)state;
	until_success(rcconf);
}

static void
mountinfo_may_fail(void **state)
{
	(void)state;
	for (long n = 1; n <= 3; n++) { /* 64, 128, 256 rows */
		until_failure = n;
		assert_int_equal(mountinfo(), -ENOMEM);
		until_failure = -1;
	}
	assert_int_equal(mountinfo(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devfs_rules_may_fail),
		cmocka_unit_test(rcconf_may_fail),
		cmocka_unit_test(mountinfo_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
