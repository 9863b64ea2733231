/* SPDX-License-Identifier: BSD-2-Clause */
/* engines.h - the engines there are, and the choice between them. */
#ifndef ENGINE_ENGINES_H
#define ENGINE_ENGINES_H

struct engine_ops;
struct error;

/*
 * "kvm" or "soft", or "auto": the first that proves it can run a guest here.
 * why tells what was passed over ("" when nothing was); it is a struct error
 * only for its room. -EINVAL: no such engine; else why the named one cannot.
 */
int engine_select(const char *word, const struct engine_ops **out_ops,
                  struct error *why, struct error *err);
#endif
