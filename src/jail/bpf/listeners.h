/* SPDX-License-Identifier: BSD-2-Clause */
/* listeners.h - the maps that bind.bpf.c fills and lookup.bpf.c reads. */
#ifndef JAIL_BPF_LISTENERS_H
#define JAIL_BPF_LISTENERS_H
#include "jail/bpf/wall.h"

/* Listening TCP sockets by {namespace, jail's address, port}. The kernel takes
 * an entry out when its socket closes. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65536);
	__type(key, struct wall_key);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} listeners SEC(".maps");

/* Keys (slot 0) under which a SO_REUSEPORT group ever listened: only there are
 * the other slots worth a look. Forgetting one is harmless while slot 0
 * lives. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct wall_key);
	__type(value, __u8);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} groups SEC(".maps");
#endif
