/* SPDX-License-Identifier: BSD-2-Clause */
/* mount.c - mount(8) with FreeBSD's syntax, for hooks and inside jails.
 *
 * Makes FreeBSD's virtual file systems itself (mount_types.c) and hands every
 * other type to the system's own mount(8). Called mount_TYPE it is mount -t
 * TYPE. Source: mount(8), mount_nullfs(8), mount_unionfs(8), fstab(5).
 */
#include "cmd/freebsd/mount.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/freebsd/fstypes.h"
#include "cmd/freebsd/place.h"
#include "jail/fstab.h"
#include "linux/file.h"
#include "linux/mnt.h"
#include "linux/mountinfo.h"

struct options {
	const char *type;  /* -t, or of the program's name */
	const char *fstab; /* -F */
	struct strv words; /* of -o, -r, -w, in order */
	bool all, update, list_fstab, verbose, dry;
};

static const char *prog; /* "mount", "mount_nullfs"; set once by main() */

static int
usage(FILE *to)
{
	if (strcmp(prog, "mount") != 0)
		fprintf(to, "usage: %s [-o options] what where\n", prog);
	else
		fputs("usage: mount [-dfnpruvw] [-o options] [-t type] what "
		      "where\n"
		      "       mount [-dfnpruvw] -a [-F fstab] [-t types]\n"
		      "       mount [-dfnruvw] -u [-o options] where\n",
		      to);
	return 1;
}

static int
complain(const struct error *err)
{
	fprintf(stderr, "%s: %s\n", prog, err->msg);
	return 1;
}

/* --- options ----------------------------------------------------------- */

/* Words of -o that any type takes. Those that set and clear nothing say when
 * to mount, or how to write to a disk that these mounts do not have. */
static const struct {
	const char *word;
	uint64_t set, clr;
} common[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rdonly", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "noro", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "noatime", MOUNT_ATTR_NOATIME, 0 },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "late", 0, 0 },
	{ "noauto", 0, 0 },
	{ "failok", 0, 0 },
	{ "async", 0, 0 },
	{ "noasync", 0, 0 },
	{ "update", 0, 0 },
};

static bool
takes(const struct mount_type *type, const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; type->opts[i] != NULL; i++) {
		const char *o = type->opts[i];
		bool valued = o[strlen(o) - 1] == '=';

		if (strncmp(o, word, len) == 0 &&
		    strlen(o) == len + (valued ? 1 : 0) &&
		    valued == (word[len] == '='))
			return true;
	}
	return false;
}

/* Sort words into attributes and what belongs to the type; later ones win. */
static int
sort_words(const struct strv *words, const struct mount_type *type,
           struct mount_request *rq, struct error *err)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *w = words->v[i];
		size_t k = 0;

		while (k < ARRAY_LEN(common) && strcmp(common[k].word, w) != 0)
			k++;
		if (k < ARRAY_LEN(common)) {
			rq->set = (rq->set | common[k].set) & ~common[k].clr;
			rq->clr = (rq->clr | common[k].clr) & ~common[k].set;
		} else if (type == NULL || !takes(type, w)) {
			return error_set(
			    err, -EINVAL, "%s: option '%s' is not supported",
			    type != NULL ? type->name : rq->where, w);
		} else if (strv_push(&rq->opts, w) < 0) {
			return error_set(err, -ENOMEM, "out of memory");
		}
	}
	return 0;
}

/* --- handing over ------------------------------------------------------ */

static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

/* Run the system's mount(8), which is never this one: it is not in PATH order
 * that we look, but where systems have it. */
static int
run_system_mount(char *const *argv)
{
	static const char *const at[] = { "/bin/mount", "/usr/bin/mount",
		                          "/sbin/mount" };
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		fprintf(stderr, "%s: fork: %s\n", prog, strerror(errno));
		return 1;
	}
	if (pid == 0) {
		for (size_t i = 0; i < ARRAY_LEN(at); i++)
			execv(at[i], argv);
		fprintf(stderr, "%s: system's mount: %s\n", prog,
		        strerror(errno));
		_exit(127);
	}
	return wait_for(pid);
}

static int
hand_over(const char *type, const char *what, const char *where,
          const struct strv *words)
{
	cleanup_strv struct strv argv = STRV_INIT;
	cleanup_buf struct buf opts = BUF_INIT;
	int rc = strv_push(&argv, "mount");

	strv_join(words, ",", &opts);
	if (rc == 0 && type != NULL)
		rc = strv_push(&argv, "-t") < 0
		         ? -ENOMEM
		         : strv_push(&argv, fstype_linux(type));
	if (rc == 0 && words->n > 0)
		rc = strv_push(&argv, "-o") < 0
		         ? -ENOMEM
		         : strv_push(&argv, buf_str(&opts));
	if (rc == 0 && what != NULL)
		rc = strv_push(&argv, what);
	if (rc == 0)
		rc = strv_push(&argv, where);
	if (rc < 0 || opts.failed) {
		fprintf(stderr, "%s: out of memory\n", prog);
		return 1;
	}
	return run_system_mount(argv.v);
}

/* --- one mount --------------------------------------------------------- */

static int
mount_one(const struct options *o, const char *type_name, const char *what,
          const char *where, const struct strv *words)
{
	const struct mount_type *type = mount_type_find(type_name);
	struct mount_request rq = { .type = type_name,
		                    .what = what,
		                    .where = where };
	cleanup_close int place = -1;
	struct error err;
	int rc;

	if (type == NULL)
		return o->dry ? 0 : hand_over(type_name, what, where, words);
	rc = sort_words(words, type, &rq, &err);
	if (rc == 0) {
		place = place_open(where, &err);
		rc = place < 0 && strcmp(type_name, "fdescfs") != 0 ? place : 0;
	}
	if (rc == 0 && !o->dry)
		rc = type->make(&rq, place, &err);
	strv_fini(&rq.opts);
	if (rc < 0)
		return complain(&err);
	if (o->verbose)
		printf("%s on %s (%s%s)\n", what, where, type_name,
		       (rq.set & MOUNT_ATTR_RDONLY) != 0 ? ", read-only" : "");
	return 0;
}

/* mount -u: change what a mount allows. */
static int
update(const char *where, const struct strv *words)
{
	cleanup_mountinfo struct mountinfo mi = MOUNTINFO_INIT;
	cleanup_free char *real = realpath(where, NULL);
	const struct mountinfo_row *row;
	cleanup_close int place = -1;
	struct mount_request rq = { .where = where };
	struct mount_attr attr = { .attr_set = 0 };
	struct error err;

	if (real == NULL || mountinfo_read(&mi, &err) < 0) {
		error_sys(&err, "%s", where);
		return complain(&err);
	}
	row = mountinfo_at(&mi, real);
	if (row == NULL) {
		fprintf(stderr, "%s: %s: not currently mounted\n", prog, where);
		return 1;
	}
	if (row->source[0] == '/' && strcmp(row->root, "/") == 0) {
		/* A disk: its file system has a say too. */
		cleanup_strv struct strv again = STRV_INIT;

		if (strv_push(&again, "remount") < 0 ||
		    strv_extend(&again, words) < 0)
			return 1;
		return hand_over(NULL, NULL, where, &again);
	}
	place = place_open(where, &err);
	if (place < 0 || sort_words(words, NULL, &rq, &err) < 0)
		return complain(&err);
	attr.attr_set = rq.set;
	attr.attr_clr = rq.clr;
	if ((rq.set & MOUNT_ATTR_NOATIME) != 0)
		attr.attr_clr |= MOUNT_ATTR__ATIME; /* one choice of three */
	if (mnt_setattr(place, &attr, false, &err) < 0) {
		error_wrap(&err, "%s", where);
		return complain(&err);
	}
	return 0;
}

/* --- fstab ------------------------------------------------------------- */

static bool
has_word(const struct strv *words, const char *word)
{
	return strv_has(words, word);
}

/* One line of an fstab for mount -a. */
static int
mount_line(const struct options *o, const struct mountinfo *mi,
           const struct fstab_line *l)
{
	cleanup_strv struct strv words = STRV_INIT;
	int rc;

	if (strcmp(l->type, "swap") == 0 || !fstype_listed(o->type, l->type))
		return 0;
	if ((l->opts != NULL && strv_split(&words, l->opts, ",", false) < 0) ||
	    strv_extend(&words, &o->words) < 0) {
		fprintf(stderr, "%s: out of memory\n", prog);
		return 1;
	}
	/* The third word of an old fstab: sw and xx are no mounts. */
	if (has_word(&words, "noauto") || has_word(&words, "sw") ||
	    has_word(&words, "xx") || mountinfo_at(mi, l->where) != NULL)
		return 0;
	rc = mount_one(o, l->type, l->what, l->where, &words);
	return has_word(&words, "failok") ? 0 : rc;
}

static int
mount_all(const struct options *o)
{
	cleanup_mountinfo struct mountinfo mi = MOUNTINFO_INIT;
	cleanup_free char *text = NULL;
	struct error err;
	size_t len;
	int status = 0;

	if (o->fstab == NULL) {
		/* The system's own fstab has the system's own words. */
		char *argv[] = { strdup("mount"), strdup("-a"), NULL };

		return run_system_mount(argv);
	}
	if (file_read(AT_FDCWD, o->fstab, FSTAB_MAX_BYTES, &text, &len, &err) <
	        0 ||
	    mountinfo_read(&mi, &err) < 0)
		return complain(&err);
	for (size_t at = 0; at < len;) {
		size_t n = strcspn(text + at, "\n");
		struct fstab_line l;
		int rc = fstab_parse(text + at, n, &l, &err);

		if (rc < 0)
			status = complain(&err);
		if (rc == 1) {
			if (mount_line(o, &mi, &l) != 0)
				status = 1;
			fstab_line_fini(&l);
		}
		at += n + 1;
	}
	return status;
}

/* mount WHERE with an fstab: the line that has it. */
static int
mount_from_fstab(const struct options *o, const char *name)
{
	cleanup_free char *text = NULL;
	struct error err;
	size_t len;

	if (o->fstab == NULL)
		return hand_over(o->type, NULL, name, &o->words);
	if (file_read(AT_FDCWD, o->fstab, FSTAB_MAX_BYTES, &text, &len, &err) <
	    0)
		return complain(&err);
	for (size_t at = 0; at < len;) {
		size_t n = strcspn(text + at, "\n");
		struct fstab_line l;
		int rc = fstab_parse(text + at, n, &l, &err);

		at += n + 1;
		if (rc < 0)
			return complain(&err);
		if (rc == 0)
			continue;
		if (strcmp(l.where, name) == 0 || strcmp(l.what, name) == 0) {
			cleanup_strv struct strv words = STRV_INIT;

			if (l.opts != NULL)
				(void)strv_split(&words, l.opts, ",", false);
			(void)strv_extend(&words, &o->words);
			rc = mount_one(o, l.type, l.what, l.where, &words);
			fstab_line_fini(&l);
			return rc;
		}
		fstab_line_fini(&l);
	}
	fprintf(stderr, "%s: %s: unknown special file or file system\n", prog,
	        name);
	return 1;
}

/* --- listing ----------------------------------------------------------- */

static int
list(const struct options *o)
{
	cleanup_mountinfo struct mountinfo mi = MOUNTINFO_INIT;
	struct error err;

	if (mountinfo_read(&mi, &err) < 0)
		return complain(&err);
	for (size_t i = 0; i < mi.n; i++) {
		const struct mountinfo_row *r = &mi.row[i];
		const char *type = fstype_of(&mi, r);
		bool ro = strncmp(r->opts, "ro", 2) == 0;
		cleanup_buf struct buf from = BUF_INIT;

		if (!fstype_listed(o->type, type))
			continue;
		fstype_source(&mi, r, &from);
		if (o->list_fstab)
			printf("%s\t\t%s\t%s\t%s\t0 0\n", buf_str(&from),
			       r->point, type, ro ? "ro" : "rw");
		else
			printf("%s on %s (%s%s%s)\n", buf_str(&from), r->point,
			       type,
			       strncmp(type, "nfs", 3) == 0 ? "" : ", local",
			       ro ? ", read-only" : "");
	}
	return 0;
}

/* --- the command line -------------------------------------------------- */

static int
add_words(struct options *o, const char *list_of)
{
	return strv_split(&o->words, list_of, ",", false);
}

/* Returns the index of the first operand, or -1: usage. */
static int
read_flags(int argc, char **argv, struct options *o)
{
	int c, rc = 0;

	while (rc == 0 && (c = getopt(argc, argv, "+abdF:fLlno:prt:uvw")) != -1)
		switch (c) {
		case 'a':
			o->all = true;
			break;
		case 'b': /* of mount_unionfs */
			rc = add_words(o, "below");
			break;
		case 'd':
			o->dry = true;
			break;
		case 'F':
			o->fstab = optarg;
			break;
		case 'f': /* nothing here would need force */
		case 'L':
		case 'l':
		case 'n':
			break;
		case 'o':
			rc = add_words(o, optarg);
			break;
		case 'p':
			o->list_fstab = true;
			break;
		case 'r':
			rc = add_words(o, "ro");
			break;
		case 't':
			o->type = optarg;
			break;
		case 'u':
			o->update = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'w':
			rc = add_words(o, "rw");
			break;
		default:
			return -1;
		}
	return rc < 0 ? -1 : optind;
}

static int
run(const struct options *o, int argc, char **argv)
{
	if (o->all)
		return argc == 0 ? mount_all(o) : usage(stderr);
	if (argc == 0)
		return list(o);
	if (o->update || has_word(&o->words, "update"))
		return argc <= 2 ? update(argv[argc - 1], &o->words)
		                 : usage(stderr);
	if (argc == 1)
		return mount_from_fstab(o, argv[0]);
	if (argc != 2)
		return usage(stderr);
	/* FreeBSD's default, ufs, is left to the system to find out. */
	if (o->type == NULL || strcmp(o->type, "ufs") == 0)
		return hand_over(NULL, argv[0], argv[1], &o->words);
	return mount_one(o, o->type, argv[0], argv[1], &o->words);
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	struct options o = { .type = NULL };
	int first, status;

	prog = slash != NULL ? slash + 1 : argv[0];
	if (strncmp(prog, "mount_", 6) == 0)
		o.type = prog + 6;
	first = read_flags(argc, argv, &o);
	if (first < 0)
		return usage(stderr);
	status = run(&o, argc - first, argv + first);
	strv_fini(&o.words);
	return status;
}
