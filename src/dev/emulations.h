/* SPDX-License-Identifier: BSD-2-Clause */
/* emulations.h - the devices a PCI slot may hold: bhyve's -s words. One row of
 * the array in emulations.c each.
 */
#ifndef DEV_EMULATIONS_H
#define DEV_EMULATIONS_H
#include <stddef.h>

struct pci_device_ops;

extern const struct pci_device_ops pci_hostbridge;
extern const struct pci_device_ops pci_amd_hostbridge;
extern const struct pci_device_ops pci_lpc;
extern const struct pci_device_ops pci_uart;

const struct pci_device_ops *emulation_find(const char *name); /* or NULL */
const struct pci_device_ops *emulation_at(size_t i); /* NULL past the last */
#endif
