/* SPDX-License-Identifier: BSD-2-Clause */
/* filter.h - what a jailed process may ask of the kernel: system calls and
 * capabilities, as the allow.* parameters leave them.
 *
 * The second wall. The first are the namespaces: all that is refused here
 * because a jail must never do it is also refused by the jail's user
 * namespace, save where filter.c says so. allow.adjtime, allow.settime and
 * allow.routing have no flag: the user namespace refuses them for good.
 * Source: jail(8), "allow.*"; security.jail and priv(9) as docs/compat.md
 * tells them.
 */
#ifndef JAIL_FILTER_H
#define JAIL_FILTER_H
#include <linux/filter.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* All false and 0: the tightest jail. */
struct jail_filter_flags {
	bool ip4, ip6; /* false: socket() of the family is refused */
	bool vnet;     /* the network stack is the jail's own */
	bool sysvmsg, sysvsem, sysvshm; /* false: ENOSYS ("disable") */
	bool children; /* children.max > 0: may make jails of its own */
	int securelevel;
	/* allow.* by name */
	bool set_hostname, raw_sockets, chflags, mount, quotas, socket_af;
	bool mlock, reserved_ports, read_msgbuf, suser;
	bool unprivileged_proc_debug;
};

/* Room that any flags fit into. */
enum { JAIL_FILTER_MAX = 768 };

/* The program for these flags, to out[0..max). Pure. Returns its length;
 * -E2BIG when it does not fit. */
int jail_filter_build(const struct jail_filter_flags *flags,
                      struct sock_filter *out, size_t max, struct error *err);

/* The capability bounding set for these flags, as CAPS_BIT()s. Pure. */
uint64_t jail_filter_caps(const struct jail_filter_flags *flags);

/*
 * Put the calling thread, which is about to become a jail's init, under a
 * filter that leaves it little more than reading and waiting. init holds no
 * capability, but root of the jail may trace it: through it the jail would
 * otherwise make the calls that its own filter refuses. Needs CAP_SYS_ADMIN in
 * the user namespace or no_new_privs.
 */
int jail_filter_apply_init(struct error *err);

/*
 * Put the calling thread under the filter, the bounding set and the resource
 * limits of the flags, for good. To be called as root of the jail's user
 * namespace, with its session keyring already left, before dropping to another
 * user and before exec. What capabilities the thread has now stay until exec.
 */
int jail_filter_apply(const struct jail_filter_flags *flags, struct error *err);
#endif
