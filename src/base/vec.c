/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.c - room in arrays that grow. */
#include "base/vec.h"

#include <stdlib.h>

enum { FIRST = 16 };

void *
vec_room(void *v, size_t n, size_t *cap, size_t elem_bytes)
{
	size_t more = *cap != 0 ? *cap * 2 : FIRST;
	void *grown;

	if (n < *cap)
		return v;
	grown = reallocarray(v, more, elem_bytes);
	if (grown != NULL)
		*cap = more;
	return grown;
}
