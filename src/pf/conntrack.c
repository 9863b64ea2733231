/* SPDX-License-Identifier: BSD-2-Clause */
/* conntrack.c - entries of the kernel's table of connections.
 *
 * Attributes and their order of bytes: uapi/linux/netfilter/
 * nfnetlink_conntrack.h; numbers are big-endian throughout.
 */
#include "pf/conntrack.h"

#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/vec.h"

/* Attributes in a, in turn. */
#define each_attr(a, from)                                                     \
	for (size_t off_ = 0;                                                  \
	     nl_attr_next((from)->data, (from)->len, &off_, (a));)

static uint16_t
be16_of(const struct nl_attr *a)
{
	return ntohs(nl_attr_u16(a));
}

static uint32_t
be32_of(const struct nl_attr *a)
{
	return ntohl(nl_attr_u32(a));
}

/* --- reading --- */

static bool
read_ip(const struct nl_attr *from, struct ct_tuple *t)
{
	struct nl_attr a;
	unsigned got = 0;

	each_attr(&a, from)
	{
		bool v4 = a.type == CTA_IP_V4_SRC || a.type == CTA_IP_V4_DST;
		bool src = a.type == CTA_IP_V4_SRC || a.type == CTA_IP_V6_SRC;
		uint8_t af = v4 ? PF_AF_INET : PF_AF_INET6;

		if (a.type < CTA_IP_V4_SRC || a.type > CTA_IP_V6_DST)
			continue;
		if (a.len != pf_af_bits(af) / 8 || (got != 0 && t->af != af))
			return false;
		t->af = af;
		memcpy((src ? &t->src : &t->dst)->b, a.data, a.len);
		got |= src ? 1 : 2;
	}
	return got == 3;
}

static void
read_proto(const struct nl_attr *from, struct ct_tuple *t)
{
	struct nl_attr a;

	each_attr(&a, from)
	{
		switch (a.type) {
		case CTA_PROTO_NUM:
			t->proto = nl_attr_u8(&a);
			break;
		case CTA_PROTO_SRC_PORT:
			t->sport = be16_of(&a);
			t->has_ports = true;
			break;
		case CTA_PROTO_DST_PORT:
			t->dport = be16_of(&a);
			break;
		case CTA_PROTO_ICMP_ID:
		case CTA_PROTO_ICMPV6_ID:
			t->sport = t->dport = be16_of(&a);
			break;
		case CTA_PROTO_ICMP_TYPE:
		case CTA_PROTO_ICMPV6_TYPE:
			t->icmp_type = nl_attr_u8(&a);
			break;
		case CTA_PROTO_ICMP_CODE:
		case CTA_PROTO_ICMPV6_CODE:
			t->icmp_code = nl_attr_u8(&a);
			break;
		default:
			break;
		}
	}
}

static bool
read_tuple(const struct nl_attr *from, struct ct_tuple *t)
{
	struct nl_attr a;
	bool has_ip = false;

	memset(t, 0, sizeof(*t));
	each_attr(&a, from)
	{
		if (a.type == CTA_TUPLE_IP && !(has_ip = read_ip(&a, t)))
			return false;
		if (a.type == CTA_TUPLE_PROTO)
			read_proto(&a, t);
	}
	return has_ip;
}

static void
read_tcp(const struct nl_attr *from, struct ct_entry *e)
{
	struct nl_attr a;

	each_attr(&a, from)
	{
		switch (a.type) {
		case CTA_PROTOINFO_TCP_STATE:
			e->tcp_state = nl_attr_u8(&a);
			break;
		case CTA_PROTOINFO_TCP_WSCALE_ORIGINAL:
		case CTA_PROTOINFO_TCP_WSCALE_REPLY:
			e->wscale[a.type - CTA_PROTOINFO_TCP_WSCALE_ORIGINAL] =
			    nl_attr_u8(&a);
			break;
		case CTA_PROTOINFO_TCP_FLAGS_ORIGINAL:
		case CTA_PROTOINFO_TCP_FLAGS_REPLY:
			/* struct nf_ct_tcp_flags: flags, mask. */
			e->tcp_flags[a.type -
			             CTA_PROTOINFO_TCP_FLAGS_ORIGINAL] =
			    nl_attr_u8(&a);
			break;
		default:
			break;
		}
	}
}

static void
read_protoinfo(const struct nl_attr *from, struct ct_entry *e)
{
	struct nl_attr a, in;

	each_attr(&a, from)
	{
		if (a.type == CTA_PROTOINFO_TCP)
			read_tcp(&a, e);
		if (a.type == CTA_PROTOINFO_SCTP) {
			size_t off = 0;

			while (nl_attr_next(a.data, a.len, &off, &in))
				if (in.type == CTA_PROTOINFO_SCTP_STATE)
					e->sctp_state = nl_attr_u8(&in);
		}
	}
}

static void
read_counters(const struct nl_attr *from, struct ct_entry *e, unsigned dir)
{
	struct nl_attr a;

	each_attr(&a, from)
	{
		if (a.type == CTA_COUNTERS_PACKETS)
			e->packets[dir] = nl_attr_be64(&a);
		if (a.type == CTA_COUNTERS_BYTES)
			e->bytes[dir] = nl_attr_be64(&a);
	}
}

static void
read_start(const struct nl_attr *from, struct ct_entry *e)
{
	struct nl_attr a;

	each_attr(&a, from)
	{
		if (a.type == CTA_TIMESTAMP_START)
			e->start_ns = nl_attr_be64(&a);
	}
}

/* All attributes but the tuples. */
static void
read_other(const struct nl_attr *a, struct ct_entry *e)
{
	switch (a->type) {
	case CTA_STATUS:
		e->status = be32_of(a);
		break;
	case CTA_PROTOINFO:
		read_protoinfo(a, e);
		break;
	case CTA_TIMEOUT:
		e->timeout_s = be32_of(a);
		break;
	case CTA_MARK:
		e->mark = be32_of(a);
		break;
	case CTA_COUNTERS_ORIG:
		read_counters(a, e, CT_ORIG);
		break;
	case CTA_COUNTERS_REPLY:
		read_counters(a, e, CT_REPLY);
		break;
	case CTA_ID:
		e->id = be32_of(a);
		break;
	case CTA_ZONE:
		e->zone = be16_of(a);
		break;
	case CTA_TIMESTAMP:
		read_start(a, e);
		break;
	default:
		break;
	}
}

/* The attributes behind the header that all of netfilter's messages have. */
static bool
body_of(const struct nl_reply *r, uint16_t msg, struct nl_attr *out)
{
	if (r->type != (NFNL_SUBSYS_CTNETLINK << 8 | msg) ||
	    r->len < sizeof(struct nfgenmsg))
		return false;
	*out = (struct nl_attr){ .data = r->data + sizeof(struct nfgenmsg),
		                 .len = r->len - sizeof(struct nfgenmsg) };
	return true;
}

int
ct_read(const struct nl_reply *r, struct ct_entry *out, struct error *err)
{
	struct ct_entry e = { 0 };
	struct nl_attr body, a;
	unsigned got = 0;

	if (!body_of(r, IPCTNL_MSG_CT_NEW, &body) ||
	    (r->data[0] != PF_AF_INET && r->data[0] != PF_AF_INET6))
		return 1;
	each_attr(&a, &body)
	{
		if (a.type == CTA_TUPLE_ORIG || a.type == CTA_TUPLE_REPLY) {
			unsigned dir = a.type == CTA_TUPLE_REPLY;

			if (!read_tuple(&a, &e.tuple[dir]))
				return error_set(err, -EPROTO,
				                 "conntrack: bad tuple");
			got |= 1U << dir;
		} else
			read_other(&a, &e);
	}
	if (got != 3 || e.tuple[0].af != e.tuple[1].af ||
	    e.tuple[0].proto != e.tuple[1].proto)
		return error_set(err, -EPROTO,
		                 "conntrack: entry without both tuples");
	*out = e;
	return 0;
}

void
ct_list_fini(struct ct_list *l)
{
	free(l->v);
	*l = (struct ct_list){ 0 };
}

/* --- asking --- */

static void
request(struct nl_msg *m, uint16_t msg, uint16_t flags, uint8_t af)
{
	const struct nfgenmsg body = { .nfgen_family = af,
		                       .version = NFNETLINK_V0 };

	nl_msg_init(m, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | msg), flags,
	            &body, sizeof(body));
}

struct dump {
	struct ct_list *list;
	size_t n; /* those of this try */
};

static int
dump_one(const struct nl_reply *r, void *arg, struct error *err)
{
	struct dump *d = arg;
	struct ct_list *l = d->list;
	struct ct_entry *v = vec_room(l->v, d->n, &l->cap, sizeof(*l->v));
	int rc;

	if (v == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	l->v = v;
	rc = ct_read(r, &v[d->n], err);
	if (rc == 0)
		d->n++;
	return rc < 0 ? rc : 0;
}

int
ct_dump(struct nl_sock *s, struct ct_list *l, struct error *err)
{
	struct dump d = { .list = l };
	const struct nl_sink sink = { dump_one, &d };
	struct nl_msg m;
	int rc;

	request(&m, IPCTNL_MSG_CT_GET, NLM_F_DUMP, 0);
	rc = nl_dump(s, &m, &sink, &d.n, err);
	l->n = d.n;
	return rc < 0 ? error_wrap(err, "list connections") : 0;
}

static void
put_be16(struct nl_msg *m, uint16_t type, uint16_t v)
{
	nl_put_u16(m, type, htons(v));
}

static void
put_be32(struct nl_msg *m, uint16_t type, uint32_t v)
{
	nl_put_u32(m, type, htonl(v));
}

static void
put_proto(struct nl_msg *m, const struct ct_tuple *t)
{
	nl_put_u8(m, CTA_PROTO_NUM, t->proto);
	if (t->proto == PF_PROTO_ICMP) {
		put_be16(m, CTA_PROTO_ICMP_ID, t->sport);
		nl_put_u8(m, CTA_PROTO_ICMP_TYPE, t->icmp_type);
		nl_put_u8(m, CTA_PROTO_ICMP_CODE, t->icmp_code);
	} else if (t->proto == PF_PROTO_ICMP6) {
		put_be16(m, CTA_PROTO_ICMPV6_ID, t->sport);
		nl_put_u8(m, CTA_PROTO_ICMPV6_TYPE, t->icmp_type);
		nl_put_u8(m, CTA_PROTO_ICMPV6_CODE, t->icmp_code);
	} else if (t->has_ports) {
		put_be16(m, CTA_PROTO_SRC_PORT, t->sport);
		put_be16(m, CTA_PROTO_DST_PORT, t->dport);
	}
}

/* Which entry is meant: by the addresses of its first packet. */
static void
put_tuple(struct nl_msg *m, const struct ct_entry *e)
{
	const struct ct_tuple *t = &e->tuple[CT_ORIG];
	bool v4 = t->af == PF_AF_INET;
	size_t len = pf_af_bits(t->af) / 8;
	size_t tuple = nl_nest(m, CTA_TUPLE_ORIG | NLA_F_NESTED, NULL, 0);
	size_t in = nl_nest(m, CTA_TUPLE_IP | NLA_F_NESTED, NULL, 0);

	nl_put(m, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, t->src.b, len);
	nl_put(m, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, t->dst.b, len);
	nl_nest_end(m, in);
	in = nl_nest(m, CTA_TUPLE_PROTO | NLA_F_NESTED, NULL, 0);
	put_proto(m, t);
	nl_nest_end(m, in);
	nl_nest_end(m, tuple);
	if (e->zone != 0)
		put_be16(m, CTA_ZONE, e->zone);
}

/* 0, or 1 where there is no such entry any more. */
static int
send_change(struct nl_sock *s, struct nl_msg *m, const char *what,
            struct error *err)
{
	struct error why;
	int rc = nl_request(s, m, NULL, &why);

	if (rc == -ENOENT)
		return 1;
	if (rc >= 0)
		return 0;
	return error_set(err, rc, "%s: %s", what, why.msg);
}

int
ct_delete(struct nl_sock *s, const struct ct_entry *e, struct error *err)
{
	struct nl_msg m;

	request(&m, IPCTNL_MSG_CT_DELETE, 0, e->tuple[CT_ORIG].af);
	put_tuple(&m, e);
	put_be32(&m, CTA_ID, e->id);
	return send_change(s, &m, "delete a connection", err);
}

int
ct_clear_mark(struct nl_sock *s, const struct ct_entry *e, uint32_t bits,
              struct error *err)
{
	struct nl_msg m;

	request(&m, IPCTNL_MSG_CT_NEW, 0, e->tuple[CT_ORIG].af);
	put_tuple(&m, e);
	put_be32(&m, CTA_MARK, 0);
	put_be32(&m, CTA_MARK_MASK, bits);
	return send_change(s, &m, "change a connection's mark", err);
}

/* --- statistics --- */

int
ct_stats_read(const struct nl_reply *r, struct ct_stats *sum)
{
	struct nl_attr body, a;

	if (body_of(r, IPCTNL_MSG_CT_GET_STATS, &body)) {
		each_attr(&a, &body)
		{
			if (a.type == CTA_STATS_GLOBAL_ENTRIES)
				sum->entries = be32_of(&a);
		}
		return 0;
	}
	if (!body_of(r, IPCTNL_MSG_CT_GET_STATS_CPU, &body))
		return 1;
	each_attr(&a, &body)
	{
		uint64_t *const at[] = {
			[CTA_STATS_FOUND] = &sum->found,
			[CTA_STATS_INVALID] = &sum->invalid,
			[CTA_STATS_INSERT] = &sum->insert,
			[CTA_STATS_INSERT_FAILED] = &sum->insert_failed,
			[CTA_STATS_DROP] = &sum->drop,
			[CTA_STATS_EARLY_DROP] = &sum->early_drop,
			[CTA_STATS_ERROR] = &sum->error,
			[CTA_STATS_CHAIN_TOOLONG] = &sum->chain_too_long,
		};

		if (a.type < ARRAY_LEN(at) && at[a.type] != NULL)
			*at[a.type] += be32_of(&a);
	}
	return 0;
}

static int
stats_one(const struct nl_reply *r, void *arg, struct error *err)
{
	(void)err;
	(void)ct_stats_read(r, arg);
	return 0;
}

int
ct_stats(struct nl_sock *s, struct ct_stats *out, struct error *err)
{
	struct ct_stats sum = { 0 };
	const struct nl_sink sink = { stats_one, &sum };
	struct nl_msg m;

	request(&m, IPCTNL_MSG_CT_GET_STATS, 0, 0);
	if (nl_request(s, &m, &sink, err) < 0)
		return error_wrap(err, "statistics of connections");
	request(&m, IPCTNL_MSG_CT_GET_STATS_CPU, NLM_F_DUMP, 0);
	if (nl_request(s, &m, &sink, err) < 0)
		return error_wrap(err, "statistics of connections");
	*out = sum;
	return 0;
}
