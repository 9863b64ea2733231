/* SPDX-License-Identifier: BSD-2-Clause */
/* smbios.h - what dmidecode(8) shows in the guest. */
#ifndef DEV_SMBIOS_H
#define DEV_SMBIOS_H
#include <stdint.h>

struct buf;
struct config_node;
struct error;

enum { SMBIOS_BASE = 0xf1000, SMBIOS_END = 0xf2400 };

struct smbios_info {
	const struct config_node *config; /* bios.*, system.*, uuid ... */
	const char *name, *host;          /* make the UUID when none is set */
	unsigned sockets, cores, threads;
	uint64_t lowmem, highmem; /* bytes */
};

/* Pure; both anchors first. -EINVAL: the uuid is none; -ENOSPC: more than up
 * to end. */
int smbios_build(const struct smbios_info *info, uint64_t base, uint64_t end,
                 struct buf *out, struct error *err);
#endif
