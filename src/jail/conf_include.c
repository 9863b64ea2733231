/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_include.c - ".include": other files, read in the middle of a file by a
 * parser of their own, into the same tree.
 *
 * Owns the limits on depth and number, which also end loops.
 * Source: jail.conf(5), "Includes".
 */
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "jail/conf.h"
#include "jail/conf_tree.h"

/* The directory that relative patterns of a file start from, "" or with its
 * slash. */
static char *
directory_of(struct conf_source *src)
{
	const char *slash = strrchr(src->file, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - src->file) + 1;
	char *dir = conf_alloc(src->parser, len + 1);

	if (dir != NULL)
		memcpy(dir, src->file, len);
	return dir;
}

/* Report what the outside said, unless it is a reason to give up. */
static void
environment_error(struct conf_parser *p, const struct error *err)
{
	if (err->code == -ENOMEM || err->code == -E2BIG) {
		conf_give_up(p, err->code, "%s", err->msg);
		return;
	}
	conf_report(p, "%s", err->msg);
	conf_count_error(p);
}

/* An included file: its blocks and parameters land in the open block. */
static void
include_file(struct conf_parser *p, const char *path)
{
	cleanup_free char *text = NULL;
	struct conf_block *open = p->current;
	struct error err;
	size_t len;

	if (p->n_files++ == CONF_MAX_FILES) {
		conf_give_up(p, -E2BIG, "%s: more than %d files included",
		             p->file, CONF_MAX_FILES);
		return;
	}
	if (p->env->read(p->env->arg, path, &text, &len, &err) < 0) {
		environment_error(p, &err);
		return;
	}
	conf_tree_read(p, path, text, len);
	p->current = open; /* also when a brace was missing */
}

static void
include_pattern(struct conf_source *src, const char *pattern)
{
	struct conf_parser *p = src->parser;
	cleanup_strv struct strv path = STRV_INIT;
	const char *dir = directory_of(src);
	struct error err;

	if (dir == NULL)
		return;
	if (p->env->glob(p->env->arg, dir, pattern, &path, &err) < 0) {
		environment_error(p, &err);
		return;
	}
	for (size_t i = 0; i < path.n && p->code == 0; i++)
		include_file(p, path.v[i]);
}

/* The text of a string without variables. */
static const char *
plain_text(struct conf_parser *p, const struct conf_string *s)
{
	size_t len = 0;
	char *text, *end;

	for (const struct conf_piece *q = s->first; q != NULL; q = q->next)
		len += q->len;
	text = end = conf_alloc(p, len + 1);
	if (text == NULL)
		return NULL;
	for (const struct conf_piece *q = s->first; q != NULL; q = q->next)
		end = mempcpy(end, q->text, q->len);
	return text;
}

bool
conf_include(struct conf_source *src, const struct conf_stmt *st)
{
	struct conf_parser *p = src->parser;

	if (p->include_depth == CONF_MAX_INCLUDE) {
		/* Most likely a loop: once is enough. */
		conf_report(p, "maximum include depth exceeded");
		p->n_errors++;
		conf_give_up(p, -EINVAL, "%s: maximum include depth exceeded",
		             src->file);
		return false;
	}
	p->include_depth++;
	for (const struct conf_string *s = st->first; s != NULL && p->code == 0;
	     s = s->next) {
		const char *pattern;

		if (s->has_vars) {
			conf_error(src, "variables not permitted in "
			                "'.include' filename");
			continue;
		}
		pattern = plain_text(p, s);
		if (pattern != NULL)
			include_pattern(src, pattern);
	}
	p->include_depth--;
	return p->code == 0;
}
