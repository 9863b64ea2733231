/* SPDX-License-Identifier: BSD-2-Clause */
/* aio.h - requests to a disk that do not block who makes them: by io_uring
 * where kernel and format allow it, else by threads.
 *
 *   submit --> queued --kick--> under way --reap--> done()
 *
 * One struct disk_aio is one queue. It belongs to one thread at a time: submit,
 * kick, reap and drain are that thread's, and done() runs in reap and drain.
 */
#ifndef DISK_AIO_H
#define DISK_AIO_H
#include <sys/uio.h>

#include <stdbool.h>
#include <stdint.h>

struct disk;
struct disk_aio;
struct error;

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_ZERO };

struct disk_req {
	enum disk_op op;
	bool unmap;              /* DISK_ZERO */
	uint64_t off;            /* bytes; range checked by the caller */
	uint64_t len;            /* of a transfer: what iov holds */
	const struct iovec *iov; /* the caller's until done */
	unsigned niov;
	/* result: 0 or a negative errno. The request is the caller's again. */
	void (*done)(struct disk_req *r, int result);
	/* The queue's. */
	struct disk_req *next;
	int result;
	void *bounce;
	struct iovec bounce_iov;
};

enum disk_aio_kind { DISK_AIO_AUTO, DISK_AIO_URING, DISK_AIO_THREADS };

/*
 * depth: requests under way at most, which the caller keeps to. AUTO falls
 * back to threads. What needs rights is done here; threads begin with the
 * first request or disk_aio_start().
 */
int disk_aio_new(struct disk *d, unsigned depth, enum disk_aio_kind kind,
                 struct disk_aio **out_aio, struct error *err);
void disk_aio_free(struct disk_aio *a);              /* NULL is fine; drains */
const char *disk_aio_name(const struct disk_aio *a); /* "io_uring" */
int disk_aio_start(struct disk_aio *a, struct error *err);

/* Readable when disk_aio_reap() has something to do. */
int disk_aio_fd(const struct disk_aio *a);
void disk_aio_submit(struct disk_aio *a, struct disk_req *r);
void disk_aio_kick(struct disk_aio *a);
unsigned disk_aio_reap(struct disk_aio *a); /* how many were done */
/* Returns when nothing is queued or under way. */
void disk_aio_drain(struct disk_aio *a);
#endif
