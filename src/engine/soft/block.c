/* SPDX-License-Identifier: BSD-2-Clause */
/* block.c - finding, remembering and linking blocks. */
#include "engine/soft/block.h"

#include <errno.h>
#include <string.h>
#include <x86intrin.h>

#include "base/base.h"
#include "base/error.h"
#include "engine/soft/branch.h"
#include "engine/soft/cache.h"
#include "engine/soft/fault.h"
#include "engine/soft/lower.h"
#include "engine/soft/room.h"
#include "engine/soft/sync.h"
#include "vmm/vm.h"
#include "x86/feature.h"

/* What one vCPU remembers, and from which linear pages any of it came: bits by
 * page and by GiB, too many rather than too few. */
struct memory {
	struct jump jump[NJUMPS];
	uint64_t pages[512], gigas[16];
};

static struct memory *
memory_of(struct cpu *c)
{
	return (struct memory *)(void *)c->jumps;
}

static unsigned
page_bit(uint64_t la)
{
	return (unsigned)((la >> 12) * 0x9e3779b97f4a7c15 >> 49);
}

static unsigned
giga_bit(uint64_t la)
{
	return (unsigned)((la >> 30) * 0x9e3779b97f4a7c15 >> 54);
}

static void
note_page(struct memory *m, uint64_t la)
{
	m->pages[page_bit(la) / 64] |= 1ull << page_bit(la) % 64;
	m->gigas[giga_bit(la) / 64] |= 1ull << giga_bit(la) % 64;
}

int
block_cpu_init(struct cpu *c)
{
	unsigned id = c->vcpu != NULL ? c->vcpu->id : 0;
	struct memory *m = room_new(sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	c->jumps = m->jump;
	if (c->vcpu != NULL && c->vcpu->cpuid != NULL)
		c->vm->blocks->features = x86_features(c->vcpu->cpuid);
	c->gen[0] = 1 << 8 | id;
	c->gen[1] = 2 << 8 | id;
	return 0;
}

void
block_cpu_fini(struct cpu *c)
{
	room_free(memory_of(c), sizeof(struct memory));
	c->jumps = NULL;
}

void
block_cpu_rest(struct cpu *c)
{
	room_empty(memory_of(c), sizeof(struct memory));
}

/* Numbers of one vCPU differ in the bits above its id, so none is used twice
 * in a VM; 0 and 1 are nobody's. */
void
block_forget_jumps(struct cpu *c, bool all)
{
	struct memory *m = memory_of(c);
	uint64_t top = c->gen[0] > c->gen[1] ? c->gen[0] : c->gen[1];

	c->gen[0] = top + (1 << 8);
	if (!all)
		return;
	c->gen[1] = top + (2 << 8);
	memset(m->pages, 0, sizeof(m->pages));
	memset(m->gigas, 0, sizeof(m->gigas));
}

void
block_forget_page(struct cpu *c, uint64_t la, bool large)
{
	struct memory *m = memory_of(c);
	bool any = large ? m->gigas[giga_bit(la) / 64] >> giga_bit(la) % 64 & 1
	                 : m->pages[page_bit(la) / 64] >> page_bit(la) % 64 & 1;

	if (any)
		block_forget_jumps(c, true);
}

static struct block *
hash_find(struct block_cache *k, uint64_t gpa, uint64_t rip, uint32_t mode)
{
	uint32_t ref =
	    atomic_load_explicit(&k->hash[block_hash(gpa, rip) & k->hash_mask],
	                         memory_order_acquire);
	struct block *b;

	for (; ref != 0;
	     ref = atomic_load_explicit(&b->hash_next, memory_order_acquire)) {
		b = block_at(k, ref);
		if (b->gpa == gpa && b->rip == rip && b->mode == mode)
			return b;
	}
	return NULL;
}

/* The next page of linear memory, for an instruction that goes on there. */
static bool
fetch_next(struct cpu *c, struct code_place *p)
{
	bool global = c->fetch_global;
	uint64_t next = page_of(p->la) + GUEST_PAGE;

	if (!(c->mode & CM_CODE64))
		next = (uint32_t)next;
	if (!mmu_fetch(c, next, &p->gpa2, &p->host2))
		return false;
	c->fetch_global &= global;
	return true;
}

/* Instructions in MMIO are not executed: nobody's firmware lives there. */
static bool
usable(struct block_cache *k, uint64_t gpa, const uint8_t *host)
{
	return host != NULL && block_is_memory(k, gpa);
}

static struct block *
make_at(struct cpu *c, struct code_place *p)
{
	struct block_cache *k = c->vm->blocks;
	struct block *b;
	uint64_t from;
	bool whole;

	for (;;) {
		if (!usable(k, p->gpa, p->host) ||
		    (p->gpa2 != BLOCK_ONE_PAGE &&
		     !usable(k, p->gpa2, p->host2))) {
			fault_set_error(c, X86_GP, 0);
			return NULL;
		}
		if (block_full(k))
			block_collect(c->vm, c);
		block_mark_code(c, p->gpa);
		if (p->gpa2 != BLOCK_ONE_PAGE)
			block_mark_code(c, p->gpa2);
		pthread_mutex_lock(&k->lock);
		/* Others may have been quicker, with either. */
		if (block_full(k) || !block_is_code(k, p->gpa) ||
		    (p->gpa2 != BLOCK_ONE_PAGE && !block_is_code(k, p->gpa2))) {
			pthread_mutex_unlock(&k->lock);
			continue;
		}
		b = (struct block *)(void *)(k->arena + k->used);
		from = __rdtsc();
		whole = block_make(c, k->features, p, b);
		if (whole && !c->exc.pending) {
			k->used += block_size(b);
			k->bytes[BLOCK_YOUNG] += block_size(b);
			block_publish(k, b);
			c->counts.blocks++;
			if (block_was_here(k, b))
				block_remade(k, __rdtsc() - from);
		}
		pthread_mutex_unlock(&k->lock);
		if (c->exc.pending)
			return NULL;
		if (whole)
			return b;
		if (!fetch_next(c, p))
			return NULL;
	}
}

/* A block on two pages is right only while the second is where it was. */
static bool
still_there(struct cpu *c, const struct block *b, const struct code_place *p)
{
	struct code_place now = *p;

	if (!(c->mode & CM_CODE64) &&
	    c->rip + b->nbytes - 1 > c->seg[X86_CS].limit)
		return false;
	if (!b->two)
		return true;
	return fetch_next(c, &now) && now.gpa2 == block_second(b)->gpa;
}

/* A mode whose linear addresses are plain and that runs on by itself. */
static bool
remembers(const struct cpu *c)
{
	return (c->mode & (CM_FLAT | CM_SHADOW | CM_TF)) == CM_FLAT;
}

static struct block *
find(struct cpu *c)
{
	struct code_place p = { .la = c->rip, .gpa2 = BLOCK_ONE_PAGE };
	struct block *b;
	struct jump *j;

	if (!(c->mode & CM_CODE64)) {
		if (c->rip > c->seg[X86_CS].limit) {
			fault_set_error(c, X86_GP, 0);
			return NULL;
		}
		p.la = (uint32_t)(c->seg[X86_CS].base + c->rip);
	}
	if (!mmu_fetch(c, p.la, &p.gpa, &p.host))
		return NULL;
	b = hash_find(c->vm->blocks, p.gpa, c->rip, c->mode);
	if (b != NULL && !still_there(c, b, &p)) {
		if (c->exc.pending)
			return NULL;
		b = NULL;
	}
	if (b == NULL)
		b = make_at(c, &p);
	if (b == NULL)
		return NULL;
	if (atomic_load_explicit(&b->age, memory_order_relaxed) != BLOCK_YOUNG)
		block_found(c->vm->blocks, b);
	if (remembers(c)) {
		note_page(memory_of(c), c->rip);
		if (b->two)
			note_page(memory_of(c), c->rip + GUEST_PAGE);
		j = &c->jumps[jump_hash(c->rip)];
		*j = (struct jump){ .rip = c->rip,
			            .gen = c->gen[c->fetch_global],
			            .uop = b->uop,
			            .mode = c->mode };
	}
	return b;
}

const struct uop *
block_find(struct cpu *c)
{
	const struct jump *j = jump_known(c, c->rip);
	const struct block *b;

	/* What is remembered may have died; find() remembers anew. */
	if (j != NULL && j->uop->fn != uop_forward)
		return j->uop;
	b = find(c);
	return b != NULL ? b->uop : NULL;
}

static struct block *
block_of(const struct uop *first)
{
	return (struct block *)(uintptr_t)((const char *)first -
	                                   offsetof(struct block, uop));
}

/* Stands first in a dead block. Its operands stay as they were: somebody may
 * be executing them. */
UOP(uop_forward)
{
	struct block_cache *k = c->vm->blocks;
	struct block *b = block_of(u), *now;
	uint32_t ref = atomic_load_explicit(&b->forward, memory_order_acquire);
	uint64_t epoch = k->epoch;
	const struct uop *to;

	if (ref != 0 && block_at(k, ref)->uop[0].fn != uop_forward)
		return block_at(k, ref)->uop;
	to = block_find(c);
	if (to == NULL || epoch != k->epoch)
		return to;
	now = block_of(to);
	if (now->gpa == b->gpa && !now->two)
		atomic_store_explicit(&b->forward, block_ref(k, now),
		                      memory_order_release);
	return to;
}

/* The source's page is mapped as it was, or it would not run: so is a target
 * in it. */
UOP(link_near)
{
	uint64_t epoch = c->vm->blocks->epoch;
	const struct uop *to = block_find(c);
	uint64_t *entry = (uint64_t *)(uintptr_t)&u->imm;

	if (to == NULL || epoch != c->vm->blocks->epoch)
		return to;
	if (!block_of(to)->two)
		__atomic_store_n(entry, (uint64_t)to, __ATOMIC_RELEASE);
	return to;
}

/* A link belongs to the vCPU that first filled it in: its number is in gen. */
static SOFT_COLD const struct uop *
link_far_find(struct cpu *c, const struct uop *u)
{
	uint64_t epoch = c->vm->blocks->epoch, none = 0;
	const struct uop *to = block_find(c);
	struct uop *link = (struct uop *)(uintptr_t)u;
	const struct jump *j;

	if (to == NULL || epoch != c->vm->blocks->epoch)
		return to;
	j = jump_known(c, c->rip);
	if (j == NULL)
		return to;
	if (u->gen != 0 && (u->gen & 0xff) != (c->gen[0] & 0xff))
		return to;
	if (u->gen == 0 && !__atomic_compare_exchange_n(
	                       &link->gen, &none, c->gen[0] & 0xff, false,
	                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return to;
	link->to = j->uop;
	__atomic_store_n(&link->gen, j->gen, __ATOMIC_RELEASE);
	return to;
}

UOP(link_far)
{
	const struct uop *to = u->to;

	if (u->gen != c->gen[1] && u->gen != c->gen[0])
		return link_far_find(c, u);
	GOTO(c, to);
}

UOP(link_find)
{
	(void)u;
	return block_find(c);
}

UOP(link_leave)
{
	(void)c;
	(void)u;
	return NULL;
}
