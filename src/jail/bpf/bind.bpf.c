/* SPDX-License-Identifier: BSD-2-Clause */
/* bind.bpf.c - which addresses and ports a jail's sockets get.
 *
 * FreeBSD looks for port conflicts only among sockets of the same jail; Linux
 * looks among all. So a TCP socket that asks for a port is bound to a hidden
 * one that the kernel picks, and is entered in listeners under what it asked
 * for when it listens:
 *
 *   bind(A, 80)   bind4/6     a := (A, 0), asked-for (A, 80) kept in sockets
 *                 post_bind   claim (A, 80) made, unique within the jail
 *   listen()      listening   listeners{namespace, A, 80} := the socket
 *   SYN to A:80   lookup      found there and handed over (lookup.bpf.c)
 *   getsockname() getsockname (A, 80) shown again
 *   close()       release     claim given back; the kernel empties listeners
 *
 * All but the first are in bound.bpf.c. The accepted sockets are on port 80 in
 * truth. What reaches the hidden port itself is dropped (filter.bpf.c).
 *
 * UDP answers from the socket it was asked on, so its port cannot be moved:
 * see udp() for what is done instead.
 */
#include "jail/bpf/claims.h"
#include "jail/bpf/wall.h"

enum {
	SOL_SOCKET = 1,
	SO_REUSEADDR = 2,
	SO_REUSEPORT = 15,
	CAP_BIND_SERVICE = 10, /* CAP_NET_BIND_SERVICE */
};

enum { ALLOW = 1, ALLOW_LOW_PORT = 3 }; /* what bind hooks return */

struct sock_common {
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	unsigned char skc_ipv6only : 1;
} CORE;
struct sock {
	struct sock_common __sk_common;
} CORE;

/* --- claims -------------------------------------------------------------- */

APART int
taken(const struct wall_key *asked, const struct ask *a)
{
	struct wall_key key; /* Linux 6.1 wants a key on our own stack */
	struct claim *c;

	if (asked == NULL || a == NULL)
		return true;
	key = *asked;
	c = bpf_map_lookup_elem(&claims, &key);
	return c != NULL && !may_join(c, a);
}

/* The claim of a socket for all addresses of a family (:: also for both): a
 * jail's own for TCP, whose wildcards are hidden; for UDP one jail's only. */
INLINE struct wall_key
wild_key(const struct wall_rules *r, __u8 proto, __u16 port, bool v4)
{
	struct wall_key key = { .port = port, .proto = proto };

	key.scope = proto == IPPROTO_TCP ? r->jail : r->stack;
	key.slot = proto == IPPROTO_TCP ? CLAIM_PORT : CLAIM_UDP_WILD;
	if (v4)
		key.addr = mapped(0);
	return key;
}

INLINE struct wall_key
key_of(const struct wall_rules *r, const struct ask *a)
{
	struct wall_key key = { .scope = r->stack,
		                .addr = a->addr,
		                .port = a->port,
		                .proto = a->proto };

	return a->wild ? wild_key(r, a->proto, a->port, a->v4) : key;
}

/* Does another socket of this jail stand in the way of one for all
 * addresses? */
APART int
wild_conflict(const struct wall_rules *r, const struct ask *a)
{
	struct wall_key key = {};

	if (r == NULL || a == NULL)
		return true;
	key.scope = r->stack;
	key.port = a->port;
	key.proto = a->proto;
	for (int i = 0; i < WALL_ADDRS; i++) {
		if (i >= r->n4 || !(a->v4 || a->dual))
			break;
		key.addr = mapped(r->addr4[i]);
		if (taken(&key, a))
			return true;
	}
	for (int i = 0; i < WALL_ADDRS; i++) {
		if (i >= r->n6 || a->v4)
			break;
		key.addr = r->addr6[i];
		if (taken(&key, a))
			return true;
	}
	return false;
}

/* Does a wildcard socket of this jail cover a's address, or what it wants of
 * the wildcard? */
APART int
covered(const struct wall_rules *r, const struct ask *a)
{
	struct wall_key key;
	struct claim *c;

	if (r == NULL || a == NULL)
		return true;
	key = wild_key(r, a->proto, a->port, false);
	c = bpf_map_lookup_elem(&claims, &key);
	if (c != NULL && c->jail == r->jail && !may_join(c, a) &&
	    (!a->v4 || (c->flags & S_DUAL)))
		return true;
	if (!a->v4 && !a->dual)
		return false;
	key = wild_key(r, a->proto, a->port, true);
	c = bpf_map_lookup_elem(&claims, &key);
	return c != NULL && c->jail == r->jail && !may_join(c, a);
}

INLINE bool
conflict(const struct wall_rules *r, const struct ask *a)
{
	struct wall_key key = key_of(r, a);

	if (covered(r, a))
		return true;
	return a->wild ? wild_conflict(r, a) : taken(&key, a);
}

/* --- what a socket asks -------------------------------------------------- */

/* Port below 1024: the jail's root, or who has the capability from it. */
APART int
is_privileged(const struct wall_rules *r)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = BPF_CORE_READ(task, cred);
	__u32 low = 0;

	if (r == NULL || !(r->flags & WALL_RESERVED))
		return false;
	if (BPF_CORE_READ(cred, euid.val) == r->uid_base)
		return true;
	bpf_core_read(&low, sizeof(low), &cred->cap_effective);
	return (low & (1u << CAP_BIND_SERVICE)) &&
	       BPF_CORE_READ(cred, user_ns, owner.val) == r->uid_owner;
}

INLINE bool
option(struct bpf_sock_addr *ctx, int name)
{
	int on = 0;

	bpf_getsockopt(ctx, SOL_SOCKET, name, &on, sizeof(on));
	return on != 0;
}

INLINE bool
is_v6only(struct bpf_sock_addr *ctx, __u8 proto)
{
	const struct sock *sk =
	    proto == IPPROTO_TCP ? (const void *)bpf_skc_to_tcp6_sock(ctx->sk)
	                         : (const void *)bpf_skc_to_udp6_sock(ctx->sk);

	return sk != NULL &&
	       BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
}

/* The address part: 0, or the errno that refuses it. */
APART int
judge_address(const struct wall_rules *r, struct ask *a)
{
	if (r == NULL || a == NULL)
		return EINVAL;
	if (is_any(&a->addr)) {
		a->wild = a->dual || (a->v4 ? r->n4 : r->n6) > 1;
		if (!a->wild)
			a->addr = primary(r, a->v4);
		return 0;
	}
	if (has(r, &a->addr))
		return 0;
	if (!is_loopback(&a->addr))
		return EADDRNOTAVAIL;
	a->addr = primary(r, a->v4);
	return 0;
}

/* --- TCP ------------------------------------------------------------------ */

/* Does somebody listen on this very address and port in truth? */
INLINE bool
is_listened(struct bpf_sock_addr *ctx, const struct ask *a)
{
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk;

	if (a->v4) {
		t.ipv4.daddr = a->addr.w[3];
		t.ipv4.dport = bpf_htons(a->port);
		sk = bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv4),
		                        BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(t.ipv6.daddr, &a->addr, sizeof(a->addr));
		t.ipv6.dport = bpf_htons(a->port);
		sk = bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv6),
		                        BPF_F_CURRENT_NETNS, 0);
	}
	if (sk == NULL)
		return false;
	bpf_sk_release(sk);
	return true;
}

/* A socket that asks for a port is taken for a server, whose port is moved,
 * except for the ports that only clients ask for in this way: ftp-data, and
 * rresvport(3)'s range by a socket without SO_REUSEADDR (servers set it). */
INLINE bool
is_client(const struct ask *a)
{
	return a->port == 20 || (a->port >= 512 && a->port < LOW_PORTS &&
	                         !a->reuse && !a->reuseport);
}

/* The port the kernel shall bind: 0, or that of the group to join. */
INLINE __u16
hidden_port(const struct wall_rules *r, const struct ask *a)
{
	struct wall_key key = key_of(r, a);
	struct claim *c;

	if (!a->reuseport)
		return 0;
	c = bpf_map_lookup_elem(&claims, &key);
	return c != NULL ? c->hidden : 0;
}

/* *port is what the kernel gets. Returns 0 or an errno. */
INLINE int
tcp(struct bpf_sock_addr *ctx, const struct wall_rules *r, struct ask *a,
    struct bound *b, __u16 *port)
{
	int one = 1;

	if (a->port == 0)
		return 0;
	if (conflict(r, a))
		return EADDRINUSE;
	if (is_client(a) && !a->wild && !is_listened(ctx, a))
		return 0;
	b->claim = key_of(r, a);
	b->flags |= S_PENDING | S_MOVED;
	*port = hidden_port(r, a);
	/* For the accepted sockets: they have the port in truth, and shall not
	 * keep the host from binding it. */
	bpf_setsockopt(ctx, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* A hidden socket of one family needs no wildcard address; as a client
	 * it has then the right source. */
	if (a->wild && !a->dual)
		a->addr = primary(r, a->v4);
	return 0;
}

/* --- UDP ------------------------------------------------------------------ */

/* Does anybody hold the port on the wildcard address? */
INLINE bool
is_wild_held(struct bpf_sock_addr *ctx, const struct wall_rules *r, bool v4,
             __u16 port)
{
	struct bpf_sock_tuple t = {};
	struct wall_addr to = primary(r, v4);
	struct bpf_sock *sk;
	bool held;

	if (v4) {
		t.ipv4.daddr = to.w[3];
		t.ipv4.dport = bpf_htons(port);
		sk = bpf_sk_lookup_udp(ctx, &t, sizeof(t.ipv4),
		                       BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(t.ipv6.daddr, &to, sizeof(to));
		t.ipv6.dport = bpf_htons(port);
		sk = bpf_sk_lookup_udp(ctx, &t, sizeof(t.ipv6),
		                       BPF_F_CURRENT_NETNS, 0);
	}
	if (sk == NULL)
		return false;
	to = local_of(sk);
	held = is_any(&to);
	bpf_sk_release(sk);
	return held;
}

INLINE struct wall_key
loose_key(const struct wall_rules *r, __u16 port)
{
	struct wall_key key = { .scope = r->stack,
		                .port = port,
		                .proto = IPPROTO_UDP,
		                .slot = CLAIM_UDP_LOOSE };

	return key;
}

enum { WILD_NOBODY, WILD_US, WILD_OTHERS };

/* Which jail has the wildcard of a family? */
INLINE int
wild_holder(const struct wall_rules *r, __u16 port, bool v4)
{
	struct wall_key key = wild_key(r, IPPROTO_UDP, port, v4);
	struct claim *c = bpf_map_lookup_elem(&claims, &key);

	if (c == NULL)
		return WILD_NOBODY;
	return c->jail == r->jail ? WILD_US : WILD_OTHERS;
}

/* May a wildcard socket for several addresses have the wildcard in truth? Only
 * one can: who comes second would take datagrams from the first. */
INLINE bool
may_be_wild(struct bpf_sock_addr *ctx, const struct wall_rules *r,
            const struct ask *a)
{
	struct wall_key loose = loose_key(r, a->port);
	int four = wild_holder(r, a->port, true);
	int six = wild_holder(r, a->port, false);

	if (four == WILD_OTHERS || six == WILD_OTHERS ||
	    bpf_map_lookup_elem(&claims, &loose) != NULL)
		return false;
	if (four != WILD_US && (a->v4 || a->dual) &&
	    is_wild_held(ctx, r, true, a->port))
		return false;
	return a->v4 || six == WILD_US || !is_wild_held(ctx, r, false, a->port);
}

/*
 * UDP ports are real. With one address there is nothing to decide: the socket
 * is bound to it. A wildcard socket for several addresses keeps the wildcard
 * while it is the only one on its port, else it gets the primary address.
 *
 * SO_REUSEADDR is set for it where its absence would let one jail keep
 * another, or the host's daemons that set it, from the port: on the wildcard,
 * beside one, and below 1024. A socket bound to an address gets that address's
 * datagrams before any wildcard. In these cases the claims do what the kernel
 * then no longer does inside the jail.
 */
INLINE int
udp(struct bpf_sock_addr *ctx, const struct wall_rules *r, struct ask *a,
    struct bound *b)
{
	int one = 1;

	if (a->port == 0) {
		if (a->wild && !a->dual)
			a->addr = primary(r, a->v4);
		return 0;
	}
	if (conflict(r, a))
		return EADDRINUSE;
	if (a->wild && !may_be_wild(ctx, r, a)) {
		a->wild = a->dual = false;
		a->addr = primary(r, a->v4);
		if (conflict(r, a))
			return EADDRINUSE;
	}
	b->flags |= S_PENDING;
	if (a->wild || a->port < LOW_PORTS ||
	    wild_holder(r, a->port, true) != WILD_NOBODY ||
	    wild_holder(r, a->port, false) != WILD_NOBODY) {
		b->claim = key_of(r, a);
		bpf_setsockopt(ctx, SOL_SOCKET, SO_REUSEADDR, &one,
		               sizeof(one));
	} else if (!a->reuse) {
		b->claim = loose_key(r, a->port);
	} else {
		b->flags &= (__u16)~S_PENDING;
	}
	return 0;
}

/* --- bind(2) -------------------------------------------------------------- */

/* *port is what the kernel gets. Returns 0 or an errno. */
APART int
judge(struct bpf_sock_addr *ctx, struct wall_rules *r, struct ask *a,
      __u16 *port)
{
	struct bound *b;
	int err;

	if (r == NULL || a == NULL || port == NULL)
		return EINVAL;
	err = judge_address(r, a);
	if (err != 0)
		return err;
	if (a->port != 0 && a->port < LOW_PORTS && !is_privileged(r))
		return EACCES;
	a->reuse = option(ctx, SO_REUSEADDR);
	a->reuseport = option(ctx, SO_REUSEPORT);
	b = bpf_sk_storage_get(&sockets, ctx->sk, NULL,
	                       BPF_SK_STORAGE_GET_F_CREATE);
	if (b == NULL)
		return ENOBUFS;
	if (b->flags & S_BOUND) /* bound before and disconnected since */
		unclaim(b, r->jail);
	b->addr = a->addr;
	b->port = a->port;
	b->flags = (a->wild ? S_WILD : 0) | (a->dual ? S_DUAL : 0) |
	           (a->reuse ? S_REUSE : 0) | (a->reuseport ? S_REUSEPORT : 0);
	return a->proto == IPPROTO_TCP ? tcp(ctx, r, a, b, port)
	                               : udp(ctx, r, a, b);
}

/* Ours to judge? An inherited family is the host's, low ports aside. */
INLINE bool
judged(struct bpf_sock_addr *ctx, struct wall_rules *r, bool v4, int *answer)
{
	if (bpf_get_netns_cookie(ctx) != r->stack) {
		*answer = ALLOW;
		return false;
	}
	if (mode(r, v4) == WALL_INHERIT) {
		*answer = is_privileged(r) ? ALLOW_LOW_PORT : ALLOW;
		return false;
	}
	if (mode(r, v4) == WALL_DISABLE) {
		*answer = refuse(EAFNOSUPPORT);
		return false;
	}
	if (ctx->sk->src_port != 0) { /* bound already: the kernel says so */
		*answer = ALLOW;
		return false;
	}
	return true;
}

SEC("cgroup/bind4")
int
bind4(struct bpf_sock_addr *ctx)
{
	struct wall_rules *r = rules_here();
	__u32 ip = ctx->user_ip4, port = ctx->user_port;
	__u32 proto = ctx->protocol;
	struct ask a = { .v4 = true };
	__u16 give;
	int answer;

	PIN(ip);
	PIN(port);
	PIN(proto);
	if (!judged(ctx, r, true, &answer))
		return answer;
	a.addr = mapped(ip);
	a.port = give = bpf_ntohs((__u16)port);
	a.proto = proto == IPPROTO_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	answer = judge(ctx, r, &a, &give);
	if (answer != 0)
		return refuse(answer);
	ctx->user_ip4 = a.addr.w[3];
	ctx->user_port = bpf_htons(give);
	return ALLOW_LOW_PORT;
}

SEC("cgroup/bind6")
int
bind6(struct bpf_sock_addr *ctx)
{
	struct wall_rules *r = rules_here();
	__u32 w0 = ctx->user_ip6[0], w1 = ctx->user_ip6[1];
	__u32 w2 = ctx->user_ip6[2], w3 = ctx->user_ip6[3];
	__u32 port = ctx->user_port, proto = ctx->protocol;
	struct ask a = {};
	__u16 give;
	int answer;

	PIN(w0);
	PIN(w1);
	PIN(w2);
	PIN(w3);
	PIN(port);
	PIN(proto);
	a.addr.w[0] = w0;
	a.addr.w[1] = w1;
	a.addr.w[2] = w2;
	a.addr.w[3] = w3;
	a.v4 = is_v4(&a.addr);
	if (!judged(ctx, r, a.v4, &answer))
		return answer;
	a.proto = proto == IPPROTO_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	a.port = give = bpf_ntohs((__u16)port);
	if (!a.v4 && is_any(&a.addr) && r->ip4 != WALL_DISABLE)
		a.dual = !is_v6only(ctx, a.proto);
	/* One family by the host's rules, one by ours: the filter does it. */
	if (a.dual && r->ip4 == WALL_INHERIT)
		return is_privileged(r) ? ALLOW_LOW_PORT : ALLOW;
	answer = judge(ctx, r, &a, &give);
	if (answer != 0)
		return refuse(answer);
	ctx->user_ip6[0] = a.addr.w[0];
	ctx->user_ip6[1] = a.addr.w[1];
	ctx->user_ip6[2] = a.addr.w[2];
	ctx->user_ip6[3] = a.addr.w[3];
	ctx->user_port = bpf_htons(give);
	return ALLOW_LOW_PORT;
}
