/* SPDX-License-Identifier: BSD-2-Clause */
/* masks.h - what of /proc and /sys a jail does not get to see or change.
 *
 * A pure table; whoever makes the jail's mounts walks it, skipping rows whose
 * path this kernel does not have. The mounts must be made before the jail's
 * user namespace is entered: only then are they locked for the jail's root.
 *
 * Files that only the host's root may open or write (/proc/kcore, kmsg,
 * sysrq-trigger ...) need no mask where the jail's ids are shifted: their owner
 * has no place in the jail's user namespace, so no capability inside opens
 * them. Where ids could not be shifted root inside is that owner.
 */
#ifndef JAIL_MASKS_H
#define JAIL_MASKS_H
#include <stddef.h>

enum jail_mask_kind {
	JAIL_MASK_FILE,     /* an empty file over it: /dev/null */
	JAIL_MASK_DIR,      /* an empty read-only directory over it */
	JAIL_MASK_READONLY, /* itself, read-only, with all below */
	JAIL_MASK_WRITABLE, /* a hole in a read-only row above */
};

enum jail_mask_when {
	JAIL_MASK_ALWAYS,
	JAIL_MASK_VNET,      /* jails with a network stack of their own */
	JAIL_MASK_UNSHIFTED, /* jails whose root is the host's uid 0 */
};

struct jail_mask {
	const char *path; /* absolute, as the jail sees it */
	enum jail_mask_kind kind;
	enum jail_mask_when when;
};

/*
 * Rows below /proc, in the order to mount them. A jail that may hold jails
 * goes without, if its ids are shifted: a masked /proc is "too revealing" to
 * the kernel to let a nested jail mount its own, and who can mount a fresh one
 * has no masks.
 */
extern const struct jail_mask jail_mask_proc[];
extern const size_t jail_mask_proc_len;

/* Rows below /sys, where a jail has one; it is read-only as a whole. */
extern const struct jail_mask jail_mask_sys[];
extern const size_t jail_mask_sys_len;
#endif
