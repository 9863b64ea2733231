/* SPDX-License-Identifier: BSD-2-Clause */
/* emulations.c - the array of what a PCI slot may hold, in the order in which
 * "-s help" prints it.
 */
#include "dev/emulations.h"

#include <string.h>

#include "base/base.h"
#include "dev/virtio/blk.h"
#include "dev/virtio/console.h"
#include "dev/virtio/net.h"
#include "dev/virtio/rnd.h"
#include "vmm/pci.h"

static const struct pci_device_ops *const emulations[] = {
	&pci_amd_hostbridge, &pci_hostbridge, &pci_lpc,    &pci_uart,
	&virtio_blk,         &virtio_console, &virtio_net, &virtio_rnd,
};

const struct pci_device_ops *
emulation_at(size_t i)
{
	return i < ARRAY_LEN(emulations) ? emulations[i] : NULL;
}

const struct pci_device_ops *
emulation_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(emulations); i++)
		if (strcmp(emulations[i]->name, name) == 0)
			return emulations[i];
	return NULL;
}
