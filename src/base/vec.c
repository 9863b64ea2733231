/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.c - room in arrays that grow. */
#include "base/vec.h"

#include <stdlib.h>

enum { FIRST = 16 };

void *
vec_room(void *v, size_t n, size_t *cap, size_t elem_bytes)
{
	size_t more = FIRST, bytes;
	void *grown;

	if (n < *cap)
		return v;
	if ((*cap != 0 && __builtin_mul_overflow(*cap, 2, &more)) ||
	    __builtin_mul_overflow(more, elem_bytes, &bytes))
		return NULL;
	grown = reallocarray(v, more, elem_bytes);
	if (grown != NULL)
		*cap = more;
	return grown;
}
