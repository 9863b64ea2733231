/* SPDX-License-Identifier: BSD-2-Clause */
/* block.h - decoded code: the cache of blocks, how they link, how they die.
 *
 * Blocks are keyed by guest-physical address, linear address and mode. Shared
 * by a VM's vCPUs; made under one lock, read without. Pages that hold code are
 * marked PG_CODE in the segment's page_flags, with a map of 64-byte granules,
 * so that a write elsewhere in the page costs little.
 */
#ifndef SOFT_BLOCK_H
#define SOFT_BLOCK_H
#include <stdint.h>

#include "engine/soft/cpu.h"

enum page_flag { PG_CODE = 1 << 0, PG_DIRTY = 1 << 1, PG_WATCH = 1 << 2 };
enum { BLOCK_MAX_INSNS = 32 };

struct block {
	uint64_t rip, gpa;
	uint32_t mode;
	uint16_t ninsns, nbytes;
	uint32_t runs; /* for the translator to come */
	_Atomic bool dead;
	const struct block *link[2]; /* taken, not taken; see block_link() */
	uint32_t link_gen[2];
	struct block *hash_next, *page_next;
	struct uop uop[];
};

int block_cache_new(struct soft_vm *vm);
void block_cache_free(struct soft_vm *vm);

/* The block at c->rip in c->mode, decoded if need be. NULL: c->exc is set
 * (fetch fault). */
const struct block *block_find(struct cpu *c);

/* Guest bytes [gpa, gpa+len) are about to change or have: drop the blocks made
 * from them. True when one was dropped (a store that hits its own block must
 * leave it afterwards). Any thread. */
bool block_written(struct soft_vm *vm, uint64_t gpa, uint64_t len);
void block_flush_all(struct soft_vm *vm);
#endif
