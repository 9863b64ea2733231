/* SPDX-License-Identifier: BSD-2-Clause */
/* pctestdev.h - what kvm-unit-tests expects of a machine, lpc.pc-testdev. */
#ifndef DEV_PCTESTDEV_H
#define DEV_PCTESTDEV_H

struct error;
struct vm;

enum {
	PCTESTDEV_DATA = 0xe0,   /* 4 bytes that keep what is written */
	PCTESTDEV_EXIT = 0xf4,   /* ends the VM with status 2 * value + 1 */
	PCTESTDEV_LINES = 0x2000 /* a byte each: 0 lowers, else raises a GSI */
};
#define PCTESTDEV_MEMORY 0xff000000u /* 64 KiB that keep what is written */

/* The VM's from here on. */
int pctestdev_new(struct vm *vm, struct error *err);
#endif
