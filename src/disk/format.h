/* SPDX-License-Identifier: BSD-2-Clause */
/* format.h - what an image format provides, and what it gets from disk.c. */
#ifndef DISK_FORMAT_H
#define DISK_FORMAT_H
#include "disk/disk.h"

/* The head of each format's own struct. */
struct disk {
	const struct disk_ops *ops;
	struct disk_info info;
	/* What buffers of a transfer must be aligned to; 1: anything. */
	uint32_t mem_align;
};

/* disk.h tells what the calls mean; ranges are checked, read-only is too. */
struct disk_ops {
	const char *name; /* the word users write: "raw" */
	/* Takes fd on success only. */
	int (*open)(int fd, const struct disk_options *o,
	            struct disk **out_disk, struct error *err);
	int (*readv)(struct disk *d, const struct iovec *iov, unsigned n,
	             uint64_t off);
	int (*writev)(struct disk *d, const struct iovec *iov, unsigned n,
	              uint64_t off);
	int (*flush)(struct disk *d);
	int (*discard)(struct disk *d, uint64_t off, uint64_t len);
	int (*zero)(struct disk *d, uint64_t off, uint64_t len, bool unmap);
	/* Optional: a descriptor in which the disk's bytes lie at their own
	 * offsets, so that the kernel can be given whole queues of requests. */
	int (*fd)(const struct disk *d);
	void (*close)(struct disk *d);
};

extern const struct disk_ops disk_raw;
#endif
