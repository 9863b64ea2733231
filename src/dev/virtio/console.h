/* SPDX-License-Identifier: BSD-2-Clause */
/* console.h - the PCI device "virtio-console".
 *
 * Keys: port.N.name and port.N.path for N from 1 on, without a gap: the name in
 * the guest's /dev/virtio-ports, and a UNIX socket to listen on here.
 */
#ifndef DEV_VIRTIO_CONSOLE_H
#define DEV_VIRTIO_CONSOLE_H

extern const struct pci_device_ops virtio_console;
#endif
