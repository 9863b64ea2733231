/* SPDX-License-Identifier: BSD-2-Clause */
/* aio.c - what both ways of running requests share: counting, and buffers that
 * direct transfers cannot take as they lie.
 */
#include "disk/aio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "disk/aio_ops.h"
#include "disk/format.h"

enum { BOUNCE_ALIGN = 4096 };

static int
try(struct disk_aio *a, const struct aio_ops *ops, struct error *err)
{
	a->ops = ops;
	return ops->open(a, err);
}

int
disk_aio_new(struct disk *d, unsigned depth, enum disk_aio_kind kind,
             struct disk_aio **out_aio, struct error *err)
{
	struct disk_aio *a = calloc(1, sizeof(*a));
	struct error no_uring;
	int rc = -ENOSYS;

	if (a == NULL)
		return error_set(err, -ENOMEM, "queue of a disk");
	a->disk = d;
	a->depth = depth;
	if (kind == DISK_AIO_URING)
		rc = try(a, &aio_uring, err);
	else if (kind == DISK_AIO_AUTO)
		rc = try(a, &aio_uring, &no_uring);
	if (rc < 0 && kind != DISK_AIO_URING)
		rc = try(a, &aio_threads, err);
	if (rc < 0) {
		free(a);
		return rc;
	}
	*out_aio = a;
	return 0;
}

void
disk_aio_free(struct disk_aio *a)
{
	if (a == NULL)
		return;
	disk_aio_drain(a);
	a->ops->close(a);
	free(a);
}

const char *
disk_aio_name(const struct disk_aio *a)
{
	return a->ops->name;
}

int
disk_aio_start(struct disk_aio *a, struct error *err)
{
	return a->ops->start(a, err);
}

int
disk_aio_fd(const struct disk_aio *a)
{
	return a->ops->fd(a);
}

const struct iovec *
aio_iov(const struct disk_req *r, unsigned *n)
{
	*n = r->bounce != NULL ? 1 : r->niov;
	return r->bounce != NULL ? &r->bounce_iov : r->iov;
}

int
aio_do(struct disk *d, const struct disk_req *r)
{
	const struct iovec *iov;
	unsigned n;

	iov = aio_iov(r, &n);
	switch (r->op) {
	case DISK_READ:
		return disk_readv(d, iov, n, r->off);
	case DISK_WRITE:
		return disk_writev(d, iov, n, r->off);
	case DISK_FLUSH:
		return disk_flush(d);
	case DISK_DISCARD:
		return disk_discard(d, r->off, r->len);
	case DISK_ZERO:
		return disk_zero(d, r->off, r->len, r->unmap);
	}
	return -EINVAL;
}

static bool
is_transfer(const struct disk_req *r)
{
	return r->op == DISK_READ || r->op == DISK_WRITE;
}

static bool
aligned(const struct disk *d, const struct disk_req *r)
{
	uintptr_t all = 0;

	for (unsigned i = 0; i < r->niov; i++)
		all |= (uintptr_t)r->iov[i].iov_base | r->iov[i].iov_len;
	return (all & (d->mem_align - 1)) == 0;
}

/* Between the caller's ranges and the bounce buffer. */
static void
bounce_copy(struct disk_req *r, bool in)
{
	uint8_t *p = r->bounce;

	for (unsigned i = 0; i < r->niov; i++) {
		if (in)
			memcpy(p, r->iov[i].iov_base, r->iov[i].iov_len);
		else
			memcpy(r->iov[i].iov_base, p, r->iov[i].iov_len);
		p += r->iov[i].iov_len;
	}
}

static int
bounce(const struct disk *d, struct disk_req *r)
{
	r->bounce = NULL;
	if (!is_transfer(r) || d->mem_align <= 1 || aligned(d, r))
		return 0;
	if (posix_memalign(&r->bounce, BOUNCE_ALIGN, r->len) != 0) {
		r->bounce = NULL;
		return -ENOMEM;
	}
	r->bounce_iov = (struct iovec){ r->bounce, r->len };
	if (r->op == DISK_WRITE)
		bounce_copy(r, true);
	return 0;
}

void
disk_aio_submit(struct disk_aio *a, struct disk_req *r)
{
	int rc = bounce(a->disk, r);

	a->busy++;
	if (rc < 0)
		aio_done(a, r, rc);
	else
		a->ops->submit(a, r);
}

void
aio_done(struct disk_aio *a, struct disk_req *r, int result)
{
	if (r->bounce != NULL && r->op == DISK_READ && result == 0)
		bounce_copy(r, false);
	free(r->bounce);
	r->bounce = NULL;
	a->busy--;
	r->done(r, result);
}

void
disk_aio_kick(struct disk_aio *a)
{
	a->ops->kick(a);
}

unsigned
disk_aio_reap(struct disk_aio *a)
{
	return a->ops->reap(a, false);
}

void
disk_aio_drain(struct disk_aio *a)
{
	while (a->busy > 0) {
		a->ops->kick(a);
		if (a->busy > 0)
			(void)a->ops->reap(a, true);
	}
}
