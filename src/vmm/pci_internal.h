/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_internal.h - what pci.c, pci_bar.c and pci_irq.c share.
 *
 * Locks, in the order they are taken: bus->lock (configuration, BARs,
 * notifiers, INTx), then dev->lock (MSI and MSI-X; configuration bytes change
 * under both, so either suffices to read). They are held while a message or a
 * level is given to the VM, so that what the guest masked stays silent from
 * then on.
 */
#ifndef VMM_PCI_INTERNAL_H
#define VMM_PCI_INTERNAL_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/pci.h"

enum {
	PCI_MAX_FUNCTIONS = 64,
	PCI_NOT_MAPPED = 0, /* no BAR decodes at address 0 */
	PCI_CMD_IO = 1 << 0,
	PCI_CMD_MEM = 1 << 1,
	PCI_CMD_MASTER = 1 << 2,
	PCI_CMD_SERR = 1 << 8,
	PCI_CMD_PARITY = 1 << 6,
	PCI_CMD_INTX_OFF = 1 << 10,
	PCI_STS_INTX = 1 << 3,
	PCI_STS_CAPS = 1 << 4,
	MSIX_ENTRY_DWORDS = 4,
	MSIX_MASKED = 1 << 0, /* of a vector's control dword */
	MSIX_PBA_AT = 0x800,  /* in its BAR; the table is at 0 */
	MSIX_BAR_BYTES = 0x1000
};

struct pci_notify {
	uint8_t bar, size;
	bool match_any, mapped;
	int fd;
	uint64_t off, match, addr; /* addr while mapped */
};

struct pci_bar {
	enum pci_bar_kind kind;
	uint64_t size;
	const struct bus_ops *ops;
	void *ctx;
	uint64_t mapped; /* where it answers now, or PCI_NOT_MAPPED */
};

struct pci_dev {
	struct pci_bus *bus;
	uint8_t nr, slot, func;
	char name[20];
	const struct pci_cfg_hooks *hooks;
	void *hooks_dev;

	/* bus->lock */
	uint8_t cfg[PCI_CFG_BYTES];
	uint8_t wmask[PCI_CFG_BYTES];
	uint8_t at_reset[PCI_CFG_BYTES];
	struct pci_bar bar[PCI_MAX_BARS];
	struct pci_notify *notify;
	unsigned nnotify;
	uint8_t cap_last, cap_end; /* the chain's last; where it may grow */

	/* lock; the capabilities' registers are in cfg */
	pthread_mutex_t lock;
	uint8_t msix_at, msi_at; /* capabilities, 0: none */
	uint8_t msix_n, msi_n;
	uint32_t msix_table[PCI_MAX_MSIX * MSIX_ENTRY_DWORDS];
	uint64_t msix_pending[PCI_MAX_MSIX / 64];
	uint32_t msi_pending;

	/* bus->lock */
	uint8_t intx_level;
	bool intx_out; /* what the wire was told */
};

struct pci_bus {
	struct vm *vm;
	void *shared;
	pthread_mutex_t lock;
	uint32_t address; /* CONFIG_ADDRESS */
	unsigned n, nroots;
	struct pci_dev *dev[PCI_MAX_FUNCTIONS];
	struct pci_root root[PCI_MAX_ROOTS];
	const struct bus_ops *reset_ops;
	void *reset_ctx;

	unsigned pirq_count[PCI_NPIRQ];
	void (*on_pirq)(void *ctx, unsigned pirq, bool level);
	void *on_pirq_ctx;
};

/* Bytes of configuration space, little endian; no lock, no mask. */
uint32_t pci_raw_get(const struct pci_dev *d, unsigned off, unsigned size);
void pci_raw_set(struct pci_dev *d, unsigned off, unsigned size, uint32_t v);

/* Map and unmap BARs and notifiers of all functions as their registers say.
 * bus->lock held. */
void pci_decode(struct pci_bus *b);
void pci_unmap(struct pci_dev *d);

/* After a configuration write of [off, off+size): bus->lock held. */
void pci_irq_written(struct pci_dev *d, unsigned off, unsigned size);
void pci_irq_reset(struct pci_dev *d);
/* What follows from the state that a checkpoint brought. */
void pci_irq_loaded(struct pci_dev *d);
#endif
