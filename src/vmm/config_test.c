/* SPDX-License-Identifier: BSD-2-Clause */
/* config_test.c - names, values, expansion, order and limits of the tree. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"
#include "vmm/config.h"

static struct config *
parsed(const char *text)
{
	struct config *c;
	struct error err;

	assert_int_equal(config_new(&c, &err), 0);
	assert_int_equal(config_parse(c, "t", text, strlen(text), &err), 0);
	return c;
}

static void
last_writer_wins(void **state)
{
	struct config *c = parsed("a.b=1\n# x\n\na.b=2\n");

	(void)state;
	assert_string_equal(config_get(config_root(c), "a.b"), "2");
	assert_null(config_get(config_root(c), "a"));
	config_free(c);
}

static void
values_are_expanded(void **state)
{
	struct config *c = parsed("name=web\npath=/vm/%(name)/d.img\n"
	                          "pct=5%%\nloop=%(loop)\nnone=%(absent)\n");
	struct config_node *r = config_root(c);

	(void)state;
	assert_string_equal(config_get(r, "path"), "/vm/web/d.img");
	assert_string_equal(config_get(r, "pct"), "5%");
	assert_null(config_get(r, "loop"));
	assert_null(config_get(r, "none"));
	config_free(c);
}

static void
slots_come_in_numeric_order(void **state)
{
	struct config *c = parsed("pci.0.31.0.device=lpc\npci.0.4.0.device=x\n"
	                          "pci.0.10.0.device=y\n");
	const struct config_node *n =
	    config_first(config_find(config_root(c), "pci.0"));

	(void)state;
	assert_string_equal(config_name(n), "4");
	n = config_next(n);
	assert_string_equal(config_name(n), "10");
	assert_string_equal(config_name(config_next(n)), "31");
	config_free(c);
}

static void
bad_lines_are_refused_with_their_number(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "a=1\nb\n", "t:2: 'b': want name=value" },
		{ "a=\n", "t:1: 'a=': want name=value" },
		{ "a=1\na.b=2\n",
		  "t:2: 'a.b': 'a' has a value, so nothing can be below it" },
		{ "a.b=1\na=2\n", "t:2: 'a': has names below it, so no value" },
		{ "a..b=1\n", "t:1: 'a..b': empty part of a name" },
		{ ".a=1\n", "t:1: '.a': empty part of a name" },
		{ "a.=1\n", "t:1: 'a.': empty part of a name" },
		{ "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p=1\n"
		  "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.q.r=1\n",
		  "t:2: 'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.q.r': "
		  "too many names" },
	};
	struct config *c;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(config_new(&c, &err), 0);
		assert_true(config_parse(c, "t", rows[i].text,
		                         strlen(rows[i].text), &err) < 0);
		assert_string_equal(err.msg, rows[i].want);
		config_free(c);
	}
}

static void
legacy_lists_become_keys(void **state)
{
	struct config *c = parsed("x=1\n");
	struct error err;
	struct config_node *n = config_make(config_root(c), "pci.0.3.0", &err);
	bool ro;

	(void)state;
	assert_int_equal(config_set_list(n, "path", "/d.img,ro,ser=ab=c", &err),
	                 0);
	assert_string_equal(config_get(n, "path"), "/d.img");
	assert_string_equal(config_get(n, "ser"), "ab=c");
	assert_int_equal(config_get_bool(n, "ro", false, &ro, &err), 0);
	assert_true(ro);
	config_free(c);
}

static void
numbers_have_ranges(void **state)
{
	struct config *c = parsed("a=0x10\nb=ten\nc=70\n");
	const struct config_node *r = config_root(c);
	struct error err;
	uint64_t v;

	(void)state;
	assert_int_equal(config_get_num(r, "a", 0, 1, 64, &v, &err), 0);
	assert_int_equal(v, 16);
	assert_int_equal(config_get_num(r, "b", 0, 1, 64, &v, &err), -EINVAL);
	assert_int_equal(config_get_num(r, "c", 0, 1, 64, &v, &err), -EINVAL);
	assert_int_equal(config_get_num(r, "d", 5, 1, 64, &v, &err), 0);
	assert_int_equal(v, 5);
	config_free(c);
}

static void
a_dump_reads_back_the_same(void **state)
{
	struct config *c = parsed("z=1\nb.2=x\nb.10=%(z)\n");
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct config *again;

	(void)state;
	assert_int_equal(config_dump(c, &one), 0);
	assert_string_equal(buf_str(&one), "b.2=x\nb.10=%(z)\nz=1\n");
	again = parsed(buf_str(&one));
	assert_int_equal(config_dump(again, &two), 0);
	assert_string_equal(buf_str(&one), buf_str(&two));
	buf_fini(&one);
	buf_fini(&two);
	config_free(c);
	config_free(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_writer_wins),
		cmocka_unit_test(values_are_expanded),
		cmocka_unit_test(slots_come_in_numeric_order),
		cmocka_unit_test(bad_lines_are_refused_with_their_number),
		cmocka_unit_test(legacy_lists_become_keys),
		cmocka_unit_test(numbers_have_ranges),
		cmocka_unit_test(a_dump_reads_back_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
