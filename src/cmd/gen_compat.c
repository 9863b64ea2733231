/* SPDX-License-Identifier: BSD-2-Clause */
/* gen_compat.c - prints docs/compat.md from the table of parameters, so that
 * the page cannot say what the programs do not do. Built, not installed.
 *
 *   gen-compat docs/compat.in.md                  print the page
 *   gen-compat docs/compat.in.md docs/compat.md   is the page what it would be?
 *   gen-compat --manual man/jail.8                does it name every parameter?
 *
 * Lines "@kernel@", "@allow@" and "@jail@" of the input stand for the tables;
 * all else is copied.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "jail/param.h"

enum {
	MAX_BYTES = 1 << 20,
	SKIPPED = 77, /* meson's word for a test that could not run */
};

enum section { KERNEL, ALLOW, JAIL };

static enum section
section_of(const struct param *p)
{
	if (p->pseudo)
		return JAIL;
	return strncmp(p->name, "allow.", 6) == 0 ? ALLOW : KERNEL;
}

/* Text that may not end a cell of a table. */
static void
put_cell(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("|*<", *text) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

static void
put_default(struct buf *out, const struct param *p)
{
	if (p->inherited)
		buf_puts(out, "the parent's");
	if (p->inherited && p->dflt != NULL)
		buf_puts(out, ", ");
	if (p->dflt == NULL)
		buf_puts(out, p->inherited ? "" : "–");
	else
		buf_puts(out, *p->dflt == '\0' ? "empty" : p->dflt);
}

static void
put_row(struct buf *out, const struct param *p)
{
	static const char *const type[] = {
		[PARAM_BOOL] = "boolean",    [PARAM_INT] = "integer",
		[PARAM_ULONG] = "unsigned",  [PARAM_STRING] = "string",
		[PARAM_JAILSYS] = "jailsys", [PARAM_IP4] = "addresses",
		[PARAM_IP6] = "addresses",   [PARAM_LIST] = "list",
	};
	static const char *const when[] = {
		[PARAM_CREATE] = "create",
		[PARAM_ANYTIME] = "any time",
		[PARAM_ENTRY] = "any time, for later processes",
		[PARAM_READONLY] = "read only",
	};
	static const char *const grade[] = {
		[PARAM_EXACT] = "exact",
		[PARAM_NEAR] = "near",
		[PARAM_REFUSED] = "**refused**",
	};

	buf_printf(out, "| `%s` | %s | ", p->name, type[p->type]);
	put_default(out, p);
	if (!p->pseudo)
		buf_printf(out, " | %s", when[p->when]);
	buf_printf(out, " | %s | ", grade[p->grade]);
	put_cell(out, p->how);
	if (p->refusal != NULL) {
		buf_putc(out, ' ');
		put_cell(out, p->refusal);
	}
	buf_puts(out, " |\n");
}

static void
put_table(struct buf *out, enum section s)
{
	unsigned count[3] = { 0 };

	for (size_t i = 0; i < param_table_len; i++)
		if (section_of(&param_table[i]) == s)
			count[param_table[i].grade]++;
	buf_printf(out, "%u exact, %u near, %u refused.\n\n",
	           count[PARAM_EXACT], count[PARAM_NEAR], count[PARAM_REFUSED]);
	buf_puts(out, s == JAIL ? "| Parameter | Type | Default | Grade | "
	                          "On Linux |\n|---|---|---|---|---|\n"
	                        : "| Parameter | Type | Default | Set | Grade "
	                          "| On Linux |\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < param_table_len; i++)
		if (section_of(&param_table[i]) == s)
			put_row(out, &param_table[i]);
}

/* The page that text, the input, makes. */
static void
put_page(struct buf *out, const char *text)
{
	static const char *const mark[] = {
		[KERNEL] = "@kernel@\n",
		[ALLOW] = "@allow@\n",
		[JAIL] = "@jail@\n",
	};

	while (*text != '\0') {
		const size_t len = strcspn(text, "\n");
		const size_t whole = len + (text[len] == '\n');
		bool is_mark = false;

		for (size_t i = 0; i < ARRAY_LEN(mark) && !is_mark; i++)
			if (strncmp(text, mark[i], strlen(mark[i])) == 0) {
				put_table(out, (enum section)i);
				is_mark = true;
			}
		if (!is_mark)
			buf_put(out, text, whole);
		text += whole;
	}
}

/* A whole file; false with errno. */
static bool
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;

	if (f == NULL)
		return false;
	while ((n = fread(part, 1, sizeof(part), f)) > 0 &&
	       out->len < MAX_BYTES)
		buf_put(out, part, n);
	fclose(f);
	return !out->failed;
}

/* Exit status: is the page at path what it should be? */
static int
compare(const char *path, const char *want)
{
	cleanup_buf struct buf is = BUF_INIT;
	unsigned line = 1;
	size_t i = 0;

	if (!read_file(path, &is)) {
		perror(path);
		return 1;
	}
	while (want[i] != '\0' && want[i] == buf_str(&is)[i])
		line += want[i++] == '\n';
	if (want[i] == buf_str(&is)[i])
		return 0;
	fprintf(stderr, "%s:%u: stale: run 'ninja -C build compat'\n", path,
	        line);
	return 1;
}

static bool
is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Is name a word of text? "allow.mount" is not one of "allow.mount.zfs". */
static bool
has_word(const char *text, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = text; (p = strstr(p, name)) != NULL; p += len) {
		const char *end = p + len;
		const bool starts =
		    p == text || (!is_name_byte(p[-1]) && p[-1] != '.');

		if (starts && !is_name_byte(*end) &&
		    !(*end == '.' && is_name_byte(end[1])))
			return true;
	}
	return false;
}

/* Exit status: does the manual page name every parameter? */
static int
check_manual(const char *path)
{
	cleanup_buf struct buf page = BUF_INIT;
	int status = 0;

	if (!read_file(path, &page)) {
		status = errno == ENOENT ? SKIPPED : 1;
		perror(path);
		return status;
	}
	for (size_t i = 0; i < param_table_len; i++)
		if (!has_word(buf_str(&page), param_table[i].name)) {
			fprintf(stderr, "%s: %s is missing\n", path,
			        param_table[i].name);
			status = 1;
		}
	return status;
}

int
main(int argc, char **argv)
{
	cleanup_buf struct buf in = BUF_INIT;
	cleanup_buf struct buf page = BUF_INIT;

	if (argc < 2 || argc > 3) {
		fputs("usage: gen-compat input [page] | --manual page\n",
		      stderr);
		return 2;
	}
	if (strcmp(argv[1], "--manual") == 0 && argc == 3)
		return check_manual(argv[2]);
	if (!read_file(argv[1], &in)) {
		perror(argv[1]);
		return 1;
	}
	put_page(&page, buf_str(&in));
	if (argc == 3)
		return compare(argv[2], buf_str(&page));
	return fputs(buf_str(&page), stdout) < 0 || fflush(stdout) != 0;
}
