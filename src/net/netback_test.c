/* SPDX-License-Identifier: BSD-2-Clause */
/* netback_test.c - the words of network back ends, and the plain one. Taps and
 * slirp are the functional tests' business.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "net/netback.h"
#include "net/slirp.h"

static void
names_have_their_family(void **state)
{
	static const struct {
		const char *name;
		bool tap, slirp;
	} rows[] = {
		{ "tap0", true, false },    { "tap42", true, false },
		{ "vmnet1", true, false },  { "tap", false, false },
		{ "tapx", false, false },   { "slirp", false, true },
		{ "slirp0", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(netback_tap.claims(rows[i].name), rows[i].tap);
		assert_int_equal(netback_slirp.claims(rows[i].name),
		                 rows[i].slirp);
	}
}

static void
what_linux_lacks_is_named(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = { { "netgraph", -EOPNOTSUPP },
		     { "ngd0", -EOPNOTSUPP },
		     { "netmap:em0", -EOPNOTSUPP },
		     { "vale0:1", -EOPNOTSUPP },
		     { "carrier-pigeon", -ENOENT } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct netback_options o = { .name = rows[i].name };
		struct netback *nb = NULL;
		struct error err;

		assert_int_equal(netback_open(&o, &nb, &err), rows[i].want);
		assert_non_null(strstr(err.msg, rows[i].name));
		assert_null(nb);
	}
}

static void
no_network_swallows_frames(void **state)
{
	const struct netback_options o = { .queues = 2 };
	struct netback *nb = NULL;
	char frame[64] = { 0 };
	const struct iovec iov = { frame, sizeof(frame) };
	struct error err;

	(void)state;
	assert_int_equal(netback_open(&o, &nb, &err), 0);
	assert_int_equal(nb->queues, 2);
	assert_int_equal(nb->offloads, 0);
	assert_int_equal(nb->ops->fd(nb, 0), -1);
	assert_int_equal(nb->ops->send(nb, 0, &iov, 1), 0);
	assert_int_equal(nb->ops->recv(nb, 0, &iov, 1), -EAGAIN);
	netback_close(nb);
	netback_close(NULL);
}

static void
bodies_begin_after_the_header(void **state)
{
	static const struct {
		size_t len[3];
		unsigned n;
		size_t first;
	} rows[] = {
		{ { 12, 5, 6 }, 2, 5 },  { { 10, 2, 6 }, 1, 6 },
		{ { 20, 5, 6 }, 3, 8 },  { { 3, 8, 1 }, 0, 0 },
		{ { 1, 2, 30 }, 1, 21 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char bytes[3][32];
		struct iovec in[3], out[3];

		memset(bytes, 'x', sizeof(bytes));
		for (unsigned k = 0; k < 3; k++)
			in[k] = (struct iovec){ bytes[k], rows[i].len[k] };
		assert_int_equal(netback_body(in, 3, true, out), rows[i].n);
		if (rows[i].n > 0)
			assert_int_equal(out[0].iov_len, rows[i].first);
		assert_int_equal(bytes[0][0], 0);
	}
}

static void
forwards_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int want;
		bool udp;
		const char *host, *guest;
		uint16_t hport, gport;
	} rows[] = {
		{ "tcp::8022-:22", 0, false, "0.0.0.0", "0.0.0.0", 8022, 22 },
		{ "udp:127.0.0.1:53-10.0.2.15:5353", 0, true, "127.0.0.1",
		  "10.0.2.15", 53, 5353 },
		{ "tcp:127.0.0.1:80-:80", 0, false, "127.0.0.1", "0.0.0.0", 80,
		  80 },
		{ "sctp::1-:1", -EINVAL, false, 0, 0, 0, 0 },
		{ "tcp::0-:1", -EINVAL, false, 0, 0, 0, 0 },
		{ "tcp::65536-:1", -EINVAL, false, 0, 0, 0, 0 },
		{ "tcp::1-:", -EINVAL, false, 0, 0, 0, 0 },
		{ "tcp::1:1", -EINVAL, false, 0, 0, 0, 0 },
		{ "tcp:host:1-:1", -EINVAL, false, 0, 0, 0, 0 },
		{ "tcp:1.2.3.4.5.6.7.8.9:1-:1", -EINVAL, false, 0, 0, 0, 0 },
		{ "tcp::1-:1x", -EINVAL, false, 0, 0, 0, 0 },
		{ "tcp::-1-:1", -EINVAL, false, 0, 0, 0, 0 },
		{ "", -EINVAL, false, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slirp_forward f;
		struct error err;
		char text[16];

		assert_int_equal(slirp_forward_parse(rows[i].text,
		                                     strlen(rows[i].text), &f,
		                                     &err),
		                 rows[i].want);
		if (rows[i].want < 0)
			continue;
		assert_int_equal(f.udp, rows[i].udp);
		assert_int_equal(f.host_port, rows[i].hport);
		assert_int_equal(f.guest_port, rows[i].gport);
		inet_ntop(AF_INET, &f.host, text, sizeof(text));
		assert_string_equal(text, rows[i].host);
		inet_ntop(AF_INET, &f.guest, text, sizeof(text));
		assert_string_equal(text, rows[i].guest);
	}
}

static void
only_a_tap_joins_a_bridge(void **state)
{
	const struct netback_options o = { .name = "slirp",
		                           .bridge = "bridge0" };
	struct netback *nb = NULL;
	struct error err;

	(void)state;
	assert_int_equal(netback_open(&o, &nb, &err), -EINVAL);
	assert_string_equal(err.msg, "network 'slirp': joins no bridge");
	assert_null(nb);
}

static void
a_type_must_fit_the_name(void **state)
{
	const struct netback_options o = { .name = "slirp", .type = "tap" };
	struct netback *nb = NULL;
	struct error err;

	(void)state;
	assert_int_equal(netback_open(&o, &nb, &err), -EINVAL);
	assert_string_equal(err.msg, "network 'slirp': is a slirp, no 'tap'");
	assert_null(nb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_type_must_fit_the_name),
		cmocka_unit_test(names_have_their_family),
		cmocka_unit_test(what_linux_lacks_is_named),
		cmocka_unit_test(only_a_tap_joins_a_bridge),
		cmocka_unit_test(no_network_swallows_frames),
		cmocka_unit_test(bodies_begin_after_the_header),
		cmocka_unit_test(forwards_are_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
