/* SPDX-License-Identifier: BSD-2-Clause */
/* sysctl.c - sysctl(8) with FreeBSD's names, for hooks and inside jails.
 *
 * The names are a table (sysctl_table.c); security.jail.param is the table of
 * jail parameters. Source: sysctl(8).
 */
#include "cmd/freebsd/sysctl.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/freebsd/injail.h"
#include "jail/param.h"
#include "linux/file.h"

#define PARAM_BRANCH "security.jail.param"

enum {
	MAX_FILE = 1 << 20, /* bytes of a -f file */
};

struct options {
	bool all, names_only, no_names, describe, equals, ignore, quiet, types;
};

static int
usage(void)
{
	fputs("usage: sysctl [-deihNnqt] [-j jail] [-f file] name[=value] ...\n"
	      "       sysctl [-dehNnqt] -a\n",
	      stderr);
	return 1;
}

/* --- showing ----------------------------------------------------------- */

static void
show_name(const struct options *o, const char *name)
{
	if (o->names_only)
		fputs(name, stdout);
	else if (!o->no_names)
		printf("%s%s", name, o->equals ? "=" : ": ");
}

/* One line without its end. -errno: there is nothing to show. */
static int
show(const struct options *o, const struct oid *oid)
{
	cleanup_buf struct buf value = BUF_INIT;
	struct error err;

	if (o->names_only || o->describe || o->types) {
		show_name(o, oid->name);
		if (o->types && !o->names_only)
			fputs(oid_type_name(oid->type), stdout);
		if (o->types && o->describe && !o->names_only)
			fputs(": ", stdout);
		if (o->describe && !o->names_only)
			fputs(oid->descr, stdout);
		return 0;
	}
	if (oid->read(oid, &value, &err) < 0)
		return err.code;
	show_name(o, oid->name);
	fputs(buf_str(&value), stdout);
	return 0;
}

/* A parameter's node: strings tell their room, others 0, as on FreeBSD. */
static void
show_param(const struct options *o, const struct param *p)
{
	if (o->names_only) {
		printf("%s.%s\n", PARAM_BRANCH, p->name);
		return;
	}
	if (!o->no_names)
		printf("%s.%s%s", PARAM_BRANCH, p->name,
		       o->equals ? "=" : ": ");
	if (o->describe)
		printf("%s\n", p->how);
	else
		printf("%lld\n", p->type == PARAM_STRING ? p->max + 1 : 0);
}

/* Is name equal to branch, or below it? */
static bool
is_below(const char *name, const char *branch)
{
	size_t len = strlen(branch);

	return strncmp(name, branch, len) == 0 &&
	       (name[len] == '\0' || name[len] == '.' || len == 0);
}

/* Everything below a branch ("" is all). Returns how many names there are. */
static size_t
show_branch(const struct options *o, const char *branch)
{
	size_t n = 0;

	for (size_t i = 0; i < oid_table_len; i++)
		if (is_below(oid_table[i].name, branch)) {
			n++;
			if (show(o, &oid_table[i]) == 0)
				putchar('\n');
		}
	for (size_t i = 0; i < param_table_len; i++) {
		char name[128];

		if (param_table[i].pseudo)
			continue;
		snprintf(name, sizeof(name), "%s.%s", PARAM_BRANCH,
		         param_table[i].name);
		if (is_below(name, branch)) {
			n++;
			show_param(o, &param_table[i]);
		}
	}
	return n;
}

static const struct oid *
find(const char *name)
{
	for (size_t i = 0; i < oid_table_len; i++)
		if (strcmp(oid_table[i].name, name) == 0)
			return &oid_table[i];
	return NULL;
}

/* --- setting ----------------------------------------------------------- */

/* Is the text a value of that type? Complains. */
static bool
is_value(const struct oid *oid, const char *val)
{
	bool is_unsigned = oid->type == OID_UINT || oid->type == OID_ULONG;
	char *end;

	if (oid->type == OID_STRING)
		return true;
	if (val[0] == '\0') {
		fputs("sysctl: empty numeric value\n", stderr);
		return false;
	}
	errno = 0;
	if (is_unsigned)
		(void)strtoull(val, &end, 0);
	else
		(void)strtoll(val, &end, 0);
	if (*end != '\0' || end == val || errno != 0) {
		fprintf(stderr, "sysctl: invalid %s '%s'\n",
		        oid_type_name(oid->type), val);
		return false;
	}
	return true;
}

/* What a jail may not do Linux says in several ways, FreeBSD in one. */
static const char *
why(int code)
{
	return strerror(code == -EROFS || code == -EACCES ? EPERM : -code);
}

static int
set(const struct options *o, const struct oid *oid, const char *val)
{
	struct options value_only = { .no_names = true };
	struct error err;
	int shown;

	if (oid->write == NULL) {
		fprintf(stderr, "sysctl: oid '%s' is %s\n", oid->name,
		        oid->tunable ? "a read only tunable" : "read only");
		if (oid->tunable)
			fputs("sysctl: Tunable values are set in "
			      "/boot/loader.conf\n",
			      stderr);
		return 1;
	}
	if (!is_value(oid, val))
		return 1;
	shown = show(o, oid);
	if (oid->write(oid, val, &err) < 0) {
		if (shown == 0)
			putchar('\n');
		fflush(stdout);
		fprintf(stderr, "sysctl: %s: %s\n", oid->name, why(err.code));
		return 1;
	}
	if (o->names_only) {
		putchar('\n');
		return 0;
	}
	fputs(shown == 0 ? " -> " : "", stdout);
	(void)show(&value_only, oid);
	putchar('\n');
	return 0;
}

/* --- the command line -------------------------------------------------- */

/* NAME or NAME=VALUE. 0; 1: failed; 2: failed, and the rest is left out. */
static int
do_word(const struct options *o, const char *word)
{
	cleanup_free char *name = strdup(word);
	const struct oid *oid;
	char *val;

	if (name == NULL)
		return 2;
	val = strchr(name, '=');
	if (val != NULL) {
		*val++ = '\0';
		val += strspn(val, " \t");
	}
	oid = find(name);
	if (oid != NULL && val != NULL && !o->describe)
		return set(o, oid, val) == 0 ? 0 : 1;
	if (oid != NULL) {
		if (show(o, oid) == 0)
			putchar('\n');
		return 0;
	}
	if (val == NULL && show_branch(o, name) > 0)
		return 0;
	if (o->ignore)
		return 0;
	if (!o->quiet)
		fprintf(stderr, "sysctl: unknown oid '%s'\n", name);
	return 2;
}

/* sysctl -f: a line each, comments from '#'. */
static int
do_file(const struct options *o, const char *path)
{
	cleanup_free char *text = NULL;
	struct error err;
	size_t len;
	int status = 0;

	if (file_read(AT_FDCWD, path, MAX_FILE, &text, &len, &err) < 0) {
		fprintf(stderr, "sysctl: %s\n", err.msg);
		return 1;
	}
	for (char *line = text; line != NULL && *line != '\0';) {
		char *next = strchr(line, '\n');
		char *end;

		if (next != NULL)
			*next++ = '\0';
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, " \t\r");
		end = line + strlen(line);
		while (end > line && isspace((unsigned char)end[-1]))
			*--end = '\0';
		if (*line != '\0' && do_word(o, line) != 0)
			status = 1;
		line = next;
	}
	return status;
}

static bool
read_flag(struct options *o, int c)
{
	switch (c) {
	case 'A':
	case 'a':
		o->all = true;
		break;
	case 'd':
		o->describe = true;
		break;
	case 'e':
		o->equals = true;
		break;
	case 'i':
		o->ignore = true;
		break;
	case 'N':
		o->names_only = true;
		break;
	case 'n':
		o->no_names = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	case 't':
		o->types = true;
		break;
	case 'h': /* numbers have no grouping in the C locale */
	case 'o': /* all that is opaque is shown as text */
	case 'w': /* of old: setting needs no flag */
		break;
	default:
		return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct options o = { .all = false };
	const char *jail = NULL;
	const char *file = NULL;
	int status = 0;
	int c;

	/* Keeps the order of what stdout and stderr say. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((c = getopt(argc, argv, "+Aadef:hij:Nnoqtw")) != -1)
		if (c == 'f')
			file = optarg;
		else if (c == 'j')
			jail = optarg;
		else if (!read_flag(&o, c))
			return usage();
	if ((o.names_only && o.no_names) ||
	    (optind == argc && !o.all && file == NULL))
		return usage();
	if (jail != NULL)
		return in_jail("sysctl", jail, argc, argv);
	if (file != NULL)
		status = do_file(&o, file);
	if (o.all && optind == argc)
		(void)show_branch(&o, "");
	for (int i = optind; i < argc; i++) {
		int rc = do_word(&o, argv[i]);

		if (rc != 0)
			status = 1;
		if (rc == 2)
			break;
	}
	return status;
}
