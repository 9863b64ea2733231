/* SPDX-License-Identifier: BSD-2-Clause */
/* offload.h - what a network card does in the kernel's stead.
 *
 * Works in the caller's network namespace. Threads: none; never blocks long.
 * Source: Linux include/uapi/linux/ethtool.h.
 */
#ifndef LINUX_OFFLOAD_H
#define LINUX_OFFLOAD_H
#include <stdbool.h>

#include "base/error.h"

enum offload {
	OFFLOAD_RX_CHECKSUM,
	OFFLOAD_TX_CHECKSUM,
	OFFLOAD_TCP_SEGMENT, /* sending: TSO */
	OFFLOAD_TCP_GATHER,  /* receiving: LRO */
	OFFLOAD_VLAN_TAG,    /* insert and strip */
};

/* Switch one on or off. -EOPNOTSUPP: the driver has no such switch, or it
 * cannot be moved. */
int offload_set(const char *ifname, enum offload what, bool on,
                struct error *err);
#endif
