/* SPDX-License-Identifier: BSD-2-Clause */
/* piix4pm.h - function 0:1.3, where QEMU's firmware looks for the power
 * management registers that ours has at fixed ports anyway.
 */
#ifndef DEV_PIIX4PM_H
#define DEV_PIIX4PM_H

#include "vmm/pci.h"

extern const struct pci_device_ops pci_piix4pm;
#endif
