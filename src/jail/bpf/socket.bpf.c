/* SPDX-License-Identifier: BSD-2-Clause */
/* socket.bpf.c - which sockets a jail may make at all, and which of their
 * options it may set.
 *
 * Covers AF_INET and AF_INET6 only; other families never come here and are the
 * business of the jail's seccomp filter.
 */
#include "jail/bpf/wall.h"

enum { PROTO_UDPLITE = 136, PROTO_ICMP6 = 58 };

/* 0, or the errno of a socket(2) the rules refuse. */
INLINE int
judge(const struct wall_rules *r, bool v4, __u32 type, __u32 protocol)
{
	bool raw = r->flags & WALL_RAW;

	if (mode(r, v4) == WALL_DISABLE)
		return EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		return raw ? 0 : EPERM;
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case PROTO_UDPLITE:
		return 0;
	case IPPROTO_ICMP: /* ping(8) without root: raw in another dress */
	case PROTO_ICMP6:
		return raw ? 0 : EPERM;
	default:
		/* SCTP, DCCP, MPTCP, L2TP bind past our hooks. Multipath TCP's
		 * users fall back to TCP. */
		return mode(r, v4) == WALL_INHERIT ? 0 : EPROTONOSUPPORT;
	}
}

SEC("cgroup/sock_create")
int
create(struct bpf_sock *sk)
{
	struct wall_rules *r = rules_here();
	__u32 family = sk->family, type = sk->type, protocol = sk->protocol;
	struct bound *b;
	int err;

	PIN(family);
	PIN(type);
	PIN(protocol);
	if (bpf_get_netns_cookie(sk) != r->stack) {
		/* A namespace the jail made: a stack of its own, cut off. The
		 * packet filter cannot ask, so it is told. */
		b = bpf_sk_storage_get(&sockets, sk, NULL,
		                       BPF_SK_STORAGE_GET_F_CREATE);
		if (b == NULL)
			return refuse(ENOBUFS);
		b->flags = S_FOREIGN;
		return 1;
	}
	err = judge(r, family == AF_INET, type, protocol);
	return err == 0 ? 1 : refuse(err);
}

/* Options that would take a socket round the address rules, or steer it round
 * the host's routing. FreeBSD: IP_BINDANY is EPERM in a jail. */
SEC("cgroup/setsockopt")
int
setsockopt(struct bpf_sockopt *ctx)
{
	enum {
		SOL_SOCKET = 1,
		SOL_IPV6 = 41,
		SO_BINDTODEVICE = 25,
		SO_BINDTOIFINDEX = 62,
		IPV6_TRANSPARENT = 75,
		IPV6_FREEBIND = 78,
		MAX_OPTION = 4096, /* bytes that can be shown to us */
	};
	struct wall_rules *r = rules_here();
	__s32 level = ctx->level, name = ctx->optname;

	PIN(level);
	PIN(name);
	if (ctx->optlen > MAX_OPTION) /* let the kernel use the original */
		ctx->optlen = 0;
	if (bpf_get_netns_cookie(ctx) != r->stack)
		return 1;
	if (level == SOL_SOCKET)
		return name != SO_BINDTODEVICE && name != SO_BINDTOIFINDEX;
	if (level == IPPROTO_IP)
		return name != IP_FREEBIND && name != IP_TRANSPARENT;
	if (level == SOL_IPV6)
		return name != IPV6_FREEBIND && name != IPV6_TRANSPARENT;
	return 1;
}
