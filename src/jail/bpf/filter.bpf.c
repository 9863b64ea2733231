/* SPDX-License-Identifier: BSD-2-Clause */
/* filter.bpf.c - the final judge: what comes to a jail's sockets was sent to
 * one of its addresses, and what they send leaves from one.
 *
 * The hooks of bind.bpf.c and send.bpf.c see to that for every socket that
 * binds or connects. What comes in is judged for those that do neither
 * (listen(2) without bind(2), an unbound UDP socket) or have a wildcard;
 * connected ones have been judged and pass on their state alone. What goes out
 * is judged in jails with allow.raw_sockets only: ping and raw sockets alone
 * have a source that no hook saw, and a filter costs each packet a little.
 */
#include "jail/bpf/wall.h"

enum {
	ETH_IP = 0x0800,
	ETH_IP6 = 0x86dd,
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_SYN_RECV = 3,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
};

enum { DROP = 0, PASS = 1 };

/* Judged when it connected or was accepted. */
INLINE bool
is_settled(const struct bpf_sock *sk)
{
	__u32 state = sk->state;

	if (sk->protocol == IPPROTO_TCP)
		return state != STATE_LISTEN && state != STATE_CLOSE &&
		       state != STATE_SYN_SENT && state != STATE_SYN_RECV;
	return sk->protocol == IPPROTO_UDP && state == STATE_ESTABLISHED;
}

/* A packet that is judged, and by what. */
struct judged {
	struct wall_rules *r;
	struct bpf_sock *sk; /* the whole of it; NULL: there is none */
	struct bound *b;     /* what bind.bpf.c knows of it, or NULL */
	bool v4;
};

/* False: it passes. */
INLINE bool
is_judged(struct __sk_buff *skb, struct judged *j)
{
	struct bpf_sock *sk = skb->sk;

	if (sk == NULL)
		return false;
	j->sk = sk = bpf_sk_fullsock(sk);
	if (sk != NULL && is_settled(sk))
		return false;
	j->r = rules_here();
	j->b = sk != NULL ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
	if (j->b != NULL && (j->b->flags & S_FOREIGN))
		return false;
	j->v4 = skb->protocol == bpf_htons(ETH_IP);
	return mode(j->r, j->v4) != WALL_INHERIT;
}

/* Load the 16-byte form of the address at off4 or off6 of the packet. */
INLINE bool
address(struct __sk_buff *skb, int off4, int off6, struct wall_addr *a)
{
	if (skb->protocol == bpf_htons(ETH_IP)) {
		*a = mapped(0);
		return bpf_skb_load_bytes(skb, off4, &a->w[3], 4) == 0;
	}
	return skb->protocol == bpf_htons(ETH_IP6) &&
	       bpf_skb_load_bytes(skb, off6, a, sizeof(*a)) == 0;
}

/* The port a TCP segment is for; 0 when it is not to be seen at once. */
INLINE __u16
tcp_port(struct __sk_buff *skb, bool v4)
{
	__be16 port = 0;
	__u8 first = 0, next = 0;
	int at = 40;

	if (v4) {
		bpf_skb_load_bytes(skb, 0, &first, 1);
		at = (first & 0xf) * 4;
	} else {
		bpf_skb_load_bytes(skb, 6, &next, 1);
		if (next != IPPROTO_TCP)
			return 0;
	}
	bpf_skb_load_bytes(skb, at + 2, &port, 2);
	return bpf_ntohs(port);
}

SEC("cgroup_skb/ingress")
int
ingress(struct __sk_buff *skb)
{
	struct judged j;
	struct wall_addr to;

	if (!is_judged(skb, &j))
		return PASS;
	if (!address(skb, 16, 24, &to) || !has(j.r, &to))
		return DROP;
	/* A hidden port is reached through the listener's own only. */
	if (j.b != NULL && (j.b->flags & S_MOVED) &&
	    j.sk->state == STATE_LISTEN &&
	    tcp_port(skb, j.v4) == j.sk->src_port)
		return DROP;
	return PASS;
}

SEC("cgroup_skb/egress")
int
egress(struct __sk_buff *skb)
{
	struct wall_addr from, at;
	struct judged j;

	if (!is_judged(skb, &j))
		return PASS;
	if (!address(skb, 12, 8, &from))
		return DROP;
	if (has(j.r, &from))
		return PASS;
	/* An address taken from the jail stays with the sockets bound to it. */
	if (j.sk == NULL || j.sk->protocol != IPPROTO_UDP)
		return DROP;
	at = local_of(j.sk);
	return same(&at, &from) ? PASS : DROP;
}
