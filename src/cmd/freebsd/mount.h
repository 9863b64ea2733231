/* SPDX-License-Identifier: BSD-2-Clause */
/* mount.h - one mount as mount(8) was asked for it, and the types that know how
 * to make it.
 */
#ifndef CMD_FREEBSD_MOUNT_H
#define CMD_FREEBSD_MOUNT_H
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

struct mount_request {
	const char *type, *what, *where;
	uint64_t set, clr; /* MOUNT_ATTR_* */
	struct strv opts;  /* those that belong to the type: "size=1g" */
};

struct mount_type {
	const char *name;
	/* Options it takes, NULL-ended: "size=" with a value, "below"
	 * without. */
	const char *const *opts;
	/* Make the mount at place, an O_PATH descriptor of where. */
	int (*make)(const struct mount_request *rq, int place,
	            struct error *err);
};

/* NULL: not one of ours. */
const struct mount_type *mount_type_find(const char *name);
/* What umount does besides for a union mount: its work directory goes. source
 * is as mountinfo has it. */
void mount_union_forget(const char *source);
#endif
