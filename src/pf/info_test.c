/* SPDX-License-Identifier: BSD-2-Clause */
/* info_test.c - statistics in pfctl's columns, and what is kept of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pf/info.h"

static struct pf_info
some(void)
{
	struct pf_info i = { .enabled = true,
		             .since = 1000,
		             .now = 1000 + 86400 + 3661,
		             .debug = "urgent",
		             .hostid = 0x4711,
		             .checksum = "0123456789abcdef0123456789abcdef",
		             .syncookies = "never",
		             .states = 12 };

	i.count[PF_INFO_SEARCHES] = 900610;
	i.count[PF_INFO_MATCH] = 7;
	return i;
}

static void
columns_are_freebsds(void **state)
{
	struct pf_info i = some();
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	pf_info_print(&i, 0, &out);
	assert_string_equal(
	    buf_str(&out),
	    "Status: Enabled for 1 days 01:01:01           Debug: Urgent\n"
	    "\n"
	    "State Table                          Total             Rate\n"
	    "  current entries                       12               \n"
	    "  searches                          900610           10.0/s\n"
	    "  inserts                                0            0.0/s\n"
	    "  removals                               0            0.0/s\n"
	    "Counters\n"
	    "  match                                  7            0.0/s\n"
	    "  bad-offset                             0            0.0/s\n"
	    "  fragment                               0            0.0/s\n"
	    "  short                                  0            0.0/s\n"
	    "  normalize                              0            0.0/s\n"
	    "  memory                                 0            0.0/s\n"
	    "  bad-timestamp                          0            0.0/s\n"
	    "  congestion                             0            0.0/s\n"
	    "  ip-option                              0            0.0/s\n"
	    "  proto-cksum                            0            0.0/s\n"
	    "  state-mismatch                         0            0.0/s\n"
	    "  state-insert                           0            0.0/s\n"
	    "  state-limit                            0            0.0/s\n"
	    "  src-limit                              0            0.0/s\n"
	    "  synproxy                               0            0.0/s\n"
	    "  map-failed                             0            0.0/s\n"
	    "  translate                              0            0.0/s\n");
}

static void
verbose_adds_hostid_interface_and_limits(void **state)
{
	struct pf_info i = some();
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	i.enabled = false;
	i.since = 0;
	i.ifname = "em0";
	i.iface.packets[0][PF_TOTAL_IN] = 5;
	i.iface.packets[0][PF_TOTAL_IN_BLOCKED] = 2;
	i.iface.packets[1][PF_TOTAL_OUT] = 9;
	i.iface.bytes[1][PF_TOTAL_OUT] = 900;
	pf_info_print(&i, 1, &out);
	assert_ptr_equal(
	    strstr(buf_str(&out),
	           "Status: Disabled                              "
	           "Debug: Urgent\n\n"
	           "Hostid:   0x00004711\n"
	           "Checksum: 0x0123456789abcdef0123456789abcdef\n\n"
	           "Interface Stats for em0               IPv4"
	           "             IPv6\n"
	           "  Bytes In                               0"
	           "                0\n"
	           "  Bytes Out                              0"
	           "              900\n"
	           "  Packets In\n"
	           "    Passed                               3"
	           "                0\n"
	           "    Blocked                              2"
	           "                0\n"
	           "  Packets Out\n"
	           "    Passed                               0"
	           "                9\n"
	           "    Blocked                              0"
	           "                0\n\n"
	           "State Table"),
	    buf_str(&out));
	assert_non_null(strstr(buf_str(&out), "Source Tracking Table\n"));
	assert_non_null(strstr(buf_str(&out), "  max-src-conn-rate  "));
	assert_non_null(strstr(buf_str(&out), "Syncookies\n  mode    "
	                                      "                  never\n"));
}

static void
what_is_kept_reads_back(void **state)
{
	struct pf_info_kept k = { 0 }, back;
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	k.count[PF_INFO_STATE_MISMATCH] = -12;
	k.count[PF_INFO_REMOVALS] = 4;
	k.packets[1][PF_TOTAL_SEARCHES] = INT64_MAX;
	k.bytes[0][PF_TOTAL_OUT_BLOCKED] = INT64_MIN;
	pf_info_kept_print(&k, &out);
	pf_info_kept_read(buf_str(&out), &back);
	assert_memory_equal(&k, &back, sizeof(k));
	pf_info_kept_read("count nothing 7\ntotal 9 n_match 1 1\ntotal\n\n"
	                  "count match",
	                  &back);
	memset(&k, 0, sizeof(k));
	assert_memory_equal(&k, &back, sizeof(k));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_freebsds),
		cmocka_unit_test(verbose_adds_hostid_interface_and_limits),
		cmocka_unit_test(what_is_kept_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
