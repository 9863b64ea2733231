/* SPDX-License-Identifier: BSD-2-Clause */
/* rxfilter_test.c - which frames pass, by mode, address and VLAN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "dev/virtio/rxfilter.h"

#define OWN   "\x02\x00\x00\x00\x00\x07"
#define OTHER "\x02\x00\x00\x00\x00\x08"
#define GROUP "\x01\x00\x5e\x00\x00\x01"
#define ALL   "\xff\xff\xff\xff\xff\xff"

static struct rxfilter f;

static int
setup(void **state)
{
	(void)state;
	rxfilter_init(&f);
	rxfilter_set_own(&f, (const uint8_t *)OWN);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rxfilter_fini(&f);
	return 0;
}

/* vlan -1: without a tag. */
static bool
wants(const char *to, int tag)
{
	uint8_t head[RXFILTER_HEAD] = { 0 };

	memcpy(head, to, 6);
	head[12] = 0x08;
	if (tag >= 0) {
		head[12] = 0x81;
		head[14] = (uint8_t)(tag >> 8);
		head[15] = (uint8_t)tag;
	}
	return rxfilter_wants(&f, head, sizeof(head));
}

static void
everything_is_wanted_until_the_driver_speaks(void **state)
{
	static const char *const to[] = { OWN, OTHER, GROUP, ALL };

	(void)state;
	f.by_vlan = true;
	for (size_t i = 0; i < ARRAY_LEN(to); i++) {
		assert_true(wants(to[i], -1));
		assert_true(wants(to[i], 7));
	}
	assert_false(rxfilter_wants(&f, (const uint8_t *)OWN, 6));
}

static void
modes_widen_and_narrow(void **state)
{
	static const struct {
		int mode; /* -1: none */
		bool own, other, group, all;
	} rows[] = {
		{ -1, true, false, false, true },
		{ RX_PROMISC, true, true, true, true },
		{ RX_ALLMULTI, true, false, true, true },
		{ RX_ALLUNI, true, true, false, true },
		{ RX_NOMULTI, true, false, false, true },
		{ RX_NOUNI, false, false, false, true },
		{ RX_NOBCAST, true, false, false, false },
	};

	(void)state;
	rxfilter_set_mode(&f, RX_PROMISC, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].mode >= 0)
			rxfilter_set_mode(&f, rows[i].mode, true);
		assert_int_equal(wants(OWN, -1), rows[i].own);
		assert_int_equal(wants(OTHER, -1), rows[i].other);
		assert_int_equal(wants(GROUP, -1), rows[i].group);
		assert_int_equal(wants(ALL, -1), rows[i].all);
		if (rows[i].mode >= 0)
			rxfilter_set_mode(&f, rows[i].mode, false);
	}
}

static void
tables_name_addresses(void **state)
{
	struct rxfilter_table uni = { .n = 2 }, multi = { .n = 1 }, none;

	(void)state;
	memset(&none, 0, sizeof(none));
	memcpy(uni.mac + 6, OTHER, 6);
	memcpy(multi.mac, GROUP, 6);
	rxfilter_set_mode(&f, RX_PROMISC, false);
	rxfilter_set_tables(&f, &uni, &multi);
	assert_true(wants(OTHER, -1));
	assert_true(wants(GROUP, -1));
	assert_false(wants("\x02\x00\x00\x00\x00\x09", -1));
	assert_false(wants("\x01\x00\x5e\x00\x00\x02", -1));
	rxfilter_set_mode(&f, RX_NOMULTI, true);
	assert_false(wants(GROUP, -1));
	rxfilter_set_mode(&f, RX_NOMULTI, false);
	/* More than we keep: all of that kind, and of that one alone. */
	uni.n = RXFILTER_MACS + 1;
	rxfilter_set_tables(&f, &uni, &none);
	assert_true(wants("\x02\x00\x00\x00\x00\x09", -1));
	assert_false(wants(GROUP, -1));
	rxfilter_reset(&f);
	rxfilter_set_mode(&f, RX_PROMISC, false);
	assert_false(wants(OTHER, -1));
	assert_true(wants(OWN, -1));
}

static void
vlans_are_filtered_where_the_driver_knows_of_it(void **state)
{
	(void)state;
	rxfilter_set_mode(&f, RX_PROMISC, false);
	assert_true(wants(OWN, 7));
	f.by_vlan = true;
	assert_true(wants(OWN, -1));
	assert_true(wants(OWN, 0xe000)); /* a priority, no VLAN */
	assert_false(wants(OWN, 7));
	assert_true(rxfilter_set_vlan(&f, 7, true));
	assert_true(rxfilter_set_vlan(&f, 4095, true));
	assert_true(wants(OWN, 7));
	assert_true(wants(OWN, 0xa000 | 7));
	assert_true(wants(OWN, 4095));
	assert_false(wants(OWN, 6));
	assert_false(wants(OTHER, 7));
	assert_true(rxfilter_set_vlan(&f, 7, false));
	assert_false(wants(OWN, 7));
	assert_false(rxfilter_set_vlan(&f, 4096, true));
}

#define FILTER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILTER_TEST(everything_is_wanted_until_the_driver_speaks),
		FILTER_TEST(modes_widen_and_narrow),
		FILTER_TEST(tables_name_addresses),
		FILTER_TEST(vlans_are_filtered_where_the_driver_knows_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
