/* SPDX-License-Identifier: BSD-2-Clause */
/* debian.h - a Debian tree as a plan says, made by mmdebstrap(1). */
#ifndef MANAGE_DEBIAN_H
#define MANAGE_DEBIAN_H
#include "base/error.h"
#include "base/strv.h"
#include "manage/base.h"
#include "manage/command.h"

/*
 * Make the tree path: the plan's packages and those of also (NULL: none), then
 * the plan's commands in it. what ("base www") stands before each line of
 * progress. Network: the caller's. 0 or a negative errno.
 */
int debian_tree(const struct base_plan *plan, const struct strv *also,
                const char *what, const char *path, command_line_fn *progress,
                void *arg, struct error *err);
#endif
