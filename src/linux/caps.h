/* SPDX-License-Identifier: BSD-2-Clause */
/* caps.h - the capability sets of the calling thread, by raw system calls. */
#ifndef LINUX_CAPS_H
#define LINUX_CAPS_H
#include <stdint.h>

#include "base/error.h"

#define CAPS_BIT(cap) (UINT64_C(1) << (cap))

/*
 * Take from the bounding set all that is not in keep, and empty the ambient
 * and inheritable sets. Permitted and effective stay until the next exec(2),
 * which bounds them. Needs CAP_SETPCAP. For good: nothing brings a capability
 * back but a new user namespace.
 */
int caps_bound(uint64_t keep, struct error *err);

/*
 * Make these the effective capabilities of the calling thread, as far as they
 * are permitted; *out_old is what they were. For a moment without: what is
 * opened then is opened by nobody special.
 */
int caps_effective(uint64_t set, uint64_t *out_old, struct error *err);

/* Empty the permitted, effective, inheritable and ambient sets at once. */
int caps_drop(struct error *err);
#endif
