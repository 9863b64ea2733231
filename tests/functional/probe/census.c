/* SPDX-License-Identifier: BSD-2-Clause */
/* census.c - "census [MAP ...]": how many BPF programs, maps and links the
 * machine holds, and how many entries each pinned map has; one count a line.
 */
#include <linux/bpf.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_MAX = 512 };

static int
bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static unsigned
count_ids(int cmd)
{
	union bpf_attr attr;
	unsigned n = 0, id = 0;

	for (;;) {
		memset(&attr, 0, sizeof(attr));
		attr.start_id = id;
		if (bpf(cmd, &attr) < 0)
			return n;
		id = attr.next_id;
		n++;
	}
}

static int
count_entries(const char *path)
{
	char key[KEY_MAX], next[KEY_MAX];
	union bpf_attr attr;
	int n = 0, fd;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uint64_t)(uintptr_t)path;
	fd = bpf(BPF_OBJ_GET, &attr);
	if (fd < 0)
		return -errno;
	for (;;) {
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (uint32_t)fd;
		attr.key = n == 0 ? 0 : (uint64_t)(uintptr_t)key;
		attr.next_key = (uint64_t)(uintptr_t)next;
		if (bpf(BPF_MAP_GET_NEXT_KEY, &attr) < 0)
			break;
		memcpy(key, next, sizeof(key));
		n++;
	}
	close(fd);
	return n;
}

int
main(int argc, char **argv)
{
	printf("programs %u\n", count_ids(BPF_PROG_GET_NEXT_ID));
	printf("maps %u\n", count_ids(BPF_MAP_GET_NEXT_ID));
	printf("links %u\n", count_ids(BPF_LINK_GET_NEXT_ID));
	for (int i = 1; i < argc; i++)
		printf("%s %d\n", argv[i], count_entries(argv[i]));
	return 0;
}
