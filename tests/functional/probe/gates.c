/* SPDX-License-Identifier: BSD-2-Clause */
/* gates.c - calls that only the host's root may make.
 *
 * "gate NAME" makes the call with arguments that are nonsense wherever they
 * could do harm. An error that speaks of the arguments (EINVAL, EFAULT,
 * ENOENT ...) means that permission was already given, so it counts as success:
 * run by the host's root each gate is open, unless this kernel lacks the call.
 */
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static long
gate_kexec_load(void)
{
	return syscall(SYS_kexec_load, 0, 1000, NULL, 0);
}

static long
gate_kexec_file_load(void)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0, NULL, ~0UL);
}

static long
gate_init_module(void)
{
	return syscall(SYS_init_module, NULL, 0, NULL);
}

static long
gate_finit_module(void)
{
	return syscall(SYS_finit_module, -1, "", 0);
}

static long
gate_delete_module(void)
{
	return syscall(SYS_delete_module, "gaol-no-such-module", 0);
}

static long
gate_iopl(void)
{
	return syscall(SYS_iopl, 3);
}

static long
gate_ioperm(void)
{
	return syscall(SYS_ioperm, 0x80, 1, 1);
}

static long
gate_swapon(void)
{
	return syscall(SYS_swapon, "/gaol-no-such-file", 0);
}

static long
gate_swapoff(void)
{
	return syscall(SYS_swapoff, "/gaol-no-such-file");
}

static long
gate_acct(void)
{
	return syscall(SYS_acct, "/gaol-no-such-file");
}

static long
gate_quotactl(void)
{
	return syscall(SYS_quotactl, QCMD(Q_QUOTAON, USRQUOTA),
	               "/gaol-no-such-file", 0, NULL);
}

static long
gate_reboot(void)
{
	return syscall(SYS_reboot, 1, 2, 3, NULL); /* no magic: EINVAL */
}

static long
gate_settimeofday(void)
{
	return syscall(SYS_settimeofday, NULL, NULL);
}

static long
gate_adjtimex(void)
{
	struct timex t = { .modes = ADJ_TICK, .tick = 0 };

	return syscall(SYS_adjtimex, &t);
}

static long
gate_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
		                .key_size = 4,
		                .value_size = 4,
		                .max_entries = 1 };

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static long
gate_perf_event_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
	};

	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
}

static long
gate_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, O_CLOEXEC);
}

static long
gate_userfaultfd_user(void)
{
	return syscall(SYS_userfaultfd, O_CLOEXEC | 1); /* USER_MODE_ONLY */
}

static long
gate_io_uring_setup(void)
{
	char params[120] = { 0 };

	return syscall(SYS_io_uring_setup, 1, params);
}

static long
gate_add_key(void)
{
	return syscall(SYS_add_key, "user", "gaol-gate", "x", 1, -2);
}

static long
gate_request_key(void)
{
	return syscall(SYS_request_key, "user", "gaol-no-such-key", NULL, 0);
}

static long
gate_keyctl(void)
{
	return syscall(SYS_keyctl, 0, -3, 1); /* GET_KEYRING_ID, session */
}

static long
gate_syslog(void)
{
	char buf[256];

	return syscall(SYS_syslog, 3, buf, sizeof(buf)); /* READ_ALL */
}

static long
gate_nice(void)
{
	return setpriority(PRIO_PROCESS, 0, -20);
}

static long
gate_sched_fifo(void)
{
	const struct sched_param p = { .sched_priority = 1 };

	return sched_setscheduler(0, SCHED_FIFO, &p);
}

static long
gate_sched_deadline(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { .size = 48,
		   .policy = 6, /* SCHED_DEADLINE */
		   .runtime = 1000000,
		   .deadline = 100000000,
		   .period = 100000000 };

	return syscall(SYS_sched_setattr, 0, &attr, 0);
}

static long
gate_mlock(void)
{
	static char page[4096];

	return mlock(page, sizeof(page));
}

static long
gate_mmap_locked(void)
{
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long
gate_personality(void)
{
	return syscall(SYS_personality, 0x0400000); /* READ_IMPLIES_EXEC */
}

static long
gate_sethostname(void)
{
	return syscall(SYS_sethostname, "too-long", 1000); /* EINVAL */
}

static long
gate_shmget(void)
{
	return syscall(SYS_shmget, 0, 4096, 0600);
}

/* getpid by the i386 gate: another table of calls behind the same kernel. */
static long
gate_int80(void)
{
	long ret = 20;

	__asm__ volatile("int $0x80" : "+a"(ret) : : "memory", "cc");
	if (ret >= 0)
		return 0;
	errno = (int)-ret;
	return -1;
}

/* getpid by its x32 number. */
static long
gate_x32(void)
{
	return syscall(0x40000000 | SYS_getpid);
}

static long
gate_unknown(void)
{
	return syscall(999);
}

static const struct {
	const char *name;
	long (*call)(void);
} gate[] = {
	{ "kexec_load", gate_kexec_load },
	{ "kexec_file_load", gate_kexec_file_load },
	{ "init_module", gate_init_module },
	{ "finit_module", gate_finit_module },
	{ "delete_module", gate_delete_module },
	{ "iopl", gate_iopl },
	{ "ioperm", gate_ioperm },
	{ "swapon", gate_swapon },
	{ "swapoff", gate_swapoff },
	{ "acct", gate_acct },
	{ "quotactl", gate_quotactl },
	{ "reboot", gate_reboot },
	{ "settimeofday", gate_settimeofday },
	{ "adjtimex", gate_adjtimex },
	{ "bpf", gate_bpf },
	{ "perf_event_open", gate_perf_event_open },
	{ "userfaultfd", gate_userfaultfd },
	{ "userfaultfd_user", gate_userfaultfd_user },
	{ "io_uring_setup", gate_io_uring_setup },
	{ "add_key", gate_add_key },
	{ "request_key", gate_request_key },
	{ "keyctl", gate_keyctl },
	{ "syslog", gate_syslog },
	{ "nice", gate_nice },
	{ "sched_fifo", gate_sched_fifo },
	{ "sched_deadline", gate_sched_deadline },
	{ "mlock", gate_mlock },
	{ "mmap_locked", gate_mmap_locked },
	{ "personality", gate_personality },
	{ "sethostname", gate_sethostname },
	{ "shmget", gate_shmget },
	{ "int80", gate_int80 },
	{ "x32", gate_x32 },
	{ "unknown", gate_unknown },
};

static int
run_gate(char **argv)
{
	for (size_t i = 0; i < LEN(gate); i++) {
		int ret;

		if (strcmp(gate[i].name, argv[0]) != 0)
			continue;
		ret = outcome(gate[i].call());
		if (ret == -EPERM || ret == -EACCES || ret == -ENOSYS)
			return ret;
		return 0;
	}
	return UNABLE;
}

static const struct attack attacks[] = {
	{ "gate", "NAME", 1, 1, run_gate },
};
const struct attack_list gate_attacks = { attacks, LEN(attacks) };
