/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_fstab.c - any bytes as one line of fstab(5). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jail/fstab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fstab_line l;
	struct error err;

	if (fstab_parse((const char *)data, len, &l, &err) != 1)
		return 0;
	/* Words are never empty nor longer than what they came from. */
	if (l.what[0] == '\0' || l.where[0] == '\0' || l.type[0] == '\0' ||
	    strlen(l.what) + strlen(l.where) + strlen(l.type) > len)
		abort();
	fstab_line_fini(&l);
	return 0;
}
