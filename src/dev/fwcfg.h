/* SPDX-License-Identifier: BSD-2-Clause */
/* fwcfg.h - QEMU's firmware configuration device: what firmware, and a guest
 * that asks, is told by the host, in numbered items and named files.
 *
 * Owns copies of what is told. All of it is read-only to the guest.
 * Source: QEMU docs/specs/fw_cfg.
 */
#ifndef DEV_FWCFG_H
#define DEV_FWCFG_H
#include <stddef.h>
#include <stdint.h>

struct error;
struct fwcfg;
struct vm;

enum {
	FWCFG_PORT = 0x510, /* selector; the data are one above */
	FWCFG_NPORTS = 12,
	FWCFG_NAME = 56, /* bytes of a file's name, with its NUL */
	FWCFG_MAX_ITEMS = 128,
	FWCFG_MAX_BYTES = 16 << 20,   /* of one item */
	FWCFG_MAX_TRANSFER = 64 << 20 /* of one DMA command */
};

/* Numbers of items, as the specification and firmware know them. */
enum fwcfg_key {
	FWCFG_SIGNATURE = 0x00,
	FWCFG_ID = 0x01,
	FWCFG_UUID = 0x02,
	FWCFG_RAM_SIZE = 0x03,
	FWCFG_NOGRAPHIC = 0x04,
	FWCFG_NB_CPUS = 0x05,
	FWCFG_BOOT_MENU = 0x0e,
	FWCFG_MAX_CPUS = 0x0f,
	FWCFG_DIRECTORY = 0x19,
	FWCFG_FIRST_FILE = 0x20,
	FWCFG_IRQ0_OVERRIDE = 0x8002
};

/* The ports, a signature and an empty directory. The VM's from here on. */
int fwcfg_new(struct vm *vm, struct fwcfg **out_f, struct error *err);
/* Before the guest runs; data are copied. -EEXIST: it is there. */
int fwcfg_item(struct fwcfg *f, unsigned key, const void *data, size_t len,
               struct error *err);
/* -EINVAL: no name for a file. */
int fwcfg_file(struct fwcfg *f, const char *name, const void *data, size_t len,
               struct error *err);
#endif
