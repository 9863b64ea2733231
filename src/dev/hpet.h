/* SPDX-License-Identifier: BSD-2-Clause */
/* hpet.h - the high precision event timer at 0xfed00000. */
#ifndef DEV_HPET_H
#define DEV_HPET_H

struct error;
struct pci_bus;
struct vm;

enum {
	HPET_NTIMERS = 3,
	/* The low half of its capabilities: vendor, 64 bits, timers, revision
	 */
	HPET_ID = (int)(0x8086u << 16 | 1u << 13 | (HPET_NTIMERS - 1) << 8 | 1)
};

/* Interrupts go to the PIRQs 4..7 (IOAPIC pins 20..23) of b, or as messages.
 * The VM's from here on. */
int hpet_new(struct vm *vm, struct pci_bus *b, struct error *err);
#endif
