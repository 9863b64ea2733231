/* SPDX-License-Identifier: BSD-2-Clause */
/* routewords_test.c - route(8) lines become routes, or FreeBSD's error. */
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/routewords.h"

static int
parse(const char *line, struct routewords *w, struct error *err)
{
	static char text[512]; /* w points into it */
	char *argv[64] = { NULL }, *save = NULL;
	int argc = 0;

	snprintf(text, sizeof(text), "route %s", line);
	for (char *s = strtok_r(text, " ", &save); s != NULL;
	     s = strtok_r(NULL, " ", &save))
		argv[argc++] = s;
	return routewords_parse(argc, argv, w, err);
}

static void
destinations_and_gateways(void **state)
{
	static const struct {
		const char *line, *dst;
		unsigned prefix;
		const char *gateway, *via, *dest; /* dest: as printed */
	} rows[] = {
		{ "add default 10.0.0.1", "0.0.0.0", 0, "10.0.0.1", "",
		  "default" },
		{ "-6 add default 2001:db8::1", "::", 0, "2001:db8::1", "",
		  "default" },
		{ "add -inet6 default fe80::1%epair0b", "::", 0, "fe80::1",
		  "epair0b", "default" },
		{ "-n add -net 192.168.64/20 10.0.0.9", "192.168.64.0", 20,
		  "10.0.0.9", "", "192.168.64" },
		{ "add 10/8 10.0.0.9", "10.0.0.0", 8, "10.0.0.9", "", "10" },
		{ "add -net 10.1.2.3/16 10.0.0.9", "10.1.0.0", 16, "10.0.0.9",
		  "", "10.1.2.3" },
		{ "add -net 192.168.1.0 10.0.0.9", "192.168.1.0", 24,
		  "10.0.0.9", "", "192.168.1.0" },
		{ "add -net 10.1.0.0 10.0.0.9 255.255.0.0", "10.1.0.0", 16,
		  "10.0.0.9", "", "10.1.0.0" },
		{ "add -net 10.1.0.0 -netmask 255.255.0.0 10.0.0.9", "10.1.0.0",
		  16, "10.0.0.9", "", "10.1.0.0" },
		{ "add 10.1.2.3 10.0.0.9", "10.1.2.3", 32, "10.0.0.9", "",
		  "10.1.2.3" },
		{ "add 192.168.7.0 10.0.0.9", "192.168.7.0", 24, "10.0.0.9", "",
		  "192.168.7.0" },
		{ "add -host 192.168.7.0 10.0.0.9", "192.168.7.0", 32,
		  "10.0.0.9", "", "192.168.7.0" },
		{ "add -host 10.0.0.5 -interface epair0a", "10.0.0.5", 32, "",
		  "epair0a", "10.0.0.5" },
		{ "add 10.0.0.5/32 -iface lo1", "10.0.0.5", 32, "", "lo1",
		  "10.0.0.5" },
		{ "-6 add 2001:db8:1::/48 2001:db8::1", "2001:db8:1::", 48,
		  "2001:db8::1", "", "2001:db8:1::/48" },
		{ "-6 add 2001:db8:1:: -prefixlen 48 2001:db8::1",
		  "2001:db8:1::", 48, "2001:db8::1", "", "2001:db8:1::" },
		{ "-6 add 2001:db8:1:: 2001:db8::1", "2001:db8:1::", 64,
		  "2001:db8::1", "", "2001:db8:1::" },
		{ "-6 add 2001:db8:1::7 2001:db8::1", "2001:db8:1::7", 128,
		  "2001:db8::1", "", "2001:db8:1::7" },
		{ "delete default", "0.0.0.0", 0, "", "", "default" },
		{ "del -net 10/8 10.0.0.9", "10.0.0.0", 8, "10.0.0.9", "",
		  "10" },
	};
	char text[ADDR_TEXT_MAX];
	struct error err;
	struct routewords w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i].line, &w, &err), 0);
		assert_string_equal(addr_format(&w.route.dst, text),
		                    rows[i].dst);
		assert_int_equal(w.route.prefix, rows[i].prefix);
		assert_string_equal(addr_format(&w.route.gateway, text),
		                    rows[i].gateway);
		assert_string_equal(w.via, rows[i].via);
		assert_string_equal(w.dest, rows[i].dest);
		assert_int_equal(w.is_host,
		                 rows[i].prefix == addr_len(w.family) * 8);
	}
}

static void
options_before_the_command(void **state)
{
	struct error err;
	struct routewords w;

	(void)state;
	assert_int_equal(parse("-nq -j web add default 10.0.0.1", &w, &err), 0);
	assert_true(w.quiet);
	assert_string_equal(w.jail, "web");
	assert_int_equal(parse("-q6jweb flush", &w, &err), 0);
	assert_int_equal(w.family, AF_INET6);
	assert_int_equal(w.command, ROUTEWORDS_FLUSH);
	assert_int_equal(parse("flush", &w, &err), 0);
	assert_int_equal(w.family, 0);
	assert_int_equal(
	    parse("add -blackhole -fib 0 -mtu 1400 10/8 127.0.0.1", &w, &err),
	    0);
	assert_int_equal(w.route.kind, RTABLE_BLACKHOLE);
	assert_int_equal(w.route.mtu, 1400);
}

static void
mistakes_have_their_status(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *msg; /* "": the usage */
	} rows[] = {
		{ "", 64, "" },
		{ "add", 64, "" },
		{ "add default", 64, "" },
		{ "add a b c d", 64, "" },
		{ "-x add default 10.0.0.1", 64, "" },
		{ "-j", 64, "" },
		{ "add -netmask", 64, "" },
		{ "frob", 64, "bad keyword: frob" },
		{ "add -frob default 10.0.0.1", 64, "bad keyword: frob" },
		{ "monitor", 64, "monitor: not supported on Linux" },
		{ "add foo 10.0.0.1", 68, "bad address: foo" },
		{ "add default foo", 68, "bad address: foo" },
		{ "add default 2001:db8::1", 68, "bad address: 2001:db8::1" },
		{ "add 10.0.0.0/33 10.0.0.1", 1, "33: bad value" },
		{ "add -fib 1 default 10.0.0.1", 64, "invalid fib number: 1" },
		{ "add -net 10.1.0.0 10.0.0.9 255.0.255.0", 68,
		  "bad address: 255.0.255.0" },
	};
	struct routewords w = { .quiet = true };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i].line, &w, &err), rows[i].status);
		assert_string_equal(err.msg, rows[i].msg);
		assert_true(w.quiet); /* untouched */
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations_and_gateways),
		cmocka_unit_test(options_before_the_command),
		cmocka_unit_test(mistakes_have_their_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
