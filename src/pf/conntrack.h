/* SPDX-License-Identifier: BSD-2-Clause */
/* conntrack.h - the kernel's table of connections, over netlink (ctnetlink).
 *
 * Owns reading, changing and deleting its entries, those of the network
 * namespace that the socket is of. Does not own what an entry means to pf
 * (states.h). Reading is pure: ct_read() takes a message as it came.
 */
#ifndef PF_CONNTRACK_H
#define PF_CONNTRACK_H
#include "linux/nl.h"
#include "pf/rule.h"

/* The two directions of a connection. */
enum { CT_ORIG, CT_REPLY };

/* One direction's addresses, as its packets have them when they arrive. */
struct ct_tuple {
	uint8_t af, proto;
	uint8_t icmp_type, icmp_code;
	struct pf_ip src, dst;
	uint16_t sport, dport; /* host order; of ICMP both are the id */
	bool has_ports;
};

/* What CTA_STATUS says, of what we ask: uapi/linux/netfilter/
 * nf_conntrack_common.h, enum ip_conntrack_status. */
enum {
	CT_SEEN_REPLY = 1 << 1,
	CT_ASSURED = 1 << 2,
	CT_SRC_NAT = 1 << 4,
	CT_DST_NAT = 1 << 5,
};

struct ct_entry {
	struct ct_tuple tuple[2]; /* by CT_ORIG, CT_REPLY */
	uint32_t id, mark, status, timeout_s;
	uint16_t zone;
	uint8_t tcp_state;    /* enum tcp_conntrack; 0 when not TCP */
	uint8_t tcp_flags[2]; /* IP_CT_TCP_FLAG_*, of each side */
	uint8_t wscale[2];
	uint8_t sctp_state; /* enum sctp_conntrack */
	uint64_t packets[2], bytes[2];
	uint64_t start_ns; /* since the epoch; 0: not known */
};

/*
 * One message of a dump. 0, or 1 when it is no entry of inet or inet6 (out is
 * then untouched); -EPROTO: an entry without both tuples, of two families, or
 * with a short value.
 */
int ct_read(const struct nl_reply *r, struct ct_entry *out, struct error *err);

struct ct_list {
	struct ct_entry *v; /* malloc'ed */
	size_t n, cap;
};

void ct_list_fini(struct ct_list *l);

/*
 * All entries into an empty list, of which ct_list_fini() is the caller's, also
 * after a failure. -E2BIG: more than NL_DUMP_MAX; -ENOMEM; the kernel's errno.
 * An entry may come twice or not at all when it moves meanwhile.
 */
int ct_dump(struct nl_sock *s, struct ct_list *l, struct error *err);

/* Delete one; one that is gone, or is not the same any more, is fine: 1. */
int ct_delete(struct nl_sock *s, const struct ct_entry *e, struct error *err);
/* Clear bits of its mark. The same. */
int ct_clear_mark(struct nl_sock *s, const struct ct_entry *e, uint32_t bits,
                  struct error *err);

/* Counters of the whole table, of all processors together. */
struct ct_stats {
	uint32_t entries;
	uint64_t invalid, insert_failed, drop, early_drop, chain_too_long;
	uint64_t found, insert, error;
};

int ct_stats(struct nl_sock *s, struct ct_stats *out, struct error *err);
/* Add what one message of statistics says. Pure. */
int ct_stats_read(const struct nl_reply *r, struct ct_stats *sum);
#endif
