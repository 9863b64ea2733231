/* SPDX-License-Identifier: BSD-2-Clause */
/* hints.h - which of several addresses a jail sends from, by destination.
 *
 * FreeBSD asks the routing table at each connect (in_jail.c); a BPF program
 * cannot, so the table is read once, when a jail starts or is changed, and
 * turned into a short list: routes whose interface has an address of the jail.
 */
#ifndef JAIL_HINTS_H
#define JAIL_HINTS_H
#include <stddef.h>

#include "base/error.h"
#include "jail/bpf/abi.h"

enum {
	HINTS_MAX_ROUTES = 1024, /* of both families; more are not looked at */
};

/* A route of the main table, and the jail's address it is left from. */
struct hint_route {
	struct wall_addr dst; /* IPv4 mapped */
	unsigned bits;        /* of 128 */
	unsigned metric;
	unsigned index; /* of the jail's address, 0 the primary */
};

/*
 * Turn routes into r's hints: longest prefix first, the best metric of each,
 * leaving out those that say what a shorter one says. Sorts routes. Pure.
 * Returns the number left out for lack of room.
 */
size_t hints_reduce(struct hint_route *routes, size_t n, struct wall_rules *r);

/* Read the addresses and routes of this network namespace into r's hints, if r
 * has a choice at all. */
int hints_read(struct wall_rules *r, struct error *err);
#endif
