/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs.c - templates: one tmpfs per ruleset that jails share as their /dev.
 *
 * RUN/devfs/N is the mount of ruleset N (N.own: the same with owners and modes
 * exactly as the rules have them, for mounts that will be idmapped). In it:
 *
 *   stamp   what it was made from; last to be written, so there means ready
 *   allow   its device numbers, for devfs_allowed()
 *   dev/    what a jail sees
 *
 * A tmpfs is filled while detached and attached whole, so a killed maker leaves
 * at most a mount without stamp, which the next maker replaces. Makers hold a
 * flock on RUN/devfs; readers look at one opened mount only and need none.
 * Only the host's root can make nodes; jails in jails take their parent's /dev.
 */
#include "jail/devfs.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/strv.h"
#include "linux/file.h"
#include "linux/mnt.h"

enum {
	MAX_SMALL = 256 << 10, /* bytes of stamp or allow */
};

static const char rules_path[] = "/etc/devfs.rules";

/* Directories every template has: mount points. */
static const char *const points[] = { "pts", "shm", "gaol" };

/* --- what a template is made from -------------------------------------- */

struct want {
	int run_dir;
	unsigned ruleset;
	const char *helpers; /* or NULL */
	bool own;            /* owners and modes exact, for idmapping */
	char name[24];       /* of the mount point: "4", "4.own" */
};

static struct want
want_of(int run_dir, unsigned ruleset, const char *helpers, bool own)
{
	struct want w = { .run_dir = run_dir,
		          .ruleset = ruleset,
		          .helpers = helpers,
		          .own = own };

	snprintf(w.name, sizeof(w.name), "%u%s", ruleset, own ? ".own" : "");
	return w;
}

/* The state of rules and /dev as one line: cheap to make for each jail. */
static void
inputs_line(char out[256])
{
	struct stat rules = { .st_ino = 0 };
	struct stat dev = { .st_ino = 0 };

	(void)stat(rules_path, &rules);
	(void)stat("/dev", &dev);
	snprintf(out, 256,
	         "1 rules %" PRIu64 " %" PRId64 " %" PRId64
	         ".%09ld dev %" PRIu64 " %" PRId64 ".%09ld",
	         (uint64_t)rules.st_ino, (int64_t)rules.st_size,
	         (int64_t)rules.st_mtim.tv_sec, rules.st_mtim.tv_nsec,
	         (uint64_t)dev.st_dev, (int64_t)dev.st_mtim.tv_sec,
	         dev.st_mtim.tv_nsec);
}

/* The nodes of a ruleset by the rules as they are now. */
static int
wanted_nodes(unsigned ruleset, struct devfs_node **out_nodes, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_free struct devfs_node *all = NULL;
	cleanup_free struct devfs_node *kept = NULL;
	struct devfs_rules *rules = NULL;
	struct error absent;
	size_t len = 0;
	int n, rc;

	n = devfs_nodes(&all, err);
	if (n < 0)
		return n;
	kept = calloc((size_t)n, sizeof(*kept));
	if (kept == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	rc = file_read(AT_FDCWD, rules_path, DEVFS_MAX_BYTES, &text, &len,
	               &absent);
	if (rc < 0 && rc != -ENOENT) {
		*err = absent;
		return rc;
	}
	rc = devfs_rules_builtin(&rules, err);
	if (rc == 0 && text != NULL)
		rc = devfs_rules_parse(rules, rules_path, text, len, err);
	if (rc == 0)
		rc = devfs_rules_resolve(rules, err);
	if (rc == 0)
		rc = devfs_apply(rules, ruleset, all, (size_t)n, kept, err);
	devfs_rules_free(rules);
	if (rc > DEVFS_MAX_NODES)
		return error_set(err, -E2BIG,
		                 "devfs ruleset %u shows %d nodes, over %d",
		                 ruleset, rc, DEVFS_MAX_NODES);
	if (rc >= 0)
		*out_nodes = take_ptr(kept);
	return rc;
}

/* Everything that decides a template's content, as a number (FNV-1a). */
static uint64_t
content_hash(const struct want *w, const struct devfs_node *node, size_t n)
{
	cleanup_buf struct buf b = BUF_INIT;
	uint64_t h = 0xcbf29ce484222325u;

	buf_printf(&b, "1 %d %s\n", w->own,
	           w->helpers != NULL ? w->helpers : "");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s %o %" PRIx64 " %u %u %s\n", node[i].path,
		           (unsigned)node[i].mode, (uint64_t)node[i].rdev,
		           (unsigned)node[i].uid, (unsigned)node[i].gid,
		           node[i].target);
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ (unsigned char)b.data[i]) * 0x100000001b3u;
	return b.failed ? 0 : h;
}

static void
write_stamp_text(struct buf *b, const char *inputs, const struct want *w,
                 uint64_t hash)
{
	buf_printf(b, "%s\n%s\n%016" PRIx64 "\n", inputs,
	           w->helpers != NULL ? w->helpers : "", hash);
}

static void
write_allow_text(struct buf *b, const struct devfs_node *node, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (S_ISCHR(node[i].mode) || S_ISBLK(node[i].mode))
			buf_printf(b, "%c %u %u\n",
			           S_ISCHR(node[i].mode) ? 'c' : 'b',
			           major(node[i].rdev), minor(node[i].rdev));
}

/* --- making ------------------------------------------------------------ */

/* Whatever the caller's umask is: jails look at it. */
static int
make_dir(int at, const char *name, struct error *err)
{
	if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		return error_sys(err, "mkdir '%s'", name);
	if (fchmodat(at, name, 0755, 0) < 0)
		return error_sys(err, "chmod '%s'", name);
	return 0;
}

static int
make_node(int dev, const struct devfs_node *node, bool own, struct error *err)
{
	mode_t perm = node->mode & 07777;

	if (S_ISDIR(node->mode))
		return make_dir(dev, node->path, err);
	if (S_ISLNK(node->mode)) {
		if (symlinkat(node->target, dev, node->path) < 0)
			return error_sys(err, "link '%s'", node->path);
		return 0;
	}
	if (!own)
		perm |= (perm >> 6) & 07; /* what the owner may, all may */
	if (mknodat(dev, node->path, (node->mode & S_IFMT) | 0600, node->rdev) <
	    0) {
		if (errno != EPERM)
			return error_sys(err, "make node '%s'", node->path);
		if (mknodat(dev, node->path, S_IFREG | 0600, 0) < 0)
			return error_sys(err, "make file '%s'", node->path);
		return 1;
	}
	if (fchownat(dev, node->path, node->uid, node->gid,
	             AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dev, node->path, perm, 0) < 0)
		return error_sys(err, "own node '%s'", node->path);
	return 0;
}

static int
bind_helpers(int dev, const char *helpers, struct error *err)
{
	static const struct mount_attr ro = {
		.attr_set =
		    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};
	cleanup_close int mnt = mnt_clone_tree(AT_FDCWD, helpers, false, err);

	if (mnt < 0 || mnt_setattr(mnt, &ro, false, err) < 0)
		return err->code;
	return mnt_attach(mnt, dev, "gaol", err);
}

static int
put_text(int top, const char *name, const struct buf *text, struct error *err)
{
	if (text->failed)
		return error_set(err, -ENOMEM, "out of memory");
	return file_replace(top, name, buf_str(text), text->len, err);
}

/* Fill the detached tmpfs top. */
static int
fill(int top, const struct want *w, const struct devfs_node *node, size_t n,
     struct error *err)
{
	cleanup_close int dev = -1;
	cleanup_buf struct buf allow = BUF_INIT;

	if (make_dir(top, "dev", err) < 0)
		return err->code;
	dev = openat(top, "dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dev < 0)
		return error_sys(err, "open 'dev'");
	for (size_t i = 0; i < ARRAY_LEN(points); i++)
		if (make_dir(dev, points[i], err) < 0)
			return err->code;
	for (size_t i = 0; i < n; i++)
		if (make_node(dev, &node[i], w->own, err) < 0)
			return err->code;
	write_allow_text(&allow, node, n);
	return put_text(top, "allow", &allow, err);
}

/* After attaching: seal what jails get, add the helpers, and say that it is
 * ready, through a second, writable mount of the same tmpfs. */
static int
finish(int point, const struct want *w, const struct buf *stamp,
       struct error *err)
{
	static const struct mount_attr seal = {
		.attr_set = MOUNT_ATTR_RDONLY,
		.propagation = MS_PRIVATE,
	};
	cleanup_close int rw = mnt_clone_tree(point, "", false, err);
	cleanup_close int dev = -1;

	if (rw < 0 || mnt_setattr(point, &seal, false, err) < 0)
		return err->code;
	dev = openat(point, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dev < 0)
		return error_sys(err, "open 'dev'");
	if (w->helpers != NULL && bind_helpers(dev, w->helpers, err) < 0)
		return err->code;
	return put_text(rw, "stamp", stamp, err);
}

/* Take away whatever is mounted at name below base. */
static int
unmount_point(int base, const char *name, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", base, name);
	for (;;) {
		cleanup_close int fd =
		    openat(base, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		bool is_root = false;
		uint64_t id;

		if (fd < 0)
			return errno == ENOENT
			           ? 0
			           : error_sys(err, "open '%s'", name);
		if (mnt_id(fd, &id, &is_root, err) < 0)
			return err->code;
		if (!is_root)
			return 0;
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return error_sys(err, "unmount devfs template '%s'",
			                 name);
	}
}

static int
make(int base, const struct want *w, const struct devfs_node *node, size_t n,
     const struct buf *stamp, struct error *err)
{
	static const char *const opts[] = { "mode=0755", "size=1m",
		                            "source=devfs", NULL };
	cleanup_close int top = -1;

	if (unmount_point(base, w->name, err) < 0)
		return err->code;
	if (mkdirat(base, w->name, 0700) < 0 && errno != EEXIST)
		return error_sys(err, "mkdir 'devfs/%s'", w->name);
	top = mnt_fs("tmpfs", opts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	if (top < 0)
		return top;
	if (fill(top, w, node, n, err) < 0 ||
	    mnt_attach(top, base, w->name, err) < 0)
		return err->code;
	if (finish(top, w, stamp, err) < 0) {
		struct error ignored;

		(void)unmount_point(base, w->name, &ignored);
		return err->code;
	}
	return 0;
}

/* --- finding ----------------------------------------------------------- */

/*
 * The mount point of a template, O_PATH, if one made from these inputs is
 * there. inputs NULL: whatever is there. *out_hash is its content's.
 */
static int
open_ready(int base, const struct want *w, const char *inputs,
           uint64_t *out_hash)
{
	cleanup_close int fd = -1;
	cleanup_strv struct strv line = STRV_INIT;
	cleanup_free char *text = NULL;
	struct error err;
	bool is_root = false;
	uint64_t id;
	size_t len;

	fd = openat(base, w->name,
	            O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || mnt_id(fd, &id, &is_root, &err) < 0 || !is_root ||
	    file_read(fd, "stamp", MAX_SMALL, &text, &len, &err) < 0 ||
	    strv_split(&line, text, "\n", true) < 0 || line.n < 3)
		return -ENOENT;
	if (inputs != NULL &&
	    (strcmp(line.v[0], inputs) != 0 ||
	     strcmp(line.v[1], w->helpers != NULL ? w->helpers : "") != 0))
		return -ESTALE;
	*out_hash = strtoull(line.v[2], NULL, 16);
	return take_fd(&fd);
}

/* RUN/devfs, made when absent and locked while the descriptor is open. */
static int
open_locked(int run_dir, struct error *err)
{
	for (;;) {
		cleanup_close int base = -1;
		struct stat st;

		if (mkdirat(run_dir, "devfs", 0700) < 0 && errno != EEXIST)
			return error_sys(err, "mkdir 'devfs'");
		base = openat(run_dir, "devfs",
		              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (base < 0 && errno == ENOENT)
			continue; /* dropped in between */
		if (base < 0 || flock(base, LOCK_EX) < 0 ||
		    fstat(base, &st) < 0)
			return error_sys(err, "lock 'devfs'");
		if (st.st_nlink > 0)
			return take_fd(&base);
	}
}

/* The inputs changed but not what comes of them: renew the stamp only. */
static int
restamp(int point, const struct buf *stamp, struct error *err)
{
	static const struct mount_attr rw = { .attr_clr = MOUNT_ATTR_RDONLY };
	cleanup_close int copy = mnt_clone_tree(point, "", false, err);

	if (copy < 0 || mnt_setattr(copy, &rw, false, err) < 0)
		return err->code;
	return put_text(copy, "stamp", stamp, err);
}

/* Make, or make again, under the lock. Returns the mount point, O_PATH. */
static int
make_ready(const struct want *w, struct error *err)
{
	cleanup_close int base = open_locked(w->run_dir, err);
	cleanup_close int point = -1;
	cleanup_free struct devfs_node *node = NULL;
	cleanup_buf struct buf stamp = BUF_INIT;
	uint64_t hash = 0, old = 0;
	char inputs[256];
	int n;

	if (base < 0)
		return base;
	inputs_line(inputs); /* before reading them: older is only slower */
	point = open_ready(base, w, inputs, &old);
	if (point >= 0)
		return take_fd(&point); /* another was faster */
	n = wanted_nodes(w->ruleset, &node, err);
	if (n < 0)
		return n;
	hash = content_hash(w, node, (size_t)n);
	write_stamp_text(&stamp, inputs, w, hash);
	point = open_ready(base, w, NULL, &old);
	if (point >= 0 && old == hash && restamp(point, &stamp, err) == 0)
		return take_fd(&point);
	if (make(base, w, node, (size_t)n, &stamp, err) < 0)
		return err->code;
	point = openat(base, w->name,
	               O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (point < 0)
		return error_sys(err, "open 'devfs/%s'", w->name);
	return take_fd(&point);
}

/* The dev directory of a ready template, O_PATH. */
static int
template_dev(const struct want *w, struct error *err)
{
	cleanup_close int base = openat(
	    w->run_dir, "devfs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_close int point = -1;
	char inputs[256];
	uint64_t hash;
	int dev;

	inputs_line(inputs);
	if (base >= 0)
		point = open_ready(base, w, inputs, &hash);
	if (point < 0)
		point = make_ready(w, err);
	if (point < 0)
		return error_wrap(err, "devfs ruleset %u", w->ruleset);
	dev = openat(point, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dev < 0)
		return error_sys(err, "open devfs template");
	return dev;
}

int
devfs_template(int run_dir, unsigned ruleset, const char *helpers, int *out_fd,
               struct error *err)
{
	struct want w = want_of(run_dir, ruleset, helpers, false);
	int dev = template_dev(&w, err);

	if (dev < 0)
		return dev;
	*out_fd = dev;
	return 0;
}

/* A clone of the exact template, idmapped unless userns_fd is -1. -EINVAL: not
 * on this kernel. */
static int
mount_exact(const struct want *w, int userns_fd, struct error *err)
{
	struct mount_attr idmap = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns_fd,
	};
	cleanup_close int dev = template_dev(w, err);
	cleanup_close int mnt = -1;

	if (dev < 0)
		return dev;
	mnt = mnt_clone_tree(dev, "", true, err);
	if (mnt < 0 ||
	    (userns_fd >= 0 && mnt_setattr(mnt, &idmap, false, err) < 0))
		return err->code;
	return take_fd(&mnt);
}

int
devfs_mount(int run_dir, unsigned ruleset, const char *helpers, int userns_fd,
            struct error *err)
{
	struct want w = want_of(run_dir, ruleset, helpers, true);
	int mnt = mount_exact(&w, userns_fd, err);
	cleanup_close int dev = -1;

	if (mnt >= 0 || userns_fd < 0 || (mnt != -EINVAL && mnt != -EPERM))
		return mnt;
	if (devfs_template(run_dir, ruleset, helpers, &dev, err) < 0)
		return err->code;
	return mnt_clone_tree(dev, "", true, err);
}

int
devfs_template_drop(int run_dir, struct error *err)
{
	cleanup_close int base = -1;
	struct dirent *e;
	DIR *d;
	int rc = 0;

	base = openat(run_dir, "devfs",
	              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (base < 0)
		return errno == ENOENT ? 0 : error_sys(err, "open 'devfs'");
	if (flock(base, LOCK_EX) < 0)
		return error_sys(err, "lock 'devfs'");
	d = fdopendir(dup(base));
	if (d == NULL)
		return error_sys(err, "read 'devfs'");
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		rc = unmount_point(base, e->d_name, err);
		if (rc == 0 && unlinkat(base, e->d_name, AT_REMOVEDIR) < 0)
			rc = error_sys(err, "remove 'devfs/%s'", e->d_name);
	}
	closedir(d);
	if (rc == 0 && unlinkat(run_dir, "devfs", AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		rc = error_sys(err, "remove 'devfs'");
	return rc;
}

/* --- the allow list ---------------------------------------------------- */

/* Device numbers in Documentation/admin-guide/devices.txt. */
static const struct devfs_allow always[] = {
	{ 1, 3, 'c' },            /* null */
	{ 1, 5, 'c' },            /* zero */
	{ 1, 7, 'c' },            /* full */
	{ 1, 8, 'c' },            /* random */
	{ 1, 9, 'c' },            /* urandom */
	{ 5, 0, 'c' },            /* tty */
	{ 5, 2, 'c' },            /* ptmx */
	{ 136, UINT32_MAX, 'c' }, /* pts/N: 136-143 */
	{ 137, UINT32_MAX, 'c' },
	{ 138, UINT32_MAX, 'c' },
	{ 139, UINT32_MAX, 'c' },
	{ 140, UINT32_MAX, 'c' },
	{ 141, UINT32_MAX, 'c' },
	{ 142, UINT32_MAX, 'c' },
	{ 143, UINT32_MAX, 'c' },
};

/* Add one line unless it is covered. */
static int
allow_add(struct devfs_allow *allow, size_t *n, size_t max,
          const struct devfs_allow *one, struct error *err)
{
	for (size_t i = 0; i < *n; i++)
		if (allow[i].type == one->type &&
		    allow[i].major == one->major &&
		    (allow[i].minor == one->minor ||
		     allow[i].minor == UINT32_MAX))
			return 0;
	if (*n >= max)
		return error_set(err, -E2BIG, "over %zu devices", max);
	allow[(*n)++] = *one;
	return 0;
}

/* The allow file of a template, whoever its helpers are; NULL: none. */
static char *
read_allow(int run_dir, unsigned ruleset)
{
	char inputs[256];

	inputs_line(inputs);
	for (int own = 0; own < 2; own++) {
		struct want w = want_of(run_dir, ruleset, NULL, own == 1);
		cleanup_free char *stamp = NULL;
		cleanup_close int fd = -1;
		struct error err;
		char path[64];
		char *allow;
		size_t len;

		snprintf(path, sizeof(path), "devfs/%s", w.name);
		fd = openat(run_dir, path,
		            O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 &&
		    file_read(fd, "stamp", MAX_SMALL, &stamp, &len, &err) ==
		        0 &&
		    strncmp(stamp, inputs, strlen(inputs)) == 0 &&
		    file_read(fd, "allow", MAX_SMALL, &allow, &len, &err) == 0)
			return allow;
	}
	return NULL;
}

int
devfs_allowed(int run_dir, unsigned ruleset, struct devfs_allow *allow,
              size_t max, struct error *err)
{
	cleanup_free char *text = read_allow(run_dir, ruleset);
	cleanup_free struct devfs_node *node = NULL;
	cleanup_buf struct buf made = BUF_INIT;
	const char *p = text;
	unsigned maj, min;
	size_t n = 0;
	char type;
	int used;

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (allow_add(allow, &n, max, &always[i], err) < 0)
			return err->code;
	if (p == NULL) { /* no template yet: straight from the rules */
		int seen = wanted_nodes(ruleset, &node, err);

		if (seen < 0)
			return seen;
		write_allow_text(&made, node, (size_t)seen);
		p = buf_str(&made);
	}
	for (; sscanf(p, "%c %u %u\n%n", &type, &maj, &min, &used) == 3;
	     p += used) {
		struct devfs_allow one = { .type = type,
			                   .major = maj,
			                   .minor = min };

		if (allow_add(allow, &n, max, &one, err) < 0)
			return err->code;
	}
	return made.failed ? error_set(err, -ENOMEM, "out of memory") : (int)n;
}
