/* SPDX-License-Identifier: BSD-2-Clause */
/* userns.h - user namespaces made to order. */
#ifndef LINUX_USERNS_H
#define LINUX_USERNS_H
#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A new user namespace mapping ids 0..count-1 to base..base+count-1, owned by
 * uid owner: what it uses up (inotify instances, locked memory ...) is charged
 * to that uid, not to root (user_namespaces(7), "per-namespace limits"). At
 * most max_procs processes may live in it (RLIMIT_NPROC of its owner), which
 * the kernel asks of nobody who is the host's uid 0. Returns a descriptor, the
 * caller's.
 */
int userns_create(uid_t owner, uid_t base, uint32_t count, uint64_t max_procs,
                  struct error *err);

/* Is this process in a user namespace that does not map everything? */
bool userns_is_nested(void);
#endif
