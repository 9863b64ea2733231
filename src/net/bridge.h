/* SPDX-License-Identifier: BSD-2-Clause */
/* bridge.h - what is special to bridges: their settings, members and vlans.
 *
 * Threads: none; calls block for the kernel's answer.
 */
#ifndef NET_BRIDGE_H
#define NET_BRIDGE_H
#include <stdbool.h>
#include <stdint.h>

#include "net/link.h"

/* A setting of the bridge as a whole; times in seconds. */
enum bridge_field {
	BRIDGE_PRIORITY,
	BRIDGE_HELLO,
	BRIDGE_FORWARD_DELAY,
	BRIDGE_MAX_AGE,
	BRIDGE_AGEING,
	BRIDGE_STP,            /* 0 or 1 */
	BRIDGE_VLAN_FILTERING, /* 0 or 1 */
	BRIDGE_FLUSH,          /* forget learned addresses; value ignored */
};

/* A setting of one member. */
enum bridge_port_field {
	BRIDGE_PORT_LEARNING, /* 0 or 1, also the two below */
	BRIDGE_PORT_FLOODING,
	BRIDGE_PORT_ISOLATED,
	BRIDGE_PORT_PRIORITY, /* FreeBSD's 0 to 240 in steps of 16 */
	BRIDGE_PORT_COST,     /* 1 to 65535 */
};

int bridge_set(struct nl_sock *nl, unsigned bridge, enum bridge_field field,
               unsigned value, struct error *err);
int bridge_port_set(struct nl_sock *nl, unsigned port,
                    enum bridge_port_field field, unsigned value,
                    struct error *err);

/* Let frames of vlans first to last (1 to 4094) through a member, or no more.
 * untagged: they leave it without a tag and what comes in without one belongs
 * to first. */
int bridge_port_vlan(struct nl_sock *nl, unsigned port, bool add,
                     uint16_t first, uint16_t last, bool untagged,
                     struct error *err);
#endif
