/* SPDX-License-Identifier: BSD-2-Clause */
/* mmu.c - the software TLB and what it misses.
 *
 * Three sets of entries, one for each kind of rights (walk.h), direct-mapped;
 * each doubles when its entries keep throwing each other out.
 * Entries filled since the last flush are noted, so that a CR3 load costs what
 * was used and leaves global entries alone. Fetches have a small TLB of their
 * own, whose entries die by generation.
 *
 * Invariants
 *  1 tag_w is set only if tag_r is, the walk found the page writable and
 *    dirty, it is RAM, and none of its page_flags is set.
 *  2 Bits of gpa: FILL_GLOBAL survives CR3 loads; FILL_LARGE came from a
 *    mapping over 4 KiB, so INVLPG of any address in it ends the entry;
 *    FILL_WRITABLE allows writes by the slow path without a walk.
 *  3 An entry without FILL_GLOBAL is in its set's log, or the log is full.
 */
#include "engine/soft/mmu.h"

#include <errno.h>
#include <string.h>

#include "engine/soft/block.h"
#include "engine/soft/debug.h"
#include "engine/soft/fault.h"
#include "engine/soft/room.h"
#include "engine/soft/seg.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/walk.h"
#include "vmm/lapic.h"
#include "vmm/mem.h"
#include "vmm/vm.h"

enum {
	TLB_MIN = 1024,
	TLB_MAX = 8192,
	LOG_MAX = 1024,
	ITLB_N = 512,
	ITLB_NONE = 1, /* a tag that is no page */
	FILL_GLOBAL = 1 << 0,
	FILL_LARGE = 1 << 1,
	FILL_WRITABLE = 1 << 2,
	APIC_PAGE_BITS = X86_APIC_BASE_ENABLE | X86_APIC_BASE_X2APIC
};
#define PAGE_MASK (~4095ull)
#define APIC_ADDR 0x000ffffffffff000ull

struct fill_log {
	uint16_t at[LOG_MAX];
	unsigned n; /* LOG_MAX: full, look at all entries */
};

struct itlbe {
	uint64_t tag, gpa;
	const uint8_t *host; /* of the page; NULL: MMIO */
	uint32_t gen;
	bool global;
};

struct tlb_set {
	struct tlbe *e;     /* room for TLB_MAX */
	uint32_t mask;      /* entries - 1 */
	uint32_t conflicts; /* fills that threw out another, since growth */
};

struct mmu {
	struct tlb_set set[RIGHTS_N];
	struct fill_log log[RIGHTS_N];
	struct itlbe itlb[2][ITLB_N]; /* supervisor, user */
	uint32_t gen_local, gen_global;
	uint64_t large_lo, large_hi; /* la of the large mappings seen */
	uint64_t fills, flushes;
};

/* Where one access, or its part in one page, goes. */
struct piece {
	uint8_t *host; /* NULL: device */
	uint64_t gpa;
	unsigned len;
	bool special; /* a store must look at the page's flags */
};

static void
drop_entry(struct tlb_set *t, uint32_t i)
{
	t->e[i].tag_r = t->e[i].tag_w = tlb_none(i);
	t->e[i].gpa = 0;
}

static void
wipe_set(struct mmu *m, unsigned s)
{
	for (uint32_t i = 0; i <= m->set[s].mask; i++)
		drop_entry(&m->set[s], i);
	m->log[s].n = 0;
}

void
mmu_flush_all(struct cpu *c)
{
	struct mmu *m = c->mmu;

	for (unsigned s = 0; s < RIGHTS_N; s++)
		wipe_set(m, s);
	m->gen_local++;
	m->gen_global++;
	m->large_lo = UINT64_MAX;
	m->large_hi = 0;
	m->flushes++;
	block_forget_jumps(c, true);
}

void
mmu_flush_local(struct cpu *c)
{
	struct mmu *m = c->mmu;

	for (unsigned s = 0; s < RIGHTS_N; s++) {
		struct tlb_set *t = &m->set[s];
		struct fill_log *l = &m->log[s];

		if (l->n < LOG_MAX) {
			for (unsigned i = 0; i < l->n; i++)
				if (!(t->e[l->at[i]].gpa & FILL_GLOBAL))
					drop_entry(t, l->at[i]);
		} else {
			for (uint32_t i = 0; i <= t->mask; i++)
				if (!(t->e[i].gpa & FILL_GLOBAL))
					drop_entry(t, i);
		}
		l->n = 0;
	}
	m->gen_local++;
	m->flushes++;
	block_forget_jumps(c, false);
}

void
mmu_flush_page(struct cpu *c, uint64_t la)
{
	struct mmu *m = c->mmu;
	uint64_t page = la & PAGE_MASK;
	bool large = la >= m->large_lo && la < m->large_hi;

	for (unsigned s = 0; s < RIGHTS_N; s++) {
		struct tlb_set *t = &m->set[s];
		uint32_t at = (uint32_t)(la >> 12) & t->mask;

		if (t->e[at].tag_r == page)
			drop_entry(t, at);
		for (uint32_t i = 0; large && i <= t->mask; i++)
			if ((t->e[i].gpa & FILL_LARGE) &&
			    t->e[i].tag_r >> 30 == la >> 30)
				drop_entry(t, i);
	}
	for (unsigned user = 0; user < 2; user++)
		if (m->itlb[user][(la >> 12) % ITLB_N].tag == page)
			m->itlb[user][(la >> 12) % ITLB_N].tag = ITLB_NONE;
	if (large) {
		m->gen_local++;
		m->gen_global++;
	}
	block_forget_page(c, la, large);
}

void
mmu_protect(struct cpu *c, uint64_t gpa)
{
	struct mmu *m = c->mmu;

	for (unsigned s = 0; s < RIGHTS_N; s++) {
		struct tlb_set *t = &m->set[s];

		for (uint32_t i = 0; i <= t->mask; i++)
			if (((t->e[i].gpa ^ gpa) & PAGE_MASK) == 0)
				t->e[i].tag_w = tlb_none(i);
	}
}

/* Give a set n entries, empty. */
static void
resize(struct cpu *c, unsigned set, uint32_t n)
{
	struct tlb_set *t = &c->mmu->set[set];

	t->mask = n - 1;
	t->conflicts = 0;
	wipe_set(c->mmu, set);
	mmu_select(c);
}

void
mmu_rest(struct cpu *c)
{
	for (unsigned s = 0; s < RIGHTS_N; s++) {
		struct tlbe *e = c->mmu->set[s].e;

		if (c->mmu->set[s].mask + 1 == TLB_MIN)
			continue;
		room_empty(e + TLB_MIN, (TLB_MAX - TLB_MIN) * sizeof(*e));
		resize(c, s, TLB_MIN);
	}
}

int
mmu_init(struct cpu *c)
{
	struct mmu *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	m->gen_local = m->gen_global = 1;
	m->large_lo = UINT64_MAX;
	c->mmu = m;
	for (unsigned s = 0; s < RIGHTS_N; s++) {
		m->set[s].e = room_new(TLB_MAX * sizeof(struct tlbe));
		if (m->set[s].e == NULL) {
			mmu_fini(c);
			return -ENOMEM;
		}
		resize(c, s, TLB_MIN);
	}
	return 0;
}

void
mmu_fini(struct cpu *c)
{
	if (c->mmu == NULL)
		return;
	for (unsigned s = 0; s < RIGHTS_N; s++)
		room_free(c->mmu->set[s].e, TLB_MAX * sizeof(struct tlbe));
	free(c->mmu);
	c->mmu = NULL;
	c->tlb.e = NULL;
}

static enum rights
sys_rights(const struct cpu *c)
{
	return c->cr4 & X86_CR4_SMAP ? RIGHTS_S : RIGHTS_SU;
}

static enum rights
current_rights(const struct cpu *c)
{
	if (c->cpl == 3)
		return RIGHTS_U;
	if ((c->cr4 & X86_CR4_SMAP) && !(c->rflags & X86_FL_AC))
		return RIGHTS_S;
	return RIGHTS_SU;
}

void
mmu_select(struct cpu *c)
{
	const struct tlb_set *t = &c->mmu->set[current_rights(c)];

	c->tlb.e = t->e;
	c->tlb.mask = (uint64_t)t->mask * sizeof(struct tlbe);
}

/* Fills */

static uint8_t
page_flags(const struct guest_segment *g, uint64_t gpa)
{
	if (g->page_flags == NULL)
		return 0;
	return __atomic_load_n(&g->page_flags[(gpa - g->gpa) / GUEST_PAGE],
	                       __ATOMIC_ACQUIRE);
}

static uint8_t
gpa_flags(const struct cpu *c, uint64_t gpa)
{
	const struct guest_segment *g = guest_mem_find(c->vm->mem, gpa);

	return g == NULL ? 0 : page_flags(g, gpa);
}

static void
note_large(struct mmu *m, uint64_t la, unsigned shift)
{
	uint64_t lo = la & ~((1ull << shift) - 1);
	uint64_t hi = lo + (1ull << shift);

	if (lo < m->large_lo)
		m->large_lo = lo;
	if (hi > m->large_hi || hi == 0)
		m->large_hi = hi == 0 ? UINT64_MAX : hi;
}

static void
fill(struct cpu *c, enum rights r, uint64_t la, const struct walk *w,
     const struct guest_segment *g)
{
	struct mmu *m = c->mmu;
	struct tlb_set *t = &m->set[r];
	struct fill_log *l = &m->log[r];
	uint32_t at = (uint32_t)(la >> 12) & t->mask;
	struct tlbe *e;
	bool writable = w->writable && g->kind == GUEST_RAM;

	m->fills++;
	if (t->e[at].tag_r != tlb_none(at) &&
	    t->e[at].tag_r != (la & PAGE_MASK) &&
	    ++t->conflicts > 4 * (t->mask + 1) && t->mask + 1 < TLB_MAX) {
		resize(c, r, 2 * (t->mask + 1));
		at = (uint32_t)(la >> 12) & t->mask;
	}
	e = &t->e[at];
	e->tag_r = la & PAGE_MASK;
	e->tag_w =
	    writable && page_flags(g, w->gpa) == 0 ? e->tag_r : tlb_none(at);
	e->addend = (uintptr_t)g->host + (w->gpa - g->gpa) - la;
	e->gpa = (w->gpa & PAGE_MASK) | (w->global ? FILL_GLOBAL : 0) |
	         (w->shift > 12 ? FILL_LARGE : 0) |
	         (writable ? FILL_WRITABLE : 0);
	if (w->shift > 12)
		note_large(m, la, w->shift);
	if (!w->global && l->n < LOG_MAX)
		l->at[l->n++] = (uint16_t)at;
}

static bool
la_valid(struct cpu *c, uint64_t la)
{
	return la_canonical(la) || fault_set_error(c, X86_GP, 0);
}

/* Translate for bytes of one page; p->len is set. */
static bool
resolve(struct cpu *c, enum rights r, uint64_t la, bool write, struct piece *p)
{
	struct tlb_set *t = &c->mmu->set[r];
	struct tlbe *e = &t->e[(la >> 12) & t->mask];
	const struct guest_segment *g;
	struct walk w;

	if (((la ^ e->tag_r) & PAGE_MASK) == 0 &&
	    (!write || (e->gpa & FILL_WRITABLE))) {
		p->host = (uint8_t *)(la + e->addend);
		p->gpa = (e->gpa & PAGE_MASK) | (la & 4095);
		p->special =
		    write && e->tag_w != e->tag_r && gpa_flags(c, p->gpa) != 0;
		if (write && !p->special)
			e->tag_w = e->tag_r;
		return true;
	}
	if (!la_valid(c, la) ||
	    !walk_pages(c, la, r, write ? ACCESS_WRITE : ACCESS_READ, &w))
		return false;
	p->gpa = w.gpa;
	g = guest_mem_find(c->vm->mem, w.gpa);
	p->host = g == NULL ? NULL : g->host + (w.gpa - g->gpa);
	p->special = write && g != NULL && page_flags(g, w.gpa) != 0;
	if (g != NULL && !(c->debug_watch && debug_watched(c, la)))
		fill(c, r, la, &w, g);
	if (g != NULL && write && g->kind != GUEST_RAM)
		p->host = NULL;
	return true;
}

/* Device accesses */

static bool
is_lapic(const struct cpu *c, uint64_t gpa)
{
	uint64_t base;

	if (c->lapic == NULL)
		return false;
	base = lapic_base(c->lapic);
	return (base & APIC_PAGE_BITS) == X86_APIC_BASE_ENABLE &&
	       ((base ^ gpa) & APIC_ADDR) == 0;
}

static uint64_t
device_read(struct cpu *c, uint64_t gpa, unsigned size)
{
	if (is_lapic(c, gpa))
		return lapic_read(c->lapic, (unsigned)(gpa & 0xffc)) >>
		       (gpa & 3) * 8;
	c->counts.mmio++;
	return vm_mmio_read(c->vcpu, gpa, size);
}

static void
device_write(struct cpu *c, uint64_t gpa, unsigned size, uint64_t v)
{
	/* Registers are 32 bits wide; other writes are undefined: ignored. */
	if (!is_lapic(c, gpa)) {
		c->counts.mmio++;
		vm_mmio_write(c->vcpu, gpa, size, v);
	} else if (size >= 4 && (gpa & 3) == 0)
		lapic_write(c->lapic, (unsigned)(gpa & 0xfff), (uint32_t)v);
}

/* As many bytes at once as the bus takes. */
static unsigned
device_step(uint64_t gpa, unsigned len)
{
	unsigned n = 8;

	while (n > len || (gpa & (n - 1)) != 0)
		n /= 2;
	return n;
}

/* In the caller's buffer, which need not be aligned. */
typedef uint16_t word16 __attribute__((may_alias, aligned(1)));
typedef uint32_t word32 __attribute__((may_alias, aligned(1)));
typedef uint64_t word64 __attribute__((may_alias, aligned(1)));

static void
copy_from(struct cpu *c, const struct piece *p, void *out)
{
	uint8_t *to = out;
	unsigned n;

	if (p->host != NULL && ((uintptr_t)p->host & (p->len - 1)) == 0) {
		switch (p->len) {
		case 1:
			*to = *(const volatile uint8_t *)p->host;
			return;
		case 2:
			*(word16 *)out = *(const volatile uint16_t *)p->host;
			return;
		case 4:
			*(word32 *)out = *(const volatile uint32_t *)p->host;
			return;
		case 8:
			*(word64 *)out = *(const volatile uint64_t *)p->host;
			return;
		default:
			break;
		}
	}
	if (p->host != NULL) {
		memcpy(out, p->host, p->len);
		return;
	}
	for (unsigned i = 0; i < p->len; i += n) {
		uint64_t v;

		n = device_step(p->gpa + i, p->len - i);
		v = device_read(c, p->gpa + i, n);
		memcpy(to + i, &v, n);
	}
}

static void
copy_to_host(const struct piece *p, const void *v)
{
	if (((uintptr_t)p->host & (p->len - 1)) == 0) {
		switch (p->len) {
		case 1:
			*(volatile uint8_t *)p->host = *(const uint8_t *)v;
			return;
		case 2:
			*(volatile uint16_t *)p->host = *(const word16 *)v;
			return;
		case 4:
			*(volatile uint32_t *)p->host = *(const word32 *)v;
			return;
		case 8:
			*(volatile uint64_t *)p->host = *(const word64 *)v;
			return;
		default:
			break;
		}
	}
	memcpy(p->host, v, p->len);
}

static void
copy_to(struct cpu *c, const struct piece *p, const void *v)
{
	const uint8_t *from = v;
	unsigned n;

	if (p->host != NULL) {
		copy_to_host(p, v);
		if (p->special)
			(void)block_written(c->vm, p->gpa, p->len);
		return;
	}
	for (unsigned i = 0; i < p->len; i += n) {
		uint64_t b = 0;

		n = device_step(p->gpa + i, p->len - i);
		memcpy(&b, from + i, n);
		device_write(c, p->gpa + i, n, b);
	}
}

/* Must the store wait until its instruction is a block of its own? See mmu.h.
 * Deliveries of exceptions come between blocks: nothing to wait for. */
static bool
must_restart(struct cpu *c, const struct piece *p)
{
	if (!p->special || p->host == NULL || (c->mode & CM_SHADOW) ||
	    c->delivering || !block_hit(c->vm, p->gpa, p->len))
		return false;
	c->exc.pending = false;
	c->one_insn = true;
	return true;
}

/* The one or two pieces of an access; 0: fault. */
static unsigned
resolve_all(struct cpu *c, enum rights r, uint64_t la, unsigned len, bool write,
            struct piece p[2])
{
	unsigned first = 4096 - (unsigned)(la & 4095);
	unsigned n = 1;

	p[0].len = len;
	if (!resolve(c, r, la, write, &p[0]))
		return 0;
	if (len > first) {
		uint64_t next = la + first;

		if (!cpu_long(c))
			next = (uint32_t)next;
		p[0].len = first;
		p[1].len = len - first;
		if (!resolve(c, r, next, write, &p[1]))
			return 0;
		n = 2;
	}
	for (unsigned i = 0; write && i < n; i++)
		if (must_restart(c, &p[i]))
			return 0;
	if (c->debug_watch && !debug_data(c, la, len, write))
		return 0;
	return n;
}

static bool
load_as(struct cpu *c, enum rights r, uint64_t la, void *buf, unsigned len)
{
	struct piece p[2];
	unsigned n = resolve_all(c, r, la, len, false, p);

	if (n == 0)
		return false;
	copy_from(c, &p[0], buf);
	if (n == 2)
		copy_from(c, &p[1], (uint8_t *)buf + p[0].len);
	return true;
}

static bool
store_as(struct cpu *c, enum rights r, uint64_t la, const void *buf,
         unsigned len)
{
	struct piece p[2];
	unsigned n = resolve_all(c, r, la, len, true, p);

	if (n == 0)
		return false;
	copy_to(c, &p[0], buf);
	if (n == 2)
		copy_to(c, &p[1], (const uint8_t *)buf + p[0].len);
	return true;
}

bool
mmu_load_slow(struct cpu *c, uint64_t la, unsigned size, void *out)
{
	return load_as(c, current_rights(c), la, out, size);
}

bool
mmu_store_slow(struct cpu *c, uint64_t la, unsigned size, const void *v)
{
	return store_as(c, current_rights(c), la, v, size);
}

bool
mmu_read(struct cpu *c, uint64_t la, void *buf, unsigned len)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;
	bool ok;

	/* What stacks are made of need not wait. */
	switch (len) {
	case 8:
		ok = mmu_load64(c, la, &v64);
		return ok && memcpy(buf, &v64, 8);
	case 4:
		ok = mmu_load32(c, la, &v32);
		return ok && memcpy(buf, &v32, 4);
	case 2:
		ok = mmu_load16(c, la, &v16);
		return ok && memcpy(buf, &v16, 2);
	default:
		return load_as(c, current_rights(c), la, buf, len);
	}
}

bool
mmu_write(struct cpu *c, uint64_t la, const void *buf, unsigned len)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (len) {
	case 8:
		memcpy(&v64, buf, 8);
		return mmu_store64(c, la, v64);
	case 4:
		memcpy(&v32, buf, 4);
		return mmu_store32(c, la, v32);
	case 2:
		memcpy(&v16, buf, 2);
		return mmu_store16(c, la, v16);
	default:
		return store_as(c, current_rights(c), la, buf, len);
	}
}

/* Outside long mode the address space ends at 4 GiB, wherever a table begins:
 * no entry of the TLB may be of an address beyond (CM_FLAT32). */
static uint64_t
sys_la(const struct cpu *c, uint64_t la)
{
	return cpu_long(c) ? la : (uint32_t)la;
}

bool
mmu_read_sys(struct cpu *c, uint64_t la, void *buf, unsigned len)
{
	return load_as(c, sys_rights(c), sys_la(c, la), buf, len);
}

bool
mmu_write_sys(struct cpu *c, uint64_t la, const void *buf, unsigned len)
{
	return store_as(c, sys_rights(c), sys_la(c, la), buf, len);
}

void *
mmu_rmw(struct cpu *c, uint64_t la, unsigned size, struct mmu_bounce *b)
{
	struct piece p[2];
	unsigned n = resolve_all(c, current_rights(c), la, size, true, p);

	if (n == 0)
		return NULL;
	b->size = 0;
	b->in_place = false;
	if (n == 1 && p[0].host != NULL) {
		if (p[0].special) {
			b->in_place = true;
			b->gpa = p[0].gpa;
			b->size = size;
		}
		return p[0].host;
	}
	/* Rights are there, but for a read it may be memory: ROM. */
	if (!load_as(c, current_rights(c), la, b->data, size))
		return NULL;
	b->la = la;
	b->size = size;
	return b->data;
}

void
mmu_rmw_end(struct cpu *c, struct mmu_bounce *b)
{
	if (b->size == 0)
		return;
	if (b->in_place)
		(void)block_written(c->vm, b->gpa, b->size);
	else /* rights were checked: it cannot fail */
		(void)mmu_store_slow(c, b->la, b->size, b->data);
}

void *
mmu_span(struct cpu *c, uint64_t la, bool write, unsigned *len)
{
	unsigned room = 4096 - (unsigned)(la & 4095);
	struct piece p = { .len = 1 };

	if (!resolve(c, current_rights(c), la, write, &p)) {
		c->exc.pending = false; /* it comes again, at its element */
		return NULL;
	}
	if (p.host == NULL || p.special ||
	    (c->debug_watch && debug_watched(c, la)))
		return NULL;
	if (*len > room)
		*len = room;
	return p.host;
}

bool
mmu_fetch(struct cpu *c, uint64_t la, uint64_t *gpa, const uint8_t **host)
{
	struct mmu *m = c->mmu;
	enum rights r = c->cpl == 3 ? RIGHTS_U : RIGHTS_SU;
	struct itlbe *e = &m->itlb[c->cpl == 3][(la >> 12) % ITLB_N];
	unsigned off = (unsigned)(la & 4095);
	const struct guest_segment *g;
	struct walk w;

	if (e->tag != (la & PAGE_MASK) ||
	    e->gen != (e->global ? m->gen_global : m->gen_local)) {
		if (!la_valid(c, la) || !walk_pages(c, la, r, ACCESS_FETCH, &w))
			return false;
		if (w.shift > 12)
			note_large(m, la, w.shift);
		g = guest_mem_find(c->vm->mem, w.gpa);
		e->tag = la & PAGE_MASK;
		e->gpa = w.gpa & PAGE_MASK;
		e->host = g == NULL ? NULL : g->host + (e->gpa - g->gpa);
		e->global = w.global;
		e->gen = w.global ? m->gen_global : m->gen_local;
	}
	c->fetch_global = e->global;
	*gpa = e->gpa | off;
	*host = e->host == NULL ? NULL : e->host + off;
	return true;
}

bool
mmu_peek(struct cpu *c, uint64_t la, uint64_t *gpa)
{
	struct walk w;

	if (!la_canonical(la) || !walk_peek(c, la, &w))
		return false;
	*gpa = w.gpa;
	return true;
}
