/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.h - a site's pf.conf, by pfctl(8), in the network namespace we are in.
 */
#ifndef MANAGE_RULES_H
#define MANAGE_RULES_H
#include <stdbool.h>

#include "base/error.h"
#include "manage/command.h"

/* Is there a pf.conf in the directory? */
bool rules_are_there(const char *dir);

/* Load it and enable pf. -EINVAL: pfctl has told why not. */
int rules_load(const char *dir, command_line_fn *progress, void *arg,
               struct error *err);

/* Leave nothing of pf. */
int rules_unload(struct error *err);
#endif
