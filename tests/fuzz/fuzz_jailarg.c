/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_jailarg.c - any lines as the parameters of a jail on the command line.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "jail/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was added is found again, and no two parameters are the same. */
static void
check_found(const struct conf_jail *j)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct conf_param *p = &j->param[i];
		const char *last = conf_jail_last(j, p->name);

		if (conf_jail_get(j, p->name) != p || p->name[0] == '\0')
			abort();
		if (p->values.n == 0 ? last != NULL
		                     : last != p->values.v[p->values.n - 1])
			abort();
		(void)conf_jail_is_true(j, p->name);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_strv struct strv arg = STRV_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct conf_jail j = { 0 };
	char *text = strndup((const char *)data, len);

	if (text == NULL || strv_split(&arg, text, "\n", true) < 0)
		abort();
	free(text);
	for (size_t i = 0; i < arg.n; i++) {
		struct error err = { 0 };

		if (conf_jail_add_arg(&j, arg.v[i], &err) < 0 &&
		    (err.code == 0 || err.msg[0] == '\0'))
			abort();
	}
	check_found(&j);
	conf_put_jail(&out, &j, "\t");
	conf_jail_fini(&j);
	return 0;
}
