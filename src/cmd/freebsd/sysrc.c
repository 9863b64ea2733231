/* SPDX-License-Identifier: BSD-2-Clause */
/* sysrc.c - sysrc(8): values of rc.conf(5) files, told and changed.
 *
 * A file is replaced in one step by a temporary one beside it that has its
 * owner and mode. With -R every path is opened beneath the root without
 * following links, because a jail's own root may write there, and by Landlock
 * the process keeps no other directory. Source: sysrc(8).
 */
#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strv.h"
#include "cmd/freebsd/injail.h"
#include "cmd/freebsd/rcconf.h"
#include "linux/beneath.h"
#include "linux/file.h"
#include "linux/landlock.h"

enum {
	MAX_FILES = 32,
};

static const char defaults_path[] = "/etc/defaults/rc.conf";

/* One rc.conf. */
struct rcfile {
	char *path; /* below root */
	char *text; /* "" when there is no file */
	size_t len;
	struct rcconf rc;
	bool exists;
};

struct sysrc {
	const char *root; /* "" or of -R, for messages */
	int root_fd;
	struct rcfile defaults;
	struct rcfile file[MAX_FILES];
	size_t n;
	struct dict vars; /* what all of it comes to */
	struct dict own;  /* the same without the defaults */
	bool check, equals, where, ignore, no_name, no_value, quiet, verbose;
	bool remove, only_defaults, only_existing;
};

static int
usage(void)
{
	fputs("Usage: sysrc [-cDeEFinNqvx] [-f file] [-j jail | -R dir] "
	      "name[[+|-]=value] ...\n"
	      "       sysrc [-DeEFnNv] [-f file] [-j jail | -R dir] -a | -A | "
	      "-l\n",
	      stderr);
	return 1;
}

static int
complain(const struct error *err)
{
	fprintf(stderr, "sysrc: %s\n", err->msg);
	return 1;
}

/* --- files ------------------------------------------------------------- */

/* Read a file and take its values. One that is not there is empty. */
static int
load(struct sysrc *s, struct rcfile *f, struct error *err)
{
	cleanup_close int fd =
	    beneath_open(s->root_fd, s->root, f->path, O_RDONLY, 0, err);
	char by_fd[40];

	free(f->text);
	rcconf_fini(&f->rc);
	f->exists = fd >= 0;
	f->len = 0;
	if (fd < 0) {
		f->text = strdup("");
		return fd != -ENOENT && fd != -ENOTDIR ? fd
		       : f->text == NULL               ? -ENOMEM
		                                       : 0;
	}
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	if (file_read(AT_FDCWD, by_fd, RCCONF_MAX_BYTES, &f->text, &f->len,
	              err) < 0)
		return err->code;
	return rcconf_parse(f->path, f->text, f->len, &s->vars, &f->rc, err);
}

/* Take the values of all files afresh. */
static int
load_all(struct sysrc *s, struct error *err)
{
	dict_fini(&s->vars);
	dict_fini(&s->own);
	if (load(s, &s->defaults, err) < 0)
		return err->code;
	for (size_t i = 0; i < s->n && !s->only_defaults; i++) {
		if (load(s, &s->file[i], err) < 0)
			return err->code;
		for (size_t k = 0; k < s->file[i].rc.n; k++) {
			const char *name = s->file[i].rc.item[k].name;

			if (dict_set(&s->own, name, dict_get(&s->vars, name)) <
			    0)
				return error_set(err, -ENOMEM, "out of memory");
		}
	}
	return 0;
}

/* Write text to a new file beside name, with st's owner and mode. */
static int
write_beside(int dir, const char *tmp, const struct stat *st,
             const struct buf *text, struct error *err)
{
	cleanup_close int fd =
	    openat(dir, tmp,
	           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t at = 0;

	if (fd < 0)
		return error_sys(err, "cannot create %s", tmp);
	while (at < text->len) {
		ssize_t n = write(fd, text->data + at, text->len - at);

		if (n < 0)
			return error_sys(err, "write %s", tmp);
		at += (size_t)n;
	}
	if (fchmod(fd, st->st_mode & 07777) < 0 ||
	    fchown(fd, st->st_uid, st->st_gid) < 0 || fsync(fd) < 0)
		return error_sys(err, "finish %s", tmp);
	return 0;
}

/* Replace a file's text in one step. */
static int
save(struct sysrc *s, struct rcfile *f, const struct buf *text,
     struct error *err)
{
	struct stat st = { .st_mode = 0644 };
	cleanup_free char *dir_path = strdup(f->path);
	cleanup_close int dir = -1;
	char tmp[NAME_MAX + 1];
	char *name;
	uint64_t r = 0;

	if (dir_path == NULL || text->failed)
		return error_set(err, -ENOMEM, "out of memory");
	name = strrchr(dir_path, '/');
	*name++ = '\0'; /* paths are absolute */
	dir = beneath_open(s->root_fd, s->root, dir_path, O_PATH | O_DIRECTORY,
	                   0, err);
	if (dir < 0)
		return dir;
	if (f->exists && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "%s%s", s->root, f->path);
	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return error_sys(err, "getrandom");
	if (snprintf(tmp, sizeof(tmp), ".%.200s.%016" PRIx64, name, r) >=
	    (int)sizeof(tmp))
		return error_set(err, -ENAMETOOLONG, "%s", name);
	if (write_beside(dir, tmp, &st, text, err) < 0 ||
	    (renameat(dir, tmp, dir, name) < 0 &&
	     error_sys(err, "replace %s%s", s->root, f->path) < 0)) {
		(void)unlinkat(dir, tmp, 0);
		return err->code;
	}
	return load_all(s, err);
}

/* The file whose assignment counts, or NULL. */
static struct rcfile *
file_of(struct sysrc *s, const char *name)
{
	for (size_t i = s->n; i-- > 0;)
		if (rcconf_find(&s->file[i].rc, name) != NULL)
			return &s->file[i];
	return rcconf_find(&s->defaults.rc, name) != NULL ? &s->defaults : NULL;
}

/* The file a new value goes to: where it is set, else the first. */
static struct rcfile *
target_of(struct sysrc *s, const char *name)
{
	struct rcfile *f = file_of(s, name);

	if (f != NULL && f != &s->defaults)
		return f;
	for (size_t i = 0; i < s->n && s->only_existing; i++)
		if (s->file[i].exists)
			return &s->file[i];
	return &s->file[0];
}

/* --- telling ----------------------------------------------------------- */

static const char *
path_of(struct sysrc *s, const char *name)
{
	const struct rcfile *f = file_of(s, name);

	return f != NULL ? f->path : "";
}

static void
tell(struct sysrc *s, const char *name)
{
	bool equals = s->equals && !s->no_name && !s->where && !s->no_value;

	if (s->verbose && !s->where)
		printf(equals ? ": %s; " : "%s: ", path_of(s, name));
	if (s->no_value && !s->where) {
		puts(name);
		return;
	}
	if (!s->no_name)
		printf("%s%s", name, equals ? "=\"" : ": ");
	printf("%s%s\n", s->where ? path_of(s, name) : dict_get(&s->vars, name),
	       equals ? "\"" : "");
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct dict_row *)a)->key,
	              ((const struct dict_row *)b)->key);
}

static void
tell_all(struct sysrc *s, struct dict *vars)
{
	if (vars->n > 0)
		qsort(vars->row, vars->n, sizeof(vars->row[0]), by_name);
	for (size_t i = 0; i < vars->n; i++)
		tell(s, vars->row[i].key);
}

/* --- changing ---------------------------------------------------------- */

/* The byte between the items of a list: the first of what is added when it
 * could not be part of an item, else a blank. */
static char
delimiter(const char *list)
{
	char c = list[0];

	if (c == '\0' || strchr(" \t\n./", c) != NULL ||
	    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return ' ';
	return c;
}

/* Old value with the items of a list added, or taken away. */
static int
change_list(const char *old, const char *list, bool add, struct buf *out)
{
	char sep[2] = { delimiter(list), '\0' };
	const char *seps = sep[0] == ' ' ? " \t\n" : sep;
	cleanup_strv struct strv have = STRV_INIT;
	cleanup_strv struct strv items = STRV_INIT;

	if (strv_split(&have, old, seps, false) < 0 ||
	    strv_split(&items, list, seps, false) < 0)
		return -ENOMEM;
	if (add) {
		buf_puts(out, old);
		for (size_t i = 0; i < items.n; i++)
			if (!strv_has(&have, items.v[i]))
				buf_printf(out, "%s%s", out->len > 0 ? sep : "",
				           items.v[i]);
		return 0;
	}
	for (size_t i = 0; i < have.n; i++)
		if (!strv_has(&items, have.v[i]))
			buf_printf(out, "%s%s", out->len > 0 ? sep : "",
			           have.v[i]);
	return 0;
}

/* -c: would the value change? */
static int
check(struct sysrc *s, const char *name, const char *old, const char *val)
{
	bool same = old != NULL && strcmp(old, val) == 0;

	if (!s->verbose)
		return same ? 0 : 1;
	if (old == NULL)
		printf("%s: not currently set\n", name);
	else if (same)
		printf("%s: %s: already set to `%s'\n", path_of(s, name), name,
		       old);
	else
		printf("%s: %s: would change from `%s' to `%s'\n",
		       path_of(s, name), name, old, val);
	return same ? 0 : 1;
}

static int
assign(struct sysrc *s, const char *name, const char *val)
{
	bool equals = s->equals && !s->no_name && !s->where;
	const char *now = dict_get(&s->vars, name);
	cleanup_free char *old = strdup(s->where      ? path_of(s, name)
	                                : now != NULL ? now
	                                              : "");
	struct rcfile *f = target_of(s, name);
	cleanup_buf struct buf text = BUF_INIT;
	struct error err;

	if (old == NULL)
		return 1;
	if (rcconf_set(&f->rc, name, val, &text, &err) < 0 ||
	    save(s, f, &text, &err) < 0)
		return complain(&err);
	if (s->verbose)
		printf(equals ? ": %s; " : "%s: ", f->path);
	if (s->no_value) {
		puts(name);
		return 0;
	}
	if (!s->no_name)
		printf("%s%s", name, equals ? "=\"" : ": ");
	printf("%s%s -> %s%s%s\n", old, equals ? "\" #" : "",
	       equals ? "\"" : "",
	       s->where ? path_of(s, name) : dict_get(&s->vars, name),
	       equals ? "\"" : "");
	return 0;
}

static int
forget(struct sysrc *s, const char *name)
{
	struct error err;

	for (size_t i = 0; i < s->n; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		struct rcfile *f = &s->file[i];

		if (rcconf_find(&f->rc, name) == NULL)
			continue;
		if (rcconf_del(&f->rc, name, &text, &err) < 0 ||
		    save(s, f, &text, &err) < 0)
			return complain(&err);
	}
	return 0;
}

/* NAME=V, NAME+=V or NAME-=V, by op. */
static int
do_value(struct sysrc *s, const char *name, int op, const char *val)
{
	const char *old = dict_get(&s->vars, name);
	cleanup_buf struct buf joined = BUF_INIT;

	if (op == '+' || op == '-') {
		if (change_list(old != NULL ? old : "", val, op == '+',
		                &joined) < 0 ||
		    joined.failed)
			return 1;
		val = buf_str(&joined);
	}
	return s->check ? check(s, name, old, val) : assign(s, name, val);
}

static int
do_word(struct sysrc *s, const char *word)
{
	size_t len = strcspn(word, "=");
	const char *val = word[len] == '=' ? word + len + 1 : NULL;
	int op = val != NULL && len > 0 ? word[len - 1] : 0;
	cleanup_free char *name = NULL;

	if (op == '+' || op == '-')
		len--;
	name = strndup(word, len);
	if (name == NULL || !rcconf_name_ok(name)) {
		fprintf(stderr,
		        "sysrc: %s: name contains characters not allowed in "
		        "shell\n",
		        name != NULL ? name : "");
		return 1;
	}
	if (val == NULL && dict_get(&s->vars, name) == NULL) {
		if (!s->ignore && !s->quiet)
			fprintf(stderr, "sysrc: unknown variable '%s'\n", name);
		return 1;
	}
	if (s->remove)
		return forget(s, name);
	if (val != NULL)
		return do_value(s, name, op, val);
	if (!s->check)
		tell(s, name);
	return 0;
}

/* --- the command line -------------------------------------------------- */

/* Add a file; its path is made absolute, and real when there is no -R. */
static int
add_file(struct sysrc *s, const char *path, bool has_root)
{
	char *full;

	if (s->n == MAX_FILES) {
		fputs("sysrc: too many files\n", stderr);
		return -E2BIG;
	}
	full = has_root ? NULL : realpath(path, NULL);
	if (full == NULL && path[0] != '/' && !has_root) {
		cleanup_free char *cwd = getcwd(NULL, 0);

		if (cwd == NULL || asprintf(&full, "%s/%s", cwd, path) < 0)
			full = NULL;
	} else if (full == NULL &&
	           asprintf(&full, "%s%s", path[0] == '/' ? "" : "/", path) <
	               0) {
		full = NULL;
	}
	if (full == NULL)
		return -ENOMEM;
	s->file[s->n++].path = full;
	return 0;
}

static bool
read_flag(struct sysrc *s, int c)
{
	switch (c) {
	case 'c':
		s->check = true;
		break;
	case 'D':
		s->only_defaults = true;
		break;
	case 'e':
		s->equals = true;
		break;
	case 'E':
		s->only_existing = true;
		break;
	case 'F':
		s->where = true;
		break;
	case 'i':
		s->ignore = true;
		break;
	case 'n':
		s->no_name = true;
		break;
	case 'N':
		s->no_value = true;
		s->no_name = false;
		break;
	case 'q':
		s->quiet = true;
		s->verbose = false;
		break;
	case 'v':
		s->verbose = true;
		s->quiet = false;
		break;
	case 'x':
		s->remove = true;
		break;
	default:
		return false;
	}
	return true;
}

/* What was asked for besides flags. */
struct wanted {
	const char *root, *jail;
	struct strv files;
	bool all, all_defaults, list;
};

static int
run(struct sysrc *s, const struct wanted *w, int argc, char **argv)
{
	static const char *const usual[] = { "/etc/rc.conf",
		                             "/etc/rc.conf.local" };
	struct error err;
	int status = 0;
	int rc = 0;

	s->root = w->root != NULL ? w->root : "";
	s->root_fd = open(w->root != NULL ? w->root : "/",
	                  O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->root_fd < 0) {
		error_sys(&err, "%s", s->root);
		return complain(&err);
	}
	/* A tenant writes that tree: whatever its bytes do to us, nothing
	 * outside is in reach. A kernel without Landlock leaves that to
	 * beneath.h alone. */
	if (w->root != NULL && geteuid() == 0 &&
	    landlock_only_below(s->root_fd, &err) < 0 && err.code != -ENOTSUP)
		return complain(&err);
	for (size_t i = 0; i < w->files.n && rc == 0; i++)
		rc = add_file(s, w->files.v[i], w->root != NULL);
	for (size_t i = 0; i < ARRAY_LEN(usual) && w->files.n == 0 && rc == 0;
	     i++)
		rc = add_file(s, usual[i], w->root != NULL);
	s->defaults.path = strdup(defaults_path);
	if (rc < 0 || s->defaults.path == NULL)
		return 1;
	if (load_all(s, &err) < 0)
		return complain(&err);
	for (size_t i = 0; w->list && i < s->n; i++)
		if (!s->only_existing || s->file[i].exists)
			printf("%s%s", i > 0 ? " " : "", s->file[i].path);
	if (w->list)
		putchar('\n');
	else if (w->all || w->all_defaults)
		tell_all(s, w->all_defaults ? &s->vars : &s->own);
	else
		for (int i = 0; i < argc; i++)
			status |= do_word(s, argv[i]);
	return status;
}

static void
fini(struct sysrc *s)
{
	struct rcfile *f = &s->defaults;

	for (size_t i = 0; i <= s->n; f = &s->file[i++]) {
		free(f->path);
		free(f->text);
		rcconf_fini(&f->rc);
	}
	dict_fini(&s->vars);
	dict_fini(&s->own);
	if (s->root_fd >= 0)
		close(s->root_fd);
}

int
main(int argc, char **argv)
{
	struct sysrc s = { .root_fd = -1 };
	struct wanted w = { .root = NULL };
	int c, status;

	while ((c = getopt(argc, argv, "+aAcDeEf:Fij:lnNqR:vx")) != -1)
		if (c == 'a')
			w.all = true;
		else if (c == 'A')
			w.all_defaults = true;
		else if (c == 'f')
			(void)strv_push(&w.files, optarg);
		else if (c == 'j')
			w.jail = optarg;
		else if (c == 'l')
			w.list = true;
		else if (c == 'R')
			w.root = optarg;
		else if (!read_flag(&s, c))
			return usage();
	if (optind == argc && !w.all && !w.all_defaults && !w.list)
		return usage();
	if (w.jail != NULL)
		return in_jail("sysrc", w.jail, argc, argv);
	status = run(&s, &w, argc - optind, argv + optind);
	fini(&s);
	strv_fini(&w.files);
	return status;
}
