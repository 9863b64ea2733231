/* SPDX-License-Identifier: BSD-2-Clause */
/* mptable.h - the MultiProcessor table, for guests without ACPI. */
#ifndef DEV_MPTABLE_H
#define DEV_MPTABLE_H
#include <stdint.h>

struct acpi_info;
struct buf;
struct error;

enum { MPTABLE_BASE = 0xf0000, MPTABLE_END = 0xf1000 };

/* Pure; the floating pointer first. -ENOSPC: more than up to end. */
int mptable_build(const struct acpi_info *info, uint64_t base, uint64_t end,
                  struct buf *out, struct error *err);
#endif
