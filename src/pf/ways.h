/* SPDX-License-Identifier: BSD-2-Clause */
/* ways.h - the ways that rules route packets by (route-to, reply-to, rtable),
 * as the kernel's rules of routing.
 *
 * Way n has the table PF_WAY_TABLE + n, unless it is a table of the system's,
 * and a rule of the priority PF_WAY_PRIORITY that leads marked packets there.
 * Source: rtnetlink(7), ip-rule(8).
 */
#ifndef PF_WAYS_H
#define PF_WAYS_H
#include "pf/compile.h"

enum {
	PF_WAY_PRIORITY = 28774, /* before the main table's */
	PF_WAY_TABLE = 0x70660000,
};

/* Make the ways of the network namespace we are in these, and no others of
 * ours. -ENODEV: an interface is not there; and what the kernel says. */
int pf_ways_apply(const struct pf_ways *ways, struct error *err);
#endif
