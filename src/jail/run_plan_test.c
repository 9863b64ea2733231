/* SPDX-License-Identifier: BSD-2-Clause */
/* run_plan_test.c - parameters into commands, and every mistake told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jail/run_internal.h"
#include "jail/run_plan.h"

static void
splits_command_lines(void **state)
{
	static const struct {
		const char *line, *words; /* joined by bars */
		bool background;
	} rows[] = {
		{ "", "", false },
		{ "  \t", "", false },
		{ "echo  a\tb ", "echo|a|b", false },
		{ "FOO=1 cmd #x %y", "FOO=1|cmd|#x|%y", false },
		{ "sleep 5 &", "sleep|5", true },
		{ "sleep 5&  ", "sleep|5", true },
		{ "&", "", true },
		{ "a; b &", "/bin/sh|-c|a; b &", false },
		{ "a & b", "/bin/sh|-c|a & b", false },
		{ "echo $x", "/bin/sh|-c|echo $x", false },
		{ "ls *.c", "/bin/sh|-c|ls *.c", false },
		{ "test [ -d ~ ]", "/bin/sh|-c|test [ -d ~ ]", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_strv struct strv argv = STRV_INIT;
		cleanup_buf struct buf words = BUF_INIT;
		bool background;

		assert_int_equal(
		    run_command_split(rows[i].line, &argv, &background), 0);
		strv_join(&argv, "|", &words);
		assert_string_equal(buf_str(&words), rows[i].words);
		assert_int_equal(background, rows[i].background);
	}
}

static void
keep_report(void *arg, const char *line)
{
	buf_printf(arg, "%s\n", line);
}

/* A jail from the command line's words, NULL-ended. */
static struct conf_jail
jail_of(const char *const *args)
{
	struct conf_jail j = { 0 };
	struct error err;

	for (size_t i = 0; args[i] != NULL; i++)
		assert_int_equal(conf_jail_add_arg(&j, args[i], &err), 0);
	return j;
}

static void
put_argv(struct buf *out, const struct strv *argv)
{
	strv_join(argv, " ", out);
	buf_putc(out, '\n');
}

static void
turns_addresses_into_ifconfig(void **state)
{
	static const struct {
		const char *param, *up, *down, *kernel;
	} rows[] = {
		{ "ip4.addr=10.0.0.1", "", "", "10.0.0.1" },
		{ "ip4.addr=em0|10.0.0.1",
		  "inet 10.0.0.1 netmask 255.255.255.255 alias",
		  "inet 10.0.0.1 netmask 255.255.255.255 -alias", "10.0.0.1" },
		{ "ip4.addr=em0|10.0.0.1/24", "inet 10.0.0.1/24 alias",
		  "inet 10.0.0.1/24 -alias", "10.0.0.1" },
		{ "ip4.addr=em0|10.0.0.1/255.0.0.0 vhid 1  pass x",
		  "inet 10.0.0.1 netmask 255.0.0.0 vhid 1 pass x alias",
		  "inet 10.0.0.1 netmask 255.0.0.0 -alias", "10.0.0.1" },
		{ "ip6.addr=em0|fd00::1", "inet6 fd00::1 prefixlen 128 alias",
		  "inet6 fd00::1 prefixlen 128 -alias", "fd00::1" },
		{ "ip6.addr=em0|fd00::1/64", "inet6 fd00::1/64 alias",
		  "inet6 fd00::1/64 -alias", "fd00::1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const args[] = { rows[i].param, NULL };
		struct conf_jail j = jail_of(args);
		cleanup_buf struct buf told = BUF_INIT, got = BUF_INIT,
		                       want = BUF_INIT;
		struct plan p;

		assert_int_equal(
		    plan_build(&p, &j, PLAN_CREATE, NULL, keep_report, &told),
		    0);
		for (size_t k = 0; k < p.n_alias; k++) {
			put_argv(&got, &p.alias[k].up);
			put_argv(&got, &p.alias[k].down);
		}
		if (rows[i].up[0] != '\0')
			buf_printf(&want,
			           "/sbin/ifconfig em0 %s\n"
			           "/sbin/ifconfig em0 %s\n",
			           rows[i].up, rows[i].down);
		assert_string_equal(buf_str(&got), buf_str(&want));
		assert_string_equal(
		    dict_get(&p.kernel, strchr(rows[i].param, ':')
		                            ? "ip6.addr"
		                            : "ip4.addr"),
		    rows[i].kernel);
		plan_fini(&p);
		conf_jail_fini(&j);
	}
}

static void
puts_mounts_where_they_can_be(void **state)
{
	static const char *const args[] = {
		"path=/j/",
		"devfs_ruleset=5",
		"mount=/b /j/usr nullfs ro 0 0",
		"mount=devfs /j/dev devfs rw",
		"mount=tmpfs /j/dev/shm tmpfs size=1m",
		"mount=tmpfs /j/tmp tmpfs",
		"mount=proc /j/proc linprocfs",
		NULL,
	};
	static const struct {
		const char *below, *opts;
	} rows[] = {
		{ NULL, "ro" },
		{ "/dev", "rw,ruleset=5" },
		{ "/dev/shm", "size=1m" },
		{ NULL, "" },
		{ "/proc", "" },
	};
	struct conf_jail j = jail_of(args);
	cleanup_buf struct buf told = BUF_INIT;
	struct plan p;

	(void)state;
	assert_int_equal(
	    plan_build(&p, &j, PLAN_CREATE, NULL, keep_report, &told), 0);
	/* /proc is there, so none is added. */
	assert_int_equal(p.n_mount, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].below != NULL)
			assert_string_equal(p.mount[i].below, rows[i].below);
		else
			assert_null(p.mount[i].below);
		assert_string_equal(p.mount[i].opts, rows[i].opts);
	}
	plan_fini(&p);
	conf_jail_fini(&j);
}

static bool
never(void)
{
	return false;
}

static void
makes_tmpfs_inside_where_its_ids_stay_the_hosts(void **state)
{
	static const char *const args[] = {
		"path=/j",
		"mount=tmpfs /j/run tmpfs rw",
		"mount=tmpfs /elsewhere tmpfs rw",
		NULL,
	};
	static const char *const beneath[] = {
		"path=/j",
		"mount=tmpfs /j/run tmpfs rw",
		"mount=/b /j/run/b nullfs rw",
		NULL,
	};
	struct conf_jail j = jail_of(args);
	cleanup_buf struct buf told = BUF_INIT;
	struct plan p;

	(void)state;
	assert_int_equal(
	    plan_build(&p, &j, PLAN_CREATE, never, keep_report, &told), 0);
	assert_int_equal(p.n_mount, 3); /* with /proc */
	assert_string_equal(p.mount[0].below, "/run");
	assert_null(p.mount[1].below);
	plan_fini(&p);
	conf_jail_fini(&j);

	j = jail_of(beneath);
	assert_int_equal(
	    plan_build(&p, &j, PLAN_CREATE, never, keep_report, &told),
	    -EINVAL);
	assert_string_equal(buf_str(&told),
	                    "mount: /j/run/b: a nullfs mount cannot be made "
	                    "below one that only the jail has\n");
	plan_fini(&p);
	conf_jail_fini(&j);
}

static void
tells_every_mistake(void **state)
{
	static const char *const args[] = {
		"bogus",
		"allow.mount=x",
		"ip4.addr=300.0.0.1",
		"ip6.addr=lo|",
		"mount=a b",
		"mount.fstab=/none",
		"mount=x rel nullfs",
		"mount=/x /j/dev/x nullfs",
		"mount=proc /elsewhere procfs",
		"zfs.dataset=a/b",
		"exec.fib=1",
		"mount.devfs",
		NULL,
	};
	struct conf_jail j = jail_of(args);
	cleanup_buf struct buf told = BUF_INIT;
	struct plan p;

	(void)state;
	assert_int_equal(
	    plan_build(&p, &j, PLAN_CREATE, NULL, keep_report, &told), -EINVAL);
	plan_fini(&p);
	conf_jail_fini(&j);
	assert_string_equal(
	    buf_str(&told),
	    "unknown parameter: bogus\n"
	    "allow.mount: unknown boolean value \"x\"\n"
	    "zfs.dataset is refused: datasets in jails are not there yet\n"
	    "exec.fib is refused for any value but 0: Linux has no numbered "
	    "routing table per process\n"
	    "ip6.addr: not an IPv6 address: \n"
	    "ip4.addr: not an IPv4 address: 300.0.0.1\n"
	    "mount: a b: missing information\n"
	    "mount: rel: not an absolute pathname\n"
	    "mount: no jail root path defined\n"
	    "mount.fstab: /none: No such file or directory\n"
	    "mount.devfs: no jail root path defined\n");
}

/* What stops a jail does not care for what started it. */
static void
removes_in_spite_of_bad_parameters(void **state)
{
	static const char *const args[] = { "bogus", "ip4.addr=em0|1.2.3",
		                            "zfs.dataset=a", NULL };
	struct conf_jail j = jail_of(args);
	cleanup_buf struct buf told = BUF_INIT;
	struct plan p;

	(void)state;
	assert_int_equal(
	    plan_build(&p, &j, PLAN_REMOVE, NULL, keep_report, &told), 0);
	assert_int_equal(p.n_alias, 1);
	assert_int_equal(p.kernel.n, 0);
	plan_fini(&p);
	conf_jail_fini(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_command_lines),
		cmocka_unit_test(turns_addresses_into_ifconfig),
		cmocka_unit_test(puts_mounts_where_they_can_be),
		cmocka_unit_test(
		    makes_tmpfs_inside_where_its_ids_stay_the_hosts),
		cmocka_unit_test(tells_every_mistake),
		cmocka_unit_test(removes_in_spite_of_bad_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
