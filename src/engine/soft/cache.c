/* SPDX-License-Identifier: BSD-2-Clause */
/* cache.c - where blocks are kept: hash, lists of pages, dropping what was
 * written over, evicting what is no longer executed.
 */
#include "engine/soft/cache.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "base/base.h"
#include "base/error.h"
#include "engine/soft/branch.h"
#include "engine/soft/lower.h"
#include "engine/soft/mmu.h"
#include "engine/soft/room.h"
#include "engine/soft/sync.h"
#include "vmm/vm.h"

enum {
	BLOCK_USUAL = 512,     /* bytes; for the hash's size */
	CACHE_START = 5 << 20, /* bytes, or the limit */
	REMAKE_SHARE = 20,     /* of the time */
	IDLE_MS = 2000,
	IDLE_BYTES = 1 << 19, /* nobody asks these back */
	/* More than so much goes as soon as the guest is quiet for a while. */
	QUIET_BYTES = 3 << 20,
	QUIET_MS = 250
};

_Static_assert((FIRST_REF * 8 + sizeof(struct block)) % sizeof(struct uop) ==
                       0 &&
                   sizeof(struct block_second) % sizeof(struct uop) == 0,
               "no uop lies in two lines of the host's cache");

static void
set_bound(struct block_cache *k, size_t bytes)
{
	uint32_t n = 1024;

	if (bytes > k->limit)
		bytes = k->limit;
	while (n < CACHE_HASH && n < bytes / BLOCK_USUAL)
		n *= 2;
	k->bound = bytes;
	k->hash_mask = n - 1;
}

int
block_cache_new(struct soft_vm *vm)
{
	struct block_cache *k = calloc(1, sizeof(*k));
	const struct guest_segment *seg;
	struct error err;

	if (k == NULL)
		return -ENOMEM;
	pthread_mutex_init(&k->lock, NULL);
	vm->blocks = k;
	k->arena = room_new(CACHE_MAX);
	k->hash = room_new(CACHE_HASH * sizeof(k->hash[0]));
	if (k->arena == NULL || k->hash == NULL ||
	    guest_mem_flags(vm->mem, &err) < 0) {
		block_cache_free(vm);
		return -ENOMEM;
	}
	k->used = FIRST_REF * 8;
	k->limit = CACHE_MAX;
	set_bound(k, CACHE_START);
	k->next = k->bound / 4;
	k->quiet_ms = QUIET_MS;
	k->cleared_at = __rdtsc();
	k->nsegs = guest_mem_segments(vm->mem, &seg);
	for (size_t i = 0; i < k->nsegs; i++)
		k->seg[i] = (struct code_segment){ .gpa = seg[i].gpa,
			                           .size = seg[i].size,
			                           .flags = seg[i].page_flags };
	return 0;
}

void
block_cache_free(struct soft_vm *vm)
{
	struct block_cache *k = vm->blocks;

	if (k == NULL)
		return;
	room_free(k->arena, CACHE_MAX);
	room_free((void *)(uintptr_t)k->hash, CACHE_HASH * sizeof(k->hash[0]));
	pthread_mutex_destroy(&k->lock);
	free(k);
	vm->blocks = NULL;
}

int
block_cache_limit(struct soft_vm *vm, uint64_t bytes)
{
	struct block_cache *k = vm->blocks;

	if (bytes < CACHE_FLOOR || bytes > CACHE_MAX)
		return -ERANGE;
	k->limit = bytes;
	set_bound(k, k->bound);
	k->next = k->bound / 4;
	return 0;
}

/* Pages of code */

/* The page's flags; NULL: no memory. */
static uint8_t *
flags_of(struct block_cache *k, uint64_t gpa)
{
	for (size_t i = 0; i < k->nsegs; i++)
		if (gpa - k->seg[i].gpa < k->seg[i].size)
			return &k->seg[i]
			            .flags[(gpa - k->seg[i].gpa) / GUEST_PAGE];
	return NULL;
}

bool
block_is_memory(struct block_cache *k, uint64_t gpa)
{
	return flags_of(k, gpa) != NULL;
}

bool
block_is_code(struct block_cache *k, uint64_t gpa)
{
	const uint8_t *flags = flags_of(k, gpa);

	return flags != NULL &&
	       (__atomic_load_n(flags, __ATOMIC_ACQUIRE) & PG_CODE);
}

void
block_mark_code(struct cpu *c, uint64_t gpa)
{
	struct soft_vm *vm = c->vm;
	uint8_t *flags = flags_of(vm->blocks, gpa);

	if (flags == NULL || block_is_code(vm->blocks, gpa))
		return;
	sync_begin(vm, c);
	__atomic_fetch_or(flags, PG_CODE, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->cpus[i] != NULL)
			mmu_protect(vm->cpus[i], page_of(gpa));
	sync_end(vm, c);
}

/* Lists of pages: nodes, see cache.h */

static uint32_t *
bucket(struct block_cache *k, uint64_t gpa)
{
	return &k->page[(gpa >> 12) * 0x9e3779b97f4a7c15 >> 32 &
	                (CACHE_PAGES - 1)];
}

static uint32_t *
node_next(struct block_cache *k, uint32_t node)
{
	struct block *b = block_at(k, node / 2);

	return node & 1 ? &block_second(b)->next : &b->page_next;
}

static uint64_t
node_gpa(struct block_cache *k, uint32_t node)
{
	const struct block *b = block_at(k, node / 2);

	return node & 1 ? block_second(b)->gpa : b->gpa;
}

static void
list_in(struct block_cache *k, uint32_t node)
{
	uint32_t *head = bucket(k, node_gpa(k, node));

	*node_next(k, node) = *head;
	*head = node;
}

void
block_publish(struct block_cache *k, struct block *b)
{
	uint32_t ref = block_ref(k, b);
	_Atomic uint32_t *head =
	    &k->hash[block_hash(b->gpa, b->rip) & k->hash_mask];

	list_in(k, ref * 2);
	if (b->two)
		list_in(k, ref * 2 + 1);
	atomic_store_explicit(&b->hash_next,
	                      atomic_load_explicit(head, memory_order_relaxed),
	                      memory_order_relaxed);
	atomic_store_explicit(head, ref, memory_order_release);
}

/* Its nodes stay in their lists, until page_written() or compact() meets them:
 * one write may drop a great many blocks. */
static void
drop(struct block_cache *k, struct block *b)
{
	uint32_t ref = block_ref(k, b), at;
	_Atomic uint32_t *from =
	    &k->hash[block_hash(b->gpa, b->rip) & k->hash_mask];

	while ((at = atomic_load_explicit(from, memory_order_relaxed)) != ref)
		from = &block_at(k, at)->hash_next;
	atomic_store_explicit(
	    from, atomic_load_explicit(&b->hash_next, memory_order_relaxed),
	    memory_order_release);
	b->dead = true;
	/* Nobody else counts it from here on, see block_found(). */
	k->bytes[atomic_exchange(&b->age, BLOCK_GONE)] -= block_size(b);
	__atomic_store_n(&b->uop[0].fn, uop_forward, __ATOMIC_RELEASE);
}

/* Blocks of the page at gpa made from granules of mask: drop them, or only
 * tell. A page without blocks is code no longer. */
static bool
page_written(struct block_cache *k, uint64_t gpa, uint64_t mask, bool only_ask)
{
	uint32_t *at = bucket(k, gpa), node;
	bool hit = false, any = false;

	while ((node = *at) != 0) {
		struct block *b = block_at(k, node / 2);
		uint64_t from = node & 1 ? 1 : b->granules;
		bool here = page_of(node_gpa(k, node)) == page_of(gpa);

		if (here && !b->dead && (from & mask) != 0) {
			if (only_ask)
				return true;
			drop(k, b);
			hit = true;
		}
		if (b->dead) {
			*at = *node_next(k, node);
			continue;
		}
		any |= here;
		at = node_next(k, node);
	}
	if (!any)
		__atomic_fetch_and(flags_of(k, gpa), (uint8_t)~PG_CODE,
		                   __ATOMIC_SEQ_CST);
	return hit;
}

static bool
written(struct soft_vm *vm, uint64_t gpa, uint64_t len, bool only_ask)
{
	struct block_cache *k = vm->blocks;
	uint64_t off, part;
	bool hit = false;

	/* The bytes were written before the flag is read; make.c reads them
	 * after it was set. */
	atomic_thread_fence(memory_order_seq_cst);
	while (len > 0) {
		off = gpa % GUEST_PAGE;
		part = GUEST_PAGE - off < len ? GUEST_PAGE - off : len;
		if (block_is_code(k, gpa)) {
			pthread_mutex_lock(&k->lock);
			hit |=
			    page_written(k, gpa, granules(off, part), only_ask);
			pthread_mutex_unlock(&k->lock);
		}
		gpa += part;
		len -= part;
	}
	return hit;
}

bool
block_hit(struct soft_vm *vm, uint64_t gpa, uint64_t len)
{
	return written(vm, gpa, len, true);
}

bool
block_written(struct soft_vm *vm, uint64_t gpa, uint64_t len)
{
	return written(vm, gpa, len, false);
}

static uint64_t
ticks_of(const struct soft_vm *vm, uint64_t ms)
{
	return ms * (vm->vm->tsc_hz / 1000);
}

/* Clearing up: all vCPUs stand between instructions. */

static unsigned
gone_bit(const struct block *b)
{
	return (unsigned)((block_hash(b->gpa, b->rip) + b->mode) % CACHE_GONE);
}

bool
block_was_here(const struct block_cache *k, const struct block *b)
{
	return k->gone[gone_bit(b) / 64] >> gone_bit(b) % 64 & 1;
}

static void
note_gone(struct block_cache *k, const struct block *b)
{
	if (k->evicted++ > CACHE_GONE / 4) {
		memset(k->gone, 0, sizeof(k->gone));
		k->evicted = 0;
	}
	k->gone[gone_bit(b) / 64] |= 1ull << gone_bit(b) % 64;
}

static bool
is_link(const struct uop *u)
{
	return u->fn == link_near || u->fn == link_far || u->fn == link_find ||
	       u->fn == link_leave;
}

/* Blocks move towards the front, those not older than age and those that stayed
 * for longest while there is room; each is older then. */
static void
compact(struct block_cache *k, unsigned age, size_t room)
{
	size_t to = FIRST_REF * 8, size;

	for (unsigned i = 0; i <= BLOCK_YOUNG; i++)
		k->bytes[i] = 0;
	memset(k->page, 0, sizeof(k->page));
	for (uint32_t i = 0; i <= k->hash_mask; i++)
		atomic_store_explicit(&k->hash[i], 0, memory_order_relaxed);
	for (size_t at = FIRST_REF * 8; at < k->used; at += size) {
		struct block *b = block_at(k, (uint32_t)(at / 8));

		size = block_size(b);
		if (b->dead)
			continue;
		if (b->age < age || to + size > room) {
			note_gone(k, b);
			continue;
		}
		memmove(k->arena + to, b, size);
		b = block_at(k, (uint32_t)(to / 8));
		if (b->age > 0)
			b->age--;
		k->bytes[b->age] += size;
		for (unsigned i = 0; i < b->nuops; i++)
			if (is_link(&b->uop[i]))
				link_reset(&b->uop[i]);
		to += size;
	}
	k->used = to;
}

/* From which age on blocks may stay, so that there is room for them. */
static unsigned
age_to_stay(const struct block_cache *k, size_t room)
{
	size_t sum = k->bytes[BLOCK_YOUNG];
	unsigned age = BLOCK_YOUNG;

	while (age > 0 && sum + k->bytes[age - 1] <= room)
		sum += k->bytes[--age];
	return age;
}

static void
publish_all(struct block_cache *k)
{
	size_t size;

	for (size_t at = FIRST_REF * 8; at < k->used; at += size) {
		struct block *b = block_at(k, (uint32_t)(at / 8));

		size = block_size(b);
		block_publish(k, b);
	}
}

/* How long the host has let this process run, in ticks. */
static uint64_t
work(const struct soft_vm *vm)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return ticks_of(vm, 1000) * (uint64_t)t.tv_sec +
	       ticks_of(vm, 1) * ((uint64_t)t.tv_nsec / 1000) / 1000;
}

/* Did what was evicted too early cost a part of the time that counts? */
static bool
was_short(const struct block_cache *k, uint64_t worked)
{
	return k->remaking > (k->passed + worked - k->worked) / REMAKE_SHARE;
}

/* Drop what is older than age or has no room, begin anew with the rest. */
static void
clear_up(struct soft_vm *vm, unsigned age, size_t room, uint64_t worked)
{
	struct block_cache *k = vm->blocks;

	compact(k, age, room);
	publish_all(k);
	k->next = k->used + k->bound / 4;
	if (k->next > k->bound) /* nothing had to go, as in shrink() */
		k->next = k->bound;
	k->remaking -= k->remaking / 4;
	k->passed = (k->passed + worked - k->worked) / 4 * 3;
	k->worked = worked;
	k->cleared_at = __rdtsc();
	k->slept = 0;
	k->epoch++;
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->cpus[i] != NULL)
			block_forget_jumps(vm->cpus[i], true);
}

static void
make_room(struct soft_vm *vm)
{
	struct block_cache *k = vm->blocks;
	uint64_t worked = work(vm);
	size_t room;

	if (was_short(k, worked))
		set_bound(k, k->bound + k->bound / 4);
	room = k->bound - k->bound / 4;
	clear_up(vm, age_to_stay(k, room), room, worked);
}

void
block_collect(struct soft_vm *vm, struct cpu *c)
{
	struct block_cache *k = vm->blocks;

	sync_begin(vm, c);
	pthread_mutex_lock(&k->lock);
	if (sync_midway(vm) == 0 && block_full(k))
		make_room(vm);
	pthread_mutex_unlock(&k->lock);
	sync_end(vm, c);
	/* Who waits within an instruction comes first. */
	if (sync_midway(vm) != 0)
		sched_yield();
}

/* A guest with nothing to do */

/* Give back what was not executed since blocks were last cleared up. */
static void
shrink(struct soft_vm *vm)
{
	struct block_cache *k = vm->blocks;
	size_t old = k->bound, stays = k->bytes[BLOCK_YOUNG];
	uint64_t worked = work(vm);

	/* What went before had to be made again: not so soon any more. */
	if (was_short(k, worked) && k->quiet_ms < IDLE_MS)
		k->quiet_ms *= 2;
	if (stays + stays / 2 < old)
		set_bound(k, stays + stays / 2 > CACHE_START ? stays + stays / 2
		                                             : CACHE_START);
	clear_up(vm, BLOCK_YOUNG, old, worked);
	if (k->used < old)
		room_empty(k->arena + k->used, old - k->used);
	room_empty((void *)(uintptr_t)(k->hash + k->hash_mask + 1),
	           (CACHE_HASH - k->hash_mask - 1) * sizeof(k->hash[0]));
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->cpus[i] != NULL) {
			block_cpu_rest(vm->cpus[i]);
			mmu_rest(vm->cpus[i]);
		}
}

/* Have the vCPUs that may run slept most of the time since blocks were cleared
 * up, and for long enough? */
static bool
is_quiet(struct soft_vm *vm, uint64_t since)
{
	struct block_cache *k = vm->blocks;
	uint32_t dead = atomic_load(&vm->ndead);
	uint64_t awake = dead < vm->ncpus ? vm->ncpus - dead : 1;

	return since >= ticks_of(vm, k->quiet_ms) &&
	       k->slept / 3 >= since / 4 * awake;
}

/* Under the lock. */
static bool
is_stale(struct soft_vm *vm)
{
	const struct block_cache *k = vm->blocks;
	uint64_t since = __rdtsc() - k->cleared_at;

	if (k->used > QUIET_BYTES && is_quiet(vm, since))
		return true;
	return k->used >= IDLE_BYTES && since >= ticks_of(vm, IDLE_MS);
}

void
block_idle(struct cpu *c)
{
	struct soft_vm *vm = c->vm;
	struct block_cache *k = vm->blocks;
	bool stale;

	pthread_mutex_lock(&k->lock);
	stale = is_stale(vm);
	pthread_mutex_unlock(&k->lock);
	if (!stale)
		return;
	sync_begin(vm, c);
	pthread_mutex_lock(&k->lock);
	/* Another one may have been here while this one waited: once more, and
	 * nothing would be young. */
	if (sync_midway(vm) == 0 && is_stale(vm))
		shrink(vm);
	pthread_mutex_unlock(&k->lock);
	sync_end(vm, c);
}

void
block_slept(struct cpu *c, uint64_t ticks)
{
	struct block_cache *k = c->vm->blocks;
	uint64_t since;

	pthread_mutex_lock(&k->lock);
	since = __rdtsc() - k->cleared_at;
	k->slept += ticks < since ? ticks : since;
	pthread_mutex_unlock(&k->lock);
}

unsigned
block_idle_ms(struct cpu *c)
{
	struct block_cache *k = c->vm->blocks;
	unsigned ms;

	pthread_mutex_lock(&k->lock);
	ms = k->used > QUIET_BYTES ? k->quiet_ms : 0;
	pthread_mutex_unlock(&k->lock);
	return ms;
}
