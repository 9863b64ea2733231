/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock_scope.h - Landlock's scope for abstract UNIX sockets.
 *
 * Domains nest and are never joined: a process that takes the scope itself can
 * no longer reach abstract sockets of a sibling that took its own. So a jail's
 * first process takes it and everybody else must be its descendant.
 * Source: landlock(7), "IPC scoping".
 */
#ifndef LINUX_LANDLOCK_SCOPE_H
#define LINUX_LANDLOCK_SCOPE_H
#include "base/error.h"

enum { LANDLOCK_ABI_SCOPE = 6 }; /* Linux 6.12 */

/* The kernel's Landlock ABI; 0 when it has none or it is off. */
int landlock_abi(void);

/*
 * From now on the calling thread and its descendants connect only to abstract
 * sockets made among themselves. Paths, mounts and signals are not limited.
 * Needs CAP_SYS_ADMIN in its user namespace. -EOPNOTSUPP: ABI below 6.
 */
int landlock_scope_abstract(struct error *err);
#endif
