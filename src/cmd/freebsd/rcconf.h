/* SPDX-License-Identifier: BSD-2-Clause */
/* rcconf.h - files of shell assignments such as rc.conf(5): their values, and
 * their text with one value changed.
 *
 * Knows assignments that begin a line (also behind "export") or follow another
 * one; whatever else a line holds is kept and not understood. $NAME and ${NAME}
 * are what was assigned before; other expansions stay as they are written,
 * because nothing is run. Pure.
 */
#ifndef CMD_FREEBSD_RCCONF_H
#define CMD_FREEBSD_RCCONF_H
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/dict.h"
#include "base/error.h"

enum {
	RCCONF_MAX_BYTES = 1 << 20,  /* one file */
	RCCONF_MAX_ITEMS = 4096,     /* assignments in it */
	RCCONF_MAX_VALUE = 64 << 10, /* bytes of one value, expanded */
};

struct rcconf_item {
	char *name;
	size_t start, value, end; /* offsets: NAME, its value, behind it */
};

struct rcconf {
	const char *file, *text; /* as parsed; the caller's */
	size_t len;
	struct rcconf_item *item; /* in the order of the text */
	size_t n, cap;
};

#define RCCONF_INIT                                                            \
	{                                                                      \
		NULL, NULL, 0, NULL, 0, 0                                      \
	}

/*
 * Find the assignments in text and put the values into vars, over what is
 * there. *out is the caller's and refers to file and text. Errors: -EINVAL
 * "FILE: line N: unterminated quoted string" or "NUL byte", -E2BIG, -ENOMEM;
 * vars then holds what came before.
 */
int rcconf_parse(const char *file, const char *text, size_t len,
                 struct dict *vars, struct rcconf *out, struct error *err);
void rcconf_fini(struct rcconf *rc);
/* The last assignment to name, or NULL. */
const struct rcconf_item *rcconf_find(const struct rcconf *rc,
                                      const char *name);
/*
 * Append the text to out with the last assignment to name changed, or one added
 * at the end. The value is quoted so that the shell reads it as it is. -ENOTSUP
 * "FILE: cannot change NAME": the new text would not say what it should; out is
 * then of no use. -ENOMEM.
 */
int rcconf_set(const struct rcconf *rc, const char *name, const char *value,
               struct buf *out, struct error *err);
/* The same without any assignment to name; a line that held nothing else goes
 * with it. */
int rcconf_del(const struct rcconf *rc, const char *name, struct buf *out,
               struct error *err);
/* Is it a name the shell could assign to? */
bool rcconf_name_ok(const char *name);
#endif
