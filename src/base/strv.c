/* SPDX-License-Identifier: BSD-2-Clause */
/* strv.c - a growing vector of strings. */
#include "base/strv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

void
strv_fini(struct strv *sv)
{
	strv_drop(sv, sv->n);
	free(sv->v);
	*sv = (struct strv)STRV_INIT;
}

void
strv_drop(struct strv *sv, size_t n)
{
	while (n-- > 0 && sv->n > 0) {
		sv->n--;
		free(sv->v[sv->n]);
		sv->v[sv->n] = NULL;
	}
}

/* Takes s, also on failure. */
static int
push_owned(struct strv *sv, char *s)
{
	char **v;

	if (s == NULL)
		return -ENOMEM;
	v = vec_room(sv->v, sv->n + 1, &sv->cap, sizeof(*v)); /* and a NULL */
	if (v == NULL) {
		free(s);
		return -ENOMEM;
	}
	sv->v = v;
	sv->v[sv->n++] = s;
	sv->v[sv->n] = NULL;
	return 0;
}

int
strv_push(struct strv *sv, const char *s)
{
	return push_owned(sv, strdup(s));
}

int
strv_pushn(struct strv *sv, const char *s, size_t len)
{
	return push_owned(sv, strndup(s, len));
}

int
strv_pushf(struct strv *sv, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : push_owned(sv, s);
}

int
strv_extend(struct strv *sv, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (strv_push(sv, from->v[i]) < 0)
			return -ENOMEM;
	return 0;
}

int
strv_split(struct strv *sv, const char *s, const char *seps, bool keep_empty)
{
	for (;;) {
		size_t len = strcspn(s, seps);

		if ((len > 0 || keep_empty) && strv_pushn(sv, s, len) < 0)
			return -ENOMEM;
		if (s[len] == '\0')
			return 0;
		s += len + 1;
	}
}

void
strv_join(const struct strv *sv, const char *sep, struct buf *out)
{
	for (size_t i = 0; i < sv->n; i++) {
		if (i > 0)
			buf_puts(out, sep);
		buf_puts(out, sv->v[i]);
	}
}

bool
strv_has(const struct strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++)
		if (strcmp(sv->v[i], s) == 0)
			return true;
	return false;
}
