/* SPDX-License-Identifier: BSD-2-Clause */
/* param_oom_test.c - parameters, lists and plans of jails when memory runs out
 * at any point: told, nothing lost, nothing crashed.
 *
 * Linked with --wrap for the allocating functions, see meson.build.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jail/list.h"
#include "jail/param.h"
#include "jail/run_internal.h"

/* Allocations until all fail; below zero: none does. */
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
	if (until_failure > 0)
		until_failure--;
	return until_failure == 0;
}

static void *
counted(bool is_new, void *p)
{
	live += is_new && p != NULL;
	return p;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : counted(true, __real_malloc(n));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(true, __real_calloc(n, size));
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : counted(p == NULL, __real_realloc(p, n));
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL
	               : counted(p == NULL, __real_reallocarray(p, n, size));
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : counted(true, __real_strdup(s));
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : counted(true, __real_strndup(s, n));
}

int
__wrap_vasprintf(char **out, const char *fmt, va_list ap)
{
	int n = fails() ? -1 : __real_vasprintf(out, fmt, ap);

	live += n >= 0;
	return n;
}

void
__wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

/* One attempt: 0, or what it failed with. */
static int
import_and_check(struct error *err)
{
	char a[] = "10.0.0.3,10.0.0.1", b[] = "10.0.0.2";
	char *v[] = { a, b, NULL };
	const struct strv words = { v, 2, 3 };
	cleanup_dict struct dict d = DICT_INIT;
	cleanup_free char *text = NULL;
	bool negated;
	const struct param *p = param_find("ip4.addr", &negated);

	if (param_import(p, negated, &words, &text, err) < 0)
		return err->code;
	if (dict_set(&d, "ip4.addr", text) < 0 ||
	    dict_set(&d, "name", "web") < 0)
		return -ENOMEM;
	return param_check_set(&d, err);
}

static int
set_meta(struct error *err)
{
	cleanup_free char *text = NULL;

	return param_meta_set("a=1\nb=2\n", "b", "a longer value", &text, err);
}

static int
list(const struct list_options *o, struct error *err)
{
	char all[] = "all", note[] = "meta.owner";
	char *param[] = { all, note };
	cleanup_dict struct dict d = DICT_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct list *l = NULL;

	if (dict_set(&d, "meta", "owner=me\n") < 0)
		return -ENOMEM;
	if (list_new(o, param, ARRAY_LEN(param), &l, err) < 0)
		return err->code;
	list_begin(l, &out);
	list_jail(l, &d, &out);
	list_end(l, &out);
	list_free(l);
	return out.failed ? -ENOMEM : 0;
}

static int
list_text(struct error *err)
{
	const struct list_options o = { .named = true,
		                        .skip = true,
		                        .xo = XO_OPTIONS_INIT };

	return list(&o, err);
}

static int
list_json(struct error *err)
{
	const struct list_options o = { .xo = { XO_JSON, true, 2 } };

	return list(&o, err);
}

static void
drop_line(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* A jail with one of everything that a plan turns into commands. */
static int
plan(struct error *err)
{
	static const char *const args[] = {
		"name=web",
		"path=/jails/web",
		"meta.owner=me",
		"ip4.addr=em0|10.0.0.1/24,10.0.0.2",
		"ip6.addr=fd00::1",
		"interface=em1",
		"mount=/base /jails/web/usr nullfs ro",
		"mount=tmpfs /jails/web/dev/shm tmpfs size=1m",
		"mount.devfs",
		"mount.fdescfs",
		"allow.mount",
		"persist",
	};
	struct conf_jail j = { 0 };
	struct plan p = { 0 };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(args) && rc == 0; i++)
		rc = conf_jail_add_arg(&j, args[i], err);
	if (rc == 0) {
		rc = plan_build(&p, &j, PLAN_CREATE, NULL, drop_line, NULL);
		plan_fini(&p);
	}
	conf_jail_fini(&j);
	return rc;
}

static int
split(struct error *err)
{
	cleanup_strv struct strv argv = STRV_INIT;
	bool background;

	(void)err;
	return run_command_split("one two &", &argv, &background);
}

static void
fails_cleanly_at_every_allocation(int (*attempt)(struct error *err))
{
	const long before = live;
	int rc = -ENOMEM;

	for (long n = 1; rc != 0; n++) {
		struct error err = { 0 };

		until_failure = n;
		rc = attempt(&err);
		until_failure = -1;
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_int_equal(live, before);
		assert_true(n < 10000);
	}
}

static void
values_survive(void **state)
{
	(void)state;
	fails_cleanly_at_every_allocation(import_and_check);
	fails_cleanly_at_every_allocation(set_meta);
}

static void
lists_survive(void **state)
{
	(void)state;
	fails_cleanly_at_every_allocation(list_text);
	fails_cleanly_at_every_allocation(list_json);
}

static void
plans_survive(void **state)
{
	(void)state;
	fails_cleanly_at_every_allocation(plan);
	fails_cleanly_at_every_allocation(split);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_survive),
		cmocka_unit_test(lists_survive),
		cmocka_unit_test(plans_survive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
