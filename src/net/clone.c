/* SPDX-License-Identifier: BSD-2-Clause */
/* clone.c - making interfaces by FreeBSD's names for them. */
#include "net/clone.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/num.h"

enum {
	UNIT_MAX = 32767, /* FreeBSD's highest unit */
	VLAN_8021Q = 0x8100,
};

/* What one family's maker gets: the full name and the rest of the request. */
typedef int make_fn(struct nl_sock *nl, const char *name,
                    const struct clone_request *q, struct error *err);

static make_fn make_bridge, make_epair, make_lo, make_tap, make_tun, make_vlan;

static const struct cloner {
	const char *family;
	make_fn *make;
} cloners[] = {
	{ "bridge", make_bridge }, { "epair", make_epair },
	{ "lo", make_lo },         { "tap", make_tap },
	{ "tun", make_tun },       { "vlan", make_vlan },
};

const char *
clone_families(void)
{
	return "bridge epair lo tap tun vlan";
}

/* Host identity: the same after a restart, another on each host, and in each
 * jail as soon as it has a name of its own. */
static void
host_identity(char *out, size_t cap)
{
	cleanup_close int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	struct utsname u;
	ssize_t n = 0;

	if (fd >= 0)
		n = read(fd, out, 32 < cap ? 32 : cap - 1);
	out[n > 0 ? n : 0] = '\0';
	if (uname(&u) == 0)
		snprintf(out + strlen(out), cap - strlen(out), "/%s",
		         u.nodename);
}

/* FNV-1a, 64 bits. */
static uint64_t
hash_text(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h;
}

void
clone_mac(const char *host, const char *name, uint8_t last, uint8_t out[6])
{
	uint64_t h = hash_text(hash_text(0xcbf29ce484222325, host), name);
	uint32_t folded = (uint32_t)(h ^ (h >> 32));

	out[0] = 0x02; /* locally administered, one station */
	memcpy(out + 1, &folded, sizeof(folded));
	out[5] = last;
}

static void
mac_here(const char *name, uint8_t last, uint8_t out[6])
{
	char host[128];

	host_identity(host, sizeof(host));
	clone_mac(host, name, last, out);
}

static void
put_mac(struct nl_msg *m, const char *name, uint8_t last)
{
	uint8_t mac[6];

	mac_here(name, last, mac);
	nl_put(m, IFLA_ADDRESS, mac, sizeof(mac));
}

static void
create_msg(struct nl_msg *m, const char *name)
{
	struct ifinfomsg h = { 0 };

	nl_msg_init(m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &h, sizeof(h));
	nl_put_str(m, IFLA_IFNAME, name);
}

static void
put_kind(struct nl_msg *m, const char *kind)
{
	size_t info = nl_nest(m, IFLA_LINKINFO, NULL, 0);

	nl_put_str(m, IFLA_INFO_KIND, kind);
	nl_nest_end(m, info);
}

/* The kernel's answer to an unknown kind says little: name what is missing. */
static int
send_create(struct nl_sock *nl, struct nl_msg *m, const char *kind,
            struct error *err)
{
	int rc = nl_request(nl, m, NULL, err);

	if (rc == -EOPNOTSUPP)
		return error_set(err, rc, "%s (this kernel has no %s devices)",
		                 strerror(EOPNOTSUPP), kind);
	return rc;
}

static int
make_bridge(struct nl_sock *nl, const char *name, const struct clone_request *q,
            struct error *err)
{
	struct nl_msg m;

	(void)q;
	create_msg(&m, name);
	put_mac(&m, name, 0);
	put_kind(&m, "bridge");
	return send_create(nl, &m, "bridge", err);
}

/* dummy is the right kind; where a kernel was built without it, ifb has the
 * same two properties: it takes addresses, and drops what is sent out by it. */
static int
make_lo(struct nl_sock *nl, const char *name, const struct clone_request *q,
        struct error *err)
{
	static const char *const kinds[] = { "dummy", "ifb" };
	struct nl_msg m;
	int rc = -EOPNOTSUPP;

	(void)q;
	for (size_t i = 0; i < ARRAY_LEN(kinds) && rc == -EOPNOTSUPP; i++) {
		create_msg(&m, name);
		put_mac(&m, name, 0);
		put_kind(&m, kinds[i]);
		rc = send_create(nl, &m, "dummy or ifb", err);
	}
	return rc;
}

/* Its ends are NAMEa and NAMEb. */
static int
make_epair(struct nl_sock *nl, const char *name, const struct clone_request *q,
           struct error *err)
{
	const struct ifinfomsg h = { 0 };
	char a[LINK_NAME_MAX + 1], b[LINK_NAME_MAX + 1];
	size_t info, data, peer;
	struct nl_msg m;

	if (strlen(name) + 1 >= LINK_NAME_MAX)
		return error_set(err, -EINVAL, "%s", strerror(EINVAL));
	snprintf(a, sizeof(a), "%sa", name);
	snprintf(b, sizeof(b), "%sb", name);
	create_msg(&m, a);
	put_mac(&m, a, 0x0a);
	if (q->a_netns >= 0)
		nl_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)q->a_netns);
	info = nl_nest(&m, IFLA_LINKINFO, NULL, 0);
	nl_put_str(&m, IFLA_INFO_KIND, "veth");
	data = nl_nest(&m, IFLA_INFO_DATA, NULL, 0);
	peer = nl_nest(&m, VETH_INFO_PEER, &h, sizeof(h));
	nl_put_str(&m, IFLA_IFNAME, b);
	put_mac(&m, a, 0x0b);
	nl_nest_end(&m, peer);
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	return send_create(nl, &m, "veth", err);
}

static int
make_vlan(struct nl_sock *nl, const char *name, const struct clone_request *q,
          struct error *err)
{
	uint16_t proto = q->vlan_proto != 0 ? q->vlan_proto : VLAN_8021Q;
	struct link parent;
	struct nl_msg m;
	size_t info, data;

	if (q->vlan_dev == NULL || q->vlan_id < 0)
		return error_set(err, -EINVAL,
		                 "a vlan needs 'vlan NUMBER vlandev INTERFACE' "
		                 "when it is created");
	if (link_get(nl, q->vlan_dev, &parent, err) < 0)
		return err->code;
	create_msg(&m, name);
	nl_put_u32(&m, IFLA_LINK, parent.index);
	info = nl_nest(&m, IFLA_LINKINFO, NULL, 0);
	nl_put_str(&m, IFLA_INFO_KIND, "vlan");
	data = nl_nest(&m, IFLA_INFO_DATA, NULL, 0);
	nl_put_u16(&m, IFLA_VLAN_ID, (uint16_t)q->vlan_id);
	nl_put_u16(&m, IFLA_VLAN_PROTOCOL, __builtin_bswap16(proto));
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	return send_create(nl, &m, "vlan", err);
}

/* Taps belong to the namespace of the process that opens the device, which is
 * the socket's: net tools enter a jail's before they open either. */
static int
make_tuntap(const char *name, short type, struct error *err)
{
	cleanup_close int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq r = { 0 };

	if (fd < 0)
		return error_sys(err, "open '/dev/net/tun'");
	memcpy(r.ifr_name, name, strlen(name) + 1);
	r.ifr_flags = (short)(type | IFF_NO_PI | (short)IFF_TUN_EXCL);
	if (ioctl(fd, TUNSETIFF, &r) < 0) {
		if (errno == EBUSY) /* how IFF_TUN_EXCL says it */
			errno = EEXIST;
		return error_set(err, -errno, "%s", strerror(errno));
	}
	r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	mac_here(name, 0, (uint8_t *)r.ifr_hwaddr.sa_data);
	if (type == IFF_TAP && ioctl(fd, SIOCSIFHWADDR, &r) < 0)
		return error_sys(err, "set address");
	if (ioctl(fd, TUNSETPERSIST, 1) < 0)
		return error_sys(err, "keep");
	return 0;
}

static int
make_tap(struct nl_sock *nl, const char *name, const struct clone_request *q,
         struct error *err)
{
	(void)nl;
	(void)q;
	return make_tuntap(name, IFF_TAP, err);
}

static int
make_tun(struct nl_sock *nl, const char *name, const struct clone_request *q,
         struct error *err)
{
	(void)nl;
	(void)q;
	return make_tuntap(name, IFF_TUN, err);
}

/* The cloner of a name and its unit (-1: the next free), or NULL. */
static const struct cloner *
find_cloner(const char *name, int *out_unit)
{
	for (size_t i = 0; i < ARRAY_LEN(cloners); i++) {
		size_t len = strlen(cloners[i].family);
		const char *digits = name + len;
		long long unit;

		if (strncmp(name, cloners[i].family, len) != 0)
			continue;
		if (*digits == '\0') {
			*out_unit = -1;
			return &cloners[i];
		}
		if (!isdigit((unsigned char)*digits) ||
		    (digits[0] == '0' && digits[1] != '\0') ||
		    num_int_in(digits, 0, UNIT_MAX, &unit) < 0)
			continue;
		*out_unit = (int)unit;
		return &cloners[i];
	}
	return NULL;
}

bool
clone_is_epair(const char *name)
{
	const struct cloner *c;
	int unit;

	if (strlen(name) >= LINK_NAME_MAX)
		return false;
	c = find_cloner(name, &unit);
	return c != NULL && c->make == make_epair;
}

/* The unit of a name of the family ("epair7a" is 7), or -1. */
static int
unit_of(const struct cloner *c, const char *name)
{
	size_t len = strlen(c->family);
	char *end;
	long unit;

	if (strncmp(name, c->family, len) != 0 ||
	    !isdigit((unsigned char)name[len]))
		return -1;
	unit = strtol(name + len, &end, 10);
	if (unit > UNIT_MAX)
		return -1;
	if (c->make == make_epair && (*end == 'a' || *end == 'b'))
		end++;
	return *end == '\0' ? (int)unit : -1;
}

/* Make the first free unit. One whose interface was renamed is taken still, so
 * that no two get the same MAC. Whoever was quicker moves us on to the next. */
static int
create_next(struct nl_sock *nl, const struct cloner *c,
            const struct clone_request *q, char name[LINK_NAME_MAX],
            struct error *err)
{
	cleanup_free struct link *links = NULL;
	cleanup_free bool *taken = calloc(UNIT_MAX + 1, sizeof(*taken));
	size_t n;
	int rc;

	if (taken == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	if (link_list(nl, &links, &n, err) < 0)
		return err->code;
	for (size_t i = 0; i < n; i++) {
		int unit = unit_of(c, link_name_freebsd(links[i].name));

		if (unit >= 0)
			taken[unit] = true;
		unit = unit_of(c, links[i].born);
		if (unit >= 0)
			taken[unit] = true;
	}
	for (int unit = 0; unit <= UNIT_MAX; unit++) {
		if (taken[unit])
			continue;
		snprintf(name, LINK_NAME_MAX, "%s%d", c->family, unit);
		rc = c->make(nl, name, q, err);
		if (rc != -EEXIST)
			return rc;
	}
	return error_set(err, -ENOSPC, "%s", strerror(ENOSPC));
}

/* "em0.101": the parent and the number are in the name. */
static int
create_dotted(struct nl_sock *nl, const struct clone_request *q,
              const char *dot, struct error *err)
{
	struct clone_request v = *q;
	char parent[LINK_NAME_MAX];
	size_t len = (size_t)(dot - q->name);
	long long id;

	if (len == 0 || len >= sizeof(parent) ||
	    num_int_in(dot + 1, 1, 4094, &id) < 0)
		return error_set(err, -EINVAL, "%s", strerror(EINVAL));
	memcpy(parent, q->name, len);
	parent[len] = '\0';
	v.vlan_dev = parent;
	v.vlan_id = (int)id;
	return make_vlan(nl, q->name, &v, err);
}

/* A unit whose interface was renamed is taken still. The kernel would find a
 * name that is there, but looks only where the interface is to be. */
static bool
unit_is_taken(struct nl_sock *nl, const struct cloner *c, const char *name,
              bool is_elsewhere)
{
	static const char *const ends[] = { "a", "b" };
	char end[LINK_NAME_MAX + 1];
	struct error ignored;
	struct link l;

	if (c->make != make_epair)
		return link_is_born(nl, name);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(end, sizeof(end), "%s%s", name, ends[i]);
		if (link_is_born(nl, end) ||
		    (is_elsewhere && link_get(nl, end, &l, &ignored) == 0))
			return true;
	}
	return false;
}

/* As FreeBSD: believe router advertisements only when told to. Not possible
 * where /proc/sys is read-only; the listing tells. */
static void
distrust_routers(const char *name)
{
	struct error ignored;
	struct link l = { 0 };

	strcpy(l.name, name);
	(void)link_in6_switch(&l, "accept_ra", false, &ignored);
}

int
clone_create(struct nl_sock *nl, const struct clone_request *q,
             char out_name[LINK_NAME_MAX], struct error *err)
{
	const char *dot = strrchr(q->name, '.');
	char name[LINK_NAME_MAX];
	const struct cloner *c;
	int unit = 0, rc;

	if (strlen(q->name) >= sizeof(name))
		return error_set(err, -EINVAL, "%s: cloning name too long",
		                 q->name);
	strcpy(name, q->name);
	c = find_cloner(name, &unit);
	if (dot != NULL)
		rc = create_dotted(nl, q, dot, err);
	else if (c == NULL)
		rc = error_set(err, -EINVAL, "%s", strerror(EINVAL));
	else if (unit < 0)
		rc = create_next(nl, c, q, name, err);
	else if (unit_is_taken(nl, c, name, q->a_netns >= 0))
		rc = -EEXIST;
	else
		rc = c->make(nl, name, q, err);
	if (rc == -EEXIST)
		return error_set(err, rc, "interface %s already exists",
		                 q->name);
	if (rc < 0)
		return error_wrap(err, "SIOCIFCREATE2 (%s)", q->name);
	if (c != NULL && c->make == make_epair) {
		char *end = name + strlen(name);

		strcpy(end, "b");
		distrust_routers(name);
		strcpy(end, "a");
	}
	if (q->a_netns < 0)
		distrust_routers(name);
	strcpy(out_name, name);
	return 0;
}
