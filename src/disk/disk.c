/* SPDX-License-Identifier: BSD-2-Clause */
/* disk.c - opening an image, and the calls every format answers. */
#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "disk/format.h"

static int
check_sectors(const struct disk_options *o, struct error *err)
{
	const uint32_t both[] = { o->sector, o->physical };

	for (unsigned i = 0; i < 2; i++)
		if (both[i] != 0 &&
		    (both[i] < DISK_SECTOR || both[i] > DISK_MAX_SECTOR ||
		     (both[i] & (both[i] - 1)) != 0))
			return error_set(err, -EINVAL,
			                 "'%s': sector of %u bytes: want a "
			                 "power of two, %u to %u",
			                 o->path, both[i], DISK_SECTOR,
			                 DISK_MAX_SECTOR);
	if (o->physical != 0 && o->sector > o->physical)
		return error_set(err, -EINVAL,
		                 "'%s': a sector larger than a physical one",
		                 o->path);
	return 0;
}

static int
open_fd(const struct disk_options *o, struct error *err)
{
	int flags = O_CLOEXEC | O_NOCTTY | (o->direct ? O_DIRECT : 0) |
	            (o->sync ? O_SYNC : 0);
	int fd = open(o->path, flags | (o->readonly ? O_RDONLY : O_RDWR));

	if (fd >= 0)
		return fd;
	if (errno == EINVAL && o->direct)
		return error_set(err, -EINVAL,
		                 "'%s': nocache: its file system has no direct "
		                 "I/O",
		                 o->path);
	if (!o->readonly && (errno == EACCES || errno == EPERM ||
	                     errno == EROFS || errno == ETXTBSY))
		return error_sys(err, "open '%s' for writing (ro reads only)",
		                 o->path);
	return error_sys(err, "open '%s'", o->path);
}

int
disk_open(const struct disk_options *o, struct disk **out_disk,
          struct error *err)
{
	cleanup_close int fd = -1;
	struct disk *d = NULL;
	int rc;

	if (check_sectors(o, err) < 0)
		return err->code;
	rc = fd = open_fd(o, err);
	if (fd < 0)
		return rc;
	/* Raw alone for now: a raw image is never probed for others, or its
	 * guest could have it read as one of them by what it writes. */
	if (disk_raw.open(fd, o, &d, err) < 0)
		return error_wrap(err, "'%s'", o->path);
	(void)take_fd(&fd);
	d->info.readonly = o->readonly;
	if (o->readonly || o->no_discard)
		d->info.can_discard = false;
	*out_disk = d;
	return 0;
}

void
disk_close(struct disk *d)
{
	if (d != NULL)
		d->ops->close(d);
}

const struct disk_info *
disk_info(const struct disk *d)
{
	return &d->info;
}

int
disk_readv(struct disk *d, const struct iovec *iov, unsigned n, uint64_t off)
{
	return d->ops->readv(d, iov, n, off);
}

int
disk_writev(struct disk *d, const struct iovec *iov, unsigned n, uint64_t off)
{
	return d->info.readonly ? -EROFS : d->ops->writev(d, iov, n, off);
}

int
disk_flush(struct disk *d)
{
	return d->info.readonly ? 0 : d->ops->flush(d);
}

int
disk_discard(struct disk *d, uint64_t off, uint64_t len)
{
	if (d->info.readonly)
		return -EROFS;
	return d->info.can_discard ? d->ops->discard(d, off, len) : 0;
}

int
disk_zero(struct disk *d, uint64_t off, uint64_t len, bool unmap)
{
	if (d->info.readonly)
		return -EROFS;
	return d->ops->zero(d, off, len, unmap && d->info.can_discard);
}
