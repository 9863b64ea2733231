/* SPDX-License-Identifier: BSD-2-Clause */
/* jailconf.c - golden files of jail.conf: tests/golden/jailconf.
 *
 * Each NAME.conf is loaded. NAME.ok holds the jails it means, and exists when
 * loading succeeds; NAME.err holds every message, and exists when there is
 * one. Files in folders are there to be included. GOLDEN_UPDATE=1 writes the
 * expected files instead of comparing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/strv.h"
#include "jail/conf.h"

static void
put_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ')
			buf_printf(out, "\\%03o", (unsigned char)*s);
		else
			buf_putc(out, *s);
}

/* The canonical form: "jail NAME", then "  PARAM=[VALUE][VALUE]". */
static void
dump(struct buf *out, const struct conf *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct conf_jail *j = &c->jail[i];

		buf_printf(out, "jail %s%s\n", j->name,
		           j->failed ? " (failed)" : "");
		for (size_t k = 0; k < j->n && !j->failed; k++) {
			const struct conf_param *p = &j->param[k];

			buf_printf(out, "  %s", p->name);
			if (p->values.n > 0)
				buf_putc(out, '=');
			for (size_t v = 0; v < p->values.n; v++) {
				buf_putc(out, '[');
				put_text(out, p->values.v[v]);
				buf_putc(out, ']');
			}
			buf_putc(out, '\n');
		}
	}
}

static void
collect(void *arg, const char *line)
{
	struct buf *out = arg;

	buf_printf(out, "%s\n", line);
}

/* The whole file; false: there is none. */
static bool
read_file(const char *path, struct buf *out)
{
	char part[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return false;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(out, part, n);
	fclose(f);
	return true;
}

static int
update(const char *path, bool wanted, const struct buf *got)
{
	FILE *f;

	if (!wanted)
		return remove(path) == 0 || errno == ENOENT ? 0 : -1;
	f = fopen(path, "w");
	if (f == NULL)
		return -1;
	fputs(buf_str(got), f);
	return fclose(f);
}

/* Does the file say what we got, or is it absent when we got nothing? */
static int
compare(const char *path, bool wanted, const struct buf *got)
{
	cleanup_buf struct buf want = BUF_INIT;
	bool there;

	if (getenv("GOLDEN_UPDATE") != NULL)
		return update(path, wanted, got);
	there = read_file(path, &want);
	if (there == wanted && strcmp(buf_str(&want), buf_str(got)) == 0)
		return 0;
	printf("%s differs; expected:\n%sgot:\n%s", path,
	       there ? buf_str(&want) : "(no such file)\n",
	       wanted ? buf_str(got) : "(nothing)\n");
	return -1;
}

static int
check(const char *name)
{
	cleanup_buf struct buf jails = BUF_INIT, messages = BUF_INIT;
	cleanup_free char *conf = NULL, *ok = NULL, *bad = NULL;
	struct conf *c = NULL;
	struct error err;
	int rc;

	if (asprintf(&conf, "%s.conf", name) < 0 ||
	    asprintf(&ok, "%s.ok", name) < 0 ||
	    asprintf(&bad, "%s.err", name) < 0)
		return -1;
	rc = conf_load(conf, collect, &messages, &c, &err);
	if (rc == 0)
		dump(&jails, c);
	else if (rc != -EINVAL)
		collect(&messages, err.msg);
	conf_free(c);
	return compare(ok, rc == 0, &jails) |
	       compare(bad, messages.len > 0, &messages);
}

/* The names of all NAME.conf here. */
static int
list(struct strv *out)
{
	struct dirent *e;
	DIR *d = opendir(".");

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		const char *dot = strrchr(e->d_name, '.');

		if (dot != NULL && dot != e->d_name &&
		    strcmp(dot, ".conf") == 0 &&
		    strv_pushn(out, e->d_name, (size_t)(dot - e->d_name)) < 0)
			break;
	}
	closedir(d);
	return e == NULL ? 0 : -1;
}

int
main(int argc, char **argv)
{
	cleanup_strv struct strv name = STRV_INIT;
	size_t bad = 0;

	if (argc != 2 || chdir(argv[1]) < 0 || list(&name) < 0) {
		perror("golden_jailconf");
		return 1;
	}
	for (size_t i = 0; i < name.n; i++)
		if (check(name.v[i]) != 0)
			bad++;
	printf("%zu files, %zu differ\n", name.n, bad);
	return bad == 0 && name.n > 0 ? 0 : 1;
}
