/* SPDX-License-Identifier: BSD-2-Clause */
/* pit.h - the 8254 interval timer and port 0x61, its gate and speaker. */
#ifndef DEV_PIT_H
#define DEV_PIT_H

struct error;
struct vm;

/* Ports 0x40..0x43 and 0x61; channel 0 drives GSI 0. The VM's from here on. */
int pit_new(struct vm *vm, struct error *err);
#endif
