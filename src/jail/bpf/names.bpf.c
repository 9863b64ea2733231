/* SPDX-License-Identifier: BSD-2-Clause */
/* names.bpf.c - abstract names of unix(7), by the BPF LSM: a shared-IP jail
 * reaches its own and nobody else's.
 *
 * The name belongs to the network namespace, the socket behind it to the cgroup
 * of its maker: the jail may connect or send to it when that is the jail's, or
 * below. Both hooks run for the jail's sockets only (lsm_cgroup, Linux 6.0);
 * pathnames are the file system's to guard, sockets without a name were handed
 * over. Better than unix.bpf.c, which cannot tell whose name it is, and there
 * before Linux 6.7; a kernel may have no BPF LSM, or refuse its programs.
 */
#include "jail/bpf/wall.h"

enum { DEPTH = 32 }; /* cgroups below one another that we look at */

struct kernfs_node {
	__u64 id;
} CORE;
struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[]; /* [level] is itself */
} CORE;
struct sock_cgroup_data {
	struct cgroup *cgroup;
} CORE;
struct sock {
	struct sock_cgroup_data sk_cgrp_data;
} CORE;
struct socket {
	struct sock *sk;
} CORE;
struct sockaddr_un {
	char sun_path[108];
} CORE;
struct unix_address {
	int len;
	struct sockaddr_un name[];
} CORE;
struct unix_sock {
	struct unix_address *addr;
} CORE;

/* "", then the name; sun_family alone is no name at all. */
INLINE bool
has_abstract_name(struct sock *sk)
{
	struct unix_address *addr = BPF_CORE_READ((struct unix_sock *)sk, addr);
	char first = 'x';

	if (addr == NULL || BPF_CORE_READ(addr, len) <= (int)sizeof(__u16))
		return false;
	bpf_core_read(&first, sizeof(first), &addr->name[0].sun_path[0]);
	return first == '\0';
}

/* Was it made in the jail's cgroup or below? */
INLINE bool
is_of_jail(struct sock *sk, __u64 jail)
{
	struct cgroup *cg = BPF_CORE_READ(sk, sk_cgrp_data.cgroup), *up;
	int level = BPF_CORE_READ(cg, level);

	for (int i = 0; i < DEPTH; i++) {
		if (i > level)
			break;
		up = NULL;
		bpf_core_read(&up, sizeof(up), &cg->ancestors[i]);
		if (BPF_CORE_READ(up, kn, id) == jail)
			return true;
	}
	return false;
}

INLINE int
judge(struct sock *other)
{
	struct wall_rules *r = rules_here();

	if (!has_abstract_name(other) || is_of_jail(other, r->jail))
		return 1;
	return refuse(ECONNREFUSED);
}

/* Both take pointers: the jail's socket, the other one, and more. */
SEC("lsm_cgroup/unix_stream_connect")
int
names_connect(__u64 *args)
{
	return judge((struct sock *)args[1]);
}

SEC("lsm_cgroup/unix_may_send")
int
names_send(__u64 *args)
{
	const struct socket *other = (const struct socket *)args[1];

	return judge(BPF_CORE_READ(other, sk));
}
