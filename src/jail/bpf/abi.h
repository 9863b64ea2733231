/* SPDX-License-Identifier: BSD-2-Clause */
/* abi.h - what the wall's BPF programs and the C code that attaches and
 * configures them agree on: the layout of a jail's rules and map keys.
 *
 * Included by both, so it holds fixed-width fields only and no padding that
 * is not named. Changing it changes the objects, hence the version under which
 * they are pinned: old and new never meet.
 */
#ifndef JAIL_BPF_ABI_H
#define JAIL_BPF_ABI_H
#include <linux/types.h>

/* Of struct wall_rules: rules of jails made by another build may be rewritten
 * only while this is the same. Programs are pinned under "ABI-HASH". */
#define WALL_ABI "1"

enum {
	WALL_ADDRS = 64,   /* per family */
	WALL_DEVICES = 64, /* rows of the device list */
	WALL_HINTS = 32,   /* rows of source selection, both families */
	WALL_SLOTS = 16,   /* listeners of one SO_REUSEPORT group we can name */
};

enum wall_mode { WALL_DISABLE, WALL_NEW, WALL_INHERIT };

enum wall_flags {
	WALL_SADDRSEL4 = 1 << 0,
	WALL_SADDRSEL6 = 1 << 1,
	WALL_RAW = 1 << 2,      /* allow.raw_sockets */
	WALL_RESERVED = 1 << 3, /* allow.reserved_ports */
	WALL_ANY_DEVICE = 1 << 4,
};

/* An address of either family; IPv4 as ::ffff:a.b.c.d. Network order. */
struct wall_addr {
	__be32 w[4];
};

/* Destinations reached through an interface that has an address of the jail:
 * a route and the index of that address. Longest prefix first. */
struct wall_hint {
	struct wall_addr dst, mask;
	__u32 index;
	__u32 v4; /* or it is for IPv6 */
};

struct wall_device {
	__u32 major, minor; /* ~0: any */
	__u32 type;         /* 'c' or 'b' */
};

/* The rules of one jail, in the storage of its cgroup. */
struct wall_rules {
	__u64 stack;     /* cookie of the network namespace they are for */
	__u64 jail;      /* id of the cgroup, unique among jails */
	__u32 uid_base;  /* host uid of the jail's root */
	__u32 uid_owner; /* of its user namespace */
	__u32 flags;
	__u8 ip4, ip6; /* enum wall_mode; WALL_NEW has n > 0 */
	__u8 n4, n6;
	__u16 n_device, n_hint;
	__be32 addr4[WALL_ADDRS]; /* [0] is the primary */
	struct wall_addr addr6[WALL_ADDRS];
	struct wall_hint hint[WALL_HINTS];
	struct wall_device device[WALL_DEVICES];
};

/* Where a listener is known, or a port is taken. */
struct wall_key {
	__u64 scope; /* network namespace cookie; or jail, for wildcards */
	struct wall_addr addr;
	__u16 port; /* host order */
	__u8 proto;
	__u8 slot; /* of a SO_REUSEPORT group, else 0 */
	__u32 pad;
};
#endif
