/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp_filter.h - a system call filter from a table of rules.
 *
 * A small assembler for seccomp's classic BPF: no library behind it, so that
 * jail(8) stays tiny and builds its filter in tens of microseconds. Owns how
 * rules become a program; what the rules are is the caller's policy.
 * Not called seccomp.h: that would hide the kernel's <linux/seccomp.h>.
 * Source: seccomp(2); Linux, Documentation/userspace-api/seccomp_filter.rst.
 */
#ifndef LINUX_SECCOMP_FILTER_H
#define LINUX_SECCOMP_FILTER_H
#include <linux/filter.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	SECCOMP_MAX_RULES = 512,
	SECCOMP_MAX_NR = 1023, /* highest system call number in a rule */
	SECCOMP_MAX_TESTS = 3, /* in one rule */
};

/* One half of an argument, masked, compared. */
struct seccomp_test {
	uint8_t arg;  /* 0 to 5 */
	bool high;    /* the upper 32 bits of it */
	bool differs; /* holds when (half & mask) != value */
	uint32_t mask, value;
};

/* Calls first to last; all tests must hold; errnum 0 lets the call through. */
struct seccomp_rule {
	uint16_t first, last;
	uint16_t errnum;
	uint8_t n_test;
	struct seccomp_test test[SECCOMP_MAX_TESTS];
};

/*
 * Assemble rules[0..n) to out[0..max). For each call the first rule that holds,
 * in table order, decides; when none does the call fails with ENOSYS, as does
 * every call made through another ABI (i386, x32). Pure.
 *
 * Returns the number of instructions. -EINVAL a malformed rule, -E2BIG too many
 * rules or instructions: out is then undefined.
 */
int seccomp_build(const struct seccomp_rule *rules, size_t n,
                  struct sock_filter *out, size_t max, struct error *err);

struct seccomp_data;

/*
 * What the kernel would answer: the program's return value for one call. Pure;
 * for tests and for telling why a call was refused. UINT32_MAX when the
 * program uses an instruction this assembler never emits, or runs off its end.
 */
uint32_t seccomp_eval(const struct sock_filter *prog, size_t len,
                      const struct seccomp_data *data);

/* Put the calling thread under prog for good. It needs CAP_SYS_ADMIN in its
 * user namespace: no_new_privs is not set, so setuid programs keep working. */
int seccomp_install(struct sock_filter *prog, size_t len, struct error *err);
/* All threads of the process, for good. Needs no_new_privs instead. */
int seccomp_install_all(struct sock_filter *prog, size_t len,
                        struct error *err);
#endif
