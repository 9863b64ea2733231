/* SPDX-License-Identifier: BSD-2-Clause */
/* passwd.c - passwd(5) and group(5) files read directly. */
#include "linux/passwd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "linux/file.h"

enum { PASSWD_FIELDS = 7, GROUP_FIELDS = 4 };

struct field {
	const char *at;
	size_t len;
};

/* Split the line at *text into n fields at colons and move *text past it.
 * False: the line has another number of fields. */
static bool
next_line(const char **text, struct field *f, int n)
{
	const char *at = *text;
	size_t len = strcspn(at, "\n");
	const char *end = at + len;
	int have = 0;

	*text = *end != '\0' ? end + 1 : end;
	for (;;) {
		const char *colon = memchr(at, ':', (size_t)(end - at));
		const char *stop = colon != NULL ? colon : end;

		if (have == n)
			return false;
		f[have++] = (struct field){ at, (size_t)(stop - at) };
		if (colon == NULL)
			return have == n;
		at = colon + 1;
	}
}

static bool
field_is(const struct field *f, const char *s)
{
	return f->len == strlen(s) && memcmp(f->at, s, f->len) == 0;
}

static void
field_copy(const struct field *f, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)f->len, f->at);
}

static bool
field_id(const struct field *f, id_t *out)
{
	char text[16];
	long long n;

	field_copy(f, text, sizeof(text));
	if (num_int_in(text, 0, UINT32_MAX - 1LL, &n) < 0)
		return false;
	*out = (id_t)n;
	return true;
}

bool
passwd_find(const char *text, const char *name, struct passwd_entry *out)
{
	struct field f[PASSWD_FIELDS];
	long long want = -1;

	(void)num_int(name, &want);
	while (*text != '\0') {
		id_t uid, gid;

		if (!next_line(&text, f, PASSWD_FIELDS) ||
		    !field_id(&f[2], &uid) || !field_id(&f[3], &gid))
			continue;
		if (!field_is(&f[0], name) && (long long)uid != want)
			continue;
		field_copy(&f[0], out->name, sizeof(out->name));
		out->uid = uid;
		out->gid = gid;
		field_copy(&f[5], out->home, sizeof(out->home));
		field_copy(&f[6], out->shell, sizeof(out->shell));
		return true;
	}
	return false;
}

static bool
member_of(const struct field *list, const char *name)
{
	const char *at = list->at, *end = list->at + list->len;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma != NULL ? comma : end;
		struct field one = { at, (size_t)(stop - at) };

		if (field_is(&one, name))
			return true;
		at = stop + 1;
	}
	return false;
}

int
passwd_groups(const char *text, const char *name, gid_t gid, gid_t *groups,
              int max)
{
	struct field f[GROUP_FIELDS];
	int n = 0;

	if (max > 0)
		groups[n++] = gid;
	while (*text != '\0' && n < max) {
		id_t id;

		if (next_line(&text, f, GROUP_FIELDS) && field_id(&f[2], &id) &&
		    id != gid && member_of(&f[3], name))
			groups[n++] = id;
	}
	return n;
}

int
passwd_load(int dirfd, const char *name, struct passwd_entry *out,
            gid_t *groups, int *n, struct error *err)
{
	cleanup_free char *users = NULL;
	cleanup_free char *group = NULL;
	struct error ignored;

	if (file_read(dirfd, "etc/passwd", PASSWD_MAX_BYTES, &users, NULL,
	              err) < 0 ||
	    !passwd_find(users, name, out))
		return error_set(err, -ENOENT, "%s: no such user", name);
	if (file_read(dirfd, "etc/group", PASSWD_MAX_BYTES, &group, NULL,
	              &ignored) < 0)
		*n = passwd_groups("", name, out->gid, groups, *n);
	else
		*n = passwd_groups(group, out->name, out->gid, groups, *n);
	return 0;
}
