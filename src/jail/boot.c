/* SPDX-License-Identifier: BSD-2-Clause */
/* boot.c - the first process of a jail, from its birth in new mount and pid
 * namespaces to the exec of init.
 *
 * The order carries the security, and each line of it was an escape once:
 *   host's user namespace   mounts, masks, pivot_root: what is mounted here is
 *                           locked for everyone inside
 *   the jail's              hostname, devpts, own IPC, UTS, net, cgroup
 * A pivot_root that failed unnoticed would leave the jail on the host's root,
 * so every call is checked and any failure ends the process.
 */
#include <linux/close_range.h>
#include <linux/securebits.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "jail/filter.h"
#include "jail/making.h"
#include "jail/masks.h"
#include "linux/beneath.h"
#include "linux/cgroup.h"
#include "linux/file.h"
#include "linux/keyring.h"
#include "linux/mnt.h"

enum {
	TTY_GID = 5, /* Debian's "tty" */
	FD_GO = 3,   /* as init.c has them */
	FD_EVENTS = 4,
	FD_KEEP = 10, /* above those, while they are put in place */
};

#define NO_TRICKS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static bool
may_hold_jails(const struct making *m)
{
	return dict_get_int(&m->rec.d, "children.max", 0) > 0;
}

/* Attach mnt_fd over what at is; where is for the message. */
static int
attach_over(int mnt_fd, int at, const char *where, struct error *err)
{
	struct stat st;

	if (fstat(at, &st) == 0 && !S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "%s: Not a directory", where);
	return mnt_attach(mnt_fd, at, "", err);
}

/* Attach mnt_fd at a directory below the new root. */
static int
attach_at(const struct making *m, int mnt_fd, const char *where,
          struct error *err)
{
	cleanup_close int at =
	    beneath_open(m->root.fd, "", where, O_PATH, 0, err);

	if (at < 0)
		return at;
	return attach_over(mnt_fd, at, where, err);
}

/* --- kernel file systems ----------------------------------------------- */

/* A copy of what is at path below fs, put over it, read-only or not. */
static int
cover_with_itself(int fs, const char *path, bool writable, struct error *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	struct mount_attr rw = { .attr_clr = MOUNT_ATTR_RDONLY };
	cleanup_close int tree = mnt_clone_tree(fs, path, true, err);

	if (tree < 0 || mnt_setattr(tree, writable ? &rw : &ro, true, err) < 0)
		return err->code;
	return mnt_attach(tree, fs, path, err);
}

static int
hide(int fs, const char *path, bool is_dir, struct error *err)
{
	static const char *const empty[] = { "size=4k", "mode=555", NULL };
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	cleanup_close int cover = -1;

	cover = is_dir ? mnt_fs("tmpfs", empty, NO_TRICKS, err)
	               : mnt_clone_tree(AT_FDCWD, "/dev/null", false, err);
	if (cover < 0 || mnt_setattr(cover, &ro, false, err) < 0)
		return err->code;
	return mnt_attach(cover, fs, path, err);
}

static int
cover_one(int fs, const struct jail_mask *mask, const char *path,
          struct error *err)
{
	switch (mask->kind) {
	case JAIL_MASK_FILE:
		return hide(fs, path, false, err);
	case JAIL_MASK_DIR:
		return hide(fs, path, true, err);
	case JAIL_MASK_READONLY:
		return cover_with_itself(fs, path, false, err);
	case JAIL_MASK_WRITABLE:
		return cover_with_itself(fs, path, true, err);
	}
	return 0;
}

/* Walk a table of masks whose paths begin with top ("/proc/"). */
static int
cover(const struct making *m, int fs, const char *top,
      const struct jail_mask *masks, size_t n, struct error *err)
{
	bool vnet = (m->ns & CLONE_NEWNET) != 0;

	for (size_t i = 0; i < n; i++) {
		const char *path = masks[i].path + strlen(top);

		if ((masks[i].when == JAIL_MASK_VNET && !vnet) ||
		    (masks[i].when == JAIL_MASK_UNSHIFTED && m->shifted) ||
		    faccessat(fs, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue; /* this kernel has none */
		if (cover_one(fs, &masks[i], path, err) < 0)
			return error_wrap(err, "mask %s", masks[i].path);
	}
	return 0;
}

static int
mount_proc(struct making *m, const struct jail_mount *mount, struct error *err)
{
	cleanup_close int proc = mnt_fs("proc", NULL, NO_TRICKS, err);
	/* A locked mask would keep a child jail from a proc of its own; with
	 * shifted ids the files are out of root's reach without masks. */
	bool bare = m->shifted && may_hold_jails(m);

	if (proc < 0 || attach_at(m, proc, mount->where, err) < 0)
		return err->code;
	if (bare || m->sys->nested)
		return 0;
	return cover(m, proc, "/proc/", jail_mask_proc, jail_mask_proc_len,
	             err);
}

static int
mount_sys(struct making *m, const struct jail_mount *mount, struct error *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY | NO_TRICKS };
	cleanup_close int sys = mnt_clone_tree(AT_FDCWD, "/sys", false, err);

	if (sys < 0 || mnt_setattr(sys, &ro, false, err) < 0 ||
	    attach_at(m, sys, mount->where, err) < 0)
		return err->code;
	return cover(m, sys, "/sys/", jail_mask_sys, jail_mask_sys_len, err);
}

static int
mount_dev(struct making *m, const struct jail_mount *mount, struct error *err)
{
	/* Of its pty and shm directories more is made of later (late_dev). */
	return attach_at(m, m->dev_tree, mount->where, err);
}

/* fd(4)'s /dev/fd: our /dev has the link already. */
static int
mount_fdesc(struct making *m, const struct jail_mount *mount, struct error *err)
{
	(void)m;
	if (strcmp(mount->where, "/dev/fd") == 0)
		return 0;
	return error_set(err, -ENOTSUP,
	                 "fdescfs can be mounted on /dev/fd only");
}

/* Below the jail's own user namespace, where its ids are known (late_tmpfs). */
static int
mount_later(struct making *m, const struct jail_mount *mount, struct error *err)
{
	(void)m;
	(void)mount;
	(void)err;
	return 0;
}

static const struct {
	const char *type;
	int (*up)(struct making *m, const struct jail_mount *mount,
	          struct error *err);
} mount_types[] = {
	{ "devfs", mount_dev },    { "fdescfs", mount_fdesc },
	{ "procfs", mount_proc },  { "linprocfs", mount_proc },
	{ "linsysfs", mount_sys }, { "tmpfs", mount_later },
};

static int
mount_all(struct making *m, struct error *err)
{
	for (size_t i = 0; i < m->n_mounts; i++) {
		const struct jail_mount *mount = &m->mounts[i];
		size_t t = 0;

		while (t < ARRAY_LEN(mount_types) &&
		       strcmp(mount_types[t].type, mount->type) != 0)
			t++;
		if (t == ARRAY_LEN(mount_types))
			return error_set(err, -ENODEV,
			                 "mount: %s: unknown type",
			                 mount->type);
		if (mount_types[t].up(m, mount, err) < 0)
			return error_wrap(err, "mount %s at %s", mount->type,
			                  mount->where);
	}
	return 0;
}

/* --- the two stages ----------------------------------------------------- */

/*
 * Where the jail's root shows the runtime directory, put an empty one of the
 * jail's own over it. jail(8) inside would find records of jails whose init it
 * cannot see, take them for dead and clear them away.
 */
static int
hide_runtime(const struct making *m, struct error *err)
{
	cleanup_free char *run = realpath(m->sys->path, NULL);
	const char *where =
	    run == NULL ? NULL : rootfs_below(run, dict_get(&m->rec.d, "path"));
	char uid[32], gid[32];
	const char *const opts[] = { "source=gaol", "mode=755", uid, gid,
		                     NULL };
	cleanup_close int own = -1;
	int rc;

	if (where == NULL)
		return 0;
	snprintf(uid, sizeof(uid), "uid=%u", m->uid_base);
	snprintf(gid, sizeof(gid), "gid=%u", m->uid_base);
	own = mnt_fs("tmpfs", opts, NO_TRICKS, err);
	rc = own < 0 ? own : attach_at(m, own, where, err);
	/* Something else may be mounted over what leads there. */
	return rc == -ENOENT ? 0 : rc;
}

static int
enter_root(struct making *m, struct error *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_sys(err, "make mounts private");
	/* Over "/" is a place that always exists; the old root goes below. */
	if (mnt_attach(m->root.fd, AT_FDCWD, "/", err) < 0 ||
	    rootfs_attach_below(&m->root, err) < 0 ||
	    hide_runtime(m, err) < 0 || mount_all(m, err) < 0)
		return err->code;
	if (fchdir(m->root.fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return error_sys(err, "change root");
	return 0;
}

/* Is "/" really the jail's directory, and nothing else left? */
static int
check_root(const struct making *m, struct error *err)
{
	struct stat want, have;

	if (fstat(m->root.fd, &want) < 0 || stat("/", &have) < 0)
		return error_sys(err, "look at the new root");
	if (want.st_dev != have.st_dev || want.st_ino != have.st_ino)
		return error_set(err, -EXDEV, "the root did not change");
	return 0;
}

static int
become_root_of_jail(struct making *m, struct error *err)
{
	unsigned own = m->ns & ~(unsigned)(CLONE_NEWUSER | CLONE_NEWPID);

	if (setns(m->userns, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter the user namespace");
	if (unshare((int)own) < 0)
		return error_sys(err, "make namespaces");
	/* Until we are the mapped root, new files would have no owner. */
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
	    setresuid(0, 0, 0) < 0)
		return error_sys(err, "become the jail's root");
	return 0;
}

/*
 * Let the jail hold as many jails as children.max says: each takes one user
 * namespace, and the kernel counts those (namespaces(7), /proc/sys/user).
 * Where it is 0 the filter lets it make none.
 */
static int
limit_children(const struct making *m, int proc, struct error *err)
{
	if (!may_hold_jails(m))
		return 0;
	return file_put(proc, "sys/user/max_user_namespaces",
	                dict_get(&m->rec.d, "children.max"), err);
}

/* The parts of /dev that belong to the jail itself. */
static int
late_dev(const char *where, struct error *err)
{
	static const char *const pty[] = { "newinstance", "ptmxmode=0666",
		                           "mode=620", "gid=5", NULL };
	static const char *const shm[] = { "mode=1777", NULL };
	cleanup_close int dev =
	    beneath_open(AT_FDCWD, "", where, O_PATH, 0, err);
	cleanup_close int pts = -1;
	cleanup_close int mem = -1;

	if (dev < 0)
		return dev;
	pts = mnt_fs("devpts", pty, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	if (pts < 0 || mnt_attach(pts, dev, "pts", err) < 0)
		return error_wrap(err, "devpts");
	mem = mnt_fs("tmpfs", shm, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	if (mem < 0 || mnt_attach(mem, dev, "shm", err) < 0)
		return error_wrap(err, "shm");
	return 0;
}

/* A number of tmpfs(5)'s, perhaps with a unit, in Linux's words. */
static int
take_number(const char *key, const char *value, struct strv *out,
            struct error *err)
{
	uint64_t n;

	if (num_size(value, &n) < 0)
		return error_set(err, -EINVAL, "bad value for %s: %s", key,
		                 value);
	return strv_pushf(out, "%s=%" PRIu64, key, n);
}

/* One word of tmpfs(5)'s options: an attribute of the mount, or an option in
 * Linux's words appended to out. */
static int
take_tmpfs_option(const char *word, struct strv *out, uint64_t *attrs,
                  struct error *err)
{
	static const char *const same[] = { "mode=", "uid=", "gid=" };
	static const struct {
		const char *word;
		uint64_t set, clr;
	} common[] = {
		{ "ro", MOUNT_ATTR_RDONLY, 0 },
		{ "rw", 0, MOUNT_ATTR_RDONLY },
		{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
		{ "exec", 0, MOUNT_ATTR_NOEXEC },
		{ "noatime", MOUNT_ATTR_NOATIME, 0 },
		{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
		{ "nosuid", 0, 0 }, /* always */
		{ "nodev", 0, 0 },
		{ "late", 0, 0 }, /* when to mount: now */
		{ "failok", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (strncmp(word, same[i], strlen(same[i])) == 0)
			return strv_push(out, word);
	if (strncmp(word, "size=", 5) == 0)
		return take_number("size", word + 5, out, err);
	if (strncmp(word, "inodes=", 7) == 0)
		return take_number("nr_inodes", word + 7, out, err);
	for (size_t i = 0; i < ARRAY_LEN(common); i++) {
		if (strcmp(word, common[i].word) != 0)
			continue;
		*attrs = (*attrs | common[i].set) & ~common[i].clr;
		return 0;
	}
	return error_set(err, -EINVAL, "unknown option: %s", word);
}

/* Its name, and the covered directory's owner and mode; later options win. */
static int
take_place(int at, struct strv *out, struct error *err)
{
	struct stat st;
	int rc;

	if (fstat(at, &st) < 0)
		return error_sys(err, "stat");
	rc = strv_push(out, "source=tmpfs");
	if (rc == 0)
		rc = strv_pushf(out, "mode=%o", (unsigned)st.st_mode & 07777);
	if (rc == 0)
		rc = strv_pushf(out, "uid=%u", (unsigned)st.st_uid);
	if (rc == 0)
		rc = strv_pushf(out, "gid=%u", (unsigned)st.st_gid);
	return rc < 0 ? error_set(err, rc, "out of memory") : 0;
}

static int
late_tmpfs(const struct jail_mount *mount, struct error *err)
{
	cleanup_strv struct strv words = STRV_INIT, opts = STRV_INIT;
	uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	cleanup_close int at = -1;
	cleanup_close int fs = -1;

	if (strv_split(&words, mount->opts != NULL ? mount->opts : "", ",",
	               false) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	at = beneath_open(AT_FDCWD, "", mount->where, O_PATH, 0, err);
	if (at < 0)
		return at;
	if (take_place(at, &opts, err) < 0)
		return err->code;
	for (size_t i = 0; i < words.n; i++)
		if (take_tmpfs_option(words.v[i], &opts, &attrs, err) < 0)
			return err->code;
	fs = mnt_fs("tmpfs", (const char *const *)opts.v, attrs, err);
	return fs < 0 ? fs : attach_over(fs, at, mount->where, err);
}

static int
late_mounts(const struct making *m, struct error *err)
{
	for (size_t i = 0; i < m->n_mounts; i++) {
		const struct jail_mount *mount = &m->mounts[i];

		if (strcmp(mount->type, "devfs") == 0 &&
		    late_dev(mount->where, err) < 0)
			return err->code;
		if (strcmp(mount->type, "tmpfs") == 0 &&
		    late_tmpfs(mount, err) < 0)
			return error_wrap(err, "mount tmpfs at %s",
			                  mount->where);
	}
	return 0;
}

static int
name_host(const struct making *m, struct error *err)
{
	const char *host = dict_get(&m->rec.d, "host.hostname");
	const char *domain = dict_get(&m->rec.d, "host.domainname");

	if ((m->ns & CLONE_NEWUTS) == 0)
		return 0;
	if (sethostname(host != NULL ? host : "",
	                host != NULL ? strlen(host) : 0) < 0)
		return error_sys(err, "host.hostname");
	if (setdomainname(domain != NULL ? domain : "",
	                  domain != NULL ? strlen(domain) : 0) < 0)
		return error_sys(err, "host.domainname");
	return 0;
}

/*
 * Put init's two descriptors where it wants them and close the rest but the
 * program and the report, which go at exec. init has no standard ones: with
 * the host's rights still on, nothing may be opened below a root that the
 * tenant wrote, "/dev/null" least of all. It could lead to /proc/kcore, and a
 * jail's root may take descriptors out of init.
 */
static int
place_fds(struct making *m, struct error *err)
{
	int go = fcntl(m->go[0], F_DUPFD_CLOEXEC, FD_KEEP);
	int events = fcntl(m->events, F_DUPFD_CLOEXEC, FD_KEEP);

	m->init = fcntl(m->init, F_DUPFD_CLOEXEC, FD_KEEP);
	m->report[1] = fcntl(m->report[1], F_DUPFD_CLOEXEC, FD_KEEP);
	m->userns = fcntl(m->userns, F_DUPFD_CLOEXEC, FD_KEEP);
	if (go < 0 || events < 0 || m->init < 0 || m->report[1] < 0 ||
	    m->userns < 0)
		return error_sys(err, "move descriptors");
	if (dup2(go, FD_GO) < 0 || dup2(events, FD_EVENTS) < 0)
		return error_sys(err, "move descriptors");
	if (syscall(SYS_close_range, 0, FD_GO - 1, 0) < 0 ||
	    syscall(SYS_close_range, FD_EVENTS + 1, ~0U, CLOSE_RANGE_CLOEXEC) <
	        0)
		return error_sys(err, "close descriptors");
	return 0;
}

static int
exec_init(struct making *m, struct error *err)
{
	char name[] = "gaol-init";
	char *const argv[] = { name, NULL };
	char *const envp[] = { NULL };
	sigset_t all;

	/* init's signals wait for it from before its first instruction. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* It reaps and holds: no privilege is needed for that. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0,
	          0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_sys(err, "drop privileges");
	if (jail_filter_apply_init(err) < 0)
		return err->code;
	syscall(SYS_execveat, m->init, "", argv, envp, AT_EMPTY_PATH);
	return error_sys(err, "exec init");
}

int
boot_jail(void *arg)
{
	struct making own = *(const struct making *)arg;
	struct making *m = &own;
	struct error err = { 0 };
	bool holds = may_hold_jails(m);
	/* Mounted while we may: the pid namespace is the host's. */
	int proc = holds ? mnt_fs("proc", NULL, NO_TRICKS, &err) : -1;

	/* The lock is the maker's: killed, it must not live on in us. */
	close(m->lock);
	setsid(); /* signals of the caller's terminal are not the jail's */
	if ((m->enter < 0 || cg_enter(m->enter, &err) == 0) &&
	    (!holds || proc >= 0) && enter_root(m, &err) == 0 &&
	    check_root(m, &err) == 0 && keyring_leave(&err) == 0 &&
	    place_fds(m, &err) == 0 && become_root_of_jail(m, &err) == 0 &&
	    limit_children(m, proc, &err) == 0 && late_mounts(m, &err) == 0 &&
	    name_host(m, &err) == 0)
		(void)exec_init(m, &err);
	(void)!write(m->report[1], &err, sizeof(err));
	return 1;
}
