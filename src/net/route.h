/* SPDX-License-Identifier: BSD-2-Clause */
/* route.h - route(8) as a call, like net_ifconfig(). */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H
#include "base/buf.h"

/*
 * Run one command line; argv[0] is the program's name and argv is ended by
 * NULL. Text for standard output and standard error is appended to out and
 * errs. Works in the caller's network namespace; "-j J" enters that jail's for
 * the time of the call, so no other thread may be running.
 *
 * Returns the exit status: 0; 1 the kernel refused; 64 usage; 68 an address.
 */
int net_route(int argc, char *const argv[], struct buf *out, struct buf *errs);
#endif
