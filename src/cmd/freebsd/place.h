/* SPDX-License-Identifier: BSD-2-Clause */
/* place.h - mount points given to mount and umount, opened once and then used
 * by descriptor.
 *
 * Below the root of the jail a hook works for ($JPATH) no symbolic link is
 * followed, as jail(8) has it on FreeBSD: the jail's own root could have put it
 * there. Elsewhere paths are what the administrator says they are.
 */
#ifndef CMD_FREEBSD_PLACE_H
#define CMD_FREEBSD_PLACE_H
#include "base/error.h"

/* O_PATH descriptor of a mount point that is to be covered. */
int place_open(const char *path, struct error *err);

/* O_PATH descriptor of the directory that path's last name is in; *out_name is
 * that name, inside path's copy (malloc'ed, *out_copy). The last name itself
 * is never followed. "/" gives -EBUSY. */
int place_open_parent(const char *path, char **out_copy, const char **out_name,
                      struct error *err);
#endif
