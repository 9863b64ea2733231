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
	BLOCK_HASH = 1 << 16,
	BLOCK_ARENA = 64 << 20,
	/* Two uops an instruction, and two for the way on. */
	BLOCK_MAX_UOPS = BLOCK_MAX_INSNS * 2 + 2,
	BLOCK_MAX_SIZE =
	    sizeof(struct block) + BLOCK_MAX_UOPS * sizeof(struct uop)
};

/* Blocks by page: those that begin in it and those that end in it. */
struct code_segment {
	uint64_t gpa, size;
	uint8_t *flags;      /* the segment's page_flags */
	struct block **page; /* by page: the list's head */
};

/* The lock guards all but lookups in the hash, which see blocks whole or not
 * at all, and epoch, which changes only while all vCPUs stand still. */
struct block_cache {
	pthread_mutex_t lock;
	struct block *_Atomic hash[BLOCK_HASH];
	struct code_segment seg[GUEST_MAX_SEGMENTS];
	size_t nsegs;
	uint8_t *arena;
	size_t used;
	uint64_t epoch;    /* counts block_flush_all() */
	uint64_t features; /* of the VM's CPUID; see x86_features() */
	uint64_t made, dropped;
};

/* Processes map one library at many addresses, so that one gpa has many rip. */
static inline unsigned
block_hash(uint64_t gpa, uint64_t rip)
{
	return (unsigned)((gpa + (rip >> 12) * 4099) * 0x9e3779b97f4a7c15 >>
	                  40) %
	       BLOCK_HASH;
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
	return sizeof(*b) + b->nuops * sizeof(struct uop);
}
#endif
