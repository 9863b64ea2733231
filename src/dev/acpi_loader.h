/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi_loader.h - ACPI tables for firmware that places them itself. Pure. */
#ifndef DEV_ACPI_LOADER_H
#define DEV_ACPI_LOADER_H

struct acpi_info;
struct buf;
struct error;

enum { ACPI_LOADER_COMMAND = 128 /* bytes of one, in the script */ };

/* The names the script uses, which are those of QEMU. */
#define ACPI_FILE_RSDP   "etc/acpi/rsdp"
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_SCRIPT "etc/table-loader"

/*
 * The three files: the RSDP, the tables with pointers relative to their file,
 * the commands that place both, add addresses and compute checksums.
 */
int acpi_loader_build(const struct acpi_info *info, struct buf *rsdp,
                      struct buf *tables, struct buf *script,
                      struct error *err);
#endif
