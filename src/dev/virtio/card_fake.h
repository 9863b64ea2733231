/* SPDX-License-Identifier: BSD-2-Clause */
/* card_fake.h - for tests: a guest's view of one virtio card on a fake VM's PCI
 * bus, by the modern or the legacy face, with fake drivers of its queues.
 *
 * The device's workers are real threads, so what the device does is waited for.
 */
#ifndef DEV_VIRTIO_CARD_FAKE_H
#define DEV_VIRTIO_CARD_FAKE_H
#include <stdbool.h>
#include <stdint.h>

#include "dev/virtio/driver_fake.h"
#include "vmm/fake_vm.h"

enum { CARD_QUEUES = 8, CARD_RINGS = 0x10000, CARD_RING_BYTES = 0x8000 };

struct pci_bus;
struct pci_dev;
struct pci_device_ops;
struct config;

struct card {
	struct fake_vm f;
	struct config *config;
	struct pci_bus *bus;
	struct pci_dev *d;
	uint64_t mem;  /* BAR 4 */
	uint64_t msix; /* BAR 1; 0: none */
	uint16_t io;   /* BAR 0 */
	bool legacy;
	struct fake_driver q[CARD_QUEUES];
};

/*
 * A VM with this device at 0:3.0 and these "name=value" lines below its node,
 * or below the root when they begin with "/". -errno: init refused.
 */
int card_make(struct card *c, const struct pci_device_ops *ops,
              const char *const *lines, struct error *err);
void card_free(struct card *c);

uint64_t card_offered(struct card *c); /* both halves */
/* Reset, accept features & offered, set up queues 0..n-1 of size entries (0:
 * the most), DRIVER_OK. Returns the status then. */
uint8_t card_up(struct card *c, uint64_t features, unsigned n, uint16_t size);
void card_reset(struct card *c);
uint8_t card_status(struct card *c);
uint64_t card_config(struct card *c, unsigned off, unsigned size);
void card_config_set(struct card *c, unsigned off, unsigned size, uint64_t v);
void card_notify(struct card *c, unsigned queue);
/* Registers of the faces. */
uint64_t card_common(struct card *c, unsigned off, unsigned size);
void card_common_set(struct card *c, unsigned off, unsigned size, uint64_t v);

/* Offer, notify, and wait for the used entry: its length, or -1 after 5 s. */
int64_t card_do(struct card *c, unsigned queue, const struct fake_part *parts,
                unsigned n);
/* Wait for a used entry. */
bool card_wait(struct card *c, unsigned queue, uint32_t *id, uint32_t *len);
#endif
