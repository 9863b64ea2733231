/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.c - what this kernel can do, found by doing it. */
#include "linux/probe.h"

#include <linux/bpf.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "linux/landlock.h"
#include "linux/mnt.h"
#include "linux/userns.h"

#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446 /* Linux 6.9 */
#endif

/* ---- BPF ---- */

static int
load(union bpf_attr *attr)
{
	/* r0 = 1; exit */
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	if (attr->prog_type == BPF_PROG_TYPE_LSM)
		((struct bpf_insn *)(uintptr_t)insns)[0].imm = 0;
	attr->insns = (uintptr_t)insns;
	attr->insn_cnt = ARRAY_LEN(insns);
	attr->license = (uintptr_t) "GPL";
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, attr, sizeof(*attr));
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int
probe_bpf(int prog_type, int attach_type)
{
	union bpf_attr attr = {
		.prog_type = (uint32_t)prog_type,
		.expected_attach_type = (uint32_t)attach_type,
	};

	return load(&attr);
}

/* The few parts of the BTF format (kernel: bpf/btf.rst) that finding a
 * function by name takes. */
struct btf_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};

struct btf_type {
	uint32_t name_off, info, size_or_type;
};

/* Bytes that follow a type of this kind with vlen members. */
static size_t
btf_tail(unsigned kind, unsigned vlen)
{
	static const struct {
		uint8_t fixed, each;
	} tail[] = {
		[1] = { 4, 0 },   /* INT */
		[3] = { 12, 0 },  /* ARRAY */
		[4] = { 0, 12 },  /* STRUCT */
		[5] = { 0, 12 },  /* UNION */
		[6] = { 0, 8 },   /* ENUM */
		[13] = { 0, 8 },  /* FUNC_PROTO */
		[14] = { 4, 0 },  /* VAR */
		[15] = { 0, 12 }, /* DATASEC */
		[17] = { 4, 0 },  /* DECL_TAG */
		[19] = { 0, 12 }, /* ENUM64 */
	};

	if (kind >= ARRAY_LEN(tail))
		return 0;
	return tail[kind].fixed + (size_t)tail[kind].each * vlen;
}

/* The id of function name in BTF text, or 0. */
static uint32_t
btf_find_func(const char *data, size_t len, const char *name)
{
	enum { KIND_FUNC = 12 };
	struct btf_header h;
	size_t at, end;
	uint32_t id = 1;

	if (len < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	at = (size_t)h.hdr_len + h.type_off;
	end = at + h.type_len;
	if (h.magic != 0xeb9f || end > len ||
	    (size_t)h.hdr_len + h.str_off + h.str_len > len || h.str_len == 0)
		return 0;
	for (; at + sizeof(struct btf_type) <= end; id++) {
		const char *str = data + h.hdr_len + h.str_off;
		struct btf_type t;
		unsigned kind;

		memcpy(&t, data + at, sizeof(t));
		kind = (t.info >> 24) & 0x1f;
		if (kind == KIND_FUNC && t.name_off < h.str_len &&
		    strcmp(str + t.name_off, name) == 0)
			return id;
		at += sizeof(t) + btf_tail(kind, t.info & 0xffff);
	}
	return 0;
}

/* Is LSM name in use? 0 or a negative errno. */
static int
lsm_is_listed(const char *name)
{
	FILE *f = fopen("/sys/kernel/security/lsm", "re");
	char list[256] = "", *save, *word;

	if (f == NULL)
		return -errno;
	(void)!fgets(list, sizeof(list), f);
	fclose(f);
	for (word = strtok_r(list, ",\n", &save); word != NULL;
	     word = strtok_r(NULL, ",\n", &save))
		if (strcmp(word, name) == 0)
			return 0;
	return -ENOTSUP;
}

int
probe_bpf_lsm(void)
{
	enum { MAX_BTF = 64 << 20 };
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_LSM,
		.expected_attach_type = BPF_LSM_MAC,
	};
	cleanup_free char *data = NULL;
	int r = lsm_is_listed("bpf");
	size_t len;
	FILE *f;

	if (r < 0)
		return r;
	f = fopen("/sys/kernel/btf/vmlinux", "re");
	if (f == NULL)
		return -errno;
	data = malloc(MAX_BTF);
	len = data != NULL ? fread(data, 1, MAX_BTF, f) : 0;
	fclose(f);
	if (data == NULL)
		return -ENOMEM;
	attr.attach_btf_id = btf_find_func(data, len, "bpf_lsm_file_open");
	if (attr.attach_btf_id == 0)
		return -ENOENT;
	return load(&attr);
}

/* ---- single calls ---- */

int
probe_seccomp(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0
	           ? -errno
	           : 0;
}

int
probe_openat2(void)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

int
probe_pidfs(void)
{
	cleanup_close int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct statfs st;

	if (fd < 0 || fstatfs(fd, &st) < 0)
		return -errno;
	return st.f_type == PID_FS_MAGIC ? 0 : -ENOTSUP;
}

int
probe_io_uring(void)
{
	char params[256] = { 0 }; /* struct io_uring_params is 120 bytes */
	long fd = syscall(SYS_io_uring_setup, 1, params);

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

/* ---- those that need a child ---- */

/* Run fn in a child; its result, through the exit status. */
static int
in_child(int (*fn)(const void *arg), const void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(-fn(arg) & 0xff);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int
new_userns(const void *arg)
{
	struct error err;
	int fd = userns_create(100000, 100000, 65536, 16, &err);

	(void)arg;
	return fd < 0 ? fd : 0;
}

static int
new_domain(const void *arg)
{
	cleanup_close int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	(void)arg;
	return landlock_only_below(top, &err);
}

int
probe_landlock(void)
{
	return in_child(new_domain, NULL);
}

int
probe_userns(void)
{
	return in_child(new_userns, NULL);
}

static int
idmap_fd(int mnt)
{
	struct error err;
	int userns = userns_create(100000, 100000, 65536, 16, &err);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };

	if (userns < 0)
		return userns;
	attr.userns_fd = (uint64_t)userns;
	return mnt_setattr(mnt, &attr, false, &err);
}

static int
idmap_path(const void *arg)
{
	struct error err;
	int mnt = mnt_clone_tree(AT_FDCWD, arg, false, &err);

	return mnt < 0 ? mnt : idmap_fd(mnt);
}

int
probe_idmap(const char *path)
{
	return in_child(idmap_path, path);
}

static int
idmap_tmpfs(const void *arg)
{
	struct error err;
	int mnt = mnt_fs("tmpfs", NULL, 0, &err);

	(void)arg;
	return mnt < 0 ? mnt : idmap_fd(mnt);
}

int
probe_idmap_tmpfs(void)
{
	return in_child(idmap_tmpfs, NULL);
}

bool
probe_maps_tmpfs(void)
{
	return probe_idmap_tmpfs() != -EINVAL;
}

/* Ask rtnetlink for a new link of a kind, in a new network namespace. */
static int
new_link(const void *arg)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
		struct rtattr link;
		struct rtattr kind;
		char name[32];
	} req = { 0 };
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[1024];
	} ack;
	size_t len = strnlen(arg, sizeof(req.name) - 1);
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	memcpy(req.name, arg, len);
	req.kind.rta_type = IFLA_INFO_KIND;
	req.kind.rta_len = (unsigned short)RTA_LENGTH(len);
	req.link.rta_type = IFLA_LINKINFO;
	req.link.rta_len =
	    (unsigned short)RTA_LENGTH(RTA_ALIGN(req.kind.rta_len));
	req.h.nlmsg_type = RTM_NEWLINK;
	req.h.nlmsg_flags =
	    NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
	req.h.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(req.i)) +
	                             RTA_ALIGN(req.link.rta_len));
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0 || send(fd, &req, req.h.nlmsg_len, 0) < 0 ||
	    recv(fd, &ack, sizeof(ack), 0) < (ssize_t)NLMSG_LENGTH(4))
		return -errno;
	/* A vlan without its parent is refused with another errno than a kind
	 * that is not there. */
	return ack.e.error == -EOPNOTSUPP ? -EOPNOTSUPP : 0;
}

int
probe_link_kind(const char *kind)
{
	return in_child(new_link, kind);
}
