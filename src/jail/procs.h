/* SPDX-License-Identifier: BSD-2-Clause */
/* procs.h - how many processes a jail may have at once.
 *
 * A jail with ids of its own is held by RLIMIT_NPROC of who owns its user
 * namespace. The kernel asks that of nobody who is the host's uid 0, which root
 * of a jail without them is: such a jail gets the same limit from the pids
 * controller, wherever that is.
 */
#ifndef JAIL_PROCS_H
#define JAIL_PROCS_H
#include <stdint.h>

#include "jail/internal.h"

/* The limit of a jail that is made now. */
uint64_t procs_max(void);

/*
 * Hold the jail whose cgroup is group to procs_max() processes. The record
 * tells of what is made before it is. *out_enter is as below. -ENOTSUP: no
 * controller here.
 */
int procs_hold(struct jail_sys *sys, struct record *r, int group,
               int *out_enter, struct error *err);

/*
 * What a process that comes to the jail has to enter by cg_enter() before it
 * takes the jail's ids: a descriptor, the caller's, to *out_enter, or -1 when
 * membership of the jail's cgroup is enough.
 */
int procs_enter_open(const struct record *r, int *out_enter, struct error *err);

/* Remove what procs_hold() made, once nobody is in it. */
int procs_release(const struct jail_sys *sys, const struct record *r,
                  struct error *err);
#endif
