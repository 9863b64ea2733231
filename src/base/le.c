/* SPDX-License-Identifier: BSD-2-Clause */
/* le.c - byte by byte; compilers make single moves of it. */
#include "base/le.h"

uint64_t
le_get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n && i < sizeof(v); i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

void
le_put(uint8_t *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n && i < sizeof(v); i++)
		p[i] = (uint8_t)(v >> 8 * i);
}
