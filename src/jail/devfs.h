/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs.h - devfs.rules(5) and the /dev of a jail.
 *
 * Rules decide which of the host's device nodes a jail has. The result is a
 * list of nodes; devfs_template() turns it once per ruleset into a tmpfs that
 * every jail with that ruleset gets read-only, and devfs_allowed() into what
 * the cgroup's device program enforces a second time.
 * Source: devfs(8), devfs.rules(5).
 */
#ifndef JAIL_DEVFS_H
#define JAIL_DEVFS_H
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum {
	DEVFS_MAX_BYTES = 1 << 20, /* one rules file */
	DEVFS_MAX_RULES = 4096,
	DEVFS_MAX_RULESET = 65535,
	DEVFS_MAX_NODES = 1024, /* in one template */
	DEVFS_MAX_SEEN = 65536, /* in the host's /dev */
};

struct devfs_rules; /* all rulesets by number */

/* The built-in rulesets 1-5 (Linux names for FreeBSD's nodes). */
int devfs_rules_builtin(struct devfs_rules **out_rules, struct error *err);
/*
 * Parse a rules file over what is there: a ruleset with a known number
 * replaces it. Pure. Errors: -EINVAL "FILE line N: ...", -E2BIG, -ENOMEM;
 * rules is then unchanged.
 */
int devfs_rules_parse(struct devfs_rules *rules, const char *file,
                      const char *text, size_t len, struct error *err);
void devfs_rules_free(struct devfs_rules *rules);
/* Turn the names of users and groups in rules into this host's numbers, from
 * /etc/passwd and /etc/group. -ENOENT "unknown user: X". */
int devfs_rules_resolve(struct devfs_rules *rules, struct error *err);
/* Append the rules of one ruleset as devfs(8) shows them, "100 path null
 * unhide", one a line. -ENOENT no such ruleset. */
int devfs_rules_show(const struct devfs_rules *rules, unsigned ruleset,
                     struct buf *out, struct error *err);
/* Append the numbers of all rulesets, one a line. */
void devfs_rules_sets(const struct devfs_rules *rules, struct buf *out);

/* A node, directory or link of the host's /dev. */
struct devfs_node {
	char path[64]; /* relative to /dev: "null", "pts", "net/tun" */
	mode_t mode;   /* type and permission bits; S_IFLNK has a target */
	dev_t rdev;
	uid_t uid;
	gid_t gid;
	char target[64]; /* of a link */
};

/*
 * Apply ruleset number to nodes all[0..n), a directory before what is in it,
 * writing those that stay visible, with modes and owners as the rules leave
 * them, to out (room for n). What is in a hidden directory is hidden. Ruleset 0
 * is empty: all stay visible.
 * Returns their number. -ENOENT no such ruleset. Pure.
 */
int devfs_apply(const struct devfs_rules *rules, unsigned ruleset,
                const struct devfs_node *all, size_t n, struct devfs_node *out,
                struct error *err);

/*
 * What a ruleset may show: char and block nodes, directories and relative links
 * of the host's /dev (only its own file system; not pts, shm and the like),
 * plus what every template can hold: links fd stdin stdout stderr log, ptmx as
 * a link to pts/ptmx, and the directory pts. *out_all is malloc'ed, the
 * caller's. Returns the number.
 */
int devfs_nodes(struct devfs_node **out_all, struct error *err);

/*
 * The directory holding the ready /dev of a ruleset, in a tmpfs made on first
 * use below run_dir and kept until devfs_template_drop(); made again when the
 * rules or the host's /dev changed (jails that have the old one keep it). Reads
 * /etc/devfs.rules over the built-in sets. Holds what the rules show and,
 * always, the empty directories pts, shm and gaol.
 * helpers (may be NULL) is a directory bound read-only at gaol.
 * *out_fd is an O_PATH descriptor of it, the caller's, on a read-only mount of
 * this mount namespace; clone it recursively (mnt_clone_tree).
 * Safe to call from several processes at once.
 *
 * In it, what a node's owner may do everybody may: the owner is the host's
 * root, whom no jail has. devfs_mount() knows better.
 */
int devfs_template(int run_dir, unsigned ruleset, const char *helpers,
                   int *out_fd, struct error *err);
/*
 * The same as a detached read-only mount, ready for mnt_attach(), with owners
 * and modes exactly those of the rules: idmapped with userns_fd, or as they are
 * when that is -1 (for a jail whose ids are the host's). Where this kernel
 * cannot idmap a tmpfs (before 6.3) it is a copy of the template above.
 * Returns its descriptor, the caller's.
 */
int devfs_mount(int run_dir, unsigned ruleset, const char *helpers,
                int userns_fd, struct error *err);
/* Unmount and forget all templates. */
int devfs_template_drop(int run_dir, struct error *err);

/* One line of the device allow list. */
struct devfs_allow {
	uint32_t major, minor; /* UINT32_MAX: any */
	char type;             /* 'c' or 'b' */
};

/* What the template of a ruleset lets through, to allow[0..max). Returns the
 * number; -E2BIG more than max. Always has null, zero, full, random, urandom,
 * tty and the ptys, which the jail's own mounts need. */
int devfs_allowed(int run_dir, unsigned ruleset, struct devfs_allow *allow,
                  size_t max, struct error *err);
#endif
