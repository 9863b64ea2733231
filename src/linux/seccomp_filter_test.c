/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp_filter_test.c - programs are run by an evaluator written here and
 * compared with a plain walk over the rule table.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/seccomp_filter.h"

static uint32_t
walk(const struct seccomp_rule *rules, size_t n, const struct seccomp_data *d)
{
	if (d->arch != AUDIT_ARCH_X86_64)
		return SECCOMP_RET_ERRNO | ENOSYS;
	for (size_t i = 0; i < n; i++) {
		const struct seccomp_rule *r = &rules[i];
		bool holds = d->nr >= r->first && d->nr <= r->last;

		for (unsigned t = 0; t < r->n_test; t++) {
			uint64_t arg = d->args[r->test[t].arg];
			uint32_t half = r->test[t].high ? (uint32_t)(arg >> 32)
			                                : (uint32_t)arg;

			if (((half & r->test[t].mask) == r->test[t].value) ==
			    r->test[t].differs)
				holds = false;
		}
		if (holds)
			return r->errnum == 0 ? SECCOMP_RET_ALLOW
			                      : SECCOMP_RET_ERRNO | r->errnum;
	}
	return SECCOMP_RET_ERRNO | ENOSYS;
}

static void
compare(const struct seccomp_rule *rules, size_t n,
        const struct sock_filter *prog, size_t len,
        const struct seccomp_data *d)
{
	assert_int_equal(seccomp_eval(prog, len, d), walk(rules, n, d));
}

/* Small deterministic random numbers (xorshift). */
static uint32_t
next(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static void
random_rule(uint32_t *x, struct seccomp_rule *r)
{
	memset(r, 0, sizeof(*r));
	r->first = (uint16_t)(next(x) % 80);
	r->last = (uint16_t)(r->first + (next(x) % 4 == 0 ? next(x) % 30 : 0));
	r->errnum = (uint16_t)(next(x) % 3);
	r->n_test = (uint8_t)(next(x) % (SECCOMP_MAX_TESTS + 1));
	for (unsigned i = 0; i < r->n_test; i++)
		r->test[i] = (struct seccomp_test){
			.arg = (uint8_t)(next(x) % 3),
			.high = next(x) % 4 == 0,
			.differs = next(x) % 2,
			.mask = next(x) % 2 ? 3 : UINT32_MAX,
			.value = next(x) % 4,
		};
}

static void
programs_decide_as_their_tables(void **state)
{
	static struct sock_filter prog[BPF_MAXINSNS];
	uint32_t x = 2463534242;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct seccomp_rule rules[100];
		size_t n = next(&x) % ARRAY_LEN(rules);
		struct error err;
		int len;

		for (size_t i = 0; i < n; i++)
			random_rule(&x, &rules[i]);
		len = seccomp_build(rules, n, prog, BPF_MAXINSNS, &err);
		assert_true(len > 0);
		for (int nr = 0; nr < 115; nr++)
			for (unsigned k = 0; k < 40; k++) {
				struct seccomp_data d = {
					.nr = nr,
					.arch = AUDIT_ARCH_X86_64,
				};

				for (unsigned a = 0; a < 3; a++)
					d.args[a] = (uint64_t)(next(&x) % 4)
					                << 32 |
					            next(&x) % 5;
				compare(rules, n, prog, (size_t)len, &d);
			}
	}
}

static void
foreign_abis_get_enosys(void **state)
{
	const struct seccomp_rule all = { .first = 0, .last = SECCOMP_MAX_NR };
	static const struct seccomp_data rows[] = {
		{ .nr = 1, .arch = AUDIT_ARCH_I386 },
		{ .nr = 0x40000001, .arch = AUDIT_ARCH_X86_64 }, /* x32 */
		{ .nr = SECCOMP_MAX_NR + 1, .arch = AUDIT_ARCH_X86_64 },
		{ .nr = -1, .arch = AUDIT_ARCH_X86_64 },
	};
	struct seccomp_data native = { .nr = 1, .arch = AUDIT_ARCH_X86_64 };
	struct sock_filter prog[32];
	struct error err;
	int len = seccomp_build(&all, 1, prog, ARRAY_LEN(prog), &err);

	(void)state;
	assert_true(len > 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(seccomp_eval(prog, (size_t)len, &rows[i]),
		                 SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(seccomp_eval(prog, (size_t)len, &native),
	                 SECCOMP_RET_ALLOW);
}

static void
long_programs_jump_far(void **state)
{
	struct seccomp_rule rules[300];
	static struct sock_filter prog[BPF_MAXINSNS];
	struct error err;
	int len;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		rules[i] = (struct seccomp_rule){
			.first = (uint16_t)(i * 2),
			.last = (uint16_t)(i * 2),
			.errnum = (uint16_t)(i % 4095),
			.n_test = 1,
			.test = { { .arg = 1, .mask = 1, .value = 1 } },
		};
	len = seccomp_build(rules, ARRAY_LEN(rules), prog, BPF_MAXINSNS, &err);
	assert_true(len > 8 * UINT8_MAX);
	for (int nr = 0; nr <= SECCOMP_MAX_NR; nr++)
		for (unsigned a = 0; a < 2; a++) {
			struct seccomp_data d = { .nr = nr,
				                  .arch = AUDIT_ARCH_X86_64,
				                  .args = { 0, a } };

			assert_int_equal(seccomp_eval(prog, (size_t)len, &d),
			                 walk(rules, ARRAY_LEN(rules), &d));
		}
}

/* A child under a filter that fails getppid by one argument. */
static void
the_kernel_agrees(void **state)
{
	const struct seccomp_rule rules[] = {
		{ .first = SYS_getppid,
		  .last = SYS_getppid,
		  .errnum = EDOM,
		  .n_test = 1,
		  .test = { { .arg = 1,
		              .high = true,
		              .mask = 7,
		              .value = 5 } } },
		{ .first = 0, .last = SECCOMP_MAX_NR },
	};
	struct sock_filter prog[64];
	struct error err;
	int len =
	    seccomp_build(rules, ARRAY_LEN(rules), prog, ARRAY_LEN(prog), &err);
	int status;
	pid_t pid;

	(void)state;
	assert_true(len > 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    seccomp_install(prog, (size_t)len, &err) < 0)
			_exit(1);
		if (syscall(SYS_getppid, 0, UINT64_C(13) << 32) != -1 ||
		    errno != EDOM)
			_exit(2);
		_exit(syscall(SYS_getppid, 0, UINT64_C(5)) > 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
bad_tables_are_refused(void **state)
{
	static const struct seccomp_rule rows[] = {
		{ .first = 2, .last = 1 },
		{ .first = 0, .last = SECCOMP_MAX_NR + 1 },
		{ .errnum = 4096 },
		{ .n_test = SECCOMP_MAX_TESTS + 1 },
		{ .n_test = 1, .test = { { .arg = 6 } } },
	};
	const struct seccomp_rule fine = { .first = 7, .last = 7 };
	struct sock_filter prog[32];
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
		    seccomp_build(&rows[i], 1, prog, ARRAY_LEN(prog), &err),
		    -EINVAL);
	for (size_t max = 0; max < 8; max++)
		assert_int_equal(seccomp_build(&fine, 1, prog, max, &err),
		                 -E2BIG);
	assert_int_equal(seccomp_build(&fine, SECCOMP_MAX_RULES + 1, prog,
	                               ARRAY_LEN(prog), &err),
	                 -E2BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_decide_as_their_tables),
		cmocka_unit_test(foreign_abis_get_enosys),
		cmocka_unit_test(long_programs_jump_far),
		cmocka_unit_test(the_kernel_agrees),
		cmocka_unit_test(bad_tables_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
