/* SPDX-License-Identifier: BSD-2-Clause */
/* clone.h - a child in our own memory, while we wait for its exec.
 *
 * As vfork(2), with every flag of clone3(2): no page table is copied and none
 * torn down again, which is most of what a fork costs a short-lived program.
 * The child runs on a stack of its own, may allocate, and must not change what
 * the caller still needs (environ, global state).
 */
#ifndef LINUX_CLONE_H
#define LINUX_CLONE_H
#include <sys/types.h>

struct clone_args;

/*
 * Run fn(arg) in a child made with args, to which CLONE_VM and CLONE_VFORK are
 * added; its return value is the exit status. Comes back when the child has
 * executed a program or ended. Returns its pid, or a negative errno.
 */
pid_t clone_wait(struct clone_args *args, int (*fn)(void *arg), void *arg);
#endif
