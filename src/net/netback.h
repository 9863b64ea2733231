/* SPDX-License-Identifier: BSD-2-Clause */
/* netback.h - the host's side of a guest's network card: frames in and out.
 *
 * Every frame has a header of NETBACK_HEADER bytes before it, struct
 * virtio_net_hdr with its num_buffers (VIRTIO 1.2, 5.1.6.1; little endian),
 * whatever the back end: one that cannot offload gives zeros and drops what it
 * gets. Does not own bridges, but a tap may be told to join one.
 *
 * Threads: the calls of one queue come from one thread at a time; open and
 * close from one alone. Nothing but open and ready blocks or needs rights.
 */
#ifndef NET_NETBACK_H
#define NET_NETBACK_H
#include <sys/types.h>
#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>

struct error;
struct netback;

enum { NETBACK_HEADER = 12, NETBACK_MAX_QUEUES = 8, NETBACK_MAX_PARTS = 1024 };

/* What who receives a frame must do to it, when the sender did not. */
enum netback_offload {
	NETBACK_CSUM = 1,
	NETBACK_TSO4 = 2,
	NETBACK_TSO6 = 4,
	NETBACK_ECN = 8,
	NETBACK_ALL = 15
};

struct netback_options {
	const char *name;    /* "tap0", "slirp"; NULL: no network */
	const char *type;    /* the family it must be of; NULL: any */
	unsigned queues;     /* wanted; fewer may come of it */
	bool open;           /* slirp: the guest may reach the outside */
	const char *bridge;  /* tap: the bridge it joins; NULL: as it is */
	const char *hostfwd; /* slirp: PROTO:[HADDR]:HPORT-[GADDR]:GPORT;... */
};

struct netback_ops {
	const char *name; /* the family: "tap" */
	/* Is it a name of this family? */
	bool (*claims)(const char *name);
	int (*open)(const struct netback_options *o, struct netback **out_nb,
	            struct error *err);
	/* Optional: what open did not wait for is there, or why not. Once,
	 * before the others. */
	int (*ready)(struct netback *nb, struct error *err);
	/* Readable when recv() has a frame; -1: never. */
	int (*fd)(const struct netback *nb, unsigned queue);
	/* One frame with its header; its bytes. What does not fit is lost, so
	 * iov should have room for more than is wanted. -EAGAIN: none now;
	 * others: the network is gone. */
	ssize_t (*recv)(struct netback *nb, unsigned queue,
	                const struct iovec *iov, unsigned n);
	/* 0; -EAGAIN: when the descriptor is writable; others: it is lost. */
	int (*send)(struct netback *nb, unsigned queue, const struct iovec *iov,
	            unsigned n);
	/* What recv() may leave to its caller from now on, NETBACK_... */
	int (*set_offloads)(struct netback *nb, unsigned offloads);
	/* Queues 0 to n - 1 are in use. */
	int (*set_queues)(struct netback *nb, unsigned n);
	void (*close)(struct netback *nb);
};

/* The head of each back end's own struct. */
struct netback {
	const struct netback_ops *ops;
	unsigned queues;
	unsigned offloads; /* what it is able to do, NETBACK_... */
};

/*
 * -ENOENT: no such family; -EOPNOTSUPP: one that Linux has nothing for. Both
 * name it.
 */
int netback_open(const struct netback_options *o, struct netback **out_nb,
                 struct error *err);
void netback_close(struct netback *nb); /* NULL is fine */

extern const struct netback_ops netback_tap, netback_slirp, netback_none;

/* For back ends without offloads: iov without its first NETBACK_HEADER bytes,
 * which zero fills when set. out has room for n. */
unsigned netback_body(const struct iovec *iov, unsigned n, bool zero,
                      struct iovec *out);
#endif
