/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_vm_config.c - bhyve_config(5) text: what is read dumps as text that
 * reads back the same, and every value expands or is refused in bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "vmm/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
read_all(const struct config_node *n)
{
	for (; n != NULL; n = config_next(n)) {
		const char *v = config_get(n, "");

		if (v != NULL && strlen(v) > 2 * CONFIG_MAX_VALUE)
			abort();
		read_all(config_first(n));
	}
}

static void
check_stable(const struct config *c)
{
	cleanup_buf struct buf one = BUF_INIT, two = BUF_INIT;
	struct config *again;
	struct error err;

	if (config_dump(c, &one) < 0)
		return;
	if (config_new(&again, &err) < 0)
		abort();
	if (config_parse(again, "again", one.data, one.len, &err) < 0 ||
	    config_dump(again, &two) < 0 ||
	    strcmp(buf_str(&one), buf_str(&two)) != 0)
		abort();
	config_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config *c;
	struct error err;

	if (config_new(&c, &err) < 0)
		abort();
	/* What came before a bad line is there, too. */
	(void)config_parse(c, "fuzz", (const char *)data, len, &err);
	check_stable(c);
	read_all(config_first(config_root(c)));
	config_free(c);
	return 0;
}
