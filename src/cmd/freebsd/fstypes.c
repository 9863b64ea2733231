/* SPDX-License-Identifier: BSD-2-Clause */
/* fstypes.c - FreeBSD's words for what is mounted. */
#include "cmd/freebsd/fstypes.h"

#include <string.h>

static const struct {
	const char *bsd, *here;
} names[] = {
	{ "procfs", "proc" },     { "linprocfs", "proc" },
	{ "linsysfs", "sysfs" },  { "unionfs", "overlay" },
	{ "devfs", "devtmpfs" },  { "msdosfs", "vfat" },
	{ "cd9660", "iso9660" },  { "ext2fs", "ext2" },
	{ "fusefs", "fuse" },     { "smbfs", "cifs" },
	{ "mqueuefs", "mqueue" },
};

const char *
fstype_linux(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].bsd, name) == 0)
			return names[i].here;
	return name;
}

/* The mount that row is a second mount of: the first of the same file system
 * that holds all of what row shows. NULL: row is the first. */
static const struct mountinfo_row *
original_of(const struct mountinfo *mi, const struct mountinfo_row *row)
{
	for (const struct mountinfo_row *r = mi->row; r < row; r++) {
		size_t len = strcmp(r->root, "/") == 0 ? 0 : strlen(r->root);

		if (r->major == row->major && r->minor == row->minor &&
		    strncmp(row->root, r->root, len) == 0 &&
		    (row->root[len] == '/' || row->root[len] == '\0'))
			return r;
	}
	return NULL;
}

const char *
fstype_of(const struct mountinfo *mi, const struct mountinfo_row *row)
{
	/* Our templates; their source says so. */
	if (strcmp(row->type, "tmpfs") == 0 &&
	    strcmp(row->source, "devfs") == 0)
		return "devfs";
	if (original_of(mi, row) != NULL && strcmp(row->type, "proc") != 0)
		return "nullfs";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].here, row->type) == 0)
			return names[i].bsd;
	return row->type;
}

bool
fstype_may_be(const struct mountinfo_row *row, const char *name)
{
	if (strcmp(name, "nullfs") == 0)
		return true;
	if (strcmp(name, "devfs") == 0 && strcmp(row->type, "tmpfs") == 0)
		return true;
	return strcmp(fstype_linux(name), row->type) == 0;
}

bool
fstype_listed(const char *list, const char *type)
{
	bool is_not = list != NULL && strncmp(list, "no", 2) == 0;
	size_t len = strlen(type);

	if (list == NULL)
		return true;
	for (const char *p = list + (is_not ? 2 : 0);; p++) {
		if (strncmp(p, type, len) == 0 &&
		    (p[len] == ',' || p[len] == '\0'))
			return !is_not;
		p = strchr(p, ',');
		if (p == NULL)
			return is_not;
	}
}

void
fstype_source(const struct mountinfo *mi, const struct mountinfo_row *row,
              struct buf *out)
{
	const struct mountinfo_row *from = NULL;
	const char *rest;

	if (strcmp(fstype_of(mi, row), "nullfs") == 0)
		from = original_of(mi, row);
	if (from == NULL) {
		buf_puts(out, row->source);
		return;
	}
	rest = row->root;
	if (strcmp(from->root, "/") != 0)
		rest += strlen(from->root);
	if (strcmp(rest, "/") == 0)
		rest = "";
	if (strcmp(from->point, "/") != 0 || rest[0] == '\0')
		buf_puts(out, from->point);
	buf_puts(out, rest);
}
