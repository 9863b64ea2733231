/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup.bpf.c - hand a connection to the jail that listens on its address.
 *
 * A jail's listening TCP socket sits on a hidden port (bind.bpf.c), so that it
 * can never collide with the host's or another jail's; this program, attached
 * to the network namespace, is what makes it answer on the port it asked for.
 * One copy per namespace, since the program cannot ask where it is.
 */
#include "jail/bpf/listeners.h"
#include "jail/bpf/wall.h"

const volatile __u64 stack; /* cookie of the namespace, set by the loader */

/* Apart, so that the loop below is closed by a jump: the verifier of Linux 6.1
 * refuses one that another instruction falls back into. */
APART int
hand_over(struct bpf_sk_lookup *ctx, const struct wall_key *at)
{
	struct wall_key key; /* it wants keys on our own stack, too */
	struct bpf_sock *sk;
	long r;

	if (at == NULL)
		return false;
	key = *at;
	sk = bpf_map_lookup_elem(&listeners, &key);
	if (sk == NULL)
		return false;
	r = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return r == 0;
}

SEC("sk_lookup")
int
lookup(struct bpf_sk_lookup *ctx)
{
	struct wall_key key = { .scope = stack, .proto = IPPROTO_TCP };
	__u32 family = ctx->family, protocol = ctx->protocol;

	PIN(family);
	if (protocol != IPPROTO_TCP)
		return SK_PASS;
	key.port = (__u16)ctx->local_port;
	if (family == AF_INET) {
		key.addr = mapped(ctx->local_ip4);
	} else {
		key.addr.w[0] = ctx->local_ip6[0];
		key.addr.w[1] = ctx->local_ip6[1];
		key.addr.w[2] = ctx->local_ip6[2];
		key.addr.w[3] = ctx->local_ip6[3];
	}
	if (hand_over(ctx, &key) || bpf_map_lookup_elem(&groups, &key) == NULL)
		return SK_PASS;
	/* A SO_REUSEPORT group whose first member is gone. */
	for (int i = 1; i < WALL_SLOTS; i++) {
		key.slot = (__u8)i;
		if (hand_over(ctx, &key))
			break;
	}
	return SK_PASS;
}
