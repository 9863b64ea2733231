/* SPDX-License-Identifier: BSD-2-Clause */
/* rtable.h - the routing table of one namespace: adding, removing, asking.
 *
 * Works on Linux's main table, which is FreeBSD's fib 0; there is no other
 * fib. Threads: none; calls block for the kernel's answer.
 */
#ifndef NET_RTABLE_H
#define NET_RTABLE_H
#include "net/addr.h"

enum {
	RTABLE_MAX = 1 << 17, /* routes in one list */
};

enum rtable_kind {
	RTABLE_UNICAST,
	RTABLE_BLACKHOLE, /* dropped in silence */
	RTABLE_REJECT,    /* dropped with an ICMP unreachable */
};

struct rtable_route {
	struct addr_ip dst; /* its family is the route's */
	unsigned prefix;
	struct addr_ip gateway; /* family 0: directly reachable */
	unsigned index;         /* interface, or 0: by the gateway */
	unsigned mtu;           /* bytes, or 0 */
	enum rtable_kind kind;
	bool by_kernel; /* made with an address, not by hand */
	bool is_local;  /* an own or broadcast address */
};

/* Read the payload of an RTM_NEWROUTE. Pure. -EPROTO when it is none; -ENOENT
 * a route of another table or kind, to be skipped. */
int rtable_read(const struct nl_reply *r, struct rtable_route *out,
                struct error *err);

enum rtable_how {
	RTABLE_ADD,    /* -EEXIST */
	RTABLE_CHANGE, /* -ESRCH */
};
/* -ENETUNREACH: the gateway is in no network of ours. */
int rtable_set(struct nl_sock *nl, enum rtable_how how,
               const struct rtable_route *r, struct error *err);
/* Remove the route to r's destination, by r's gateway if one is given. -ESRCH.
 */
int rtable_del(struct nl_sock *nl, const struct rtable_route *r,
               struct error *err);
/* The route that is taken to ip, with the prefix it is in the table for.
 * -ENETUNREACH, -EHOSTUNREACH, -EACCES. */
int rtable_lookup(struct nl_sock *nl, const struct addr_ip *ip,
                  struct rtable_route *out, struct error *err);
/* All of one family. *out_routes is the caller's: free(). */
int rtable_list(struct nl_sock *nl, int family,
                struct rtable_route **out_routes, size_t *out_n,
                struct error *err);
#endif
