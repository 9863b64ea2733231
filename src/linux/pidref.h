/* SPDX-License-Identifier: BSD-2-Clause */
/* pidref.h - a process that can be told from a later one with the same pid.
 *
 * Where the kernel numbers pidfds uniquely (6.9, pidfs) that number is the
 * identity; elsewhere the start time of proc(5) stat, field 22. A pidfd is
 * always taken first and the identity compared after, so there is no race.
 */
#ifndef LINUX_PIDREF_H
#define LINUX_PIDREF_H
#include <sys/types.h>

#include <stdint.h>

#include "base/error.h"

struct pidref {
	pid_t pid;
	uint64_t start; /* clock ticks since boot */
	uint64_t ino;   /* pidfd inode; 0: this kernel has none */
};

/* Describe a process from its pidfd. -ESRCH: it is gone. */
int pidref_of(int pidfd, pid_t pid, struct pidref *out, struct error *err);

/* A pidfd of the very same process, the caller's; -ESRCH: it is gone, also
 * when its pid is another's now, or when only a zombie is left. */
int pidref_open(const struct pidref *ref);
#endif
