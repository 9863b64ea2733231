/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_vm_ctl.c - a request at a VM's control socket: words without spaces,
 * in order, inside the request.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[CTL_MAX_REQUEST + 1], *words[CTL_MAX_WORDS];
	const char *end = text;
	int n;

	if (len > CTL_MAX_REQUEST)
		return 0;
	memcpy(text, data, len);
	n = ctl_words(text, len, words);
	if (n == 0 || n > CTL_MAX_WORDS)
		abort();
	for (int i = 0; i < n; i++) {
		if (words[i] < end || *words[i] == '\0' ||
		    strchr(words[i], ' ') != NULL)
			abort();
		end = words[i] + strlen(words[i]);
		if (end > text + len)
			abort();
	}
	return 0;
}
