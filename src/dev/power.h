/* SPDX-License-Identifier: BSD-2-Clause */
/* power.h - ACPI's fixed hardware and the ways to reset a PC. */
#ifndef DEV_POWER_H
#define DEV_POWER_H
#include <stdbool.h>

struct error;
struct pci_bus;
struct power;
struct vm;

/* Where the FADT says that things are. */
enum {
	POWER_PM1_EVENT = 0x400,
	POWER_PM1_CONTROL = 0x404,
	POWER_TIMER = 0x408,
	POWER_GPE0 = 0x40c,
	POWER_SMI_COMMAND = 0xb2,
	POWER_ACPI_ENABLE = 0xa0,
	POWER_ACPI_DISABLE = 0xa1,
	POWER_RESET = 0xcf9,
	POWER_RESET_VALUE = 6,
	POWER_AS_QEMU = 0x200, /* how much higher QEMU has the above */
	POWER_SCI = 9,
	POWER_S5 = 5 /* SLP_TYP */
};

/* Ports as above, 0x92, and 0xcf9 through b. as_qemu: for QEMU's firmware, the
 * fixed hardware POWER_AS_QEMU higher, and S5 by SLP_TYP 0, too; from
 * POWER_PM1_CONTROL on also where it is otherwise, for bhyve's firmware, which
 * can be told by fw_cfg and has the timer's port built in. The VM's from here
 * on. */
int power_new(struct vm *vm, struct pci_bus *b, bool as_qemu,
              struct power **out_power, struct error *err);
/* Set a status bit of GPE0: \_GPE._E0n of the DSDT runs. Any thread. */
void power_gpe(struct power *p, unsigned n);
/* Press the button. False: the guest has not switched ACPI on, nothing
 * happened. Any thread. */
bool power_button(struct power *p);
#endif
