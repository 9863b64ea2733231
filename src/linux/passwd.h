/* SPDX-License-Identifier: BSD-2-Clause */
/* passwd.h - passwd(5) and group(5) files read directly.
 *
 * For a jail's own files no name service may be asked: its modules would be
 * the host's code reading the tenant's data. Pure but for file_read().
 */
#ifndef LINUX_PASSWD_H
#define LINUX_PASSWD_H
#include <sys/types.h>

#include <stdbool.h>

#include "base/error.h"

enum {
	PASSWD_MAX_BYTES = 4 << 20, /* one file */
	PASSWD_MAX_GROUPS = 1024,
};

struct passwd_entry {
	char name[256];
	uid_t uid;
	gid_t gid;
	char home[1024], shell[1024];
};

/* Find a user by name, or by decimal uid, in the text of a passwd file. */
bool passwd_find(const char *text, const char *name, struct passwd_entry *out);

/* The groups a user is listed in, after gid itself, to groups[0..max).
 * Returns their number. */
int passwd_groups(const char *text, const char *name, gid_t gid, gid_t *groups,
                  int max);

/*
 * The same from dirfd's etc/passwd and etc/group ("" of dirfd "/"): fills out
 * and *n groups. -ENOENT "NAME: no such user".
 */
int passwd_load(int dirfd, const char *name, struct passwd_entry *out,
                gid_t *groups, int *n, struct error *err);
#endif
