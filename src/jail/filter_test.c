/* SPDX-License-Identifier: BSD-2-Clause */
/* filter_test.c - what the policy answers, call by call. */
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jail/filter.h"
#include "linux/caps.h"
#include "linux/seccomp_filter.h"

/* The flags of a jail whose parameters are all at their defaults. */
static struct jail_filter_flags
defaults(void)
{
	return (struct jail_filter_flags){
		.set_hostname = true,
		.reserved_ports = true,
		.suser = true,
		.unprivileged_proc_debug = true,
	};
}

/* The errno a call gets under flags; 0 when it is let through. */
static int
answer(const struct jail_filter_flags *flags, int nr, uint64_t a0, uint64_t a1,
       uint64_t a2)
{
	const struct seccomp_data d = { .nr = nr,
		                        .arch = AUDIT_ARCH_X86_64,
		                        .args = { a0, a1, a2 } };
	struct sock_filter prog[JAIL_FILTER_MAX];
	struct error err;
	int len = jail_filter_build(flags, prog, ARRAY_LEN(prog), &err);
	uint32_t ret;

	assert_true(len > 0);
	ret = seccomp_eval(prog, (size_t)len, &d);
	if (ret == SECCOMP_RET_ALLOW)
		return 0;
	assert_int_equal(ret & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
	return (int)(ret & SECCOMP_RET_DATA);
}

static void
default_jails_answer_as_freebsd(void **state)
{
	static const struct {
		int nr;
		uint64_t a0, a1, a2;
		int want;
	} rows[] = {
		{ SYS_read, 0, 0, 0, 0 },
		{ SYS_execve, 0, 0, 0, 0 },
		{ SYS_chroot, 0, 0, 0, 0 },
		{ SYS_sethostname, 0, 0, 0, 0 },
		{ SYS_ptrace, 0, 0, 0, 0 },
		{ SYS_mount, 0, 0, 0, EPERM },
		{ SYS_fsopen, 0, 0, 0, EPERM },
		{ SYS_umount2, 0, 0, 0, EPERM },
		{ SYS_pivot_root, 0, 0, 0, EPERM },
		{ SYS_setns, 0, 0, 0, EPERM },
		{ SYS_clone, SIGCHLD | CLONE_VM, 0, 0, 0 },
		{ SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, EPERM },
		{ SYS_clone, SIGCHLD | CLONE_NEWNET, 0, 0, EPERM },
		{ SYS_clone3, 0, 0, 0, ENOSYS },
		{ SYS_unshare, CLONE_FS | CLONE_FILES, 0, 0, 0 },
		{ SYS_unshare, CLONE_NEWNS, 0, 0, EPERM },
		{ SYS_unshare, 0x80, 0, 0, EPERM },
		{ SYS_reboot, 0, 0, 0, EPERM },
		{ SYS_syslog, 3, 0, 0, EPERM },
		{ SYS_bpf, 0, 0, 0, EPERM },
		{ SYS_userfaultfd, 0, 0, 0, EPERM },
		{ SYS_open_by_handle_at, 0, 0, 0, EPERM },
		{ SYS_io_uring_setup, 0, 0, 0, ENOSYS },
		{ SYS_keyctl, 1, 0, 0, ENOSYS },
		{ SYS_request_key, 0, 0, 0, ENOSYS },
		{ SYS_shmget, 0, 0, 0, ENOSYS },
		{ SYS_semop, 0, 0, 0, ENOSYS },
		{ SYS_msgsnd, 0, 0, 0, ENOSYS },
		{ SYS_mlockall, 0, 0, 0, EPERM },
		{ SYS_munlock, 0, 0, 0, 0 },
		{ SYS_mknod, 0, S_IFIFO | 0600, 0, 0 },
		{ SYS_mknod, 0, S_IFCHR | 0600, 0, EPERM },
		{ SYS_mknodat, 0, 0, S_IFBLK, EPERM },
		{ SYS_mknodat, 0, 0, S_IFSOCK, 0 },
		{ SYS_personality, 0, 0, 0, 0 },
		{ SYS_personality, 0xffffffff, 0, 0, 0 },
		{ SYS_personality, 0x40000, 0, 0, 0 },
		{ SYS_personality, 0x400000, 0, 0, EPERM },
		{ SYS_ioctl, 0, TIOCGWINSZ, 0, 0 },
		{ SYS_ioctl, 0, TIOCSTI, 0, EPERM },
		/* The kernel looks at the low half of the request only. */
		{ SYS_ioctl, 0, UINT64_C(1) << 32 | TIOCSTI, 0, EPERM },
		{ SYS_ioctl, 0, TIOCLINUX, 0, EPERM },
		{ 452, 0, 0, 0, 0 },      /* fchmodat2 */
		{ 459, 0, 0, 0, ENOSYS }, /* lsm_get_self_attr */
		{ 470, 0, 0, 0, ENOSYS }, /* not looked at yet */
		{ 400, 0, 0, 0, ENOSYS },
	};
	struct jail_filter_flags f = defaults();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int got =
		    answer(&f, rows[i].nr, rows[i].a0, rows[i].a1, rows[i].a2);

		if (got != rows[i].want)
			fail_msg("row %zu: call %d answers %d, want %d", i,
			         rows[i].nr, got, rows[i].want);
	}
}

static void
sockets_follow_families(void **state)
{
	enum { OFF = EPROTONOSUPPORT };
	static const struct {
		int family, type, proto;
		int none, shared, raw, vnet; /* four kinds of jail */
	} rows[] = {
		{ AF_UNIX, SOCK_STREAM, 0, 0, 0, 0, 0 },
		{ AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, OFF, 0, 0, 0 },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_UDP, OFF, 0, 0, 0 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP, OFF, 0, 0, 0 },
		{ AF_INET, SOCK_RAW, IPPROTO_ICMP, OFF, EPERM, 0, 0 },
		{ AF_INET6, SOCK_RAW, 58, OFF, EPERM, 0, 0 },
		{ AF_INET, SOCK_PACKET, 0x300, OFF, OFF, OFF, 0 },
		{ AF_INET, SOCK_STREAM, IPPROTO_SCTP, OFF, OFF, OFF, 0 },
		{ AF_INET, SOCK_STREAM, IPPROTO_MPTCP, OFF, 0, 0, 0 },
		{ AF_PACKET, SOCK_RAW, 0x300, OFF, OFF, OFF, 0 },
		{ AF_VSOCK, SOCK_STREAM, 0, OFF, OFF, OFF, OFF },
		{ AF_ALG, SOCK_SEQPACKET, 0, OFF, OFF, OFF, OFF },
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, 0, 0, 0, 0 },
		{ AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG, OFF, OFF, OFF, 0 },
		{ AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, OFF, OFF, OFF, 0 },
		{ AF_NETLINK, SOCK_RAW, NETLINK_AUDIT, OFF, OFF, OFF, OFF },
	};
	struct jail_filter_flags none = defaults(), shared = none, raw,
	                         vnet = none;

	(void)state;
	shared.ip4 = shared.ip6 = true;
	raw = shared;
	raw.raw_sockets = true;
	vnet.vnet = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct {
			const struct jail_filter_flags *f;
			int want;
		} jails[] = { { &none, rows[i].none },
			      { &shared, rows[i].shared },
			      { &raw, rows[i].raw },
			      { &vnet, rows[i].vnet } };

		for (size_t j = 0; j < ARRAY_LEN(jails); j++) {
			int got = answer(
			    jails[j].f, SYS_socket, (uint64_t)rows[i].family,
			    (uint64_t)rows[i].type, (uint64_t)rows[i].proto);

			if (got != jails[j].want)
				fail_msg("row %zu, jail %zu: %d, want %d", i, j,
				         got, jails[j].want);
		}
	}
}

/* Each flag opens exactly its own calls. */
static void
flags_open_their_calls(void **state)
{
	const struct jail_filter_flags d = defaults();
	static const struct {
		size_t flag; /* offset of a bool */
		int nr;
		uint64_t a0, a1, a2;
		int off;
	} rows[] = {
		{ offsetof(struct jail_filter_flags, set_hostname),
		  SYS_sethostname, 0, 0, 0, EPERM },
		{ offsetof(struct jail_filter_flags, sysvmsg), SYS_msgget, 0, 0,
		  0, ENOSYS },
		{ offsetof(struct jail_filter_flags, sysvsem), SYS_semget, 0, 0,
		  0, ENOSYS },
		{ offsetof(struct jail_filter_flags, sysvshm), SYS_shmat, 0, 0,
		  0, ENOSYS },
		{ offsetof(struct jail_filter_flags, mount), SYS_mount, 0, 0, 0,
		  EPERM },
		{ offsetof(struct jail_filter_flags, mount), SYS_move_mount, 0,
		  0, 0, EPERM },
		{ offsetof(struct jail_filter_flags, quotas), SYS_quotactl, 0,
		  0, 0, EPERM },
		{ offsetof(struct jail_filter_flags, socket_af), SYS_socket,
		  AF_VSOCK, 1, 0, EPROTONOSUPPORT },
		{ offsetof(struct jail_filter_flags, mlock), SYS_mlock, 0, 0, 0,
		  EPERM },
		{ offsetof(struct jail_filter_flags, read_msgbuf), SYS_syslog,
		  3, 0, 0, EPERM },
		{ offsetof(struct jail_filter_flags, unprivileged_proc_debug),
		  SYS_ptrace, 0, 0, 0, EPERM },
		{ offsetof(struct jail_filter_flags, children), SYS_clone,
		  CLONE_NEWUSER, 0, 0, EPERM },
		{ offsetof(struct jail_filter_flags, children), SYS_clone3, 0,
		  0, 0, ENOSYS },
		{ offsetof(struct jail_filter_flags, children), SYS_mount, 0, 0,
		  0, EPERM },
		{ offsetof(struct jail_filter_flags, children), SYS_setns, 0, 0,
		  0, EPERM },
		{ offsetof(struct jail_filter_flags, children), SYS_keyctl, 1,
		  0, 0, ENOSYS },
		{ offsetof(struct jail_filter_flags, ip4), SYS_socket, AF_INET,
		  1, 0, EPROTONOSUPPORT },
		{ offsetof(struct jail_filter_flags, ip6), SYS_socket, AF_INET6,
		  1, 0, EPROTONOSUPPORT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct jail_filter_flags f = d;

		*((bool *)&f + rows[i].flag) = false;
		assert_int_equal(
		    answer(&f, rows[i].nr, rows[i].a0, rows[i].a1, rows[i].a2),
		    rows[i].off);
		*((bool *)&f + rows[i].flag) = true;
		assert_int_equal(
		    answer(&f, rows[i].nr, rows[i].a0, rows[i].a1, rows[i].a2),
		    0);
	}
}

static void
securelevel_3_freezes_the_firewall(void **state)
{
	struct jail_filter_flags f = defaults();

	(void)state;
	f.vnet = true;
	for (f.securelevel = -1; f.securelevel <= 3; f.securelevel++) {
		int net = f.securelevel < 3 ? 0 : EPROTONOSUPPORT;
		int opt = f.securelevel < 3 ? 0 : EPERM;

		assert_int_equal(answer(&f, SYS_socket, AF_NETLINK, SOCK_RAW,
		                        NETLINK_NETFILTER),
		                 net);
		assert_int_equal(answer(&f, SYS_setsockopt, 5, IPPROTO_IP, 64),
		                 opt);
		assert_int_equal(
		    answer(&f, SYS_setsockopt, 5, IPPROTO_IPV6, 65), opt);
		assert_int_equal(answer(&f, SYS_setsockopt, 5, SOL_SOCKET, 64),
		                 0);
	}
}

/* No right, no flag, nothing: these calls are for nobody. */
static void
some_calls_are_for_nobody(void **state)
{
	static const int rows[] = {
		SYS_reboot,
		SYS_kexec_load,
		SYS_kexec_file_load,
		SYS_init_module,
		SYS_finit_module,
		SYS_delete_module,
		SYS_swapon,
		SYS_acct,
		SYS_clock_settime,
		SYS_settimeofday,
		SYS_iopl,
		SYS_ioperm,
		SYS_bpf,
		SYS_userfaultfd,
		SYS_perf_event_open,
		SYS_io_uring_setup,
		SYS_add_key,
		SYS_request_key,
		SYS_open_by_handle_at,
	};
	struct jail_filter_flags all;

	(void)state;
	memset(&all, true, sizeof(all));
	all.securelevel = -1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_not_equal(answer(&all, rows[i], 0, 0, 0), 0);
}

static void
any_flags_fit(void **state)
{
	unsigned bits = 12345;
	int longest = 0;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct sock_filter prog[JAIL_FILTER_MAX];
		struct error err;
		struct jail_filter_flags f;
		int len;

		for (size_t b = 0; b < sizeof(f); b++) {
			bits = bits * 1103515245 + 12345;
			((bool *)&f)[b] = bits >> 20 & 1;
		}
		f.securelevel = (int)(i % 5) - 1;
		len = jail_filter_build(&f, prog, ARRAY_LEN(prog), &err);
		assert_true(len > 0);
		if (len > longest)
			longest = len;
	}
	print_message("longest filter: %d instructions\n", longest);
}

static void
capabilities_follow_flags(void **state)
{
	struct jail_filter_flags f = defaults();
	uint64_t usual = jail_filter_caps(&f);
	static const int never[] = { CAP_SYS_MODULE,  CAP_SYS_RAWIO,
		                     CAP_SYS_TIME,    CAP_SYS_BOOT,
		                     CAP_MKNOD,       CAP_DAC_READ_SEARCH,
		                     CAP_MAC_ADMIN,   CAP_BPF,
		                     CAP_PERFMON,     CAP_SYS_PACCT,
		                     CAP_SYS_RESOURCE };

	(void)state;
	assert_true(usual & CAPS_BIT(CAP_SETUID));
	assert_true(usual & CAPS_BIT(CAP_NET_BIND_SERVICE));
	assert_false(usual & CAPS_BIT(CAP_NET_ADMIN));
	f.set_hostname = f.reserved_ports = false;
	assert_false(jail_filter_caps(&f) & CAPS_BIT(CAP_SYS_ADMIN));
	assert_false(jail_filter_caps(&f) & CAPS_BIT(CAP_NET_BIND_SERVICE));
	f.suser = false;
	assert_int_equal(jail_filter_caps(&f), 0);
	memset(&f, true, sizeof(f));
	f.securelevel = 1;
	assert_false(jail_filter_caps(&f) & CAPS_BIT(CAP_LINUX_IMMUTABLE));
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_false(jail_filter_caps(&f) & CAPS_BIT(never[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_jails_answer_as_freebsd),
		cmocka_unit_test(sockets_follow_families),
		cmocka_unit_test(flags_open_their_calls),
		cmocka_unit_test(securelevel_3_freezes_the_firewall),
		cmocka_unit_test(some_calls_are_for_nobody),
		cmocka_unit_test(any_flags_fit),
		cmocka_unit_test(capabilities_follow_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
