/* SPDX-License-Identifier: BSD-2-Clause */
/* wall.h - what the wall's BPF programs share: maps, the jail's rules, and the
 * questions asked of an address.
 *
 * Each *.bpf.c beside it is an object of its own that the loader can leave out
 * when this kernel lacks what it needs; they meet in the pinned maps below.
 * The verifier of Linux 6.1 is the one to please: loops have constant bounds,
 * context fields are read once into locals (PIN) before any branch, or clang
 * merges two reads into an access through a modified context pointer.
 *
 * Every address is handled in its 16-byte form, IPv4 as ::ffff:a.b.c.d.
 */
#ifndef JAIL_BPF_WALL_H
#define JAIL_BPF_WALL_H
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include <stddef.h>

#include "jail/bpf/abi.h"

enum { /* sys/socket.h cannot be had here */
       AF_INET = 2,
       AF_INET6 = 10,
       SOCK_STREAM = 1,
       SOCK_DGRAM = 2,
       SOCK_RAW = 3,
};

enum { LOW_PORTS = 1024 }; /* below: root's. FreeBSD's portrange.reservedhigh */

#define INLINE static __attribute__((always_inline)) inline
/* A function the verifier looks at once, whatever calls it; it must not trust
 * a pointer to be there. Not static, or each call would be walked again: the
 * loops over addresses made that seconds. */
#define APART  __attribute__((noinline))
#define PIN(x) __asm__ volatile("" : "+r"(x)) /* keep this read apart */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* --- maps --------------------------------------------------------------- */

/* The rules of the jail whose cgroup a program is attached to. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, struct wall_rules);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} rules SEC(".maps");

/* What a socket was asked to bind, while the kernel knows another port. */
enum socket_flags {
	S_PENDING = 1 << 0,   /* asked; the kernel has not bound it yet */
	S_BOUND = 1 << 1,     /* done, and its claim made */
	S_MOVED = 1 << 2,     /* the kernel's port is a hidden one */
	S_WILD = 1 << 3,      /* for all addresses of the jail */
	S_DUAL = 1 << 4,      /* of both families */
	S_REUSE = 1 << 5,     /* the program's own SO_REUSEADDR */
	S_REUSEPORT = 1 << 6, /* the program's own SO_REUSEPORT */
	S_FOREIGN = 1 << 7,   /* lives in another network namespace */
};

struct bound {
	struct wall_key claim; /* what it holds in claims */
	struct wall_addr addr; /* as getsockname(2) shows it */
	__u16 port;            /* host order */
	__u16 flags;
	__u32 cost; /* entries it takes of the maps all jails share */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bound);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sockets SEC(".maps");

/* --- the stack's own structures, as far as we look at them --------------- */

#define CORE __attribute__((preserve_access_index))

struct wall_kuid {
	__u32 val;
} CORE;
struct user_namespace {
	struct wall_kuid owner;
} CORE;
struct wall_caps {
	__u32 low; /* of 64 bits; two words before Linux 6.3 */
};
struct cred {
	struct wall_kuid euid;
	struct wall_caps cap_effective;
	struct user_namespace *user_ns;
} CORE;
struct task_struct {
	const struct cred *cred;
} CORE;

/* --- questions ----------------------------------------------------------- */

INLINE struct wall_addr
mapped(__be32 v4)
{
	struct wall_addr a = { { 0, 0, bpf_htonl(0xffff), v4 } };

	return a;
}

INLINE bool
is_v4(const struct wall_addr *a)
{
	return a->w[0] == 0 && a->w[1] == 0 && a->w[2] == bpf_htonl(0xffff);
}

INLINE bool
same(const struct wall_addr *a, const struct wall_addr *b)
{
	return a->w[0] == b->w[0] && a->w[1] == b->w[1] && a->w[2] == b->w[2] &&
	       a->w[3] == b->w[3];
}

/* :: or 0.0.0.0 (mapped) */
INLINE bool
is_any(const struct wall_addr *a)
{
	return a->w[0] == 0 && a->w[1] == 0 && a->w[3] == 0 &&
	       (a->w[2] == 0 || a->w[2] == bpf_htonl(0xffff));
}

INLINE bool
is_v4_net127(const struct wall_addr *a)
{
	return is_v4(a) &&
	       (a->w[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

/* 127.0.0.1 or ::1 */
INLINE bool
is_loopback(const struct wall_addr *a)
{
	if (is_v4(a))
		return a->w[3] == bpf_htonl(INADDR_LOOPBACK);
	return a->w[0] == 0 && a->w[1] == 0 && a->w[2] == 0 &&
	       a->w[3] == bpf_htonl(1);
}

/* Is a one of the jail's addresses? */
APART int
has4(const struct wall_rules *r, __be32 a)
{
	if (r == NULL)
		return false;
	for (int i = 0; i < WALL_ADDRS; i++) {
		if (i >= r->n4)
			break;
		if (r->addr4[i] == a)
			return true;
	}
	return false;
}

APART int
has6(const struct wall_rules *r, const struct wall_addr *a)
{
	if (r == NULL || a == NULL)
		return false;
	for (int i = 0; i < WALL_ADDRS; i++) {
		if (i >= r->n6)
			break;
		if (same(&r->addr6[i], a))
			return true;
	}
	return false;
}

INLINE bool
has(const struct wall_rules *r, const struct wall_addr *a)
{
	return is_v4(a) ? has4(r, a->w[3]) : has6(r, a);
}

INLINE struct wall_addr
primary(const struct wall_rules *r, bool v4)
{
	return v4 ? mapped(r->addr4[0]) : r->addr6[0];
}

INLINE enum wall_mode
mode(const struct wall_rules *r, bool v4)
{
	return v4 ? r->ip4 : r->ip6;
}

INLINE struct wall_rules *
rules_here(void)
{
	return bpf_get_local_storage(&rules, 0);
}

/* Refuse with an errno of our own instead of EPERM. */
INLINE int
refuse(int err)
{
	bpf_set_retval(-err);
	return 0;
}

/* The address of a socket as bpf_sock has it. */
INLINE struct wall_addr
local_of(const struct bpf_sock *sk)
{
	__u32 family = sk->family, ip4 = sk->src_ip4;
	__u32 w0 = sk->src_ip6[0], w1 = sk->src_ip6[1];
	__u32 w2 = sk->src_ip6[2], w3 = sk->src_ip6[3];
	struct wall_addr a;

	PIN(family);
	PIN(ip4);
	PIN(w0);
	PIN(w1);
	PIN(w2);
	PIN(w3);
	a.w[0] = w0;
	a.w[1] = w1;
	a.w[2] = w2;
	a.w[3] = w3;
	return family == AF_INET ? mapped(ip4) : a;
}
#endif
