/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.c - many small pieces of memory that are freed at once. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 64 << 10 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size; /* of data */
	_Alignas(max_align_t) char data[];
};

void
arena_fini(struct arena *a)
{
	while (a->chunk != NULL) {
		struct arena_chunk *next = a->chunk->next;

		free(a->chunk);
		a->chunk = next;
	}
	a->used = 0;
	a->failed = false;
}

/* A chunk with room for bytes; a large piece gets one of its own. */
static struct arena_chunk *
chunk_for(struct arena *a, size_t bytes)
{
	struct arena_chunk *c = a->chunk;
	size_t size = bytes > CHUNK / 4 ? bytes : CHUNK;

	if (c != NULL && c->size - c->used >= bytes)
		return c;
	c = calloc(1, sizeof(*c) + size);
	if (c == NULL)
		return NULL;
	c->size = size;
	/* What is left of the newest is still good for small pieces. */
	if (size != CHUNK && a->chunk != NULL) {
		c->next = a->chunk->next;
		a->chunk->next = c;
	} else {
		c->next = a->chunk;
		a->chunk = c;
	}
	return c;
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_chunk *c = NULL;
	void *p;

	if (!a->failed && bytes <= a->limit - a->used) {
		bytes = (bytes + align - 1) / align * align;
		c = chunk_for(a, bytes);
	}
	if (c == NULL) {
		a->failed = true;
		return NULL;
	}
	p = c->data + c->used;
	c->used += bytes;
	a->used = bytes < a->limit - a->used ? a->used + bytes : a->limit;
	return p;
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy != NULL)
		memcpy(copy, s, len);
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len >= 0)
		s = arena_alloc(a, (size_t)len + 1);
	if (s != NULL) {
		va_start(ap, fmt);
		vsnprintf(s, (size_t)len + 1, fmt, ap);
		va_end(ap);
	}
	return s;
}
