/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.c - the IP addresses of interfaces: text, listing, adding, removing. */
#include "net/addr.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/num.h"
#include "base/vec.h"

size_t
addr_len(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

int
addr_parse(const char *text, int family, struct addr_ip *out)
{
	struct addr_ip ip = { .family = AF_INET };
	struct in_addr v4;

	if (family != AF_INET6 && strchr(text, ' ') == NULL &&
	    inet_aton(text, &v4) != 0) {
		memcpy(ip.b, &v4, sizeof(v4));
		*out = ip;
		return 0;
	}
	if (family == AF_INET || inet_pton(AF_INET6, text, ip.b) != 1)
		return -EINVAL;
	ip.family = AF_INET6;
	*out = ip;
	return 0;
}

int
addr_parse_mask(const char *text, unsigned *out_prefix)
{
	struct in_addr v4;
	uint32_t mask;
	uint64_t n;

	if (strncmp(text, "0x", 2) == 0) {
		if (num_u64(text, &n) < 0 || n > UINT32_MAX)
			return -EINVAL;
		mask = (uint32_t)n;
	} else {
		if (inet_pton(AF_INET, text, &v4) != 1)
			return -EINVAL;
		mask = ntohl(v4.s_addr);
	}
	if ((~mask & (~mask + 1)) != 0) /* ones, then zeros */
		return -EINVAL;
	*out_prefix = (unsigned)__builtin_popcount(mask);
	return 0;
}

int
addr_parse_prefix(const char *text, int family, unsigned *out_prefix)
{
	long long n;
	int rc;

	if (*text == '+' || *text == '-')
		return -EINVAL;
	rc = num_int_in(text, 0, (long long)addr_len(family) * 8, &n);
	if (rc < 0)
		return rc;
	*out_prefix = (unsigned)n;
	return 0;
}

unsigned
addr_class_prefix(const struct addr_ip *ip)
{
	return ip->b[0] < 128 ? 8 : ip->b[0] < 192 ? 16 : 24;
}

const char *
addr_format(const struct addr_ip *ip, char out[ADDR_TEXT_MAX])
{
	if (inet_ntop(ip->family, ip->b, out, ADDR_TEXT_MAX) == NULL)
		out[0] = '\0';
	return out;
}

bool
addr_equal(const struct addr_ip *a, const struct addr_ip *b)
{
	return a->family == b->family &&
	       memcmp(a->b, b->b, addr_len(a->family)) == 0;
}

/* ip with the bits behind prefix all value. */
static struct addr_ip
fill_host(const struct addr_ip *ip, unsigned prefix, bool value)
{
	struct addr_ip out = *ip;

	for (size_t bit = prefix; bit < addr_len(ip->family) * 8; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> (bit % 8));

		if (value)
			out.b[bit / 8] |= mask;
		else
			out.b[bit / 8] &= (uint8_t)~mask;
	}
	return out;
}

struct addr_ip
addr_broadcast(const struct addr_ip *ip, unsigned prefix)
{
	return fill_host(ip, prefix, true);
}

struct addr_ip
addr_network(const struct addr_ip *ip, unsigned prefix)
{
	return fill_host(ip, prefix, false);
}

static void
read_ip(const struct nl_attr *a, int family, struct addr_ip *out)
{
	if (a->len != addr_len(family))
		return;
	out->family = family;
	memcpy(out->b, a->data, a->len);
}

int
addr_read(const struct nl_reply *r, struct addr *out, struct error *err)
{
	struct addr_ip local = { 0 }, address = { 0 };
	struct addr o = { .valid = UINT32_MAX, .preferred = UINT32_MAX };
	struct ifa_cacheinfo life;
	struct ifaddrmsg h;
	struct nl_attr a;

	if (r->type != RTM_NEWADDR || r->len < sizeof(h))
		return error_set(err, -EPROTO, "netlink: not an address");
	memcpy(&h, r->data, sizeof(h));
	if ((h.ifa_family != AF_INET && h.ifa_family != AF_INET6) ||
	    h.ifa_prefixlen > addr_len(h.ifa_family) * 8)
		return error_set(err, -EPROTO, "netlink: not an IP address");
	o.index = h.ifa_index;
	o.prefix = h.ifa_prefixlen;
	o.flags = h.ifa_flags;
	for (size_t off = sizeof(h); nl_attr_next(r->data, r->len, &off, &a);)
		if (a.type == IFA_LOCAL) {
			read_ip(&a, h.ifa_family, &local);
		} else if (a.type == IFA_ADDRESS) {
			read_ip(&a, h.ifa_family, &address);
		} else if (a.type == IFA_BROADCAST) {
			read_ip(&a, h.ifa_family, &o.broadcast);
		} else if (a.type == IFA_FLAGS) {
			o.flags = nl_attr_u32(&a);
		} else if (a.type == IFA_CACHEINFO && a.len >= sizeof(life)) {
			memcpy(&life, a.data, sizeof(life));
			o.valid = life.ifa_valid;
			o.preferred = life.ifa_prefered;
		}
	/* IFA_LOCAL is ours and IFA_ADDRESS the peer's; IPv6 without a peer
	 * sends the second only. */
	o.ip = local.family != 0 ? local : address;
	if (o.ip.family == 0)
		return error_set(err, -EPROTO, "netlink: no IP address");
	if (local.family != 0 && address.family != 0 &&
	    !addr_equal(&local, &address))
		o.peer = address;
	*out = o;
	return 0;
}

struct addr_vec {
	struct addr *v;
	size_t n, cap;
	unsigned index;
};

static int
sink_addr(const struct nl_reply *r, void *arg, struct error *err)
{
	struct addr *v;
	struct addr_vec *all = arg;

	/* A dump of all families may hold others than IP. */
	if (r->type != RTM_NEWADDR || r->len < sizeof(struct ifaddrmsg) ||
	    (r->data[0] != AF_INET && r->data[0] != AF_INET6))
		return 0;
	if (all->n == ADDR_MAX)
		return error_set(err, -E2BIG, "over %d addresses", ADDR_MAX);
	v = vec_room(all->v, all->n, &all->cap, sizeof(*v));
	if (v == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	all->v = v;
	if (addr_read(r, &all->v[all->n], err) < 0)
		return err->code;
	/* A kernel without strict checks sends every interface's. */
	if (all->index == 0 || all->v[all->n].index == all->index)
		all->n++;
	return 0;
}

int
addr_list(struct nl_sock *nl, int family, unsigned index,
          struct addr **out_addrs, size_t *out_n, struct error *err)
{
	struct ifaddrmsg h = { .ifa_family = (uint8_t)family,
		               .ifa_index = index };
	struct addr_vec all = { .index = index };
	const struct nl_sink sink = { sink_addr, &all };
	struct nl_msg m;
	int rc;

	nl_msg_init(&m, RTM_GETADDR, NLM_F_DUMP, &h, sizeof(h));
	rc = nl_dump(nl, &m, &sink, &all.n, err);
	if (rc < 0) {
		free(all.v);
		return rc;
	}
	*out_addrs = all.v;
	*out_n = all.n;
	return 0;
}

static void
addr_msg(struct nl_msg *m, uint16_t type, uint16_t flags, const struct addr *a)
{
	struct ifaddrmsg h = { .ifa_family = (uint8_t)a->ip.family,
		               .ifa_prefixlen = (uint8_t)a->prefix,
		               .ifa_index = a->index };
	const struct addr_ip *peer = a->peer.family != 0 ? &a->peer : &a->ip;
	size_t len = addr_len(a->ip.family);

	nl_msg_init(m, type, flags, &h, sizeof(h));
	nl_put(m, IFA_LOCAL, a->ip.b, len);
	nl_put(m, IFA_ADDRESS, peer->b, len);
}

int
addr_add(struct nl_sock *nl, const struct addr *a, struct error *err)
{
	struct nl_msg m;

	addr_msg(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, a);
	if (a->broadcast.family != 0)
		nl_put(&m, IFA_BROADCAST, a->broadcast.b,
		       addr_len(a->broadcast.family));
	if (a->flags & IFA_F_NODAD)
		nl_put_u32(&m, IFA_FLAGS, IFA_F_NODAD);
	return nl_request(nl, &m, NULL, err);
}

static const struct addr *
find(const struct addr *v, size_t n, const struct addr_ip *ip)
{
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&v[i].ip, ip))
			return &v[i];
	return NULL;
}

/* Give back what went with the address that was primary in its network. */
static int
restore_secondaries(struct nl_sock *nl, const struct addr *was, size_t n,
                    const struct addr *gone, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (&was[i] != gone && (was[i].flags & IFA_F_SECONDARY) &&
		    addr_add(nl, &was[i], err) < 0)
			return err->code;
	return 0;
}

int
addr_del(struct nl_sock *nl, unsigned index, const struct addr_ip *ip,
         struct error *err)
{
	cleanup_free struct addr *v = NULL;
	const struct addr *gone;
	struct nl_msg m;
	size_t n;

	if (addr_list(nl, ip->family, index, &v, &n, err) < 0)
		return err->code;
	gone = find(v, n, ip);
	if (gone == NULL)
		return error_set(err, -EADDRNOTAVAIL, "%s",
		                 strerror(EADDRNOTAVAIL));
	addr_msg(&m, RTM_DELADDR, 0, gone);
	if (nl_request(nl, &m, NULL, err) < 0)
		return err->code;
	if (ip->family != AF_INET || (gone->flags & IFA_F_SECONDARY))
		return 0;
	return restore_secondaries(nl, v, n, gone, err);
}
