/* SPDX-License-Identifier: BSD-2-Clause */
/* mountinfo.c - the mounts of this mount namespace. */
#include "linux/mountinfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static bool
is_octal(const char *s)
{
	return s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
	       s[2] <= '7' && s[3] >= '0' && s[3] <= '7';
}

/* Decode \ooo in place. */
static void
decode(char *s)
{
	char *to = s;

	while (*s != '\0')
		if (is_octal(s)) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
			               (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	*to = '\0';
}

/* Fields of a line, proc(5): id parent major:minor root point opts
 * [optional ...] - type source super. */
static int
parse_line(char *line, struct mountinfo_row *r)
{
	char *save = NULL;
	char *field[6];
	char *w;

	for (size_t i = 0; i < 6; i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (field[i] == NULL)
			return -EPROTO;
	}
	if (sscanf(field[0], "%" SCNu64, &r->id) != 1 ||
	    sscanf(field[1], "%" SCNu64, &r->parent) != 1 ||
	    sscanf(field[2], "%" SCNu32 ":%" SCNu32, &r->major, &r->minor) != 2)
		return -EPROTO;
	r->root = field[3];
	r->point = field[4];
	r->opts = field[5];
	do
		w = strtok_r(NULL, " ", &save);
	while (w != NULL && strcmp(w, "-") != 0);
	r->type = strtok_r(NULL, " ", &save);
	r->source = strtok_r(NULL, " ", &save);
	r->super = strtok_r(NULL, " ", &save);
	if (r->super == NULL) {
		/* An empty source leaves two blanks, so one word less. */
		if (r->source == NULL)
			return -EPROTO;
		r->super = r->source;
		r->source = r->super + strlen(r->super); /* "" */
	}
	decode(r->root);
	decode(r->point);
	decode(r->source);
	return 0;
}

int
mountinfo_parse(char *text, struct mountinfo *out, struct error *err)
{
	struct mountinfo mi = { .text = text };
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		struct mountinfo_row *grown =
		    vec_room(mi.row, mi.n, &mi.cap, sizeof(*grown));

		if (grown == NULL) {
			mountinfo_fini(&mi);
			return error_set(err, -ENOMEM, "out of memory");
		}
		mi.row = grown;
		if (parse_line(line, &mi.row[mi.n++]) < 0) {
			size_t at = mi.n;

			mountinfo_fini(&mi);
			return error_set(err, -EPROTO,
			                 "mountinfo line %zu is not one", at);
		}
	}
	*out = mi;
	return 0;
}

int
mountinfo_read(struct mountinfo *out, struct error *err)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	if (f == NULL)
		return error_sys(err, "open '/proc/self/mountinfo'");
	n = getdelim(&text, &cap, '\0', f); /* the whole: it has no NUL */
	fclose(f);
	if (n < 0 || n > MOUNTINFO_MAX_BYTES) {
		free(text);
		return error_set(err, -EPROTO, "read '/proc/self/mountinfo'");
	}
	return mountinfo_parse(text, out, err);
}

void
mountinfo_fini(struct mountinfo *mi)
{
	free(mi->row);
	free(mi->text);
	*mi = (struct mountinfo)MOUNTINFO_INIT;
}

const struct mountinfo_row *
mountinfo_at(const struct mountinfo *mi, const char *point)
{
	for (size_t i = mi->n; i-- > 0;)
		if (strcmp(mi->row[i].point, point) == 0)
			return &mi->row[i];
	return NULL;
}

/* A mount has the same number in both lists only when they are one namespace's.
 */
bool
mountinfo_is_first(void)
{
	static const char *const lists[] = { "/proc/1/mountinfo",
		                             "/proc/self/mountinfo" };
	char line[2][256] = { "", "" };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		FILE *f = fopen(lists[i], "re");

		if (f == NULL)
			return false;
		if (fgets(line[i], sizeof(line[i]), f) == NULL)
			line[i][0] = '\0';
		fclose(f);
	}
	return line[0][0] != '\0' && strcmp(line[0], line[1]) == 0;
}
