/* SPDX-License-Identifier: BSD-2-Clause */
/* ifconfig.h - ifconfig(8) as a call.
 *
 * The helper program is this and a write(2); jail(8) may call it in a process
 * it forked, and save the exec. Neither prints nor exits.
 */
#ifndef NET_IFCONFIG_H
#define NET_IFCONFIG_H
#include "base/buf.h"

/*
 * Run one command line; argv[0] is the program's name and argv is ended by
 * NULL. Text for standard output and standard error is appended to out and
 * errs. Works in the caller's network namespace; "-j J" enters that jail's for
 * the time of the call, so no other thread may be running.
 *
 * Returns the exit status: 0, or 1.
 */
int net_ifconfig(int argc, char *const argv[], struct buf *out,
                 struct buf *errs);
#endif
