/* SPDX-License-Identifier: BSD-2-Clause */
/* hints.c - which of several addresses a jail sends from, by destination. */
#include "jail/hints.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "linux/nl.h"

enum { V4_BITS = 96 }; /* in front of a mapped address */

/* --- reduce ----------------------------------------------------------------
 */

static bool
is_v4(const struct hint_route *h)
{
	return h->bits >= V4_BITS && h->dst.w[0] == 0 && h->dst.w[1] == 0 &&
	       h->dst.w[2] == htonl(0xffff);
}

static struct wall_addr
mask_of(unsigned bits)
{
	struct wall_addr m = { { 0, 0, 0, 0 } };

	for (unsigned i = 0; i<4; i++, bits = bits> 32 ? bits - 32 : 0)
		if (bits >= 32)
			m.w[i] = UINT32_MAX;
		else if (bits > 0)
			m.w[i] = htonl(UINT32_MAX << (32 - bits));
	return m;
}

static bool
covers(const struct hint_route *wide, const struct hint_route *narrow)
{
	struct wall_addr m = mask_of(wide->bits);

	if (is_v4(wide) != is_v4(narrow))
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (((wide->dst.w[i] ^ narrow->dst.w[i]) & m.w[i]) != 0)
			return false;
	return true;
}

static int
by_length(const void *x, const void *y)
{
	const struct hint_route *a = x, *b = y;

	if (a->bits != b->bits)
		return a->bits < b->bits ? 1 : -1;
	return (a->metric > b->metric) - (a->metric < b->metric);
}

/* Would routes after i, which are shorter, say the same? */
static bool
is_spare(const struct hint_route *routes, size_t n, size_t i)
{
	for (size_t k = i + 1; k < n; k++)
		if (covers(&routes[k], &routes[i]))
			return routes[k].index == routes[i].index;
	return routes[i].index == 0;
}

/* Is there a better route to the very same destination before i? */
static bool
is_second(const struct hint_route *routes, size_t i)
{
	for (size_t k = i; k-- > 0 && routes[k].bits == routes[i].bits;)
		if (covers(&routes[k], &routes[i]))
			return true;
	return false;
}

size_t
hints_reduce(struct hint_route *routes, size_t n, struct wall_rules *r)
{
	size_t lost = 0, kept = 0;

	qsort(routes, n, sizeof(*routes), by_length);
	for (size_t i = 0; i < n; i++)
		if (!is_second(routes, i))
			routes[kept++] = routes[i];
	r->n_hint = 0;
	for (size_t i = 0; i < kept; i++) {
		struct wall_hint *h = &r->hint[r->n_hint];

		if (is_spare(routes, kept, i))
			continue;
		if (r->n_hint == WALL_HINTS) {
			lost++;
			continue;
		}
		h->dst = routes[i].dst;
		h->mask = mask_of(routes[i].bits);
		h->index = routes[i].index;
		h->v4 = is_v4(&routes[i]);
		r->n_hint++;
	}
	return lost;
}

/* --- read ------------------------------------------------------------------
 */

struct reading {
	const struct wall_rules *rules;
	unsigned
	    link4[WALL_ADDRS]; /* interface that has the address; 0: none */
	unsigned link6[WALL_ADDRS];
	size_t n;
	struct hint_route routes[HINTS_MAX_ROUTES];
};

/* The place of an address in the jail's list, or -1. */
static int
place(const struct wall_rules *r, int family, const struct nl_attr *a)
{
	if (family == AF_INET && a->len == sizeof(r->addr4[0])) {
		for (int i = 0; i < r->n4; i++)
			if (memcmp(&r->addr4[i], a->data, a->len) == 0)
				return i;
	} else if (family == AF_INET6 && a->len == sizeof(r->addr6[0])) {
		for (int i = 0; i < r->n6; i++)
			if (memcmp(&r->addr6[i], a->data, a->len) == 0)
				return i;
	}
	return -1;
}

static int
read_address(const struct nl_reply *reply, void *arg, struct error *err)
{
	struct reading *rd = arg;
	struct ifaddrmsg m;
	struct nl_attr a;
	size_t off = NLMSG_ALIGN(sizeof(m));
	int i;

	(void)err;
	if (reply->type != RTM_NEWADDR || reply->len < sizeof(m))
		return 0;
	memcpy(&m, reply->data, sizeof(m));
	while (nl_attr_next(reply->data, reply->len, &off, &a)) {
		/* IFA_ADDRESS is the peer's on a point-to-point link. */
		if (a.type != IFA_LOCAL &&
		    (a.type != IFA_ADDRESS || m.ifa_family == AF_INET))
			continue;
		i = place(rd->rules, m.ifa_family, &a);
		if (i >= 0 && m.ifa_family == AF_INET)
			rd->link4[i] = m.ifa_index;
		else if (i >= 0)
			rd->link6[i] = m.ifa_index;
	}
	return 0;
}

/* The first of the jail's addresses on an interface; the primary if none. */
static unsigned
first_on(const struct reading *rd, int family, unsigned link)
{
	const unsigned *links = family == AF_INET ? rd->link4 : rd->link6;
	unsigned n = family == AF_INET ? rd->rules->n4 : rd->rules->n6;

	for (unsigned i = 0; i < n && link != 0; i++)
		if (links[i] == link)
			return i;
	return 0;
}

static void
set_destination(struct hint_route *h, const struct rtmsg *m,
                const struct nl_attr *dst)
{
	if (m->rtm_family == AF_INET) {
		h->dst.w[2] = htonl(0xffff);
		if (dst->len == sizeof(h->dst.w[3]))
			memcpy(&h->dst.w[3], dst->data, dst->len);
		h->bits = V4_BITS + m->rtm_dst_len;
	} else {
		if (dst->len == sizeof(h->dst))
			memcpy(&h->dst, dst->data, dst->len);
		h->bits = m->rtm_dst_len;
	}
}

static int
read_route(const struct nl_reply *reply, void *arg, struct error *err)
{
	struct reading *rd = arg;
	struct hint_route h = { .metric = 0 };
	struct nl_attr a, dst = { .len = 0 };
	unsigned link = 0;
	struct rtnexthop hop;
	struct rtmsg m;
	size_t off = NLMSG_ALIGN(sizeof(m));
	int source = -1;

	(void)err;
	if (reply->type != RTM_NEWROUTE || reply->len < sizeof(m) ||
	    rd->n == HINTS_MAX_ROUTES)
		return 0;
	memcpy(&m, reply->data, sizeof(m));
	if (m.rtm_table != RT_TABLE_MAIN || m.rtm_type != RTN_UNICAST ||
	    m.rtm_dst_len > (m.rtm_family == AF_INET ? 32 : 128))
		return 0;
	while (nl_attr_next(reply->data, reply->len, &off, &a)) {
		if (a.type == RTA_DST)
			dst = a;
		else if (a.type == RTA_OIF)
			link = nl_attr_u32(&a);
		else if (a.type == RTA_PRIORITY)
			h.metric = nl_attr_u32(&a);
		else if (a.type == RTA_PREFSRC)
			source = place(rd->rules, m.rtm_family, &a);
		else if (a.type == RTA_MULTIPATH && a.len >= sizeof(hop)) {
			memcpy(&hop, a.data, sizeof(hop));
			link = (unsigned)hop.rtnh_ifindex;
		}
	}
	set_destination(&h, &m, &dst);
	h.index =
	    source >= 0 ? (unsigned)source : first_on(rd, m.rtm_family, link);
	rd->routes[rd->n++] = h;
	return 0;
}

/* One dump; torn ones are taken as they are: it is a matter of preference. */
static int
dump(struct nl_sock *nl, uint16_t type, int family,
     int (*each)(const struct nl_reply *r, void *arg, struct error *err),
     struct reading *rd, struct error *err)
{
	/* Both headers begin with the family; the rest asks for all. */
	struct rtmsg body = { .rtm_family = (unsigned char)family };
	size_t len =
	    type == RTM_GETADDR ? sizeof(struct ifaddrmsg) : sizeof(body);
	struct nl_sink sink = { each, rd };
	struct nl_msg m;

	nl_msg_init(&m, type, NLM_F_DUMP, &body, len);
	return nl_request(nl, &m, &sink, err);
}

static int
read_all(struct nl_sock *nl, struct reading *rd, struct error *err)
{
	if (dump(nl, RTM_GETADDR, AF_UNSPEC, read_address, rd, err) < 0)
		return err->code;
	if (rd->rules->n4 > 1 &&
	    dump(nl, RTM_GETROUTE, AF_INET, read_route, rd, err) < 0)
		return err->code;
	if (rd->rules->n6 > 1 &&
	    dump(nl, RTM_GETROUTE, AF_INET6, read_route, rd, err) < 0)
		return err->code;
	return 0;
}

int
hints_read(struct wall_rules *r, struct error *err)
{
	cleanup_free struct reading *rd = NULL;
	struct nl_sock nl = { .fd = -1 };
	int ret;

	r->n_hint = 0;
	if (!(r->n4 > 1 && (r->flags & WALL_SADDRSEL4)) &&
	    !(r->n6 > 1 && (r->flags & WALL_SADDRSEL6)))
		return 0;
	rd = calloc(1, sizeof(*rd));
	if (rd == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	rd->rules = r;
	if (nl_open(&nl, NETLINK_ROUTE, -1, err) < 0)
		return err->code;
	ret = read_all(&nl, rd, err);
	nl_close(&nl);
	if (ret < 0)
		return error_wrap(err, "read routes");
	hints_reduce(rd->routes, rd->n, r);
	return 0;
}
