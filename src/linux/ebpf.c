/* SPDX-License-Identifier: BSD-2-Clause */
/* ebpf.c - the few uses of bpf(2) that take no library. */
#include "linux/ebpf.h"

#include <linux/bpf.h>
#include <sys/syscall.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int
call(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

/* Linux 6.5 takes a descriptor of the directory, which is twice as fast as the
 * way through /proc; our headers may be older. */
struct obj_get {
	uint64_t pathname;
	uint32_t bpf_fd, file_flags;
	int32_t path_fd;
};

static int
get_at(int dirfd, const char *name)
{
	enum { F_PATH_FD = 1 << 14 };
	struct obj_get attr = {
		.pathname = (uintptr_t)name,
		.file_flags = F_PATH_FD,
		.path_fd = dirfd,
	};
	int r = (int)syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof(attr));

	return r < 0 ? -errno : r;
}

int
ebpf_get(int dirfd, const char *name)
{
	char path[PATH_MAX];
	union bpf_attr attr = { .pathname = (uintptr_t)path };
	int r = get_at(dirfd, name);

	if (r != -E2BIG && r != -EINVAL)
		return r;
	if (snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	return call(BPF_OBJ_GET, &attr);
}

int
ebpf_cgroup_attach(int cgroup, int prog, int attach_type)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)prog,
		.attach_type = (uint32_t)attach_type,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	int r = call(BPF_PROG_ATTACH, &attr);

	/* The kernel's word for "the same program twice". */
	return r == -EINVAL ? -EEXIST : r;
}

int
ebpf_map_read(int map, const void *key, void *out_value)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)map,
		.key = (uintptr_t)key,
		.value = (uintptr_t)out_value,
	};

	return call(BPF_MAP_LOOKUP_ELEM, &attr);
}

int
ebpf_map_write(int map, const void *key, const void *value)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)map,
		.key = (uintptr_t)key,
		.value = (uintptr_t)value,
		.flags = BPF_ANY,
	};

	return call(BPF_MAP_UPDATE_ELEM, &attr);
}

int
ebpf_link_netns(int link, uint32_t *out_inode)
{
	struct bpf_link_info info = { 0 };
	union bpf_attr attr = {
		.info.bpf_fd = (uint32_t)link,
		.info.info_len = sizeof(info),
		.info.info = (uintptr_t)&info,
	};
	int r = call(BPF_OBJ_GET_INFO_BY_FD, &attr);

	if (r == 0)
		*out_inode = info.netns.netns_ino;
	return r;
}
