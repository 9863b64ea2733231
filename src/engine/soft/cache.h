/* SPDX-License-Identifier: BSD-2-Clause */
/* cache.h - the insides of the block cache, for block.c (who finds and drops
 * blocks) and make.c (who makes them).
 */
#ifndef SOFT_CACHE_H
#define SOFT_CACHE_H
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "engine/soft/block.h"
#include "engine/soft/soft_vm.h"
#include "vmm/mem.h"

enum {
	/* Two uops an instruction, and two for the way on. */
	BLOCK_MAX_UOPS = BLOCK_MAX_INSNS * 2 + 2,
	BLOCK_MAX_SIZE = sizeof(struct block) +
	                 BLOCK_MAX_UOPS * sizeof(struct uop) +
	                 sizeof(struct block_second),
	FIRST_REF = 10,       /* 0 is none; uops lie as they are large */
	CACHE_MAX = 64 << 20, /* bytes of blocks, at most ever */
	CACHE_FLOOR = 1 << 20,
	CACHE_HASH = 1 << 18, /* buckets there may be, for CACHE_MAX */
	CACHE_PAGES = 1 << 13,
	CACHE_GONE = 1 << 17,    /* bits */
	REMAKE_MOST = 100 * 1000 /* ticks, for one block */
};

/* The memory that code may lie in. */
struct code_segment {
	uint64_t gpa, size;
	uint8_t *flags; /* the segment's page_flags */
};

/*
 * Blocks lie in one array, one after the other, and are named by where they
 * begin in it: a ref is its offset / 8, 0 no block. The list of a page has a
 * block by its first page or by its second: a node is ref * 2, + 1 for the
 * second. Buckets of pages are shared by pages of one hash.
 *
 * The lock guards all but lookups in the hash, which see blocks whole or not at
 * all, and what changes only while all vCPUs stand between instructions: epoch,
 * bound and the hash's size.
 */
struct block_cache {
	pthread_mutex_t lock;
	_Atomic uint32_t *hash; /* heads, refs */
	uint32_t hash_mask;
	uint32_t page[CACHE_PAGES]; /* heads, nodes */
	struct code_segment seg[GUEST_MAX_SEGMENTS];
	size_t nsegs;
	uint8_t *arena;
	size_t used, next; /* bytes: of blocks; when to clear up */
	size_t bound;
	_Atomic size_t bytes[BLOCK_YOUNG + 1]; /* of blocks by age */
	size_t limit;                          /* what bound may become */
	uint64_t epoch;    /* counts what moved or dropped all blocks */
	uint64_t features; /* of the VM's CPUID; see x86_features() */
	/* In ticks of the host's counter: when blocks were last cleared up, by
	 * it and by this process's own time; and of the latter of late (passed
	 * before that, the last times counting most) what making such as had
	 * been evicted took, which gone tells, too many rather than too few. */
	uint64_t cleared_at, worked, passed, remaking;
	uint64_t evicted;
	uint64_t gone[CACHE_GONE / 64];
	uint64_t slept;    /* since then, by all vCPUs together */
	unsigned quiet_ms; /* so long is soon, see block_idle() */
};

/* Processes map one library at many addresses, so that one gpa has many rip. */
static inline uint64_t
block_hash(uint64_t gpa, uint64_t rip)
{
	return (gpa + (rip >> 12) * 4099) * 0x9e3779b97f4a7c15 >> 32;
}

static inline struct block *
block_at(const struct block_cache *k, uint32_t ref)
{
	return (struct block *)(void *)(k->arena + (size_t)ref * 8);
}

static inline uint32_t
block_ref(const struct block_cache *k, const struct block *b)
{
	return (uint32_t)(((const uint8_t *)b - k->arena) / 8);
}

static inline struct block_second *
block_second(const struct block *b)
{
	return (struct block_second *)(uintptr_t)&b->uop[b->nuops];
}

static inline uint64_t
page_of(uint64_t a)
{
	return a & ~4095ull;
}

/* 64-byte granules of [off, off+len) of a page; len > 0. */
static inline uint64_t
granules(uint64_t off, uint64_t len)
{
	unsigned first = (unsigned)(off / 64),
	         last = (unsigned)((off + len - 1) / 64);

	return (~0ull << first) & (~0ull >> (63 - last));
}

/* Where the code to make a block of lies. */
struct code_place {
	uint64_t la, gpa;
	const uint8_t *host; /* up to the page's end */
	uint64_t gpa2;       /* of the next page, BLOCK_ONE_PAGE: not asked */
	const uint8_t *host2;
};

/*
 * Make the block at c->rip: decode, lower, put in b, which has room for
 * BLOCK_MAX_SIZE. False: the first instruction goes on in the next page, which
 * p does not tell (p->gpa2). Looks at memory; takes no lock.
 */
bool block_make(struct cpu *c, uint64_t features, const struct code_place *p,
                struct block *b);
/* What b takes with its uops. */
static inline size_t
block_size(const struct block *b)
{
	return sizeof(*b) + b->nuops * sizeof(struct uop) +
	       (b->two ? sizeof(struct block_second) : 0);
}

/* Is it time for block_collect()? */
static inline bool
block_full(const struct block_cache *k)
{
	return k->used + BLOCK_MAX_SIZE > k->next;
}

/* It is executed still. */
static inline void
block_found(struct block_cache *k, struct block *b)
{
	uint8_t was = atomic_load(&b->age);

	do {
		if (was >= BLOCK_YOUNG) /* or gone, in between */
			return;
	} while (!atomic_compare_exchange_weak(&b->age, &was, BLOCK_YOUNG));
	k->bytes[was] -= block_size(b);
	k->bytes[BLOCK_YOUNG] += block_size(b);
}

/* A link as it was made: it finds its block at the first use. */
static inline void
link_reset(struct uop *link)
{
	link->to = NULL;
	link->gen = 0;
	link->imm = (uint64_t)link;
}

/* Is there memory at all? Are writes to the page told to block_written()? From
 * here on they are (may park the other vCPUs). */
bool block_is_memory(struct block_cache *k, uint64_t gpa);
bool block_is_code(struct block_cache *k, uint64_t gpa);
void block_mark_code(struct cpu *c, uint64_t gpa);

/* The first uop of a dead block. */
const struct uop *uop_forward(struct cpu *c, const struct uop *u);

/* Bring b, whole, into hash and lists. Under the lock. */
void block_publish(struct block_cache *k, struct block *b);

/*
 * Make room: evict what was not executed lately, move the others together,
 * allow more where what was evicted had to be made again. On c's thread, in
 * block_find(). Others may have been quicker: look again.
 */
void block_collect(struct soft_vm *vm, struct cpu *c);
/* It was made anew, in so many ticks. */
static inline void
block_remade(struct block_cache *k, uint64_t ticks)
{
	/* The host may have run others meanwhile. */
	k->remaking += ticks < REMAKE_MOST ? ticks : REMAKE_MOST;
}

/* Was a block like b evicted? */
bool block_was_here(const struct block_cache *k, const struct block *b);
#endif
