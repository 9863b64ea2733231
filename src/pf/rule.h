/* SPDX-License-Identifier: BSD-2-Clause */
/* rule.h - a pf ruleset after all lists are expanded: what is printed,
 * checked, optimised, explained and compiled.
 *
 * One rule has one interface, one protocol, one address a side. Rules hang in
 * rulesets, one for each anchor, by kind. Everything lives in the arena of the
 * struct pf_config that owns it; pointers between rules, rulesets and tables
 * stay good as long as that does. Numbers of addresses and ports are in host
 * order, addresses themselves bytes as on the wire.
 * Source: pf.conf(5).
 */
#ifndef PF_RULE_H
#define PF_RULE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
	PF_MAX_FILE_BYTES = 16 << 20,
	PF_MAX_TOTAL_BYTES = 1 << 30, /* of memory, for one configuration */
	PF_MAX_INCLUDE = 16,          /* files in files */
	PF_MAX_DEPTH = 64,      /* anchors in anchors, host lists in lists */
	PF_MAX_RULES = 1 << 18, /* after expansion */
	PF_MAX_LABELS = 5,
	PF_LABEL_SIZE = 64,
	PF_TAG_SIZE = 64,
	PF_TABLE_SIZE = 32,
	PF_ANCHOR_SIZE = 64, /* one part of a path */
	PF_PATH_SIZE = 1024, /* a whole one */
	PF_IFNAME_SIZE = 16,
	PF_QUEUE_SIZE = 64,
	PF_RTABLE_MAX = 65535,
	PF_MAX_LATER = 1024, /* files of load anchor */
};

/* Address families with Linux's numbers, written out so that whoever reads
 * rules needs no sockets. */
enum { PF_AF_NONE = 0, PF_AF_INET = 2, PF_AF_INET6 = 10 };

/* Protocols that pf itself knows. */
enum {
	PF_PROTO_ICMP = 1,
	PF_PROTO_TCP = 6,
	PF_PROTO_UDP = 17,
	PF_PROTO_ICMP6 = 58,
	PF_PROTO_SCTP = 132,
};

enum pf_kind {
	PF_SCRUB,
	PF_ETHER,
	PF_NAT,
	PF_BINAT,
	PF_RDR,
	PF_FILTER,
	PF_NKINDS
};

enum pf_dir { PF_INOUT, PF_IN, PF_OUT };

enum pf_addr_kind {
	PF_ADDR_ANY,
	PF_ADDR_NET,   /* ip/bits; a single address has all bits */
	PF_ADDR_RANGE, /* ip - last */
	PF_ADDR_TABLE, /* name */
	PF_ADDR_DYN,   /* (name): what the interface has at the moment */
	PF_ADDR_NOROUTE,
	PF_ADDR_URPF, /* would not be routed back where it came from */
};

/* Of PF_ADDR_DYN, and of interface words while they are resolved. */
enum {
	PF_DYN_NETWORK = 1,
	PF_DYN_BROADCAST = 2,
	PF_DYN_PEER = 4,
	PF_DYN_NOALIAS = 8, /* :0 */
};

struct pf_ip {
	uint8_t b[16]; /* the first 4 for inet; the rest zero */
};

struct pf_addr {
	uint8_t kind; /* enum pf_addr_kind */
	uint8_t af;
	uint8_t bits;
	uint8_t dyn;
	struct pf_ip ip, last;
	const char *name;
};

enum pf_op {
	PF_OP_NONE,
	PF_OP_EQ,
	PF_OP_NE,
	PF_OP_LT,
	PF_OP_LE,
	PF_OP_GT,
	PF_OP_GE,
	PF_OP_RANGE,   /* a:b, with both ends */
	PF_OP_INSIDE,  /* a >< b, without */
	PF_OP_OUTSIDE, /* a <> b */
};

/* A condition on a port, or on a user or group id. */
struct pf_cmp {
	uint8_t op; /* enum pf_op */
	uint32_t a, b;
};

#define PF_ID_UNKNOWN UINT32_MAX

struct pf_peer {
	struct pf_addr addr;
	bool not ;
	struct pf_cmp port;
};

enum pf_pool_type {
	PF_POOL_NONE,
	PF_POOL_BITMASK,
	PF_POOL_RANDOM,
	PF_POOL_SOURCEHASH,
	PF_POOL_ROUNDROBIN,
};

struct pf_target {
	struct pf_addr addr;
	const char *ifname; /* of route-to; NULL: none */
};

struct pf_pool {
	struct pf_target *target;
	size_t n;
	uint8_t type;
	bool sticky, static_port;
	bool is_set; /* the rule has one, though it may name no address */
	bool endpoint_independent;
	uint16_t port_lo, port_hi; /* 0: none */
	uint8_t key[16];           /* of source-hash */
	uint8_t mape_offset, mape_psidlen;
	uint16_t mape_psid;
};

enum pf_action { PF_PASS, PF_BLOCK, PF_MATCH };
enum pf_return {
	PF_DROP,
	PF_RETURN,
	PF_RETURN_RST,
	PF_RETURN_ICMP,
};
enum pf_state {
	PF_STATE_NONE,
	PF_STATE_KEEP,
	PF_STATE_MODULATE,
	PF_STATE_SYNPROXY,
};
enum pf_route {
	PF_ROUTE_NONE,
	PF_FASTROUTE,
	PF_ROUTE_TO,
	PF_REPLY_TO,
	PF_DUP_TO
};
enum { PF_LOG = 1, PF_LOG_ALL = 2, PF_LOG_USER = 4 };
enum pf_track { PF_TRACK_NONE, PF_TRACK_ON, PF_TRACK_GLOBAL, PF_TRACK_RULE };
enum { PF_FLUSH = 1, PF_FLUSH_GLOBAL = 2 };

/* In the kernel's order, which is that of printing. */
enum pf_timeout {
	PF_TM_TCP_FIRST,
	PF_TM_TCP_OPENING,
	PF_TM_TCP_ESTABLISHED,
	PF_TM_TCP_CLOSING,
	PF_TM_TCP_FINWAIT,
	PF_TM_TCP_CLOSED,
	PF_TM_SCTP_FIRST,
	PF_TM_SCTP_OPENING,
	PF_TM_SCTP_ESTABLISHED,
	PF_TM_SCTP_CLOSING,
	PF_TM_SCTP_CLOSED,
	PF_TM_UDP_FIRST,
	PF_TM_UDP_SINGLE,
	PF_TM_UDP_MULTIPLE,
	PF_TM_ICMP_FIRST,
	PF_TM_ICMP_ERROR,
	PF_TM_OTHER_FIRST,
	PF_TM_OTHER_SINGLE,
	PF_TM_OTHER_MULTIPLE,
	PF_TM_FRAG,
	PF_TM_INTERVAL,
	PF_TM_ADAPTIVE_START,
	PF_TM_ADAPTIVE_END,
	PF_TM_SRC_TRACK,
	PF_TM_TCP_TSDIFF,
	PF_NTIMEOUTS
};

/* What a stateful rule says about its states. 0 is "not said" throughout. */
struct pf_state_opts {
	uint32_t max, max_src_states, max_src_conn, max_src_nodes;
	uint32_t rate_limit, rate_seconds; /* max-src-conn-rate */
	uint8_t track;                     /* enum pf_track */
	bool no_sync, if_bound, sloppy, allow_related;
	bool floating;        /* said so, where if-bound is the policy */
	const char *overload; /* a table */
	uint8_t flush;
	uint32_t timeout[PF_NTIMEOUTS]; /* seconds; adaptive.*: states */
	uint32_t timeout_set;           /* bits: which are given */
};

/* Scrubbing, by an old scrub rule or by scrub (...) of a filter rule. */
struct pf_scrub {
	bool no_df, random_id, reassemble_tcp, on;
	bool fragment_no_reassemble; /* old rules only */
	uint8_t min_ttl;
	uint16_t max_mss;
	int set_tos; /* -1: none */
};

struct pf_ruleset;

struct pf_rule {
	unsigned nr;     /* in its ruleset, by kind */
	unsigned id;     /* over all rulesets, from 1, */
	unsigned *sid;   /* and of its states, one for each tag that they can */
	unsigned n_sids; /* have: number.h's */
	const char *file; /* it was written in */
	int line;
	uint8_t kind; /* enum pf_kind */
	uint8_t action, ret;
	bool no;   /* no nat, no rdr, no binat, no scrub */
	bool pass; /* nat pass, rdr pass, binat pass */
	uint8_t dir, af;
	bool quick, if_not;
	uint8_t log, log_if;
	uint8_t ret_ttl;
	uint16_t icmp4, icmp6; /* type << 8 | code, of block return-icmp */
	const char *ifname;    /* NULL: any */
	const char *rcv_if;    /* received-on */
	bool rcv_if_not;
	uint8_t proto; /* 0: any */
	uint8_t flags, flag_mask;
	/* One more than the number, so that 0 is "any". */
	uint16_t icmp_type, icmp_code;
	struct pf_peer src, dst;
	const char *os;
	struct pf_cmp uid, gid;
	int tos; /* -1: any; as are the next */
	int prio;
	int set_prio[2], set_tos;
	uint8_t state; /* enum pf_state */
	bool no_state; /* said so, which only print tells from block's */
	struct pf_state_opts so;
	bool fragment, allow_opts, once;
	uint32_t probability; /* 0: always; of 2^32 - 1 */
	const char *label[PF_MAX_LABELS];
	uint32_t ridentifier;
	const char *queue, *pqueue;
	uint16_t dn[2];
	bool dn_is_queue;
	const char *tag, *tagged;
	bool tagged_not;
	int rtable; /* -1: none */
	uint16_t divert_port;
	struct pf_addr divert_addr;
	bool divert_reply;
	uint8_t route; /* enum pf_route */
	struct pf_pool route_pool;
	struct pf_pool nat, rdr; /* nat-to, rdr-to; the pool of a nat, rdr or
	                            binat rule is in the one of its name,
	                            binat's in nat */
	bool binat_to;
	uint8_t af_to; /* 0: none */
	struct pf_scrub scrub;

	/* An anchor: where it stands, and what it evaluates. */
	bool is_anchor, anchor_wildcard;
	const char *anchor_name;   /* as written; NULL: unnamed */
	struct pf_ruleset *anchor; /* the ruleset it leads to */
	bool is_inline;            /* had braces */

	const struct pf_ruleset *ruleset; /* it stands in */
	struct pf_rule *next;
};

struct pf_table_addr {
	struct pf_addr addr;
	bool not ;
};

struct pf_content;

struct pf_table {
	struct pf_table *next;
	const char *name;
	bool persist, constant, counters;
	bool has_init; /* was given addresses, if only { } */
	bool is_auto;  /* the optimizer made it */
	bool dynamic;  /* overload names it: packets add to it */
	bool hashed;   /* it has two sets; both are the compiler's */
	struct pf_table_addr *addr;
	size_t n, cap;
	/* What it holds by now, when that is known: instead of addr. */
	struct pf_content *content;
	/* For print: what stood in the definition, in order. */
	struct pf_table_part {
		struct pf_table_part *next;
		const char
		    *file; /* NULL: addresses from first, count of them */
		size_t first, count;
	} * part, *last_part;
};

struct pf_rules {
	struct pf_rule *first, *last;
	unsigned n;
};

/* The main ruleset or an anchor's. */
struct pf_ruleset {
	const char *name; /* one part; "" for the main one */
	const char *path; /* "a/b"; "" for the main one */
	struct pf_ruleset *parent, *child, *next;
	bool is_inline; /* its rules stand in braces */
	bool is_loaded; /* a file was read for it: the main one, or an anchor's
	                 */
	struct pf_rules rules[PF_NKINDS];
	struct pf_table *table, *last_table;
};

enum pf_limit {
	PF_LIMIT_STATES,
	PF_LIMIT_SRC_NODES,
	PF_LIMIT_FRAGS,
	PF_LIMIT_TABLES,
	PF_LIMIT_TABLE_ENTRIES,
	PF_NLIMITS
};

struct pf_numbers;

struct pf_options {
	uint32_t timeout[PF_NTIMEOUTS];
	uint32_t timeout_set;
	uint32_t limit[PF_NLIMITS];
	uint32_t limit_set;
	const char *optimization;
	const char *loginterface; /* NULL: not said; "none" */
	uint8_t debug;
	bool debug_set;
	uint32_t hostid;
	bool hostid_set;
	bool keepcounters;
	bool reassemble, reassemble_no_df, reassemble_set;
	uint8_t syncookies; /* 0 never, 1 always, 2 adaptive */
	uint8_t syncookies_high, syncookies_low; /* per cent */
	bool syncookies_set;
	bool if_bound; /* state-policy */
	uint8_t block_policy, fail_policy;
	uint8_t optimize; /* enum pf_optimize */
	const char *fingerprints;
	const char **skip;
	size_t n_skip, cap_skip;
	bool skip_set;
};

enum pf_optimize { PF_OPT_NONE, PF_OPT_BASIC, PF_OPT_PROFILE };

/* A whole configuration: what one pfctl -f loads. */
struct pf_config {
	struct arena arena;
	struct pf_ruleset *main;
	struct pf_options opts;
	unsigned n_rules;
	struct pf_numbers *numbers; /* number.h; NULL: not numbered */
	struct pf_config *held;     /* whose rules numbers have still: ours */
	struct buf echo;            /* what pfctl -v prints while it parses */
};

/* Does the protocol have ports that rules can ask for? */
static inline bool
pf_has_ports(unsigned proto)
{
	return proto == PF_PROTO_TCP || proto == PF_PROTO_UDP ||
	       proto == PF_PROTO_SCTP;
}

static inline unsigned
pf_af_bits(unsigned af)
{
	return af == PF_AF_INET ? 32 : 128;
}
#endif
