/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_test.c - jails as their readers see them, the command line, names, and
 * how the parser uses its environment. What the language means is in
 * tests/golden/jailconf; its limits are in conf_limit_test.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jail/conf.h"

/* An environment that knows a few files and remembers what it was asked. */
struct world {
	struct buf said, asked;
	int read_code; /* fail reading with it */
};

static void
say(void *arg, const char *line)
{
	struct world *w = arg;

	buf_printf(&w->said, "%s\n", line);
}

static int
find(void *arg, const char *dir, const char *pattern, struct strv *out,
     struct error *err)
{
	struct world *w = arg;

	buf_printf(&w->asked, "%s,%s\n", dir, pattern);
	if (strcmp(pattern, "[") == 0)
		return error_set(err, -EIO, "[: filename glob failed");
	return strv_pushf(out, "%s%s", dir, pattern);
}

static int
fetch(void *arg, const char *path, char **out_text, size_t *out_len,
      struct error *err)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{ "/etc/one", "one { persist; }" },
		{ "/etc/d/two", ".include three; two { persist; }" },
		{ "/etc/d/three", "three { persist; }" },
		{ "five", "five { persist; } .include sub/six;" },
		{ "sub/six", "six { x y z; }" },
	};
	struct world *w = arg;

	if (w->read_code != 0)
		return error_set(err, w->read_code, "%s: no", path);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (strcmp(files[i].path, path) == 0) {
			*out_text = strdup(files[i].text);
			*out_len = strlen(files[i].text);
			return 0;
		}
	return error_set(err, -ENOENT, "%s: not there", path);
}

static int
parse(struct world *w, const char *file, const char *text,
      struct conf **out_conf, struct error *err)
{
	struct conf_env env = {
		.glob = find, .read = fetch, .report = say, .arg = w
	};

	memset(w, 0, sizeof(*w));
	*out_conf = NULL;
	return conf_parse(file, text, strlen(text), &env, out_conf, err);
}

static void
world_fini(struct world *w)
{
	buf_fini(&w->said);
	buf_fini(&w->asked);
}

static void
includes_start_at_their_file(void **state)
{
	static const struct {
		const char *file, *text;
		int rc;
		const char *asked, *said;
		size_t jails;
	} rows[] = {
		{ "/etc/jail.conf", ".include one;", 0, "/etc/,one\n", "", 1 },
		{ "/etc/jail.conf", ".include 'd/two';", 0,
		  "/etc/,d/two\n/etc/d/,three\n", "", 2 },
		{ "STDIN", ".include five;", -EINVAL, ",five\n,sub/six\n",
		  "sub/six line 1: z: syntax error\n", 0 },
		{ "/etc/jail.conf", ".include zero; a { .include nil; }",
		  -EINVAL, "/etc/,zero\n/etc/,nil\n",
		  "/etc/zero: not there\n/etc/nil: not there\n", 0 },
		{ "/etc/jail.conf", ".include '[';", -EINVAL, "/etc/,[\n",
		  "[: filename glob failed\n", 0 },
		{ "x", ".include five", -EINVAL, "", "x: unexpected EOF\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		struct conf *c;
		struct error err;

		assert_int_equal(
		    parse(&w, rows[i].file, rows[i].text, &c, &err),
		    rows[i].rc);
		assert_string_equal(buf_str(&w.asked), rows[i].asked);
		assert_string_equal(buf_str(&w.said), rows[i].said);
		if (rows[i].rc == 0)
			assert_int_equal(c->n, rows[i].jails);
		conf_free(c);
		world_fini(&w);
	}
}

static void
reasons_to_give_up_are_not_reported(void **state)
{
	static const int codes[] = { -ENOMEM, -E2BIG };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct conf_env env = { .glob = find,
			                .read = fetch,
			                .report = say };
		struct world w = { .read_code = codes[i] };
		struct conf *c = NULL;
		struct error err;

		env.arg = &w;
		assert_int_equal(
		    conf_parse("x", ".include five;", 14, &env, &c, &err),
		    codes[i]);
		assert_string_equal(err.msg, "five: no");
		assert_string_equal(buf_str(&w.said), "");
		assert_null(c);
		world_fini(&w);
	}
}

/* Names in a file must not fake lines of their own. */
static void
messages_are_one_line(void **state)
{
	struct world w;
	struct conf *c;
	struct error err;

	(void)state;
	assert_int_equal(parse(&w, "x",
	                       "'a\nb' { v = $\"c\n\"; w = ${\\\n}; "
	                       "x = ${a\033\\177}; }",
	                       &c, &err),
	                 0);
	assert_string_equal(buf_str(&w.said),
	                    "a\\012b: w: variable \"\" not found\n"
	                    "a\\012b: x: variable \"a\\033\\177\" not found\n");
	conf_free(c);
	world_fini(&w);
	assert_int_equal(parse(&w, "x",
	                       "a 'b' 'c\nd';\nb 1 "
	                       "'23456789012345678901234567890123456789"
	                       "012345678901234567890123456789';",
	                       &c, &err),
	                 -EINVAL);
	assert_string_equal(
	    buf_str(&w.said),
	    "x line 2: 'c\\012d': syntax error\n"
	    "x line 3: '2345678901234567890123456789012345678901"
	    "23456789012345678901234...: syntax error\n");
	assert_string_equal(err.msg, "x: 2 errors");
	conf_free(c);
	world_fini(&w);
}

static void
wildcards_match_whole_components(void **state)
{
	static const struct {
		const char *wild, *name;
		bool match;
	} rows[] = {
		{ "*", "foo", true },         { "*", "foo.bar", true },
		{ "foo.*", "foo.bar", true }, { "foo.*", "foo.bar.baz", true },
		{ "foo.*", "foo", false },    { "foo.*", "foobar.baz", false },
		{ "foo.*", "fo.bar", false }, { "*.db", "a.db", true },
		{ "*.db", "a.b.db", false },  { "*.db", "a.dbx", false },
		{ "*.db", "a.db.c", false },  { "*.db", "a", false },
		{ "*.*", "a.b", true },       { "*.*", "a.b.c", true },
		{ "*.*", "a", false },        { "a.*.c", "a.b.c", true },
		{ "a.*.c", "a.b.d", false },  { "foo", "foo", true },
		{ "foo", "foo.bar", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(conf_wild_match(rows[i].wild, rows[i].name),
		                 rows[i].match);
	assert_true(conf_is_wild("*") && conf_is_wild("a.*") &&
	            conf_is_wild("*.a") && conf_is_wild("a.*.b") &&
	            conf_is_wild("a*.*"));
	assert_false(conf_is_wild("a") || conf_is_wild("a*") ||
	             conf_is_wild("*a.b") || conf_is_wild("a.*b") ||
	             conf_is_wild("") || conf_is_wild("**"));
}

static void
names_are_the_same_modulo_no(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "persist", "persist", true },
		{ "persist", "nopersist", true },
		{ "allow.mount", "allow.nomount", true },
		{ "allow.mount", "noallow.mount", false },
		{ "allow.mount", "allow.mount.nodevfs", false },
		{ "a.nob", "c.b", false },
		{ "meta.notes", "meta.tes", false },
		{ "env.no", "env.", false },
		{ "meta", "nometa", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(conf_name_same(rows[i].a, rows[i].b),
		                 rows[i].same);
		assert_int_equal(conf_name_same(rows[i].b, rows[i].a),
		                 rows[i].same);
	}
}

/* One jail of that body; the caller frees. */
static struct conf *
jail(const char *body)
{
	char text[512];
	struct world w;
	struct conf *c;
	struct error err;

	snprintf(text, sizeof(text), "j { %s }", body);
	assert_int_equal(parse(&w, "x", text, &c, &err), 0);
	assert_int_equal(c->n, 1);
	world_fini(&w);
	return c;
}

static void
booleans_are_as_written(void **state)
{
	static const struct {
		const char *body;
		bool is_true;
	} rows[] = {
		{ "", false },
		{ "persist;", true },
		{ "nopersist;", false },
		{ "persist = true;", true },
		{ "persist = TRUE;", true },
		{ "persist = false;", false },
		{ "persist = 1;", true },
		{ "persist = 0;", false },
		{ "persist = maybe;", false },
		{ "nopersist = false;", true },
		{ "nopersist = 1;", false },
		{ "persist; nopersist;", false },
		{ "nopersist; persist;", true },
		{ "persist = false; persist += true;", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf *c = jail(rows[i].body);

		assert_int_equal(conf_jail_is_true(&c->jail[0], "persist"),
		                 rows[i].is_true);
		assert_int_equal(conf_jail_get(&c->jail[0], "persist") != NULL,
		                 rows[i].body[0] != '\0');
		conf_free(c);
	}
}

static void
scalars_are_their_last_value(void **state)
{
	struct conf *c = jail("path = /a, /b; persist; nomount = x;");

	(void)state;
	assert_string_equal(conf_jail_last(&c->jail[0], "path"), "/b");
	assert_string_equal(conf_jail_last(&c->jail[0], "name"), "j");
	assert_string_equal(conf_jail_last(&c->jail[0], "mount"), "x");
	assert_null(conf_jail_last(&c->jail[0], "persist"));
	assert_null(conf_jail_last(&c->jail[0], "vnet"));
	conf_free(c);
}

static void
arguments_append_and_lists_split(void **state)
{
	static const struct {
		const char *arg[4];
		const char *jail;
	} rows[] = {
		{ { "name=x", "path=/jails/x", "persist" },
		  "name=x|path=/jails/x|persist" },
		{ { "ip4.addr=192.0.2.5,192.0.2.6", "ip4.addr=192.0.2.7" },
		  "ip4.addr=192.0.2.5,192.0.2.6,192.0.2.7" },
		{ { "ip6.addr=::1,::2", "vnet.interface=a,b",
		    "zfs.dataset=c,d" },
		  "ip6.addr=::1,::2|vnet.interface=a,b|zfs.dataset=c,d" },
		{ { "exec.start=echo a,b" }, "exec.start=\"echo a,b\"" },
		{ { "exec.start=a", "exec.start=b" }, "exec.start=a,b" },
		{ { "exec.start=a", "exec.start" }, "exec.start" },
		{ { "persist", "nopersist" }, "nopersist" },
		{ { "nopersist=0", "persist=1" }, "persist=0,1" },
		{ { "ip4.addr=" }, "ip4.addr=\"\"" },
		{ { "ip4.addr" }, "ip4.addr" },
		{ { "ip4.addr=a,,b" }, "ip4.addr=a,\"\",b" },
		{ { "path=a=b" }, "path=a=b" },
		{ { "jid=5", "name=x" }, "name=x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_jail j = { 0 };
		struct buf out = BUF_INIT;
		struct error err;

		for (size_t k = 0; rows[i].arg[k] != NULL; k++)
			assert_int_equal(
			    conf_jail_add_arg(&j, rows[i].arg[k], &err), 0);
		conf_put_jail(&out, &j, "|");
		assert_string_equal(buf_str(&out), rows[i].jail);
		buf_fini(&out);
		conf_jail_fini(&j);
	}
}

static void
arguments_are_refused_with_words(void **state)
{
	static const struct {
		const char *first, *second, *msg;
	} rows[] = {
		{ "name=x", "name=y", "cannot redefine parameter \"name\"." },
		{ "jid=1", "jid=1", "cannot redefine parameter \"jid\"." },
		{ "name=x", "name", "cannot redefine parameter \"name\"." },
		{ "persist", "=x", "unknown parameter: =x" },
		{ "persist", "", "unknown parameter: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_jail j = { 0 };
		struct error err;

		assert_int_equal(conf_jail_add_arg(&j, rows[i].first, &err), 0);
		assert_int_equal(conf_jail_add_arg(&j, rows[i].second, &err),
		                 -EINVAL);
		assert_string_equal(err.msg, rows[i].msg);
		assert_int_equal(j.n, 1);
		conf_jail_fini(&j);
	}
}

static void
parts_are_never_split(void **state)
{
	struct conf_jail j = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(conf_jail_add(&j, "ip4.addr", "a,b", &err), 0);
	assert_int_equal(conf_jail_add(&j, "command", "x=y", &err), 0);
	assert_int_equal(conf_jail_add(&j, "exec.clean", NULL, &err), 0);
	assert_int_equal(j.n, 3);
	assert_string_equal(conf_jail_last(&j, "ip4.addr"), "a,b");
	assert_string_equal(conf_jail_last(&j, "command"), "x=y");
	assert_true(conf_jail_is_true(&j, "exec.clean"));
	conf_jail_fini(&j);
}

static void
values_are_quoted_when_they_must_be(void **state)
{
	static const struct {
		const char *value, *printed;
	} rows[] = {
		{ "plain", "plain" },
		{ "", "\"\"" },
		{ "a b", "\"a b\"" },
		{ "a\tb", "\"a\tb\"" },
		{ "it's", "\"it's\"" },
		{ "say \"hi\"", "'say \"hi\"'" },
		{ "it's \"x\"", "\"it's \\\"x\\\"\"" },
		{ "a\\b", "a\\\\b" },
		{ "a,b", "a,b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;

		conf_put_quoted(&out, rows[i].value);
		assert_string_equal(buf_str(&out), rows[i].printed);
		buf_fini(&out);
	}
}

static void
jails_print_in_merge_order(void **state)
{
	struct conf *c = jail("jid = 7; exec.start = \"a b\", c; nopersist; "
	                      "vnet = \"\"; exec.stop = \"$late\"; $late = x;");
	struct buf out = BUF_INIT;

	(void)state;
	conf_put_jail(&out, &c->jail[0], "\t");
	assert_string_equal(buf_str(&out),
	                    "name=j\texec.start=\"a b\",c\tnopersist\t"
	                    "vnet=\"\"\texec.stop=x");
	buf_reset(&out);
	conf_put_values(&out, conf_jail_get(&c->jail[0], "exec.start"), ' ');
	assert_string_equal(buf_str(&out), "\"a b\" c");
	buf_fini(&out);
	conf_free(c);
}

static void
broken_jails_print_what_is_left(void **state)
{
	struct conf *c = jail("path = \"/a/$none/b\"; v = 1, $v, 2;");
	struct buf out = BUF_INIT;

	(void)state;
	assert_true(c->jail[0].failed);
	conf_put_jail(&out, &c->jail[0], " ");
	assert_string_equal(buf_str(&out), "name=j path=/a//b v=1,\"\",2");
	buf_fini(&out);
	conf_free(c);
}

static void
files_that_cannot_be_read_are_named(void **state)
{
	struct world w = { 0 };
	struct conf *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(conf_load("/nowhere/jail.conf", say, &w, &c, &err),
	                 -ENOENT);
	assert_string_equal(err.msg,
	                    "/nowhere/jail.conf: No such file or directory");
	assert_int_equal(conf_load("/", say, &w, &c, &err), -EISDIR);
	assert_string_equal(err.msg, "/: Is a directory");
	assert_string_equal(buf_str(&w.said), "");
	assert_int_equal(conf_load("/dev/null", say, &w, &c, &err), 0);
	assert_int_equal(c->n, 0);
	conf_free(c);
	world_fini(&w);
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The directory of the including file is a name, whatever it looks like. */
static void
patterns_start_next_to_their_file(void **state)
{
	static const char *const files[] = { "jail.conf", "b.inc", "a.inc",
		                             ".hidden.inc", "c.other" };
	char dir[] = "/tmp/conf[?*]\\XXXXXX", path[256], text[256];
	struct world w = { 0 };
	struct conf *c = NULL;
	struct error err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof(text),
	         ".include '*.inc', 'z*'; .include \"/nowhere/*.conf\"; "
	         ".include c.other;");
	write_file(dir, "jail.conf", text);
	write_file(dir, "b.inc", "b {}");
	write_file(dir, "a.inc", "a {}");
	write_file(dir, ".hidden.inc", "hidden {}");
	write_file(dir, "c.other", "c {}");
	snprintf(path, sizeof(path), "%s/jail.conf", dir);
	assert_int_equal(conf_load(path, say, &w, &c, &err), 0);
	assert_int_equal(c->n, 3);
	assert_string_equal(c->jail[0].name, "a");
	assert_string_equal(c->jail[1].name, "b");
	assert_string_equal(c->jail[2].name, "c");
	conf_free(c);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
	world_fini(&w);
}

static void
standard_input_has_a_name(void **state)
{
	static const char text[] = "a { v = ; }";
	int saved = dup(STDIN_FILENO), ends[2];
	struct world w = { 0 };
	struct conf *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	assert_int_equal(conf_load("-", say, &w, &c, &err), -EINVAL);
	assert_string_equal(buf_str(&w.said),
	                    "STDIN line 1: ;: syntax error\n");
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(ends[0]);
	world_fini(&w);
}

static void
endless_files_are_refused(void **state)
{
	struct world w = { 0 };
	struct conf *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(conf_load("/dev/zero", say, &w, &c, &err), -E2BIG);
	assert_string_equal(err.msg, "/dev/zero: larger than 4194304 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(includes_start_at_their_file),
		cmocka_unit_test(reasons_to_give_up_are_not_reported),
		cmocka_unit_test(messages_are_one_line),
		cmocka_unit_test(wildcards_match_whole_components),
		cmocka_unit_test(names_are_the_same_modulo_no),
		cmocka_unit_test(booleans_are_as_written),
		cmocka_unit_test(scalars_are_their_last_value),
		cmocka_unit_test(arguments_append_and_lists_split),
		cmocka_unit_test(arguments_are_refused_with_words),
		cmocka_unit_test(parts_are_never_split),
		cmocka_unit_test(values_are_quoted_when_they_must_be),
		cmocka_unit_test(jails_print_in_merge_order),
		cmocka_unit_test(broken_jails_print_what_is_left),
		cmocka_unit_test(files_that_cannot_be_read_are_named),
		cmocka_unit_test(patterns_start_next_to_their_file),
		cmocka_unit_test(standard_input_has_a_name),
		cmocka_unit_test(endless_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
