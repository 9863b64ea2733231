/* SPDX-License-Identifier: BSD-2-Clause */
/* fstypes.h - FreeBSD's words for what is mounted, shared by mount and umount.
 */
#ifndef CMD_FREEBSD_FSTYPES_H
#define CMD_FREEBSD_FSTYPES_H
#include <stdbool.h>

#include "base/buf.h"
#include "linux/mountinfo.h"

/*
 * The FreeBSD name of a mount's type: a part of a file system, or a second
 * mount of one, is "nullfs"; proc is "procfs", overlay "unionfs" and so on.
 * Others have the same name on both systems.
 */
const char *fstype_of(const struct mountinfo *mi,
                      const struct mountinfo_row *row);
/* The Linux name of a type, itself when there is no other. */
const char *fstype_linux(const char *name);
/* May a mount be what its maker called name? Linux does not remember that a
 * mount was made as nullfs, so any may. */
bool fstype_may_be(const struct mountinfo_row *row, const char *name);
/* Is type in the list "a,b", or not in the list "noa,b"? NULL: yes. */
bool fstype_listed(const char *list, const char *type);
/* What it is a mount of, as FreeBSD shows it: the directory for a nullfs. */
void fstype_source(const struct mountinfo *mi, const struct mountinfo_row *row,
                   struct buf *out);
#endif
