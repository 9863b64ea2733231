/* SPDX-License-Identifier: BSD-2-Clause */
/* md5_test.c - the test suite of RFC 1321, A.5, and lengths about a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/md5.h"

static const char digits[] = "1234567890123456789012345678901234567890"
                             "1234567890123456789012345678901234567890";

static void
the_rfcs_digests(void **state)
{
	static const struct {
		const char *text;
		size_t len; /* 0: all */
		const char *want;
	} rows[] = {
		{ "", 0, "d41d8cd98f00b204e9800998ecf8427e" },
		{ "a", 0, "0cc175b9c0f1b6a831c399e269772661" },
		{ "abc", 0, "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", 0, "f96b697d7cb7938d525a2f31aaf161d0" },
		{ digits, 0, "57edf4a22be3c955ac49da2e2107b67a" },
		{ digits, 55, "c9ccf168914a1bcfc3229f1948e67da0" },
		{ digits, 56, "49f193adce178490e34d1b3a4ec0064c" },
		{ digits, 64, "eb6c4179c0a7c82cc2828c1e6338e165" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len =
		    rows[i].len != 0 ? rows[i].len : strlen(rows[i].text);
		uint8_t digest[MD5_BYTES];
		char hex[2 * MD5_BYTES + 1];

		md5(rows[i].text, len, digest);
		for (unsigned k = 0; k < MD5_BYTES; k++)
			snprintf(hex + 2 * k, 3, "%02x", digest[k]);
		assert_string_equal(hex, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfcs_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
