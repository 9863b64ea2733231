/* SPDX-License-Identifier: BSD-2-Clause */
/* aio_uring.c - disk requests by io_uring(7).
 *
 * A ring walks around seccomp filters, so it is restricted before it is
 * enabled: to the operations below, on the one file that is registered.
 */
#include <linux/falloc.h>
#include <sys/resource.h>

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/error.h"
#include "disk/aio_ops.h"
#include "disk/format.h"

struct uring {
	struct io_uring ring;
};

static int
restrict_ring(struct io_uring *ring)
{
	static const uint8_t ops[] = { IORING_OP_READV, IORING_OP_WRITEV,
		                       IORING_OP_FSYNC, IORING_OP_FALLOCATE };
	struct io_uring_restriction res[ARRAY_LEN(ops) + 1] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		res[i].opcode = IORING_RESTRICTION_SQE_OP;
		res[i].sqe_op = ops[i];
	}
	res[ARRAY_LEN(ops)].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	res[ARRAY_LEN(ops)].sqe_flags = IOSQE_FIXED_FILE;
	return io_uring_register_restrictions(ring, res, ARRAY_LEN(res));
}

static int
uring_open(struct disk_aio *a, struct error *err)
{
	struct uring *u;
	int fd, rc;

	if (a->disk->ops->fd == NULL)
		return error_set(err, -EOPNOTSUPP, "io_uring: not on %s images",
		                 a->disk->ops->name);
	u = calloc(1, sizeof(*u));
	if (u == NULL)
		return error_set(err, -ENOMEM, "io_uring");
	rc = io_uring_queue_init(a->depth, &u->ring, IORING_SETUP_R_DISABLED);
	if (rc < 0) {
		free(u);
		return error_set(err, rc, "io_uring");
	}
	fd = a->disk->ops->fd(a->disk);
	rc = io_uring_register_files(&u->ring, &fd, 1);
	if (rc >= 0)
		rc = restrict_ring(&u->ring);
	if (rc >= 0)
		rc = io_uring_enable_rings(&u->ring);
	if (rc < 0) {
		io_uring_queue_exit(&u->ring);
		free(u);
		return error_set(err, rc, "io_uring: restrictions");
	}
	a->way = u;
	return 0;
}

static int
uring_start(struct disk_aio *a, struct error *err)
{
	(void)a;
	(void)err;
	return 0;
}

static int
uring_fd(const struct disk_aio *a)
{
	return ((struct uring *)a->way)->ring.ring_fd;
}

static void
uring_kick(struct disk_aio *a)
{
	struct uring *u = a->way;

	/* The kernel may be out of memory for a while; a request that it has
	 * not got would never end. */
	while (io_uring_sq_ready(&u->ring) > 0)
		if (io_uring_submit(&u->ring) < 0)
			(void)poll(NULL, 0, 1);
}

static void
fill(struct io_uring_sqe *sqe, const struct disk *d, const struct disk_req *r)
{
	const struct iovec *iov;
	unsigned n;

	iov = aio_iov(r, &n);
	switch (r->op) {
	case DISK_READ:
		io_uring_prep_readv(sqe, 0, iov, n, r->off);
		break;
	case DISK_WRITE:
		io_uring_prep_writev(sqe, 0, iov, n, r->off);
		break;
	case DISK_FLUSH:
		io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
		break;
	case DISK_DISCARD:
	case DISK_ZERO:
		io_uring_prep_fallocate(
		    sqe, 0,
		    FALLOC_FL_KEEP_SIZE |
		        (r->op == DISK_DISCARD ||
		                 (r->unmap && d->info.can_discard)
		             ? FALLOC_FL_PUNCH_HOLE
		             : FALLOC_FL_ZERO_RANGE),
		    (off_t)r->off, (off_t)r->len);
		break;
	}
	sqe->flags |= IOSQE_FIXED_FILE;
}

/* What disk.c refuses or grants without its format is not for the kernel. */
static bool
decided(const struct disk *d, const struct disk_req *r, int *result)
{
	bool writes = r->op != DISK_READ && r->op != DISK_FLUSH;

	*result = d->info.readonly && writes ? -EROFS : 0;
	return (d->info.readonly && r->op != DISK_READ) ||
	       (r->op == DISK_DISCARD && !d->info.can_discard);
}

static void
uring_submit(struct disk_aio *a, struct disk_req *r)
{
	struct uring *u = a->way;
	struct io_uring_sqe *sqe;
	int result;

	if (decided(a->disk, r, &result)) {
		aio_done(a, r, result);
		return;
	}
	sqe = io_uring_get_sqe(&u->ring);
	if (sqe == NULL) {
		uring_kick(a);
		sqe = io_uring_get_sqe(&u->ring);
	}
	if (sqe == NULL) {
		aio_done(a, r, aio_do(a->disk, r));
		return;
	}
	fill(sqe, a->disk, r);
	io_uring_sqe_set_data(sqe, r);
}

/* The rare ends, a short transfer or an operation the file system lacks, are
 * done over by the disk's own calls, which know what to do. */
static int
result_of(struct disk *d, const struct disk_req *r, int res)
{
	bool transfer = r->op == DISK_READ || r->op == DISK_WRITE;

	if (res == -EINTR || res == -EAGAIN || res == -EOPNOTSUPP ||
	    (transfer && res >= 0 && (uint64_t)res < r->len))
		return aio_do(d, r);
	return res < 0 ? res : 0;
}

static unsigned
uring_reap(struct disk_aio *a, bool wait)
{
	struct uring *u = a->way;
	struct io_uring_cqe *cqe;
	unsigned n = 0;

	while (io_uring_peek_cqe(&u->ring, &cqe) == 0 ||
	       (wait && n == 0 && io_uring_wait_cqe(&u->ring, &cqe) == 0)) {
		struct disk_req *r = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&u->ring, cqe);
		n++;
		aio_done(a, r, result_of(a->disk, r, res));
	}
	return n;
}

static void
uring_close(struct disk_aio *a)
{
	struct uring *u = a->way;

	io_uring_queue_exit(&u->ring);
	free(u);
}

const struct aio_ops aio_uring = {
	.name = "io_uring",
	.open = uring_open,
	.start = uring_start,
	.fd = uring_fd,
	.submit = uring_submit,
	.kick = uring_kick,
	.reap = uring_reap,
	.close = uring_close,
};
