/* SPDX-License-Identifier: BSD-2-Clause */
/* load.h - changing what pf a network namespace has: pfctl -f, -F, -e, -d.
 *
 * Each call is one transaction in the kernel: what was there goes on until all
 * of the new is there, and for good when any of it cannot be had. States live
 * through all of them.
 */
#ifndef PF_LOAD_H
#define PF_LOAD_H
#include "pf/contents.h"
#include "pf/store.h"

/* Put what came in place of the kinds in want (PF_WANT_*) of the rulesets it
 * was read for; keep (-m) leaves options it does not name. came stays the
 * caller's. -ENOTSUP: a rule that Linux cannot hold, told with its line. */
int pf_load(struct pf_store *s, struct pf_config *came, unsigned want,
            bool keep, struct error *err);

/* Load what s->conf says now: tables were added to it, or taken out. */
int pf_load_again(struct pf_store *s, const struct pf_contents_new *tables,
                  struct error *err);

/* Give the tables of s->conf what they hold (contents.h), until
 * pf_contents_release(). */
int pf_load_contents(struct pf_store *s, struct error *err);

/* Take the rules of these kinds out of the ruleset of a path; all of below:
 * also of those below it. -ENOENT: no such ruleset. */
int pf_flush(struct pf_store *s, const char *path, bool below, unsigned want,
             struct error *err);

/* Switch pf on or off. -EALREADY: it is. */
int pf_enable(struct pf_store *s, bool enable, struct error *err);
#endif
