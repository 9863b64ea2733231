/* SPDX-License-Identifier: BSD-2-Clause */
/* blk.h - the PCI device "virtio-blk".
 *
 * Keys: path; nocache, direct, sync, ro, nodelete (booleans);
 * sectorsize=LOGICAL[/PHYSICAL]; ser, at most 20 characters; queues, 1 to 16
 * (one a vCPU, up to 4); aio, "auto", "io_uring" or "threads".
 */
#ifndef DEV_VIRTIO_BLK_H
#define DEV_VIRTIO_BLK_H

extern const struct pci_device_ops virtio_blk;
#endif
