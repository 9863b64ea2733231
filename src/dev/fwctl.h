/* SPDX-License-Identifier: BSD-2-Clause */
/* fwctl.h - bhyve's own firmware interface, which its UEFI build asks for the
 * number of processors.
 */
#ifndef DEV_FWCTL_H
#define DEV_FWCTL_H

struct error;
struct vm;

enum { FWCTL_PORT = 0x510, FWCTL_NPORTS = 5 };

/* Ports 0x510 and 0x511. The VM's from here on. */
int fwctl_new(struct vm *vm, struct error *err);
#endif
