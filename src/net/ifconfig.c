/* SPDX-License-Identifier: BSD-2-Clause */
/* ifconfig.c - ifconfig(8) as a call.
 *
 * The line is parsed whole (ifwords.h), then its steps are done left to right
 * and the address last, as on FreeBSD. A step that fails ends the line; what
 * was done before it stays, as there.
 */
#include "net/ifconfig.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "linux/offload.h"
#include "net/bridge.h"
#include "net/destroy.h"
#include "net/ifshow.h"
#include "net/ifwords.h"
#include "net/lend.h"
#include "net/rename.h"

/* One run. */
struct run {
	const struct ifwords *w;
	struct nl_sock nl;
	struct link l;   /* the interface being worked on */
	bool print_name; /* at the end: it is not what the user wrote */
	bool is_gone;    /* destroyed or moved away */
	unsigned n_done; /* steps that were done before it was looked up */
	unsigned member; /* the last one named: what "untagged" is about */
	struct buf *out, *errs;
};

static void
warn(struct run *r, const char *text)
{
	buf_printf(r->errs, "ifconfig: %s\n", text);
}

/* Several of FreeBSD's calls say no more than the errno's text. */
static int
fail(struct error *err, int code, const char *what, const char *object)
{
	return error_set(err, -code, "%s%s%s: %s", what,
	                 object != NULL ? " " : "",
	                 object != NULL ? object : "", strerror(code));
}

/* FreeBSD's two ways to name what a flag could not be set for. */
static int
fail_flag(struct error *err, const char *word)
{
	if (err->code == -EPERM)
		return error_set(err, -EPERM, "%s: permission denied", word);
	return error_wrap(err, "%s", word);
}

/* --- steps ------------------------------------------------------------- */

static int
do_up(struct run *r, const struct ifword_step *s, struct error *err)
{
	bool up = s->word == IFWORD_UP;

	if (link_set_up(&r->nl, r->l.index, up, err) < 0)
		return fail_flag(err, s->name);
	r->l.flags = up ? r->l.flags | IFF_UP : r->l.flags & ~(unsigned)IFF_UP;
	return 0;
}

static int
do_flag(struct run *r, const struct ifword_step *s, struct error *err)
{
	unsigned bit = (unsigned)(s->value < 0 ? -s->value : s->value);

	if (link_set_flags(&r->nl, r->l.index, s->value < 0 ? 0 : bit, bit,
	                   err) < 0)
		return fail_flag(err, s->name);
	return 0;
}

static int
do_descr(struct run *r, const struct ifword_step *s, struct error *err)
{
	const char *text = s->word == IFWORD_DESCR ? s->arg : "";

	if (link_set_descr(&r->nl, r->l.index, text, err) < 0)
		return error_wrap(err, "ioctl SIOCSIFDESCR (set descr)");
	return 0;
}

static int
do_name(struct run *r, const struct ifword_step *s, struct error *err)
{
	const char *name = link_name_linux(s->arg);

	if (rename_link(&r->nl, &r->l, name, err) < 0)
		return error_wrap(err, "ioctl SIOCSIFNAME (set name)");
	if (r->l.born[0] == '\0')
		memcpy(r->l.born, r->l.name, sizeof(r->l.born));
	strcpy(r->l.name, name); /* it fits: the kernel took it */
	r->print_name = true;
	return 0;
}

static int
do_mtu(struct run *r, const struct ifword_step *s, struct error *err)
{
	if (link_set_mtu(&r->nl, r->l.index, (unsigned)s->number, err) < 0)
		return error_wrap(err, "ioctl SIOCSIFMTU (set mtu)");
	return 0;
}

static int
do_group(struct run *r, const struct ifword_step *s, struct error *err)
{
	bool add = s->word == IFWORD_GROUP;
	int rc;

	/* Earlier steps may have changed its groups. */
	if (link_get_index(&r->nl, r->l.index, &r->l, err) < 0)
		return err->code;
	rc = add ? link_group_add(&r->nl, &r->l, s->arg, err)
	         : link_group_del(&r->nl, &r->l, s->arg, err);
	if (rc == -EINVAL)
		return error_wrap(err, add ? "setifgroup" : "unsetifgroup");
	if (rc < 0)
		return error_wrap(err, add ? "SIOCAIFGROUP" : "SIOCDIFGROUP");
	return 0;
}

/* Linux has one routing table for everybody, FreeBSD's fib 0. */
static int
do_fib(struct run *r, const struct ifword_step *s, struct error *err)
{
	(void)r;
	return s->number == 0 ? 0 : fail(err, EINVAL, "SIOCSIFFIB", NULL);
}

static int
do_metric(struct run *r, const struct ifword_step *s, struct error *err)
{
	(void)r;
	if (s->number == 0)
		return 0;
	return fail(err, EOPNOTSUPP, "ioctl SIOCSIFMETRIC (set metric)", NULL);
}

static int
do_vnet(struct run *r, const struct ifword_step *s, struct error *err)
{
	struct net_jail j;
	int rc;

	if (net_jail_find(s->arg, &j, err) < 0)
		return err->code;
	if (s->word == IFWORD_VNET) {
		rc = net_jail_lend(&r->nl, &j, &r->l, err);
		if (rc < 0)
			error_wrap(err, "SIOCSIFVNET");
		else
			r->is_gone = true;
	} else {
		rc = net_jail_return(&j, r->w->name, err);
		if (rc < 0)
			error_wrap(err, "SIOCSIFRVNET(%d, %s)", j.jid,
			           r->w->name);
	}
	net_jail_close(&j);
	return rc;
}

static int
do_destroy(struct run *r, const struct ifword_step *s, struct error *err)
{
	(void)s;
	if (destroy_link(&r->nl, r->l.index, err) < 0)
		return error_wrap(err, "SIOCIFDESTROY");
	r->is_gone = true;
	r->print_name = false;
	return 0;
}

static int
do_member(struct run *r, const struct ifword_step *s, struct error *err)
{
	bool add = s->word == IFWORD_ADDM;
	const char *what = add ? "BRDGADD" : "BRDGDEL";
	struct link m;
	int rc;

	rc = link_get(&r->nl, s->arg, &m, err);
	if (rc == -ENODEV)
		return fail(err, ENOENT, what, s->arg);
	if (rc < 0)
		return rc;
	if (strcmp(r->l.kind, "bridge") != 0 || m.index == r->l.index)
		return fail(err, EINVAL, what, s->arg);
	/* Linux would move it over from another bridge in silence. */
	if (add && m.master != 0)
		return fail(err, m.master == r->l.index ? EEXIST : EBUSY, what,
		            s->arg);
	if (!add && m.master != r->l.index)
		return fail(err, ENOENT, what, s->arg);
	if (link_set_master(&r->nl, m.index, add ? r->l.index : 0, err) < 0)
		return error_wrap(err, "%s %s", what, s->arg);
	r->member = add ? m.index : 0;
	return 0;
}

static int
do_bridge(struct run *r, const struct ifword_step *s, struct error *err)
{
	if (bridge_set(&r->nl, r->l.index, (enum bridge_field)s->value,
	               (unsigned)s->number, err) < 0)
		return error_wrap(err, "%s", s->name);
	return 0;
}

static int
do_vlanfilter(struct run *r, const struct ifword_step *s, struct error *err)
{
	if (bridge_set(&r->nl, r->l.index, BRIDGE_VLAN_FILTERING,
	               (unsigned)s->value, err) < 0)
		return error_wrap(err, "%s", s->name);
	return 0;
}

/* The member a step names, which must be one. */
static int
find_member(struct run *r, const struct ifword_step *s, struct link *out,
            struct error *err)
{
	int rc = link_get(&r->nl, s->arg, out, err);

	if (rc == -ENODEV || (rc == 0 && out->master != r->l.index))
		return fail(err, ENOENT, s->name, s->arg);
	return rc;
}

/* Linux runs the spanning tree on the whole bridge, not on a member. */
static int
do_stp(struct run *r, const struct ifword_step *s, struct error *err)
{
	struct link m;

	if (find_member(r, s, &m, err) < 0)
		return err->code;
	if (bridge_set(&r->nl, r->l.index, BRIDGE_STP, (unsigned)s->value,
	               err) < 0)
		return error_wrap(err, "%s", s->name);
	return 0;
}

static int
do_port(struct run *r, const struct ifword_step *s, struct error *err)
{
	unsigned value = (unsigned)s->number;
	struct link m;

	if (find_member(r, s, &m, err) < 0)
		return err->code;
	if (s->value == BRIDGE_PORT_PRIORITY)
		value >>= 2; /* 0 to 240 there, 0 to 63 here */
	if (bridge_port_set(&r->nl, m.index, (enum bridge_port_field)s->value,
	                    value, err) < 0)
		return error_wrap(err, "%s %s", s->name, s->arg);
	return 0;
}

/* untagged N, tagged LIST, ifuntagged IF N, iftagged IF (its list follows). */
static int
do_port_vlan(struct run *r, const struct ifword_step *s, struct error *err)
{
	uint16_t first = (uint16_t)s->number, last = first;
	const char *list = s->arg;
	struct link m;

	if (s->word == IFWORD_IFUNTAGGED || s->word == IFWORD_IFTAGGED) {
		if (find_member(r, s, &m, err) < 0)
			return err->code;
		r->member = m.index;
	}
	if (r->member == 0)
		return error_set(err, -EINVAL, "%s: must follow addm", s->name);
	if (s->word == IFWORD_IFTAGGED)
		return 0;
	if (s->word != IFWORD_TAGGED) {
		if (bridge_port_vlan(&r->nl, r->member, true, first, last, true,
		                     err) < 0)
			return error_wrap(err, "%s", s->name);
		return 0;
	}
	while (ifwords_vlans_next(&list, &first, &last) > 0)
		if (bridge_port_vlan(&r->nl, r->member, true, first, last,
		                     false, err) < 0)
			return error_wrap(err, "%s", s->name);
	return 0;
}

/* Linux fixes a vlan's number and parent at birth: the same again is fine. */
static int
do_vlan(struct run *r, const struct ifword_step *s, struct error *err)
{
	struct link parent;
	bool same = false;

	if (strcmp(r->l.kind, "vlan") != 0)
		return fail(err, EINVAL, "SIOCGETVLAN", NULL);
	if (s->word == IFWORD_VLAN)
		same = r->l.vlan_id == s->number;
	else if (s->word == IFWORD_VLANPROTO)
		same = r->l.vlan_proto == s->value;
	else if (link_get(&r->nl, s->arg, &parent, err) < 0)
		return err->code;
	else
		same = r->l.lower == parent.index;
	return same ? 0 : fail(err, EBUSY, "SIOCSETVLAN", NULL);
}

static int
do_offload(struct run *r, const struct ifword_step *s, struct error *err)
{
	char line[128];
	int rc =
	    offload_set(r->l.name, (enum offload)s->value, s->number != 0, err);

	if (rc != -EOPNOTSUPP)
		return rc < 0 ? error_wrap(err, "%s", s->name) : 0;
	snprintf(line, sizeof(line), "%s: %s cannot switch it, nothing changed",
	         s->name, link_name_freebsd(r->l.name));
	warn(r, line);
	return 0;
}

static int
do_capability(struct run *r, const struct ifword_step *s, struct error *err)
{
	char line[128];

	(void)err;
	snprintf(line, sizeof(line),
	         "%s: no Linux driver has it, nothing changed", s->name);
	warn(r, line);
	return 0;
}

static int
do_nd6(struct run *r, const struct ifword_step *s, struct error *err)
{
	static const char *const files[] = {
		[IFWORD_ND6_ACCEPT_RTADV] = "accept_ra",
		[IFWORD_ND6_IFDISABLED] = "disable_ipv6",
		[IFWORD_ND6_NO_DAD] = "accept_dad",
	};
	bool on = s->number != 0;
	int rc;

	if (s->value == IFWORD_ND6_PERFORMNUD)
		return on ? 0 : fail(err, EOPNOTSUPP, s->name, NULL);
	if (s->value == IFWORD_ND6_AUTO_LINKLOCAL)
		rc = link_set_linklocal(&r->nl, r->l.index, on, err);
	else
		rc =
		    link_in6_switch(&r->l, files[s->value],
		                    on != (s->value == IFWORD_ND6_NO_DAD), err);
	return rc < 0 ? error_wrap(err, "%s", s->name) : 0;
}

typedef int step_fn(struct run *r, const struct ifword_step *s,
                    struct error *err);

static step_fn *const steps[] = {
	[IFWORD_UP] = do_up,
	[IFWORD_DOWN] = do_up,
	[IFWORD_FLAG] = do_flag,
	[IFWORD_DESCR] = do_descr,
	[IFWORD_NODESCR] = do_descr,
	[IFWORD_NAME] = do_name,
	[IFWORD_MTU] = do_mtu,
	[IFWORD_GROUP] = do_group,
	[IFWORD_NOGROUP] = do_group,
	[IFWORD_FIB] = do_fib,
	[IFWORD_METRIC] = do_metric,
	[IFWORD_VNET] = do_vnet,
	[IFWORD_NOVNET] = do_vnet,
	[IFWORD_DESTROY] = do_destroy,
	[IFWORD_ADDM] = do_member,
	[IFWORD_DELETEM] = do_member,
	[IFWORD_BRIDGE] = do_bridge,
	[IFWORD_PORT] = do_port,
	[IFWORD_STP] = do_stp,
	[IFWORD_VLANFILTER] = do_vlanfilter,
	[IFWORD_UNTAGGED] = do_port_vlan,
	[IFWORD_TAGGED] = do_port_vlan,
	[IFWORD_IFUNTAGGED] = do_port_vlan,
	[IFWORD_IFTAGGED] = do_port_vlan,
	[IFWORD_VLAN] = do_vlan,
	[IFWORD_VLANDEV] = do_vlan,
	[IFWORD_VLANPROTO] = do_vlan,
	[IFWORD_OFFLOAD] = do_offload,
	[IFWORD_CAPABILITY] = do_capability,
	[IFWORD_ND6] = do_nd6,
};

/* --- the address ------------------------------------------------------- */

static int
set_mac(struct run *r, struct error *err)
{
	const struct ifword_addr *a = &r->w->addr;
	uint8_t mac[6];

	memcpy(mac, a->mac, sizeof(mac));
	if (a->random_mac) {
		if (getrandom(mac, sizeof(mac), 0) != sizeof(mac))
			return error_sys(err, "random number");
		mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
	}
	if (link_set_mac(&r->nl, r->l.index, mac, err) < 0)
		return error_wrap(err, "ioctl (SIOCSIFLLADDR)");
	return 0;
}

/* The prefix when none was written: FreeBSD's guess, and its warning. */
static unsigned
default_prefix(struct run *r, const struct addr_ip *ip)
{
	if (ip->family == AF_INET6)
		return 64;
	if (!(r->l.flags & IFF_POINTOPOINT) &&
	    strcmp(link_family(&r->l), "lo") != 0)
		warn(r, "WARNING: setting interface address without mask is "
		        "deprecated,\ndefault mask may not be correct.");
	return addr_class_prefix(ip);
}

/* The low half of an IPv6 address from the MAC (RFC 4291, appendix A). */
static void
put_eui64(struct addr_ip *ip, const uint8_t mac[6])
{
	const uint8_t id[8] = { mac[0] ^ 0x02, mac[1], mac[2], 0xff,
		                0xfe,          mac[3], mac[4], mac[5] };

	memcpy(ip->b + 8, id, sizeof(id));
}

static void
address_of(struct run *r, struct addr *out)
{
	const struct ifword_addr *a = &r->w->addr;
	bool p2p = (r->l.flags & IFF_POINTOPOINT) != 0;

	memset(out, 0, sizeof(*out));
	out->index = r->l.index;
	out->ip = a->ip;
	if (a->eui64 && a->ip.family == AF_INET6)
		put_eui64(&out->ip, r->l.mac);
	out->prefix = a->has_prefix ? a->prefix : default_prefix(r, &a->ip);
	if (p2p || a->ip.family == AF_INET6) {
		out->peer = a->other;
		return;
	}
	if (a->other.family != 0)
		out->broadcast = a->other;
	else if (a->ip.family == AF_INET && out->prefix < 31 &&
	         strcmp(link_family(&r->l), "lo") != 0)
		out->broadcast = addr_broadcast(&a->ip, out->prefix);
}

/* Take the first IPv4 address away to make room, unless it is the very one. */
static int
clear_first(struct run *r, const struct addr *keep, struct error *err)
{
	cleanup_free struct addr *v = NULL;
	int family = r->w->family == AF_INET6 ? AF_INET6 : AF_INET, rc;
	size_t n;

	if (addr_list(&r->nl, family, r->l.index, &v, &n, err) < 0)
		return err->code;
	if (n == 0)
		return keep != NULL ? 0 : -EADDRNOTAVAIL;
	if (keep != NULL && addr_equal(&v[0].ip, &keep->ip) &&
	    v[0].prefix == keep->prefix)
		return 0;
	rc = addr_del(&r->nl, r->l.index, &v[0].ip, err);
	return rc == -EADDRNOTAVAIL && keep != NULL ? 0 : rc;
}

static int
remove_address(struct run *r, struct error *err)
{
	const struct ifword_addr *a = &r->w->addr;
	int rc;

	rc = a->ip.family != 0 ? addr_del(&r->nl, r->l.index, &a->ip, err)
	                       : clear_first(r, NULL, err);
	if (rc == -EADDRNOTAVAIL)
		return fail(err, EADDRNOTAVAIL, "ioctl (SIOCDIFADDR)", NULL);
	return rc < 0 ? error_wrap(err, "ioctl (SIOCDIFADDR)") : 0;
}

static int
do_address(struct run *r, struct error *err)
{
	const struct ifword_addr *a = &r->w->addr;
	struct addr add;

	if (a->what == IFWORD_ADDR_NONE)
		return 0;
	if (r->w->family == AF_PACKET)
		return set_mac(r, err);
	if (a->what == IFWORD_ADDR_REMOVE)
		return remove_address(r, err);
	address_of(r, &add);
	if (a->what == IFWORD_ADDR_SET && a->ip.family == AF_INET &&
	    clear_first(r, &add, err) < 0)
		return error_wrap(err, "ioctl (SIOCDIFADDR)");
	if (addr_add(&r->nl, &add, err) < 0)
		return error_wrap(err, "ioctl (SIOCAIFADDR)");
	if (r->l.flags & IFF_UP)
		return 0;
	return link_set_up(&r->nl, r->l.index, true, err);
}

/* --- one interface ----------------------------------------------------- */

static int
do_steps(struct run *r, struct error *err)
{
	for (unsigned i = r->n_done; i < r->w->n; i++) {
		const struct ifword_step *s = &r->w->step[i];

		if (r->is_gone)
			return error_set(err, -ENODEV,
			                 "interface %s does not exist",
			                 link_name_freebsd(r->l.name));
		if (steps[s->word](r, s, err) < 0)
			return err->code;
	}
	if (r->is_gone && r->w->addr.what != IFWORD_ADDR_NONE)
		return error_set(err, -ENODEV, "interface %s does not exist",
		                 link_name_freebsd(r->l.name));
	return r->is_gone ? 0 : do_address(r, err);
}

/*
 * "epairN create vnet JAIL": the end that is to move is born there. Where that
 * cannot be, making and moving it tells why in FreeBSD's words. 1: it is done.
 */
static int
create_in_jail(struct run *r, char made[LINK_NAME_MAX], struct error *err)
{
	const struct ifword_step *s = &r->w->step[0];
	struct net_jail j;
	int rc;

	if (r->w->n == 0 || s->word != IFWORD_VNET ||
	    !clone_is_epair(r->w->name) || net_jail_find(s->arg, &j, err) < 0)
		return 0;
	rc = net_jail_clone(&r->nl, &j, &r->w->clone, made, err);
	net_jail_close(&j);
	if (rc < 0)
		return *made != '\0' ? rc : 0;
	r->is_gone = true;
	r->n_done = 1;
	return 1;
}

static int
create(struct run *r, struct error *err)
{
	char made[LINK_NAME_MAX] = "";
	int rc = create_in_jail(r, made, err);

	if (rc == 0)
		rc = clone_create(&r->nl, &r->w->clone, made, err);
	if (rc < 0)
		return rc;
	r->print_name = strcmp(made, r->w->name) != 0;
	strcpy(r->l.name, made);
	return r->is_gone ? 0 : link_get(&r->nl, made, &r->l, err);
}

/* "create" of what exists is an error alone, and nothing in front of more. */
static int
find_or_create(struct run *r, struct error *err)
{
	const struct ifwords *w = r->w;
	bool alone = w->n == 0 && w->addr.what == IFWORD_ADDR_NONE &&
	             w->clone.vlan_id < 0;
	struct error why;
	int rc;

	/* "lo create": Linux's own lo is no answer to that. */
	if (w->create && strcmp(w->name, "lo") == 0)
		rc = -ENODEV;
	else
		rc = link_get(&r->nl, w->name, &r->l, &why);
	if (rc != -ENODEV && rc < 0) {
		*err = why;
		return rc;
	}
	if (rc == 0 && w->create && alone)
		return error_set(err, -EEXIST, "interface %s already exists",
		                 w->name);
	if (rc == 0)
		return 0;
	if (!w->create) {
		*err = why;
		return rc;
	}
	return create(r, err);
}

static int
configure(struct run *r, struct error *err)
{
	const struct ifwords *w = r->w;
	bool returns =
	    !w->create && w->n > 0 && w->step[0].word == IFWORD_NOVNET;
	int rc;

	/* -vnet is about an interface that is elsewhere, until then. */
	if (returns) {
		if (do_vnet(r, &w->step[0], err) < 0)
			return err->code;
		if (w->n == 1 && w->addr.what == IFWORD_ADDR_NONE)
			return 0;
		r->n_done = 1;
	}
	rc = find_or_create(r, err);
	if (rc == 0)
		rc = do_steps(r, err);
	if (r->print_name)
		buf_printf(r->out, "%s\n", link_name_freebsd(r->l.name));
	return rc;
}

/* --- listing ----------------------------------------------------------- */

static bool
in_group_like(const struct link *l, const char *pattern)
{
	if (fnmatch(pattern, "all", 0) == 0 ||
	    (*link_family(l) != '\0' &&
	     fnmatch(pattern, link_family(l), 0) == 0))
		return true;
	for (unsigned i = 0; i < l->n_group; i++)
		if (fnmatch(pattern, l->group[i].name, 0) == 0)
			return true;
	return false;
}

static bool
is_wanted(const struct ifwords *w, const struct ifshow_all *all,
          const struct link *l)
{
	bool up = (l->flags & IFF_UP) != 0;

	if ((w->down_only && up) || (w->up_only && !up))
		return false;
	if (w->name != NULL)
		return strcmp(link_name_linux(w->name), l->name) == 0;
	if (w->group != NULL && !in_group_like(l, w->group))
		return false;
	if (w->no_group != NULL && in_group_like(l, w->no_group))
		return false;
	return ifshow_has_family(all, l, w->family);
}

/* ifconfig -a WORDS: the same steps for each. */
static int
configure_each(struct run *r, const struct ifshow_all *all, struct error *err)
{
	for (size_t i = 0; i < all->n_link; i++) {
		if (!is_wanted(r->w, all, &all->link[i]))
			continue;
		r->l = all->link[i];
		r->is_gone = false;
		if (do_steps(r, err) < 0)
			return error_wrap(err, "%s",
			                  link_name_freebsd(r->l.name));
	}
	return 0;
}

static void
show(struct run *r, const struct ifshow_all *all, const struct ifshow_format *f)
{
	const struct ifwords *w = r->w;
	bool by_line = w->group != NULL && !w->all;
	unsigned n = 0;

	for (size_t i = 0; i < all->n_link; i++) {
		const struct link *l = &all->link[i];

		if (!is_wanted(w, all, l))
			continue;
		if (by_line || w->names_only) {
			if (n++ > 0)
				buf_putc(r->out, by_line ? '\n' : ' ');
			ifshow_name(l, r->out);
		} else {
			ifshow_link(all, l, w->family, f, r->out);
		}
	}
	if (w->names_only || (by_line && n > 0))
		buf_putc(r->out, '\n');
}

static int
list(struct run *r, struct error *err)
{
	const struct ifwords *w = r->w;
	cleanup_free struct link *links = NULL;
	cleanup_free struct addr *addrs = NULL;
	struct ifshow_format format = { .ether = ':' };
	struct ifshow_all all = { 0 };

	if (w->name != NULL && link_get(&r->nl, w->name, &r->l, err) < 0)
		return err->code;
	if (w->format != NULL &&
	    ifshow_format_parse(w->format, &format, err) < 0)
		return err->code;
	if (link_list(&r->nl, &links, &all.n_link, err) < 0 ||
	    addr_list(&r->nl, 0, 0, &addrs, &all.n_addr, err) < 0)
		return err->code;
	all.link = links;
	all.addr = addrs;
	if (w->n > 0 || w->addr.what != IFWORD_ADDR_NONE)
		return configure_each(r, &all, err);
	show(r, &all, &format);
	return 0;
}

/* --- the call ---------------------------------------------------------- */

static int
run_here(void *arg, struct error *err)
{
	struct run *r = arg;
	const struct ifwords *w = r->w;
	bool acts = w->create || w->n > 0 || w->addr.what != IFWORD_ADDR_NONE;
	int rc;

	if (w->cloners) {
		buf_printf(r->out, "%s\n", clone_families());
		return 0;
	}
	if (nl_open(&r->nl, NETLINK_ROUTE, -1, err) < 0)
		return err->code;
	rc = w->name != NULL && acts ? configure(r, err) : list(r, err);
	nl_close(&r->nl);
	return rc;
}

int
net_ifconfig(int argc, char *const argv[], struct buf *out, struct buf *errs)
{
	struct run r = { .nl = { .fd = -1 }, .out = out, .errs = errs };
	struct error err = { 0 };
	struct ifwords w;
	int rc;

	rc = ifwords_parse(argc, argv, &w, &err);
	if (rc < 0 && err.msg[0] == '\0') {
		buf_puts(errs, ifwords_usage());
		return 1;
	}
	if (rc == 0) {
		r.w = &w;
		rc = w.jail != NULL ? net_jail_do(w.jail, run_here, &r, &err)
		                    : run_here(&r, &err);
	}
	if (rc < 0)
		warn(&r, err.msg);
	return rc < 0 ? 1 : 0;
}
