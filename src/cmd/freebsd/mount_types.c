/* SPDX-License-Identifier: BSD-2-Clause */
/* mount_types.c - FreeBSD's file systems, as Linux gives them.
 *
 * Each mount is made detached, with its attributes on, and then attached to the
 * descriptor of its place. Inside a jail (a user namespace) the kernel decides
 * what its root may mount, and what the jail has is bound where new ones cannot
 * be made.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cmd/freebsd/mount.h"
#include "cmd/freebsd/rundir.h"
#include "jail/devfs.h"
#include "linux/mnt.h"
#include "linux/self.h"
#include "linux/userns.h"

/* The value of an option, or NULL. */
static const char *
option(const struct mount_request *rq, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = rq->opts.n; i-- > 0;) /* the rightmost wins */
		if (strncmp(rq->opts.v[i], name, len) == 0 &&
		    (rq->opts.v[i][len] == '=' || rq->opts.v[i][len] == '\0'))
			return rq->opts.v[i] + len +
			       (rq->opts.v[i][len] == '=' ? 1 : 0);
	return NULL;
}

/* Give a detached mount its attributes and its place. */
static int
finish(const struct mount_request *rq, int mnt, int place, struct error *err)
{
	struct mount_attr attr = { .attr_set = rq->set };

	if ((rq->set & MOUNT_ATTR_NOATIME) != 0)
		attr.attr_clr = MOUNT_ATTR__ATIME; /* one choice of three */
	if (rq->set != 0 && mnt_setattr(mnt, &attr, false, err) < 0)
		return error_wrap(err, "%s", rq->where);
	if (mnt_attach(mnt, place, "", err) < 0)
		return error_set(err, err->code, "%s: %s", rq->where,
		                 strerror(-err->code));
	return 0;
}

/* --- nullfs ------------------------------------------------------------ */

static int
make_null(const struct mount_request *rq, int place, struct error *err)
{
	cleanup_close int mnt = mnt_clone_tree(AT_FDCWD, rq->what, false, err);

	if (mnt == -EINVAL && userns_is_nested())
		return error_set(err, -EPERM,
		                 "%s: has mounts below that a jail cannot "
		                 "leave out",
		                 rq->what);
	if (mnt < 0)
		return error_set(err, mnt, "%s: %s", rq->what, strerror(-mnt));
	return finish(rq, mnt, place, err);
}

/* --- tmpfs ------------------------------------------------------------- */

/* "key=VALUE" from an option of the same or another name. */
static int
push_number(struct strv *opts, const struct mount_request *rq, const char *name,
            const char *key, struct error *err)
{
	const char *val = option(rq, name);
	uint64_t n;

	if (val == NULL)
		return 0;
	if (num_size(val, &n) < 0)
		return error_set(err, -EINVAL, "bad value for %s: %s", name,
		                 val);
	return strv_pushf(opts, "%s=%" PRIu64, key, n);
}

/* Owner and mode are the covered directory's where no option says else. */
static int
push_root(struct strv *opts, const struct mount_request *rq, int place,
          struct error *err)
{
	const char *uid = option(rq, "uid");
	const char *gid = option(rq, "gid");
	const char *mode = option(rq, "mode");
	char *end = NULL;
	struct stat st;
	int rc = 0;

	if (fstat(place, &st) < 0)
		return error_sys(err, "%s", rq->where);
	if (mode != NULL)
		st.st_mode = (mode_t)strtoul(mode, &end, 8);
	if (mode != NULL && (mode[0] == '\0' || *end != '\0'))
		return error_set(err, -EINVAL, "invalid mode: %s", mode);
	rc = strv_pushf(opts, "mode=%o", (unsigned)st.st_mode & 07777);
	if (rc == 0 && uid != NULL)
		rc = strv_pushf(opts, "uid=%s", uid);
	else if (rc == 0 && st.st_uid != 0 && !userns_is_nested())
		rc = strv_pushf(opts, "uid=%u", (unsigned)st.st_uid);
	if (rc == 0 && gid != NULL)
		rc = strv_pushf(opts, "gid=%s", gid);
	else if (rc == 0 && st.st_gid != 0 && !userns_is_nested())
		rc = strv_pushf(opts, "gid=%u", (unsigned)st.st_gid);
	return rc < 0 ? error_set(err, rc, "out of memory") : 0;
}

static int
make_tmpfs(const struct mount_request *rq, int place, struct error *err)
{
	cleanup_strv struct strv opts = STRV_INIT;
	cleanup_close int mnt = -1;

	if (push_number(&opts, rq, "size", "size", err) < 0 ||
	    push_number(&opts, rq, "inodes", "nr_inodes", err) < 0 ||
	    push_root(&opts, rq, place, err) < 0)
		return err->code;
	if (strv_push(&opts, "source=tmpfs") < 0)
		return error_set(err, -ENOMEM, "out of memory");
	mnt = mnt_fs("tmpfs", (const char *const *)opts.v, 0, err);
	if (mnt < 0)
		return error_wrap(err, "%s", rq->where);
	return finish(rq, mnt, place, err);
}

/* --- unionfs ----------------------------------------------------------- */

/* The work directory overlayfs needs beside its upper layer: ".NAME.union". */
static int
work_path(const char *upper, char out[PATH_MAX])
{
	const char *slash = strrchr(upper, '/');

	if (slash == NULL || slash[1] == '\0')
		return -EINVAL;
	return snprintf(out, PATH_MAX, "%.*s/.%s.union", (int)(slash - upper),
	                upper, slash + 1) < PATH_MAX
	           ? 0
	           : -ENAMETOOLONG;
}

static int
make_union(const struct mount_request *rq, int place, struct error *err)
{
	bool below = option(rq, "below") != NULL;
	cleanup_free char *what = realpath(rq->what, NULL);
	cleanup_free char *where = realpath(rq->where, NULL);
	cleanup_close int src = open(rq->what, O_PATH | O_CLOEXEC);
	cleanup_strv struct strv opts = STRV_INIT;
	cleanup_close int mnt = -1;
	cleanup_close int work = -1;
	char path[PATH_MAX];

	if (what == NULL || src < 0)
		return error_sys(err, "%s", rq->what);
	if (where == NULL)
		return error_sys(err, "%s", rq->where);
	if (work_path(below ? where : what, path) < 0)
		return error_set(err, -EINVAL, "%s: no room beside it",
		                 below ? where : what);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_sys(err, "%s", path);
	work = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (work < 0)
		return error_sys(err, "%s", path);
	/* By descriptor: names may hold ':' and ',', and change. */
	if (strv_pushf(&opts, "source=<%s>:%s", below ? "below" : "above",
	               below ? where : what) < 0 ||
	    strv_pushf(&opts, "lowerdir=/proc/self/fd/%d",
	               below ? src : place) < 0 ||
	    strv_pushf(&opts, "upperdir=/proc/self/fd/%d",
	               below ? place : src) < 0 ||
	    strv_pushf(&opts, "workdir=/proc/self/fd/%d", work) < 0 ||
	    (userns_is_nested() && strv_push(&opts, "userxattr") < 0))
		return error_set(err, -ENOMEM, "out of memory");
	mnt = mnt_fs("overlay", (const char *const *)opts.v, 0, err);
	if (mnt < 0 || finish(rq, mnt, place, err) < 0) {
		(void)rmdir(path);
		return error_wrap(err, "%s", rq->where);
	}
	return 0;
}

/* Remove the kernel's own empty "work" and "index", then the directory. */
void
mount_union_forget(const char *source)
{
	const char *upper = strchr(source, '>');
	char path[PATH_MAX];
	int fd;

	if (source[0] != '<' || upper == NULL || upper[1] != ':' ||
	    work_path(upper + 2, path) < 0)
		return;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)unlinkat(fd, "work", AT_REMOVEDIR);
	(void)unlinkat(fd, "index", AT_REMOVEDIR);
	close(fd);
	(void)rmdir(path);
}

/* --- devfs and fdescfs ------------------------------------------------- */

/* The template of a ruleset, with the helpers in it: the very one that jails
 * get, so that both share it. */
static int
host_devfs(unsigned ruleset, struct error *err)
{
	cleanup_close int run_dir = -1;
	cleanup_close int dir = -1;
	char helpers[PATH_MAX];

	if (self_libexec("inside", helpers, err) < 0)
		return err->code;
	run_dir = rundir_open(err);
	if (run_dir < 0 ||
	    devfs_template(run_dir, ruleset, helpers, &dir, err) < 0)
		return err->code;
	return mnt_clone_tree(dir, "", true, err);
}

static int
make_devfs(const struct mount_request *rq, int place, struct error *err)
{
	const char *set = option(rq, "ruleset");
	cleanup_close int mnt = -1;
	long long n = 4; /* FreeBSD's 0 would show every device of the host */

	if (set != NULL && num_int_in(set, 0, DEVFS_MAX_RULESET, &n) < 0)
		return error_set(err, -EINVAL, "bad value for ruleset: %s",
		                 set);
	if (!userns_is_nested())
		mnt = host_devfs((unsigned)n, err);
	else if (set != NULL) /* a jail's rules are its maker's */
		return error_set(err, -EPERM, "%s: %s", rq->where,
		                 strerror(EPERM));
	else /* the jail's own /dev once more */
		mnt = mnt_clone_tree(AT_FDCWD, "/dev", true, err);
	return mnt < 0 ? mnt : finish(rq, mnt, place, err);
}

/* Linux has fdescfs as a link, which our devfs holds: nothing to mount. */
static int
make_fdesc(const struct mount_request *rq, int place, struct error *err)
{
	char target[32];
	ssize_t n = readlink(rq->where, target, sizeof(target));

	(void)place;
	if (n == 13 && memcmp(target, "/proc/self/fd", 13) == 0)
		return 0;
	return error_set(err, -ENOTSUP,
	                 "%s: not a link to /proc/self/fd; mount a devfs there "
	                 "first",
	                 rq->where);
}

/* --- procfs and its like ----------------------------------------------- */

static int
make_proc(const struct mount_request *rq, int place, struct error *err)
{
	cleanup_close int mnt = mnt_fs(
	    "proc", NULL,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);

	if (mnt < 0)
		return error_wrap(err, "%s", rq->where);
	return finish(rq, mnt, place, err);
}

static int
make_sys(const struct mount_request *rq, int place, struct error *err)
{
	cleanup_close int mnt = mnt_fs(
	    "sysfs", NULL,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);

	/* A jail in the host's network stack has no sysfs of its own. */
	if (mnt == -EPERM)
		mnt = mnt_clone_tree(AT_FDCWD, "/sys", true, err);
	if (mnt < 0)
		return error_wrap(err, "%s", rq->where);
	return finish(rq, mnt, place, err);
}

/* --- the table --------------------------------------------------------- */

static const char *const none[] = { NULL };
/* Caching is the kernel's business on Linux: both words are FreeBSD's hints. */
static const char *const null_opts[] = { "cache", "nocache", NULL };
static const char *const tmpfs_opts[] = { "size=", "inodes=", "uid=",
	                                  "gid=",  "mode=",   NULL };
static const char *const union_opts[] = { "below", NULL };
static const char *const devfs_opts[] = { "ruleset=", NULL };
/* Which answer readlink(2) gives there: Linux has the third, always. */
static const char *const fdesc_opts[] = { "linrdlnk", "rdlnk", "nodup", NULL };

static const struct mount_type types[] = {
	{ "nullfs", null_opts, make_null },
	{ "tmpfs", tmpfs_opts, make_tmpfs },
	{ "unionfs", union_opts, make_union },
	{ "devfs", devfs_opts, make_devfs },
	{ "fdescfs", fdesc_opts, make_fdesc },
	{ "procfs", none, make_proc },
	{ "linprocfs", none, make_proc },
	{ "linsysfs", none, make_sys },
};

const struct mount_type *
mount_type_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}
