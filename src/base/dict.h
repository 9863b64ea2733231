/* SPDX-License-Identifier: BSD-2-Clause */
/* dict.h - an ordered map of strings to strings; small, so searched in line.
 *
 * Also its text form, one "key=value" a line, with backslash, newline and NUL
 * free: what state files under the runtime directory are made of.
 */
#ifndef BASE_DICT_H
#define BASE_DICT_H
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

enum {
	DICT_MAX_BYTES = 1 << 20, /* text form */
	DICT_MAX_ROWS = 4096,
};

struct dict_row {
	char *key, *val;
	unsigned hash; /* of key: dict.c's */
};

struct dict {
	struct dict_row *row;
	size_t n, cap;
};

#define DICT_INIT                                                              \
	{                                                                      \
		NULL, 0, 0                                                     \
	}
#define cleanup_dict __attribute__((cleanup(dict_fini)))

void dict_fini(struct dict *d);
/* The value, or NULL; belongs to d until the next change. */
const char *dict_get(const struct dict *d, const char *key);
/* Is the value there, and exactly this? */
bool dict_is(const struct dict *d, const char *key, const char *want);
/* The value as a claim or a number; fallback when absent or not one. */
bool dict_is_true(const struct dict *d, const char *key);
long long dict_get_int(const struct dict *d, const char *key,
                       long long fallback);
/* Set, in place when the key is there, else at the end. 0 or -ENOMEM. */
int dict_set(struct dict *d, const char *key, const char *val);
int dict_setf(struct dict *d, const char *key, const char *fmt, ...)
    PRINTF(3, 4);
void dict_del(struct dict *d, const char *key);
/* Set every row of from in d. 0 or -ENOMEM. */
int dict_merge(struct dict *d, const struct dict *from);
/* Text form, appended to out. */
void dict_write(const struct dict *d, struct buf *out);
/*
 * Read a text form into the empty dict d. Pure.
 * Errors: -EINVAL "line N: ...", -E2BIG a limit above, -ENOMEM; d is then
 * empty.
 */
int dict_read(struct dict *d, const char *text, size_t len, struct error *err);
#endif
