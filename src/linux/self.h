/* SPDX-License-Identifier: BSD-2-Clause */
/* self.h - where this program's companions are.
 *
 * Programs live in X/bin (or X/sbin), their helpers in X/libexec/gaol: the same
 * in the build tree, under DESTDIR and installed, so nothing is compiled in.
 */
#ifndef LINUX_SELF_H
#define LINUX_SELF_H
#include <limits.h>

#include "base/error.h"

/* X/libexec/gaol, or X/libexec/gaol/NAME when name is not NULL. A program that
 * itself lives below libexec/gaol finds its own tree. */
int self_libexec(const char *name, char out[PATH_MAX], struct error *err);

/* X/bin/NAME (X/sbin/NAME when this program is there): a program beside it. */
int self_bin(const char *name, char out[PATH_MAX], struct error *err);
#endif
