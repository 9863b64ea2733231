/* SPDX-License-Identifier: BSD-2-Clause */
/* block.c - finding, remembering, linking and dropping blocks. */
#include "engine/soft/block.h"

#include <sys/mman.h>

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "engine/soft/branch.h"
#include "engine/soft/cache.h"
#include "engine/soft/fault.h"
#include "engine/soft/lower.h"
#include "engine/soft/sync.h"
#include "vmm/vm.h"
#include "x86/feature.h"

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
	k->arena = mmap(NULL, BLOCK_ARENA, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (k->arena == MAP_FAILED) {
		k->arena = NULL;
		goto fail;
	}
	if (guest_mem_flags(vm->mem, &err) < 0)
		goto fail;
	k->nsegs = guest_mem_segments(vm->mem, &seg);
	for (size_t i = 0; i < k->nsegs; i++) {
		k->seg[i].gpa = seg[i].gpa;
		k->seg[i].size = seg[i].size;
		k->seg[i].flags = seg[i].page_flags;
		k->seg[i].page =
		    calloc(seg[i].size / GUEST_PAGE, sizeof(struct block *));
		if (k->seg[i].page == NULL)
			goto fail;
	}
	return 0;
fail:
	block_cache_free(vm);
	return -ENOMEM;
}

void
block_cache_free(struct soft_vm *vm)
{
	struct block_cache *k = vm->blocks;

	if (k == NULL)
		return;
	for (size_t i = 0; i < k->nsegs; i++)
		free(k->seg[i].page);
	if (k->arena != NULL)
		munmap(k->arena, BLOCK_ARENA);
	pthread_mutex_destroy(&k->lock);
	free(k);
	vm->blocks = NULL;
}

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
	struct memory *m = calloc(1, sizeof(*m));

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
	free(memory_of(c));
	c->jumps = NULL;
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

/* The segment's row and the index of the page in it; NULL: no memory. */
static struct code_segment *
segment_of(struct block_cache *k, uint64_t gpa, uint64_t *page)
{
	for (size_t i = 0; i < k->nsegs; i++)
		if (gpa - k->seg[i].gpa < k->seg[i].size) {
			*page = (gpa - k->seg[i].gpa) / GUEST_PAGE;
			return &k->seg[i];
		}
	return NULL;
}

static bool
is_code(struct block_cache *k, uint64_t gpa)
{
	uint64_t page;
	struct code_segment *s = segment_of(k, gpa, &page);

	return s != NULL &&
	       (__atomic_load_n(&s->flags[page], __ATOMIC_ACQUIRE) & PG_CODE);
}

/* From here on writes to the page come to block_written(). */
static void
mark_code(struct cpu *c, uint64_t gpa)
{
	struct soft_vm *vm = c->vm;
	uint64_t page;
	struct code_segment *s = segment_of(vm->blocks, gpa, &page);

	if (s == NULL || is_code(vm->blocks, gpa))
		return;
	sync_begin(vm, c);
	__atomic_fetch_or(&s->flags[page], PG_CODE, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->cpus[i] != NULL)
			mmu_protect(vm->cpus[i], page_of(gpa));
	sync_end(vm, c);
}

static struct block *
hash_find(struct block_cache *k, uint64_t gpa, uint64_t rip, uint32_t mode)
{
	struct block *b = atomic_load_explicit(&k->hash[block_hash(gpa, rip)],
	                                       memory_order_acquire);

	while (b != NULL && (b->gpa != gpa || b->rip != rip || b->mode != mode))
		b = b->hash_next;
	return b;
}

static void
list_in(struct block_cache *k, uint64_t gpa, struct block *b,
        struct block **next)
{
	uint64_t page;
	struct code_segment *s = segment_of(k, gpa, &page);

	*next = s->page[page];
	s->page[page] = b;
}

static void
publish(struct block_cache *k, struct block *b)
{
	struct block *_Atomic *head = &k->hash[block_hash(b->gpa, b->rip)];

	k->used += block_size(b);
	k->made++;
	list_in(k, b->gpa, b, &b->page_next);
	if (b->gpa2 != BLOCK_ONE_PAGE)
		list_in(k, b->gpa2, b, &b->page_next2);
	b->hash_next = atomic_load_explicit(head, memory_order_relaxed);
	atomic_store_explicit(head, b, memory_order_release);
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
	uint64_t page;

	return host != NULL && segment_of(k, gpa, &page) != NULL;
}

static struct block *
make_at(struct cpu *c, struct code_place *p)
{
	struct block_cache *k = c->vm->blocks;
	struct block *b;
	bool whole;

	for (;;) {
		if (!usable(k, p->gpa, p->host) ||
		    (p->gpa2 != BLOCK_ONE_PAGE &&
		     !usable(k, p->gpa2, p->host2))) {
			fault_set_error(c, X86_GP, 0);
			return NULL;
		}
		if (k->used + BLOCK_MAX_SIZE > BLOCK_ARENA)
			block_flush_all(c->vm, c);
		mark_code(c, p->gpa);
		if (p->gpa2 != BLOCK_ONE_PAGE)
			mark_code(c, p->gpa2);
		pthread_mutex_lock(&k->lock);
		/* Others may have been quicker, with either. */
		if (k->used + BLOCK_MAX_SIZE > BLOCK_ARENA ||
		    !is_code(k, p->gpa) ||
		    (p->gpa2 != BLOCK_ONE_PAGE && !is_code(k, p->gpa2))) {
			pthread_mutex_unlock(&k->lock);
			continue;
		}
		b = (struct block *)(void *)(k->arena + k->used);
		whole = block_make(c, k->features, p, b);
		if (whole && !c->exc.pending)
			publish(k, b);
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
	if (b->gpa2 == BLOCK_ONE_PAGE)
		return true;
	return fetch_next(c, &now) && now.gpa2 == b->gpa2;
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
	if (remembers(c)) {
		note_page(memory_of(c), c->rip);
		if (b->gpa2 != BLOCK_ONE_PAGE)
			note_page(memory_of(c), c->rip + GUEST_PAGE);
		j = &c->jumps[jump_hash(c->rip)];
		*j = (struct jump){ .rip = c->rip,
			            .gen = c->gen[c->fetch_global],
			            .uop = b->uop,
			            .mode = c->mode };
	}
	return b;
}

static uop_fn uop_forward;

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
static UOP(uop_forward)
{
	struct block *b = block_of(u);
	const struct uop *to =
	    atomic_load_explicit(&b->forward, memory_order_acquire);
	uint64_t epoch = c->vm->blocks->epoch;

	if (to != NULL && to->fn != uop_forward)
		return to;
	to = block_find(c);
	if (to == NULL || epoch != c->vm->blocks->epoch)
		return to;
	if (block_of(to)->gpa == b->gpa && block_of(to)->gpa2 == BLOCK_ONE_PAGE)
		atomic_store_explicit(&b->forward, to, memory_order_release);
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
	if (block_of(to)->gpa2 == BLOCK_ONE_PAGE)
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

static void
unlist(struct block_cache *k, uint64_t gpa, struct block *b)
{
	uint64_t page = 0;
	struct code_segment *s = segment_of(k, gpa, &page);
	struct block **at = &s->page[page];

	while (*at != b)
		at = page_of((*at)->gpa) == page_of(gpa) ? &(*at)->page_next
		                                         : &(*at)->page_next2;
	*at = page_of(b->gpa) == page_of(gpa) ? b->page_next : b->page_next2;
	if (s->page[page] == NULL)
		__atomic_fetch_and(&s->flags[page], (uint8_t)~PG_CODE,
		                   __ATOMIC_SEQ_CST);
}

static void
drop(struct block_cache *k, struct block *b)
{
	struct block *_Atomic *head = &k->hash[block_hash(b->gpa, b->rip)];
	struct block *at = atomic_load_explicit(head, memory_order_relaxed);

	if (at == b) {
		atomic_store_explicit(head, b->hash_next, memory_order_release);
	} else {
		while (at->hash_next != b)
			at = at->hash_next;
		__atomic_store_n(&at->hash_next, b->hash_next,
		                 __ATOMIC_RELEASE);
	}
	unlist(k, b->gpa, b);
	if (b->gpa2 != BLOCK_ONE_PAGE)
		unlist(k, b->gpa2, b);
	b->dead = true;
	k->dropped++;
	__atomic_store_n(&b->uop[0].fn, uop_forward, __ATOMIC_RELEASE);
}

/* Blocks of the page at gpa made from granules of mask: drop them, or only
 * tell. */
static bool
page_written(struct block_cache *k, uint64_t gpa, uint64_t mask, bool only_ask)
{
	uint64_t page;
	struct code_segment *s = segment_of(k, gpa, &page);
	bool hit = false;
	struct block *b, *next;

	for (b = s->page[page]; b != NULL; b = next) {
		bool first = page_of(b->gpa) == page_of(gpa);

		next = first ? b->page_next : b->page_next2;
		if (((first ? b->granules : b->granules2) & mask) == 0)
			continue;
		hit = true;
		if (only_ask)
			break;
		drop(k, b);
	}
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
		if (is_code(k, gpa)) {
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

void
block_flush_all(struct soft_vm *vm, struct cpu *c)
{
	struct block_cache *k = vm->blocks;

	sync_begin(vm, c);
	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < k->nsegs; i++)
		for (uint64_t p = 0; p < k->seg[i].size / GUEST_PAGE; p++)
			if (k->seg[i].page[p] != NULL) {
				k->seg[i].page[p] = NULL;
				__atomic_fetch_and(&k->seg[i].flags[p],
				                   (uint8_t)~PG_CODE,
				                   __ATOMIC_SEQ_CST);
			}
	memset(k->hash, 0, sizeof(k->hash));
	k->used = 0;
	k->epoch++;
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->cpus[i] != NULL)
			block_forget_jumps(vm->cpus[i], true);
	pthread_mutex_unlock(&k->lock);
	sync_end(vm, c);
}
