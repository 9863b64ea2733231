/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.h - what this kernel can do, found by doing it.
 *
 * Lists and version numbers lie (a kernel may list the BPF LSM and refuse every
 * program of it), so each probe makes the smallest real use of its mechanism
 * and undoes it. Each returns 0 when it works, else a negative errno; none
 * changes anything that others see. Those that fork say so.
 */
#ifndef LINUX_PROBE_H
#define LINUX_PROBE_H
#include <limits.h>
#include <stdbool.h>

/* Load "return 1" as a program of BPF type prog_type for attach_type. */
int probe_bpf(int prog_type, int attach_type);
/* The same as an LSM program on file_open, where "bpf" is among the LSMs in
 * use: elsewhere programs load and never run. -ENOENT: no BTF to name the hook.
 */
int probe_bpf_lsm(void);
int probe_seccomp(void);
int probe_openat2(void);
/* A Landlock domain. Forks. */
int probe_landlock(void);
/* An idmapped clone of the mount at path. Forks. */
int probe_idmap(const char *path);
/* The same on a new tmpfs. Forks. */
int probe_idmap_tmpfs(void);
/* Not when this kernel cannot; who may not find out is told yes. Forks. */
bool probe_maps_tmpfs(void);
/* A user namespace of our own. Forks. */
int probe_userns(void);
/* Network interfaces of a kind ("veth", "bridge", "dummy", "vlan"), tried in a
 * new network namespace. Forks. */
int probe_link_kind(const char *kind);
/* Are pidfds numbered uniquely (pidfs)? */
int probe_pidfs(void);
int probe_io_uring(void);
#endif
