/* SPDX-License-Identifier: BSD-2-Clause */
/* pic.h - the pair of 8259A interrupt controllers of a PC, with ELCR. */
#ifndef DEV_PIC_H
#define DEV_PIC_H

struct error;
struct vm;

/* Ports 0x20, 0xa0, 0x4d0; listens to GSI 0..15; the VM's from here on. */
int pic_new(struct vm *vm, struct error *err);
#endif
