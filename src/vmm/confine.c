/* SPDX-License-Identifier: BSD-2-Clause */
/* confine.c - a VM's process lets go of its rights, one kind after another, in
 * the one order that works: resource limits, groups, users and capabilities
 * while there is the right to change them; files and system calls last.
 */
#include "vmm/confine.h"

#include <asm/ioctls.h>
#include <linux/kvm.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "linux/caps.h"
#include "linux/landlock.h"
#include "linux/seccomp_filter.h"
#include "linux/userns.h"

/* Of <linux/if_tun.h>, which older headers lack in part. */
enum { TUN_SET_QUEUE = 0x400454d9, TUN_SET_OFFLOAD = 0x400454d0 };
enum { MAX_PROGRAM = 1024, UID_TRIES = 100 };

#define CALL(c, why)                                                           \
	{                                                                      \
		SYS_##c, #c, why                                               \
	}
static const struct confine_call calls[] = {
	CALL(read, "eventfds, consoles, signals, KVM's statistics"),
	CALL(write, "eventfds, consoles, the last words, a checkpoint"),
	CALL(readv, "frames from a tap"),
	CALL(writev, "frames to a tap"),
	CALL(preadv, "a disk, where io_uring is not; pages that are there"),
	CALL(pwritev, "a disk, where io_uring is not"),
	CALL(close, "clients that leave, files that came with a request"),
	CALL(fsync, "a checkpoint is on its disk when it is said to be"),
	CALL(fdatasync, "a guest's flush"),
	CALL(fallocate, "a guest's discard"),
	CALL(ioctl, "KVM, a tap's offloads, the terminal as it was: see below"),
	CALL(epoll_wait, "the loop, before Linux 5.11"),
	CALL(epoll_pwait2, "the loop"),
	CALL(epoll_ctl, "clients come and go, consoles fill up"),
	CALL(poll, "workers wait for their queues, consoles for room"),
	CALL(futex, "threads wait for one another"),
	CALL(clock_gettime, "where the vDSO cannot tell the time"),
	CALL(clock_nanosleep, "a processor that waits for a moment"),
	CALL(mmap, "stacks and heaps; never with PROT_EXEC"),
	CALL(munmap, "the same"),
	CALL(mprotect, "a stack's guard page; never with PROT_EXEC"),
	CALL(madvise, "stacks and heaps give pages back"),
	CALL(brk, "the heap"),
	CALL(clone, "a thread, nothing else"),
	CALL(set_robust_list, "a thread's beginning"),
	CALL(rseq, "a thread's beginning"),
	CALL(prctl, "a thread's name, nothing else"),
	CALL(rt_sigprocmask, "a thread is born deaf to signals"),
	CALL(rt_sigreturn, "back from the signal that kicks a KVM processor"),
	CALL(rt_sigaction, "SIGTERM ends a guest that knows no power button"),
	CALL(tgkill, "a kick for a KVM processor; to our own threads only"),
	CALL(gettid, "who is kicked"),
	CALL(getpid, "whose thread is kicked"),
	CALL(sched_getaffinity, "how many heaps malloc makes"),
	CALL(sched_setaffinity, "a processor stays where -p wants it"),
	CALL(sched_yield, "a guest's PAUSE in a spin lock"),
	CALL(exit, "a thread's end"),
	CALL(exit_group, "the end"),
	CALL(restart_syscall, "a wait goes on after SIGCONT"),
	CALL(accept4, "clients of consoles, control and debugger"),
	CALL(recvmsg, "a request and its file; frames from slirp"),
	CALL(recvfrom, "a console's client"),
	CALL(sendmsg, "frames to slirp"),
	CALL(sendto, "answers; a console's client"),
	CALL(setsockopt, "room for a long answer"),
	CALL(getrandom, "a guest's random numbers"),
	CALL(io_uring_enter, "a disk; the ring allows it alone"),
};

/* What ioctl(2) may ask; the number is all that is looked at. */
static const uint32_t ioctls[] = {
	KVM_RUN,
	KVM_SIGNAL_MSI,
	KVM_SET_GSI_ROUTING,
	KVM_IOEVENTFD,
	KVM_INTERRUPT,
	KVM_NMI,
	KVM_TRANSLATE,
	KVM_SET_GUEST_DEBUG,
	/* A whole processor, for checkpoints, bhyvectl and the debugger. */
	KVM_GET_REGS,
	KVM_SET_REGS,
	KVM_GET_SREGS,
	KVM_SET_SREGS,
	KVM_GET_MSRS,
	KVM_SET_MSRS,
	KVM_GET_XSAVE,
	KVM_SET_XSAVE,
	KVM_GET_LAPIC,
	KVM_SET_LAPIC,
	KVM_GET_DEBUGREGS,
	KVM_SET_DEBUGREGS,
	KVM_GET_VCPU_EVENTS,
	KVM_SET_VCPU_EVENTS,
	KVM_GET_MP_STATE,
	KVM_SET_MP_STATE,
	KVM_GET_XCRS,
	KVM_SET_XCRS,
	KVM_GET_CLOCK,
	KVM_SET_CLOCK,
	KVM_GET_DEVICE_ATTR, /* a vCPU's counter */
	KVM_SET_DEVICE_ATTR,
	TUN_SET_QUEUE,
	TUN_SET_OFFLOAD,
	TCGETS,
	TCSETS,
	TCSETSW,
};

const struct confine_call *
confine_calls(size_t *out_n)
{
	*out_n = ARRAY_LEN(calls);
	return calls;
}

struct rules {
	struct seccomp_rule rule[ARRAY_LEN(calls) + ARRAY_LEN(ioctls)];
	size_t n;
};

static void
add(struct rules *r, uint16_t nr, const struct seccomp_test *tests, uint8_t n)
{
	struct seccomp_rule *rule = &r->rule[r->n++];

	*rule = (struct seccomp_rule){ .first = nr, .last = nr, .n_test = n };
	if (n > 0) /* without tests there is no array */
		memcpy(rule->test, tests, n * sizeof(*tests));
}

/* Arguments that a call must have; the rest of the list is free of them. */
static void
add_call(struct rules *r, uint16_t nr)
{
	const struct seccomp_test no_exec = { 2, false, false, 0x4, 0 };
	const struct seccomp_test name = { 0, false, false, UINT32_MAX,
		                           PR_SET_NAME };
	const struct seccomp_test ours = { 0, false, false, UINT32_MAX,
		                           (uint32_t)getpid() };
	const uint32_t thread = CLONE_VM | CLONE_FS | CLONE_FILES |
	                        CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	const struct seccomp_test is_thread = { 0, false, false, thread,
		                                thread };

	switch (nr) {
	case SYS_mmap:
	case SYS_mprotect:
		add(r, nr, &no_exec, 1);
		break;
	case SYS_prctl:
		add(r, nr, &name, 1);
		break;
	case SYS_tgkill:
		add(r, nr, &ours, 1);
		break;
	case SYS_clone:
		add(r, nr, &is_thread, 1);
		break;
	case SYS_ioctl:
		for (size_t i = 0; i < ARRAY_LEN(ioctls); i++) {
			const struct seccomp_test request = { 1, false, false,
				                              UINT32_MAX,
				                              ioctls[i] };

			add(r, nr, &request, 1);
		}
		break;
	default:
		add(r, nr, NULL, 0);
	}
}

static int
limit_calls(struct error *err)
{
	struct sock_filter prog[MAX_PROGRAM];
	struct rules r = { .n = 0 };
	int n;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		add_call(&r, calls[i].nr);
	n = seccomp_build(r.rule, r.n, prog, ARRAY_LEN(prog), err);
	return n < 0 ? n : seccomp_install_all(prog, (size_t)n, err);
}

/* The highest descriptor in use; those above come with clients. */
static int
highest_fd(int *out_fd, struct error *err)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	if (d == NULL)
		return error_sys(err, "open '/proc/self/fd'");
	*out_fd = 2;
	while ((e = readdir(d)) != NULL) {
		int fd = atoi(e->d_name);

		if (fd > *out_fd && fd != dirfd(d))
			*out_fd = fd;
	}
	closedir(d);
	return 0;
}

static int
limit_resources(const struct confine_options *o, struct error *err)
{
	struct rlimit files, core = { 0, 0 };
	int top = 0;

	if (highest_fd(&top, err) < 0)
		return err->code;
	files.rlim_cur = files.rlim_max = (rlim_t)top + 1 + CONFINE_MORE_FDS;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return error_sys(err, "limit descriptors");
	if (!o->in_core && setrlimit(RLIMIT_CORE, &core) < 0)
		return error_sys(err, "limit core files");
	return 0;
}

/* Root's rights, whoever has them: uid 0, or a user namespace's. */
static int
drop_user(uint32_t uid, struct error *err)
{
	if (uid == 0)
		return caps_drop(err);
	if (caps_bound(0, err) < 0)
		return err->code;
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
	    setresuid(uid, uid, uid) < 0) {
		/* A user namespace of few uids has none to spare. */
		if (errno != EINVAL || !userns_is_nested())
			return error_sys(err, "become uid %u", uid);
	}
	return caps_drop(err);
}

int
confine(const struct confine_options *o, struct error *err)
{
	if (limit_resources(o, err) < 0 || drop_user(o->uid, err) < 0)
		return error_wrap(err, "confine");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, o->in_core, 0, 0, 0) < 0)
		return error_sys(err, "confine");
	if (landlock_nothing(err) < 0 && err->code != -ENOTSUP)
		return error_wrap(err, "confine");
	if (limit_calls(err) < 0)
		return error_wrap(err, "confine");
	return 0;
}

/* FNV-1a: names apart, the same one in the same place. */
static uint32_t
hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static int
uids_open(const char *base, int flags, char path[PATH_MAX], struct error *err)
{
	int fd;

	if (snprintf(path, PATH_MAX, "%s/.uids", base) >= PATH_MAX)
		return error_set(err, -ENAMETOOLONG, "'%s'", base);
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	return fd >= 0 ? fd : error_sys(err, "open '%s'", path);
}

/* A free uid's offset, locked; -EAGAIN: there is none. */
static int64_t
lock_one(int fd, uint32_t from)
{
	for (uint32_t i = 0; i < CONFINE_UIDS; i++) {
		uint32_t at = (from + i) % CONFINE_UIDS;
		struct flock one = { .l_type = F_WRLCK,
			             .l_whence = SEEK_SET,
			             .l_start = at,
			             .l_len = 1 };

		if (fcntl(fd, F_OFD_SETLK, &one) == 0)
			return at;
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
	}
	return -EAGAIN;
}

/* One byte of the file a uid; its lock is the claim, and ends with us. */
int
confine_uid(const char *base, const char *name, uint32_t *out_uid,
            int *out_lock, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;

	/* Removed by confine_uids_tidy() before we had it: once more. */
	for (unsigned i = 0; i < UID_TRIES; i++) {
		cleanup_close int fd = uids_open(base, O_CREAT, path, err);
		int64_t at = fd < 0 ? 0 : lock_one(fd, hash(name));

		if (fd < 0)
			return err->code;
		if (at < 0)
			return error_set(err, (int)at, "lock '%s': %s", path,
			                 strerror((int)-at));
		if (fstat(fd, &st) < 0)
			return error_sys(err, "'%s'", path);
		if (st.st_nlink == 0)
			continue;
		*out_uid = CONFINE_FIRST_UID + (uint32_t)at;
		*out_lock = take_fd(&fd);
		return 0;
	}
	return error_set(err, -EAGAIN, "'%s' is being removed", path);
}

void
confine_uids_tidy(const char *base)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	struct error none;
	cleanup_close int fd = uids_open(base, 0, path, &none);

	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0)
		(void)unlink(path);
}
