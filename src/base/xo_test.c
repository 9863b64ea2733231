/* SPDX-License-Identifier: BSD-2-Clause */
/* xo_test.c - the shapes of JSON and XML, and the option that asks for them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/xo.h"

/* A document with one item, a list of values in it and an empty list. */
static void
document(const char *words, bool is_empty, struct buf *out)
{
	char option[] = "--libxo";
	char word[64];
	char *argv[] = { option, option, word, NULL };
	struct xo_options o = XO_OPTIONS_INIT;
	struct error err = { 0 };
	int argc = 3;
	struct xo x;

	buf_reset(out);
	snprintf(word, sizeof(word), "%s", words);
	assert_int_equal(xo_parse_args(&o, &argc, argv, &err), 0);
	assert_int_equal(argc, 1);
	xo_begin(&x, &o, out, "info", "2");
	xo_list_open(&x, "jail");
	if (!is_empty) {
		xo_item_open(&x);
		xo_raw(&x, "jid", "1");
		xo_string(&x, "name", "a<\"b");
		xo_list_open(&x, "addrs");
		xo_member(&x, "10.0.0.1");
		xo_member(&x, "10.0.0.2");
		xo_list_close(&x);
		xo_list_open(&x, "none");
		xo_list_close(&x);
		xo_string(&x, "bad name", "");
		xo_item_close(&x);
		xo_item_open(&x);
		xo_raw(&x, "jid", "2");
		xo_item_close(&x);
	}
	xo_list_close(&x);
	xo_end(&x);
}

static void
shapes_are_libxos(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	document("json", false, &b);
	assert_string_equal(
	    buf_str(&b),
	    "{\"__version\": \"2\", \"info\": {\"jail\": "
	    "[{\"jid\":1,\"name\":\"a<\\\"b\", \"addrs\": "
	    "[\"10.0.0.1\",\"10.0.0.2\"], \"none\": [],\"bad name\":\"\"}, "
	    "{\"jid\":2}]}}\n");
	document("json", true, &b);
	assert_string_equal(buf_str(&b), "{\"__version\": \"2\", \"info\": "
	                                 "{\"jail\": []}}\n");
	document("xml", false, &b);
	assert_string_equal(
	    buf_str(&b),
	    "<info version=\"2\"><jail><jid>1</jid><name>a&lt;&quot;b</name>"
	    "<addrs>10.0.0.1</addrs><addrs>10.0.0.2</addrs>"
	    "<bad_name></bad_name></jail><jail><jid>2</jid></jail></info>");
	document("xml,pretty", false, &b);
	assert_string_equal(buf_str(&b), "<info version=\"2\">\n"
	                                 "  <jail>\n"
	                                 "    <jid>1</jid>\n"
	                                 "    <name>a&lt;&quot;b</name>\n"
	                                 "    <addrs>10.0.0.1</addrs>\n"
	                                 "    <addrs>10.0.0.2</addrs>\n"
	                                 "    <bad_name></bad_name>\n"
	                                 "  </jail>\n"
	                                 "  <jail>\n"
	                                 "    <jid>2</jid>\n"
	                                 "  </jail>\n"
	                                 "</info>\n");
	document("json,pretty,indent=1", false, &b);
	assert_string_equal(buf_str(&b), "{\n"
	                                 " \"__version\": \"2\", \n"
	                                 " \"info\": {\n"
	                                 "  \"jail\": [\n"
	                                 "   {\n"
	                                 "    \"jid\": 1,\n"
	                                 "    \"name\": \"a<\\\"b\",\n"
	                                 "    \"addrs\": [\n"
	                                 "     \"10.0.0.1\",\n"
	                                 "     \"10.0.0.2\"\n"
	                                 "    ],\n"
	                                 "    \"none\": [\n"
	                                 "    ],\n"
	                                 "    \"bad name\": \"\"\n"
	                                 "   },\n"
	                                 "   {\n"
	                                 "    \"jid\": 2\n"
	                                 "   }\n"
	                                 "  ]\n"
	                                 " }\n"
	                                 "}\n");
}

static void
options_are_found_before_the_double_dash(void **state)
{
	static const struct {
		const char *line; /* words between spaces */
		const char *left; /* what stays, or the message */
		enum xo_style style;
		bool pretty;
		int code;
	} rows[] = {
		{ "jls -n", "jls -n", XO_TEXT, false, 0 },
		{ "jls -n --libxo json x", "jls -n x", XO_JSON, false, 0 },
		{ "jls --libxo=xml,pretty", "jls", XO_XML, true, 0 },
		{ "jls --libxo:JP -v", "jls -v", XO_JSON, true, 0 },
		{ "jls --libxo:JTX", "jls", XO_XML, false, 0 },
		{ "jls --libxo:Ji4P", "jls", XO_JSON, true, 0 },
		{ "jls -- --libxo json", "jls -- --libxo json", XO_TEXT, false,
		  0 },
		{ "jls --libxorcist", "jls --libxorcist", XO_TEXT, false, 0 },
		{ "jls --libxo", "--libxo: missing option", XO_TEXT, false,
		  -EINVAL },
		{ "jls --libxo:H",
		  "--libxo: letter 'H' is not supported; T, J, X, P and iN are",
		  XO_TEXT, false, -EINVAL },
		{ "jls --libxo html",
		  "--libxo: \"html\" is not supported; text, json, xml, pretty "
		  "and indent=N are",
		  XO_TEXT, false, -EINVAL },
		{ "jls --libxo:i", "--libxo: indent \"\" is not 0 to 16",
		  XO_TEXT, false, -EINVAL },
		{ "jls --libxo indent=99",
		  "--libxo: indent \"99\" is not 0 to 16", XO_TEXT, false,
		  -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct xo_options o = XO_OPTIONS_INIT;
		struct error err = { 0 };
		cleanup_buf struct buf left = BUF_INIT;
		cleanup_free char *line = strdup(rows[i].line);
		char *argv[8];
		int argc = 0, rc;

		for (char *w = strtok(line, " "); w != NULL;
		     w = strtok(NULL, " "))
			argv[argc++] = w;
		argv[argc] = NULL;
		rc = xo_parse_args(&o, &argc, argv, &err);
		assert_int_equal(rc, rows[i].code);
		if (rc < 0) {
			assert_string_equal(err.msg, rows[i].left);
			continue;
		}
		for (int k = 0; k < argc; k++)
			buf_printf(&left, "%s%s", k > 0 ? " " : "", argv[k]);
		assert_null(argv[argc]);
		assert_string_equal(buf_str(&left), rows[i].left);
		assert_int_equal(o.style, rows[i].style);
		assert_int_equal(o.pretty, rows[i].pretty);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_are_libxos),
		cmocka_unit_test(options_are_found_before_the_double_dash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
