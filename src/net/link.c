/* SPDX-License-Identifier: BSD-2-Clause */
/* link.c - the network interfaces of one namespace: reading and changing them.
 */
#include "net/link.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/vec.h"
#include "linux/file.h"

_Static_assert(LINK_NAME_MAX == IFNAMSIZ, "interface names");
_Static_assert(LINK_DESCR_MAX == IFALIASZ, "descriptions");

static const char group_prefix[] = "group:", born_prefix[] = "born:";

/* A run of attributes: the payload of a nested one, or of a message. */
struct span {
	const unsigned char *p;
	size_t len;
};

static struct span
span_of(const struct nl_attr *a)
{
	return (struct span){ a->data, a->len };
}

/* Split "PREFIX:NAME" or "PREFIX:NAME:TAG" into name and tag. */
static bool
split_name(const char *text, const char *prefix, char name[LINK_NAME_MAX],
           uint32_t *out_tag)
{
	const char *at = text + strlen(prefix);
	size_t len;

	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return false;
	len = strcspn(at, ":");
	if (len >= LINK_NAME_MAX)
		return false;
	memcpy(name, at, len);
	name[len] = '\0';
	*out_tag =
	    at[len] == ':' ? (uint32_t)strtoul(at + len + 1, NULL, 16) : 0;
	return true;
}

static void
read_name(struct link *l, const struct nl_attr *a)
{
	struct link_group *g = &l->group[l->n_group];
	char text[64];
	uint32_t tag;

	if (!nl_attr_str(a, text, sizeof(text)) ||
	    split_name(text, born_prefix, l->born, &tag))
		return;
	if (l->n_group < LINK_MAX_GROUPS &&
	    split_name(text, group_prefix, g->name, &g->tag))
		l->n_group++;
}

static void
read_names(struct link *l, struct span s)
{
	struct nl_attr a;

	for (size_t off = 0; nl_attr_next(s.p, s.len, &off, &a);)
		if (a.type == IFLA_ALT_IFNAME)
			read_name(l, &a);
}

static void
read_bridge(struct link_bridge *b, struct span s)
{
	const unsigned hz = 100; /* these times come in 1/100 s */
	struct nl_attr a;

	for (size_t off = 0; nl_attr_next(s.p, s.len, &off, &a);) {
		uint32_t v = nl_attr_u32(&a);

		if (a.type == IFLA_BR_FORWARD_DELAY)
			b->forward_delay = v / hz;
		else if (a.type == IFLA_BR_HELLO_TIME)
			b->hello = v / hz;
		else if (a.type == IFLA_BR_MAX_AGE)
			b->max_age = v / hz;
		else if (a.type == IFLA_BR_AGEING_TIME)
			b->ageing = v / hz;
		else if (a.type == IFLA_BR_ROOT_PATH_COST)
			b->root_cost = v;
		else if (a.type == IFLA_BR_STP_STATE)
			b->stp = v != 0;
		else if (a.type == IFLA_BR_PRIORITY)
			b->priority = nl_attr_u16(&a);
		else if (a.type == IFLA_BR_ROOT_PORT)
			b->root_port = nl_attr_u16(&a);
		else if (a.type == IFLA_BR_VLAN_FILTERING)
			b->vlan_filtering = nl_attr_u8(&a) != 0;
		else if (a.type == IFLA_BR_BRIDGE_ID && a.len == sizeof(b->id))
			memcpy(b->id, a.data, sizeof(b->id));
		else if (a.type == IFLA_BR_ROOT_ID &&
		         a.len == sizeof(b->root_id))
			memcpy(b->root_id, a.data, sizeof(b->root_id));
	}
}

static void
read_port(struct link *l, struct span s)
{
	struct link_port *p = &l->port;
	struct nl_attr a;

	l->is_port = true;
	for (size_t off = 0; nl_attr_next(s.p, s.len, &off, &a);) {
		bool on = nl_attr_u8(&a) != 0;

		if (a.type == IFLA_BRPORT_STATE)
			p->state = nl_attr_u8(&a);
		else if (a.type == IFLA_BRPORT_PRIORITY)
			p->priority = nl_attr_u16(&a);
		else if (a.type == IFLA_BRPORT_COST)
			p->cost = nl_attr_u32(&a);
		else if (a.type == IFLA_BRPORT_NO)
			p->number = nl_attr_u16(&a);
		else if (a.type == IFLA_BRPORT_LEARNING)
			p->learning = on;
		else if (a.type == IFLA_BRPORT_UNICAST_FLOOD)
			p->flooding = on;
		else if (a.type == IFLA_BRPORT_ISOLATED)
			p->isolated = on;
		else if (a.type == IFLA_BRPORT_LOCKED)
			p->locked = on;
	}
}

static void
read_vlan(struct link *l, struct span s)
{
	struct nl_attr a;

	for (size_t off = 0; nl_attr_next(s.p, s.len, &off, &a);)
		if (a.type == IFLA_VLAN_ID)
			l->vlan_id = nl_attr_u16(&a);
		else if (a.type == IFLA_VLAN_PROTOCOL) /* big-endian */
			l->vlan_proto = __builtin_bswap16(nl_attr_u16(&a));
}

static void
read_tun(struct link *l, struct span s)
{
	struct nl_attr a;

	for (size_t off = 0; nl_attr_next(s.p, s.len, &off, &a);)
		if (a.type == IFLA_TUN_TYPE)
			l->is_tun = nl_attr_u8(&a) == 1; /* IFF_TUN */
}

/* IFLA_LINKINFO: the kinds before their data, as the kernel sends them. */
static void
read_info(struct link *l, struct span s)
{
	char port_kind[LINK_NAME_MAX] = "";
	struct nl_attr a;

	for (size_t off = 0; nl_attr_next(s.p, s.len, &off, &a);)
		if (a.type == IFLA_INFO_KIND)
			nl_attr_str(&a, l->kind, sizeof(l->kind));
		else if (a.type == IFLA_INFO_SLAVE_KIND)
			nl_attr_str(&a, port_kind, sizeof(port_kind));
		else if (a.type == IFLA_INFO_SLAVE_DATA &&
		         strcmp(port_kind, "bridge") == 0)
			read_port(l, span_of(&a));
		else if (a.type != IFLA_INFO_DATA)
			continue;
		else if (strcmp(l->kind, "bridge") == 0)
			read_bridge(&l->bridge, span_of(&a));
		else if (strcmp(l->kind, "vlan") == 0)
			read_vlan(l, span_of(&a));
		else if (strcmp(l->kind, "tun") == 0)
			read_tun(l, span_of(&a));
}

/* Element i of an array of 32-bit switches. */
static bool
devconf(const struct nl_attr *a, size_t i)
{
	int32_t v = 0;

	if (a->len >= (i + 1) * sizeof(v))
		memcpy(&v, a->data + i * sizeof(v), sizeof(v));
	return v > 0;
}

static void
read_inet6(struct link *l, struct span s)
{
	struct nl_attr a;

	for (size_t off = 0; nl_attr_next(s.p, s.len, &off, &a);)
		if (a.type == IFLA_INET6_CONF) {
			l->in6_disabled = devconf(&a, DEVCONF_DISABLE_IPV6);
			l->in6_accept_ra = devconf(&a, DEVCONF_ACCEPT_RA);
		} else if (a.type == IFLA_INET6_ADDR_GEN_MODE) {
			l->in6_no_linklocal =
			    nl_attr_u8(&a) == IN6_ADDR_GEN_MODE_NONE;
		}
}

static void
read_families(struct link *l, struct span s)
{
	struct nl_attr a;

	for (size_t off = 0; nl_attr_next(s.p, s.len, &off, &a);)
		if (a.type == AF_INET6)
			read_inet6(l, span_of(&a));
}

static void
read_attr(struct link *l, const struct nl_attr *a)
{
	switch (a->type) {
	case IFLA_IFNAME:
		nl_attr_str(a, l->name, sizeof(l->name));
		break;
	case IFLA_IFALIAS:
		nl_attr_str(a, l->descr, sizeof(l->descr));
		break;
	case IFLA_MTU:
		l->mtu = nl_attr_u32(a);
		break;
	case IFLA_MASTER:
		l->master = nl_attr_u32(a);
		break;
	case IFLA_LINK:
		l->lower = nl_attr_u32(a);
		break;
	case IFLA_CARRIER:
		l->carrier = nl_attr_u8(a) != 0;
		break;
	case IFLA_ADDRESS:
		l->has_mac = a->len == sizeof(l->mac);
		if (l->has_mac)
			memcpy(l->mac, a->data, sizeof(l->mac));
		break;
	case IFLA_LINKINFO:
		read_info(l, span_of(a));
		break;
	case IFLA_PROP_LIST:
		l->has_names = true;
		read_names(l, span_of(a));
		break;
	case IFLA_AF_SPEC:
		read_families(l, span_of(a));
		break;
	default:
		break;
	}
}

int
link_read(const struct nl_reply *r, struct link *out, struct error *err)
{
	struct ifinfomsg h;
	struct nl_attr a;
	struct link l;

	if (r->type != RTM_NEWLINK || r->len < sizeof(h))
		return error_set(err, -EPROTO, "netlink: not a link");
	memset(&l, 0, sizeof(l));
	memcpy(&h, r->data, sizeof(h));
	l.index = (unsigned)h.ifi_index;
	l.type = h.ifi_type;
	l.flags = h.ifi_flags;
	for (size_t off = sizeof(h); nl_attr_next(r->data, r->len, &off, &a);)
		read_attr(&l, &a);
	*out = l;
	return 0;
}

const char *
link_name_linux(const char *name)
{
	return strcmp(name, "lo0") == 0 ? "lo" : name;
}

const char *
link_name_freebsd(const char *name)
{
	return strcmp(name, "lo") == 0 ? "lo0" : name;
}

const char *
link_family(const struct link *l)
{
	static const struct {
		const char *kind, *family;
	} rows[] = {
		{ "veth", "epair" },   { "bridge", "bridge" },
		{ "vlan", "vlan" },    { "dummy", "lo" },
		{ "ifb", "lo" }, /* clone.c says why */
		{ "bond", "lagg" },    { "vxlan", "vxlan" },
		{ "wireguard", "wg" },
	};

	if (l->type == ARPHRD_LOOPBACK)
		return "lo";
	if (strcmp(l->kind, "tun") == 0)
		return l->is_tun ? "tun" : "tap";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].kind, l->kind) == 0)
			return rows[i].family;
	return "";
}

bool
link_in_group(const struct link *l, const char *group)
{
	if (strcmp(group, "all") == 0 || strcmp(group, link_family(l)) == 0)
		return *group != '\0';
	for (unsigned i = 0; i < l->n_group; i++)
		if (strcmp(l->group[i].name, group) == 0)
			return true;
	return false;
}

/* A request about one interface; more attributes may follow. */
static void
link_msg(struct nl_msg *m, uint16_t type, unsigned index)
{
	struct ifinfomsg h = { .ifi_index = (int)index };

	nl_msg_init(m, type, 0, &h, sizeof(h));
}

static int
sink_one(const struct nl_reply *r, void *arg, struct error *err)
{
	return r->type == RTM_NEWLINK ? link_read(r, arg, err) : 0;
}

/* Statistics are most of an answer's bytes and no use here. */
static void
ask_little(struct nl_msg *m)
{
	nl_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

int
link_get(struct nl_sock *nl, const char *name, struct link *out,
         struct error *err)
{
	const struct nl_sink sink = { sink_one, out };
	struct nl_msg m;
	int rc;

	link_msg(&m, RTM_GETLINK, 0);
	if (strlen(name) >= LINK_NAME_MAX || *name == '\0')
		goto absent;
	nl_put_str(&m, IFLA_IFNAME, link_name_linux(name));
	ask_little(&m);
	rc = nl_request(nl, &m, &sink, err);
	if (rc != -ENODEV)
		return rc;
absent:
	return error_set(err, -ENODEV, "interface %s does not exist", name);
}

int
link_get_index(struct nl_sock *nl, unsigned index, struct link *out,
               struct error *err)
{
	const struct nl_sink sink = { sink_one, out };
	struct nl_msg m;

	link_msg(&m, RTM_GETLINK, index);
	ask_little(&m);
	return nl_request(nl, &m, &sink, err);
}

struct link_vec {
	struct link *v;
	size_t n, cap;
};

static int
sink_all(const struct nl_reply *r, void *arg, struct error *err)
{
	struct link *v;
	struct link_vec *all = arg;

	if (r->type != RTM_NEWLINK)
		return 0;
	if (all->n == LINK_MAX_LINKS)
		return error_set(err, -E2BIG, "over %d interfaces",
		                 LINK_MAX_LINKS);
	v = vec_room(all->v, all->n, &all->cap, sizeof(*v));
	if (v == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	all->v = v;
	if (link_read(r, &all->v[all->n], err) < 0)
		return err->code;
	all->n++;
	return 0;
}

int
link_list(struct nl_sock *nl, struct link **out_links, size_t *out_n,
          struct error *err)
{
	struct ifinfomsg h = { 0 };
	struct link_vec all = { NULL, 0, 0 };
	const struct nl_sink sink = { sink_all, &all };
	struct nl_msg m;
	int rc;

	nl_msg_init(&m, RTM_GETLINK, NLM_F_DUMP, &h, sizeof(h));
	ask_little(&m);
	rc = nl_dump(nl, &m, &sink, &all.n, err);
	if (rc < 0) {
		free(all.v);
		return rc;
	}
	*out_links = all.v;
	*out_n = all.n;
	return 0;
}

int
link_set_flags(struct nl_sock *nl, unsigned index, unsigned flags,
               unsigned change, struct error *err)
{
	struct ifinfomsg h = { .ifi_index = (int)index,
		               .ifi_flags = flags,
		               .ifi_change = change };
	struct nl_msg m;

	nl_msg_init(&m, RTM_NEWLINK, 0, &h, sizeof(h));
	return nl_request(nl, &m, NULL, err);
}

int
link_set_up(struct nl_sock *nl, unsigned index, bool up, struct error *err)
{
	return link_set_flags(nl, index, up ? IFF_UP : 0, IFF_UP, err);
}

int
link_set_mtu(struct nl_sock *nl, unsigned index, unsigned mtu,
             struct error *err)
{
	struct nl_msg m;

	link_msg(&m, RTM_NEWLINK, index);
	nl_put_u32(&m, IFLA_MTU, mtu);
	return nl_request(nl, &m, NULL, err);
}

int
link_set_mac(struct nl_sock *nl, unsigned index, const uint8_t mac[6],
             struct error *err)
{
	struct nl_msg m;

	link_msg(&m, RTM_NEWLINK, index);
	nl_put(&m, IFLA_ADDRESS, mac, 6);
	return nl_request(nl, &m, NULL, err);
}

/* Add or remove the alternative name "PREFIX:NAME:TAG"; no tag when it is 0. */
static int
change_name(struct nl_sock *nl, uint16_t type, unsigned index,
            const char *prefix, const char *name, uint32_t tag,
            struct error *err)
{
	char text[64];
	struct nl_msg m;
	size_t list;

	snprintf(text, sizeof(text), tag != 0 ? "%s%s:%08x" : "%s%s", prefix,
	         name, tag);
	link_msg(&m, type, index);
	list = nl_nest(&m, IFLA_PROP_LIST | NLA_F_NESTED, NULL, 0);
	nl_put_str(&m, IFLA_ALT_IFNAME, text);
	nl_nest_end(&m, list);
	return nl_request(nl, &m, NULL, err);
}

static int
add_tagged_name(struct nl_sock *nl, unsigned index, const char *prefix,
                const char *name, struct error *err)
{
	uint32_t tag;

	if (getrandom(&tag, sizeof(tag), 0) != sizeof(tag))
		return error_sys(err, "random number");
	return change_name(nl, RTM_NEWLINKPROP, index, prefix, name, tag | 1,
	                   err);
}

static int
remember_born(struct nl_sock *nl, const struct link *l, struct error *err)
{
	int rc = change_name(nl, RTM_NEWLINKPROP, l->index, born_prefix,
	                     l->name, 0, err);

	if (rc == -EEXIST)
		rc = add_tagged_name(nl, l->index, born_prefix, l->name, err);
	return rc;
}

bool
link_is_born(struct nl_sock *nl, const char *name)
{
	struct error ignored;
	char text[64];
	struct nl_msg m;

	snprintf(text, sizeof(text), "%s%s", born_prefix, name);
	link_msg(&m, RTM_GETLINK, 0);
	nl_put_str(&m, IFLA_ALT_IFNAME, text);
	ask_little(&m);
	return nl_request(nl, &m, NULL, &ignored) == 0;
}

void
link_hide_born(struct nl_sock *nl, const struct link *l)
{
	struct error ignored;

	if (l->born[0] != '\0' &&
	    change_name(nl, RTM_DELLINKPROP, l->index, born_prefix, l->born, 0,
	                &ignored) == 0)
		(void)add_tagged_name(nl, l->index, born_prefix, l->born,
		                      &ignored);
}

int
link_set_born(struct nl_sock *nl, unsigned index, const char *born,
              struct error *err)
{
	return add_tagged_name(nl, index, born_prefix, born, err);
}

/* Copy alternative names into the request that will take them away, as many as
 * fit; it began with an empty list. */
static int
sink_names(const struct nl_reply *r, void *arg, struct error *err)
{
	struct nl_msg *m = arg;
	size_t off = sizeof(struct ifinfomsg), in = 0;
	struct nl_attr list, name;

	(void)err;
	if (r->type != RTM_NEWLINK || r->len < off)
		return 0;
	while (nl_attr_next(r->data, r->len, &off, &list)) {
		if (list.type != IFLA_PROP_LIST)
			continue;
		while (nl_attr_next(list.data, list.len, &in, &name)) {
			if (m->len + name.len + 8 > sizeof(m->data))
				return 0;
			nl_put(m, name.type, name.data, name.len);
		}
	}
	return 0;
}

int
link_strip_names(struct nl_sock *nl, const struct link *l, struct error *err)
{
	struct nl_msg ask, strip;
	const struct nl_sink sink = { sink_names, &strip };
	size_t list, empty;

	/* Each round takes a kilobyte; the bound is for a jail that gives it
	 * new names meanwhile. */
	for (int rounds = 0; l->has_names && rounds < 64; rounds++) {
		link_msg(&strip, RTM_DELLINKPROP, l->index);
		list = nl_nest(&strip, IFLA_PROP_LIST | NLA_F_NESTED, NULL, 0);
		empty = strip.len;
		link_msg(&ask, RTM_GETLINK, l->index);
		ask_little(&ask);
		if (nl_request(nl, &ask, &sink, err) < 0)
			return err->code;
		if (strip.len == empty)
			return 0;
		nl_nest_end(&strip, list);
		if (nl_request(nl, &strip, NULL, err) < 0)
			return err->code;
	}
	return 0;
}

int
link_set_name(struct nl_sock *nl, const struct link *l, const char *name,
              struct error *err)
{
	struct nl_msg m;

	if (strlen(name) >= LINK_NAME_MAX)
		return error_set(err, -ENAMETOOLONG, "%s",
		                 strerror(ENAMETOOLONG));
	if (*name == '\0' || strchr(name, '%') != NULL)
		return error_set(err, -EINVAL, "%s", strerror(EINVAL));
	if (l->born[0] == '\0' && *link_family(l) != '\0' &&
	    remember_born(nl, l, err) < 0)
		return err->code;
	link_msg(&m, RTM_NEWLINK, l->index);
	nl_put_str(&m, IFLA_IFNAME, name);
	return nl_request(nl, &m, NULL, err);
}

int
link_set_descr(struct nl_sock *nl, unsigned index, const char *descr,
               struct error *err)
{
	struct nl_msg m;

	if (strlen(descr) >= LINK_DESCR_MAX)
		return error_set(err, -ENAMETOOLONG, "over %d bytes",
		                 LINK_DESCR_MAX - 1);
	link_msg(&m, RTM_NEWLINK, index);
	nl_put(&m, IFLA_IFALIAS, descr, strlen(descr));
	return nl_request(nl, &m, NULL, err);
}

int
link_set_linklocal(struct nl_sock *nl, unsigned index, bool automatic,
                   struct error *err)
{
	size_t spec, inet6;
	struct nl_msg m;

	link_msg(&m, RTM_NEWLINK, index);
	spec = nl_nest(&m, IFLA_AF_SPEC, NULL, 0);
	inet6 = nl_nest(&m, AF_INET6, NULL, 0);
	nl_put_u8(&m, IFLA_INET6_ADDR_GEN_MODE,
	          automatic ? IN6_ADDR_GEN_MODE_EUI64 : IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(&m, inet6);
	nl_nest_end(&m, spec);
	return nl_request(nl, &m, NULL, err);
}

int
link_in6_switch(const struct link *l, const char *name, bool on,
                struct error *err)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", l->name,
	         name);
	return file_put(AT_FDCWD, path, on ? "1" : "0", err);
}

int
link_set_master(struct nl_sock *nl, unsigned index, unsigned master,
                struct error *err)
{
	struct nl_msg m;

	link_msg(&m, RTM_NEWLINK, index);
	nl_put_u32(&m, IFLA_MASTER, master);
	return nl_request(nl, &m, NULL, err);
}

/* FreeBSD's rule: not empty, fits, no digit at the end; and ours: no colon. */
static int
check_group(const char *group, struct error *err)
{
	size_t len = strlen(group);

	if (len >= LINK_NAME_MAX)
		return error_set(err, -EINVAL, "group name too long");
	if (len > 0 && isdigit((unsigned char)group[len - 1]))
		return error_set(err, -EINVAL,
		                 "group names may not end in a digit");
	if (len == 0 || strpbrk(group, ":/ \t\n") != NULL)
		return error_set(err, -EINVAL, "%s", strerror(EINVAL));
	return 0;
}

int
link_group_add(struct nl_sock *nl, const struct link *l, const char *group,
               struct error *err)
{
	if (check_group(group, err) < 0)
		return err->code;
	if (link_in_group(l, group))
		return error_set(err, -EEXIST, "%s", strerror(EEXIST));
	if (l->n_group == LINK_MAX_GROUPS)
		return error_set(err, -ENOSPC, "over %d groups",
		                 LINK_MAX_GROUPS);
	return add_tagged_name(nl, l->index, group_prefix, group, err);
}

int
link_group_del(struct nl_sock *nl, const struct link *l, const char *group,
               struct error *err)
{
	if (check_group(group, err) < 0)
		return err->code;
	for (unsigned i = 0; i < l->n_group; i++)
		if (strcmp(l->group[i].name, group) == 0)
			return change_name(nl, RTM_DELLINKPROP, l->index,
			                   group_prefix, group, l->group[i].tag,
			                   err);
	return error_set(err, -ENOENT, "%s", strerror(ENOENT));
}

int
link_destroy(struct nl_sock *nl, unsigned index, struct error *err)
{
	struct nl_msg m;

	link_msg(&m, RTM_DELLINK, index);
	return nl_request(nl, &m, NULL, err);
}

int
link_move(struct nl_sock *nl, unsigned index, int netns_fd, const char *name,
          struct error *err)
{
	struct nl_msg m;

	link_msg(&m, RTM_NEWLINK, index);
	nl_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	if (name != NULL)
		nl_put_str(&m, IFLA_IFNAME, name);
	return nl_request(nl, &m, NULL, err);
}
