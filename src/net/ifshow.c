/* SPDX-License-Identifier: BSD-2-Clause */
/* ifshow.c - interfaces as ifconfig(8) lists them. */
#include "net/ifshow.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "base/base.h"

struct bit {
	unsigned bit;
	const char *name;
};

/* FreeBSD's interface flags (net/if.h). */
enum {
	F_UP = 0x1,
	F_BROADCAST = 0x2,
	F_DEBUG = 0x4,
	F_LOOPBACK = 0x8,
	F_POINTOPOINT = 0x10,
	F_RUNNING = 0x40,
	F_NOARP = 0x80,
	F_PROMISC = 0x100,
	F_ALLMULTI = 0x200,
	F_SIMPLEX = 0x800,
	F_MULTICAST = 0x8000,
	F_LOWER_UP = 0x1000000,
};

static const struct bit flag_bits[] = {
	{ F_UP, "UP" },
	{ F_BROADCAST, "BROADCAST" },
	{ F_DEBUG, "DEBUG" },
	{ F_LOOPBACK, "LOOPBACK" },
	{ F_POINTOPOINT, "POINTOPOINT" },
	{ F_RUNNING, "RUNNING" },
	{ F_NOARP, "NOARP" },
	{ F_PROMISC, "PROMISC" },
	{ F_ALLMULTI, "ALLMULTI" },
	{ F_SIMPLEX, "SIMPLEX" },
	{ F_MULTICAST, "MULTICAST" },
	{ F_LOWER_UP, "LOWER_UP" },
};

/* FreeBSD's flags of a bridge's member (net/if_bridgevar.h). */
static const struct bit member_bits[] = {
	{ 0x1, "LEARNING" },
	{ 0x2, "DISCOVER" },
	{ 0x4, "STP" },
	{ 0x400, "PRIVATE" },
};

/* FreeBSD's IPv6 switches of an interface (netinet6/nd6.h). */
static const struct bit nd6_bits[] = {
	{ 0x1, "PERFORMNUD" },
	{ 0x2, "ACCEPT_RTADV" },
	{ 0x8, "IFDISABLED" },
	{ 0x20, "AUTO_LINKLOCAL" },
};

static void
put_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		bool control = (unsigned char)*s < 0x20 || *s == 0x7f;

		buf_putc(out, control ? '?' : *s);
	}
}

void
ifshow_name(const struct link *l, struct buf *out)
{
	put_text(out, link_name_freebsd(l->name));
}

/* name=HEX<A,B> */
static void
put_bits(struct buf *out, const char *name, unsigned v, const struct bit *bits,
         size_t n)
{
	char between = '<';

	buf_printf(out, "%s=%x", name, v);
	for (size_t i = 0; i < n; i++)
		if (v & bits[i].bit) {
			buf_putc(out, between);
			buf_puts(out, bits[i].name);
			between = ',';
		}
	if (between == ',')
		buf_putc(out, '>');
}

/* A cloned lo is Linux's dummy, an Ethernet in name only. */
static bool
is_loop(const struct link *l)
{
	return strcmp(link_family(l), "lo") == 0;
}

static unsigned
freebsd_flags(const struct link *l)
{
	static const struct {
		unsigned linux_bit, bit;
	} same[] = {
		{ IFF_UP, F_UP },
		{ IFF_UP, F_RUNNING },
		{ IFF_BROADCAST, F_BROADCAST },
		{ IFF_BROADCAST, F_SIMPLEX },
		{ IFF_DEBUG, F_DEBUG },
		{ IFF_LOOPBACK, F_LOOPBACK },
		{ IFF_POINTOPOINT, F_POINTOPOINT },
		{ IFF_NOARP, F_NOARP },
		{ IFF_PROMISC, F_PROMISC },
		{ IFF_ALLMULTI, F_ALLMULTI },
		{ IFF_MULTICAST, F_MULTICAST },
		{ IFF_LOWER_UP, F_LOWER_UP },
	};
	unsigned v = 0;

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (l->flags & same[i].linux_bit)
			v |= same[i].bit;
	if (is_loop(l)) {
		v &= ~(unsigned)(F_BROADCAST | F_SIMPLEX | F_NOARP);
		v |= F_LOOPBACK | F_MULTICAST;
	}
	return v;
}

static void
put_mac(const struct link *l, const struct ifshow_format *f, struct buf *out)
{
	if (!l->has_mac || is_loop(l) || l->type != ARPHRD_ETHER)
		return;
	buf_puts(out, "\tether ");
	for (int i = 0; i < 6; i++) {
		if (i > 0)
			buf_putc(out, f->ether);
		buf_printf(out, "%02x", l->mac[i]);
	}
	buf_putc(out, '\n');
}

static void
put_inet(const struct link *l, const struct addr *a,
         const struct ifshow_format *f, struct buf *out)
{
	uint32_t mask = a->prefix == 0 ? 0 : ~(uint32_t)0 << (32 - a->prefix);
	const struct addr_ip all_ones = { AF_INET, { 255, 255, 255, 255 } };
	struct addr_ip other;
	char text[ADDR_TEXT_MAX];

	buf_printf(out, "\tinet %s", addr_format(&a->ip, text));
	if (a->peer.family != 0)
		buf_printf(out, " --> %s", addr_format(&a->peer, text));
	if (f->inet == IFSHOW_CIDR) {
		buf_printf(out, "/%u", a->prefix);
	} else if (f->inet == IFSHOW_DOTTED) {
		other = addr_network(&all_ones, a->prefix);
		buf_printf(out, " netmask %s", addr_format(&other, text));
	} else {
		buf_printf(out, " netmask 0x%x", mask);
	}
	if ((freebsd_flags(l) & F_BROADCAST) && a->prefix != 0) {
		other = a->broadcast.family != 0
		            ? a->broadcast
		            : addr_broadcast(&a->ip, a->prefix);
		buf_printf(out, " broadcast %s", addr_format(&other, text));
	}
	buf_putc(out, '\n');
}

static void
put_inet6(const struct link *l, const struct addr *a,
          const struct ifshow_format *f, struct buf *out)
{
	static const struct bit bits[] = {
		{ IFA_F_TENTATIVE, "tentative" },
		{ IFA_F_DADFAILED, "duplicated" },
		{ IFA_F_DEPRECATED, "deprecated" },
		{ IFA_F_TEMPORARY, "temporary" },
	};
	bool is_local = a->ip.b[0] == 0xfe && (a->ip.b[1] & 0xc0) == 0x80;
	char text[ADDR_TEXT_MAX];

	buf_printf(out, "\tinet6 %s", addr_format(&a->ip, text));
	if (is_local) {
		buf_putc(out, '%');
		ifshow_name(l, out);
	}
	buf_printf(out, f->inet6_cidr ? "/%u" : " prefixlen %u", a->prefix);
	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		if (a->flags & bits[i].bit)
			buf_printf(out, " %s", bits[i].name);
	if (!(a->flags & IFA_F_PERMANENT))
		buf_puts(out, " autoconf");
	if (is_local)
		buf_printf(out, " scopeid 0x%x", l->index);
	buf_putc(out, '\n');
}

static void
put_addrs(const struct ifshow_all *all, const struct link *l, int family,
          const struct ifshow_format *f, struct buf *out)
{
	for (size_t i = 0; i < all->n_addr; i++) {
		const struct addr *a = &all->addr[i];

		if (a->index != l->index || a->ip.family != family)
			continue;
		if (family == AF_INET)
			put_inet(l, a, f, out);
		else
			put_inet6(l, a, f, out);
	}
}

static void
put_bridge_id(struct buf *out, const uint8_t id[8])
{
	for (int i = 2; i < 8; i++)
		buf_printf(out, "%s%02x", i > 2 ? ":" : "", id[i]);
	buf_printf(out, " priority %u", (unsigned)id[0] << 8 | id[1]);
}

static unsigned
member_flags(const struct link_port *p, bool stp)
{
	return (p->learning ? 0x1u : 0) | (p->flooding ? 0x2u : 0) |
	       (stp ? 0x4u : 0) | (p->isolated ? 0x400u : 0);
}

static void
put_bridge(const struct ifshow_all *all, const struct link *l, struct buf *out)
{
	const struct link_bridge *b = &l->bridge;

	buf_puts(out, "\tid ");
	put_bridge_id(out, b->id);
	buf_printf(out, " hellotime %u fwddelay %u\n", b->hello,
	           b->forward_delay);
	buf_printf(out,
	           "\tmaxage %u holdcnt 6 proto stp maxaddr 0 timeout %u\n",
	           b->max_age, b->ageing);
	buf_puts(out, "\troot id ");
	put_bridge_id(out, b->root_id);
	buf_printf(out, " ifcost %u port %u\n", b->root_cost, b->root_port);
	if (b->vlan_filtering)
		buf_puts(out, "\tbridge flags=1<VLANFILTER>\n");
	for (size_t i = 0; i < all->n_link; i++) {
		const struct link *m = &all->link[i];

		if (m->master != l->index || !m->is_port)
			continue;
		buf_puts(out, "\tmember: ");
		ifshow_name(m, out);
		buf_putc(out, ' ');
		put_bits(out, "flags", member_flags(&m->port, b->stp),
		         member_bits, ARRAY_LEN(member_bits));
		buf_printf(out,
		           "\n\t        port %u priority %u path cost %u\n",
		           m->port.number, m->port.priority << 2, m->port.cost);
	}
}

static void
put_vlan(const struct ifshow_all *all, const struct link *l, struct buf *out)
{
	const struct link *parent = NULL;

	for (size_t i = 0; i < all->n_link; i++)
		if (all->link[i].index == l->lower)
			parent = &all->link[i];
	buf_printf(out,
	           "\tvlan: %u vlanproto: %s vlanpcp: 0 parent interface: ",
	           l->vlan_id, l->vlan_proto == 0x88a8 ? "802.1ad" : "802.1q");
	if (parent != NULL)
		ifshow_name(parent, out);
	else
		buf_puts(out, "<none>");
	buf_putc(out, '\n');
}

static void
put_groups(const struct link *l, struct buf *out)
{
	const char *family = link_family(l);

	if (*family == '\0' && l->n_group == 0)
		return;
	buf_puts(out, "\tgroups:");
	if (*family != '\0')
		buf_printf(out, " %s", family);
	for (unsigned i = 0; i < l->n_group; i++) {
		buf_putc(out, ' ');
		put_text(out, l->group[i].name);
	}
	buf_putc(out, '\n');
}

static void
put_status(const struct link *l, struct buf *out)
{
	bool active = (l->flags & IFF_UP) && l->carrier;

	if (strcmp(l->kind, "veth") == 0)
		buf_puts(out, "\tmedia: Ethernet 10Gbase-T "
		              "(10Gbase-T <full-duplex>)\n");
	else if (strcmp(l->kind, "bridge") != 0)
		buf_puts(out, "\tmedia: Ethernet autoselect\n");
	if (strcmp(l->kind, "bridge") != 0)
		buf_printf(out, "\tstatus: %s\n",
		           active ? "active" : "no carrier");
}

static void
put_nd6(const struct link *l, struct buf *out)
{
	unsigned v = 0x1;

	v |= l->in6_accept_ra ? 0x2u : 0;
	v |= l->in6_disabled ? 0x8u : 0;
	v |= l->in6_no_linklocal ? 0 : 0x20u;
	put_bits(out, "\tnd6 options", v, nd6_bits, ARRAY_LEN(nd6_bits));
	buf_putc(out, '\n');
}

void
ifshow_link(const struct ifshow_all *all, const struct link *l, int family,
            const struct ifshow_format *f, struct buf *out)
{
	ifshow_name(l, out);
	buf_puts(out, ": ");
	put_bits(out, "flags", freebsd_flags(l), flag_bits,
	         ARRAY_LEN(flag_bits));
	buf_printf(out, " metric 0 mtu %u\n", l->mtu);
	if (l->descr[0] != '\0') {
		buf_puts(out, "\tdescription: ");
		put_text(out, l->descr);
		buf_putc(out, '\n');
	}
	if (family == 0 || family == AF_PACKET)
		put_mac(l, f, out);
	if (family == 0 || family == AF_INET)
		put_addrs(all, l, AF_INET, f, out);
	if (family == 0 || family == AF_INET6)
		put_addrs(all, l, AF_INET6, f, out);
	if (family != 0)
		return;
	if (strcmp(l->kind, "bridge") == 0)
		put_bridge(all, l, out);
	if (strcmp(l->kind, "vlan") == 0)
		put_vlan(all, l, out);
	put_groups(l, out);
	if (l->type == ARPHRD_ETHER && !is_loop(l))
		put_status(l, out);
	put_nd6(l, out);
}

bool
ifshow_has_family(const struct ifshow_all *all, const struct link *l,
                  int family)
{
	if (family == 0)
		return true;
	if (family == AF_PACKET)
		return l->has_mac && l->type == ARPHRD_ETHER && !is_loop(l);
	for (size_t i = 0; i < all->n_addr; i++)
		if (all->addr[i].index == l->index &&
		    all->addr[i].ip.family == family)
			return true;
	return false;
}

/* One "category:modifier". */
static int
format_one(const char *s, size_t len, struct ifshow_format *f)
{
	static const struct {
		const char *text;
		int field, value;
	} rows[] = {
		{ "inet:hex", 0, IFSHOW_HEX },
		{ "inet:dotted", 0, IFSHOW_DOTTED },
		{ "inet:cidr", 0, IFSHOW_CIDR },
		{ "inet:default", 0, IFSHOW_HEX },
		{ "inet6:cidr", 1, true },
		{ "inet6:default", 1, false },
		{ "ether:colon", 2, ':' },
		{ "ether:dash", 2, '-' },
		{ "ether:default", 2, ':' },
		{ "addr:numeric", 3, 0 },
		{ "addr:default", 3, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].text) != len ||
		    strncmp(rows[i].text, s, len) != 0)
			continue;
		if (rows[i].field == 0)
			f->inet = (unsigned)rows[i].value;
		else if (rows[i].field == 1)
			f->inet6_cidr = rows[i].value != 0;
		else if (rows[i].field == 2)
			f->ether = (char)rows[i].value;
		return 0;
	}
	return -EINVAL;
}

int
ifshow_format_parse(const char *text, struct ifshow_format *out,
                    struct error *err)
{
	struct ifshow_format f = { .ether = ':' };

	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, ",");

		if (format_one(text, len, &f) < 0)
			return error_set(err, -EINVAL,
			                 "Skipping invalid format "
			                 "specification: %.*s",
			                 (int)len, text);
		text += len + (text[len] == ',');
	}
	*out = f;
	return 0;
}
