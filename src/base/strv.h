/* SPDX-License-Identifier: BSD-2-Clause */
/* strv.h - a growing vector of strings, always ended by NULL (an argv). */
#ifndef BASE_STRV_H
#define BASE_STRV_H
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct strv {
	char **v; /* NULL or n strings and a NULL; all owned */
	size_t n, cap;
};

#define STRV_INIT                                                              \
	{                                                                      \
		NULL, 0, 0                                                     \
	}
#define cleanup_strv __attribute__((cleanup(strv_fini)))

void strv_fini(struct strv *sv);
/* Copy s (or its first len bytes) to the end. 0 or -ENOMEM. */
int strv_push(struct strv *sv, const char *s);
int strv_pushn(struct strv *sv, const char *s, size_t len);
int strv_pushf(struct strv *sv, const char *fmt, ...) PRINTF(2, 3);
/* Append all of from. 0 or -ENOMEM. */
int strv_extend(struct strv *sv, const struct strv *from);
/* Append the pieces of s between any of the bytes of seps; empty pieces are
 * kept when keep_empty. 0 or -ENOMEM. */
int strv_split(struct strv *sv, const char *s, const char *seps,
               bool keep_empty);
/* Append the strings to out, sep between. */
void strv_join(const struct strv *sv, const char *sep, struct buf *out);
bool strv_has(const struct strv *sv, const char *s);
/* Drop the last n strings. */
void strv_drop(struct strv *sv, size_t n);
#endif
