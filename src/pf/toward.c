/* SPDX-License-Identifier: BSD-2-Clause */
/* toward.c - by which interface an address is reached: rtnetlink(7). */
#include "pf/toward.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <net/if.h>
#include <string.h>

int
pf_toward_open(struct pf_toward *t, struct error *err)
{
	t->nl.fd = -1;
	return nl_open(&t->nl, NETLINK_ROUTE, -1, err);
}

void
pf_toward_close(struct pf_toward *t)
{
	nl_close(&t->nl);
}

static int
see_oif(const struct nl_reply *r, void *index, struct error *err)
{
	struct nl_attr a;
	size_t off = sizeof(struct rtmsg);

	(void)err;
	if (r->type != RTM_NEWROUTE)
		return 0;
	while (nl_attr_next(r->data, r->len, &off, &a))
		if (a.type == RTA_OIF)
			*(uint32_t *)index = nl_attr_u32(&a);
	return 0;
}

bool
pf_toward_ifname(void *toward, unsigned af, const struct pf_ip *ip,
                 char out[PF_IFNAME_SIZE])
{
	struct pf_toward *t = toward;
	const struct rtmsg h = { .rtm_family = (uint8_t)af,
		                 .rtm_dst_len = (uint8_t)pf_af_bits(af) };
	uint32_t index = 0;
	const struct nl_sink sink = { see_oif, &index };
	char name[IF_NAMESIZE];
	struct nl_msg m;
	struct error err;

	_Static_assert(IF_NAMESIZE <= PF_IFNAME_SIZE, "names fit");
	nl_msg_init(&m, RTM_GETROUTE, 0, &h, sizeof(h));
	nl_put(&m, RTA_DST, ip->b, pf_af_bits(af) / 8);
	if (nl_request(&t->nl, &m, &sink, &err) < 0 || index == 0 ||
	    if_indextoname(index, name) == NULL)
		return false;
	strcpy(out, name);
	return true;
}
