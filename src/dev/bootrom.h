/* SPDX-License-Identifier: BSD-2-Clause */
/* bootrom.h - firmware in the guest's memory: lpc.bootrom, lpc.bootvars. */
#ifndef DEV_BOOTROM_H
#define DEV_BOOTROM_H
#include <stdbool.h>
#include <stdint.h>

struct config_node;
struct error;
struct vm;

enum {
	BOOTROM_MAX = 16 << 20, /* for ROM, variables and what lies below */
	BOOTROM_SHADOW = 128 << 10
};

/*
 * The ROM ends at 4 GiB, the variables end where it begins. With shadow its
 * last BOOTROM_SHADOW bytes are also below 1 MiB, in memory, as a PC's BIOS
 * has copied itself. *out_bottom: below it nothing is used yet. Without
 * lpc.bootrom nothing is there, and *out_bottom is 0.
 */
int bootrom_new(struct vm *vm, const struct config_node *root, bool shadow,
                uint64_t *out_bottom, struct error *err);
#endif
