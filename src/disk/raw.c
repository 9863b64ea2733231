/* SPDX-License-Identifier: BSD-2-Clause */
/* raw.c - a file or block device that is the disk, byte for byte. */
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "disk/format.h"

enum {
	FILE_PHYSICAL = 4096, /* what page cache and file systems like */
	ZEROS = 256 << 10     /* written at once where nothing better works */
};

struct raw {
	struct disk disk;
	int fd;
};

static struct raw *
raw_of(struct disk *d)
{
	return (struct raw *)d;
}

/* Move past n bytes of *iov; its first range is cut. */
static void
advance(struct iovec **iov, unsigned *n, size_t bytes)
{
	while (*n > 0 && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		(*n)--;
	}
	if (*n > 0 && bytes > 0) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + bytes;
		(*iov)->iov_len -= bytes;
	}
}

typedef ssize_t transfer_fn(int fd, const struct iovec *iov, int n, off_t off);

/* All of it, by as many calls as the kernel wants. */
static int
transfer(int fd, const struct iovec *iov, unsigned n, uint64_t off,
         transfer_fn *fn)
{
	struct iovec left[DISK_MAX_IOV], *at = left;

	if (n > DISK_MAX_IOV)
		return -E2BIG;
	memcpy(left, iov, n * sizeof(*iov));
	advance(&at, &n, 0);
	while (n > 0) {
		ssize_t done = fn(fd, at, (int)n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (done == 0)
			return -EIO; /* the image ends before the disk */
		off += (uint64_t)done;
		advance(&at, &n, (size_t)done);
	}
	return 0;
}

static int
raw_readv(struct disk *d, const struct iovec *iov, unsigned n, uint64_t off)
{
	return transfer(raw_of(d)->fd, iov, n, off, preadv);
}

static int
raw_writev(struct disk *d, const struct iovec *iov, unsigned n, uint64_t off)
{
	return transfer(raw_of(d)->fd, iov, n, off, pwritev);
}

static int
raw_flush(struct disk *d)
{
	return fdatasync(raw_of(d)->fd) < 0 ? -errno : 0;
}

static int
allocate(struct disk *d, int mode, uint64_t off, uint64_t len)
{
	int rc;

	do
		rc = fallocate(raw_of(d)->fd, mode | FALLOC_FL_KEEP_SIZE,
		               (off_t)off, (off_t)len);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static int
raw_discard(struct disk *d, uint64_t off, uint64_t len)
{
	int rc = allocate(d, FALLOC_FL_PUNCH_HOLE, off, len);

	return rc == -EOPNOTSUPP ? 0 : rc; /* it was a hint */
}

static int
write_zeros(struct disk *d, uint64_t off, uint64_t len)
{
	cleanup_free void *zeros = NULL;
	int rc = 0;

	if (posix_memalign(&zeros, 4096, ZEROS) != 0)
		return -ENOMEM;
	memset(zeros, 0, ZEROS);
	while (len > 0 && rc == 0) {
		struct iovec iov = { zeros, len < ZEROS ? len : ZEROS };

		rc = raw_writev(d, &iov, 1, off);
		off += iov.iov_len;
		len -= iov.iov_len;
	}
	return rc;
}

static int
raw_zero(struct disk *d, uint64_t off, uint64_t len, bool unmap)
{
	int rc = allocate(
	    d, unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE, off, len);

	return rc == -EOPNOTSUPP ? write_zeros(d, off, len) : rc;
}

static int
raw_fd(const struct disk *d)
{
	return ((const struct raw *)d)->fd;
}

static void
raw_close(struct disk *d)
{
	close(raw_of(d)->fd);
	free(d);
}

static int
measure_device(struct raw *r, struct error *err)
{
	struct disk_info *i = &r->disk.info;
	unsigned physical = 0;
	int sector = 0;

	if (ioctl(r->fd, BLKGETSIZE64, &i->bytes) < 0 ||
	    ioctl(r->fd, BLKSSZGET, &sector) < 0)
		return error_sys(err, "size of the device");
	if (ioctl(r->fd, BLKPBSZGET, &physical) < 0)
		physical = 0;
	i->sector = (uint32_t)sector;
	i->physical = physical < i->sector ? i->sector : physical;
	i->can_discard = true; /* if it cannot, a discard does nothing */
	return 0;
}

static int
measure_file(struct raw *r, const struct stat *st)
{
	struct disk_info *i = &r->disk.info;

	i->bytes = (uint64_t)st->st_size;
	i->sector = DISK_SECTOR;
	i->physical = FILE_PHYSICAL;
	/* A hole beyond the end changes nothing, and tells. */
	i->can_discard =
	    allocate(&r->disk, FALLOC_FL_PUNCH_HOLE,
	             (i->bytes + FILE_PHYSICAL) & ~(FILE_PHYSICAL - 1ull),
	             FILE_PHYSICAL) == 0;
	return 0;
}

/* What the host demands of direct transfers; before Linux 6.1 it does not say,
 * and 512 is what most devices have. */
static int
align_direct(struct raw *r, const struct disk_options *o, struct error *err)
{
	uint32_t offset = DISK_SECTOR;
	struct statx stx;

	r->disk.mem_align = DISK_SECTOR;
#ifdef STATX_DIOALIGN
	if (statx(r->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 &&
	    (stx.stx_mask & STATX_DIOALIGN) != 0 && stx.stx_dio_mem_align > 0) {
		r->disk.mem_align = stx.stx_dio_mem_align;
		offset = stx.stx_dio_offset_align;
	}
#else
	(void)stx;
#endif
	if (offset <= r->disk.info.sector)
		return 0;
	if (o->sector != 0)
		return error_set(err, -EINVAL,
		                 "nocache needs sectors of %u bytes", offset);
	r->disk.info.sector = offset;
	if (r->disk.info.physical < offset)
		r->disk.info.physical = offset;
	return 0;
}

/* What the user asked for, over what the image has. */
static int
set_sectors(struct raw *r, const struct disk_options *o, bool device,
            struct error *err)
{
	struct disk_info *i = &r->disk.info;

	if (device && o->sector != 0 && o->sector < i->sector)
		return error_set(err, -EINVAL,
		                 "sectors of %u bytes on a device of %u",
		                 o->sector, i->sector);
	if (o->sector != 0) {
		i->sector = o->sector;
		i->physical = o->sector;
	}
	if (o->physical != 0)
		i->physical = o->physical;
	return 0;
}

static int
measure(struct raw *r, const struct disk_options *o, struct error *err)
{
	struct stat st;
	int rc;

	if (fstat(r->fd, &st) < 0)
		return error_sys(err, "size");
	if (S_ISBLK(st.st_mode))
		rc = measure_device(r, err);
	else if (S_ISREG(st.st_mode))
		rc = measure_file(r, &st);
	else
		rc = error_set(err, -EINVAL,
		               "neither a file nor a block device");
	if (rc < 0 || set_sectors(r, o, S_ISBLK(st.st_mode), err) < 0)
		return err->code;
	if (o->direct && align_direct(r, o, err) < 0)
		return err->code;
	r->disk.info.bytes &= ~((uint64_t)r->disk.info.sector - 1);
	return 0;
}

static int
raw_open(int fd, const struct disk_options *o, struct disk **out_disk,
         struct error *err)
{
	struct raw *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return error_set(err, -ENOMEM, "disk");
	*r = (struct raw){ .disk = { .ops = &disk_raw, .mem_align = 1 },
		           .fd = fd };
	if (measure(r, o, err) < 0) {
		free(r);
		return err->code;
	}
	*out_disk = &r->disk;
	return 0;
}

const struct disk_ops disk_raw = {
	.name = "raw",
	.open = raw_open,
	.readv = raw_readv,
	.writev = raw_writev,
	.flush = raw_flush,
	.discard = raw_discard,
	.zero = raw_zero,
	.fd = raw_fd,
	.close = raw_close,
};
