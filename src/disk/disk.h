/* SPDX-License-Identifier: BSD-2-Clause */
/* disk.h - a guest's disk: bytes behind an image format.
 *
 * Owns the open image. Does not own the queue above it (aio.h), caching, or
 * who may open what. Raw files and block devices are read here; other formats
 * are further rows of disk.c's table. Thread-safe after disk_open().
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H
#include <stdbool.h>
#include <stdint.h>

struct disk;
struct error;
struct iovec;

enum {
	DISK_SECTOR = 512,
	DISK_MAX_SECTOR = 1 << 16, /* a limit for sector and physical */
	DISK_MAX_IOV = 1024        /* ranges of one transfer */
};

struct disk_options {
	const char *path;
	bool readonly;             /* ro */
	bool direct;               /* nocache: past the host's page cache */
	bool sync;                 /* direct or sync: through to the medium */
	bool no_discard;           /* nodelete */
	uint32_t sector, physical; /* bytes; 0: what the image has */
};

/* What is known of an open disk. Sizes in bytes. */
struct disk_info {
	uint64_t bytes;            /* a multiple of sector */
	uint32_t sector, physical; /* powers of two, sector <= physical */
	bool readonly;
	bool can_discard;
};

/*
 * A file that may not be written is refused, not read in silence as bhyve does.
 * -EINVAL: sectors do not fit together, or direct needs larger ones.
 */
int disk_open(const struct disk_options *o, struct disk **out_disk,
              struct error *err);
void disk_close(struct disk *d); /* NULL is fine */
const struct disk_info *disk_info(const struct disk *d);

/*
 * Each blocks until all of it is done: 0 or a negative errno, never short. The
 * range must lie within the disk, which the caller has checked.
 * -EIO too when the image became shorter than it was.
 */
int disk_readv(struct disk *d, const struct iovec *iov, unsigned n,
               uint64_t off);
int disk_writev(struct disk *d, const struct iovec *iov, unsigned n,
                uint64_t off);
int disk_flush(struct disk *d);
/* The bytes may become anything; no error where the host cannot. */
int disk_discard(struct disk *d, uint64_t off, uint64_t len);
/* The bytes become zero; unmap: their room may be given back. */
int disk_zero(struct disk *d, uint64_t off, uint64_t len, bool unmap);
#endif
