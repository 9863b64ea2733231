/* SPDX-License-Identifier: BSD-2-Clause */
/* net.h - the PCI device "virtio-net".
 *
 * Keys: backend ("tap0", "slirp"; none: a card without a network), mac, mtu,
 * queues (pairs, 1 to 8), and the back end's own: open, hostfwd.
 */
#ifndef DEV_VIRTIO_NET_H
#define DEV_VIRTIO_NET_H
#include <stdint.h>

extern const struct pci_device_ops virtio_net;

/* bhyve's address for a card without one: 58:9c:fc and three bytes of the MD5
 * of "SLOT-FUNC-VM". */
void virtio_net_mac(unsigned slot, unsigned func, const char *vm,
                    uint8_t out[6]);
#endif
