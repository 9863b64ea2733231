/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock.h - a process gives up the file system but for one directory.
 *
 * For our own programs that work with the host's rights in a tree a tenant
 * writes: beneath.h keeps their paths in it, this keeps the process in it,
 * whatever a path or a byte there did to the program. Not for jails: domains
 * are never joined, so each process that enters would have one beside the
 * others', between which nobody may trace or look at another (landlock(7)).
 */
#ifndef LINUX_LANDLOCK_H
#define LINUX_LANDLOCK_H
#include "base/error.h"

/*
 * From now on this process and its children can open, make, rename and remove
 * files below dirfd only, run nothing, change no mounts and trace nobody
 * outside. What is open stays so. Needs CAP_SYS_ADMIN. -ENOTSUP: this kernel
 * has no Landlock; nothing changed then.
 */
int landlock_only_below(int dirfd, struct error *err);

/*
 * From now on this process opens, makes, runs nothing at all, and where the
 * kernel can (6.12) speaks to no process outside by signals and abstract
 * sockets. What is open stays so. Needs no_new_privs. -ENOTSUP as above.
 */
int landlock_nothing(struct error *err);
#endif
