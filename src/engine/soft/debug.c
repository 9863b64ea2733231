/* SPDX-License-Identifier: BSD-2-Clause */
/* debug.c - what the debug registers name, and what meets it. */
#include "engine/soft/debug.h"

#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/soft_vm.h"
#include "vmm/vm.h"

enum { NDR = 4, PAGE_SHIFT = 12 };

static bool
is_enabled(const struct cpu *c, unsigned n)
{
	return (c->dr7 >> 2 * n & 3) != 0;
}

static enum debug_access
access_of(const struct cpu *c, unsigned n)
{
	return (enum debug_access)(c->dr7 >> (16 + 4 * n) & 3);
}

static unsigned
length_of(const struct cpu *c, unsigned n)
{
	static const uint8_t bytes[] = { 1, 2, 8, 4 };

	return bytes[c->dr7 >> (18 + 4 * n) & 3];
}

static bool
overlaps(uint64_t a, unsigned alen, uint64_t b, unsigned blen)
{
	return a - b < blen || b - a < alen;
}

void
debug_update(struct cpu *c)
{
	bool watching = atomic_load(&c->vm->nwatch) != 0, exec = false;
	bool io = false;

	for (unsigned n = 0; n < NDR; n++) {
		if (!is_enabled(c, n))
			continue;
		exec |= access_of(c, n) == DEBUG_EXEC;
		io |= access_of(c, n) == DEBUG_IO;
		watching |= (access_of(c, n) & DEBUG_WRITE) != 0;
	}
	c->debug_exec = exec;
	c->debug_io = io && (c->cr4 & X86_CR4_DE);
	if (watching || c->debug_watch)
		mmu_flush_all(c);
	c->debug_watch = watching;
}

uint32_t
debug_at(const struct cpu *c)
{
	uint64_t la = c->rip;
	uint32_t hit = 0;

	if (!cpu_code64(c))
		la = (uint32_t)(la + c->seg[X86_CS].base);
	for (unsigned n = 0; n < NDR; n++)
		if (is_enabled(c, n) && access_of(c, n) == DEBUG_EXEC &&
		    c->dr[n] == la)
			hit |= 1u << n;
	return hit;
}

/* A field's address counts without the bits of its length. */
static uint64_t
start_of(const struct cpu *c, unsigned n)
{
	return c->dr[n] & ~(uint64_t)(length_of(c, n) - 1);
}

bool
debug_watched(const struct cpu *c, uint64_t la)
{
	uint32_t nwatch =
	    atomic_load_explicit(&c->vm->nwatch, memory_order_relaxed);

	for (unsigned n = 0; n < NDR; n++)
		if (is_enabled(c, n) && (access_of(c, n) & DEBUG_WRITE) &&
		    (c->dr[n] ^ la) >> PAGE_SHIFT == 0)
			return true;
	for (uint32_t i = 0; i < nwatch; i++) {
		const struct soft_watch *w = &c->vm->watches[i];

		if (overlaps(w->la, w->len, la & ~4095ull, 4096))
			return true;
	}
	return false;
}

static uint32_t
hits(const struct cpu *c, uint64_t la, unsigned len, bool write)
{
	uint32_t hit = 0;
	uint32_t nwatch =
	    atomic_load_explicit(&c->vm->nwatch, memory_order_relaxed);

	for (unsigned n = 0; n < NDR; n++)
		if (is_enabled(c, n) &&
		    (access_of(c, n) == DEBUG_ANY ||
		     (access_of(c, n) == DEBUG_WRITE && write)) &&
		    overlaps(start_of(c, n), length_of(c, n), la, len))
			hit |= 1u << n;
	for (uint32_t i = 0; i < nwatch; i++) {
		const struct soft_watch *w = &c->vm->watches[i];

		if (!(write ? w->write : w->read) ||
		    !overlaps(w->la, w->len, la, len))
			continue;
		hit |= DEBUG_HIT_HOST;
		c->vcpu->watched_la = w->la;
		c->vcpu->watched = !w->read ? 'w' : !w->write ? 'r' : 'a';
	}
	return hit;
}

static bool
note(struct cpu *c, uint32_t hit)
{
	if (hit == 0 || c->delivering)
		return true;
	if (!(c->mode & CM_SHADOW)) {
		c->exc.pending = false;
		c->one_insn = true;
		return false;
	}
	c->debug_hit |= hit;
	/* A repetition stops here. */
	atomic_fetch_or(&c->ev, EV_TRAP);
	return true;
}

bool
debug_data(struct cpu *c, uint64_t la, unsigned len, bool write)
{
	return note(c, hits(c, la, len, write));
}

bool
debug_port(struct cpu *c, uint16_t port, unsigned len)
{
	uint32_t hit = 0;

	if (!c->debug_io)
		return true;
	for (unsigned n = 0; n < NDR; n++)
		if (is_enabled(c, n) && access_of(c, n) == DEBUG_IO &&
		    overlaps(start_of(c, n), length_of(c, n), port, len))
			hit |= 1u << n;
	return note(c, hit);
}
