/* SPDX-License-Identifier: BSD-2-Clause */
/* initrd.h - the initial RAM file system of a VM made by gaol: libexec's
 * vm-init and the kernel's modules for a disk.
 *
 * A cpio archive, not compressed: the software engine would need longer to
 * unpack one than to copy it. Source: Linux, driver-api/early-userspace,
 * buffer-format.
 */
#ifndef MANAGE_INITRD_H
#define MANAGE_INITRD_H
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"

enum {
	INITRD_MAX_DEP = 4 << 20,   /* modules.dep */
	INITRD_MAX_FILE = 64 << 20, /* one module, or init */
};

/*
 * Which files of modules.dep(5) to load, in which order, for the module called
 * name; those in out already are left out. 0, also when there is no such
 * module: it is part of the kernel then. Pure. -ENOMEM.
 */
int initrd_modules(const char *dep, const char *name, struct strv *out);

/* Write the archive out for the modules in the directory modules
 * (lib/modules/VERSION of a tree) with the program init. */
int initrd_write(const char *modules, const char *init, const char *out,
                 struct error *err);
#endif
