/* SPDX-License-Identifier: BSD-2-Clause */
/* sysctl.h - FreeBSD's names of kernel state and how Linux answers for them.
 */
#ifndef CMD_FREEBSD_SYSCTL_H
#define CMD_FREEBSD_SYSCTL_H
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

enum oid_type {
	OID_INT,
	OID_UINT,
	OID_LONG,
	OID_ULONG,
	OID_STRING,
	OID_OPAQUE, /* shown, never set */
};

struct oid {
	const char *name;
	enum oid_type type;
	/* Append the value. -ENOENT: this kernel has nothing like it now. */
	int (*read)(const struct oid *oid, struct buf *out, struct error *err);
	/* Set; NULL: read only. val is checked for its type already. */
	int (*write)(const struct oid *oid, const char *val, struct error *err);
	const char *arg;   /* for read and write: a file below /proc/sys, ... */
	const char *descr; /* one sentence */
	bool tunable;      /* read only because FreeBSD's loader sets it */
};

/* All of them, in order of name within each branch. */
extern const struct oid oid_table[];
extern const size_t oid_table_len;

/* "integer", "string" and so on, as sysctl -t tells. */
const char *oid_type_name(enum oid_type type);
#endif
