/* SPDX-License-Identifier: BSD-2-Clause */
/* flash.h - a NOR flash in which firmware keeps its variables, behind a file.
 */
#ifndef DEV_FLASH_H
#define DEV_FLASH_H
#include <stdint.h>

struct error;
struct vm;

enum {
	FLASH_BLOCK = 4096, /* bytes that are erased together */
	FLASH_MAX = 8 << 20
};

/*
 * All of the file behind fd, a multiple of FLASH_BLOCK, ending at end.
 * *out_base is where it begins. Takes fd on success. What the guest programs is
 * in the file when its write returns, and on the medium a second later or when
 * the VM pauses or ends. -EINVAL: no size for a flash.
 */
int flash_new(struct vm *vm, int fd, uint64_t end, uint64_t *out_base,
              struct error *err);
#endif
