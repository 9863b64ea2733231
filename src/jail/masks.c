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
	{ "/proc/sys", JAIL_MASK_READONLY, JAIL_MASK_ALWAYS },
	{ "/proc/sys/net", JAIL_MASK_WRITABLE, JAIL_MASK_VNET },
	/* World-readable and about the host: how it was booted, whose keys it
	 * holds, what it does this instant (a side channel), its hardware. */
	{ "/proc/cmdline", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/proc/keys", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/proc/key-users", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/proc/kallsyms", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/proc/interrupts", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/proc/sched_debug", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/proc/latency_stats", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/proc/timer_stats", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/proc/acpi", JAIL_MASK_DIR, JAIL_MASK_ALWAYS },
	{ "/proc/asound", JAIL_MASK_DIR, JAIL_MASK_ALWAYS },
	{ "/proc/scsi", JAIL_MASK_DIR, JAIL_MASK_ALWAYS },
	/* Of the host's root alone. */
	{ "/proc/kcore", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/kmsg", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/kpagecgroup", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/kpagecount", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/kpageflags", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/pagetypeinfo", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/slabinfo", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/allocinfo", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/vmallocinfo", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/timer_list", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/sysrq-trigger", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/mtrr", JAIL_MASK_FILE, JAIL_MASK_UNSHIFTED },
	{ "/proc/bus", JAIL_MASK_READONLY, JAIL_MASK_UNSHIFTED },
	{ "/proc/driver", JAIL_MASK_READONLY, JAIL_MASK_UNSHIFTED },
	{ "/proc/fs", JAIL_MASK_READONLY, JAIL_MASK_UNSHIFTED },
	{ "/proc/irq", JAIL_MASK_READONLY, JAIL_MASK_UNSHIFTED },
	{ "/proc/pressure", JAIL_MASK_READONLY, JAIL_MASK_UNSHIFTED },
	{ "/proc/tty", JAIL_MASK_READONLY, JAIL_MASK_UNSHIFTED },
};
const size_t jail_mask_proc_len = ARRAY_LEN(jail_mask_proc);

const struct jail_mask jail_mask_sys[] = {
	{ "/sys/firmware", JAIL_MASK_DIR, JAIL_MASK_ALWAYS },
	{ "/sys/kernel/vmcoreinfo", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/sys/kernel/notes", JAIL_MASK_FILE, JAIL_MASK_ALWAYS },
	{ "/sys/fs/selinux", JAIL_MASK_DIR, JAIL_MASK_ALWAYS },
	{ "/sys/dev/block", JAIL_MASK_DIR, JAIL_MASK_ALWAYS },
	{ "/sys/devices/virtual/powercap", JAIL_MASK_DIR, JAIL_MASK_ALWAYS },
};
const size_t jail_mask_sys_len = ARRAY_LEN(jail_mask_sys);
