/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs_rules.h - rulesets in memory, shared by their reader and by apply.
 *
 * Private to devfs*.c. A ruleset keeps its rules in the order of their numbers,
 * which is the order they are applied in; rulesets too are in order of number.
 */
#ifndef JAIL_DEVFS_RULES_H
#define JAIL_DEVFS_RULES_H
#include "jail/devfs.h"

enum {
	PATTERN_SIZE = 200, /* FreeBSD's DEVFS_MAXPTRNLEN */
	NAME_SIZE = 33,
};

enum {
	TYPE_DISK = 1,
	TYPE_MEM = 2,
	TYPE_TAPE = 4,
	TYPE_TTY = 8,
};

enum {
	ACT_HIDE = 1,
	ACT_UNHIDE = 2,
	ACT_USER = 4,
	ACT_GROUP = 8,
	ACT_MODE = 16,
	ACT_INCLUDE = 32,
};

struct rule {
	unsigned num;
	unsigned types;          /* TYPE_*; 0: no such condition */
	unsigned acts;           /* ACT_* */
	char path[PATTERN_SIZE]; /* "": no such condition */
	char user[NAME_SIZE];    /* name still to be resolved, or "" */
	char group[NAME_SIZE];
	uid_t uid;
	gid_t gid;
	mode_t mode;
	unsigned include;
};

struct ruleset {
	unsigned num;
	char name[NAME_SIZE];
	struct rule *rule;
	size_t n, cap;
};

struct devfs_rules {
	struct ruleset *set;
	size_t n, cap;
	size_t total; /* rules in all sets */
};

/* NULL: none. */
struct ruleset *devfs_find_set(const struct devfs_rules *rules, unsigned num);
#endif
