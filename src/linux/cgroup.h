/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.h - control groups: the unified hierarchy for membership, killing and
 * BPF, a cap on memory where it has that controller, and one on processes
 * wherever that controller is.
 *
 * Paths are relative to the unified root. Source: cgroups(7), kernel
 * admin-guide cgroup-v2, cgroup-v1/pids.
 */
#ifndef LINUX_CGROUP_H
#define LINUX_CGROUP_H
#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The directory of the unified hierarchy that this process may make groups
 * in: /sys/fs/cgroup, or its "unified" beside v1, or where neither shows a
 * detached mount; inside a jail, the group the jail was given, mounted
 * detached. Returns a directory's descriptor, for paths below it only.
 */
int cg_root(bool in_userns, struct error *err);

/* Make path (one level) and return its directory descriptor. An existing one
 * is taken as it is. */
int cg_make(int root, const char *path, struct error *err);

/* 1 when any process lives in the group or below, 0 when none. */
int cg_populated(int cg, struct error *err);

/* Append-free list of the pids directly in the group; malloc'ed. Returns
 * their number. */
int cg_pids(int cg, pid_t **out_pids, struct error *err);

/* SIGKILL everything in the group and below, also what it forks meanwhile. */
int cg_kill(int cg, struct error *err);

/* Remove the group and all groups below it, waiting out the moments that dying
 * tasks keep it busy. 0 when it is not there. */
int cg_remove_tree(int root, const char *path, struct error *err);

/* Hand a group over to uid (a nested jail's own groups). */
int cg_delegate(int cg, uid_t uid, gid_t gid, struct error *err);

/*
 * Hold everything below group path (below root) to max_bytes of memory
 * together. -ENOTSUP: the unified hierarchy has no memory controller. A v1 one
 * beside it is left alone: entering its groups costs each process a wait for
 * the whole machine (cgroup_threadgroup_rwsem), 10 ms and more.
 */
int cg_memory_cap(int root, const char *path, uint64_t max_bytes,
                  struct error *err);

/*
 * Hold everything below group cg to max processes and threads together. keeper
 * owns the limit from then on: a group's processes that are the host's uid 0
 * and see their group could raise what is uid 0's. -ENOTSUP: no such
 * controller here.
 */
int cg_pids_cap(int cg, uint64_t max, uid_t keeper, struct error *err);

/* Give groups that are made below path (below root) the controller, in the
 * unified hierarchy. -ENOTSUP: it is not there. */
int cg_enable(int root, const char *path, const char *controller,
              struct error *err);

/*
 * The root of the version 1 hierarchy that has the controller, as a detached
 * mount. -ENOTSUP: none has. Paths below it are as those of the unified one for
 * cg_make() and cg_remove_tree(); nobody is killed through it.
 */
int cg_v1_root(const char *controller, struct error *err);

/* Is there any version 1 hierarchy? Also true when that cannot be told. */
bool cg_has_v1(void);

/* Move the calling process, by a group's cgroup.procs open for writing. In a
 * version 1 hierarchy this waits for every CPU, 10 ms and more. */
int cg_enter(int procs, struct error *err);
#endif
