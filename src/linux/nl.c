/* SPDX-License-Identifier: BSD-2-Clause */
/* nl.c - netlink: requests to the kernel, and its answers. */
#include "linux/nl.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>

#include "base/base.h"

static size_t
align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* len zeroed bytes at the end of m, padded to the next attribute; NULL when m
 * is full. */
static unsigned char *
msg_room(struct nl_msg *m, size_t len)
{
	unsigned char *p = m->data + m->len;

	if (m->overflow || len > sizeof(m->data) ||
	    align4(len) > sizeof(m->data) - m->len) {
		m->overflow = true;
		return NULL;
	}
	memset(p, 0, align4(len));
	m->len += align4(len);
	return p;
}

void
nl_msg_init(struct nl_msg *m, uint16_t type, uint16_t flags, const void *body,
            size_t len)
{
	struct nlmsghdr h = { .nlmsg_type = type };
	unsigned char *p;

	h.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK);
	m->len = 0;
	m->overflow = false;
	memcpy(msg_room(m, sizeof(h)), &h, sizeof(h));
	p = msg_room(m, len);
	if (p != NULL && len > 0)
		memcpy(p, body, len);
}

void
nl_put(struct nl_msg *m, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_type = type };
	unsigned char *p = NULL;

	if (len <= NL_MSG_MAX)
		p = msg_room(m, sizeof(a) + len);
	if (p == NULL) {
		m->overflow = true;
		return;
	}
	a.nla_len = (uint16_t)(sizeof(a) + len);
	memcpy(p, &a, sizeof(a));
	if (len > 0)
		memcpy(p + sizeof(a), data, len);
}

void
nl_put_u8(struct nl_msg *m, uint16_t type, uint8_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void
nl_put_u16(struct nl_msg *m, uint16_t type, uint16_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void
nl_put_u32(struct nl_msg *m, uint16_t type, uint32_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void
nl_put_str(struct nl_msg *m, uint16_t type, const char *s)
{
	nl_put(m, type, s, strlen(s) + 1);
}

size_t
nl_nest(struct nl_msg *m, uint16_t type, const void *body, size_t len)
{
	size_t mark = m->len;

	nl_put(m, type, body, len);
	return mark;
}

void
nl_nest_end(struct nl_msg *m, size_t mark)
{
	uint16_t len = (uint16_t)(m->len - mark);

	if (!m->overflow) /* nla_len is the first field */
		memcpy(m->data + mark, &len, sizeof(len));
}

bool
nl_attr_next(const unsigned char *p, size_t len, size_t *off,
             struct nl_attr *out)
{
	struct nlattr a;

	if (*off > len || len - *off < sizeof(a))
		return false;
	memcpy(&a, p + *off, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len > len - *off)
		return false;
	out->type = a.nla_type & NLA_TYPE_MASK;
	out->data = p + *off + sizeof(a);
	out->len = a.nla_len - sizeof(a);
	*off += align4(a.nla_len);
	return true;
}

uint8_t
nl_attr_u8(const struct nl_attr *a)
{
	return a->len >= 1 ? a->data[0] : 0;
}

uint16_t
nl_attr_u16(const struct nl_attr *a)
{
	uint16_t v = 0;

	if (a->len >= sizeof(v))
		memcpy(&v, a->data, sizeof(v));
	return v;
}

uint32_t
nl_attr_u32(const struct nl_attr *a)
{
	uint32_t v = 0;

	if (a->len >= sizeof(v))
		memcpy(&v, a->data, sizeof(v));
	return v;
}

uint64_t
nl_attr_be64(const struct nl_attr *a)
{
	uint64_t v = 0;

	if (a->len >= sizeof(v))
		memcpy(&v, a->data, sizeof(v));
	return be64toh(v);
}

bool
nl_attr_str(const struct nl_attr *a, char *out, size_t cap)
{
	size_t len = strnlen((const char *)a->data, a->len);

	if (len >= cap) {
		out[0] = '\0';
		return false;
	}
	memcpy(out, a->data, len);
	out[len] = '\0';
	return true;
}

/* The kernel's own words about a refusal, "" when it sent none. data is the
 * payload of an NLMSG_ERROR. */
static void
extended_ack(const unsigned char *data, size_t len, uint16_t flags, char *out,
             size_t cap)
{
	size_t off = sizeof(struct nlmsgerr);
	struct nlmsgerr e;
	struct nl_attr a;

	out[0] = '\0';
	if (!(flags & NLM_F_ACK_TLVS) || len < sizeof(e))
		return;
	memcpy(&e, data, sizeof(e));
	if (!(flags & NLM_F_CAPPED)) { /* the request follows, whole */
		size_t echoed = e.msg.nlmsg_len;

		if (echoed < sizeof(e.msg) || echoed > len)
			return;
		off += align4(echoed - sizeof(e.msg));
	}
	while (nl_attr_next(data, len, &off, &a))
		if (a.type == NLMSGERR_ATTR_MSG)
			nl_attr_str(&a, out, cap);
}

/* An NLMSG_ERROR (code 0 is an acknowledgement) or the int of an NLMSG_DONE. */
static int
reply_status(const unsigned char *data, size_t len, uint16_t flags,
             struct error *err)
{
	char more[256];
	int code;

	if (len < sizeof(code))
		return error_set(err, -EPROTO, "netlink: short answer");
	memcpy(&code, data, sizeof(code));
	if (code >= 0)
		return 0;
	if (code < -4095)
		return error_set(err, -EPROTO, "netlink: error %d", code);
	extended_ack(data, len, flags, more, sizeof(more));
	if (more[0] != '\0')
		return error_set(err, code, "%s (%s)", strerror(-code), more);
	return error_set(err, code, "%s", strerror(-code));
}

/* One message that belongs to the request. */
static int
reply_one(const struct nlmsghdr *h, const unsigned char *data, size_t len,
          struct nl_progress *p, const struct nl_sink *sink, struct error *err)
{
	const struct nl_reply r = { h->nlmsg_type, data, len };

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		p->torn = true;
	if (h->nlmsg_type == NLMSG_ERROR) {
		p->done = true;
		return reply_status(data, len, h->nlmsg_flags, err);
	}
	if (h->nlmsg_type == NLMSG_DONE) {
		p->done = true;
		return len == 0 ? 0 : reply_status(data, len, 0, err);
	}
	if (h->nlmsg_type < NLMSG_MIN_TYPE || sink == NULL ||
	    sink->each == NULL)
		return 0;
	return sink->each(&r, sink->arg, err);
}

int
nl_reply_read(const void *buf, size_t len, struct nl_progress *p,
              const struct nl_sink *sink, struct error *err)
{
	const unsigned char *at = buf;
	struct nlmsghdr h;
	int rc;

	while (len > 0 && !p->done) {
		if (len < sizeof(h))
			return error_set(err, -EPROTO, "netlink: cut header");
		memcpy(&h, at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len)
			return error_set(err, -EPROTO,
			                 "netlink: message of %u "
			                 "bytes in %zu",
			                 h.nlmsg_len, len);
		if (p->seen++ >= NL_DUMP_MAX)
			return error_set(err, -E2BIG,
			                 "netlink: over %d answers",
			                 NL_DUMP_MAX);
		if (h.nlmsg_seq == p->seq) {
			rc = reply_one(&h, at + sizeof(h),
			               h.nlmsg_len - sizeof(h), p, sink, err);
			if (rc < 0)
				return rc;
		}
		rc = h.nlmsg_len < len ? (int)align4(h.nlmsg_len) : (int)len;
		at += (size_t)rc > len ? len : (size_t)rc;
		len -= (size_t)rc > len ? len : (size_t)rc;
	}
	return 0;
}

/* socket(2) in another namespace; the caller's is put back. */
static int
socket_in(int protocol, int netns_fd, struct error *err)
{
	const int type = SOCK_RAW | SOCK_CLOEXEC;
	cleanup_close int home = -1, fd = -1;

	if (netns_fd < 0) {
		fd = socket(AF_NETLINK, type, protocol);
		if (fd < 0)
			return error_sys(err, "netlink socket");
		return take_fd(&fd);
	}
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return error_sys(err, "open '/proc/self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return error_sys(err, "enter network namespace");
	fd = socket(AF_NETLINK, type, protocol);
	if (fd < 0)
		error_sys(err, "netlink socket");
	if (setns(home, CLONE_NEWNET) < 0)
		return error_sys(err, "return to network namespace");
	return fd < 0 ? err->code : take_fd(&fd);
}

int
nl_open(struct nl_sock *s, int protocol, int netns_fd, struct error *err)
{
	static const int on[] = { NETLINK_EXT_ACK, NETLINK_CAP_ACK,
		                  NETLINK_GET_STRICT_CHK };
	const int one = 1;
	int fd = socket_in(protocol, netns_fd, err);

	if (fd < 0)
		return fd;
	/* All three only make answers better: an old kernel may lack one. */
	for (size_t i = 0; i < ARRAY_LEN(on); i++)
		(void)setsockopt(fd, SOL_NETLINK, on[i], &one, sizeof(one));
	s->fd = fd;
	s->seq = 0;
	return 0;
}

void
nl_close(struct nl_sock *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* One datagram that came from the kernel itself. */
static ssize_t
receive(int fd, void *buf, size_t cap, int flags, struct error *err)
{
	struct sockaddr_nl from;
	struct iovec iov = { buf, cap };
	struct msghdr mh = { .msg_name = &from,
		             .msg_namelen = sizeof(from),
		             .msg_iov = &iov,
		             .msg_iovlen = 1 };
	ssize_t n;

	do {
		mh.msg_namelen = sizeof(from);
		n = recvmsg(fd, &mh, flags);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return error_sys(err, "netlink receive");
	if (mh.msg_flags & MSG_TRUNC)
		return error_set(err, -EPROTO,
		                 "netlink: datagram over %zu "
		                 "bytes",
		                 cap);
	return n;
}

int
nl_request(struct nl_sock *s, struct nl_msg *m, const struct nl_sink *sink,
           struct error *err)
{
	_Alignas(4) unsigned char buf[NL_REPLY_MAX];
	struct nl_progress p = { .seq = ++s->seq };
	struct nlmsghdr h;
	ssize_t n;

	if (m->overflow)
		return error_set(err, -EMSGSIZE,
		                 "netlink: request over %d "
		                 "bytes",
		                 NL_MSG_MAX);
	memcpy(&h, m->data, sizeof(h));
	h.nlmsg_len = (uint32_t)m->len;
	h.nlmsg_seq = p.seq;
	memcpy(m->data, &h, sizeof(h));
	do {
		n = send(s->fd, m->data, m->len, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_sys(err, "netlink send");
	while (!p.done) {
		n = receive(s->fd, buf, sizeof(buf), 0, err);
		if (n < 0)
			return (int)n;
		if (nl_reply_read(buf, (size_t)n, &p, sink, err) < 0)
			return err->code;
	}
	return p.torn ? 1 : 0;
}

int
nl_dump(struct nl_sock *s, struct nl_msg *m, const struct nl_sink *sink,
        size_t *n, struct error *err)
{
	int rc = 1;

	for (int tries = 0; rc == 1 && tries < 10; tries++) {
		*n = 0;
		rc = nl_request(s, m, sink, err);
	}
	return rc < 0 ? rc : 0;
}

/* --- batches --- */

void
nl_batch_fini(struct nl_batch *b)
{
	buf_fini(&b->bytes);
	b->n = 0;
	b->overflow = false;
}

void
nl_batch_add(struct nl_batch *b, const struct nl_msg *m)
{
	struct nlmsghdr h;

	if (m->overflow) {
		b->overflow = true;
		return;
	}
	memcpy(&h, m->data, sizeof(h));
	h.nlmsg_len = (uint32_t)m->len;
	h.nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	b->last = b->bytes.len;
	b->n++;
	buf_put(&b->bytes, &h, sizeof(h));
	buf_put(&b->bytes, m->data + sizeof(h), m->len - sizeof(h));
}

void
nl_batch_ack_last(struct nl_batch *b)
{
	struct nlmsghdr h;

	if (b->n == 0 || b->bytes.failed)
		return;
	memcpy(&h, b->bytes.data + b->last, sizeof(h));
	h.nlmsg_flags |= NLM_F_ACK;
	memcpy(b->bytes.data + b->last, &h, sizeof(h));
}

/* Give the requests the socket's next numbers. */
static void
number(struct nl_sock *s, struct nl_batch *b)
{
	struct nlmsghdr h;

	for (size_t at = 0; at < b->bytes.len; at += align4(h.nlmsg_len)) {
		memcpy(&h, b->bytes.data + at, sizeof(h));
		h.nlmsg_seq = ++s->seq;
		memcpy(b->bytes.data + at, &h, sizeof(h));
	}
}

/* What came back for the requests numbered first and on. *out_acked: any. */
static int
batch_read(const unsigned char *at, size_t len, uint32_t first, unsigned n,
           bool *out_acked, struct error *err)
{
	struct nl_progress p = { 0 };
	struct nlmsghdr h;
	struct error e;

	while (len >= sizeof(h)) {
		size_t bytes;

		memcpy(&h, at, sizeof(h));
		p.seq = h.nlmsg_seq;
		p.done = false;
		bytes = h.nlmsg_len < len ? align4(h.nlmsg_len) : len;
		if (nl_reply_read(at, h.nlmsg_len < len ? h.nlmsg_len : len, &p,
		                  NULL, &e) < 0 &&
		    h.nlmsg_seq - first < n) {
			*err = e;
			return err->code;
		}
		*out_acked |= p.done && h.nlmsg_seq - first < n;
		if (bytes < sizeof(h))
			break;
		at += bytes > len ? len : bytes;
		len -= bytes > len ? len : bytes;
	}
	return 0;
}

int
nl_batch_send(struct nl_sock *s, struct nl_batch *b, struct error *err)
{
	_Alignas(4) unsigned char buf[NL_REPLY_MAX];
	const uint32_t first = s->seq + 1;
	int room = b->bytes.len > INT_MAX / 2 ? INT_MAX : (int)b->bytes.len * 2;
	bool acked = false;
	ssize_t n;

	if (b->overflow || b->bytes.failed)
		return error_set(err, b->overflow ? -EMSGSIZE : -ENOMEM,
		                 "netlink: batch of %u requests", b->n);
	number(s, b);
	(void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room,
	                 sizeof(room));
	do {
		n = send(s->fd, b->bytes.data, b->bytes.len, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_sys(err, "netlink send");
	while (!acked) {
		n = receive(s->fd, buf, sizeof(buf), MSG_DONTWAIT, err);
		if (n == -EAGAIN)
			return error_set(err, -EPROTO,
			                 "netlink: no answer to a batch");
		if (n < 0)
			return (int)n;
		if (batch_read(buf, (size_t)n, first, b->n, &acked, err) < 0)
			return err->code;
	}
	return 0;
}
