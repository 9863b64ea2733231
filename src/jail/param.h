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

#include "base/error.h"
#include "base/strv.h"

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
	PARAM_ANYTIME,  /* also by -m */
	PARAM_READONLY, /* told, never set */
};

enum param_grade {
	PARAM_EXACT,   /* as FreeBSD; how says the mechanism */
	PARAM_NEAR,    /* how says what differs */
	PARAM_REFUSED, /* how is the message the user gets */
};

struct param {
	const char *name;
	enum param_type type;
	enum param_when when;
	enum param_grade grade;
	bool pseudo;      /* jail(8)'s own: never reaches jail_create() */
	const char *dflt; /* canonical text; NULL: computed or none */
	const char *how;  /* one sentence for docs/compat.md */
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
 * known here: the caller has stripped it to ADDR.
 *
 * *out is malloc'ed, the caller's. Errors: -EINVAL with FreeBSD's words, e.g.
 * 'allow.mount: unknown boolean value "X"', 'securelevel: non-integer value
 * "X"', 'vnet: unknown jailsys value "X"', 'ip4.addr: not an IPv4 address: X';
 * -ENOMEM. Source: libjail(3) jailparam_import.
 */
int param_import(const struct param *p, bool negated, const struct strv *words,
                 char **out, struct error *err);
#endif
