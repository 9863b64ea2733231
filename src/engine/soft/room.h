/* SPDX-License-Identifier: BSD-2-Clause */
/* room.h - large tables, of which only what is in use takes memory. */
#ifndef SOFT_ROOM_H
#define SOFT_ROOM_H
#include <stddef.h>

/* Zeros, page-aligned; nothing is resident before it is used. NULL: there is no
 * more. */
void *room_new(size_t bytes);
void room_free(void *room, size_t bytes); /* of room_new(); NULL is fine */
/* Zeros again, and not resident: what of [at, at+bytes) is whole pages. */
void room_empty(void *at, size_t bytes);
#endif
