/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.h - room in arrays that grow. */
#ifndef BASE_VEC_H
#define BASE_VEC_H
#include <stddef.h>

/*
 * Room for one more element behind the n of the array v, which holds *cap of
 * elem_bytes each (NULL: none). Returns the array, perhaps moved, with *cap as
 * it is now; NULL: out of memory, and nothing changed.
 */
void *vec_room(void *v, size_t n, size_t *cap, size_t elem_bytes);
#endif
