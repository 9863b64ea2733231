/* SPDX-License-Identifier: BSD-2-Clause */
/* run_plan.h - what one jail's parameters ask of jail(8): checked, typed, and
 * with addresses and mounts turned into the commands that make and undo them.
 *
 * Reads the fstab files the parameters name, asks the resolver for ip_hostname
 * and its caller what the kernel can; changes nothing. Owns its strings,
 * borrows the conf_jail's.
 */
#ifndef JAIL_RUN_PLAN_H
#define JAIL_RUN_PLAN_H
#include <stdbool.h>
#include <stddef.h>

#include "base/dict.h"
#include "base/strv.h"
#include "jail/conf.h"

/* An address to be added to an interface of the host. */
struct plan_alias {
	const char *param; /* "ip4.addr", "ip6.addr" */
	char *addr;
	struct strv up, down; /* argv */
};

struct plan_mount {
	const char *param; /* "mount", "mount.fstab", "mount.devfs", ... */
	char *type, *where, *opts;
	struct strv up, down; /* argv; for mounts inside, only shown */
	/* Made in the jail's own mounts by jail_create(): where in it; NULL:
	 * mounted on the host. */
	const char *below;
	bool is_silent; /* added by us: not in the transcript */
	bool is_ready;  /* its mount point was found: run_steps.c sets it */
};

struct plan {
	struct dict kernel; /* canonical; what jail_create() is given */
	struct dict own;    /* canonical; jail(8)'s scalars */
	struct dict keys;   /* meta.KEY, env.KEY: "=VALUE"; "": remove it */
	char *name;         /* NULL: not given */
	char *path;         /* absolute; NULL: not given */
	struct plan_alias *alias;
	size_t n_alias;
	struct plan_mount *mount; /* in the order they are made */
	size_t n_mount;
};

/* What to check and to make ready. */
enum plan_use {
	PLAN_REMOVE, /* kernel parameters are not looked at */
	PLAN_MODIFY, /* neither are addresses and mounts */
	PLAN_CREATE,
};

/*
 * Fill *p from j. Every mistake is reported, one line without the jail's name.
 * Returns 0, -EINVAL when something was reported, or -ENOMEM (also reported).
 * plan_fini() in any case.
 *
 * maps_tmpfs tells whether a tmpfs of the host can be mapped to a jail's ids:
 * where not, those below the jail's path are made inside, where they can be
 * written to. Asked only when there is one; NULL: it can.
 */
int plan_build(struct plan *p, const struct conf_jail *j, enum plan_use use,
               bool (*maps_tmpfs)(void),
               void (*report)(void *arg, const char *line), void *arg);
void plan_fini(struct plan *p);
#endif
