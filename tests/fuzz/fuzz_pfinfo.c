/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_pfinfo.c - the file of statistics that pfctl keeps: what is read prints,
 * and reads back the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pf/info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pf_info_kept k, back;
	cleanup_buf struct buf out = BUF_INIT;
	char *text = malloc(len + 1);

	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	pf_info_kept_read(text, &k);
	free(text);
	pf_info_kept_print(&k, &out);
	pf_info_kept_read(buf_str(&out), &back);
	if (memcmp(&k, &back, sizeof(k)) != 0)
		abort();
	return 0;
}
