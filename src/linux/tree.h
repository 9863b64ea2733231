/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.h - whole directory trees: copied as they are, removed.
 *
 * For trees nobody else writes to meanwhile (a base, a copy being made). All
 * work is by descriptor and no symbolic link is followed, but a tenant's tree
 * has no business here.
 */
#ifndef LINUX_TREE_H
#define LINUX_TREE_H
#include <stdint.h>

#include "base/error.h"

enum {
	TREE_MAX_DEPTH = 200,      /* each level holds two descriptors */
	TREE_MAX_XATTR = 64 << 10, /* names, or one value, of one file */
};

struct tree_stats {
	uint64_t files;     /* regular files copied */
	uint64_t reflinked; /* of these, sharing their blocks with the source */
};

/*
 * Copy everything in directory from to the empty directory to, and from's own
 * owner, mode and times. Keeps owners, modes, times, extended attributes,
 * hard links, holes and special files; leaves out sockets, and what is mounted
 * below from. Shares blocks where the file system can (ioctl_ficlone(2)).
 *
 * Adds to *stats as it goes. On an error the half copy is the caller's to
 * remove.
 */
int tree_copy(int from, int to, struct tree_stats *stats, struct error *err);

/* Remove name below dirfd and all it holds. 0 when it is not there. Stops with
 * -EBUSY at something mounted. */
int tree_remove(int dirfd, const char *name, struct error *err);
#endif
