/* SPDX-License-Identifier: BSD-2-Clause */
/* soft.h - the software x86-64 processor, as an engine.
 *
 * Not there: SMM; and a locked access across a page is no single one of the
 * host's: the other vCPUs stop for it.
 */
#ifndef SOFT_SOFT_H
#define SOFT_SOFT_H
#include <stdbool.h>

#include "vmm/engine.h"

extern const struct engine_ops engine_soft;

/*
 * For who debugs the engine: write to fd the last instructions (or, unless
 * every is set, blocks entered and events) of a vCPU that shuts down by a
 * triple fault. every makes the guest some ten times slower. After
 * vm_engine_init(), before vm_start(); fd stays the caller's. -ENOMEM.
 */
int soft_trace(struct vm *vm, int fd, bool every);

/*
 * The most bytes that decoded code may take; it takes less unless the guest
 * runs much code at a time, and gives back when the guest is idle. After
 * vm_engine_init(), before vm_start(). -ERANGE: not 1 to 64 MiB.
 */
int soft_cache(struct vm *vm, uint64_t bytes);
#endif
