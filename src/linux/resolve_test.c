/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve_test.c - names that need no network. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "linux/resolve.h"

static void
addresses_come_once(void **state)
{
	static const struct {
		const char *host;
		size_t n4, n6;
	} rows[] = { { "192.0.2.7", 1, 0 }, { "2001:db8::7", 0, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv v4 = STRV_INIT, v6 = STRV_INIT;
		struct error err;

		assert_int_equal(resolve_host(rows[i].host, &v4, &v6, &err), 0);
		assert_int_equal(v4.n, rows[i].n4);
		assert_int_equal(v6.n, rows[i].n6);
		assert_string_equal(v4.n != 0 ? v4.v[0] : v6.v[0],
		                    rows[i].host);
		strv_fini(&v4);
		strv_fini(&v6);
	}
}

static void
unknown_names_are_told(void **state)
{
	static const char *const rows[] = { "no name at all", "--help", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv v4 = STRV_INIT, v6 = STRV_INIT;
		struct error err;

		assert_int_equal(resolve_host(rows[i], &v4, &v6, &err),
		                 -ENOENT);
		assert_int_equal(v4.n + v6.n, 0);
		strv_fini(&v4);
		strv_fini(&v6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_come_once),
		cmocka_unit_test(unknown_names_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
