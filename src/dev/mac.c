/* SPDX-License-Identifier: BSD-2-Clause */
/* mac.c - a card's Ethernet address: read, or derived. */
#include "dev/mac.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/md5.h"

void
mac_derive(unsigned slot, unsigned func, const char *vm, uint8_t out[6])
{
	static const uint8_t freebsd[3] = { 0x58, 0x9c, 0xfc };
	uint8_t h[MD5_BYTES];
	char text[300];
	int n = snprintf(text, sizeof(text), "%u-%u-%s", slot, func, vm);

	md5(text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1, h);
	memcpy(out, freebsd, 3);
	memcpy(out + 3, h, 3);
}

int
mac_parse(const char *text, uint8_t out[6], struct error *err)
{
	const char *at = text;
	unsigned all = 0;

	for (unsigned i = 0; i < 6; i++) {
		char *end;
		unsigned long v = strtoul(at, &end, 16);

		if (end == at || end - at > 2 || v > 0xff ||
		    *end != (i < 5 ? ':' : '\0'))
			return error_set(err, -EINVAL,
			                 "mac '%s': want XX:XX:XX:XX:XX:XX",
			                 text);
		out[i] = (uint8_t)v;
		all |= (unsigned)v;
		at = end + 1;
	}
	if ((out[0] & 1) != 0 || all == 0)
		return error_set(err, -EINVAL, "mac '%s': not of one card",
		                 text);
	return 0;
}
