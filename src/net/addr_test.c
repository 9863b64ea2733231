/* SPDX-License-Identifier: BSD-2-Clause */
/* addr_test.c - addresses and masks as text, networks and broadcasts. */
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "net/addr.h"

static void
addresses_read_as_text(void **state)
{
	static const struct {
		const char *text;
		int family, rc;
		const char *back;
	} rows[] = {
		{ "10.0.0.1", 0, 0, "10.0.0.1" },
		{ "10.1", AF_INET, 0, "10.0.0.1" },
		{ "2001:db8::1", 0, 0, "2001:db8::1" },
		{ "2001:db8::1", AF_INET, -EINVAL, NULL },
		{ "10.0.0.1", AF_INET6, -EINVAL, NULL },
		{ "10.0.0.1 ", 0, -EINVAL, NULL },
		{ "10.0.0.256", 0, -EINVAL, NULL },
		{ "", 0, -EINVAL, NULL },
		{ "host", 0, -EINVAL, NULL },
	};
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr_ip ip = { 0 };

		assert_int_equal(addr_parse(rows[i].text, rows[i].family, &ip),
		                 rows[i].rc);
		if (rows[i].rc == 0)
			assert_string_equal(addr_format(&ip, text),
			                    rows[i].back);
		else
			assert_int_equal(ip.family, 0);
	}
}

static void
masks_must_be_contiguous(void **state)
{
	static const struct {
		const char *text;
		int want; /* prefix, or errno */
	} rows[] = {
		{ "255.255.255.0", 24 },    { "0xffffff00", 24 },
		{ "255.255.255.255", 32 },  { "0.0.0.0", 0 },
		{ "0xff000000", 8 },        { "255.0.255.0", -EINVAL },
		{ "0xffffffff0", -EINVAL }, { "24", -EINVAL },
		{ "0x", -EINVAL },          { "", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned prefix = 99;
		int rc = addr_parse_mask(rows[i].text, &prefix);

		assert_int_equal(rc, rows[i].want < 0 ? rows[i].want : 0);
		assert_int_equal(prefix, rows[i].want < 0 ? 99 : rows[i].want);
	}
}

static void
networks_and_broadcasts(void **state)
{
	static const struct {
		const char *ip;
		unsigned prefix;
		const char *net, *broadcast;
	} rows[] = {
		{ "10.1.2.3", 24, "10.1.2.0", "10.1.2.255" },
		{ "10.1.2.3", 20, "10.1.0.0", "10.1.15.255" },
		{ "10.1.2.3", 32, "10.1.2.3", "10.1.2.3" },
		{ "10.1.2.3", 0, "0.0.0.0", "255.255.255.255" },
		{ "2001:db8:1:2::3", 64,
		  "2001:db8:1:2::", "2001:db8:1:2:ffff:ffff:ffff:ffff" },
	};
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr_ip ip, other;

		assert_int_equal(addr_parse(rows[i].ip, 0, &ip), 0);
		other = addr_network(&ip, rows[i].prefix);
		assert_string_equal(addr_format(&other, text), rows[i].net);
		other = addr_broadcast(&ip, rows[i].prefix);
		assert_string_equal(addr_format(&other, text),
		                    rows[i].broadcast);
	}
}

static void
prefix_without_mask_follows_the_class(void **state)
{
	static const struct {
		const char *ip;
		unsigned prefix;
	} rows[] = { { "10.0.0.1", 8 },
		     { "172.16.0.1", 16 },
		     { "192.168.0.1", 24 },
		     { "127.0.0.1", 8 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr_ip ip;

		assert_int_equal(addr_parse(rows[i].ip, AF_INET, &ip), 0);
		assert_int_equal(addr_class_prefix(&ip), rows[i].prefix);
	}
}

static void
widths_are_told_apart(void **state)
{
	unsigned p = 7;

	(void)state;
	assert_int_equal(addr_parse_prefix("32", AF_INET, &p), 0);
	assert_int_equal(p, 32);
	assert_int_equal(addr_parse_prefix("33", AF_INET, &p), -ERANGE);
	assert_int_equal(addr_parse_prefix("128", AF_INET6, &p), 0);
	assert_int_equal(addr_parse_prefix("129", AF_INET6, &p), -ERANGE);
	assert_int_equal(addr_parse_prefix("+1", AF_INET, &p), -EINVAL);
	assert_int_equal(addr_parse_prefix("", AF_INET, &p), -EINVAL);
	assert_int_equal(p, 128);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_read_as_text),
		cmocka_unit_test(masks_must_be_contiguous),
		cmocka_unit_test(networks_and_broadcasts),
		cmocka_unit_test(prefix_without_mask_follows_the_class),
		cmocka_unit_test(widths_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
