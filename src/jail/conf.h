/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.h - the jail.conf language: text in, jails with merged and substituted
 * parameters out.
 *
 * Owns lexing, grammar, wildcards, variables, .include, and how parameters are
 * printed back (-e, -J). Does not know which parameters exist or their types:
 * run.h asks param.h. conf_parse() opens nothing itself: included files come
 * from the caller's reader. No state between calls; any thread.
 * Source: jail.conf(5).
 */
#ifndef JAIL_CONF_H
#define JAIL_CONF_H
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

enum {
	CONF_MAX_BYTES = 4 << 20,   /* one file */
	CONF_MAX_TOTAL = 256 << 20, /* memory of all files and jails, about */
	CONF_MAX_FILES = 65536,     /* opened for .include, repeats counted */
	CONF_MAX_INCLUDE = 32,      /* depth of .include */
	CONF_MAX_DEPTH = 32,        /* nested blocks */
	CONF_MAX_JAILS = 65536,     /* blocks, wildcards counted */
	CONF_MAX_NAME = 1024,       /* bytes of a block's full name */
	CONF_MAX_PARAMS = 1024,     /* of one jail, variables counted */
	CONF_MAX_VALUES = 4096,     /* of one parameter */
	CONF_MAX_STRING = 64 << 10, /* bytes of one value after substitution */
	CONF_MAX_STEPS = 32 << 20,  /* parameters merged, over all jails */
	CONF_MAX_ERRORS = 1000,     /* reported; then parsing gives up */
};

/* One parameter of one jail after merging: its values in order. */
struct conf_param {
	char *name;         /* as last written: "persist", "allow.nomount" */
	struct strv values; /* empty: "persist;" */
};

struct conf_jail {
	char *name;  /* the block's: "web", "a.b"; NULL: command line */
	bool failed; /* messages were reported: this jail must not start */
	struct conf_param *param; /* "name" (or "jid") first, then as merged */
	size_t n;                 /* variables dropped */
};

struct conf {
	struct conf_jail *jail; /* file order; wildcard blocks merged away */
	size_t n;
};

/* How the parser reaches the world; every call gets arg. */
struct conf_env {
	/* Paths matching an .include pattern, sorted, appended to out. dir is
	 * where a relative pattern starts: "" or ends in a slash. A plain name
	 * comes back as it is, there or not; a pattern may match nothing. The
	 * error's words are reported. */
	int (*glob)(void *arg, const char *dir, const char *pattern,
	            struct strv *out, struct error *err);
	/* The bytes of a file, malloc'ed; -E2BIG over CONF_MAX_BYTES. The
	 * error's words are reported: "FILE: No such file or directory". */
	int (*read)(void *arg, const char *path, char **out_text,
	            size_t *out_len, struct error *err);
	/* One message without "jail: " in front and without newline:
	 * "FILE line 4: x: syntax error", "web: path: variable loop". */
	void (*report)(void *arg, const char *line);
	void *arg;
};

/*
 * Parse text (file name is for messages and for relative includes), merge,
 * substitute. All errors of a file are reported, not just the first.
 *
 * 0: *out_conf is the caller's (conf_free()); jails with errors of their own
 * are in it, marked failed. -EINVAL: the file as a whole is bad and all was
 * reported (err only sums up), nothing may be started. Not reported, err says
 * it: -E2BIG a limit above, -ENOMEM.
 */
int conf_parse(const char *file, const char *text, size_t len,
               const struct conf_env *env, struct conf **out_conf,
               struct error *err);

/* The same from the host's file system; "-" is standard input, named STDIN.
 * Also, not reported: "FILE: STRERROR" with the errno of opening or reading. */
int conf_load(const char *path, void (*report)(void *arg, const char *line),
              void *arg, struct conf **out_conf, struct error *err);

void conf_free(struct conf *c);

/* Is a name a wildcard: a "*" as a full dotted component? */
bool conf_is_wild(const char *name);
/* Does a wildcard name match a jail's name? "*" all; "foo.*" foo.bar and
 * foo.bar.baz; a non-final "*" exactly one component. */
bool conf_wild_match(const char *wild, const char *name);

/*
 * A jail's parameter given as one word on the command line (name=value, name,
 * noname): appended as "+=" would. Values of ip4.addr, ip6.addr,
 * vnet.interface and zfs.dataset split at commas. Start with a zeroed jail.
 * Errors: -EINVAL 'cannot redefine parameter "name".', -E2BIG, -ENOMEM.
 */
int conf_jail_add_arg(struct conf_jail *j, const char *arg, struct error *err);
/* The same from parts, never split; value NULL: none. For -s, -u, command. */
int conf_jail_add(struct conf_jail *j, const char *name, const char *value,
                  struct error *err);
void conf_jail_fini(struct conf_jail *j);

/* By name, with or without the "no" of a negation; NULL: not given. */
const struct conf_param *conf_jail_get(const struct conf_jail *j,
                                       const char *name);
/* The last value, which is what a scalar means; NULL: not given or no value. */
const char *conf_jail_last(const struct conf_jail *j, const char *name);
/* A boolean as written: given and not false, "noX" negates. Bad words count as
 * false; param_import() tells them. */
bool conf_jail_is_true(const struct conf_jail *j, const char *name);
/* Are two names the same parameter, "no" before the last part set aside? */
bool conf_name_same(const char *a, const char *b);

/* As -e and -J print: a value, quoted when it must be; the values of a
 * parameter joined by sep; a whole jail, "name=web<sep>path=/x", without jid
 * and without newline. */
void conf_put_quoted(struct buf *out, const char *value);
void conf_put_values(struct buf *out, const struct conf_param *p, char sep);
void conf_put_jail(struct buf *out, const struct conf_jail *j, const char *sep);
#endif
