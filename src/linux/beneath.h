/* SPDX-License-Identifier: BSD-2-Clause */
/* beneath.h - opening paths below a directory that others may write to.
 *
 * Every path a tenant could influence (below a jail's root) is opened here and
 * then used by its descriptor: no symbolic link is followed, no ".." leads out,
 * whatever is renamed meanwhile. Needs openat2(2), Linux 5.6; there is no
 * fallback, because one made of lstat(2) would be a race.
 */
#ifndef LINUX_BENEATH_H
#define LINUX_BENEATH_H
#include <sys/types.h>

#include "base/error.h"

/*
 * Open path, taken relative to root_fd even when it starts with a slash.
 * flags are those of open(2), O_CLOEXEC is added; mode counts with O_CREAT.
 * An empty path or "/" is root_fd's directory itself.
 *
 * Returns a descriptor, the caller's. Errors: -ELOOP "PATH is a symbolic link",
 * naming the component that is one; else "PATH: STRERROR". label stands before
 * the path in messages ("/jails/web"); "" is fine.
 */
int beneath_open(int root_fd, const char *label, const char *path, int flags,
                 mode_t mode, struct error *err);
#endif
