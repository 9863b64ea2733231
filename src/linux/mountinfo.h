/* SPDX-License-Identifier: BSD-2-Clause */
/* mountinfo.h - the mounts of this mount namespace, as proc(5) lists them.
 *
 * A picture of one moment. Parsing is pure.
 */
#ifndef LINUX_MOUNTINFO_H
#define LINUX_MOUNTINFO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	MOUNTINFO_MAX_BYTES = 64 << 20, /* the whole list */
};

/* One mount; octal escapes are decoded. */
struct mountinfo_row {
	uint64_t id, parent;
	uint32_t major, minor; /* of the file system */
	char *root;            /* what of it is mounted; "/": all */
	char *point;           /* where, as this process sees it */
	char *opts;            /* of the mount: "ro,nosuid" */
	char *type, *source;
	char *super; /* options of the file system */
};

struct mountinfo {
	struct mountinfo_row *row; /* in the kernel's order */
	size_t n, cap;
	char *text; /* what the rows point into */
};

#define MOUNTINFO_INIT                                                         \
	{                                                                      \
		NULL, 0, 0, NULL                                               \
	}
#define cleanup_mountinfo __attribute__((cleanup(mountinfo_fini)))

/* Read the caller's own list. Errors: what open(2) says, -ENOMEM, -EPROTO. */
int mountinfo_read(struct mountinfo *out, struct error *err);
/* Parse a list; takes text (malloc'ed), also on failure. -EPROTO "line N". */
int mountinfo_parse(char *text, struct mountinfo *out, struct error *err);
void mountinfo_fini(struct mountinfo *mi);
/* The last, so topmost, mount at point, or NULL. */
const struct mountinfo_row *mountinfo_at(const struct mountinfo *mi,
                                         const char *point);

/* Is this the mount namespace everybody sees, pid 1's, and not the own one of
 * "ip netns exec"? Told from the two lists, which anyone may read. */
bool mountinfo_is_first(void);
#endif
