/* SPDX-License-Identifier: BSD-2-Clause */
/* pflog.h - packets that rules log, as pflog(4) and pcap(3) have them.
 *
 * The kernel hands them out by nflog, with what logline.h says of the rule.
 * Here they get pf's header before the packet, and the whole becomes a record
 * of a pcap file of link type PFLOG, which tcpdump reads. Pure.
 * Source: pflog(4); pcap-savefile(5); Linux uapi nfnetlink_log.h.
 */
#ifndef PF_PFLOG_H
#define PF_PFLOG_H
#include "base/buf.h"
#include "linux/nl.h"
#include "pf/logline.h"

enum {
	PFLOG_HEADER = 72,   /* bytes before each packet */
	PFLOG_SNAPLEN = 116, /* pflogd's: header and the packet's beginning */
	PFLOG_MAX_SNAPLEN = 65535,
	PFLOG_LINKTYPE = 117,
};

/* One logged packet; pointers are into the message. */
struct pflog_packet {
	struct pf_logline line;
	uint8_t af;
	bool in;          /* else out */
	uint32_t ifindex; /* it came in by, or goes out by */
	uint32_t uid;     /* of its socket; UINT32_MAX: not known */
	int64_t sec;
	uint32_t usec; /* 0 and 0: the kernel did not say */
	const uint8_t *data;
	size_t len;
};

/* Read one message. false: it is no packet that a rule of ours logged. */
bool pflog_read(const struct nl_reply *r, struct pflog_packet *out);

/* What is the same in each header. */
struct pflog_env {
	uint32_t snaplen; /* of header and packet together */
	uint32_t rule_uid;
	int32_t rule_pid;
};

/* A pcap file's beginning; a packet's record. ifname is that of ifindex. */
void pflog_put_begin(uint32_t snaplen, struct buf *out);
void pflog_put(const struct pflog_packet *p, const struct pflog_env *env,
               const char *ifname, struct buf *out);
#endif
