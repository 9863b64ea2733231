/* SPDX-License-Identifier: BSD-2-Clause */
/* hints_test.c - routes become a short list that says the same. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jail/hints.h"

static struct hint_route
route4(const char *dst, unsigned len, unsigned metric, unsigned index)
{
	struct hint_route h = { .bits = 96 + len,
		                .metric = metric,
		                .index = index };

	h.dst.w[2] = htonl(0xffff);
	inet_pton(AF_INET, dst, &h.dst.w[3]);
	return h;
}

static struct hint_route
route6(const char *dst, unsigned len, unsigned index)
{
	struct hint_route h = { .bits = len, .index = index };

	inet_pton(AF_INET6, dst, &h.dst);
	return h;
}

static void
longest_prefix_comes_first(void **state)
{
	struct hint_route routes[] = {
		route4("10.0.0.0", 8, 0, 1),
		route4("10.1.0.0", 16, 0, 2),
		route6("2001:db8::", 32, 1),
	};
	struct wall_rules r;

	(void)state;
	assert_int_equal(hints_reduce(routes, ARRAY_LEN(routes), &r), 0);
	assert_int_equal(r.n_hint, 3);
	assert_int_equal(r.hint[0].index, 2);
	assert_int_equal(r.hint[0].mask.w[3], htonl(0xffff0000));
	assert_int_equal(r.hint[1].index, 1);
	assert_true(r.hint[1].v4);
	assert_false(r.hint[2].v4);
	assert_int_equal(r.hint[2].mask.w[0], UINT32_MAX);
	assert_int_equal(r.hint[2].mask.w[1], 0);
}

static void
a_route_that_says_the_same_is_left_out(void **state)
{
	struct hint_route routes[] = {
		route4("0.0.0.0", 0, 0, 0),   /* the primary anyway */
		route4("10.0.0.0", 8, 0, 1),  /* stays */
		route4("10.1.0.0", 16, 0, 1), /* as the one above */
		route4("10.2.0.0", 16, 0, 0), /* shadows it: stays */
		route4("172.16.0.0", 12, 0, 0), route6("::", 0, 0),
	};
	struct wall_rules r;

	(void)state;
	hints_reduce(routes, ARRAY_LEN(routes), &r);
	assert_int_equal(r.n_hint, 2);
	assert_int_equal(r.hint[0].index, 0);
	assert_int_equal(r.hint[1].index, 1);
}

static void
the_better_metric_decides(void **state)
{
	struct hint_route routes[] = {
		route4("10.0.0.0", 8, 200, 2),
		route4("10.0.0.0", 8, 100, 1),
	};
	struct wall_rules r;

	(void)state;
	hints_reduce(routes, ARRAY_LEN(routes), &r);
	assert_int_equal(r.n_hint, 1);
	assert_int_equal(r.hint[0].index, 1);
}

static void
a_v6_default_does_not_cover_v4(void **state)
{
	struct hint_route routes[] = {
		route6("::", 0, 1),
		route4("10.0.0.0", 8, 0, 1),
	};
	struct wall_rules r;

	(void)state;
	hints_reduce(routes, ARRAY_LEN(routes), &r);
	assert_int_equal(r.n_hint, 2);
}

static void
no_more_than_there_is_room_for(void **state)
{
	struct hint_route routes[WALL_HINTS + 5];
	struct wall_rules r;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(routes); i++) {
		routes[i] = route4("10.0.0.0", 24, 0, 1);
		routes[i].dst.w[3] = htonl(0x0a000000 + (i << 8));
	}
	assert_int_equal(hints_reduce(routes, ARRAY_LEN(routes), &r), 5);
	assert_int_equal(r.n_hint, WALL_HINTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_comes_first),
		cmocka_unit_test(a_route_that_says_the_same_is_left_out),
		cmocka_unit_test(the_better_metric_decides),
		cmocka_unit_test(a_v6_default_does_not_cover_v4),
		cmocka_unit_test(no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
