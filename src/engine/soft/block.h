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
 *
 * The memory is bounded. When it is full, all vCPUs stand still, blocks that
 * were not found for some time are evicted, and the others move together. No
 * counter says what is hot: links and jumps are forgotten then, so that what
 * runs on has to be found once more, which is noted (age).
 */
#ifndef SOFT_BLOCK_H
#define SOFT_BLOCK_H
#include <stdint.h>

#include "engine/soft/cpu.h"

enum page_flag { PG_CODE = 1 << 0, PG_DIRTY = 1 << 1, PG_WATCH = 1 << 2 };
enum { BLOCK_MAX_INSNS = 32, BLOCK_YOUNG = 3, BLOCK_GONE = 4 };
#define BLOCK_ONE_PAGE UINT64_MAX

struct block {
	uint64_t rip, gpa;
	uint64_t granules; /* of 64 bytes of its page: what it depends on */
	uint32_t mode;
	_Atomic uint32_t hash_next; /* refs, see cache.h */
	uint32_t page_next;         /* a node */
	_Atomic uint32_t forward;   /* when dead: who took its place */
	uint16_t nuops;
	uint8_t ninsns, nbytes;
	_Atomic uint8_t age; /* BLOCK_YOUNG when it was last found;
	                      * BLOCK_GONE: dead */
	bool dead;           /* under the cache's lock */
	bool two;            /* its instruction ends in another page */
	struct uop uop[];    /* and if two, a struct block_second */
};

/* Depends on the other page's first granule. */
struct block_second {
	uint64_t gpa;
	uint32_t next; /* a node */
	uint32_t pad[5];
};

/* Where a linear address led to. Kept only in flat modes that run on. */
struct jump {
	uint64_t rip, gen;
	const struct uop *uop;
	uint32_t mode;
};
enum { NJUMPS = 8192 };

static inline unsigned
jump_hash(uint64_t rip)
{
	return (unsigned)(rip ^ rip >> 13) % NJUMPS;
}

int block_cache_new(struct soft_vm *vm);
void block_cache_free(struct soft_vm *vm);
/* How many bytes of blocks there may be; before any is made. -ERANGE. */
int block_cache_limit(struct soft_vm *vm, uint64_t bytes);
int block_cpu_init(struct cpu *c);
void block_cpu_fini(struct cpu *c);
/* Give back what jumps took; they were forgotten. While c stands still. */
void block_cpu_rest(struct cpu *c);

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
/* The vCPU has nothing to do: perhaps the cache is too large now. After how
 * many ms of sleep to ask again, 0: not at all; and how long it was, in ticks
 * of the host's counter. */
void block_idle(struct cpu *c);
unsigned block_idle_ms(struct cpu *c);
void block_slept(struct cpu *c, uint64_t ticks);
#endif
