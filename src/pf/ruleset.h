/* SPDX-License-Identifier: BSD-2-Clause */
/* ruleset.h - the tree of anchors: rulesets by path, rules and tables in them.
 */
#ifndef PF_RULESET_H
#define PF_RULESET_H
#include "pf/rule.h"

/* Empty, with the defaults of FreeBSD. NULL: no memory. */
struct pf_config *pf_config_new(void);

/* The ruleset path leads to from base ("/a": from the main one; "..": up),
 * made where it is not there. NULL: no memory, or a name too long. */
struct pf_ruleset *pf_ruleset_get(struct pf_config *conf,
                                  struct pf_ruleset *base, const char *path);
/* The one of a path, "" the main one; NULL: there is none. */
struct pf_ruleset *pf_ruleset_find(const struct pf_config *conf,
                                   const char *path);
/* A child by its name, or NULL. */
struct pf_ruleset *pf_ruleset_child(const struct pf_ruleset *rs,
                                    const char *name);
/* The next ruleset in depth-first order below top; NULL after the last. */
struct pf_ruleset *pf_ruleset_next(const struct pf_ruleset *top,
                                   const struct pf_ruleset *rs);
void pf_rules_add(struct pf_config *conf, struct pf_ruleset *rs,
                  struct pf_rule *r);
/* binat, binat-to from outside: its pool is where packets go to, and who it is
 * for is where they come from. */
void pf_rule_turn(const struct pf_rule *r, struct pf_rule *out);
/* A table of this ruleset only; of it or else of the main one. */
struct pf_table *pf_table_here(const struct pf_ruleset *rs, const char *name);
struct pf_table *pf_table_find(const struct pf_ruleset *rs, const char *name);
#endif
