/* SPDX-License-Identifier: BSD-2-Clause */
/* unix.bpf.c - abstract names of unix(7), which belong to the network
 * namespace and so would let a shared-IP jail talk to the host's daemons.
 * FreeBSD has none. Needs Linux 6.7; cannot tell whose name it is, so the
 * jail's own are refused too.
 */
#include "jail/bpf/wall.h"

struct sockaddr_un {
	char sun_path[108];
} CORE;
struct bpf_sock_addr_kern {
	void *uaddr;
} CORE;

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

INLINE int
judge(struct bpf_sock_addr *ctx)
{
	struct bpf_sock_addr_kern *k = bpf_cast_to_kern_ctx(ctx);
	struct wall_rules *r = rules_here();
	const struct sockaddr_un *un;

	if (bpf_get_netns_cookie(ctx) != r->stack)
		return 1;
	un = bpf_rdonly_cast(k->uaddr,
	                     bpf_core_type_id_kernel(struct sockaddr_un));
	return un->sun_path[0] != '\0' ? 1 : refuse(ECONNREFUSED);
}

/* The section names the program type; the loader sets the attach type, which
 * this libbpf has no name for. */
SEC("cgroup/connect4")
int
connect_unix(struct bpf_sock_addr *ctx)
{
	return judge(ctx);
}

SEC("cgroup/sendmsg4")
int
sendmsg_unix(struct bpf_sock_addr *ctx)
{
	return judge(ctx);
}
