/* SPDX-License-Identifier: BSD-2-Clause */
/* ifwords_test.c - ifconfig(8) lines become the right steps, or FreeBSD's
 * error, and nothing else.
 */
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/ifwords.h"

/* Split a line at spaces and parse it. */
static int
parse(const char *line, struct ifwords *w, struct error *err)
{
	static char text[512]; /* w points into it */
	char *argv[64] = { NULL }, *save = NULL;
	int argc = 0;

	snprintf(text, sizeof(text), "ifconfig %s", line);
	for (char *s = strtok_r(text, " ", &save); s != NULL;
	     s = strtok_r(NULL, " ", &save))
		argv[argc++] = s;
	return ifwords_parse(argc, argv, w, err);
}

/* The steps of a request as text: "word:arg:number". */
static void
print_steps(const struct ifwords *w, char *out, size_t cap)
{
	out[0] = '\0';
	for (unsigned i = 0; i < w->n; i++) {
		const struct ifword_step *s = &w->step[i];
		size_t len = strlen(out);

		snprintf(out + len, cap - len, "%s%d:%s:%lld", i > 0 ? " " : "",
		         (int)s->word, s->arg != NULL ? s->arg : "-",
		         s->number);
	}
}

static void
words_become_steps_left_to_right(void **state)
{
	static const struct {
		const char *line;
		enum ifword words[6];
		int n;
		const char *first_arg;
	} rows[] = {
		{ "em0 up", { IFWORD_UP }, 1, NULL },
		{ "em0 descr jail:web up",
		  { IFWORD_DESCR, IFWORD_UP },
		  2,
		  "jail:web" },
		{ "bridge0 addm a addm b up",
		  { IFWORD_ADDM, IFWORD_ADDM, IFWORD_UP },
		  3,
		  "a" },
		{ "e0 name x mtu 1400 group g -group h",
		  { IFWORD_NAME, IFWORD_MTU, IFWORD_GROUP, IFWORD_NOGROUP },
		  4,
		  "x" },
		{ "e0 vnet web", { IFWORD_VNET }, 1, "web" },
		{ "e0 -vnet 7", { IFWORD_NOVNET }, 1, "7" },
		{ "e0 -txcsum -rxcsum -vlanhwfilter",
		  { IFWORD_OFFLOAD, IFWORD_OFFLOAD, IFWORD_CAPABILITY },
		  3,
		  NULL },
		{ "e0 inet6 accept_rtadv auto_linklocal -ifdisabled",
		  { IFWORD_ND6, IFWORD_ND6, IFWORD_ND6 },
		  3,
		  NULL },
		{ "bridge0 vlanfilter addm a untagged 5 tagged 6,8-9",
		  { IFWORD_VLANFILTER, IFWORD_ADDM, IFWORD_UNTAGGED,
		    IFWORD_TAGGED },
		  4,
		  NULL },
		{ "bridge0 iftagged a 6,8",
		  { IFWORD_IFTAGGED, IFWORD_TAGGED },
		  2,
		  "a" },
		{ "e0 destroy", { IFWORD_DESTROY }, 1, NULL },
	};
	struct error err = { 0 };
	struct ifwords w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i].line, &w, &err), 0);
		assert_int_equal(w.n, rows[i].n);
		for (int k = 0; k < rows[i].n; k++)
			assert_int_equal(w.step[k].word, rows[i].words[k]);
		if (rows[i].first_arg == NULL)
			assert_null(w.step[0].arg);
		else
			assert_string_equal(w.step[0].arg, rows[i].first_arg);
		assert_int_equal(w.addr.what, IFWORD_ADDR_NONE);
	}
}

static void
minus_switches_off(void **state)
{
	struct error err = { 0 };
	struct ifwords w;
	char text[128];

	(void)state;
	assert_int_equal(
	    parse("b0 learn m -learn m -private n tso -tso", &w, &err), 0);
	print_steps(&w, text, sizeof(text));
	snprintf(text + 64, 64, "%d:m:1 %d:m:0 %d:n:0 %d:-:1 %d:-:0",
	         IFWORD_PORT, IFWORD_PORT, IFWORD_PORT, IFWORD_OFFLOAD,
	         IFWORD_OFFLOAD);
	assert_string_equal(text, text + 64);
}

static void
address_words_settle_on_one_address(void **state)
{
	static const struct {
		const char *line;
		int what;
		const char *ip; /* "" none */
		int prefix;     /* -1: none given */
		const char *other;
	} rows[] = {
		{ "e 10.0.0.2/24 up", IFWORD_ADDR_SET, "10.0.0.2", 24, "" },
		{ "e inet 10.0.0.2/24", IFWORD_ADDR_SET, "10.0.0.2", 24, "" },
		{ "e 10.0.0.2", IFWORD_ADDR_SET, "10.0.0.2", -1, "" },
		{ "e 10.0.0.2 netmask 255.255.0.0", IFWORD_ADDR_SET, "10.0.0.2",
		  16, "" },
		{ "e 10.0.0.2 netmask 0xffffff00 broadcast 10.0.0.255",
		  IFWORD_ADDR_SET, "10.0.0.2", 24, "10.0.0.255" },
		{ "e alias 10.9.0.5", IFWORD_ADDR_ADD, "10.9.0.5", -1, "" },
		{ "e inet 10.9.0.5/32 alias", IFWORD_ADDR_ADD, "10.9.0.5", 32,
		  "" },
		{ "e inet 10.9.0.5 netmask 255.255.255.255 alias",
		  IFWORD_ADDR_ADD, "10.9.0.5", 32, "" },
		{ "e add 10.9.0.5/32", IFWORD_ADDR_ADD, "10.9.0.5", 32, "" },
		{ "e inet 10.9.0.5 -alias", IFWORD_ADDR_REMOVE, "10.9.0.5", -1,
		  "" },
		{ "e -alias 10.9.0.5", IFWORD_ADDR_REMOVE, "10.9.0.5", -1, "" },
		{ "e 10.9.0.5 delete", IFWORD_ADDR_REMOVE, "10.9.0.5", -1, "" },
		{ "e inet 10.9.0.5 remove", IFWORD_ADDR_REMOVE, "10.9.0.5", -1,
		  "" },
		{ "e inet delete", IFWORD_ADDR_REMOVE, "", -1, "" },
		{ "e inet6 2001:db8::1/64", IFWORD_ADDR_SET, "2001:db8::1", 64,
		  "" },
		{ "e inet6 2001:db8::1 prefixlen 48 alias", IFWORD_ADDR_ADD,
		  "2001:db8::1", 48, "" },
		{ "e inet6 2001:db8::1/128 -alias", IFWORD_ADDR_REMOVE,
		  "2001:db8::1", 128, "" },
		{ "e 10.0.0.1 10.0.0.2", IFWORD_ADDR_SET, "10.0.0.1", -1,
		  "10.0.0.2" },
	};
	char text[ADDR_TEXT_MAX];
	struct error err = { 0 };
	struct ifwords w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i].line, &w, &err), 0);
		assert_int_equal(w.addr.what, rows[i].what);
		assert_string_equal(addr_format(&w.addr.ip, text), rows[i].ip);
		assert_int_equal(w.addr.has_prefix, rows[i].prefix >= 0);
		if (rows[i].prefix >= 0)
			assert_int_equal(w.addr.prefix, rows[i].prefix);
		assert_string_equal(addr_format(&w.addr.other, text),
		                    rows[i].other);
	}
}

static void
mistakes_are_told_in_freebsds_words(void **state)
{
	static const struct {
		const char *line, *msg;
		int rc;
	} rows[] = {
		{ "em0 foo", "foo: bad value", -EINVAL },
		{ "em0 10.0.0.1/40", "10.0.0.1/40: bad value (width too large)",
		  -EINVAL },
		{ "em0 10.0.0.1/x", "10.0.0.1/x: bad value (width invalid)",
		  -EINVAL },
		{ "em0 inet6 ::1/200", "200: bad value", -EINVAL },
		{ "em0 inet6 10.0.0.1", "10.0.0.1: bad value", -EINVAL },
		{ "em0 10.0.0.1 netmask 255.0.255.0", "255.0.255.0: bad value",
		  -EINVAL },
		{ "em0 mtu", "'mtu' requires argument", -EINVAL },
		{ "em0 mtu big", "mtu big: bad value", -EINVAL },
		{ "em0 netmask", "'netmask' requires argument", -EINVAL },
		{ "em0 vnet", "'vnet' requires argument", -EINVAL },
		{ "b0 ifpriority e0", "'ifpriority' requires 2 arguments",
		  -EINVAL },
		{ "b0 addm e0 untagged 4095", "untagged 4095: want 1 to 4094",
		  -EINVAL },
		{ "b0 addm e0 tagged 5-", "invalid vlan list: 5-", -EINVAL },
		{ "em0 ether 1:2:3", "malformed link-level address", -EINVAL },
		{ "em0 ether 1:2:3:4:5:6:7", "malformed link-level address",
		  -EINVAL },
		{ "em0 accept_rtadv",
		  "accept_rtadv: only for the inet6 address family", -EINVAL },
		{ "em0 vhid 1 pass x 10.0.0.1/32",
		  "vhid: not supported on Linux", -EOPNOTSUPP },
		{ "lagg0 laggport em0", "laggport: not supported on Linux",
		  -EOPNOTSUPP },
		{ "-l foo", "Address family 'foo' unknown.", -EINVAL },
		/* An empty message is the usage. */
		{ "-x", "", -EINVAL },
		{ "-j", "", -EINVAL },
		{ "-ud", "", -EINVAL },
		{ "-al", "", -EINVAL },
		{ "-l inet up", "", -EINVAL },
	};
	struct ifwords w = { .n = 77 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i].line, &w, &err), rows[i].rc);
		assert_string_equal(err.msg, rows[i].msg);
		assert_int_equal(w.n, 77); /* untouched */
	}
}

static void
birth_words_of_a_vlan_are_set_apart(void **state)
{
	struct error err = { 0 };
	struct ifwords w;

	(void)state;
	assert_int_equal(parse("vlan5 create vlan 5 vlandev em0 inet "
	                       "10.0.0.1/24 up",
	                       &w, &err),
	                 0);
	assert_true(w.create);
	assert_int_equal(w.clone.vlan_id, 5);
	assert_string_equal(w.clone.vlan_dev, "em0");
	assert_int_equal(w.n, 1);
	assert_int_equal(w.family, AF_INET);
	assert_int_equal(parse("vlan5 vlan 5 vlandev em0", &w, &err), 0);
	assert_false(w.create);
	assert_int_equal(w.n, 2);
}

static void
options_say_what_is_listed(void **state)
{
	struct error err = { 0 };
	struct ifwords w;

	(void)state;
	assert_int_equal(parse("", &w, &err), 0);
	assert_true(w.all);
	assert_int_equal(parse("-j web -a inet", &w, &err), 0);
	assert_true(w.all);
	assert_string_equal(w.jail, "web");
	assert_int_equal(w.family, AF_INET);
	assert_int_equal(parse("-jweb em0 ether", &w, &err), 0);
	assert_string_equal(w.jail, "web");
	assert_string_equal(w.name, "em0");
	assert_int_equal(w.family, AF_PACKET);
	assert_int_equal(parse("-l -u", &w, &err), 0);
	assert_true(w.names_only && w.up_only && !w.all);
	assert_int_equal(parse("-g epair", &w, &err), 0);
	assert_true(!w.all && w.name == NULL);
	assert_string_equal(w.group, "epair");
	assert_int_equal(parse("-f inet:cidr -a -g jail -G epair", &w, &err),
	                 0);
	assert_string_equal(w.format, "inet:cidr");
	assert_string_equal(w.no_group, "epair");
}

static void
too_many_words_are_refused(void **state)
{
	char line[512] = "em0";
	struct error err;
	struct ifwords w;

	(void)state;
	assert_int_equal(parse("em0 up up", &w, &err), 0);
	for (int i = 0; i < 60; i++)
		strcat(line, " up");
	assert_int_equal(parse(line, &w, &err), 0);
	strcpy(line, "b");
	for (int i = 0; i < 20; i++) /* each is two steps */
		strcat(line, " iftagged a 5");
	assert_int_equal(parse(line, &w, &err), 0);
	assert_int_equal(w.n, 40);
}

static void
macs_have_six_bytes(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ "58:9c:fc:00:00:0a", 0 },
		{ "58-9c-fc-00-00-0a", 0 },
		{ "0:1:2:3:4:5", 0 },
		{ "58:9c:fc:00:00", -EINVAL },
		{ "58:9c:fc:00:00:", -EINVAL },
		{ "58:9c:fc:00:00:0a:", -EINVAL },
		{ "589:c:fc:00:00:0a", -EINVAL },
		{ "", -EINVAL },
		{ "0x1:2:3:4:5:6", -EINVAL },
		{ "g:1:2:3:4:5", -EINVAL },
	};
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(ifwords_mac(rows[i].text, mac), rows[i].rc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_steps_left_to_right),
		cmocka_unit_test(minus_switches_off),
		cmocka_unit_test(address_words_settle_on_one_address),
		cmocka_unit_test(mistakes_are_told_in_freebsds_words),
		cmocka_unit_test(birth_words_of_a_vlan_are_set_apart),
		cmocka_unit_test(options_say_what_is_listed),
		cmocka_unit_test(too_many_words_are_refused),
		cmocka_unit_test(macs_have_six_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
