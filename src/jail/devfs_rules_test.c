/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs_rules_test.c - reading, showing and applying devfs rules. */
#include <sys/stat.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jail/devfs.h"

/* A device number below the large ones, as a constant. */
#define DEV(major, minor) (((major) << 8) | (minor))

/* A small /dev: directories before what is in them. */
static const struct devfs_node nodes[] = {
	{ .path = "null", .mode = S_IFCHR | 0666, .rdev = DEV(1, 3) },
	{ .path = "mem", .mode = S_IFCHR | 0640, .rdev = DEV(1, 1) },
	{ .path = "kvm", .mode = S_IFCHR | 0660, .rdev = DEV(10, 232) },
	{ .path = "sda", .mode = S_IFBLK | 0660, .rdev = DEV(8, 0) },
	{ .path = "ttyS0", .mode = S_IFCHR | 0620, .rdev = DEV(4, 64) },
	{ .path = "st0", .mode = S_IFCHR | 0660, .rdev = DEV(9, 0) },
	{ .path = "net", .mode = S_IFDIR | 0755 },
	{ .path = "net/tun", .mode = S_IFCHR | 0600, .rdev = DEV(10, 200) },
	{ .path = "fuse", .mode = S_IFCHR | 0600, .rdev = DEV(10, 229) },
	{ .path = "pts", .mode = S_IFDIR | 0755 },
	{ .path = "fd", .mode = S_IFLNK | 0777, .target = "/proc/self/fd" },
};

static struct devfs_rules *
parsed(const char *text)
{
	struct devfs_rules *rules = NULL;
	struct error err = { 0 };

	assert_int_equal(devfs_rules_builtin(&rules, &err), 0);
	if (devfs_rules_parse(rules, "f", text, strlen(text), &err) < 0)
		fail_msg("%s", err.msg);
	return rules;
}

/* The visible nodes of a ruleset as "path path:mode ...". */
static const char *
shown(const char *text, unsigned ruleset, bool with_mode)
{
	static char line[512];
	struct devfs_rules *rules = parsed(text);
	struct devfs_node out[ARRAY_LEN(nodes)];
	struct error err;
	size_t at = 0;
	int n = devfs_apply(rules, ruleset, nodes, ARRAY_LEN(nodes), out, &err);

	assert_true(n >= 0);
	line[0] = '\0';
	for (int i = 0; i < n; i++) {
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%s",
		                       i > 0 ? " " : "", out[i].path);
		if (with_mode)
			at += (size_t)snprintf(
			    line + at, sizeof(line) - at, ":%o:%u:%u",
			    (unsigned)out[i].mode & 07777, (unsigned)out[i].uid,
			    (unsigned)out[i].gid);
	}
	devfs_rules_free(rules);
	return line;
}

static void
builtin_rulesets_show_a_jail_s_nodes(void **state)
{
	(void)state;
	assert_string_equal(shown("", 1, false), "");
	assert_string_equal(shown("", 4, false), "null fuse pts fd");
	assert_string_equal(shown("", 5, false), "null fuse pts fd");
	assert_string_equal(shown("", 0, false),
	                    "null mem kvm sda ttyS0 st0 net net/tun fuse pts "
	                    "fd");
}

static void
later_rules_win_and_conditions_are_anded(void **state)
{
	static const struct {
		const char *rules, *want;
	} rows[] = {
		{ "add hide\nadd path null unhide", "null" },
		{ "add path null unhide\nadd hide", "" },
		{ "add hide\nadd type disk unhide", "sda" },
		{ "add hide\nadd type mem unhide", "mem" },
		{ "add hide\nadd type tape unhide", "st0" },
		{ "add hide\nadd type tty type tape unhide", "ttyS0 st0" },
		{ "add hide\nadd type tty path 'null' unhide", "" },
		{ "add hide\nadd type tty path \"tty*\" unhide", "ttyS0" },
		{ "add hide\nadd path '*' unhide\nadd path net hide",
		  "null mem kvm sda ttyS0 st0 fuse pts fd" },
		/* '*' stops at a slash, and a node needs its directory */
		{ "add hide\nadd path 'n*' unhide", "null net" },
		{ "add hide\nadd path net/tun unhide", "" },
		{ "add hide\nadd path net unhide\nadd path 'net/*' unhide",
		  "net net/tun" },
		/* the name it has on FreeBSD */
		{ "add hide\nadd path 'tun*' unhide", "net net/tun" },
		/* numbers decide the order */
		{ "add 20 path kvm unhide\nadd 10 hide", "kvm" },
		{ "add hide unhide\n", "null mem kvm sda ttyS0 st0 net net/tun "
		                       "fuse pts fd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256];

		snprintf(text, sizeof(text), "[x=9]\n%s\n", rows[i].rules);
		assert_string_equal(shown(text, 9, false), rows[i].want);
	}
}

static void
owner_and_mode_are_set_on_nodes_only(void **state)
{
	(void)state;
	assert_string_equal(
	    shown("[x=9]\nadd hide\nadd path kvm unhide mode 0606 user 5 "
	          "group 7\nadd path 'net*' unhide mode 600\n",
	          9, true),
	    "kvm:606:5:7 net:755:0:0");
}

static void
includes_are_followed_one_level_deep(void **state)
{
	const char *deep = "[a=11]\nadd path kvm unhide\n"
	                   "[b=12]\nadd include $a\nadd path mem unhide\n"
	                   "[c=13]\nadd hide\nadd include $b\n"
	                   "[self=14]\nadd hide\nadd include 14\nadd path "
	                   "null unhide\n";

	(void)state;
	assert_string_equal(shown(deep, 13, false), "mem");
	assert_string_equal(shown(deep, 14, false), "null");
}

static void
a_known_number_is_replaced(void **state)
{
	(void)state;
	assert_string_equal(
	    shown("[mine=4] # over the built-in one\nadd hide # all\n"
	          "  add  path   'kv?' unhide\n\n",
	          4, false),
	    "kvm");
}

static void
errors_name_file_and_line_and_change_nothing(void **state)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{ "add hide\n", "f line 1: rule before the first [ruleset]" },
		{ "[x=9]\nhide\n", "f line 2: unknown command: hide" },
		{ "[x=9]\nadd\n", "f line 2: unexpected end of rulespec" },
		{ "[x=9]\nadd paht null hide\n",
		  "f line 2: unknown argument: paht" },
		{ "[x=9]\nadd hide path null\n",
		  "f line 2: unknown argument: path" },
		{ "[x=9]\nadd path\n",
		  "f line 2: expecting argument for path" },
		{ "[x=9]\nadd type net hide\n", "f line 2: unknown type: net" },
		{ "[x=9]\nadd mode 9\n", "f line 2: invalid mode: 9" },
		{ "[x=9]\nadd mode\n",
		  "f line 2: expecting argument for mode" },
		{ "[x=9]\nadd include $nosuch\n",
		  "f line 2: unknown ruleset: $nosuch" },
		{ "[x=9]\nadd include 77\n", "f line 2: unknown ruleset: 77" },
		{ "[x=9]\nadd path 'a hide\n",
		  "f line 2: unterminated quoted string" },
		{ "[x=9]\nadd 5 hide\nadd 5 hide\n",
		  "f line 3: rule number already used" },
		{ "[x]\n", "f line 1: want [name=number]" },
		{ "[a b=9]\n", "f line 1: want [name=number]" },
		{ "[x=0]\n", "f line 1: cannot extract ruleset number: 0" },
		{ "[x=70000]\n",
		  "f line 1: cannot extract ruleset number: 70000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct devfs_rules *rules = parsed("");
		cleanup_buf struct buf before = BUF_INIT;
		cleanup_buf struct buf after = BUF_INIT;
		struct error err = { 0 };

		devfs_rules_sets(rules, &before);
		assert_int_equal(devfs_rules_parse(rules, "f", rows[i].text,
		                                   strlen(rows[i].text), &err),
		                 -EINVAL);
		assert_string_equal(err.msg, rows[i].msg);
		devfs_rules_sets(rules, &after);
		assert_string_equal(buf_str(&before), buf_str(&after));
		assert_string_equal(buf_str(&after), "1\n2\n3\n4\n5\n");
		devfs_rules_free(rules);
	}
}

static void
shown_rules_read_back_the_same(void **state)
{
	struct devfs_rules *rules =
	    parsed("[x=9]\nadd hide\nadd type tty path 'a*' unhide user "
	           "nobody group wheel mode 0640\nadd include 4\n");
	cleanup_buf struct buf out = BUF_INIT;
	struct error err;

	(void)state;
	assert_int_equal(devfs_rules_show(rules, 9, &out, &err), 0);
	assert_string_equal(buf_str(&out),
	                    "100 hide\n"
	                    "200 type tty path a* unhide user nobody group 0 "
	                    "mode 640\n"
	                    "300 include 4\n");
	assert_int_equal(devfs_rules_show(rules, 10, &out, &err), -ENOENT);
	devfs_rules_free(rules);
}

static void
names_resolve_on_this_host(void **state)
{
	struct devfs_rules *rules =
	    parsed("[x=9]\nadd path null group daemon user daemon\n");
	cleanup_buf struct buf out = BUF_INIT;
	struct error err;

	(void)state;
	assert_int_equal(devfs_rules_resolve(rules, &err), 0);
	assert_int_equal(devfs_rules_show(rules, 9, &out, &err), 0);
	assert_string_equal(buf_str(&out), "100 path null user 1 group 1\n");
	devfs_rules_free(rules);
	rules = parsed("[x=9]\nadd user no-such-user\n");
	assert_int_equal(devfs_rules_resolve(rules, &err), -ENOENT);
	assert_string_equal(err.msg,
	                    "devfs ruleset 9: unknown user: no-such-user");
	devfs_rules_free(rules);
}

static void
unknown_ruleset_is_refused(void **state)
{
	struct devfs_rules *rules = parsed("");
	struct devfs_node out[ARRAY_LEN(nodes)];
	struct error err;

	(void)state;
	assert_int_equal(
	    devfs_apply(rules, 77, nodes, ARRAY_LEN(nodes), out, &err),
	    -ENOENT);
	assert_string_equal(err.msg, "no devfs ruleset 77");
	devfs_rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builtin_rulesets_show_a_jail_s_nodes),
		cmocka_unit_test(later_rules_win_and_conditions_are_anded),
		cmocka_unit_test(owner_and_mode_are_set_on_nodes_only),
		cmocka_unit_test(includes_are_followed_one_level_deep),
		cmocka_unit_test(a_known_number_is_replaced),
		cmocka_unit_test(errors_name_file_and_line_and_change_nothing),
		cmocka_unit_test(shown_rules_read_back_the_same),
		cmocka_unit_test(names_resolve_on_this_host),
		cmocka_unit_test(unknown_ruleset_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
