/* SPDX-License-Identifier: BSD-2-Clause */
/* merge.h - what is loaded and what comes new, as one text by rulesets.
 *
 * A load replaces some kinds of rules in some rulesets and leaves the rest. The
 * outcome is written down in pf's own words, a section for each ruleset, and is
 * read again from there: what a namespace has is always what its text says.
 */
#ifndef PF_MERGE_H
#define PF_MERGE_H
#include "base/buf.h"
#include "base/error.h"
#include "pf/pf.h"

/*
 * Append to out the sections of everything loaded once came is loaded over was:
 * kinds in want (PF_WANT_*), rulesets that came has read a file for. keep
 * leaves options that came does not name. Marks in was what is in braces no
 * more.
 */
void pf_merge(struct pf_config *was, const struct pf_config *came,
              const struct pf_world *world, unsigned want, bool keep,
              struct buf *out);
/* All of conf as sections. */
void pf_sections_of(const struct pf_config *conf, const struct pf_world *world,
                    struct buf *out);

/* Read sections[0..len) into a configuration, the caller's. -EINVAL: they are
 * not what pf_merge() writes. */
int pf_sections_parse(const struct pf_world *world, const char *sections,
                      size_t len, struct pf_config **out, struct error *err);
#endif
