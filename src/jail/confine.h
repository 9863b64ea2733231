/* SPDX-License-Identifier: BSD-2-Clause */
/* confine.h - from a jail's parameters to its walls: the cgroup's address and
 * device rules, and the system call filter and capabilities of each process.
 */
#ifndef JAIL_CONFINE_H
#define JAIL_CONFINE_H
#include "jail/filter.h"
#include "jail/internal.h"

struct making;

/* May this jail be made by us, and below its parent? FreeBSD's rules: a child
 * never has more than its parent. -EPERM, -EINVAL. */
int confine_check(const struct making *m, struct error *err);
/* May a jail with these parameters have the host's ids? -EPERM: with them its
 * root could change what is the host's. */
int confine_check_unshifted(const struct dict *d, struct error *err);

/* May a running jail be given these? parent is its parent's record, without
 * anything where that is the caller's own jail. */
int confine_check_change(const struct jail_sys *sys, const struct record *r,
                         const struct dict *params, const struct record *parent,
                         struct error *err);

/* Put the jail's cgroup under its address and device rules before the first
 * process enters. warn is told what this host cannot do. */
int confine_attach(struct jail_sys *sys, const struct record *r, int group,
                   unsigned devfs_ruleset,
                   void (*warn)(void *arg, const char *line), void *arg,
                   struct error *err);

/* Change the address rules of a running jail to what its record says now. */
int confine_update(struct jail_sys *sys, const struct record *r,
                   struct error *err);

/* What a record's parameters leave a process. */
struct jail_filter_flags confine_flags(const struct dict *rec);
#endif
