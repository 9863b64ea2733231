/* SPDX-License-Identifier: BSD-2-Clause */
/* net.h - the PCI device "virtio-net".
 *
 * Keys: backend ("tap0", "slirp"; none: a card without a network), mac, mtu,
 * queues (pairs, 1 to 8), and the back end's own: bridge, open, hostfwd.
 */
#ifndef DEV_VIRTIO_NET_H
#define DEV_VIRTIO_NET_H

extern const struct pci_device_ops virtio_net;
#endif
