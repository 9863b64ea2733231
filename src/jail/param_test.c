/* SPDX-License-Identifier: BSD-2-Clause */
/* param_test.c - names, values to canonical text, refusals, and the table's
 * own sanity.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jail/param.h"

static void
every_row_says_how_and_takes_its_own_default(void **state)
{
	(void)state;
	for (size_t i = 0; i < param_table_len; i++) {
		const struct param *p = &param_table[i];
		struct error err = { 0 };
		bool negated;

		assert_ptr_equal(param_find(p->name, &negated), p);
		assert_false(negated);
		assert_true(strlen(p->how) > 1);
		assert_true(p->how[strlen(p->how) - 1] == '.');
		if (p->refusal != NULL)
			assert_memory_equal(p->refusal, p->name,
			                    strlen(p->name));
		if (p->refused != NULL && p->refusal == NULL)
			assert_memory_equal(p->how, p->name, strlen(p->name));
		assert_true((p->grade == PARAM_REFUSED) ==
		            (p->refused != NULL && p->refusal == NULL));
		if (p->dflt != NULL)
			assert_int_equal(param_check(p, p->dflt, &err), 0);
	}
}

static void
no_before_the_last_part_finds_the_boolean(void **state)
{
	static const struct {
		const char *written, *name;
		bool negated;
	} rows[] = {
		{ "persist", "persist", false },
		{ "nopersist", "persist", true },
		{ "allow.nomount", "allow.mount", true },
		{ "allow.mount.notmpfs", "allow.mount.tmpfs", true },
		{ "ip4.nosaddrsel", "ip4.saddrsel", true },
		{ "mount.nodevfs", "mount.devfs", true },
		{ "meta.owner", "meta", false },
		{ "env.a.b", "env", false },
		{ "allow.nfsd", "allow.nfsd", false },
		{ "noallow.mount", NULL, false },
		{ "novnet", NULL, false },
		{ "no", NULL, false },
		{ "nonopersist", NULL, false },
		{ "meta.", NULL, false },
		{ "", NULL, false },
		{ "allow", NULL, false },
		{ "nothinglikethisisaparameternothinglikethisisaparameterx",
		  NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool negated;
		const struct param *p = param_find(rows[i].written, &negated);

		if (rows[i].name == NULL) {
			assert_null(p);
			continue;
		}
		assert_non_null(p);
		assert_string_equal(p->name, rows[i].name);
		assert_int_equal(negated, rows[i].negated);
	}
}

/* Import written ("name", "name=a" or "name=a;b" for two words); the canonical
 * text or the message. */
static const char *
import(const char *written, char *out, size_t room)
{
	const char *eq = strchr(written, '=');
	cleanup_strv struct strv words = STRV_INIT;
	cleanup_free char *text = NULL;
	char name[64];
	struct error err = { 0 };
	const struct param *p;
	bool negated;

	snprintf(name, sizeof(name), "%.*s",
	         eq != NULL ? (int)(eq - written) : 63, written);
	p = param_find(name, &negated);
	assert_non_null(p);
	if (eq != NULL)
		assert_int_equal(strv_split(&words, eq + 1, ";", true), 0);
	if (param_import(p, negated, &words, &text, &err) < 0) {
		assert_null(text);
		snprintf(out, room, "%s", err.msg);
	} else {
		snprintf(out, room, "%s", text);
	}
	return out;
}

static void
values_come_out_canonical(void **state)
{
	static const struct {
		const char *written, *want;
	} rows[] = {
		{ "persist", "true" },
		{ "nopersist", "false" },
		{ "allow.nomount=false", "true" },
		{ "allow.mount=TRUE", "true" },
		{ "allow.mount=0", "false" },
		{ "allow.mount=7", "true" },
		{ "allow.mount=-1", "true" },
		{ "allow.mount=yes",
		  "allow.mount: unknown boolean value \"yes\"" },
		{ "vnet", "new" },
		{ "vnet=", "new" },
		{ "ip4=2", "inherit" },
		{ "ip4=DISABLE", "disable" },
		{ "ip4=3", "ip4: unknown jailsys value \"3\"" },
		{ "vnet=on", "vnet: unknown jailsys value \"on\"" },
		{ "securelevel=-1", "-1" },
		{ "securelevel=+007", "7" },
		{ "securelevel=x", "securelevel: non-integer value \"x\"" },
		{ "securelevel=99999999999",
		  "securelevel: non-integer value \"99999999999\"" },
		{ "children.max=1;2", "2" },
		{ "host.hostid=0042", "42" },
		{ "host.hostid=18446744073709551615", "18446744073709551615" },
		{ "host.hostid=18446744073709551616",
		  "host.hostid: non-integer value \"18446744073709551616\"" },
		{ "host.hostid=-1", "host.hostid: non-integer value \"-1\"" },
		{ "host.hostid=0x10",
		  "host.hostid: non-integer value \"0x10\"" },
		{ "host.hostname=a;b", "b" },
		{ "host.hostname", "" },
		{ "ip4.addr", "" },
		{ "ip4.addr=-", "" },
		{ "ip4.addr=10.0.0.9,10.0.0.3;10.0.0.2",
		  "10.0.0.9,10.0.0.2,10.0.0.3" },
		{ "ip4.addr=10.0.0", "ip4.addr: not an IPv4 address: 10.0.0" },
		{ "ip4.addr=10.0.0.1,", "ip4.addr: not an IPv4 address: " },
		{ "ip6.addr=2001:DB8:0::2,2001:db8::1",
		  "2001:db8::2,2001:db8::1" },
		{ "ip6.addr=10.0.0.1",
		  "ip6.addr: not an IPv6 address: 10.0.0.1" },
		{ "exec.start=a b;c", "a b\nc" },
		{ "meta.k=v", "v" },
	};
	char out[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(import(rows[i].written, out, sizeof(out)),
		                    rows[i].want);
}

/* What param_check says of name=value; "" when fine. */
static const char *
check(const char *name, const char *value, struct error *err)
{
	bool negated;
	const struct param *p = param_find(name, &negated);

	assert_non_null(p);
	*err = (struct error){ 0 };
	(void)param_check(p, value, err);
	return err->msg;
}

static void
values_out_of_reach_are_refused_by_name(void **state)
{
	static const struct {
		const char *name, *value;
		int code;
		const char *start; /* of the message */
	} rows[] = {
		{ "securelevel", "3", 0, "" },
		{ "securelevel", "4", -EINVAL, "securelevel: 4 is not -1 to" },
		{ "enforce_statfs", "0", -EOPNOTSUPP, "enforce_statfs = 0 is" },
		{ "enforce_statfs", "1", 0, "" },
		{ "enforce_statfs", "3", -EINVAL, "enforce_statfs: 3 is not" },
		{ "devfs_ruleset", "65536", -EINVAL, "devfs_ruleset: 65536" },
		{ "children.max", "-1", -EINVAL, "children.max: -1 is not" },
		{ "jid", "-1", -EINVAL, "negative jid" },
		{ "osreldate", "0", -EINVAL, "osreldate: 0 is not" },
		{ "allow.chflags", "true", -EOPNOTSUPP, "allow.chflags is re" },
		{ "allow.chflags", "false", 0, "" },
		{ "allow.mount", "true", 0, "" },
		{ "allow.mount", "yes", -EINVAL, "allow.mount: unknown bool" },
		{ "exec.fib", "1", -EOPNOTSUPP, "exec.fib is refused for any" },
		{ "zfs.dataset", "tank/a", -EOPNOTSUPP, "zfs.dataset is ref" },
		{ "mac.label", "x", -EOPNOTSUPP, "mac.label is refused" },
		{ "linux.osname", "Linux", 0, "" },
		{ "linux.osname", "Plan9", -EOPNOTSUPP, "linux.osname is ref" },
		{ "vnet", "disable", -EOPNOTSUPP, "vnet = disable is refused" },
		{ "vnet", "new", 0, "" },
		{ "parent", "1", -EINVAL, "parent cannot be set" },
		{ "ip4.addr", "10.0.0.1,10.0.0.2", 0, "" },
		{ "ip4.addr", "10.0.0.1,10.0.0.1", -EINVAL,
		  "ip4.addr: 10.0.0.1 is given twice" },
		{ "ip4.addr", "0.0.0.0", -EINVAL, "ip4.addr: 0.0.0.0 cannot" },
		{ "ip4.addr", "255.255.255.255", -EINVAL, "ip4.addr: 255.255" },
		{ "ip6.addr", "::", -EINVAL, "ip6.addr: :: cannot be" },
		{ "ip6.addr", "ffff:ffff::", 0, "" },
		{ "host.hostid", "1", 0, "" },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *msg = check(rows[i].name, rows[i].value, &err);

		assert_int_equal(err.code, rows[i].code);
		assert_memory_equal(msg, rows[i].start, strlen(rows[i].start));
		if (*msg != '\0')
			assert_true(msg[strlen(msg) - 1] != '.');
	}
}

static void
long_strings_and_lists_have_limits(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct error err;

	(void)state;
	for (int i = 0; i < 64; i++)
		buf_putc(&b, 'h');
	assert_string_equal(check("host.hostname", b.data, &err), "");
	buf_putc(&b, 'h');
	check("host.hostname", b.data, &err);
	assert_int_equal(err.code, -ENAMETOOLONG);
	buf_reset(&b);
	for (int i = 1; i <= PARAM_MAX_ADDRS; i++)
		buf_printf(&b, "%s10.0.0.%d", i > 1 ? "," : "", i);
	assert_string_equal(check("ip4.addr", b.data, &err), "");
	buf_puts(&b, ",10.0.1.1");
	assert_string_equal(check("ip4.addr", b.data, &err),
	                    "too many IPv4 addresses");
}

static void
names_follow_the_kernels_rules(void **state)
{
	static const struct {
		const char *name;
		int jid, code;
	} rows[] = {
		{ "web", 0, 0 },        { "a.b", 0, 0 },
		{ "7", 7, 0 },          { "7", 0, -EINVAL },
		{ "07", 7, -EINVAL },   { "0", 0, -EINVAL },
		{ "a.7", 7, 0 },        { "a.7", 8, -EINVAL },
		{ "7a", 0, 0 },         { "", 0, -EINVAL },
		{ ".a", 0, -EINVAL },   { "a.", 0, -EINVAL },
		{ "a..b", 0, -EINVAL }, { "a\nb", 0, -EINVAL },
		{ "w eb", 0, 0 },
	};
	char longest[PARAM_MAX_NAME + 2];
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err = (struct error){ 0 };
		assert_int_equal(
		    param_check_name(rows[i].name, rows[i].jid, &err),
		    rows[i].code);
	}
	memset(longest, 'n', sizeof(longest));
	longest[PARAM_MAX_NAME + 1] = '\0';
	assert_int_equal(param_check_name(longest, 0, &err), -ENAMETOOLONG);
	longest[PARAM_MAX_NAME] = '\0';
	assert_int_equal(param_check_name(longest, 0, &err), 0);
}

/* param_check_set of "k=v k=v ..."; the message, "" when fine. */
static const char *
check_set(const char *rows, struct error *err)
{
	cleanup_dict struct dict d = DICT_INIT;
	cleanup_strv struct strv row = STRV_INIT;

	assert_int_equal(strv_split(&row, rows, " ", false), 0);
	for (size_t i = 0; i < row.n; i++) {
		char *eq = strchr(row.v[i], '=');

		*eq = '\0';
		assert_int_equal(dict_set(&d, row.v[i], eq + 1), 0);
	}
	*err = (struct error){ 0 };
	(void)param_check_set(&d, err);
	return err->msg;
}

static void
parameters_that_exclude_each_other_are_told(void **state)
{
	struct error err;

	(void)state;
	assert_string_equal(check_set("name=web path=/j persist=true", &err),
	                    "");
	assert_string_equal(check_set("meta.a=1 env.b=2", &err), "");
	assert_string_equal(check_set("name=7 jid=7", &err), "");
	assert_string_equal(check_set("name=7 jid=8", &err),
	                    "name cannot be numeric (unless it is the jid)");
	assert_string_equal(check_set("vnet=new ip4.addr=10.0.0.1", &err),
	                    "vnet jails cannot have IP address restrictions");
	assert_string_equal(check_set("vnet=inherit ip4.addr=10.0.0.1", &err),
	                    "");
	assert_string_equal(check_set("exec.start=x", &err),
	                    "unknown parameter: exec.start");
	assert_string_equal(check_set("allow.nomount=true", &err),
	                    "unknown parameter: allow.nomount");
	assert_string_equal(check_set("sysvmsg=new sysvshm=disable", &err), "");
	assert_string_equal(check_set("sysvmsg=inherit", &err), "");
	check_set("sysvmsg=new sysvshm=inherit", &err);
	assert_int_equal(err.code, -EOPNOTSUPP);
	check_set("sysvmsg=new allow.sysvipc=true", &err);
	assert_int_equal(err.code, -EOPNOTSUPP);
}

static void
count_line(void *arg, const char *line)
{
	(void)line;
	++*(int *)arg;
}

static void
differences_are_told_for_given_values_only(void **state)
{
	cleanup_dict struct dict d = DICT_INIT;
	int told = 0;

	(void)state;
	assert_int_equal(dict_set(&d, "name", "web"), 0);
	assert_int_equal(dict_set(&d, "allow.raw_sockets", "false"), 0);
	param_tell(&d, count_line, &told);
	assert_int_equal(told, 0);
	assert_int_equal(dict_set(&d, "allow.raw_sockets", "true"), 0);
	assert_int_equal(dict_set(&d, "osrelease", "14.2-RELEASE"), 0);
	param_tell(&d, count_line, &told);
	assert_int_equal(told, 2);
	assert_int_equal(dict_set(&d, "vnet", "new"), 0);
	param_tell(&d, count_line, &told);
	assert_int_equal(told, 3); /* raw sockets are whole with vnet */
}

static void
one_key_of_meta_is_set_and_removed(void **state)
{
	cleanup_free char *a = NULL;
	cleanup_free char *b = NULL;
	cleanup_free char *c = NULL;
	cleanup_free char *d = NULL;
	struct error err;

	(void)state;
	assert_int_equal(param_meta_set("", "k", "v", &a, &err), 0);
	assert_string_equal(a, "k=v\n");
	assert_int_equal(param_meta_set("kk=1\nk=v\nz=2", "k", "w", &b, &err),
	                 0);
	assert_string_equal(b, "kk=1\nz=2\nk=w\n");
	assert_int_equal(param_meta_set(b, "z", NULL, &c, &err), 0);
	assert_string_equal(c, "kk=1\nk=w\n");
	assert_int_equal(param_meta_set("", "a=b", "c", &d, &err), -EINVAL);
	assert_int_equal(param_meta_set("", "a", "b\nc", &d, &err), -EINVAL);
	assert_int_equal(param_meta_set("", "", "c", &d, &err), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_says_how_and_takes_its_own_default),
		cmocka_unit_test(no_before_the_last_part_finds_the_boolean),
		cmocka_unit_test(values_come_out_canonical),
		cmocka_unit_test(values_out_of_reach_are_refused_by_name),
		cmocka_unit_test(long_strings_and_lists_have_limits),
		cmocka_unit_test(names_follow_the_kernels_rules),
		cmocka_unit_test(parameters_that_exclude_each_other_are_told),
		cmocka_unit_test(differences_are_told_for_given_values_only),
		cmocka_unit_test(one_key_of_meta_is_set_and_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
