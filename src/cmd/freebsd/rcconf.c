/* SPDX-License-Identifier: BSD-2-Clause */
/* rcconf.c - files of shell assignments such as rc.conf(5). */
#include "cmd/freebsd/rcconf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* Where we are. Invariant: at <= len; text[at] is read only below len. */
struct reader {
	const char *file, *text;
	size_t at, len;
	struct dict *vars;
	struct error *err;
};

static int
peek(const struct reader *r, size_t ahead)
{
	return r->at + ahead < r->len ? (unsigned char)r->text[r->at + ahead]
	                              : -1;
}

static bool
is_name_start(int c)
{
	return c == '_' || (c >= 0 && c < 128 && isalpha(c));
}

static bool
is_name(int c)
{
	return is_name_start(c) || (c >= '0' && c <= '9');
}

bool
rcconf_name_ok(const char *name)
{
	if (!is_name_start((unsigned char)name[0]))
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (!is_name((unsigned char)*p))
			return false;
	return true;
}

static unsigned
line_of(const struct reader *r, size_t at)
{
	unsigned n = 1;

	for (size_t i = 0; i < at; i++)
		n += r->text[i] == '\n';
	return n;
}

static void
skip_blanks(struct reader *r)
{
	while (peek(r, 0) == ' ' || peek(r, 0) == '\t')
		r->at++;
}

/* --- values ------------------------------------------------------------ */

/* $NAME or ${NAME} at the reader: its value, or the dollar as it is. */
static void
read_expansion(struct reader *r, struct buf *out)
{
	bool braced = peek(r, 1) == '{';
	size_t from = r->at + (braced ? 2 : 1), n = 0;
	char name[128];
	const char *val;

	while (from + n < r->len && n + 1 < sizeof(name) &&
	       is_name((unsigned char)r->text[from + n])) {
		name[n] = r->text[from + n];
		n++;
	}
	name[n] = '\0';
	if (!rcconf_name_ok(name) ||
	    (braced && (from + n >= r->len || r->text[from + n] != '}'))) {
		buf_putc(out, '$');
		r->at++;
		return;
	}
	val = dict_get(r->vars, name);
	if (val != NULL && out->len <= RCCONF_MAX_VALUE)
		buf_puts(out, val);
	r->at = from + n + (braced ? 1 : 0);
}

/* A backslash at the reader; in double quotes it escapes little. */
static void
read_escape(struct reader *r, bool quoted, struct buf *out)
{
	int c = peek(r, 1);

	r->at += c < 0 ? 1 : 2;
	if (c == '\n')
		return; /* a line goes on */
	if (quoted && c != '$' && c != '`' && c != '"' && c != '\\')
		buf_putc(out, '\\');
	if (c > 0)
		buf_putc(out, (char)c);
}

/* The word at the reader, unquoted into out. */
static int
read_value(struct reader *r, struct buf *out)
{
	size_t start = r->at;
	int quote = 0;

	for (int c; (c = peek(r, 0)) >= 0;) {
		if (quote == 0 && (isspace(c) || c == ';' || c == '&'))
			break;
		if (out->len > RCCONF_MAX_VALUE)
			return error_set(r->err, -E2BIG,
			                 "%s: line %u: value too long", r->file,
			                 line_of(r, start));
		if (quote == 0 && (c == '"' || c == '\'')) {
			quote = c;
			r->at++;
		} else if (c == quote) {
			quote = 0;
			r->at++;
		} else if (c == '\\' && quote != '\'') {
			read_escape(r, quote == '"', out);
		} else if (c == '$' && quote != '\'') {
			read_expansion(r, out);
		} else {
			buf_putc(out, (char)c);
			r->at++;
		}
	}
	if (quote != 0)
		return error_set(r->err, -EINVAL,
		                 "%s: line %u: unterminated quoted string",
		                 r->file, line_of(r, start));
	return 0;
}

/* --- lines ------------------------------------------------------------- */

/* The length of NAME if NAME= is at the reader, else 0. */
static size_t
assignment_at(const struct reader *r)
{
	size_t n = 0;

	if (!is_name_start(peek(r, 0)))
		return 0;
	while (is_name(peek(r, n)))
		n++;
	return peek(r, n) == '=' ? n : 0;
}

static struct rcconf_item *
add_item(struct rcconf *rc)
{
	struct rcconf_item *grown =
	    vec_room(rc->item, rc->n, &rc->cap, sizeof(*grown));

	if (grown == NULL)
		return NULL;
	rc->item = grown;
	rc->item[rc->n] = (struct rcconf_item){ .name = NULL };
	return &rc->item[rc->n++];
}

/* The assignment at the reader, whose name is n bytes long. */
static int
read_assignment(struct reader *r, size_t n, struct rcconf *rc)
{
	cleanup_buf struct buf value = BUF_INIT;
	struct rcconf_item *it;
	int rc_read;

	if (rc->n >= RCCONF_MAX_ITEMS)
		return error_set(r->err, -E2BIG, "%s: over %d assignments",
		                 r->file, RCCONF_MAX_ITEMS);
	it = add_item(rc);
	if (it == NULL)
		return error_set(r->err, -ENOMEM, "out of memory");
	it->start = r->at;
	it->name = strndup(r->text + r->at, n);
	r->at += n + 1;
	it->value = r->at;
	rc_read = read_value(r, &value);
	it->end = r->at;
	if (rc_read < 0)
		return rc_read;
	if (it->name == NULL || value.failed ||
	    dict_set(r->vars, it->name, buf_str(&value)) < 0)
		return error_set(r->err, -ENOMEM, "out of memory");
	return 0;
}

/* All assignments at the beginning of the line at the reader. */
static int
read_line(struct reader *r, struct rcconf *rc)
{
	size_t n;

	skip_blanks(r);
	if (r->len - r->at > 7 && memcmp(r->text + r->at, "export ", 7) == 0) {
		r->at += 7;
		skip_blanks(r);
	}
	while ((n = assignment_at(r)) > 0) {
		if (read_assignment(r, n, rc) < 0)
			return r->err->code;
		while (peek(r, 0) == ' ' || peek(r, 0) == '\t' ||
		       peek(r, 0) == ';')
			r->at++;
	}
	while (peek(r, 0) >= 0 && peek(r, 0) != '\n')
		r->at++;
	if (peek(r, 0) == '\n')
		r->at++;
	return 0;
}

int
rcconf_parse(const char *file, const char *text, size_t len, struct dict *vars,
             struct rcconf *out, struct error *err)
{
	struct reader r = {
		.file = file, .text = text, .len = len, .vars = vars, .err = err
	};
	struct rcconf rc = { .file = file, .text = text, .len = len };

	if (len > RCCONF_MAX_BYTES)
		return error_set(err, -E2BIG, "%s: too large", file);
	if (memchr(text, '\0', len) != NULL)
		return error_set(err, -EINVAL, "%s: NUL byte", file);
	while (r.at < r.len)
		if (read_line(&r, &rc) < 0) {
			rcconf_fini(&rc);
			return err->code;
		}
	*out = rc;
	return 0;
}

void
rcconf_fini(struct rcconf *rc)
{
	for (size_t i = 0; i < rc->n; i++)
		free(rc->item[i].name);
	free(rc->item);
	*rc = (struct rcconf)RCCONF_INIT;
}

const struct rcconf_item *
rcconf_find(const struct rcconf *rc, const char *name)
{
	for (size_t i = rc->n; i-- > 0;)
		if (strcmp(rc->item[i].name, name) == 0)
			return &rc->item[i];
	return NULL;
}

/* --- changing ---------------------------------------------------------- */

static void
put_quoted(struct buf *out, const char *value)
{
	buf_putc(out, '"');
	for (; *value != '\0'; value++) {
		if (strchr("\\\"$`", *value) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
	buf_putc(out, '"');
}

/* Does the changed text say what it should? value NULL: nothing of name. */
static int
check_change(const char *file, const struct buf *out, const char *name,
             const char *value, struct error *err)
{
	cleanup_dict struct dict vars = DICT_INIT;
	struct rcconf rc = RCCONF_INIT;
	struct error why;
	bool ok;

	if (out->failed)
		return error_set(err, -ENOMEM, "out of memory");
	ok = rcconf_parse(file, buf_str(out), out->len, &vars, &rc, &why) == 0;
	if (ok && value == NULL)
		ok = rcconf_find(&rc, name) == NULL;
	else if (ok)
		ok = rcconf_find(&rc, name) != NULL &&
		     strcmp(dict_get(&vars, name), value) == 0;
	rcconf_fini(&rc);
	return ok ? 0
	          : error_set(err, -ENOTSUP, "%s: cannot change %s", file,
	                      name);
}

int
rcconf_set(const struct rcconf *rc, const char *name, const char *value,
           struct buf *out, struct error *err)
{
	const struct rcconf_item *it = rcconf_find(rc, name);

	if (it != NULL) {
		buf_put(out, rc->text, it->value);
		put_quoted(out, value);
		buf_put(out, rc->text + it->end, rc->len - it->end);
	} else {
		buf_put(out, rc->text, rc->len);
		if (rc->len > 0 && rc->text[rc->len - 1] != '\n')
			buf_putc(out, '\n');
		buf_puts(out, name);
		buf_putc(out, '=');
		put_quoted(out, value);
		buf_putc(out, '\n');
	}
	return check_change(rc->file, out, name, value, err);
}

/* Is there nothing but blanks, or "export", from from to to? */
static bool
is_bare(const char *text, size_t from, size_t to)
{
	while (from < to && (text[from] == ' ' || text[from] == '\t'))
		from++;
	if (to - from >= 6 && memcmp(text + from, "export", 6) == 0)
		from += 6;
	while (from < to && (text[from] == ' ' || text[from] == '\t'))
		from++;
	return from == to;
}

/* The span that goes with an assignment: its line when it is alone there. */
static void
span_of(const struct rcconf_item *it, const char *text, size_t len,
        size_t *out_from, size_t *out_to)
{
	size_t from = it->start, to = it->end;

	while (from > 0 && text[from - 1] != '\n')
		from--;
	if (from > 1 && text[from - 2] == '\\')
		from--; /* goes on from the line before: not alone */
	while (to < len && strchr(" \t;", text[to]) != NULL && text[to] != '\0')
		to++;
	if (is_bare(text, from, it->start) &&
	    (to == len || text[to] == '\n' || text[to] == '#')) {
		while (to < len && text[to] != '\n')
			to++;
		*out_from = from;
		*out_to = to < len ? to + 1 : to;
		return;
	}
	*out_from = it->start;
	*out_to = to;
}

int
rcconf_del(const struct rcconf *rc, const char *name, struct buf *out,
           struct error *err)
{
	size_t at = 0;

	for (size_t i = 0; i < rc->n; i++) {
		size_t from, to;

		if (strcmp(rc->item[i].name, name) != 0)
			continue;
		span_of(&rc->item[i], rc->text, rc->len, &from, &to);
		if (from > at)
			buf_put(out, rc->text + at, from - at);
		if (to > at)
			at = to;
	}
	buf_put(out, rc->text + at, rc->len - at);
	return check_change(rc->file, out, name, NULL, err);
}
