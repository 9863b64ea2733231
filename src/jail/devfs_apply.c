/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs_apply.c - which nodes a ruleset lets through, and how they look. Pure.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "jail/devfs_rules.h"

/* What FreeBSD's drivers declare of themselves, by Linux's device numbers
 * (Documentation/admin-guide/devices.txt). */
static unsigned
node_types(const struct devfs_node *node)
{
	unsigned maj = major(node->rdev);

	if (S_ISBLK(node->mode))
		return TYPE_DISK;
	if (!S_ISCHR(node->mode))
		return 0;
	if (maj == 1 && (minor(node->rdev) == 1 || minor(node->rdev) == 2 ||
	                 minor(node->rdev) == 4)) /* mem, kmem, port */
		return TYPE_MEM;
	if (maj == 9 || maj == 206) /* st, osst */
		return TYPE_TAPE;
	if ((maj >= 2 && maj <= 5) || (maj >= 136 && maj <= 143) ||
	    maj == 166 || maj == 188 || maj == 204 || maj == 229)
		return TYPE_TTY;
	return 0;
}

/* FreeBSD's names for what has another place here, so that the rules people
 * have (add path 'tun*' unhide) find it. The directory must show as well. */
static const struct {
	const char *path, *freebsd;
} aliases[] = {
	{ "net", "tun" },
	{ "net", "tap" },
	{ "net/tun", "tun" },
	{ "net/tun", "tap" },
};

static bool
path_matches(const char *pattern, const struct devfs_node *node)
{
	if (pattern[0] == '\0' ||
	    fnmatch(pattern, node->path, FNM_PATHNAME) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (strcmp(node->path, aliases[i].path) == 0 &&
		    fnmatch(pattern, aliases[i].freebsd, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static bool
rule_matches(const struct rule *r, const struct devfs_node *node)
{
	return (r->types == 0 || (r->types & node_types(node)) != 0) &&
	       path_matches(r->path, node);
}

static void
apply_owner_and_mode(const struct rule *r, struct devfs_node *node)
{
	if ((r->acts & ACT_USER) != 0)
		node->uid = r->uid;
	if ((r->acts & ACT_GROUP) != 0)
		node->gid = r->gid;
	if ((r->acts & ACT_MODE) != 0)
		node->mode = (node->mode & S_IFMT) | r->mode;
}

/* Run a set over one node. depth: how deep includes are still followed. */
static void
apply_set(const struct devfs_rules *rules, const struct ruleset *set,
          struct devfs_node *node, bool *visible, unsigned depth)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct rule *r = &set->rule[i];
		const struct ruleset *inc;

		if (!rule_matches(r, node))
			continue;
		if ((r->acts & ACT_HIDE) != 0)
			*visible = false;
		if ((r->acts & ACT_UNHIDE) != 0)
			*visible = true;
		/* A mode meant for nodes would shut a directory. */
		if (S_ISCHR(node->mode) || S_ISBLK(node->mode))
			apply_owner_and_mode(r, node);
		inc = (r->acts & ACT_INCLUDE) != 0 && depth > 0
		          ? devfs_find_set(rules, r->include)
		          : NULL;
		if (inc != NULL)
			apply_set(rules, inc, node, visible, depth - 1);
	}
}

/* Is the directory that node is in among out[0..n)? */
static bool
parent_visible(const struct devfs_node *node, const struct devfs_node *out,
               size_t n)
{
	const char *slash = strrchr(node->path, '/');
	size_t len;

	if (slash == NULL)
		return true;
	len = (size_t)(slash - node->path);
	for (size_t i = n; i-- > 0;)
		if (S_ISDIR(out[i].mode) && strlen(out[i].path) == len &&
		    memcmp(out[i].path, node->path, len) == 0)
			return true;
	return false;
}

int
devfs_apply(const struct devfs_rules *rules, unsigned ruleset,
            const struct devfs_node *all, size_t n, struct devfs_node *out,
            struct error *err)
{
	const struct ruleset *set = devfs_find_set(rules, ruleset);
	size_t kept = 0;

	if (set == NULL && ruleset != 0)
		return error_set(err, -ENOENT, "no devfs ruleset %u", ruleset);
	for (size_t i = 0; i < n; i++) {
		struct devfs_node node = all[i];
		bool visible = true;

		if (set != NULL)
			apply_set(rules, set, &node, &visible, 1);
		if (visible && parent_visible(&node, out, kept))
			out[kept++] = node;
	}
	return (int)kept;
}
