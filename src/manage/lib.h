/* SPDX-License-Identifier: BSD-2-Clause */
/* lib.h - where bases and jails are kept: /var/lib/gaol, or $GAOL_LIB.
 *
 * Only root may look inside: a jail's files keep their owners on disk, so a
 * set-user-id program made by a jail's root would be one for anybody who could
 * reach it on the host.
 */
#ifndef MANAGE_LIB_H
#define MANAGE_LIB_H
#include <limits.h>

#include "base/error.h"

/* Open a directory below it, made (0700) when missing; "" is itself. Also
 * writes its path when out_path is not NULL. Returns a descriptor. */
int lib_open(const char *below, char out_path[PATH_MAX], struct error *err);

/* Open the directory path, made with those above it (0700) when missing. */
int lib_open_path(const char *path, struct error *err);
#endif
