/* SPDX-License-Identifier: BSD-2-Clause */
/* umount.c - umount(8) with FreeBSD's syntax, for hooks and inside jails.
 *
 * A mount is named by its place or by what is mounted. The place is never
 * reached through a link below a jail's root (place.h), and nothing is done
 * where nothing is mounted. -f is MNT_DETACH: what is in use goes from sight at
 * once and for good when it is let go. Source: umount(8).
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strv.h"
#include "cmd/freebsd/fstypes.h"
#include "cmd/freebsd/mount.h"
#include "cmd/freebsd/place.h"
#include "jail/fstab.h"
#include "linux/file.h"
#include "linux/mnt.h"
#include "linux/mountinfo.h"

struct options {
	const char *type, *fstab;
	bool all, force, verbose;
};

static int
usage(void)
{
	fputs("usage: umount [-fnv] [-t types] special ... | node ...\n"
	      "       umount -a [-fnv] [-F fstab] [-t types]\n",
	      stderr);
	return 1;
}

/* The number of the mount whose root path is; *out_id. -EINVAL: no mount. */
static int
mount_of(int parent, const char *name, uint64_t *out_id, struct error *err)
{
	cleanup_close int fd =
	    openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool is_root = false;

	if (fd < 0)
		return error_sys(err, "%s", name);
	if (mnt_id(fd, out_id, &is_root, err) < 0)
		return err->code;
	return is_root ? 0 : -EINVAL;
}

static const struct mountinfo_row *
row_of(const struct mountinfo *mi, uint64_t id)
{
	for (size_t i = 0; i < mi->n; i++)
		if (mi->row[i].id == id)
			return &mi->row[i];
	return NULL;
}

/* Does one of the types in the list fit? "no..." lists are taken literally. */
static bool
type_fits(const struct options *o, const struct mountinfo *mi,
          const struct mountinfo_row *row)
{
	cleanup_strv struct strv types = STRV_INIT;

	if (o->type == NULL || row == NULL)
		return true;
	if (strncmp(o->type, "no", 2) == 0)
		return fstype_listed(o->type, fstype_of(mi, row));
	if (strv_split(&types, o->type, ",", false) < 0)
		return false;
	for (size_t i = 0; i < types.n; i++)
		if (fstype_may_be(row, types.v[i]))
			return true;
	return false;
}

/* fdescfs is a link on Linux: nothing was mounted, nothing is to undo. */
static bool
is_fdesc_link(int parent, const char *name)
{
	char target[32];
	ssize_t n = readlinkat(parent, name, target, sizeof(target));

	return n == 13 && memcmp(target, "/proc/self/fd", 13) == 0;
}

static int
unmount_at(const struct options *o, const struct mountinfo *mi, int parent,
           const char *name, const char *path)
{
	cleanup_buf struct buf from = BUF_INIT;
	const struct mountinfo_row *row;
	struct error err;
	char by_fd[300];
	uint64_t id = 0;
	int rc, flags;

	if (is_fdesc_link(parent, name))
		return 0;
	rc = mount_of(parent, name, &id, &err);
	if (rc == -EINVAL) {
		fprintf(stderr,
		        "umount: %s: not a file system root directory\n", path);
		return 1;
	}
	if (rc < 0) {
		fprintf(stderr, "umount: %s: %s\n", path, strerror(-rc));
		return 1;
	}
	row = row_of(mi, id);
	if (!type_fits(o, mi, row))
		return 1;
	if (row != NULL)
		fstype_source(mi, row, &from);
	/* A devfs of ours has the helpers mounted in it: they go along. */
	flags = UMOUNT_NOFOLLOW;
	if (o->force || (row != NULL && strcmp(row->source, "devfs") == 0))
		flags |= MNT_DETACH;
	if (snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d/%s", parent,
	             name) >= (int)sizeof(by_fd) ||
	    umount2(by_fd, flags) < 0) {
		fprintf(stderr, "umount: unmount of %s failed: %s\n", path,
		        strerror(errno));
		return 1;
	}
	if (row != NULL && strcmp(row->type, "overlay") == 0)
		mount_union_forget(row->source);
	if (o->verbose && row != NULL)
		printf("%s: unmount from %s\n", buf_str(&from), path);
	return 0;
}

static int
unmount_path(const struct options *o, const struct mountinfo *mi,
             const char *path)
{
	cleanup_free char *copy = NULL;
	cleanup_close int parent = -1;
	const char *name;
	struct error err;

	parent = place_open_parent(path, &copy, &name, &err);
	if (parent < 0) {
		fprintf(stderr, "umount: %s\n", err.msg);
		return 1;
	}
	return unmount_at(o, mi, parent, name, path);
}

/* By place when there is such a file, else by what is mounted. */
static int
unmount_named(const struct options *o, const char *name)
{
	cleanup_mountinfo struct mountinfo mi = MOUNTINFO_INIT;
	struct error err;
	struct stat st;

	if (mountinfo_read(&mi, &err) < 0) {
		fprintf(stderr, "umount: %s\n", err.msg);
		return 1;
	}
	if (strchr(name, '/') != NULL || lstat(name, &st) == 0)
		if (mountinfo_at(&mi, name) != NULL || lstat(name, &st) == 0)
			return unmount_path(o, &mi, name);
	for (size_t i = mi.n; i-- > 0;) {
		cleanup_buf struct buf from = BUF_INIT;

		fstype_source(&mi, &mi.row[i], &from);
		if (strcmp(buf_str(&from), name) == 0 ||
		    strcmp(mi.row[i].source, name) == 0)
			return unmount_path(o, &mi, mi.row[i].point);
	}
	fprintf(stderr, "umount: %s: unknown file system\n", name);
	return 1;
}

/* The places of an fstab, last line first. */
static int
unmount_all(const struct options *o)
{
	cleanup_strv struct strv places = STRV_INIT;
	cleanup_free char *text = NULL;
	struct error err;
	size_t len;
	int status = 0;

	if (file_read(AT_FDCWD, o->fstab, FSTAB_MAX_BYTES, &text, &len, &err) <
	    0) {
		fprintf(stderr, "umount: %s\n", err.msg);
		return 1;
	}
	for (size_t at = 0; at < len;) {
		size_t n = strcspn(text + at, "\n");
		struct fstab_line l;
		int rc = fstab_parse(text + at, n, &l, &err);

		at += n + 1;
		if (rc < 0) {
			fprintf(stderr, "umount: %s\n", err.msg);
			status = 1;
		}
		if (rc != 1)
			continue;
		if (strcmp(l.where, "/") != 0 && strcmp(l.type, "swap") != 0 &&
		    fstype_listed(o->type, l.type) &&
		    strv_push(&places, l.where) < 0)
			status = 1;
		fstab_line_fini(&l);
	}
	for (size_t i = places.n; i-- > 0;)
		if (unmount_named(o, places.v[i]) != 0)
			status = 1;
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = { .fstab = "/etc/fstab" };
	int status = 0;
	int c;

	while ((c = getopt(argc, argv, "+AaF:fh:nt:v")) != -1)
		switch (c) {
		case 'A':
		case 'h':
			fprintf(stderr,
			        "umount: -%c would unmount what the host lives "
			        "on: name what is to go\n",
			        c);
			return 1;
		case 'a':
			o.all = true;
			break;
		case 'F':
			o.fstab = optarg;
			break;
		case 'f':
			o.force = true;
			break;
		case 'n': /* never busy: what umount2(2) does anyway */
			break;
		case 't':
			o.type = optarg;
			break;
		case 'v':
			o.verbose = true;
			break;
		default:
			return usage();
		}
	if (o.all ? optind != argc : optind == argc)
		return usage();
	if (o.all)
		return unmount_all(&o);
	for (int i = optind; i < argc; i++)
		if (unmount_named(&o, argv[i]) != 0)
			status = 1;
	return status;
}
