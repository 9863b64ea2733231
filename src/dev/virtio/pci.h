/* SPDX-License-Identifier: BSD-2-Clause */
/* pci.h - virtio over PCI, transitional: the legacy registers in I/O BAR 0,
 * MSI-X in BAR 1, and the modern structures in BAR 4.
 *
 *   BAR 4: 0x0000 common  0x1000 ISR  0x2000 device  0x3000 notify, 4 a queue
 *
 * A guest uses one of the two faces at a time; both are views of struct
 * virtio's registers. Source: VIRTIO 1.2, 4.1.
 */
#ifndef DEV_VIRTIO_PCI_H
#define DEV_VIRTIO_PCI_H
#include <stdint.h>

struct config_node;
struct error;
struct pci_dev;
struct virtio;

/*
 * Put v, whose queues are all there, behind function d; cfg may be NULL. Also
 * on failure what was made goes with v, by virtio_device_fini().
 */
int virtio_pci_attach(struct pci_dev *d, const struct config_node *cfg,
                      struct virtio *v, uint32_t class_code, struct error *err);
#endif
