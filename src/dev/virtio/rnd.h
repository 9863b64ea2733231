/* SPDX-License-Identifier: BSD-2-Clause */
/* rnd.h - the PCI device "virtio-rnd". */
#ifndef DEV_VIRTIO_RND_H
#define DEV_VIRTIO_RND_H

extern const struct pci_device_ops virtio_rnd;
#endif
