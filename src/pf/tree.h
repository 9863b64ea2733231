/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.h - private to the pf.conf language: statements as they were written.
 *
 * The grammar fills one struct pf_stmt at a time and hands it to build.h at
 * the end of its line, so that messages come in the order of the file. Words
 * are not looked up yet: that is build's.
 */
#ifndef PF_TREE_H
#define PF_TREE_H
#include <stdbool.h>

#include "pf/rule.h"

/* A word or, when there is none, a number. */
struct pf_val {
	const char *word;
	long long num;
};

enum pf_host_kind {
	PF_HOST_WORD,  /* a, with mask perhaps */
	PF_HOST_RANGE, /* a - b */
	PF_HOST_DYN,   /* (a) */
	PF_HOST_TABLE, /* <a> */
	PF_HOST_ANY,
	PF_HOST_NOROUTE,
	PF_HOST_URPF,
};

/* One item of any list; which fields count depends on the list. */
struct pf_item {
	struct pf_item *next;
	struct pf_val a, b;
	bool has_b;
	bool not ;
	uint8_t kind;       /* of a host, of a state option, of a timeout */
	uint8_t op;         /* enum pf_op */
	int mask;           /* -1: none */
	const char *ifname; /* of route-to */
	int line;
};

struct pf_items {
	struct pf_item *first, *last;
};

/* Options of a stateful rule; a and b of the item are their values. */
enum pf_state_word {
	PF_SO_MAX,
	PF_SO_NO_SYNC,
	PF_SO_MAX_SRC_STATES,
	PF_SO_MAX_SRC_CONN,
	PF_SO_MAX_SRC_CONN_RATE,
	PF_SO_MAX_SRC_NODES,
	PF_SO_OVERLOAD, /* a: table, b.num: flush bits */
	PF_SO_TRACK,    /* a.num: enum pf_track */
	PF_SO_BOUND,    /* a.num: 1 if-bound, 0 floating */
	PF_SO_SLOPPY,
	PF_SO_RELATED,
	PF_SO_TIMEOUT, /* a: name, b: seconds */
};

enum pf_stmt_kind {
	PF_STMT_NONE,
	PF_STMT_FILTER,
	PF_STMT_ANCHOR,
	PF_STMT_TRANS_ANCHOR, /* nat-, rdr-, binat-anchor: see trans */
	PF_STMT_LOAD_ANCHOR,
	PF_STMT_ANTISPOOF,
	PF_STMT_SCRUB,
	PF_STMT_NAT, /* nat, rdr: see trans */
	PF_STMT_BINAT,
	PF_STMT_TABLE,
	PF_STMT_ETHER,
	PF_STMT_ETHER_ANCHOR,
	PF_STMT_ALTQ,
	PF_STMT_QUEUE,
};

struct pf_side {
	struct pf_items hosts, ports;
};

/* A pool as written: -> or nat-to and friends. */
struct pf_pool_stmt {
	bool is_set;
	struct pf_items hosts;
	bool has_port;
	struct pf_val port;
	uint8_t type; /* enum pf_pool_type */
	bool sticky, static_port, endpoint_independent;
	bool has_key;
	const char *key; /* NULL with has_key: a random one */
	bool has_mape;
	long long mape[3];
};

enum pf_sched { PF_SCHED_NONE, PF_CBQ, PF_PRIQ, PF_HFSC, PF_FAIRQ, PF_CODELQ };

/* A service curve of hfsc, or linkshare of fairq. */
struct pf_curve_stmt {
	bool given;
	struct pf_val m1, m2;
	long long d;
	bool two; /* m1 and d were given */
};

struct pf_queue_stmt {
	const char *name;
	uint8_t sched;
	struct pf_items flags; /* default, red, ecn, borrow ... */
	bool has_bandwidth, has_priority, has_qlimit, has_tbrsize;
	struct pf_val bandwidth;
	long long priority, qlimit, tbrsize;
	struct pf_curve_stmt linkshare, realtime, upperlimit;
	struct pf_val hogs;
	bool has_hogs;
	long long buckets, target, interval;
	struct pf_items children;
};

/* Everything that any statement can say. */
struct pf_stmt {
	enum pf_stmt_kind kind;
	int line;
	bool bad; /* a message was given: build nothing */
	/* What it does. */
	uint8_t action, ret;
	bool ret_given, no, pass;
	long long ret_ttl;
	struct pf_val code4, code6;
	bool has_code4, has_code6;
	uint8_t trans; /* enum pf_kind */
	/* Whom it meets. */
	uint8_t dir, af, log;
	bool quick;
	const char *log_to;
	struct pf_items ifs, protos, os, users, groups, icmp;
	uint8_t icmp_af; /* which word: icmp-type or icmp6-type */
	struct pf_side src, dst;
	/* Options, in the grammar's order. */
	bool has_flags, flags_any;
	const char *flags, *flag_mask;
	bool has_tos, has_prio, has_set_tos;
	struct pf_val tos, set_tos;
	long long prio, set_prio[2];
	int n_set_prio;
	bool has_state;
	uint8_t state;
	struct pf_items so;
	bool fragment, allow_opts, once;
	bool has_probability;
	struct pf_val probability;
	const char *label[PF_MAX_LABELS];
	int n_labels;
	long long ridentifier;
	const char *queue, *pqueue;
	long long dn[2];
	bool dn_is_queue;
	const char *tag, *tagged;
	bool tagged_not;
	long long rtable; /* -1: none */
	bool has_divert, divert_reply;
	const char *divert_host;
	struct pf_val divert_port;
	const char *rcv_if;
	bool rcv_if_not;
	uint8_t route;
	struct pf_pool_stmt route_pool, nat, rdr;
	bool binat_to;
	uint8_t af_to;
	struct {
		bool given, no_df, random_id, reassemble_tcp;
		int fragment; /* -1: not said, 0: no reassemble, 1: reassemble
		               */
		long long min_ttl, max_mss;
		bool has_set_tos;
		struct pf_val set_tos;
	} scrub;
	/* Names and files of anchors, tables and queues. */
	const char *name, *file;
	bool braces;
	struct {
		bool persist, constant, counters, init;
		struct pf_table_part_stmt {
			struct pf_table_part_stmt *next;
			const char *file; /* NULL: the hosts */
			struct pf_items hosts;
		} * first, *last;
	} table;
	struct pf_queue_stmt q;
	/* Ether. */
	struct pf_items macs_src, macs_dst;
	const char *bridge_to;
	struct pf_stmt *outer; /* the anchor whose braces we are in */
	/* Of an anchor with braces: its rules, and where it stands. */
	struct pf_ruleset *inside, *around;
};

struct pf_parser;

/* A new item at the end of a list; NULL: no memory. */
struct pf_item *pf_item_new(struct pf_parser *p);
void pf_items_add(struct pf_items *l, struct pf_item *i);
void pf_items_join(struct pf_items *l, const struct pf_items *more);
#endif
