/* SPDX-License-Identifier: BSD-2-Clause */
/* walk.c - page table walks: 4-level, PAE, 32-bit with PSE.
 *
 * Entries are read by single loads, checked at every level, and only then are
 * A and D set, by compare-and-exchange: if an entry changed under us the walk
 * starts again. Entries outside RAM read as not present or keep their bits.
 */
#include "engine/soft/walk.h"

#include "engine/baseline.h"
#include "engine/soft/fault.h"
#include "engine/soft/soft_vm.h"
#include "vmm/mem.h"

#define ADDR_MASK   0x000ffffffffff000ull
#define PHYS_RSVD   (ADDR_MASK & ~((1ull << BASELINE_PHYS_BITS) - 1))
#define PAE_RSVD    (0x7ff0000000000000ull | PHYS_RSVD)
#define PDPTE_RSVD  (0xfff00000000001e6ull | PHYS_RSVD)
#define PSE36_SHIFT 13

enum { MAX_LEVELS = 4 };

/* One walk under way. */
struct path {
	struct {
		void *host; /* NULL: cannot be written */
		uint64_t v;
	} pte[MAX_LEVELS];
	unsigned n;
	bool wide; /* entries of 8 bytes */
	bool w, u, nx;
	uint32_t error; /* of a fault: P and RSVD */
};

enum verdict { WALK_OK, WALK_FAULT, WALK_AGAIN };

static bool
read_entry(struct cpu *c, struct path *p, uint64_t gpa)
{
	unsigned size = p->wide ? 8 : 4;
	void *host = guest_mem_at(c->vm->mem, gpa, size, 0);
	uint64_t v = 0;

	if (host != NULL && p->wide)
		v = *(volatile uint64_t *)host;
	else if (host != NULL)
		v = *(volatile uint32_t *)host;
	p->pte[p->n].host = guest_mem_at(c->vm->mem, gpa, size, 1);
	p->pte[p->n].v = v;
	p->n++;
	return (v & X86_PTE_P) != 0;
}

/* Bits that must be zero in a present entry that maps 1 << shift bytes or
 * points to a table for that. */
static uint64_t
reserved_bits(const struct cpu *c, uint64_t v, unsigned shift, bool wide)
{
	bool large = (v & X86_PTE_PS) != 0;
	uint64_t r;

	if (!wide)
		return shift == 22 && large && (c->cr4 & X86_CR4_PSE)
		           ? (1u << 21)
		           : 0;
	r = (c->efer & X86_EFER_LMA) ? PHYS_RSVD : PAE_RSVD;
	if (!(c->efer & X86_EFER_NXE))
		r |= X86_PTE_NX;
	if (shift == 39)
		r |= X86_PTE_PS;
	else if (shift > 12 && large)
		r |= ((1ull << shift) - 1) & ~0x1fffull;
	return r;
}

static bool
is_leaf(const struct cpu *c, uint64_t v, unsigned shift)
{
	if (shift == 12)
		return true;
	if (!(v & X86_PTE_PS))
		return false;
	return shift != 22 || (c->cr4 & X86_CR4_PSE);
}

static uint64_t
leaf_gpa(uint64_t v, uint64_t la, unsigned shift)
{
	uint64_t off = (1ull << shift) - 1;
	uint64_t base = v & ADDR_MASK & ~off;

	if (shift == 22) /* PSE-36: bits 39:32 lie in 20:13 */
		base = (v & 0xffc00000u) | ((v >> PSE36_SHIFT & 0xff) << 32);
	return base | (la & off);
}

/* Go down from the root. WALK_FAULT with p->error, or WALK_OK. */
static enum verdict
descend(struct cpu *c, uint64_t la, struct path *p, struct walk *out)
{
	bool lma = (c->efer & X86_EFER_LMA) != 0;
	uint64_t table = c->cr3 & ADDR_MASK;
	unsigned shift = 39, bits = 9;

	*p = (struct path){ .wide = true, .w = true, .u = true };
	if (!lma && (c->cr4 & X86_CR4_PAE)) {
		uint64_t pdpte = c->pdpte[la >> 30 & 3];

		if (!(pdpte & X86_PTE_P))
			return WALK_FAULT;
		table = pdpte & ADDR_MASK;
		shift = 21;
	} else if (!lma) {
		p->wide = false;
		table = c->cr3 & 0xfffff000u;
		shift = 22;
		bits = 10;
	}
	for (;; shift -= bits) {
		uint64_t at =
		    (la >> shift & ((1u << bits) - 1)) * (p->wide ? 8 : 4);
		uint64_t v;

		if (!read_entry(c, p, table + at))
			return WALK_FAULT;
		v = p->pte[p->n - 1].v;
		if (v & reserved_bits(c, v, shift, p->wide)) {
			p->error = X86_PF_P | X86_PF_RSVD;
			return WALK_FAULT;
		}
		p->w = p->w && (v & X86_PTE_W);
		p->u = p->u && (v & X86_PTE_U);
		p->nx = p->nx || (p->wide && (v & X86_PTE_NX));
		if (is_leaf(c, v, shift)) {
			out->gpa = leaf_gpa(v, la, shift);
			out->shift = (uint8_t)shift;
			out->global = (v & X86_PTE_G) && (c->cr4 & X86_CR4_PGE);
			return WALK_OK;
		}
		table = v & (p->wide ? ADDR_MASK : 0xfffff000u);
	}
}

static bool
may_write(const struct cpu *c, const struct path *p, enum rights r)
{
	return p->w || (r != RIGHTS_U && !(c->cr0 & X86_CR0_WP));
}

static bool
allowed(const struct cpu *c, const struct path *p, enum rights r, enum access a)
{
	if (r == RIGHTS_U && !p->u)
		return false;
	if (a == ACCESS_FETCH)
		return !p->nx &&
		       (r == RIGHTS_U || !p->u || !(c->cr4 & X86_CR4_SMEP));
	if (r == RIGHTS_S && p->u)
		return false;
	return a == ACCESS_READ || may_write(c, p, r);
}

/* Set bits in entry i unless they are; false: it changed meanwhile. */
static bool
set_bits(struct path *p, unsigned i, uint64_t bits)
{
	uint64_t old = p->pte[i].v, new = old | bits;

	if (new == old || p->pte[i].host == NULL)
		return true;
	if (p->wide) {
		if (!__atomic_compare_exchange_n(
		        (uint64_t *)p->pte[i].host, &old, new, false,
		        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return false;
	} else {
		uint32_t old32 = (uint32_t)old;

		if (!__atomic_compare_exchange_n(
		        (uint32_t *)p->pte[i].host, &old32, (uint32_t) new,
		        false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return false;
	}
	p->pte[i].v = new;
	return true;
}

static enum verdict
walk_once(struct cpu *c, uint64_t la, enum rights r, enum access a,
          struct path *p, struct walk *out)
{
	unsigned leaf;

	if (descend(c, la, p, out) == WALK_FAULT)
		return WALK_FAULT;
	if (!allowed(c, p, r, a)) {
		p->error = X86_PF_P;
		return WALK_FAULT;
	}
	leaf = p->n - 1;
	for (unsigned i = 0; i < leaf; i++)
		if (!set_bits(p, i, X86_PTE_A))
			return WALK_AGAIN;
	if (!set_bits(p, leaf, X86_PTE_A | (a == ACCESS_WRITE ? X86_PTE_D : 0)))
		return WALK_AGAIN;
	out->writable = (p->pte[leaf].v & X86_PTE_D) && may_write(c, p, r);
	return WALK_OK;
}

static bool
page_fault(struct cpu *c, uint64_t la, enum rights r, enum access a,
           uint32_t error)
{
	if (a == ACCESS_WRITE)
		error |= X86_PF_W;
	if (r == RIGHTS_U)
		error |= X86_PF_U;
	if (a == ACCESS_FETCH &&
	    ((c->cr4 & X86_CR4_SMEP) ||
	     ((c->cr4 & X86_CR4_PAE) && (c->efer & X86_EFER_NXE))))
		error |= X86_PF_I;
	return fault_page(c, la, error);
}

bool
walk_pages(struct cpu *c, uint64_t la, enum rights r, enum access a,
           struct walk *out)
{
	struct path p;
	enum verdict v;

	c->counts.walks++;
	if (!(c->cr0 & X86_CR0_PG)) {
		*out =
		    (struct walk){ .gpa = la, .shift = 12, .writable = true };
		return true;
	}
	do
		v = walk_once(c, la, r, a, &p, out);
	while (v == WALK_AGAIN);
	return v == WALK_OK || page_fault(c, la, r, a, p.error);
}

bool
walk_peek(struct cpu *c, uint64_t la, struct walk *out)
{
	struct path p;

	if (!(c->cr0 & X86_CR0_PG)) {
		*out = (struct walk){ .gpa = la, .shift = 12 };
		return true;
	}
	return descend(c, la, &p, out) == WALK_OK;
}

bool
walk_load_pdptes(struct cpu *c, uint64_t cr3)
{
	uint64_t v[4] = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		const volatile uint64_t *host = guest_mem_at(
		    c->vm->mem, (cr3 & 0xffffffe0u) + i * 8ull, 8, 0);

		if (host != NULL)
			v[i] = *host;
		if ((v[i] & X86_PTE_P) && (v[i] & PDPTE_RSVD))
			return false;
	}
	for (unsigned i = 0; i < 4; i++)
		c->pdpte[i] = v[i];
	return true;
}
