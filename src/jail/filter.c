/* SPDX-License-Identifier: BSD-2-Clause */
/* filter.c - the policy: which calls need which right, which rights a jail has.
 *
 * Everything is three tables. A right is what a jail may do; rights_of() makes
 * them from the parameters. call[] names the calls that need a right, and what
 * they answer without; calls not named are let through if their number is in
 * known[], and fail with ENOSYS if a newer kernel has added them, until
 * somebody has looked at them. cap[] names the capabilities worth keeping.
 * socket(2) depends on three arguments and has a function of its own.
 */
#include "jail/filter.h"

#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <netinet/in.h>

#include "linux/caps.h"
#include "linux/seccomp_filter.h"

enum right {
	NEVER, /* no jail has it */
	ALWAYS,
	ROOT,  /* uid 0 has privilege at all: allow.suser */
	ADMIN, /* something behind CAP_SYS_ADMIN */
	NET,   /* has a network stack to administer */
	NEST,  /* makes jails of its own */
	MOUNT,
	HOSTNAME,
	SYSV_MSG,
	SYSV_SEM,
	SYSV_SHM,
	RAW,
	CHFLAGS,
	QUOTAS,
	MLOCK,
	PORTS,
	MSGBUF,
	DEBUG,
	FIREWALL,
};

static uint32_t
bit(bool is_on, enum right right)
{
	return is_on ? UINT32_C(1) << right : 0;
}

static uint32_t
rights_of(const struct jail_filter_flags *f)
{
	bool nest = f->children;
	bool mount = f->mount || nest;

	return bit(true, ALWAYS) | bit(f->suser, ROOT) | bit(nest, NEST) |
	       bit(mount, MOUNT) |
	       bit(mount || f->set_hostname || f->quotas, ADMIN) |
	       bit(f->vnet || nest, NET) | bit(f->set_hostname, HOSTNAME) |
	       bit(f->sysvmsg, SYSV_MSG) | bit(f->sysvsem, SYSV_SEM) |
	       bit(f->sysvshm, SYSV_SHM) | bit(f->raw_sockets || f->vnet, RAW) |
	       bit(f->chflags && f->securelevel < 1, CHFLAGS) |
	       bit(f->quotas, QUOTAS) | bit(f->mlock, MLOCK) |
	       bit(f->reserved_ports, PORTS) | bit(f->read_msgbuf, MSGBUF) |
	       bit(f->unprivileged_proc_debug, DEBUG) |
	       bit(f->vnet && f->securelevel < 3, FIREWALL);
}

static bool
has(uint32_t rights, enum right right)
{
	return (rights & bit(true, right)) != 0;
}

/* Calls that Debian 12's headers do not know yet. */
enum {
	NR_LAST_OLD = 336, /* uretprobe 335, uprobe 336 */
	NR_FIRST_NEW = 424,
	NR_OPEN_TREE_ATTR = 467,
	NR_FILE_SETATTR = 469,
};

/* Looked at up to Linux 6.18; lsm_*_self_attr (459-461) are left out: a jail
 * has no security module of its own to configure. */
static const struct {
	uint16_t first, last;
} known[] = {
	{ 0, NR_LAST_OLD },
	{ NR_FIRST_NEW, 458 },
	{ 462, NR_FILE_SETATTR },
};

/* Flags of clone(2) and unshare(2) that make a namespace. 0x80 is NEWTIME for
 * unshare only: clone has the exit signal there. */
#define CLONE_NEW                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

enum {
	KEYCTL_JOIN = 1,             /* KEYCTL_JOIN_SESSION_KEYRING */
	PERSONA_NO_RANDOM = 0x40000, /* what gdb sets for its child */
	PERSONA_UNAME26 = 0x20000,
	PERSONA_LINUX32 = 0x8,
	REPLACE_OPTIONS = 64, /* {IPT,IP6T}_SO_SET_REPLACE; +1 is counters */
};

#define ARG_IS(n, want)                                                        \
	{                                                                      \
		.arg = (n), .mask = UINT32_MAX, .value = (want)                \
	}
#define ARG_BITS(n, m, want)                                                   \
	{                                                                      \
		.arg = (n), .mask = (m), .value = (want)                       \
	}
#define ARG_ANY_OF(n, m)                                                       \
	{                                                                      \
		.arg = (n), .mask = (m), .differs = true                       \
	}

/*
 * Without the right the call answers errnum. With it, or when the test does
 * not hold, later rows decide. A row with errnum 0 lets the call through when
 * the jail has the right, ahead of rows below.
 */
struct call {
	uint16_t nr;
	uint16_t errnum;
	uint8_t right;
	uint8_t n_test;
	struct seccomp_test test[2];
};

static const struct call call[] = {
	/* Namespaces. clone3's flags are behind a pointer, so it is refused
	 * with the errno that makes libc fall back to clone. */
	{ SYS_clone, EPERM, NEST, 1, { ARG_ANY_OF(0, CLONE_NEW) } },
	{ SYS_clone3, ENOSYS, NEST, 0, { { 0 } } },
	{ SYS_unshare, EPERM, NEST, 1, { ARG_ANY_OF(0, CLONE_NEW | 0x80) } },
	{ SYS_setns, EPERM, NEST, 0, { { 0 } } },
	{ SYS_pivot_root, EPERM, NEST, 0, { { 0 } } },
	/* Mounts. The type is behind a pointer: allow.mount.X is not here. */
	{ SYS_mount, EPERM, MOUNT, 0, { { 0 } } },
	{ SYS_umount2, EPERM, MOUNT, 0, { { 0 } } },
	{ SYS_open_tree, EPERM, MOUNT, 0, { { 0 } } },
	{ NR_OPEN_TREE_ATTR, EPERM, MOUNT, 0, { { 0 } } },
	{ SYS_move_mount, EPERM, MOUNT, 0, { { 0 } } },
	{ SYS_fsopen, EPERM, MOUNT, 0, { { 0 } } },
	{ SYS_fsconfig, EPERM, MOUNT, 0, { { 0 } } },
	{ SYS_fsmount, EPERM, MOUNT, 0, { { 0 } } },
	{ SYS_fspick, EPERM, MOUNT, 0, { { 0 } } },
	{ SYS_mount_setattr, EPERM, MOUNT, 0, { { 0 } } },
	/* The host as a whole. */
	{ SYS_reboot, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_kexec_load, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_kexec_file_load, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_init_module, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_finit_module, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_delete_module, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_swapon, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_swapoff, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_acct, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_clock_settime, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_settimeofday, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_syslog, EPERM, MSGBUF, 0, { { 0 } } },
	{ SYS_quotactl, EPERM, QUOTAS, 0, { { 0 } } },
	{ SYS_quotactl_fd, EPERM, QUOTAS, 0, { { 0 } } },
	{ SYS_sethostname, EPERM, HOSTNAME, 0, { { 0 } } },
	{ SYS_setdomainname, EPERM, HOSTNAME, 0, { { 0 } } },
	/* Hardware and old doors. */
	{ SYS_iopl, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_ioperm, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_modify_ldt, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_uselib, ENOSYS, NEVER, 0, { { 0 } } },
	{ SYS_sysfs, ENOSYS, NEVER, 0, { { 0 } } },
	{ SYS_lookup_dcookie, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_mknod, EPERM, NEVER, 1, { ARG_BITS(1, S_IFMT, S_IFCHR) } },
	{ SYS_mknod, EPERM, NEVER, 1, { ARG_BITS(1, S_IFMT, S_IFBLK) } },
	{ SYS_mknodat, EPERM, NEVER, 1, { ARG_BITS(2, S_IFMT, S_IFCHR) } },
	{ SYS_mknodat, EPERM, NEVER, 1, { ARG_BITS(2, S_IFMT, S_IFBLK) } },
	/* Of the personalities only those that change the caller's own view;
	 * the last row asks which one it is. */
	{ SYS_personality, 0, ALWAYS, 1, { ARG_IS(0, UINT32_MAX) } },
	{ SYS_personality,
	  EPERM,
	  NEVER,
	  1,
	  { ARG_ANY_OF(0, ~(uint32_t)(PERSONA_LINUX32 | PERSONA_UNAME26 |
	                              PERSONA_NO_RANDOM)) } },
	/* Large and young parts of the kernel that user namespaces leave open
	 * (io_uring would also make sockets behind this filter's back). */
	{ SYS_io_uring_setup, ENOSYS, NEVER, 0, { { 0 } } },
	{ SYS_io_uring_enter, ENOSYS, NEVER, 0, { { 0 } } },
	{ SYS_io_uring_register, ENOSYS, NEVER, 0, { { 0 } } },
	{ SYS_bpf, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_perf_event_open, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_userfaultfd, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_fanotify_init, EPERM, NEVER, 0, { { 0 } } },
	{ SYS_open_by_handle_at, EPERM, NEVER, 0, { { 0 } } },
	/* Keyrings are named by uid and live outside every namespace but the
	 * user one. A nested jail must leave its creator's. */
	{ SYS_keyctl, 0, NEST, 1, { ARG_IS(0, KEYCTL_JOIN) } },
	{ SYS_keyctl, ENOSYS, NEVER, 0, { { 0 } } },
	{ SYS_add_key, ENOSYS, NEVER, 0, { { 0 } } },
	{ SYS_request_key, ENOSYS, NEVER, 0, { { 0 } } },
	/* Terminals: typing into, or taking over, one that the host lent. */
	{ SYS_ioctl, EPERM, NEVER, 1, { ARG_IS(1, TIOCSTI) } },
	{ SYS_ioctl, EPERM, NEVER, 1, { ARG_IS(1, TIOCLINUX) } },
	{ SYS_ioctl, EPERM, NEVER, 1, { ARG_IS(1, TIOCSETD) } },
	/* allow.mlock, allow.unprivileged_proc_debug (a filter does not know
	 * uids: without it nobody debugs). */
	{ SYS_mlock, EPERM, MLOCK, 0, { { 0 } } },
	{ SYS_mlock2, EPERM, MLOCK, 0, { { 0 } } },
	{ SYS_mlockall, EPERM, MLOCK, 0, { { 0 } } },
	{ SYS_ptrace, EPERM, DEBUG, 0, { { 0 } } },
	{ SYS_process_vm_readv, EPERM, DEBUG, 0, { { 0 } } },
	{ SYS_process_vm_writev, EPERM, DEBUG, 0, { { 0 } } },
	{ SYS_pidfd_getfd, EPERM, DEBUG, 0, { { 0 } } },
	{ SYS_kcmp, EPERM, DEBUG, 0, { { 0 } } },
	/* sysvmsg, sysvsem, sysvshm: as a kernel built without them. */
	{ SYS_msgget, ENOSYS, SYSV_MSG, 0, { { 0 } } },
	{ SYS_msgsnd, ENOSYS, SYSV_MSG, 0, { { 0 } } },
	{ SYS_msgrcv, ENOSYS, SYSV_MSG, 0, { { 0 } } },
	{ SYS_msgctl, ENOSYS, SYSV_MSG, 0, { { 0 } } },
	{ SYS_semget, ENOSYS, SYSV_SEM, 0, { { 0 } } },
	{ SYS_semop, ENOSYS, SYSV_SEM, 0, { { 0 } } },
	{ SYS_semtimedop, ENOSYS, SYSV_SEM, 0, { { 0 } } },
	{ SYS_semctl, ENOSYS, SYSV_SEM, 0, { { 0 } } },
	{ SYS_shmget, ENOSYS, SYSV_SHM, 0, { { 0 } } },
	{ SYS_shmat, ENOSYS, SYSV_SHM, 0, { { 0 } } },
	{ SYS_shmctl, ENOSYS, SYSV_SHM, 0, { { 0 } } },
	{ SYS_shmdt, ENOSYS, SYSV_SHM, 0, { { 0 } } },
	/* securelevel 3: the old way to a packet filter (the new one is a
	 * netlink socket). The tables' options are 64, 65 for both families;
	 * arptables' 96, 97 and ebtables' 128, 129 are IP options too. */
	{ SYS_setsockopt,
	  EPERM,
	  FIREWALL,
	  2,
	  { ARG_IS(1, IPPROTO_IP), ARG_BITS(2, ~1U, REPLACE_OPTIONS) } },
	{ SYS_setsockopt,
	  EPERM,
	  FIREWALL,
	  2,
	  { ARG_IS(1, IPPROTO_IPV6), ARG_BITS(2, ~1U, REPLACE_OPTIONS) } },
	{ SYS_setsockopt,
	  EPERM,
	  FIREWALL,
	  2,
	  { ARG_IS(1, IPPROTO_IP), ARG_BITS(2, ~1U, 96) } },
	{ SYS_setsockopt,
	  EPERM,
	  FIREWALL,
	  2,
	  { ARG_IS(1, IPPROTO_IP), ARG_BITS(2, ~1U, 128) } },
};

/* Kept in the bounding set when the jail has the right. All of them reach only
 * what the jail's user namespace owns. CAP_SYS_RESOURCE is left out for good:
 * with it root could raise /proc/sys/user/max_*, where children.max is kept. */
static const struct {
	uint8_t cap, right;
} cap[] = {
	{ CAP_CHOWN, ROOT },
	{ CAP_DAC_OVERRIDE, ROOT },
	{ CAP_FOWNER, ROOT },
	{ CAP_FSETID, ROOT },
	{ CAP_KILL, ROOT },
	{ CAP_SETGID, ROOT },
	{ CAP_SETUID, ROOT },
	{ CAP_SETPCAP, ROOT },
	{ CAP_SETFCAP, ROOT },
	{ CAP_SYS_CHROOT, ROOT },
	{ CAP_SYS_PTRACE, ROOT },
	{ CAP_IPC_OWNER, ROOT },
	{ CAP_LEASE, ROOT },
	{ CAP_SYS_NICE, ROOT }, /* other users' processes, downwards */
	{ CAP_NET_BIND_SERVICE, PORTS },
	{ CAP_SYS_ADMIN, ADMIN },
	{ CAP_NET_ADMIN, NET },
	{ CAP_NET_RAW, RAW },
	{ CAP_NET_RAW, NET },
	{ CAP_SYSLOG, MSGBUF },
	{ CAP_IPC_LOCK, MLOCK },
	{ CAP_LINUX_IMMUTABLE, CHFLAGS },
};

struct rules {
	struct seccomp_rule rule[SECCOMP_MAX_RULES];
	size_t n;
};

static struct seccomp_rule *
add(struct rules *r, unsigned nr, int errnum)
{
	struct seccomp_rule *rule = &r->rule[r->n++];

	*rule = (struct seccomp_rule){
		.first = (uint16_t)nr,
		.last = (uint16_t)nr,
		.errnum = (uint16_t)errnum,
	};
	return rule;
}

static void
add_test(struct seccomp_rule *rule, unsigned arg, uint32_t mask, uint32_t value)
{
	rule->test[rule->n_test++] = (struct seccomp_test){
		.arg = (uint8_t)arg,
		.mask = mask,
		.value = value,
	};
}

/* socket(family, type, protocol): a rule on the family and, unless their masks
 * are 0, on the type and the protocol. */
static void
add_socket(struct rules *r, int errnum, int family, int type,
           uint32_t proto_mask, int proto)
{
	struct seccomp_rule *rule = add(r, SYS_socket, errnum);

	add_test(rule, 0, UINT32_MAX, (uint32_t)family);
	if (type != 0)
		add_test(rule, 1, 0xf, (uint32_t)type);
	if (proto_mask != 0)
		add_test(rule, 2, proto_mask, (uint32_t)proto);
}

enum { ANY_TYPE = 0, NO_PROTO = 0, EXACT_PROTO = -1 };

/*
 * Netlink. In a shared stack sock_diag would list the host's sockets and
 * uevents are the host's. Audit is refused everywhere, with the errno that
 * libaudit takes for a kernel without it, so that login and sshd go on.
 */
static void
add_netlink(struct rules *r, const struct jail_filter_flags *f, uint32_t rights)
{
	static const int own_stack[] = { NETLINK_SOCK_DIAG, NETLINK_XFRM,
		                         NETLINK_KOBJECT_UEVENT,
		                         NETLINK_GENERIC };

	add_socket(r, 0, AF_NETLINK, ANY_TYPE, UINT32_MAX, NETLINK_ROUTE);
	for (size_t i = 0; f->vnet && i < ARRAY_LEN(own_stack); i++)
		add_socket(r, 0, AF_NETLINK, ANY_TYPE, UINT32_MAX,
		           own_stack[i]);
	if (has(rights, FIREWALL))
		add_socket(r, 0, AF_NETLINK, ANY_TYPE, UINT32_MAX,
		           NETLINK_NETFILTER);
	add_socket(r, EPROTONOSUPPORT, AF_NETLINK, ANY_TYPE, 0, 0);
}

/*
 * IP. SOCK_PACKET is AF_PACKET by an old name. In a shared stack only those
 * protocols pass whose sockets the cgroup hooks see: SCTP's bind, for one,
 * goes round them.
 */
static void
add_inet(struct rules *r, const struct jail_filter_flags *f, uint32_t rights,
         int family)
{
	static const int hooked[] = { 0, IPPROTO_TCP, IPPROTO_UDP,
		                      IPPROTO_MPTCP };
	bool is_on = f->vnet || (family == AF_INET ? f->ip4 : f->ip6);
	int ping = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	if (!is_on) {
		add_socket(r, EPROTONOSUPPORT, family, ANY_TYPE, 0, 0);
		return;
	}
	if (!f->vnet && !f->socket_af)
		add_socket(r, EPROTONOSUPPORT, family, SOCK_PACKET, 0, 0);
	add_socket(r, has(rights, RAW) ? 0 : EPERM, family, SOCK_RAW, 0, 0);
	if (f->vnet) {
		add_socket(r, 0, family, ANY_TYPE, 0, 0);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(hooked); i++)
		add_socket(r, 0, family, ANY_TYPE, UINT32_MAX, hooked[i]);
	add_socket(r, 0, family, ANY_TYPE, UINT32_MAX, ping);
	add_socket(r, EPROTONOSUPPORT, family, ANY_TYPE, 0, 0);
}

static void
add_sockets(struct rules *r, const struct jail_filter_flags *f, uint32_t rights)
{
	int others = f->socket_af ? 0 : EPROTONOSUPPORT;

	add_netlink(r, f, rights);
	add_inet(r, f, rights, AF_INET);
	add_inet(r, f, rights, AF_INET6);
	add_socket(r, 0, AF_UNIX, ANY_TYPE, 0, 0);
	if (f->vnet)
		add_socket(r, 0, AF_PACKET, ANY_TYPE, 0, 0);
	add(r, SYS_socket, others);
	add_test(add(r, SYS_socketpair, 0), 0, UINT32_MAX, AF_UNIX);
	add(r, SYS_socketpair, others);
}

static void
add_calls(struct rules *r, uint32_t rights)
{
	for (size_t i = 0; i < ARRAY_LEN(call); i++) {
		const struct call *c = &call[i];
		struct seccomp_rule *rule;

		if (has(rights, c->right) != (c->errnum == 0))
			continue;
		rule = add(r, c->nr, c->errnum);
		rule->n_test = c->n_test;
		for (unsigned t = 0; t < c->n_test; t++)
			rule->test[t] = c->test[t];
	}
}

int
jail_filter_build(const struct jail_filter_flags *flags,
                  struct sock_filter *out, size_t max, struct error *err)
{
	uint32_t rights = rights_of(flags);
	struct rules r = { .n = 0 };
	int len;

	add_calls(&r, rights);
	add_sockets(&r, flags, rights);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		add(&r, known[i].first, 0)->last = known[i].last;
	len = seccomp_build(r.rule, r.n, out, max, err);
	if (len < 0)
		return error_wrap(err, "jail filter");
	return len;
}

uint64_t
jail_filter_caps(const struct jail_filter_flags *flags)
{
	uint32_t rights = rights_of(flags);
	uint64_t keep = 0;

	for (size_t i = 0; has(rights, ROOT) && i < ARRAY_LEN(cap); i++)
		if (has(rights, cap[i].right))
			keep |= CAPS_BIT(cap[i].cap);
	return keep;
}

static int
limit(int resource, const char *name, struct error *err)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(resource, &none) < 0)
		return error_sys(err, "setrlimit %s", name);
	return 0;
}

/* What the caller's own limits would grant against the rules: real-time and
 * negative-nice scheduling, and locked memory by mmap's flag. */
static int
apply_limits(uint32_t rights, struct error *err)
{
	if (limit(RLIMIT_RTPRIO, "RTPRIO", err) < 0 ||
	    limit(RLIMIT_NICE, "NICE", err) < 0)
		return err->code;
	if (has(rights, MLOCK))
		return 0;
	return limit(RLIMIT_MEMLOCK, "MEMLOCK", err);
}

int
jail_filter_apply(const struct jail_filter_flags *flags, struct error *err)
{
	struct sock_filter prog[JAIL_FILTER_MAX];
	int len = jail_filter_build(flags, prog, ARRAY_LEN(prog), err);

	if (len < 0)
		return err->code;
	if (apply_limits(rights_of(flags), err) < 0 ||
	    caps_bound(jail_filter_caps(flags), err) < 0)
		return err->code;
	return seccomp_install(prog, (size_t)len, err);
}

/* What src/cmd/init.c asks for, and the exec that starts it. */
static const uint16_t init_call[] = {
	SYS_read,         SYS_pread64,  SYS_close,     SYS_rt_sigprocmask,
	SYS_ppoll,        SYS_wait4,    SYS_prctl,     SYS_exit,
	SYS_exit_group,   SYS_execveat, SYS_signalfd4, SYS_close_range,
	SYS_rt_sigreturn, SYS_write,
};

int
jail_filter_apply_init(struct error *err)
{
	struct sock_filter prog[128];
	struct rules r = { .n = 0 };
	int len;

	for (size_t i = 0; i < ARRAY_LEN(init_call); i++)
		add(&r, init_call[i], 0);
	len = seccomp_build(r.rule, r.n, prog, ARRAY_LEN(prog), err);
	if (len < 0)
		return error_wrap(err, "init's filter");
	return seccomp_install(prog, (size_t)len, err);
}
