/* SPDX-License-Identifier: BSD-2-Clause */
/* dict.c - an ordered map of strings, and its text form. */
#include "base/dict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

void
dict_fini(struct dict *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->row[i].key);
		free(d->row[i].val);
	}
	free(d->row);
	*d = (struct dict)DICT_INIT;
}

static struct dict_row *
dict_find(const struct dict *d, const char *key)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->row[i].key, key) == 0)
			return &d->row[i];
	return NULL;
}

const char *
dict_get(const struct dict *d, const char *key)
{
	const struct dict_row *r = dict_find(d, key);

	return r != NULL ? r->val : NULL;
}

bool
dict_is_true(const struct dict *d, const char *key)
{
	const char *val = dict_get(d, key);

	return val != NULL && strcmp(val, "true") == 0;
}

long long
dict_get_int(const struct dict *d, const char *key, long long fallback)
{
	const char *val = dict_get(d, key);
	long long n;

	return val != NULL && num_int(val, &n) == 0 ? n : fallback;
}

int
dict_set(struct dict *d, const char *key, const char *val)
{
	struct dict_row *r = dict_find(d, key);
	char *copy = strdup(val);

	if (copy == NULL)
		return -ENOMEM;
	if (r != NULL) {
		free(r->val);
		r->val = copy;
		return 0;
	}
	if (d->n == d->cap) {
		size_t cap = d->cap != 0 ? d->cap * 2 : 16;
		struct dict_row *row = reallocarray(d->row, cap, sizeof(*row));

		if (row == NULL) {
			free(copy);
			return -ENOMEM;
		}
		d->row = row;
		d->cap = cap;
	}
	r = &d->row[d->n];
	r->key = strdup(key);
	if (r->key == NULL) {
		free(copy);
		return -ENOMEM;
	}
	r->val = copy;
	d->n++;
	return 0;
}

int
dict_setf(struct dict *d, const char *key, const char *fmt, ...)
{
	cleanup_free char *val = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&val, fmt, ap);
	va_end(ap);
	if (n < 0) {
		val = NULL;
		return -ENOMEM;
	}
	return dict_set(d, key, val);
}

void
dict_del(struct dict *d, const char *key)
{
	struct dict_row *r = dict_find(d, key);

	if (r == NULL)
		return;
	free(r->key);
	free(r->val);
	d->n--;
	memmove(r, r + 1, (size_t)(d->row + d->n - r) * sizeof(*r));
}

int
dict_merge(struct dict *d, const struct dict *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (dict_set(d, from->row[i].key, from->row[i].val) < 0)
			return -ENOMEM;
	return 0;
}

static void
write_escaped(const char *s, bool is_key, struct buf *out)
{
	for (; *s != '\0'; s++)
		if (*s == '\n')
			buf_puts(out, "\\n");
		else if (*s == '\\')
			buf_puts(out, "\\\\");
		else if (*s == '=' && is_key)
			buf_puts(out, "\\e");
		else
			buf_putc(out, *s);
}

void
dict_write(const struct dict *d, struct buf *out)
{
	for (size_t i = 0; i < d->n; i++) {
		write_escaped(d->row[i].key, true, out);
		buf_putc(out, '=');
		write_escaped(d->row[i].val, false, out);
		buf_putc(out, '\n');
	}
}

/* Undo write_escaped on text[0..len); false on an unknown escape or a NUL. */
static bool
read_escaped(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\\') {
			if (++i == len)
				return false;
			c = text[i] == 'n'    ? '\n'
			    : text[i] == 'e'  ? '='
			    : text[i] == '\\' ? '\\'
			                      : '\0';
		}
		if (c == '\0')
			return false;
		buf_putc(out, c);
	}
	return true;
}

/* One line "key=value". 0, -EINVAL or -ENOMEM. */
static int
read_line(struct dict *d, const char *line, size_t len)
{
	cleanup_buf struct buf key = BUF_INIT;
	cleanup_buf struct buf val = BUF_INIT;
	const char *eq = memchr(line, '=', len);

	if (eq == NULL || eq == line ||
	    !read_escaped(line, (size_t)(eq - line), &key) ||
	    !read_escaped(eq + 1, len - (size_t)(eq + 1 - line), &val))
		return -EINVAL;
	if (key.failed || val.failed)
		return -ENOMEM;
	return dict_set(d, buf_str(&key), buf_str(&val));
}

int
dict_read(struct dict *d, const char *text, size_t len, struct error *err)
{
	size_t line = 0;

	if (len > DICT_MAX_BYTES)
		return error_set(err, -E2BIG, "over %d bytes", DICT_MAX_BYTES);
	for (size_t at = 0; at < len;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t end = nl != NULL ? (size_t)(nl - text) : len;
		int rc = ++line > DICT_MAX_ROWS
		             ? -E2BIG
		             : read_line(d, text + at, end - at);

		if (rc < 0) {
			dict_fini(d);
			return error_set(err, rc, "line %zu: %s", line,
			                 rc == -EINVAL ? "not key=value"
			                               : strerror(-rc));
		}
		at = end + 1;
	}
	return 0;
}
