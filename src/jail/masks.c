/* SPDX-License-Identifier: BSD-2-Clause */
/* masks.c - what of /proc and /sys a jail does not get to see or change: the
 * table. At least what OCI runtimes hide by default, less what user namespaces
 * hide already (masks.h), plus what tells of the host and its neighbours.
 */
#include "jail/masks.h"

#include "base/base.h"

const struct jail_mask jail_mask_proc[] = {
	/* Kernel parameters: those of the jail's own namespaces would be the
	 * jail's to change. With a network stack its part stays writable. */
	{ "/proc/sys", JAIL_MASK_READONLY, false },
	{ "/proc/sys/net", JAIL_MASK_WRITABLE, true },
	/* World-readable and about the host: how it was booted, whose keys it
	 * holds, what it does this instant (a side channel), its hardware. */
	{ "/proc/cmdline", JAIL_MASK_FILE, false },
	{ "/proc/keys", JAIL_MASK_FILE, false },
	{ "/proc/key-users", JAIL_MASK_FILE, false },
	{ "/proc/kallsyms", JAIL_MASK_FILE, false },
	{ "/proc/interrupts", JAIL_MASK_FILE, false },
	{ "/proc/sched_debug", JAIL_MASK_FILE, false },
	{ "/proc/latency_stats", JAIL_MASK_FILE, false },
	{ "/proc/timer_stats", JAIL_MASK_FILE, false },
	{ "/proc/acpi", JAIL_MASK_DIR, false },
	{ "/proc/asound", JAIL_MASK_DIR, false },
	{ "/proc/scsi", JAIL_MASK_DIR, false },
};
const size_t jail_mask_proc_len = ARRAY_LEN(jail_mask_proc);

const struct jail_mask jail_mask_sys[] = {
	{ "/sys/firmware", JAIL_MASK_DIR, false },
	{ "/sys/kernel/vmcoreinfo", JAIL_MASK_FILE, false },
	{ "/sys/kernel/notes", JAIL_MASK_FILE, false },
	{ "/sys/fs/selinux", JAIL_MASK_DIR, false },
	{ "/sys/dev/block", JAIL_MASK_DIR, false },
	{ "/sys/devices/virtual/powercap", JAIL_MASK_DIR, false },
};
const size_t jail_mask_sys_len = ARRAY_LEN(jail_mask_sys);
