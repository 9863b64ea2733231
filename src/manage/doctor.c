/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor.c - which mechanisms this host has, and what is used instead: one
 * table, a probe and a named fallback or a named refusal in each row.
 */
#include "manage/doctor.h"

#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "linux/cgroup.h"
#include "linux/probe.h"
#include "manage/lib.h"

enum { SOME = 256 }; /* bytes of a detail */

static int
kernel(char *detail)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	uname(&u);
	snprintf(detail, SOME, "Linux %.200s", u.release);
	if (sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major * 1000 + minor >= 6001 ? 0 : -ENOTSUP;
}

static int
cgroup2(char *detail)
{
	static const char *const where[] = { "/sys/fs/cgroup",
		                             "/sys/fs/cgroup/unified" };
	struct statfs st;

	for (size_t i = 0; i < ARRAY_LEN(where); i++)
		if (statfs(where[i], &st) == 0 &&
		    st.f_type == CGROUP2_SUPER_MAGIC) {
			snprintf(detail, SOME, "%s", where[i]);
			return 0;
		}
	return -ENOENT;
}

/* Does the unified hierarchy have a controller? */
static int
cgroup2_has(const char *controller)
{
	char path[PATH_MAX], words[512] = "", where[SOME];
	FILE *f;

	if (cgroup2(where) < 0)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/cgroup.controllers", where);
	f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	(void)!fgets(words, sizeof(words), f);
	fclose(f);
	return strstr(words, controller) != NULL ? 0 : -ENOENT;
}

static int
cgroup2_memory(char *detail)
{
	(void)detail;
	return cgroup2_has("memory");
}

/* As procs.c chooses. */
static int
pids(char *detail)
{
	struct error err;
	int fd;

	if (cgroup2_has("pids") == 0) {
		snprintf(detail, SOME, "cgroup v2");
		return 0;
	}
	fd = cg_v1_root("pids", &err);
	if (fd < 0)
		return fd;
	close(fd);
	snprintf(detail, SOME, "cgroup v1, entering such a jail takes 10 ms");
	return 0;
}

static int
cgroup_bpf(char *detail)
{
	(void)detail;
	return probe_bpf(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND);
}

static int
sk_lookup(char *detail)
{
	(void)detail;
	return probe_bpf(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP);
}

static int
device_bpf(char *detail)
{
	(void)detail;
	return probe_bpf(BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE);
}

static int
bpf_lsm(char *detail)
{
	(void)detail;
	return probe_bpf_lsm();
}

/* What keeps shared-IP jails from abstract names: as bpf-load chooses. */
static int
abstract_names(char *detail)
{
	enum { CGROUP_UNIX_CONNECT = 49 }; /* Linux 6.7, not in our headers */
	int r;

	if (probe_bpf_lsm() == 0) {
		snprintf(detail, SOME, "BPF LSM");
		return 0;
	}
	r = probe_bpf(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, CGROUP_UNIX_CONNECT);
	snprintf(detail, SOME, "%s",
	         r == 0 ? "cgroup/connect_unix, a jail's own are refused too"
	                : "neither BPF LSM nor cgroup/connect_unix");
	return r;
}

static int
seccomp(char *detail)
{
	(void)detail;
	return probe_seccomp();
}

static int
openat2_beneath(char *detail)
{
	(void)detail;
	return probe_openat2();
}

static int
landlock(char *detail)
{
	(void)detail;
	return probe_landlock();
}

static int
userns(char *detail)
{
	(void)detail;
	return probe_userns();
}

static int
idmap_lib(char *detail)
{
	const char *lib = getenv("GAOL_LIB");
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s", lib != NULL ? lib : "/var/lib/gaol");
	/* Not made yet: the directory above has the same answer. */
	while (access(path, F_OK) < 0 && strrchr(path, '/') != path)
		*strrchr(path, '/') = '\0';
	r = probe_idmap(path);
	snprintf(detail, SOME, "%.200s", path);
	return r;
}

static int
idmap_tmpfs(char *detail)
{
	(void)detail;
	return probe_idmap_tmpfs();
}

static int
pidfs(char *detail)
{
	(void)detail;
	return probe_pidfs();
}

static int
veth(char *detail)
{
	(void)detail;
	return probe_link_kind("veth");
}

static int
bridge(char *detail)
{
	(void)detail;
	return probe_link_kind("bridge");
}

static int
dummy(char *detail)
{
	(void)detail;
	return probe_link_kind("dummy");
}

static int
vlan(char *detail)
{
	(void)detail;
	return probe_link_kind("vlan");
}

static int
kvm(char *detail)
{
	(void)detail;
	return access("/dev/kvm", R_OK | W_OK) < 0 ? -errno : 0;
}

static int
tap(char *detail)
{
	(void)detail;
	return access("/dev/net/tun", R_OK | W_OK) < 0 ? -errno : 0;
}

static int
io_uring(char *detail)
{
	(void)detail;
	return probe_io_uring();
}

static int
zfs(char *detail)
{
	(void)detail;
	return access("/dev/zfs", F_OK) < 0 ? -errno : 0;
}

/* In the order of importance; needed rows first. */
static const struct mechanism {
	const char *name;
	int (*probe)(char *detail); /* 0 or -errno; detail holds SOME bytes */
	bool needed;                /* jails cannot do without */
	const char *used_for;
	const char *otherwise; /* the fallback, or what is refused */
} mechanisms[] = {
	{ "kernel", kernel, false, "6.1 and later are tested",
	  "older than 6.1: untested" },
	{ "cgroup v2", cgroup2, true, "membership, killing, BPF",
	  "no jail can be made: mount cgroup2" },
	{ "user namespaces", userns, true, "a jail's root is not the host's",
	  "no jail can be made" },
	{ "openat2", openat2_beneath, true, "paths that a tenant may influence",
	  "no jail can be made" },
	{ "seccomp", seccomp, true, "system calls a jail may not make",
	  "no jail can be made" },
	{ "cgroup BPF", cgroup_bpf, false, "jails held to their addresses",
	  "jails with ip4.addr or ip6.addr are refused" },
	{ "BPF sk_lookup", sk_lookup, false,
	  "a port for each jail, also by wildcard",
	  "jails with ip4.addr or ip6.addr are refused" },
	{ "BPF devices", device_bpf, false, "device rules held a second time",
	  "device rules are held by /dev alone" },
	{ "abstract names", abstract_names, false,
	  "abstract sockets of the host out of reach",
	  "shared-IP jails reach abstract sockets of the host; VNET not" },
	{ "BPF LSM", bpf_lsm, false,
	  "abstract names, exactly; policies, to come", "see abstract names" },
	{ "idmapped mounts", idmap_lib, false,
	  "owners on disk as written; root of a jail is nobody outside",
	  "root of a jail is uid 0, with no rights over the host" },
	{ "idmapped tmpfs", idmap_tmpfs, false, "tmpfs of the host in a jail",
	  "tmpfs made inside; nodes in a jail's /dev are nobody's" },
	{ "cgroup v2 memory", cgroup2_memory, false,
	  "a cap on all jails together",
	  "jails are the first to go when memory ends" },
	{ "Landlock", landlock, false,
	  "sysrc -R held to its directory a second time",
	  "sysrc -R is held to its directory by openat2 alone" },
	{ "pids controller", pids, false,
	  "a cap on processes where a jail's root is uid 0",
	  "such a root can make any number of processes" },
	{ "pidfd inodes", pidfs, false, "processes told apart",
	  "start time of the process" },
	{ "veth", veth, false, "epair", "ifconfig epair create is refused" },
	{ "bridge", bridge, false, "bridge",
	  "ifconfig bridge create is refused" },
	{ "dummy", dummy, false, "lo1 and other cloned loopbacks", "ifb" },
	{ "vlan", vlan, false, "vlan", "ifconfig vlan create is refused" },
	{ "ZFS", zfs, false, "datasets, to come", "btrfs, plain directories" },
	{ "KVM", kvm, false, "virtual machines", "our software CPU" },
	{ "tap", tap, false, "networks of virtual machines",
	  "slirp, or a network is refused" },
	{ "io_uring", io_uring, false, "disks of virtual machines", "threads" },
};

int
doctor_run(void (*show)(void *arg, const struct doctor_row *row), void *arg)
{
	int status = 0;

	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		const struct mechanism *m = &mechanisms[i];
		char detail[SOME] = "", text[2 * SOME];
		struct doctor_row row = { .name = m->name, .text = text };
		int r = m->probe(detail);

		row.state = r == 0      ? DOCTOR_HAS
		            : m->needed ? DOCTOR_LACKS
		                        : DOCTOR_FALLBACK;
		if (row.state == DOCTOR_LACKS)
			status = 1;
		if (r == 0)
			snprintf(text, sizeof(text), "%s%s%s", m->used_for,
			         detail[0] != '\0' ? ": " : "", detail);
		else
			snprintf(text, sizeof(text), "%s (%s%s%s)",
			         m->otherwise, detail,
			         detail[0] != '\0' ? ": " : "", strerror(-r));
		show(arg, &row);
	}
	return status;
}
