/* SPDX-License-Identifier: BSD-2-Clause */
/* device.bpf.c - the device list, held a second time: a node that some volume
 * or an old tree happens to have opens no way round the jail's /dev.
 *
 * Asked at open and mknod only; an open descriptor passes.
 */
#include "jail/bpf/wall.h"

SEC("cgroup/dev")
int
device(struct bpf_cgroup_dev_ctx *ctx)
{
	const struct wall_rules *r = rules_here();
	__u32 access = ctx->access_type, major = ctx->major;
	__u32 minor = ctx->minor;
	__u32 type = (access & 0xffff) == BPF_DEVCG_DEV_BLOCK ? 'b' : 'c';

	if (r->flags & WALL_ANY_DEVICE)
		return 1;
	for (int i = 0; i < WALL_DEVICES; i++) {
		const struct wall_device *d = &r->device[i];

		if (i >= r->n_device)
			break;
		if (d->type == type && (d->major == major || d->major == ~0u) &&
		    (d->minor == minor || d->minor == ~0u))
			return 1;
	}
	return 0;
}
