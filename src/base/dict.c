/* SPDX-License-Identifier: BSD-2-Clause */
/* dict.c - an ordered map of strings, and its text form. */
#include "base/dict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/vec.h"

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

/* FNV-1a: most rows are passed by without looking at their key. */
static unsigned
hash_of(const char *key)
{
	unsigned h = 2166136261u;

	while (*key != '\0')
		h = (h ^ (unsigned char)*key++) * 16777619u;
	return h;
}

static struct dict_row *
dict_find(const struct dict *d, const char *key)
{
	const unsigned h = hash_of(key);

	for (size_t i = 0; i < d->n; i++)
		if (d->row[i].hash == h && strcmp(d->row[i].key, key) == 0)
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
dict_is(const struct dict *d, const char *key, const char *want)
{
	const char *val = dict_get(d, key);

	return val != NULL && strcmp(val, want) == 0;
}

bool
dict_is_true(const struct dict *d, const char *key)
{
	return dict_is(d, key, "true");
}

long long
dict_get_int(const struct dict *d, const char *key, long long fallback)
{
	const char *val = dict_get(d, key);
	long long n;

	return val != NULL && num_int(val, &n) == 0 ? n : fallback;
}

/* A new row of two strings, taken over on success. 0 or -ENOMEM. */
static int
dict_push(struct dict *d, char **key, char **val)
{
	struct dict_row *r;

	r = vec_room(d->row, d->n, &d->cap, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	d->row = r;
	r += d->n++;
	r->hash = hash_of(*key);
	r->key = take_ptr(*key);
	r->val = take_ptr(*val);
	return 0;
}

int
dict_set(struct dict *d, const char *key, const char *val)
{
	struct dict_row *r = dict_find(d, key);
	cleanup_free char *new_val = strdup(val);
	cleanup_free char *new_key = NULL;

	if (new_val == NULL)
		return -ENOMEM;
	if (r != NULL) {
		free(r->val);
		r->val = take_ptr(new_val);
		return 0;
	}
	new_key = strdup(key);
	return new_key != NULL ? dict_push(d, &new_key, &new_val) : -ENOMEM;
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

/* Undo write_escaped on text[0..len): a string of its own; NULL on an unknown
 * escape or a NUL (*out_rc -EINVAL) or without memory (-ENOMEM). */
static char *
read_escaped(const char *text, size_t len, int *out_rc)
{
	char *out = malloc(len + 1);
	size_t n = 0;

	*out_rc = -ENOMEM;
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\\') {
			c = i + 1 == len          ? '\0'
			    : text[i + 1] == 'n'  ? '\n'
			    : text[i + 1] == 'e'  ? '='
			    : text[i + 1] == '\\' ? '\\'
			                          : '\0';
			i++;
		}
		if (c == '\0') {
			free(out);
			*out_rc = -EINVAL;
			return NULL;
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

/* One line "key=value". 0, -EINVAL or -ENOMEM. */
static int
read_line(struct dict *d, const char *line, size_t len)
{
	const char *eq = memchr(line, '=', len);
	cleanup_free char *key = NULL;
	cleanup_free char *val = NULL;
	struct dict_row *r;
	int rc;

	if (eq == NULL || eq == line)
		return -EINVAL;
	key = read_escaped(line, (size_t)(eq - line), &rc);
	if (key == NULL)
		return rc;
	val = read_escaped(eq + 1, len - (size_t)(eq + 1 - line), &rc);
	if (val == NULL)
		return rc;
	r = dict_find(d, key);
	if (r != NULL) {
		free(r->val);
		r->val = take_ptr(val);
		return 0;
	}
	return dict_push(d, &key, &val);
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
