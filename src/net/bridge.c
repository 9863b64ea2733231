/* SPDX-License-Identifier: BSD-2-Clause */
/* bridge.c - what is special to bridges: their settings, members and vlans. */
#include "net/bridge.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/base.h"

/* How one setting goes over the wire. */
struct field {
	uint16_t attr;
	uint8_t size;   /* bytes */
	uint16_t times; /* the wire's units in one of ours */
};

static void
put_field(struct nl_msg *m, const struct field *f, unsigned value)
{
	uint32_t v = (uint32_t)value * f->times;

	if (f->size == 1)
		nl_put_u8(m, f->attr, (uint8_t)v);
	else if (f->size == 2)
		nl_put_u16(m, f->attr, (uint16_t)v);
	else
		nl_put_u32(m, f->attr, v);
}

int
bridge_set(struct nl_sock *nl, unsigned bridge, enum bridge_field field,
           unsigned value, struct error *err)
{
	static const struct field fields[] = {
		[BRIDGE_PRIORITY] = { IFLA_BR_PRIORITY, 2, 1 },
		[BRIDGE_HELLO] = { IFLA_BR_HELLO_TIME, 4, 100 },
		[BRIDGE_FORWARD_DELAY] = { IFLA_BR_FORWARD_DELAY, 4, 100 },
		[BRIDGE_MAX_AGE] = { IFLA_BR_MAX_AGE, 4, 100 },
		[BRIDGE_AGEING] = { IFLA_BR_AGEING_TIME, 4, 100 },
		[BRIDGE_STP] = { IFLA_BR_STP_STATE, 4, 1 },
		[BRIDGE_VLAN_FILTERING] = { IFLA_BR_VLAN_FILTERING, 1, 1 },
		[BRIDGE_FLUSH] = { IFLA_BR_FDB_FLUSH, 1, 1 },
	};
	struct ifinfomsg h = { .ifi_index = (int)bridge };
	size_t info, data;
	struct nl_msg m;

	nl_msg_init(&m, RTM_NEWLINK, 0, &h, sizeof(h));
	info = nl_nest(&m, IFLA_LINKINFO, NULL, 0);
	nl_put_str(&m, IFLA_INFO_KIND, "bridge");
	data = nl_nest(&m, IFLA_INFO_DATA, NULL, 0);
	put_field(&m, &fields[field], value);
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	return nl_request(nl, &m, NULL, err);
}

int
bridge_port_set(struct nl_sock *nl, unsigned port, enum bridge_port_field field,
                unsigned value, struct error *err)
{
	static const struct field fields[] = {
		[BRIDGE_PORT_LEARNING] = { IFLA_BRPORT_LEARNING, 1, 1 },
		[BRIDGE_PORT_FLOODING] = { IFLA_BRPORT_UNICAST_FLOOD, 1, 1 },
		[BRIDGE_PORT_ISOLATED] = { IFLA_BRPORT_ISOLATED, 1, 1 },
		[BRIDGE_PORT_PRIORITY] = { IFLA_BRPORT_PRIORITY, 2, 1 },
		[BRIDGE_PORT_COST] = { IFLA_BRPORT_COST, 4, 1 },
	};
	struct ifinfomsg h = { .ifi_index = (int)port };
	size_t info, data;
	struct nl_msg m;

	nl_msg_init(&m, RTM_NEWLINK, 0, &h, sizeof(h));
	info = nl_nest(&m, IFLA_LINKINFO, NULL, 0);
	nl_put_str(&m, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nl_nest(&m, IFLA_INFO_SLAVE_DATA, NULL, 0);
	put_field(&m, &fields[field], value);
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	return nl_request(nl, &m, NULL, err);
}

int
bridge_port_vlan(struct nl_sock *nl, unsigned port, bool add, uint16_t first,
                 uint16_t last, bool untagged, struct error *err)
{
	struct ifinfomsg h = { .ifi_family = AF_BRIDGE,
		               .ifi_index = (int)port };
	struct bridge_vlan_info v = { .vid = first };
	struct nl_msg m;
	size_t spec;

	nl_msg_init(&m, add ? RTM_SETLINK : RTM_DELLINK, 0, &h, sizeof(h));
	spec = nl_nest(&m, IFLA_AF_SPEC, NULL, 0);
	if (untagged)
		v.flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
	if (first != last)
		v.flags |= BRIDGE_VLAN_INFO_RANGE_BEGIN;
	nl_put(&m, IFLA_BRIDGE_VLAN_INFO, &v, sizeof(v));
	if (first != last) {
		v.vid = last;
		v.flags ^=
		    BRIDGE_VLAN_INFO_RANGE_BEGIN | BRIDGE_VLAN_INFO_RANGE_END;
		nl_put(&m, IFLA_BRIDGE_VLAN_INFO, &v, sizeof(v));
	}
	nl_nest_end(&m, spec);
	return nl_request(nl, &m, NULL, err);
}
