/* SPDX-License-Identifier: BSD-2-Clause */
/* fstab.h - one line of fstab(5), as mount and mount.fstab of jail.conf(5) give
 * it. Pure.
 */
#ifndef JAIL_FSTAB_H
#define JAIL_FSTAB_H
#include <stddef.h>

#include "base/error.h"

enum {
	FSTAB_MAX_LINE = 16 << 10, /* bytes of one line */
	FSTAB_MAX_BYTES = 1 << 20, /* one file */
	FSTAB_MAX_LINES = 4096,    /* mounts of one jail */
};

struct fstab_line {
	char *what, *where, *type;
	char *opts; /* NULL: none given */
};

/*
 * Read one line of len bytes: WHAT WHERE TYPE [OPTIONS [dump pass]], octal
 * escapes (\040) decoded in the first two; what follows is not looked at.
 *
 * 1: *out is the caller's (fstab_line_fini()); 0: nothing but white space or a
 * comment. -EINVAL "LINE: missing information" or "LINE: fstab parse error",
 * -E2BIG, -ENOMEM.
 */
int fstab_parse(const char *line, size_t len, struct fstab_line *out,
                struct error *err);
void fstab_line_fini(struct fstab_line *l);
#endif
