/* SPDX-License-Identifier: BSD-2-Clause */
/* aio_ops.h - the two ways a queue of disk requests is run, for aio.c. */
#ifndef DISK_AIO_OPS_H
#define DISK_AIO_OPS_H
#include "disk/aio.h"

struct disk_aio {
	const struct aio_ops *ops;
	struct disk *disk;
	void *way; /* its ops' own */
	unsigned depth, busy;
};

struct aio_ops {
	const char *name;
	/* Sets a->way. */
	int (*open)(struct disk_aio *a, struct error *err);
	int (*start)(struct disk_aio *a, struct error *err);
	int (*fd)(const struct disk_aio *a);
	void (*submit)(struct disk_aio *a, struct disk_req *r);
	void (*kick)(struct disk_aio *a);
	/* aio_done() for what has ended; wait: for one at least. */
	unsigned (*reap)(struct disk_aio *a, bool wait);
	void (*close)(struct disk_aio *a); /* nothing is under way */
};

extern const struct aio_ops aio_uring, aio_threads;

/* For the ways: the transfer's ranges, which may be a bounce buffer's. */
const struct iovec *aio_iov(const struct disk_req *r, unsigned *n);
/* Do it now, by the disk's own calls. */
int aio_do(struct disk *d, const struct disk_req *r);
void aio_done(struct disk_aio *a, struct disk_req *r, int result);
#endif
