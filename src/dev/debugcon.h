/* SPDX-License-Identifier: BSD-2-Clause */
/* debugcon.h - the port QEMU's firmware writes its messages to. */
#ifndef DEV_DEBUGCON_H
#define DEV_DEBUGCON_H

struct dev_shared;
struct error;
struct vm;

enum { DEBUGCON_PORT = 0x402, DEBUGCON_THERE = 0xe9 };

/* If lpc.debugcon.path names a console. The VM's from here on. */
int debugcon_new(struct vm *vm, struct dev_shared *s, struct error *err);
#endif
