/* SPDX-License-Identifier: BSD-2-Clause */
/* base.h - bases: complete Debian trees that jails share or are copied from.
 *
 * A base is made once, by mmdebstrap(1), from a small plain file that says what
 * is in it, and is never changed after; it lies under /var/lib/gaol/base and
 * remembers its file as etc/gaol.base. Killed at any instant, there is the
 * whole base or none.
 */
#ifndef MANAGE_BASE_H
#define MANAGE_BASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"
#include "manage/command.h"

enum {
	BASE_MAX_BYTES = 64 << 10, /* one file */
	BASE_MAX_NAME = 64,
	BASE_MAX_PACKAGES = 1024,
	BASE_MAX_COMMANDS = 256,
};

/* What the file of a base or a disk says, one "word value ..." a line, "#"
 * comments: suite bookworm / package lighttpd curl / run CMD ...
 * mirror http://mirror.example.org/debian / size 2G / kernel linux-image-amd64
 */
struct base_plan {
	char suite[32];
	char mirror[256]; /* "": mmdebstrap's own choice */
	struct strv packages;
	struct strv commands; /* a shell's, run in the tree, in this order */
	uint64_t size_bytes;  /* of a disk; 0: not said */
	char kernel[128];     /* of a disk, a package; "": not said */
};

/*
 * Read a base's file. Pure. Errors: -EINVAL "FILE line N: ...", -E2BIG,
 * -ENOMEM; *out is then empty. base_plan_fini() frees.
 */
int base_plan_parse(const char *file, const char *text, size_t len,
                    struct base_plan *out, struct error *err);
void base_plan_fini(struct base_plan *p);

/* Letters, digits, "." "_" "-", not starting with a dot. */
bool base_name_ok(const char *name);

/*
 * Have the base name as its file (text) says: nothing to do when it was made
 * from the same text. Network: the caller's. Takes a minute or so; progress is
 * told what goes on.
 *
 * 1: made, 0: was there. -EBUSY: made from another file, and in use.
 */
int base_make(const char *name, const char *text, size_t len,
              command_line_fn *progress, void *arg, struct error *err);

/* Remove a base. -EBUSY: mounted somewhere; -ENOENT. */
int base_remove(const char *name, struct error *err);

/* The names of all bases, sorted, appended to out. */
int base_list(struct strv *out, struct error *err);
#endif
