/* SPDX-License-Identifier: BSD-2-Clause */
/* legacy.h - a keyboard controller without a keyboard, and ports that PCs
 * write to for no reason of today's.
 */
#ifndef DEV_LEGACY_H
#define DEV_LEGACY_H

struct error;
struct vm;

int legacy_new(struct vm *vm, struct error *err);
#endif
