/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_param.c - a parameter as the command line gives it: "name=value", its
 * words between newlines. What is imported must import to itself again, and
 * whatever a jail holds must show without control bytes.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "jail/list.h"
#include "jail/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX_INPUT = 8192 };

/* jls -n of a jail that has this value. */
static void
show(const struct param *p, const char *value)
{
	char name[64];
	char *asked = name;
	struct list_options o = { .named = true, .xo = XO_OPTIONS_INIT };
	cleanup_dict struct dict d = DICT_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct list *l = NULL;
	struct error err;

	snprintf(name, sizeof(name), "%s", p->name);
	if (p->pseudo || dict_set(&d, p->name, value) < 0 ||
	    list_new(&o, &asked, 1, &l, &err) < 0)
		return;
	list_begin(l, &out);
	list_jail(l, &d, &out);
	list_end(l, &out);
	list_free(l);
	for (size_t i = 0; i < out.len; i++)
		assert(!iscntrl((unsigned char)out.data[i]) ||
		       strchr("\n\t", out.data[i]) != NULL);
}

static void
import(const struct param *p, bool negated, const struct strv *words)
{
	cleanup_free char *text = NULL;
	cleanup_free char *again = NULL;
	cleanup_strv struct strv canonical = STRV_INIT;
	cleanup_dict struct dict d = DICT_INIT;
	struct error err;

	if (param_import(p, negated, words, &text, &err) < 0)
		return;
	if (strv_push(&canonical, text) < 0 ||
	    param_import(p, false, &canonical, &again, &err) < 0)
		abort(); /* what we made, we must take */
	if (p->type != PARAM_IP4 && p->type != PARAM_IP6)
		assert(strcmp(text, again) == 0);
	(void)param_check(p, text, &err);
	if (dict_set(&d, p->name, text) == 0)
		(void)param_check_set(&d, &err);
	show(p, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_strv struct strv words = STRV_INIT;
	cleanup_free char *copy = NULL;
	const struct param *p;
	bool negated;
	char *eq;

	if (len > MAX_INPUT || (copy = malloc(len + 1)) == NULL)
		return 0;
	memcpy(copy, data, len);
	copy[len] = '\0';
	eq = strchr(copy, '=');
	if (eq != NULL) {
		*eq = '\0';
		if (strv_split(&words, eq + 1, "\n", true) < 0)
			return 0;
	}
	p = param_find(copy, &negated);
	if (p != NULL)
		import(p, negated, &words);
	return 0;
}
