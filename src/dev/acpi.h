/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi.h - the ACPI tables of the PC that machine.c builds. Pure: bytes from a
 * description.
 */
#ifndef DEV_ACPI_H
#define DEV_ACPI_H
#include <stdbool.h>
#include <stdint.h>

#include "dev/com.h"
#include "vmm/pci.h"

struct buf;
struct domains;
struct error;

enum {
	ACPI_BASE = 0xf2400,
	ACPI_END = 0xff000, /* the last page is the generation's */
	ACPI_MAX_ROUTES = 256
};

/* A slot's pin on a bus and the PIRQ it is wired to. */
struct acpi_route {
	uint8_t bus, slot, pin, pirq;
};

struct acpi_info {
	unsigned ncpus;  /* APIC ids 0 to ncpus - 1 */
	unsigned nshown; /* with those that are off; vm_ncpus_shown() */
	bool has_hpet;
	bool com[NCOMS];
	uint64_t vmgen;         /* address of the generation id, 0: none */
	int lpc_slot, lpc_func; /* on bus 0; -1: none */
	unsigned nroots;
	struct pci_root root[PCI_MAX_ROOTS];
	uint64_t mem32_base, mem32_end; /* of the first root, too; 0: none */
	bool fwcfg;                     /* the ports of QEMU's fw_cfg */
	unsigned power_offset;          /* of power.h's ports: POWER_AS_QEMU */
	const struct domains *domains;  /* NULL, or of none: nothing divided */
	uint64_t lowmem; /* with domains: where the hole begins */
	unsigned nroutes;
	struct acpi_route route[ACPI_MAX_ROUTES];
};

/*
 * The tables as they lie at base (64-byte aligned), the RSDP first. -ENOSPC:
 * more than up to end.
 */
int acpi_build(const struct acpi_info *info, uint64_t base, uint64_t end,
               struct buf *out, struct error *err);
#endif
