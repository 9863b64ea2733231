/* SPDX-License-Identifier: BSD-2-Clause */
/* root.h - a jail's root made ready from a base, for exec.prepare hooks.
 *
 * Mounts nothing: which directories a jail gets from where is said in
 * jail.conf. A jail's directory DIR holds root, what path names, and for thin
 * jails own, what the jail may write. Both are made once, whole or not at all,
 * and never touched again: from then on they are the tenant's.
 */
#ifndef MANAGE_ROOT_H
#define MANAGE_ROOT_H
#include "base/error.h"
#include "linux/tree.h"

/*
 * Thin: DIR/root, empty, to mount the base on, and DIR/own with a copy of the
 * base's etc home opt root srv tmp usr/local var.
 * Thick: DIR/root, a full copy of the base.
 *
 * base is the path of a base. 1: made, *stats says what was copied; 0: was
 * there. Safe to call from several processes at once.
 */
int root_make_thin(const char *base, const char *dir, struct tree_stats *stats,
                   struct error *err);
int root_make_thick(const char *base, const char *dir, struct tree_stats *stats,
                    struct error *err);
#endif
