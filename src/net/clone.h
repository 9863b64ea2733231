/* SPDX-License-Identifier: BSD-2-Clause */
/* clone.h - making interfaces by FreeBSD's names for them.
 *
 * | name      | Linux kind | note                                            |
 * |-----------|------------|-------------------------------------------------|
 * | epairN    | veth       | both ends; MAC 02:x:x:x:x:0a and 0b             |
 * | bridgeN   | bridge     | MAC fixed, so that it does not follow a member  |
 * | loN       | dummy      | else ifb: both take addresses and carry nothing |
 * | vlanN     | vlan       | Linux needs number and parent at birth          |
 * | IF.TAG    | vlan       | the parent's name and the number                |
 * | tapN tunN | tun        | persistent, through /dev/net/tun                |
 *
 * MAC addresses come from a hash of the host's identity (/etc/machine-id and
 * host name) and the interface's name, so they are the same after a restart.
 *
 * Threads: none. Calls block for the kernel, about 0.6 ms for an epair.
 */
#ifndef NET_CLONE_H
#define NET_CLONE_H
#include <stdint.h>

#include "net/link.h"

struct clone_request {
	const char *name; /* "epair5", or "epair" for the next free number */
	const char *vlan_dev; /* vlanN: parent, else NULL */
	int vlan_id;          /* vlanN: 1 to 4094, else -1 */
	uint16_t vlan_proto;  /* 0x8100, 0x88a8; 0: the first */
	int a_netns; /* epair: where its a end is born; -1: here, as b is */
};

/*
 * Make one interface. out_name is its FreeBSD name, of an epair's a end. An end
 * born in another namespace spares the 20 ms of moving it there.
 * Errors: -EEXIST "interface X already exists"; -EINVAL no such family, or a
 * vlan without number and parent; -ENODEV a vlan's parent; -EOPNOTSUPP this
 * kernel has no such kind; the kernel's others with its text.
 */
int clone_create(struct nl_sock *nl, const struct clone_request *q,
                 char out_name[LINK_NAME_MAX], struct error *err);

/* Is it a name that clone_create() makes an epair of? */
bool clone_is_epair(const char *name);

/* The families that can be made, with spaces between: what ifconfig -C prints.
 */
const char *clone_families(void);

/* The MAC of an interface: 02, 32 bits of a hash of host and name, last. Pure.
 */
void clone_mac(const char *host, const char *name, uint8_t last,
               uint8_t out[6]);
#endif
