/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.h - many small pieces of memory that are freed at once.
 *
 * What a parser builds lives in one arena, so that no path of it can leak. A
 * limit bounds what an input can make us take; past it, as without memory,
 * every call returns NULL and failed stays set.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk; /* newest first */
	size_t used, limit;        /* bytes handed out, and how many may be */
	bool failed;
};

#define ARENA_INIT(limit_bytes)                                                \
	{                                                                      \
		NULL, 0, (limit_bytes), false                                  \
	}
#define cleanup_arena __attribute__((cleanup(arena_fini)))

void arena_fini(struct arena *a); /* frees all; a is empty afterwards */
/* Zeroed and aligned for any type; NULL: out of memory, or past the limit. */
void *arena_alloc(struct arena *a, size_t bytes);
/* A copy of s, or of its first len bytes. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
#endif
