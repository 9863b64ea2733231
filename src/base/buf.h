/* SPDX-License-Identifier: BSD-2-Clause */
/* buf.h - a growing byte string.
 *
 * Invariant: data is NULL or holds len bytes and a NUL after them. A failed
 * allocation sets failed and drops what follows, so callers check once, at
 * the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

struct buf {
	char *data;
	size_t len, cap;
	bool failed; /* memory ran out; the content is cut */
};

#define BUF_INIT                                                               \
	{                                                                      \
		NULL, 0, 0, false                                              \
	}
#define cleanup_buf __attribute__((cleanup(buf_fini)))

void buf_fini(struct buf *b);  /* frees; b is empty afterwards */
void buf_reset(struct buf *b); /* empties, keeps the memory */
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *s);
void buf_put(struct buf *b, const void *p, size_t len);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* The text, "" when empty; belongs to b. */
const char *buf_str(const struct buf *b);
/* The text as the caller's malloc'ed string, b empty; NULL: out of memory. */
char *buf_take(struct buf *b);
#endif
