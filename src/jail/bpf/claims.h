/* SPDX-License-Identifier: BSD-2-Clause */
/* claims.h - the ports that sockets of jails hold: asked by bind.bpf.c, made
 * and given back by bound.bpf.c.
 */
#ifndef JAIL_BPF_CLAIMS_H
#define JAIL_BPF_CLAIMS_H
#include "jail/bpf/wall.h"

/* Ports that sockets of jails hold, so that a second one is refused: the kernel
 * cannot do it where ports are hidden or SO_REUSEADDR is forced. */
struct claim {
	__u64 jail;
	__u32 sockets; /* that share it */
	__u16 hidden;  /* the port the kernel knows, for those that join */
	__u16 flags;   /* S_REUSE, S_REUSEPORT, S_DUAL of the first */
};

enum claim_slot {
	CLAIM_PORT,     /* {namespace, address}, TCP also {jail, any} */
	CLAIM_UDP_WILD, /* {namespace, any}: one jail has the UDP wildcard */
	CLAIM_UDP_LOOSE /* {namespace, ::}: sockets without SO_REUSEADDR */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct wall_key);
	__type(value, struct claim);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} claims SEC(".maps");

/* How many entries of claims and listeners each jail takes, lest one take them
 * all from the others. */
enum { MAX_HELD = 8192 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} held SEC(".maps");

/* What a socket asks for, then what the kernel is told. */
struct ask {
	struct wall_addr addr;
	__u16 port; /* host order */
	__u8 proto;
	bool v4;   /* by the rules of IPv4 */
	bool wild; /* for several addresses: they stay 0.0.0.0 or :: */
	bool dual; /* wild over both families */
	bool reuse, reuseport;
};

/* May a socket share a claim? Linux's own rules for real ports. */
INLINE bool
may_join(const struct claim *c, const struct ask *a)
{
	if ((c->flags & S_REUSEPORT) && a->reuseport)
		return true;
	return a->proto != IPPROTO_TCP && (c->flags & S_REUSE) && a->reuse;
}

INLINE bool
take_room(__u64 jail, __u32 cost)
{
	__u32 *n, zero = 0;

	bpf_map_update_elem(&held, &jail, &zero, BPF_NOEXIST);
	n = bpf_map_lookup_elem(&held, &jail);
	if (n == NULL || *n + cost > MAX_HELD)
		return false;
	__sync_fetch_and_add(n, cost);
	return true;
}

INLINE void
leave_room(__u64 jail, __u32 cost)
{
	__u32 *n = bpf_map_lookup_elem(&held, &jail);

	if (n == NULL)
		return;
	if (*n <= cost)
		bpf_map_delete_elem(&held, &jail);
	else
		__sync_fetch_and_sub(n, cost);
}

/* Give a claim back, and its room. */
INLINE void
unclaim(struct bound *b, __u64 jail)
{
	struct claim *c = bpf_map_lookup_elem(&claims, &b->claim);

	leave_room(jail, b->cost);
	if (c != NULL && __sync_fetch_and_add(&c->sockets, -1) == 1)
		bpf_map_delete_elem(&claims, &b->claim);
}
#endif
