/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.h - the jail.conf language: text in, jails with merged and substituted
 * parameters out.
 *
 * Owns lexing, grammar, wildcards, variables, .include. Does not know which
 * parameters exist beyond the "no" prefix of booleans: run.h asks param.h.
 * Opens nothing itself: included files come from the caller's reader.
 * Source: jail.conf(5).
 */
#ifndef JAIL_CONF_H
#define JAIL_CONF_H
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"

enum {
	CONF_MAX_BYTES = 4 << 20, /* one file */
	CONF_MAX_INCLUDE = 32,    /* depth of .include */
	CONF_MAX_DEPTH = 32,      /* nested blocks */
	CONF_MAX_JAILS = 65536,
	CONF_MAX_STRING = 64 << 10, /* one value after substitution */
};

/* One parameter of one jail after merging: its values in order. */
struct conf_param {
	char *name;         /* without the "no" prefix when negated */
	struct strv values; /* empty: "persist;" */
	bool negated;       /* written as noX */
};

struct conf_jail {
	char *
	    name; /* the block's name, "a.b" when nested; "web", "*", "foo.*" */
	bool wildcard;
	bool failed; /* messages were reported: this jail must not start */
	struct conf_param *param; /* in merge order; variables dropped */
	size_t n;
};

struct conf {
	struct conf_jail *jail; /* file order; wildcard blocks included */
	size_t n;
};

/* How the parser reaches the world; every call gets arg. */
struct conf_env {
	/* Paths matching an .include pattern, sorted; relative ones start at
	 * dir. A plain name that does not exist is an error, a pattern that
	 * matches nothing is not. */
	int (*glob)(void *arg, const char *dir, const char *pattern,
	            struct strv *out, struct error *err);
	/* The bytes of a file, malloc'ed. */
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
 * are in it, marked failed. -EINVAL: the file as a whole is bad, nothing may
 * be started; -E2BIG a limit above; -ENOMEM.
 */
int conf_parse(const char *file, const char *text, size_t len,
               const struct conf_env *env, struct conf **out_conf,
               struct error *err);

/* The same from the host's file system; "-" is standard input, named STDIN. */
int conf_load(const char *path, void (*report)(void *arg, const char *line),
              void *arg, struct conf **out_conf, struct error *err);

void conf_free(struct conf *c);

/* Does a wildcard name match a jail's name? "*" all; "foo.*" foo.bar and
 * foo.bar.baz; a non-final "*" exactly one component. */
bool conf_wild_match(const char *wild, const char *name);

/* A jail's parameters given as words on the command line (name=value, name,
 * noname): appended as "+=" would. Values of ip4.addr, ip6.addr,
 * vnet.interface and zfs.dataset split at commas. */
int conf_jail_add_arg(struct conf_jail *j, const char *arg, struct error *err);
const struct conf_param *conf_jail_get(const struct conf_jail *j,
                                       const char *name);
void conf_jail_fini(struct conf_jail *j);
#endif
