/* SPDX-License-Identifier: BSD-2-Clause */
/* piix4pm.c - the power management function of a PIIX4, as much as firmware
 * made for QEMU asks of it.
 *
 * OVMF wants the base of the registers at 0x40 and, where bit 0 of 0x80 is set,
 * leaves it alone; without the function its PM timer stands still. SeaBIOS
 * moves the registers to 0x600 without a look: they answer there, too (see
 * power_as_qemu()), and the base here stays where ACPI has it. DEVACTB's
 * APMC_EN tells SeaBIOS that SMIs are set up already: there are none, and it
 * would wait for ever for one. Source: 82371AB (PIIX4), 7.1.
 */
#include "dev/piix4pm.h"

#include "dev/power.h"

enum {
	PMBA = 0x40,
	PMBA_IO = 1 << 0,
	DEVACTB = 0x58,
	APMC_EN = 1 << 25,
	PMREGMISC = 0x80,
	PMIOSE = 1 << 0
};

static int
piix4pm_init(struct pci_dev *d, const struct config_node *cfg,
             struct error *err)
{
	/* Before revision 3 Linux reads the timer thrice, for a flaw it had. */
	static const struct pci_ids ids = { .vendor = 0x8086,
		                            .device = 0x7113,
		                            .class_code = 0x068000,
		                            .revision = 3,
		                            .subvendor = 0x1af4,
		                            .subdevice = 0x1100 };

	(void)cfg;
	(void)err;
	pci_set_ids(d, &ids);
	pci_cfg_init(d, PMBA, 4, (POWER_PM1_EVENT + POWER_AS_QEMU) | PMBA_IO,
	             0);
	pci_cfg_init(d, DEVACTB, 4, APMC_EN, 0);
	pci_cfg_init(d, PMREGMISC, 1, PMIOSE, 0);
	return 0;
}

const struct pci_device_ops pci_piix4pm = { "piix4pm", piix4pm_init };
