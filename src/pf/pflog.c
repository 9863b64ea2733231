/* SPDX-License-Identifier: BSD-2-Clause */
/* pflog.c - packets that rules log, as pflog(4) and pcap(3) have them. */
#include "pf/pflog.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include <string.h>

/* Hooks of the way out: enum nf_inet_hooks, whose header and libc's exclude
 * each other. */
enum { HOOK_LOCAL_OUT = 3, HOOK_POST_ROUTING = 4 };

/* --- from the kernel --- */

static uint64_t
big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static uint32_t
be32_of(const struct nl_attr *a)
{
	return a->len >= 4 ? (uint32_t)big_endian(a->data, 4) : 0;
}

static void
read_time(const struct nl_attr *a, struct pflog_packet *out)
{
	if (a->len < 16)
		return;
	out->sec = (int64_t)big_endian(a->data, 8);
	out->usec = (uint32_t)big_endian(a->data + 8, 8) % 1000000;
}

static void
read_attr(const struct nl_attr *a, struct pflog_packet *out, uint32_t dev[2])
{
	switch (a->type) {
	case NFULA_PACKET_HDR:
		out->in = a->len > 2 && a->data[2] != HOOK_POST_ROUTING &&
		          a->data[2] != HOOK_LOCAL_OUT;
		break;
	case NFULA_TIMESTAMP:
		read_time(a, out);
		break;
	case NFULA_IFINDEX_INDEV:
		dev[0] = be32_of(a);
		break;
	case NFULA_IFINDEX_OUTDEV:
		dev[1] = be32_of(a);
		break;
	case NFULA_UID:
		out->uid = be32_of(a);
		break;
	case NFULA_PAYLOAD:
		out->data = a->data;
		out->len = a->len;
		break;
	default:
		break;
	}
}

bool
pflog_read(const struct nl_reply *r, struct pflog_packet *out)
{
	struct nl_attr a;
	size_t off = sizeof(struct nfgenmsg);
	uint32_t dev[2] = { 0, 0 };
	bool ours = false;
	char prefix[128];

	*out = (struct pflog_packet){ .uid = UINT32_MAX };
	if (r->type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) ||
	    r->len < off)
		return false;
	while (nl_attr_next(r->data, r->len, &off, &a))
		if (a.type == NFULA_PREFIX)
			ours = nl_attr_str(&a, prefix, sizeof(prefix)) &&
			       pf_logline_read(prefix, &out->line);
		else
			read_attr(&a, out, dev);
	if (!ours || out->len == 0)
		return false;
	out->ifindex = dev[out->in ? 0 : 1];
	out->af = out->data[0] >> 4 == 6 ? PF_AF_INET6 : PF_AF_INET;
	return true;
}

/* --- to a file --- */

static void
put32(struct buf *out, uint32_t v)
{
	buf_put(out, &v, sizeof(v));
}

static void
put16(struct buf *out, uint16_t v)
{
	buf_put(out, &v, sizeof(v));
}

/* Numbers of pcap itself are as this machine has them: its magic tells. */
void
pflog_put_begin(uint32_t snaplen, struct buf *out)
{
	put32(out, 0xa1b2c3d4);
	put16(out, 2);
	put16(out, 4);
	put32(out, 0); /* times are UTC */
	put32(out, 0);
	put32(out, snaplen);
	put32(out, PFLOG_LINKTYPE);
}

static void
big32(uint8_t *at, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		at[i] = (uint8_t)v;
}

/* A name in its 16 bytes, cut to 15. */
static void
put_name(uint8_t *at, const char *name)
{
	size_t n = strnlen(name, 15);

	memcpy(at, name, n);
}

static void
header(const struct pflog_packet *p, const struct pflog_env *env,
       const char *ifname, uint8_t h[PFLOG_HEADER])
{
	enum { LENGTH = 69, INET = 2, INET6 = 28, NO_PID = 100000 };

	memset(h, 0, PFLOG_HEADER);
	h[0] = LENGTH;
	h[1] = p->af == PF_AF_INET6 ? INET6 : INET;
	h[2] = p->line.action;
	h[3] = 0; /* a rule matched */
	put_name(h + 4, ifname);
	put_name(h + 20, p->line.anchor);
	big32(h + 36, p->line.rule);
	big32(h + 40, p->line.subrule);
	big32(h + 44, p->uid);
	big32(h + 48, NO_PID);
	big32(h + 52, env->rule_uid);
	big32(h + 56, (uint32_t)env->rule_pid);
	h[60] = p->in ? 1 : 2;
}

/* As long as the packet says it was; as much as is there. */
static size_t
whole_length(const struct pflog_packet *p)
{
	size_t n = 0;

	if (p->af == PF_AF_INET6 && p->len >= 6)
		n = 40 + (size_t)big_endian(p->data + 4, 2);
	else if (p->af == PF_AF_INET && p->len >= 4)
		n = (size_t)big_endian(p->data + 2, 2);
	return n > p->len ? n : p->len;
}

void
pflog_put(const struct pflog_packet *p, const struct pflog_env *env,
          const char *ifname, struct buf *out)
{
	uint32_t room =
	    env->snaplen > PFLOG_HEADER ? env->snaplen - PFLOG_HEADER : 0;
	uint32_t n = p->len < room ? (uint32_t)p->len : room;
	uint8_t h[PFLOG_HEADER];

	header(p, env, ifname, h);
	put32(out, (uint32_t)p->sec);
	put32(out, p->usec);
	put32(out, PFLOG_HEADER + n);
	put32(out, (uint32_t)(PFLOG_HEADER + whole_length(p)));
	buf_put(out, h, sizeof(h));
	buf_put(out, p->data, n);
}
