/* SPDX-License-Identifier: BSD-2-Clause */
/* ebpf.h - the few uses of bpf(2) that take no library: pinned objects opened,
 * programs attached to cgroups, map elements read and written.
 *
 * Each returns a descriptor or 0, else a negative errno. Not named bpf.h, which
 * is the kernel's own <linux/bpf.h>.
 * Source: bpf(2), kernel uapi/linux/bpf.h.
 */
#ifndef LINUX_EBPF_H
#define LINUX_EBPF_H
#include <stdint.h>

/* A program, map or link pinned at name below the bpffs directory dirfd. */
int ebpf_get(int dirfd, const char *name);

/* Attach to a cgroup beside what others attached, for good: it ends with the
 * group. attach_type is an enum bpf_attach_type. -EEXIST: it is already. */
int ebpf_cgroup_attach(int cgroup, int prog, int attach_type);

int ebpf_map_read(int map, const void *key, void *out_value);
int ebpf_map_write(int map, const void *key, const void *value);

/* The inode of the network namespace a link is attached in; 0: it is gone. */
int ebpf_link_netns(int link, uint32_t *out_inode);
#endif
