/* SPDX-License-Identifier: BSD-2-Clause */
/* rtable.c - the routing table of one namespace: adding, removing, asking. */
#include "net/rtable.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/vec.h"

static void
read_ip(const struct nl_attr *a, int family, struct addr_ip *out)
{
	if (a->len != addr_len(family))
		return;
	out->family = family;
	memcpy(out->b, a->data, a->len);
}

static unsigned
read_mtu(const struct nl_attr *metrics)
{
	struct nl_attr a;

	for (size_t off = 0;
	     nl_attr_next(metrics->data, metrics->len, &off, &a);)
		if (a.type == RTAX_MTU)
			return nl_attr_u32(&a);
	return 0;
}

/* What we know of rtm_type, or -1. */
static int
kind_of(unsigned type, bool *is_local)
{
	*is_local = type == RTN_LOCAL || type == RTN_BROADCAST ||
	            type == RTN_ANYCAST || type == RTN_MULTICAST;
	if (type == RTN_UNICAST || *is_local)
		return RTABLE_UNICAST;
	if (type == RTN_BLACKHOLE)
		return RTABLE_BLACKHOLE;
	if (type == RTN_UNREACHABLE || type == RTN_PROHIBIT)
		return RTABLE_REJECT;
	return -1;
}

int
rtable_read(const struct nl_reply *r, struct rtable_route *out,
            struct error *err)
{
	struct rtable_route o = { 0 };
	uint32_t table;
	struct rtmsg h;
	struct nl_attr a;
	int kind;

	if (r->type != RTM_NEWROUTE || r->len < sizeof(h))
		return error_set(err, -EPROTO, "netlink: not a route");
	memcpy(&h, r->data, sizeof(h));
	kind = kind_of(h.rtm_type, &o.is_local);
	if (kind < 0 || (h.rtm_family != AF_INET && h.rtm_family != AF_INET6) ||
	    h.rtm_dst_len > addr_len(h.rtm_family) * 8)
		return error_set(err, -ENOENT, "netlink: another route");
	o.kind = (enum rtable_kind)kind;
	o.dst.family = h.rtm_family; /* all zeros unless told */
	o.prefix = h.rtm_dst_len;
	o.by_kernel = h.rtm_protocol == RTPROT_KERNEL;
	table = h.rtm_table;
	for (size_t off = sizeof(h); nl_attr_next(r->data, r->len, &off, &a);)
		if (a.type == RTA_DST)
			read_ip(&a, h.rtm_family, &o.dst);
		else if (a.type == RTA_GATEWAY)
			read_ip(&a, h.rtm_family, &o.gateway);
		else if (a.type == RTA_OIF)
			o.index = nl_attr_u32(&a);
		else if (a.type == RTA_TABLE)
			table = nl_attr_u32(&a);
		else if (a.type == RTA_METRICS)
			o.mtu = read_mtu(&a);
	if (table != RT_TABLE_MAIN && !o.is_local)
		return error_set(err, -ENOENT, "netlink: another table");
	*out = o;
	return 0;
}

static void
put_ip(struct nl_msg *m, uint16_t type, const struct addr_ip *ip)
{
	if (ip->family != 0)
		nl_put(m, type, ip->b, addr_len(ip->family));
}

int
rtable_set(struct nl_sock *nl, enum rtable_how how,
           const struct rtable_route *r, struct error *err)
{
	static const unsigned char types[] = {
		[RTABLE_UNICAST] = RTN_UNICAST,
		[RTABLE_BLACKHOLE] = RTN_BLACKHOLE,
		[RTABLE_REJECT] = RTN_UNREACHABLE,
	};
	struct rtmsg h = { .rtm_family = (uint8_t)r->dst.family,
		           .rtm_dst_len = (uint8_t)r->prefix,
		           .rtm_table = RT_TABLE_MAIN,
		           .rtm_protocol = RTPROT_STATIC,
		           .rtm_type = types[r->kind] };
	struct nl_msg m;
	int rc;

	h.rtm_scope = r->gateway.family != 0 || r->kind != RTABLE_UNICAST
	                  ? RT_SCOPE_UNIVERSE
	                  : RT_SCOPE_LINK;
	nl_msg_init(&m, RTM_NEWROUTE,
	            how == RTABLE_ADD ? NLM_F_CREATE | NLM_F_EXCL
	                              : NLM_F_REPLACE,
	            &h, sizeof(h));
	put_ip(&m, RTA_DST, &r->dst);
	if (r->kind == RTABLE_UNICAST) {
		put_ip(&m, RTA_GATEWAY, &r->gateway);
		if (r->index != 0)
			nl_put_u32(&m, RTA_OIF, r->index);
	}
	if (r->mtu != 0) {
		size_t metrics = nl_nest(&m, RTA_METRICS, NULL, 0);

		nl_put_u32(&m, RTAX_MTU, r->mtu);
		nl_nest_end(&m, metrics);
	}
	rc = nl_request(nl, &m, NULL, err);
	if (rc == -ENOENT && how == RTABLE_CHANGE)
		return error_set(err, -ESRCH, "%s", strerror(ESRCH));
	if (rc == -EHOSTUNREACH || rc == -ENETDOWN) /* IPv6's words for it */
		return error_set(err, -ENETUNREACH, "%s",
		                 strerror(ENETUNREACH));
	return rc;
}

int
rtable_del(struct nl_sock *nl, const struct rtable_route *r, struct error *err)
{
	struct rtmsg h = { .rtm_family = (uint8_t)r->dst.family,
		           .rtm_dst_len = (uint8_t)r->prefix,
		           .rtm_table = RT_TABLE_MAIN,
		           .rtm_scope = RT_SCOPE_NOWHERE }; /* any */
	struct nl_msg m;

	nl_msg_init(&m, RTM_DELROUTE, 0, &h, sizeof(h));
	put_ip(&m, RTA_DST, &r->dst);
	put_ip(&m, RTA_GATEWAY, &r->gateway);
	if (r->index != 0)
		nl_put_u32(&m, RTA_OIF, r->index);
	return nl_request(nl, &m, NULL, err);
}

static int
sink_one(const struct nl_reply *r, void *arg, struct error *err)
{
	return r->type == RTM_NEWROUTE ? rtable_read(r, arg, err) : 0;
}

int
rtable_lookup(struct nl_sock *nl, const struct addr_ip *ip,
              struct rtable_route *out, struct error *err)
{
	struct rtmsg h = { .rtm_family = (uint8_t)ip->family,
		           .rtm_dst_len = (uint8_t)(addr_len(ip->family) * 8),
		           .rtm_flags = RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH };
	const struct nl_sink sink = { sink_one, out };
	struct nl_msg m;

	nl_msg_init(&m, RTM_GETROUTE, 0, &h, sizeof(h));
	put_ip(&m, RTA_DST, ip);
	return nl_request(nl, &m, &sink, err);
}

struct route_vec {
	struct rtable_route *v;
	size_t n, cap;
};

static int
sink_all(const struct nl_reply *r, void *arg, struct error *err)
{
	struct rtable_route *v;
	struct route_vec *all = arg;
	int rc;

	if (r->type != RTM_NEWROUTE)
		return 0;
	if (all->n == RTABLE_MAX)
		return error_set(err, -E2BIG, "over %d routes", RTABLE_MAX);
	v = vec_room(all->v, all->n, &all->cap, sizeof(*v));
	if (v == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	all->v = v;
	rc = rtable_read(r, &all->v[all->n], err);
	if (rc == 0)
		all->n++;
	return rc == -ENOENT ? 0 : rc;
}

int
rtable_list(struct nl_sock *nl, int family, struct rtable_route **out_routes,
            size_t *out_n, struct error *err)
{
	struct rtmsg h = { .rtm_family = (uint8_t)family,
		           .rtm_table = RT_TABLE_MAIN };
	struct route_vec all = { NULL, 0, 0 };
	const struct nl_sink sink = { sink_all, &all };
	struct nl_msg m;
	int rc;

	nl_msg_init(&m, RTM_GETROUTE, NLM_F_DUMP, &h, sizeof(h));
	rc = nl_dump(nl, &m, &sink, &all.n, err);
	if (rc < 0 && rc != -ENOENT) { /* ENOENT: the table is not made yet */
		free(all.v);
		return rc;
	}
	*out_routes = all.v;
	*out_n = all.n;
	return 0;
}
