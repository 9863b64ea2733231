/* SPDX-License-Identifier: BSD-2-Clause */
/* timeouts_test.c - each timeout has its sysctl, and what is missing is told
 * only where somebody asked for it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pf/fake_world.h"
#include "pf/pf.h"
#include "pf/timeouts.h"

static struct pf_config *
options(const char *text)
{
	struct pf_world world;
	const struct pf_parse_env env = { .world = &world,
		                          .want = PF_WANT_ALL,
		                          .anchor = "" };
	struct pf_config *conf = NULL;
	struct error err;

	pf_fake_world(&world, NULL);
	assert_int_equal(
	    pf_parse(&env, "test", text, strlen(text), &conf, &err), 0);
	return conf;
}

static const struct pf_sysctl *
find(const struct pf_sysctl *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(v[i].file, name) != NULL)
			return &v[i];
	return NULL;
}

static void
each_timeout_has_its_file(void **state)
{
	static const struct {
		const char *text, *file;
		uint32_t value;
		bool asked;
	} rows[] = {
		{ "", "_acct", 1, false },
		{ "", "_timestamp", 1, false },
		{ "", "tcp_be_liberal", 0, false },
		{ "", "tcp_timeout_established", 86400, false },
		{ "", "tcp_timeout_unacknowledged", 86400, false },
		{ "", "tcp_timeout_syn_sent", 120, false },
		{ "", "udp_timeout", 60, false },
		{ "", "ipfrag_time", 30, false },
		{ "set timeout tcp.first 77\n", "tcp_timeout_syn_sent", 77,
		  true },
		{ "set timeout { tcp.finwait 7 udp.single 99 }\n",
		  "tcp_timeout_last_ack", 7, true },
		/* Two in one: the longer. */
		{ "set timeout udp.single 99\n", "udp_timeout", 99, true },
		{ "set timeout udp.single 9\n", "udp_timeout", 60, true },
		{ "set optimization aggressive\n", "tcp_timeout_established",
		  18000, true },
		{ "set optimization aggressive\nset timeout "
		  "tcp.established 5\n",
		  "tcp_timeout_established", 5, true },
		{ "set timeout tcp.established 4000000000\n",
		  "tcp_timeout_established", PF_TIMEOUT_MAX, true },
		{ "set limit states 4711\n", "conntrack_max", 4711, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pf_sysctl v[PF_SYSCTLS_MAX];
		struct pf_config *conf = options(rows[i].text);
		size_t n = pf_sysctls_plan(&conf->opts, v);
		const struct pf_sysctl *s = find(v, n, rows[i].file);

		assert_non_null(s);
		assert_int_equal(s->value, rows[i].value);
		assert_int_equal(s->asked, rows[i].asked);
		pf_config_free(conf);
	}
}

/* The host's limit is left alone unless somebody sets it. */
static void
an_unset_limit_is_not_written(void **state)
{
	struct pf_sysctl v[PF_SYSCTLS_MAX];
	struct pf_config *conf = options("set limit frags 7\n");

	(void)state;
	assert_null(find(v, pf_sysctls_plan(&conf->opts, v), "conntrack_max"));
	pf_config_free(conf);
}

static void
gather(void *ctx, const char *line)
{
	buf_puts(ctx, line);
	buf_putc(ctx, '\n');
}

static void
what_is_missing_is_told_if_it_was_set(void **state)
{
	const struct pf_sysctl v[] = {
		{ .file = "a", .value = 1 },
		{ .file = "b", .value = 2, .kind = "timeout", .name = "frag" },
		{ .file = "c",
		  .value = 3,
		  .asked = true,
		  .kind = "timeout",
		  .name = "tcp.first" },
	};
	char dir[] = "/tmp/pf_timeouts_XXXXXX", path[64], text[16] = "";
	cleanup_buf struct buf said = BUF_INIT, want = BUF_INIT;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a", dir);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pf_sysctls_write(dir, v, ARRAY_LEN(v), gather, &said),
	                 2);
	buf_printf(&want,
	           "pfctl: set timeout tcp.first: not here: %s/c: No such "
	           "file or directory\n",
	           dir);
	assert_string_equal(buf_str(&said), buf_str(&want));
	assert_int_equal(read(fd, text, sizeof(text) - 1), 2);
	assert_string_equal(text, "1\n");
	close(fd);
	unlink(path);
	rmdir(dir);
}

static void
what_linux_has_not_is_told(void **state)
{
	struct pf_config *conf =
	    options("set timeout { adaptive.start 7 adaptive.end 9 "
	            "tcp.first 3 interval 5 }\n"
	            "set limit { states 20 frags 30 }\n");
	cleanup_buf struct buf said = BUF_INIT;

	(void)state;
	pf_timeouts_tell(&conf->opts, gather, &said);
	assert_string_equal(
	    buf_str(&said),
	    "pfctl: set timeout interval: nothing on Linux\n"
	    "pfctl: set timeout adaptive.start: nothing on Linux\n"
	    "pfctl: set timeout adaptive.end: nothing on Linux\n"
	    "pfctl: set limit frags: nothing on Linux\n");
	pf_config_free(conf);
}

static void
shown_as_freebsd_does(void **state)
{
	struct pf_config *conf = options("set timeout tcp.first 77\n"
	                                 "set limit { states 20000 "
	                                 "src-nodes 4294967295 }\n");
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	pf_timeouts_print(&conf->opts, &out);
	assert_string_equal(buf_str(&out),
	                    "tcp.first                    77s\n"
	                    "tcp.opening                  30s\n"
	                    "tcp.established           86400s\n"
	                    "tcp.closing                 900s\n"
	                    "tcp.finwait                  45s\n"
	                    "tcp.closed                   90s\n"
	                    "tcp.tsdiff                   30s\n"
	                    "sctp.first                  120s\n"
	                    "sctp.opening                 30s\n"
	                    "sctp.established          86400s\n"
	                    "sctp.closing                900s\n"
	                    "sctp.closed                  90s\n"
	                    "udp.first                    60s\n"
	                    "udp.single                   30s\n"
	                    "udp.multiple                 60s\n"
	                    "icmp.first                   20s\n"
	                    "icmp.error                   10s\n"
	                    "other.first                  60s\n"
	                    "other.single                 30s\n"
	                    "other.multiple               60s\n"
	                    "frag                         30s\n"
	                    "interval                     10s\n"
	                    "adaptive.start            12000 states\n"
	                    "adaptive.end              24000 states\n"
	                    "src.track                     0s\n");
	buf_reset(&out);
	pf_limits_print(&conf->opts, &out);
	assert_string_equal(buf_str(&out),
	                    "states        hard limit    20000\n"
	                    "src-nodes     unlimited\n"
	                    "frags         hard limit     5000\n"
	                    "table-entries hard limit   200000\n");
	pf_config_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_timeout_has_its_file),
		cmocka_unit_test(an_unset_limit_is_not_written),
		cmocka_unit_test(what_is_missing_is_told_if_it_was_set),
		cmocka_unit_test(what_linux_has_not_is_told),
		cmocka_unit_test(shown_as_freebsd_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
