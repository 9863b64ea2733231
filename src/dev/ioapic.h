/* SPDX-License-Identifier: BSD-2-Clause */
/* ioapic.h - the I/O APIC at 0xfec00000: 24 pins to messages. */
#ifndef DEV_IOAPIC_H
#define DEV_IOAPIC_H

struct error;
struct vm;

/* Listens to every GSI (GSI 0 is pin 2); the VM's from here on. */
int ioapic_new(struct vm *vm, struct error *err);
#endif
