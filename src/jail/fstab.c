/* SPDX-License-Identifier: BSD-2-Clause */
/* fstab.c - one line of fstab(5). */
#include "jail/fstab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct span {
	const char *p;
	size_t len;
};

/* The next word at *pos, empty at the end. */
static struct span
next_word(const char *line, size_t len, size_t *pos)
{
	struct span word;

	while (*pos < len && (line[*pos] == ' ' || line[*pos] == '\t'))
		(*pos)++;
	word.p = line + *pos;
	while (*pos < len && line[*pos] != ' ' && line[*pos] != '\t')
		(*pos)++;
	word.len = (size_t)(line + *pos - word.p);
	return word;
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/*
 * Decode \ooo into a new string. A backslash before anything but three octal
 * digits is a mistake in the file; so is a NUL.
 * Source: getfsent(3), strunvis(3).
 */
static int
decode(const struct span *in, char **out)
{
	char *s = malloc(in->len + 1);
	size_t n = 0;

	if (s == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < in->len; i++) {
		const char *p = in->p + i;
		int c = (unsigned char)*p;

		if (c == '\\' && in->len - i > 1 && p[1] == '\\') {
			i++;
		} else if (c == '\\') {
			if (in->len - i < 4 || !is_octal(p[1]) ||
			    !is_octal(p[2]) || !is_octal(p[3]))
				c = 0;
			else
				c = (p[1] - '0') * 64 + (p[2] - '0') * 8 +
				    (p[3] - '0');
			i += 3;
		}
		if (c == 0 || c > 255) {
			free(s);
			return -EINVAL;
		}
		s[n++] = (char)c;
	}
	s[n] = '\0';
	*out = s;
	return 0;
}

static int
copy_words(const struct span word[4], struct fstab_line *out)
{
	int rc = decode(&word[0], &out->what);

	if (rc == 0)
		rc = decode(&word[1], &out->where);
	if (rc < 0)
		return rc;
	out->type = strndup(word[2].p, word[2].len);
	if (word[3].len > 0)
		out->opts = strndup(word[3].p, word[3].len);
	if (out->type == NULL || (word[3].len > 0 && out->opts == NULL))
		return -ENOMEM;
	return 0;
}

int
fstab_parse(const char *line, size_t len, struct fstab_line *out,
            struct error *err)
{
	struct fstab_line l = { NULL, NULL, NULL, NULL };
	struct span word[4];
	size_t pos = 0;
	int shown, rc;

	if (len > FSTAB_MAX_LINE)
		return error_set(err, -E2BIG, "fstab line of %zu bytes", len);
	shown = (int)strnlen(line, len);
	for (size_t i = 0; i < 4; i++)
		word[i] = next_word(line, len, &pos);
	if (word[0].len == 0 || word[0].p[0] == '#')
		return 0;
	if (word[2].len == 0)
		return error_set(err, -EINVAL, "%.*s: missing information",
		                 shown, line);
	rc = (size_t)shown < len ? -EINVAL : copy_words(word, &l);
	if (rc < 0) {
		fstab_line_fini(&l);
		if (rc == -ENOMEM)
			return error_set(err, rc, "out of memory");
		return error_set(err, rc, "%.*s: fstab parse error", shown,
		                 line);
	}
	*out = l;
	return 1;
}

void
fstab_line_fini(struct fstab_line *l)
{
	free(l->what);
	free(l->where);
	free(l->type);
	free(l->opts);
	*l = (struct fstab_line){ NULL, NULL, NULL, NULL };
}
