/* SPDX-License-Identifier: BSD-2-Clause */
/* bound.bpf.c - a jail's socket after bind(2): its claim made and given back,
 * its entry among the listeners, its name as it was asked for. The whole story
 * is in bind.bpf.c.
 */
#include "jail/bpf/claims.h"
#include "jail/bpf/listeners.h"
#include "jail/bpf/wall.h"

/* --- claims ----------------------------------------------------------- */

/* The kernel has bound it: make the claim. */
INLINE int
commit(struct bpf_sock *sk)
{
	struct wall_rules *r = rules_here();
	struct bound *b = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	struct claim fresh = { .sockets = 1 }, *c;
	struct ask a = {};

	if (b == NULL || !(b->flags & S_PENDING))
		return 1;
	b->cost = b->flags & S_WILD ? (__u32)r->n4 + r->n6 : 1;
	if (!take_room(r->jail, b->cost)) {
		b->flags = 0;
		return refuse(ENOBUFS);
	}
	fresh.jail = r->jail;
	fresh.hidden = (__u16)sk->src_port;
	fresh.flags = b->flags & (S_REUSE | S_REUSEPORT | S_DUAL);
	b->flags = (b->flags & (__u16)~S_PENDING) | S_BOUND;
	if (bpf_map_update_elem(&claims, &b->claim, &fresh, BPF_NOEXIST) == 0)
		return 1;
	c = bpf_map_lookup_elem(&claims, &b->claim);
	a.proto = b->claim.proto;
	a.reuse = b->flags & S_REUSE;
	a.reuseport = b->flags & S_REUSEPORT;
	if (c != NULL &&
	    (b->claim.slot == CLAIM_UDP_LOOSE || may_join(c, &a))) {
		__sync_fetch_and_add(&c->sockets, 1);
		return 1;
	}
	leave_room(r->jail, b->cost);
	b->flags = 0;
	return refuse(c != NULL ? EADDRINUSE : ENOBUFS);
}

SEC("cgroup/post_bind4")
int
post_bind4(struct bpf_sock *sk)
{
	return commit(sk);
}

SEC("cgroup/post_bind6")
int
post_bind6(struct bpf_sock *sk)
{
	return commit(sk);
}

SEC("cgroup/sock_release")
int
release(struct bpf_sock *sk)
{
	struct bound *b = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	if (b != NULL && (b->flags & S_BOUND)) {
		unclaim(b, rules_here()->jail);
		b->flags = 0;
	}
	return 1;
}

/* --- listen(2) ------------------------------------------------------------ */

APART int
enter(struct bpf_sock_ops *ctx, const struct wall_key *at, __u32 flags)
{
	struct wall_key key; /* Linux 6.1 wants a key on our own stack */
	__u8 yes = 1;

	if (at == NULL)
		return 0;
	key = *at;
	if (bpf_sock_hash_update(ctx, &listeners, &key, BPF_NOEXIST) == 0 ||
	    !(flags & S_REUSEPORT))
		return 0;
	bpf_map_update_elem(&groups, &key, &yes, BPF_ANY);
	for (int i = 1; i < WALL_SLOTS; i++) {
		key.slot = (__u8)i;
		if (bpf_sock_hash_update(ctx, &listeners, &key, BPF_NOEXIST) ==
		    0)
			break;
	}
	return 0;
}

SEC("sockops")
int
listening(struct bpf_sock_ops *ctx)
{
	struct wall_rules *r = rules_here();
	struct wall_key key = { .proto = IPPROTO_TCP };
	struct bpf_sock *sk;
	struct bound *b;
	__u32 op = ctx->op;

	PIN(op);
	ctx->reply = (__u32)-1; /* no opinion, to what else is asked */
	if (op != BPF_SOCK_OPS_TCP_LISTEN_CB)
		return 1;
	sk = ctx->sk;
	if (sk == NULL)
		return 1;
	b = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (b == NULL || !(b->flags & S_MOVED))
		return 1;
	key.scope = r->stack;
	key.port = b->port;
	if (!(b->flags & S_WILD)) {
		key.addr = b->addr;
		enter(ctx, &key, b->flags);
		return 1;
	}
	for (int i = 0; i < WALL_ADDRS; i++) {
		if (i >= r->n4 || !((b->flags & S_DUAL) || is_v4(&b->addr)))
			break;
		key.addr = mapped(r->addr4[i]);
		enter(ctx, &key, b->flags);
	}
	for (int i = 0; i < WALL_ADDRS; i++) {
		if (i >= r->n6 || is_v4(&b->addr))
			break;
		key.addr = r->addr6[i];
		enter(ctx, &key, b->flags);
	}
	return 1;
}

/* --- getsockname(2) --------------------------------------------------------
 */

enum { TCP_STATE_CLOSE = 7, TCP_STATE_LISTEN = 10 };

/* What was asked for, while it is a listener or may become one; a moved socket
 * that connected shows the port it has. */
INLINE const struct bound *
asked_for(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct bound *b;

	if (sk->state != TCP_STATE_CLOSE && sk->state != TCP_STATE_LISTEN)
		return NULL;
	b = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	return b != NULL && (b->flags & S_MOVED) ? b : NULL;
}

/* listen(2) without bind(2), in a jail of one address. */
INLINE bool
is_unbound_listener(struct bpf_sock_addr *ctx, const struct wall_rules *r,
                    bool v4)
{
	return ctx->sk->state == TCP_STATE_LISTEN && mode(r, v4) == WALL_NEW &&
	       (v4 ? r->n4 : r->n6) == 1 &&
	       bpf_get_netns_cookie(ctx) == r->stack;
}

SEC("cgroup/getsockname4")
int
getsockname4(struct bpf_sock_addr *ctx)
{
	const struct bound *b = asked_for(ctx);
	const struct wall_rules *r = rules_here();

	if (b != NULL) {
		ctx->user_ip4 = b->addr.w[3];
		ctx->user_port = bpf_htons(b->port);
	} else if (ctx->user_ip4 == 0 && is_unbound_listener(ctx, r, true)) {
		ctx->user_ip4 = r->addr4[0];
	}
	return 1;
}

SEC("cgroup/getsockname6")
int
getsockname6(struct bpf_sock_addr *ctx)
{
	const struct bound *b = asked_for(ctx);

	if (b != NULL) {
		ctx->user_ip6[0] = b->addr.w[0];
		ctx->user_ip6[1] = b->addr.w[1];
		ctx->user_ip6[2] = b->addr.w[2];
		ctx->user_ip6[3] = b->addr.w[3];
		ctx->user_port = bpf_htons(b->port);
	}
	return 1;
}
