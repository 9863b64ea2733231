/* SPDX-License-Identifier: BSD-2-Clause */
/* list_test.c - what jls(8) prints, byte for byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"
#include "jail/list.h"
#include "jail/param.h"

/* Rows "key=value" between newlines; NULL ends the jails. */
static const char *const two_jails[] = {
	"jid=1\nname=web\npath=/jails/web\nhost.hostname=web.example.org\n"
	"ip4=new\nip4.addr=192.0.2.10,192.0.2.11\nip6=new\n"
	"ip6.addr=2001:db8::10\ncpuset.id=3\npersist=true\ndying=false\n"
	"allow.mount=false\nhost=new\nhost.domainname=\nvnet=inherit\n"
	"meta=owner=a b\\nrack=7\\n",
	"jid=7\nname=vn\npath=/jails/vn\nhost.hostname=vn.example.org\n"
	"ip4=disable\nip4.addr=\nip6=disable\nip6.addr=\ncpuset.id=7\n"
	"persist=false\ndying=true\nallow.mount=true\nhost=new\n"
	"host.domainname=x y\nvnet=new\nmeta=",
	NULL,
};
static const char *const no_jails[] = { NULL };

/* What "jls ARGS" shows of jails; args are words between spaces, flags as
 * "-nq". */
static const char *
jls(const char *args, const char *const *jails, struct buf *out)
{
	struct list_options o = { .xo = XO_OPTIONS_INIT };
	cleanup_strv struct strv argv = STRV_INIT;
	struct list *l = NULL;
	struct error err = { 0 };
	char *word[16] = { NULL };
	int argc;
	size_t at = 1;

	buf_reset(out);
	assert_int_equal(strv_push(&argv, "jls"), 0);
	assert_int_equal(strv_split(&argv, args, " ", false), 0);
	argc = (int)argv.n;
	assert_true(argv.n < ARRAY_LEN(word));
	memcpy(word, argv.v, argv.n * sizeof(*word));
	assert_int_equal(xo_parse_args(&o.xo, &argc, word, &err), 0);
	for (; word[at] != NULL && word[at][0] == '-'; at++)
		for (const char *f = word[at] + 1; *f != '\0'; f++)
			assert_true(list_set_flag(&o, *f));
	if (list_new(&o, word + at, (size_t)argc - at, &l, &err) < 0) {
		buf_puts(out, err.msg);
		return buf_str(out);
	}
	list_begin(l, out);
	for (; *jails != NULL; jails++) {
		cleanup_dict struct dict d = DICT_INIT;

		assert_int_equal(dict_read(&d, *jails, strlen(*jails), &err),
		                 0);
		list_jail(l, &d, out);
	}
	list_end(l, out);
	list_free(l);
	return buf_str(out);
}

static void
default_table_cuts_and_pads(void **state)
{
	static const char *const long_one[] = {
		"jid=1234567\nname=a.very.long.jail.name\nip4.addr=10.0.0.1\n"
		"host.hostname=a-hostname-that-is-longer-than-29-bytes\n"
		"path=/x",
		NULL,
	};
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(
	    jls("", two_jails, &b),
	    "   JID  IP Address      Hostname                      Path\n"
	    "     1  192.0.2.10      web.example.org               /jails/web\n"
	    "     7                  vn.example.org                "
	    "/jails/vn\n");
	assert_string_equal(
	    jls("-N", two_jails, &b),
	    " JID             IP Address      Hostname                      "
	    "Path\n"
	    " web             192.0.2.10      web.example.org               "
	    "/jails/web\n"
	    " vn                              vn.example.org                "
	    "/jails/vn\n");
	assert_string_equal(
	    jls("", no_jails, &b),
	    "   JID  IP Address      Hostname                      Path\n");
	assert_string_equal(
	    jls("", long_one, &b),
	    "   JID  IP Address      Hostname                      Path\n"
	    "1234567  10.0.0.1        a-hostname-that-is-longer-tha /x\n");
	assert_string_equal(jls("-N", long_one, &b) + 68,
	                    " a.very.long.jail.name 10.0.0.1        "
	                    "a-hostname-that-is-longer-tha /x\n");
}

static void
summary_has_one_line_per_address(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(jls("-v", two_jails, &b),
	                    "   JID  Hostname                      Path\n"
	                    "        Name                          State\n"
	                    "        CPUSetID\n"
	                    "        IP Address(es)\n"
	                    "     1  web.example.org               /jails/web\n"
	                    "        web                           ACTIVE\n"
	                    "        3\n"
	                    "        192.0.2.10\n"
	                    "        192.0.2.11\n"
	                    "        2001:db8::10\n"
	                    "     7  vn.example.org                /jails/vn\n"
	                    "        vn                            DYING\n"
	                    "        7\n");
}

static void
rows_show_what_is_asked_for(void **state)
{
	static const struct {
		const char *args, *want;
	} rows[] = {
		{ "jid", "1\n7\n" },
		{ "name jid name", "web 1\nvn 7\n" },
		{ "-h name path", "name path\nweb /jails/web\nvn /jails/vn\n" },
		{ "ip4.addr persist host.domainname",
		  "192.0.2.10,192.0.2.11 true \"\"\n- false x y\n" },
		{ "-q ip4.addr host.domainname",
		  "192.0.2.10,192.0.2.11 \"\"\n\"\" \"x y\"\n" },
		{ "-n jid name persist allow.mount host.domainname ip4.addr",
		  "jid=1 name=web persist allow.nomount host.domainname=\"\" "
		  "ip4.addr=192.0.2.10,192.0.2.11\n"
		  "jid=7 name=vn nopersist allow.mount host.domainname=x y "
		  "ip4.addr=\n" },
		{ "-nq ip4.addr", "ip4.addr=192.0.2.10,192.0.2.11\n"
		                  "ip4.addr=\"\"\n" },
		{ "nopersist", "false\ntrue\n" },
		{ "-n nopersist", "persist\nnopersist\n" },
		{ "-v jid", "1\n7\n" },
		{ "-N jid", "1\n7\n" },
		{ "meta.owner", "a b\n\"\"\n" },
		{ "meta.own", "\"\"\n\"\"\n" },
		{ "-n meta.rack", "meta.rack=7\nmeta.rack=\"\"\n" },
		{ "-s meta name", "meta=\"owner=a b\nrack=7\n\" name=web\n"
		                  "meta=\"\" name=vn\n" },
		{ "-s jid ip4.addr cpuset.id host.domainname ip6 dying persist",
		  "jid=1 ip4.addr=192.0.2.10,192.0.2.11 host.domainname=\"\" "
		  "ip6=new persist\n"
		  "jid=7 host.domainname=\"x y\" nopersist\n" },
		{ "nosuch", "unknown parameter: nosuch" },
		{ "exec.start", "unknown parameter: exec.start" },
	};
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(jls(rows[i].args, two_jails, &b),
		                    rows[i].want);
}

static void
later_flags_cancel_earlier_ones(void **state)
{
	static const struct {
		const char *args, *start;
	} rows[] = {
		{ "-v -h name", "name\n" },
		{ "-s -h name", "name\n" }, /* -n and -q stay */
		{ "-h -s name", "name=web\n" },
		{ "-v -n name", "name=web\n" },
		{ "-n -v", "   JID  Hostname" },
		{ "-h -v", "   JID  Hostname" },
	};
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_memory_equal(jls(rows[i].args, two_jails, &b),
		                    rows[i].start, strlen(rows[i].start));
}

static void
all_is_sorted_undotted_names_first(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_strv struct strv name = STRV_INIT;
	size_t kernel = 0;

	(void)state;
	for (size_t i = 0; i < param_table_len; i++)
		kernel += !param_table[i].pseudo;
	jls("-h", no_jails, &b);
	assert_int_equal(b.data[b.len - 1], '\n');
	b.data[b.len - 1] = '\0';
	assert_int_equal(strv_split(&name, b.data, " ", true), 0);
	assert_int_equal(name.n, kernel);
	for (size_t i = 1; i < name.n; i++) {
		const char *x = name.v[i - 1], *y = name.v[i];
		const bool dotted_x = strchr(x, '.') != NULL;
		const bool dotted_y = strchr(y, '.') != NULL;

		assert_true(dotted_x == dotted_y ? strcmp(x, y) < 0
		                                 : !dotted_x);
	}
}

static void
machine_forms_are_whole(void **state)
{
	static const struct {
		const char *args, *want;
	} rows[] = {
		{ "--libxo json",
		  "{\"__version\": \"2\", \"jail-information\": {\"jail\": "
		  "[{\"jid\":1,\"ipv4\":\"192.0.2.10\",\"hostname\":"
		  "\"web.example.org\",\"path\":\"/jails/web\"}, "
		  "{\"jid\":7,\"ipv4\":\"\",\"hostname\":\"vn.example.org\","
		  "\"path\":\"/jails/vn\"}]}}\n" },
		{ "--libxo:J -v",
		  "{\"__version\": \"2\", \"jail-information\": {\"jail\": "
		  "[{\"jid\":1,\"hostname\":\"web.example.org\",\"path\":"
		  "\"/jails/web\",\"name\":\"web\",\"state\":\"ACTIVE\","
		  "\"cpusetid\":3, \"ipv4_addrs\": [\"192.0.2.10\","
		  "\"192.0.2.11\"], \"ipv6_addrs\": [\"2001:db8::10\"]}, "
		  "{\"jid\":7,\"hostname\":\"vn.example.org\",\"path\":"
		  "\"/jails/vn\",\"name\":\"vn\",\"state\":\"DYING\","
		  "\"cpusetid\":7, \"ipv4_addrs\": [], \"ipv6_addrs\": "
		  "[]}]}}\n" },
		{ "-n --libxo=json jid name persist host.domainname ip4.addr",
		  "{\"__version\": \"2\", \"jail-information\": {\"jail\": "
		  "[{\"jid\":\"1\",\"name\":\"web\",\"persist\":true,"
		  "\"host.domainname\":\"\", \"ip4.addr\": [\"192.0.2.10\","
		  "\"192.0.2.11\"]}, {\"jid\":\"7\",\"name\":\"vn\","
		  "\"persist\":false,\"host.domainname\":\"x y\", "
		  "\"ip4.addr\": []}]}}\n" },
		{ "-N --libxo xml name persist ip4.addr",
		  "<jail-information version=\"2\"><jail><name>web</name>"
		  "<persist>true</persist><ip4.addr>192.0.2.10</ip4.addr>"
		  "<ip4.addr>192.0.2.11</ip4.addr></jail><jail>"
		  "<name>vn</name><persist>false</persist></jail>"
		  "</jail-information>" },
		{ "-h --libxo json,pretty name",
		  "{\n  \"__version\": \"2\", \n  \"jail-information\": {\n"
		  "    \"jail\": [\n      {\n        \"name\": \"web\"\n"
		  "      },\n      {\n        \"name\": \"vn\"\n      }\n"
		  "    ]\n  }\n}\n" },
	};
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(jls(rows[i].args, two_jails, &b),
		                    rows[i].want);
	assert_string_equal(jls("--libxo json", no_jails, &b),
	                    "{\"__version\": \"2\", \"jail-information\": "
	                    "{\"jail\": []}}\n");
}

static void
a_jails_own_words_cannot_reach_the_terminal(void **state)
{
	static const char *const evil[] = {
		"jid=1\nname=a\npath=/\nhost.hostname=\x1b]0;x\x07\\n9 \xc2\x9b"
		"1\xc3\xa9",
		NULL,
	};
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(jls("host.hostname", evil, &b),
	                    "?]0;x??9 ?1\xc3\xa9\n");
	assert_string_equal(
	    strchr(jls("", evil, &b), '\n'),
	    "\n     1                  ?]0;x??9 ?1\xc3\xa9                  "
	    "/\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_table_cuts_and_pads),
		cmocka_unit_test(summary_has_one_line_per_address),
		cmocka_unit_test(rows_show_what_is_asked_for),
		cmocka_unit_test(later_flags_cancel_earlier_ones),
		cmocka_unit_test(all_is_sorted_undotted_names_first),
		cmocka_unit_test(machine_forms_are_whole),
		cmocka_unit_test(a_jails_own_words_cannot_reach_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
