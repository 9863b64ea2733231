/* SPDX-License-Identifier: BSD-2-Clause */
/* store.h - what pf a network namespace has: in its kernel tables and, for what
 * those cannot tell in pf's words, in a file.
 *
 * Files of a namespace are in $GAOL_RUN-pf/COOKIE (/run/gaol-pf), COOKIE being
 * the kernel's own name of it, never used again; not below $GAOL_RUN, which
 * comes and goes with jails. Each load has a file of its own, named by its
 * generation; the kernel says which generation holds.
 */
#ifndef PF_STORE_H
#define PF_STORE_H
#include <limits.h>

#include "pf/number.h"
#include "pf/pf.h"

struct pf_store {
	const struct pf_world *world;
	int dir;             /* -1: there is none yet */
	int lock;            /* -1: opened to read */
	bool is_placed;      /* the next is known */
	uint64_t generation; /* 0: pf has never been used here */
	bool enabled;
	int64_t since;   /* enabled or disabled then: seconds since 1970 */
	int64_t cleared; /* statistics were, likewise */
	unsigned uid;    /* who loaded */
	int pid;
	char checksum[33];      /* of the rules: MD5, hexadecimal */
	struct pf_config *conf; /* numbered; never NULL */
};

/*
 * What the namespace we are in has. write: to change it, which one process does
 * at a time; the others wait. -EPERM; -EINVAL when the file is not what it was.
 */
int pf_store_open(struct pf_store *s, const struct pf_world *world, bool write,
                  struct error *err);
/* The same in two steps: where it is, and the load, without conf; and that. */
int pf_store_place(struct pf_store *s, const struct pf_world *world, bool write,
                   struct error *err);
int pf_store_read(struct pf_store *s, struct error *err);
void pf_store_close(struct pf_store *s);
/*
 * The text of a load's file, which is written to, into an s that has its world
 * and nothing else: pf_store_close() it also after an error. A jail may have
 * written it. -EINVAL, -ENOMEM.
 */
int pf_store_parse(struct pf_store *s, char *text, size_t len,
                   struct error *err);

/*
 * Make conf, which is numbered, what the namespace has: program is run in the
 * kernel, with the words that make it a new generation, and its file written,
 * and those of its tables (contents.h).
 * conf (s's own, too) is s's afterwards, and holds the old one. On an error all
 * is as before.
 */
int pf_store_commit(struct pf_store *s, struct pf_config *conf,
                    const struct buf *sections, const struct buf *program,
                    struct error *err);
#endif
