/* SPDX-License-Identifier: BSD-2-Clause */
/* block.h - decoded code: the cache of blocks, how they link, how they die.
 *
 * Blocks are keyed by guest-physical address, rip and mode. Shared by a VM's
 * vCPUs; made under one lock, read without. Pages that hold code are marked
 * PG_CODE in the segment's page_flags; each block has a map of the 64-byte
 * granules it was made from, so that a write elsewhere in the page costs
 * little.
 *
 * A dead block's first uop goes to the block that takes its place, so that
 * whoever remembers it (links, jumps) need not be told. A vCPU inside runs on
 * to its end: that is what a processor may do with code another one changes.
 * Memory comes back only when all blocks are dropped, with all vCPUs parked.
 */
#ifndef SOFT_BLOCK_H
#define SOFT_BLOCK_H
#include <stdint.h>

#include "engine/soft/cpu.h"

enum page_flag { PG_CODE = 1 << 0, PG_DIRTY = 1 << 1, PG_WATCH = 1 << 2 };
enum { BLOCK_MAX_INSNS = 32 };
#define BLOCK_ONE_PAGE UINT64_MAX

struct block {
	uint64_t rip, gpa;
	uint32_t mode;
	uint16_t ninsns, nbytes, nuops;
	uint32_t runs;                     /* for the translator to come */
	bool dead;                         /* under the cache's lock */
	const struct uop *_Atomic forward; /* when dead: who took its place */
	/* 64-byte granules of the page it depends on, and of the page after
	 * it (at gpa2, else BLOCK_ONE_PAGE), where an instruction ends. */
	uint64_t granules, gpa2, granules2;
	struct block *hash_next, *page_next, *page_next2;
	struct uop uop[];
};

/* Where a linear address led to. Kept only in flat modes that run on. */
struct jump {
	uint64_t rip, gen;
	const struct uop *uop;
	uint32_t mode;
};
enum { NJUMPS = 16384 };

static inline unsigned
jump_hash(uint64_t rip)
{
	return (unsigned)(rip ^ rip >> 13) % NJUMPS;
}

int block_cache_new(struct soft_vm *vm);
void block_cache_free(struct soft_vm *vm);
int block_cpu_init(struct cpu *c);
void block_cpu_fini(struct cpu *c);

/* The first uop of the block at c->rip in c->mode, decoded if need be. NULL:
 * c->exc is set (fetch fault). May park the other vCPUs. */
const struct uop *block_find(struct cpu *c);

/* Links of direct branches, see struct uop: fn of one whose target lies in the
 * block's own page, of any other in flat modes, of those that must look each
 * time, and of those after which the run loop comes first. */
const struct uop *link_near(struct cpu *c, const struct uop *u);
const struct uop *link_far(struct cpu *c, const struct uop *u);
const struct uop *link_find(struct cpu *c, const struct uop *u);
const struct uop *link_leave(struct cpu *c, const struct uop *u);

/* Forget which blocks linear addresses lead to: after any change of the
 * translation of linear addresses (all: of global pages, too). */
void block_forget_jumps(struct cpu *c, bool all);
/* The same for one page, of its GiB when it may be a large one. */
void block_forget_page(struct cpu *c, uint64_t la, bool large);

/* Would block_written() drop something? For stores by a vCPU that found
 * PG_CODE set. */
bool block_hit(struct soft_vm *vm, uint64_t gpa, uint64_t len);
/* Guest bytes [gpa, gpa+len) are about to change or have: drop the blocks made
 * from them. True when one was dropped. Any thread, at any time. */
bool block_written(struct soft_vm *vm, uint64_t gpa, uint64_t len);
/* On a vCPU's thread (c) or while all are stopped (NULL). */
void block_flush_all(struct soft_vm *vm, struct cpu *c);
#endif
