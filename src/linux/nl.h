/* SPDX-License-Identifier: BSD-2-Clause */
/* nl.h - netlink: requests to the kernel, and its answers.
 *
 * Owns message building and reading with bounds, sequence numbers, the
 * acknowledgement and the words the kernel adds to an error. Knows no route,
 * link or rule: callers put and read their own attributes.
 *
 * Not called netlink.h: that is the kernel's own header.
 *
 * Written on the bare socket, not over libmnl: the hook helpers are static so
 * that they run inside any jail, and Debian ships libmnl as a shared library
 * only.
 *
 * Threads: none; a socket serves one request at a time, each call blocks until
 * the kernel answered. What comes back is read by nl_reply_read() and the
 * attribute walkers, which are pure.
 */
#ifndef LINUX_NL_H
#define LINUX_NL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum {
	NL_MSG_MAX = 2048,     /* one request, bytes */
	NL_REPLY_MAX = 32768,  /* one datagram of answers, bytes */
	NL_DUMP_MAX = 1 << 22, /* messages in the answer to one request */
};

/* A request under construction, in the caller's storage. */
struct nl_msg {
	size_t len;
	bool overflow; /* something did not fit; nl_request() refuses */
	_Alignas(4) unsigned char data[NL_MSG_MAX];
};

/* type and flags as in nlmsghdr; NLM_F_REQUEST and NLM_F_ACK are added. body
 * is the family's fixed header (struct ifinfomsg, ...). */
void nl_msg_init(struct nl_msg *m, uint16_t type, uint16_t flags,
                 const void *body, size_t len);
void nl_put(struct nl_msg *m, uint16_t type, const void *p, size_t len);
void nl_put_u8(struct nl_msg *m, uint16_t type, uint8_t v);
void nl_put_u16(struct nl_msg *m, uint16_t type, uint16_t v);
void nl_put_u32(struct nl_msg *m, uint16_t type, uint32_t v);
void nl_put_str(struct nl_msg *m, uint16_t type, const char *s);
/* Attributes between nl_nest() and nl_nest_end() are inside type; body may be
 * a fixed header in front of them. Returns the mark for the end. */
size_t nl_nest(struct nl_msg *m, uint16_t type, const void *body, size_t len);
void nl_nest_end(struct nl_msg *m, size_t mark);

/* One message of an answer; data points into the datagram. */
struct nl_reply {
	uint16_t type;
	const unsigned char *data; /* after the nlmsghdr */
	size_t len;
};

/* Told each message; a negative return ends the request with it. */
struct nl_sink {
	int (*each)(const struct nl_reply *r, void *arg, struct error *err);
	void *arg;
};

/* How far the answer to one request has come. */
struct nl_progress {
	uint32_t seq;  /* of the request; other messages are skipped */
	unsigned seen; /* messages so far */
	bool done;     /* acknowledged, or the dump has ended */
	bool torn;     /* the dump changed under the reader: read again */
};

/*
 * Read one datagram. Pure; sink.each may be NULL.
 *
 * Returns 0 and brings p forward. Errors: the kernel's errno with its text and,
 * in brackets, its extended acknowledgement ("File exists (...)"); -EPROTO a
 * message or attribute that does not fit its datagram; -E2BIG more than
 * NL_DUMP_MAX messages.
 * Source: netlink(7); Linux Documentation/userspace-api/netlink/intro.rst.
 */
int nl_reply_read(const void *buf, size_t len, struct nl_progress *p,
                  const struct nl_sink *sink, struct error *err);

struct nl_attr {
	uint16_t type; /* flag bits removed */
	const unsigned char *data;
	size_t len;
};

/* The attribute at *off of p[0..len), and *off past it. False at the end, and
 * for whatever does not fit: nothing behind such an attribute is believed. */
bool nl_attr_next(const unsigned char *p, size_t len, size_t *off,
                  struct nl_attr *out);
/* The value; 0 when it is shorter than asked. */
uint8_t nl_attr_u8(const struct nl_attr *a);
uint16_t nl_attr_u16(const struct nl_attr *a);
uint32_t nl_attr_u32(const struct nl_attr *a);
/* In network order, as netfilter has its numbers. */
uint64_t nl_attr_be64(const struct nl_attr *a);
/* Copy a string of at most cap - 1 bytes; false and "" when it is longer. */
bool nl_attr_str(const struct nl_attr *a, char *out, size_t cap);

struct nl_sock {
	int fd; /* -1: closed */
	uint32_t seq;
};

/*
 * Open a socket of a protocol (NETLINK_ROUTE) in the network namespace netns_fd
 * stands for, or the caller's own when that is -1. The caller's namespace is
 * as before on return; going there takes CAP_SYS_ADMIN over it.
 */
int nl_open(struct nl_sock *s, int protocol, int netns_fd, struct error *err);
void nl_close(struct nl_sock *s); /* a closed one is fine */

/*
 * Send m and read the whole answer. sink may be NULL.
 *
 * Returns 0, or 1 when a dump was torn by a change meanwhile and should be
 * asked for again. Errors: those of nl_reply_read(), and of the socket.
 */
int nl_request(struct nl_sock *s, struct nl_msg *m, const struct nl_sink *sink,
               struct error *err);

/* The same for a dump that sink gathers and counts in *n: from the beginning
 * again while it is torn, ten times at most. The last is taken as it is. */
int nl_dump(struct nl_sock *s, struct nl_msg *m, const struct nl_sink *sink,
            size_t *n, struct error *err);

/*
 * Requests that are sent at once, as many as there is memory for: nf_tables
 * does all or none of those between its own first and last message, which are
 * requests here as any other.
 */
struct nl_batch {
	struct buf bytes;
	size_t last; /* where the last request begins */
	unsigned n;
	bool overflow; /* of one of the requests */
};

#define NL_BATCH_INIT                                                          \
	{                                                                      \
		BUF_INIT, 0, 0, false                                          \
	}
void nl_batch_fini(struct nl_batch *b);
/* Another request, copied. The kernel answers only when it refuses it, */
void nl_batch_add(struct nl_batch *b, const struct nl_msg *m);
/* or when this asks it to acknowledge the last one. */
void nl_batch_ack_last(struct nl_batch *b);
/*
 * Send all, and read what the kernel says to them, which it does before the
 * sending returns. One request at least wants an answer. 0, or the first error.
 * -EMSGSIZE: more than a socket may hold; beyond net.core.wmem_max that takes
 * CAP_NET_ADMIN over the machine.
 */
int nl_batch_send(struct nl_sock *s, struct nl_batch *b, struct error *err);
#endif
