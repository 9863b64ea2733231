/* SPDX-License-Identifier: BSD-2-Clause */
/* disk.h - disks: a Debian system for VMs to boot, made once and copied for
 * each (root_make_thick()).
 *
 * Made as bases are (base.h), from the same kind of file, below
 * /var/lib/gaol/disk. A disk is a directory of three files:
 *
 *   root.img  an ext4 file system, without partitions, not compressed
 *   vmlinuz   its kernel
 *   initrd    what the kernel needs to find root.img (initrd.h)
 */
#ifndef MANAGE_DISK_H
#define MANAGE_DISK_H
#include "base/error.h"
#include "base/strv.h"
#include "manage/command.h"

#define DISK_MIN_BYTES     (64ULL << 20)
#define DISK_MAX_BYTES     (64ULL << 40)
#define DISK_DEFAULT_BYTES (2ULL << 30)

/*
 * As base_make(). To what the file says come Debian's cloud kernel when it says
 * none, systemd and udev; root has no password.
 */
int disk_make(const char *name, const char *text, size_t len,
              command_line_fn *progress, void *arg, struct error *err);
int disk_remove(const char *name, struct error *err); /* its copies stay */
int disk_list(struct strv *out, struct error *err);
#endif
