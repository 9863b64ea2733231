/* SPDX-License-Identifier: BSD-2-Clause */
/* base_plan.c - the language of a base's file, and a disk's. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "manage/base.h"
#include "manage/disk.h"

/* Only these bytes reach mmdebstrap's command line, none as first dash. */
static bool
word_ok(const char *s, const char *also)
{
	if (!isalnum((unsigned char)s[0]))
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr(also, *s) == NULL)
			return false;
	return true;
}

bool
base_name_ok(const char *name)
{
	return strlen(name) <= BASE_MAX_NAME && word_ok(name, "._-");
}

static int
set_once(char *to, size_t size, const struct strv *words, const char *also,
         struct error *err)
{
	if (words->n != 2)
		return error_set(err, -EINVAL, "%s: wants one value",
		                 words->v[0]);
	if (to[0] != '\0')
		return error_set(err, -EINVAL, "%s: given twice", words->v[0]);
	if (strlen(words->v[1]) >= size || !word_ok(words->v[1], also))
		return error_set(err, -EINVAL, "%s: bad value '%s'",
		                 words->v[0], words->v[1]);
	strcpy(to, words->v[1]);
	return 0;
}

static int
add_packages(struct base_plan *p, const struct strv *words, struct error *err)
{
	if (words->n < 2)
		return error_set(err, -EINVAL, "package: wants a name");
	for (size_t i = 1; i < words->n; i++) {
		if (!word_ok(words->v[i], "+.-"))
			return error_set(err, -EINVAL,
			                 "package: bad value '%s'",
			                 words->v[i]);
		if (p->packages.n == BASE_MAX_PACKAGES)
			return error_set(err, -E2BIG, "too many packages");
		if (strv_push(&p->packages, words->v[i]) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int
set_size(struct base_plan *p, const struct strv *words, struct error *err)
{
	char text[32] = "";

	if (p->size_bytes != 0)
		return error_set(err, -EINVAL, "size: given twice");
	if (set_once(text, sizeof(text), words, "", err) < 0)
		return err->code;
	if (num_size(text, &p->size_bytes) < 0 ||
	    p->size_bytes < DISK_MIN_BYTES || p->size_bytes > DISK_MAX_BYTES)
		return error_set(err, -EINVAL, "size: bad value '%s'", text);
	return 0;
}

/* All the line after the word is the shell's, "#" too. */
static int
add_command(struct base_plan *p, const char *text, struct error *err)
{
	text += strspn(text, " \t");
	if (*text == '\0')
		return error_set(err, -EINVAL, "run: wants a command");
	if (p->commands.n == BASE_MAX_COMMANDS)
		return error_set(err, -E2BIG, "too many commands");
	if (strv_push(&p->commands, text) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* The text after the word run, or NULL when the line is another. */
static const char *
after_run(const char *text)
{
	text += strspn(text, " \t");
	return strncmp(text, "run", 3) == 0 && strchr(" \t", text[3]) != NULL
	           ? text + 3
	           : NULL;
}

static int
parse_line(struct base_plan *p, const char *line, size_t len, struct error *err)
{
	cleanup_free char *text = strndup(line, len);
	cleanup_strv struct strv words = STRV_INIT;
	const char *run;

	if (text == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	text[strcspn(text, "\r")] = '\0';
	run = after_run(text);
	if (run != NULL)
		return add_command(p, run, err);
	text[strcspn(text, "#")] = '\0';
	if (strv_split(&words, text, " \t\r", false) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (words.n == 0)
		return 0;
	if (strcmp(words.v[0], "suite") == 0)
		return set_once(p->suite, sizeof(p->suite), &words, ".-", err);
	if (strcmp(words.v[0], "mirror") == 0)
		return set_once(p->mirror, sizeof(p->mirror), &words,
		                ":/._-~%+@", err);
	if (strcmp(words.v[0], "package") == 0)
		return add_packages(p, &words, err);
	if (strcmp(words.v[0], "size") == 0)
		return set_size(p, &words, err);
	if (strcmp(words.v[0], "kernel") == 0)
		return set_once(p->kernel, sizeof(p->kernel), &words, "+.-",
		                err);
	return error_set(err, -EINVAL, "unknown word '%s'", words.v[0]);
}

void
base_plan_fini(struct base_plan *p)
{
	strv_fini(&p->packages);
	strv_fini(&p->commands);
}

int
base_plan_parse(const char *file, const char *text, size_t len,
                struct base_plan *out, struct error *err)
{
	struct base_plan p = { .packages = STRV_INIT, .commands = STRV_INIT };
	unsigned line = 1;

	if (len > BASE_MAX_BYTES)
		return error_set(err, -E2BIG, "%s: too long", file);
	for (const char *at = text, *end = text + len; at < end; line++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((nl != NULL ? nl : end) - at);

		if (parse_line(&p, at, n, err) < 0) {
			base_plan_fini(&p);
			return error_wrap(err, "%s line %u", file, line);
		}
		at += n + 1;
	}
	if (p.suite[0] == '\0') {
		base_plan_fini(&p);
		return error_set(err, -EINVAL, "%s: no suite", file);
	}
	*out = p;
	return 0;
}
