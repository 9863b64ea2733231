/* SPDX-License-Identifier: BSD-2-Clause */
/* send.bpf.c - where a jail's sockets connect and send to, and from which
 * address.
 *
 * "localhost" and the wildcard address mean the jail; the source of a socket
 * that is not bound is one of the jail's addresses. A socket once connected
 * costs nothing more here.
 */
#include "jail/bpf/wall.h"

/* Destinations that mean the jail itself. All of 127/8 does, unless an address
 * of it is the jail's: on Linux it is the host's loopback, which FreeBSD has on
 * 127.0.0.1 only. */
APART int
turn_home(const struct wall_rules *r, struct wall_addr *to)
{
	if (r == NULL || to == NULL)
		return 0;
	if (is_any(to) ||
	    ((is_v4_net127(to) || is_loopback(to)) && !has(r, to)))
		*to = primary(r, is_v4(to));
	return 0;
}

INLINE bool
within(const struct wall_addr *a, const struct wall_hint *h)
{
	return (((a->w[0] ^ h->dst.w[0]) & h->mask.w[0]) |
	        ((a->w[1] ^ h->dst.w[1]) & h->mask.w[1]) |
	        ((a->w[2] ^ h->dst.w[2]) & h->mask.w[2]) |
	        ((a->w[3] ^ h->dst.w[3]) & h->mask.w[3])) == 0;
}

/* The source for a destination: jail(8), ip4.saddrsel. */
APART int
choose(const struct wall_rules *r, const struct wall_addr *to,
       struct wall_addr *from)
{
	__u32 select;
	bool v4;

	if (r == NULL || to == NULL || from == NULL)
		return 0;
	v4 = is_v4(to);
	select = v4 ? WALL_SADDRSEL4 : WALL_SADDRSEL6;
	*from = primary(r, v4);
	if (!(r->flags & select) || (v4 ? r->n4 : r->n6) < 2)
		return 0;
	if (has(r, to)) {
		*from = *to;
		return 0;
	}
	for (int i = 0; i < WALL_HINTS; i++) {
		const struct wall_hint *h = &r->hint[i];
		__u32 index = h->index;

		if (i >= r->n_hint)
			break;
		if ((h->v4 != 0) != v4 || !within(to, h))
			continue;
		if (index < WALL_ADDRS)
			*from = v4 ? mapped(r->addr4[index]) : r->addr6[index];
		break;
	}
	return 0;
}

/* --- connect(2) ----------------------------------------------------------- */

/* sockaddr_in and sockaddr_in6, which user space headers keep to themselves. */
struct name {
	__u16 family;
	__be16 port;
	union {
		__be32 ip4;
		struct {
			__be32 flow;
			struct wall_addr ip6;
			__u32 scope;
		};
	};
};

enum { NAME4_LEN = 16, NAME6_LEN = 28 };

INLINE int
bind_source(struct bpf_sock_addr *ctx, const struct wall_addr *from, __u16 port,
            bool as_v4)
{
	struct name n = { .port = bpf_htons(port) };

	if (as_v4) {
		n.family = AF_INET;
		n.ip4 = from->w[3];
		return bpf_bind(ctx, (void *)&n, NAME4_LEN);
	}
	n.family = AF_INET6;
	n.ip6 = *from;
	return bpf_bind(ctx, (void *)&n, NAME6_LEN);
}

/* Give the socket its source. 0 or an errno. */
APART int
take_source(struct bpf_sock_addr *ctx, const struct wall_rules *r,
            const struct wall_addr *to, int as_v4)
{
	struct wall_addr at = local_of(ctx->sk), from;
	struct bound *b;

	if (r == NULL || to == NULL)
		return EINVAL;
	if (ctx->sk->src_port == 0) {
		/* IP_BIND_ADDRESS_NO_PORT kept the port back until now. */
		b = bpf_sk_storage_get(&sockets, ctx->sk, NULL, 0);
		if (b != NULL && (b->flags & S_PENDING) && b->port != 0) {
			if (is_any(&b->addr))
				choose(r, to, &from);
			else
				from = b->addr;
			return bind_source(ctx, &from, b->port, as_v4) < 0
			           ? EADDRINUSE
			           : 0;
		}
	}
	if (!is_any(&at))
		return 0;
	/* Bound to a port on all addresses: too late to name one, and the
	 * kernel's choice is the jail's only towards itself. */
	if (ctx->sk->src_port != 0)
		return has(r, to) ? 0 : EADDRNOTAVAIL;
	choose(r, to, &from);
	return bind_source(ctx, &from, 0, as_v4) < 0 ? EADDRNOTAVAIL : 0;
}

INLINE int
judge(struct bpf_sock_addr *ctx, const struct wall_rules *r,
      struct wall_addr *to, bool as_v4)
{
	if (mode(r, is_v4(to)) == WALL_DISABLE)
		return EAFNOSUPPORT;
	turn_home(r, to);
	return take_source(ctx, r, to, as_v4);
}

/* The host's own rules: another network namespace, or an inherited family. */
INLINE bool
is_free(struct bpf_sock_addr *ctx, const struct wall_rules *r, bool v4)
{
	return bpf_get_netns_cookie(ctx) != r->stack ||
	       mode(r, v4) == WALL_INHERIT;
}

SEC("cgroup/connect4")
int
connect4(struct bpf_sock_addr *ctx)
{
	struct wall_rules *r = rules_here();
	__u32 ip = ctx->user_ip4;
	struct wall_addr to;
	int err;

	PIN(ip);
	if (is_free(ctx, r, true))
		return 1;
	to = mapped(ip);
	err = judge(ctx, r, &to, true);
	if (err != 0)
		return refuse(err);
	ctx->user_ip4 = to.w[3];
	return 1;
}

SEC("cgroup/connect6")
int
connect6(struct bpf_sock_addr *ctx)
{
	struct wall_rules *r = rules_here();
	__u32 w0 = ctx->user_ip6[0], w1 = ctx->user_ip6[1];
	__u32 w2 = ctx->user_ip6[2], w3 = ctx->user_ip6[3];
	struct wall_addr to;
	int err;

	PIN(w0);
	PIN(w1);
	PIN(w2);
	PIN(w3);
	to.w[0] = w0;
	to.w[1] = w1;
	to.w[2] = w2;
	to.w[3] = w3;
	if (is_free(ctx, r, is_v4(&to)))
		return 1;
	err = judge(ctx, r, &to, false);
	if (err != 0)
		return refuse(err);
	ctx->user_ip6[0] = to.w[0];
	ctx->user_ip6[1] = to.w[1];
	ctx->user_ip6[2] = to.w[2];
	ctx->user_ip6[3] = to.w[3];
	return 1;
}

/* --- sendto(2) on what is not connected ----------------------------------- */

/* from is what the socket or a control message names, or any. */
APART int
judge_send(const struct wall_rules *r, const struct wall_addr *bound,
           struct wall_addr *to, struct wall_addr *from)
{
	if (r == NULL || bound == NULL || to == NULL || from == NULL)
		return EINVAL;
	if (mode(r, is_v4(to)) == WALL_DISABLE)
		return EAFNOSUPPORT;
	turn_home(r, to);
	if (is_any(from)) {
		choose(r, to, from);
		return 0;
	}
	/* An address taken from the jail stays with the sockets that have
	 * it. */
	if (has(r, from) || same(from, bound))
		return 0;
	if (!is_loopback(from))
		return EADDRNOTAVAIL;
	*from = primary(r, is_v4(from));
	return 0;
}

SEC("cgroup/sendmsg4")
int
sendmsg4(struct bpf_sock_addr *ctx)
{
	struct wall_rules *r = rules_here();
	__u32 ip = ctx->user_ip4, src = ctx->msg_src_ip4;
	struct wall_addr to, from, at = local_of(ctx->sk);
	int err;

	PIN(ip);
	PIN(src);
	if (is_free(ctx, r, true))
		return 1;
	to = mapped(ip);
	from = mapped(src);
	err = judge_send(r, &at, &to, &from);
	if (err != 0)
		return refuse(err);
	ctx->user_ip4 = to.w[3];
	ctx->msg_src_ip4 = from.w[3];
	return 1;
}

SEC("cgroup/sendmsg6")
int
sendmsg6(struct bpf_sock_addr *ctx)
{
	struct wall_rules *r = rules_here();
	__u32 w0 = ctx->user_ip6[0], w1 = ctx->user_ip6[1];
	__u32 w2 = ctx->user_ip6[2], w3 = ctx->user_ip6[3];
	__u32 s0 = ctx->msg_src_ip6[0], s1 = ctx->msg_src_ip6[1];
	__u32 s2 = ctx->msg_src_ip6[2], s3 = ctx->msg_src_ip6[3];
	struct wall_addr to, from, at = local_of(ctx->sk);
	int err;

	PIN(w0);
	PIN(w1);
	PIN(w2);
	PIN(w3);
	PIN(s0);
	PIN(s1);
	PIN(s2);
	PIN(s3);
	if (is_free(ctx, r, false))
		return 1;
	to.w[0] = w0;
	to.w[1] = w1;
	to.w[2] = w2;
	to.w[3] = w3;
	from.w[0] = s0;
	from.w[1] = s1;
	from.w[2] = s2;
	from.w[3] = s3;
	err = judge_send(r, &at, &to, &from);
	if (err != 0)
		return refuse(err);
	ctx->user_ip6[0] = to.w[0];
	ctx->user_ip6[1] = to.w[1];
	ctx->user_ip6[2] = to.w[2];
	ctx->user_ip6[3] = to.w[3];
	ctx->msg_src_ip6[0] = from.w[0];
	ctx->msg_src_ip6[1] = from.w[1];
	ctx->msg_src_ip6[2] = from.w[2];
	ctx->msg_src_ip6[3] = from.w[3];
	return 1;
}
