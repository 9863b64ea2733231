/* SPDX-License-Identifier: BSD-2-Clause */
/* queue.h - a split virtqueue, as the device sees it.
 *
 *   driver                                   device
 *   descriptors, avail ring --avail.idx-->   virtq_pop()
 *   <--used.idx-- used ring                  virtq_push(), virtq_publish()
 *
 * Everything in the rings is hostile and may change at any instant: a value is
 * copied once, then checked, then used. What breaks the rules makes the queue
 * broken (-EPROTO from then on); the device then asks for a reset. Nothing here
 * can be made to wait, allocate or run long by what a driver writes.
 *
 * A queue belongs to one thread at a time, its worker's while the device runs.
 * Source: VIRTIO 1.2, 2.7 split virtqueues.
 */
#ifndef DEV_VIRTIO_QUEUE_H
#define DEV_VIRTIO_QUEUE_H
#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_mem;

enum {
	VIRTQ_MAX_SIZE = 1024, /* entries; a power of two */
	VIRTQ_MAX_TABLE = 1024 /* descriptors in an indirect table */
};

/* Features that change the rings' rules. */
enum { VIRTQ_F_INDIRECT = 28, VIRTQ_F_EVENT_IDX = 29 };

/* The driver's part of the set-up, in guest-physical addresses. */
struct virtq_rings {
	uint64_t desc, avail, used;
	uint16_t size;
};

struct virtq {
	struct guest_mem *mem;
	struct virtq_rings at;
	uint8_t *desc, *avail, *used; /* host; NULL: not set up */
	bool indirect, event_idx;
	bool broken;
	bool signalled_valid; /* signalled means something */
	uint16_t next_avail;  /* the entry that pop looks at next */
	uint16_t seen_avail;  /* avail.idx when last read */
	uint16_t next_used;   /* used.idx as published */
	uint16_t staged;      /* pushed, not yet published */
	uint16_t signalled;   /* next_used at the last interrupt */
};

/*
 * A buffer that the driver made available: host ranges, each wholly inside
 * guest memory, the device-readable ones first. iov and gpa are the caller's,
 * of room entries each.
 */
struct virtq_chain {
	struct iovec *iov;
	uint64_t *gpa;
	unsigned room;
	unsigned nread, nwrite; /* entries */
	uint64_t read_bytes, write_bytes;
	uint16_t head;
};

/*
 * Start on empty rings (idx 0), features as negotiated. -EINVAL: size not a
 * power of two or too big, address misaligned; -EFAULT: a ring is not wholly
 * RAM. q is then as after virtq_reset().
 */
int virtq_setup(struct virtq *q, struct guest_mem *mem,
                const struct virtq_rings *at, uint64_t features);
/* As the rings stood when they were saved: entries taken and given back. */
void virtq_resume(struct virtq *q, uint16_t next_avail, uint16_t next_used);
void virtq_reset(struct virtq *q); /* no rings */
static inline bool
virtq_ready(const struct virtq *q)
{
	return q->desc != NULL && !q->broken;
}

/*
 * Take the next buffer. 1: c holds it, until it is pushed; 0: none, or the
 * queue is not set up; -EPROTO: the driver broke the ring (loop, bad index or
 * range, readable after writable, more than c->room): the queue is dead.
 */
int virtq_pop(struct virtq *q, struct virtq_chain *c);
/* Put back the last n taken, none of which was pushed. */
void virtq_unpop(struct virtq *q, unsigned n);

/*
 * Give a buffer back, the first written bytes of its writable part being new.
 * The driver sees it, and all pushed before it, with virtq_publish(), which
 * tells whether the driver wants to be interrupted.
 */
void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written);
bool virtq_publish(struct virtq *q);

/* Ask for no notifications: the queue is being worked on. A hint. */
void virtq_busy(struct virtq *q);
/* Ask to be notified of the next buffer. False: one is there already. */
bool virtq_idle(struct virtq *q);
/* Buffers that wait to be popped; 0 too when the queue is broken. */
unsigned virtq_waiting(struct virtq *q);

/* Copy from the readable, to the writable part, from off on. Returns bytes
 * copied: less than len at the part's end. */
size_t virtq_copy_out(const struct virtq_chain *c, uint64_t off, void *buf,
                      size_t len);
size_t virtq_copy_in(const struct virtq_chain *c, uint64_t off, const void *buf,
                     size_t len);

/*
 * The part [off, off + len) of n ranges as ranges of its own: at most n into
 * out. Returns their number; fewer bytes when the ranges end before.
 */
unsigned iov_slice(const struct iovec *iov, unsigned n, uint64_t off,
                   uint64_t len, struct iovec *out);
#endif
