/* SPDX-License-Identifier: BSD-2-Clause */
/* ways.c - the ways that rules route packets by. */
#include "pf/ways.h"

#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <errno.h>
#include <net/if.h>

#include "linux/nl.h"

static unsigned
table_of(const struct pf_way *w, unsigned n)
{
	if (w->rtable == 0)
		return RT_TABLE_MAIN;
	return w->rtable > 0 ? (unsigned)w->rtable : PF_WAY_TABLE + n;
}

/* --- rules --- */

static void
rule_msg(struct nl_msg *m, uint16_t type, uint16_t flags, uint8_t family,
         unsigned n)
{
	const struct fib_rule_hdr head = { .family = family,
		                           .action = FR_ACT_TO_TBL };

	nl_msg_init(m, type, flags, &head, sizeof(head));
	nl_put_u32(m, FRA_PRIORITY, PF_WAY_PRIORITY);
	nl_put_u32(m, FRA_FWMARK, (n + 1) << PF_MARK_WAY_SHIFT);
	nl_put_u32(m, FRA_FWMASK, PF_MARK_WAY);
}

/* None of a way's is left: it may have led to another table. */
static int
delete_rules(struct nl_sock *s, uint8_t family, unsigned n, struct error *err)
{
	const struct nl_sink none = { 0 };
	int code;

	do {
		struct nl_msg m;

		rule_msg(&m, RTM_DELRULE, 0, family, n);
		code = nl_request(s, &m, &none, err);
	} while (code >= 0);
	return code == -ENOENT ? 0 : code;
}

static int
add_rule(struct nl_sock *s, uint8_t family, unsigned n, unsigned table,
         struct error *err)
{
	const struct nl_sink none = { 0 };
	struct nl_msg m;

	rule_msg(&m, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family, n);
	nl_put_u32(&m, FRA_TABLE, table);
	return nl_request(s, &m, &none, err);
}

/* --- routes --- */

static int
default_route(struct nl_sock *s, uint8_t family, unsigned n,
              const struct pf_way *w, struct error *err)
{
	struct rtmsg head = { .rtm_family = family,
		              .rtm_table = RT_TABLE_UNSPEC,
		              .rtm_protocol = RTPROT_STATIC,
		              .rtm_scope = w->has_gateway ? RT_SCOPE_UNIVERSE
		                                          : RT_SCOPE_LINK,
		              .rtm_type = RTN_UNICAST };
	const struct nl_sink none = { 0 };
	unsigned ifindex = w->ifname[0] != '\0' ? if_nametoindex(w->ifname) : 0;
	struct nl_msg m;

	if (w->ifname[0] != '\0' && ifindex == 0)
		return error_set(err, -ENODEV, "%s: no such interface",
		                 w->ifname);
	if (w->has_gateway && ifindex != 0)
		head.rtm_flags = RTNH_F_ONLINK;
	nl_msg_init(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &head,
	            sizeof(head));
	nl_put_u32(&m, RTA_TABLE, PF_WAY_TABLE + n);
	if (w->has_gateway)
		nl_put(&m, RTA_GATEWAY, w->gateway.b,
		       family == AF_INET6 ? 16 : 4);
	if (ifindex != 0)
		nl_put_u32(&m, RTA_OIF, ifindex);
	return nl_request(s, &m, &none, err);
}

/* A table of ours that no way has any more is emptied. */
static int
no_route(struct nl_sock *s, uint8_t family, unsigned n, struct error *err)
{
	const struct rtmsg head = { .rtm_family = family,
		                    .rtm_scope = RT_SCOPE_NOWHERE };
	const struct nl_sink none = { 0 };
	int code;

	do {
		struct nl_msg m;

		nl_msg_init(&m, RTM_DELROUTE, 0, &head, sizeof(head));
		nl_put_u32(&m, RTA_TABLE, PF_WAY_TABLE + n);
		code = nl_request(s, &m, &none, err);
	} while (code >= 0);
	return code == -ESRCH || code == -ENOENT ? 0 : code;
}

/* --- the whole --- */

static int
one(struct nl_sock *s, uint8_t family, unsigned n, const struct pf_way *w,
    struct error *err)
{
	bool own = w->af != PF_AF_NONE && w->rtable < 0;
	int code = own ? default_route(s, family, n, w, err) : 0;

	if (code < 0)
		return code;
	code = delete_rules(s, family, n, err);
	if (code >= 0 && w->af != PF_AF_NONE)
		code = add_rule(s, family, n, table_of(w, n), err);
	if (code >= 0 && !own)
		code = no_route(s, family, n, err);
	return code;
}

int
pf_ways_apply(const struct pf_ways *ways, struct error *err)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct nl_sock s;
	int code = 0;

	if (nl_open(&s, NETLINK_ROUTE, -1, err) < 0)
		return err->code;
	for (unsigned f = 0; code >= 0 && f < 2; f++)
		for (unsigned n = 0; code >= 0 && n < PF_WAYS_MAX; n++)
			code = one(&s, families[f], n, &ways->way[f][n], err);
	nl_close(&s);
	return code < 0 ? error_wrap(err, "routes of rules") : 0;
}
