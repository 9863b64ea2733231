/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_pflog.c - messages of nflog, down to the bytes of the pcap file. The
 * first two bytes are how much of a packet is wanted, the rest is the message
 * behind its netlink header.
 */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include <stdlib.h>
#include <string.h>

#include "pf/pflog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pflog_env env = { .snaplen = 0 };
	cleanup_buf struct buf out = BUF_INIT;
	struct pflog_packet p;
	struct nl_reply r = { .type =
		                  NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET };
	uint32_t caught, whole;

	if (len < 2)
		return 0;
	env.snaplen = data[0] | (uint32_t)data[1] << 8;
	r.data = data + 2;
	r.len = len - 2;
	if (!pflog_read(&r, &p))
		return 0;
	pflog_put(&p, &env, "a name that is too long for it", &out);
	memcpy(&caught, out.data + 8, sizeof(caught));
	memcpy(&whole, out.data + 12, sizeof(whole));
	/* A record is as long as it says, and holds a header at least. */
	if (out.len != 16 + (size_t)caught || caught < PFLOG_HEADER ||
	    caught > whole ||
	    (env.snaplen > PFLOG_HEADER && caught > env.snaplen))
		abort();
	return 0;
}
