/* SPDX-License-Identifier: BSD-2-Clause */
/* net_internal.h - what the card's frames (net.c) and its control queue
 * (net_control.c) share.
 */
#ifndef DEV_VIRTIO_NET_INTERNAL_H
#define DEV_VIRTIO_NET_INTERNAL_H
#include "dev/virtio/rxfilter.h"
#include "dev/virtio/virtio.h"
#include "net/netback.h"

struct loop_fd;

enum {
	NET_CTL_QUEUE = 64, /* entries */
	NET_SLOT_PARTS = 40 /* ranges of one buffer for receiving */
};

enum net_feature {
	F_CSUM = 0,
	F_GUEST_CSUM = 1,
	F_CTRL_GUEST_OFFLOADS = 2,
	F_MTU = 3,
	F_MAC = 5,
	F_GUEST_TSO4 = 7,
	F_GUEST_TSO6 = 8,
	F_GUEST_ECN = 9,
	F_HOST_TSO4 = 11,
	F_HOST_TSO6 = 12,
	F_HOST_ECN = 13,
	F_MRG_RXBUF = 15,
	F_STATUS = 16,
	F_CTRL_VQ = 17,
	F_CTRL_RX = 18,
	F_CTRL_VLAN = 19,
	F_CTRL_RX_EXTRA = 20,
	F_MQ = 22,
	F_CTRL_MAC_ADDR = 23
};
#define NET_BIT(n) (1ull << (n))

struct net_config {
	uint8_t mac[6];
	uint16_t status, max_pairs, mtu;
} __attribute__((packed));

/* A buffer that waits for a frame. */
struct net_slot {
	struct virtq_chain c;
	struct iovec iov[NET_SLOT_PARTS];
	uint64_t gpa[NET_SLOT_PARTS];
};

struct net_pair {
	struct net *net;
	unsigned index;
	struct worker *worker;
	struct loop_fd *watch; /* NULL: nothing comes from there any more */
	bool rx_starved;       /* no buffers: do not wait for frames */
	bool tx_full;          /* the host takes none: wait for that */
	unsigned nslots;
	struct net_slot *slot;
	uint8_t *spill; /* what a frame had no room for */
};

struct net {
	struct virtio virtio; /* first */
	struct netback *back;
	unsigned npairs;
	unsigned header; /* bytes of it, in the guest's buffers */
	bool merge;
	uint8_t mac[6];    /* at reset */
	uint16_t pairs;    /* in use */
	uint64_t offloads; /* the guest's, as feature bits */
	struct rxfilter filter;
	struct net_pair pair[NETBACK_MAX_QUEUES];
};

/* Features that say what receiving leaves to the guest. */
#define NET_GUEST_OFFLOADS                                                     \
	(NET_BIT(F_GUEST_CSUM) | NET_BIT(F_GUEST_TSO4) |                       \
	 NET_BIT(F_GUEST_TSO6) | NET_BIT(F_GUEST_ECN))

/* Those of them in features, as the back end calls them. */
unsigned net_to_offloads(uint64_t features);
/* The card's address is mac from now on. */
void net_set_mac(struct net *n, const uint8_t mac[6]);
/* The control queue's handler, whichever number it has. */
void net_control(struct net *n, unsigned queue);
#endif
