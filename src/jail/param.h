/* SPDX-License-Identifier: BSD-2-Clause */
/* param.h - every jail parameter: the one table.
 *
 * Owns names, types, defaults, when a parameter may be set, and how Linux
 * gives it; docs/compat.md is printed from here. Parameters of the kernel
 * (jail(2) on FreeBSD) and jail(8)'s own ("pseudo") stand in one table, marked
 * apart. Values travel as canonical text: "true", "new", "3",
 * "10.0.0.1,10.0.0.2". Pure.
 * Source: jail(8), "Jail Parameters".
 */
#ifndef JAIL_PARAM_H
#define JAIL_PARAM_H
#include <stdbool.h>
#include <stddef.h>

#include "base/dict.h"
#include "base/error.h"
#include "base/strv.h"

enum {
	PARAM_MAX_ADDRS = 64,  /* per family; FreeBSD: 255 */
	PARAM_MAX_META = 4096, /* bytes of meta, of env */
	PARAM_MAX_NAME = 255,  /* bytes of a full name */
};

enum param_type {
	PARAM_BOOL,    /* "true" "false" */
	PARAM_INT,     /* decimal */
	PARAM_ULONG,   /* decimal, unsigned */
	PARAM_STRING,  /* as it is */
	PARAM_JAILSYS, /* "disable" "new" "inherit" */
	PARAM_IP4,     /* addresses joined by commas, in the order given */
	PARAM_IP6,
	PARAM_LIST, /* pseudo only: strings (commands, files, datasets) */
};

enum param_when {
	PARAM_CREATE,   /* set at creation only */
	PARAM_ANYTIME,  /* also by -m, felt at once */
	PARAM_ENTRY,    /* also by -m, felt by processes that enter afterwards
	                   and their children: seccomp cannot be changed in one
	                   that runs. FreeBSD: at once */
	PARAM_READONLY, /* told, never set */
};

enum param_grade {
	PARAM_EXACT,   /* as FreeBSD; how says the mechanism */
	PARAM_NEAR,    /* how says what differs */
	PARAM_REFUSED, /* only the default is possible; how is the message */
};

struct param {
	const char *name;
	enum param_type type;
	enum param_when when;
	enum param_grade grade;
	bool pseudo;         /* jail(8)'s own: never reaches jail_create() */
	bool inherited;      /* absent: the parent jail's; dflt: the host's */
	const char *dflt;    /* canonical text; NULL: computed or none */
	const char *how;     /* one or two sentences for docs/compat.md */
	const char *refused; /* a value that cannot be given: "true", "0";
	                        "*": all but dflt; NULL: none */
	const char *refusal; /* the message then; NULL: how */
	const char *warn;    /* said once when given; NULL: not worth it */
	long long min, max;  /* of a number; max of a string: its bytes */
};

/* The table, in the order docs/compat.md prints it. */
extern const struct param param_table[];
extern const size_t param_table_len;

/*
 * Find a parameter by name. "no" before the last dotted part of a boolean
 * (allow.nomount, nopersist, ip4.nosaddrsel) finds the boolean and sets
 * *out_negated. "meta.KEY" and "env.KEY" find meta and env. NULL: unknown.
 */
const struct param *param_find(const char *name, bool *out_negated);

/*
 * The canonical text of a value given as words, as jail.conf and the command
 * line give it. No words: a parameter without "=" ("persist;", "vnet;").
 * A list given to a scalar keeps its last element. "IF|ADDR/MASK words" is not
 * known here: the caller has stripped it to ADDR. Of several addresses the
 * first stays first, the rest come out sorted, as FreeBSD keeps them. A
 * PARAM_LIST comes out joined by newlines.
 *
 * *out is malloc'ed, the caller's. Errors: -EINVAL with FreeBSD's words, e.g.
 * 'allow.mount: unknown boolean value "X"', 'securelevel: non-integer value
 * "X"', 'vnet: unknown jailsys value "X"', 'ip4.addr: not an IPv4 address: X';
 * -ENOMEM. Says nothing on whether the value can be given: param_check().
 * Source: libjail(3) jailparam_import.
 */
int param_import(const struct param *p, bool negated, const struct strv *words,
                 char **out, struct error *err);

/*
 * Can this canonical text be given to p on this system? Ranges, lengths, names,
 * addresses, and what Linux refuses. The default always can.
 *
 * Errors: -EINVAL out of range or malformed, -ENAMETOOLONG, -E2BIG too many
 * addresses, -EOPNOTSUPP refused: msg is a full sentence naming the parameter.
 */
int param_check(const struct param *p, const char *value, struct error *err);

/*
 * param_check() each row of params, and what holds between rows: vnet against
 * ip4 and ip6, the three sysv words, name against jid. params is what was given
 * for a new jail, without defaults; "meta.KEY" rows are fine.
 * Errors: also -ENOENT "unknown parameter: X".
 */
int param_check_set(const struct dict *params, struct error *err);

/* Tell, one line each, in what given parameters of a new jail fall short of
 * FreeBSD's where an administrator must know. */
void param_tell(const struct dict *params,
                void (*tell)(void *arg, const char *line), void *arg);

/*
 * A jail's full name ("a.b"): at most 255 bytes, no empty component, no control
 * bytes, not a number unless it is the jid (0: not known yet).
 * -EINVAL, -ENAMETOOLONG.
 */
int param_check_name(const char *name, int jid, struct error *err);

/*
 * The text of meta or env (lines "key=value") after one key was set, or removed
 * when value is NULL. *out is malloc'ed, the caller's. -EINVAL a key or value
 * with a newline, a key with "=", -E2BIG over PARAM_MAX_META, -ENOMEM.
 */
int param_meta_set(const char *old, const char *key, const char *value,
                   char **out, struct error *err);
#endif
