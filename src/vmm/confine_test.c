/* SPDX-License-Identifier: BSD-2-Clause */
/* confine_test.c - a child that is confined tries what it must not be able to
 * do, and what it must.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/confine.h"

static void
the_list_is_short_and_each_has_a_reason(void **state)
{
	size_t n;
	const struct confine_call *c = confine_calls(&n);

	(void)state;
	assert_true(n <= CONFINE_MAX_CALLS);
	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(c[i].why) > 0);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(c[i].nr, c[k].nr);
	}
}

/* Each attempt in a child of its own: 0 as it should be. */
static int
in_child(int (*fn)(void), bool in_core)
{
	const struct confine_options o = {
		.uid = geteuid() == 0 ? CONFINE_FIRST_UID + 7 : 0,
		.in_core = in_core,
	};
	struct error err;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (confine(&o, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			_exit(99);
		}
		_exit(fn());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

/* The number of the first attempt that got through. */
static int
forbidden(void)
{
	const long fails[] = {
		syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY),
		syscall(SYS_open, "/etc/passwd", O_RDONLY),
		syscall(SYS_execve, "/bin/true", NULL, NULL),
		syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0),
		syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL),
		syscall(SYS_memfd_create, "x", 0),
		syscall(SYS_fork),
		syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0),
		syscall(SYS_clone3, NULL, 0),
		syscall(SYS_kill, getpid(), 0),
		syscall(SYS_tgkill, 1, 1, 0),
		syscall(SYS_setresuid, 0, 0, 0),
		syscall(SYS_ptrace, 0, 0, 0, 0),
		syscall(SYS_unlinkat, AT_FDCWD, "/x", 0),
		syscall(SYS_mount, "x", "/", "tmpfs", 0, NULL),
		syscall(SYS_bpf, 0, NULL, 0),
		syscall(SYS_io_uring_setup, 1, NULL),
		syscall(SYS_ioctl, 0, 0x5412, "x"), /* TIOCSTI */
		syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0),
		syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
		        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		syscall(SYS_unshare, 0),
		syscall(SYS_dup, 0),
	};

	for (size_t i = 0; i < ARRAY_LEN(fails); i++)
		if (fails[i] >= 0)
			return (int)i + 1;
	return 0;
}

/* The sanitizer's own threads make calls that are not on the list. */
static void
skip_when_sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
	print_message("skipped: the sanitizer makes calls of its own\n");
	skip();
#endif
}

static void
nothing_new_can_be_reached(void **state)
{
	(void)state;
	skip_when_sanitized();
	assert_int_equal(in_child(forbidden, false), 0);
}

/* 32-bit calls have other numbers; none may pass. */
static int
foreign(void)
{
	long rc;

	__asm__ volatile("int $0x80" : "=a"(rc) : "a"(20) : "memory");
	return rc >= 0;
}

static void
no_other_abi_passes(void **state)
{
	(void)state;
	skip_when_sanitized();
	assert_int_equal(in_child(foreign, false), 0);
}

static void *
count(void *arg)
{
	pthread_setname_np(pthread_self(), "worker");
	free(malloc(1 << 20));
	++*(int *)arg;
	return NULL;
}

static int
needed(void)
{
	char *heap = malloc(4 << 20);
	int ran = 0, fd = eventfd(0, 0);
	struct timespec ts;
	pthread_t t;

	if (heap == NULL || fd >= 0)
		return 1;
	memset(heap, 1, 4 << 20);
	free(heap);
	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		return 2;
	if (pthread_create(&t, NULL, count, &ran) != 0 ||
	    pthread_kill(t, 0) > ESRCH || pthread_join(t, NULL) != 0 ||
	    ran != 1)
		return 3;
	if (usleep(10) < 0 || signal(SIGTERM, SIG_DFL) == SIG_ERR)
		return 4;
	return 0;
}

static void
threads_and_heaps_still_work(void **state)
{
	(void)state;
	skip_when_sanitized();
	assert_int_equal(in_child(needed, false), 0);
}

static unsigned long
limit_of(pid_t pid, const char *name)
{
	unsigned long hard = ~0ul;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			(void)!sscanf(line + strlen(name), "%*s %lu", &hard);
	fclose(f);
	return hard;
}

/* What the kernel says of the child while it waits. */
static void
rights_are_gone(void **state)
{
	const struct confine_options o = {
		.uid = geteuid() == 0 ? CONFINE_FIRST_UID + 7 : 0,
	};
	int up[2], down[2];
	char path[64], line[256], byte;
	unsigned seen = 0;
	struct error err;
	pid_t pid;
	FILE *f;

	(void)state;
	assert_int_equal(pipe(up) | pipe(down), 0);
	pid = fork();
	if (pid == 0) {
		close(down[1]); /* a test that fails ends us, too */
		byte = confine(&o, &err) == 0 ? 'y' : 'n';
		(void)!write(up[1], &byte, 1);
		(void)!read(down[0], &byte, 1);
		_exit(0);
	}
	assert_int_equal(read(up[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned uid[4];
		unsigned long long caps;

		if (sscanf(line, "Uid: %u %u %u %u", &uid[0], &uid[1], &uid[2],
		           &uid[3]) == 4 ||
		    sscanf(line, "Gid: %u %u %u %u", &uid[0], &uid[1], &uid[2],
		           &uid[3]) == 4)
			for (int i = 0; i < 4 && o.uid != 0; i++)
				assert_int_equal(uid[i], o.uid);
		if (sscanf(line, "CapEff: %llx", &caps) == 1 ||
		    sscanf(line, "CapPrm: %llx", &caps) == 1 ||
		    sscanf(line, "CapInh: %llx", &caps) == 1 ||
		    sscanf(line, "CapAmb: %llx", &caps) == 1 ||
		    (o.uid != 0 && sscanf(line, "CapBnd: %llx", &caps) == 1)) {
			assert_int_equal(caps, 0);
			seen++;
		}
		if (strncmp(line, "NoNewPrivs:\t1", 13) == 0 ||
		    strncmp(line, "Seccomp:\t2", 10) == 0)
			seen++;
		if (o.uid != 0 && strncmp(line, "Groups:", 7) == 0)
			assert_int_equal(strspn(line + 7, " \t\n"),
			                 strlen(line + 7));
	}
	fclose(f);
	assert_int_equal(seen, o.uid != 0 ? 7 : 6);
	assert_int_equal(limit_of(pid, "Max core file size"), 0);
	assert_true(limit_of(pid, "Max open files") < 1024);
	assert_int_equal(write(down[1], "x", 1), 1);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
}

static void
running_vms_have_uids_of_their_own(void **state)
{
	char base[] = "/tmp/gaol-confine.XXXXXX";
	uint32_t a = 0, b = 0, c = 0;
	int la, lb, lc;
	struct error err;

	(void)state;
	assert_non_null(mkdtemp(base));
	assert_int_equal(confine_uid(base, "web", &a, &la, &err), 0);
	assert_int_equal(confine_uid(base, "web", &b, &lb, &err), 0);
	assert_int_equal(b, a + 1);
	assert_true(a >= CONFINE_FIRST_UID &&
	            a < CONFINE_FIRST_UID + CONFINE_UIDS);
	close(la);
	/* In use: it stays. */
	confine_uids_tidy(base);
	assert_int_equal(confine_uid(base, "web", &c, &lc, &err), 0);
	assert_int_equal(c, a);
	close(lb);
	close(lc);
	confine_uids_tidy(base);
	assert_int_equal(rmdir(base), 0);
	assert_int_equal(confine_uid(base, "web", &c, &lc, &err), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_short_and_each_has_a_reason),
		cmocka_unit_test(nothing_new_can_be_reached),
		cmocka_unit_test(no_other_abi_passes),
		cmocka_unit_test(threads_and_heaps_still_work),
		cmocka_unit_test(rights_are_gone),
		cmocka_unit_test(running_vms_have_uids_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
