/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_rcconf.c - any text as an rc.conf, read and changed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/freebsd/rcconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A change checks itself: it says what it should or is refused. Deleting never
 * makes text longer. */
static void
change(const struct rcconf *rc, const char *name)
{
	cleanup_buf struct buf set = BUF_INIT;
	cleanup_buf struct buf del = BUF_INIT;
	struct error err;

	(void)rcconf_set(rc, name, "a \"$b` \\", &set, &err);
	(void)rcconf_del(rc, name, &del, &err);
	if (set.len == 0 || del.len > rc->len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct rcconf rc = RCCONF_INIT;
	struct dict vars = DICT_INIT;
	struct error err;

	if (rcconf_parse("fuzz", text, len, &vars, &rc, &err) == 0)
		for (size_t i = 0; i < rc.n && i < 8; i++)
			change(&rc, rc.item[i].name);
	rcconf_fini(&rc);
	dict_fini(&vars);
	return 0;
}
