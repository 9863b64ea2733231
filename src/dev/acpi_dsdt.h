/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi_dsdt.h - the DSDT's AML, without the table's header. */
#ifndef DEV_ACPI_DSDT_H
#define DEV_ACPI_DSDT_H

struct acpi_info;
struct buf;

void acpi_dsdt(const struct acpi_info *info, struct buf *out);
#endif
