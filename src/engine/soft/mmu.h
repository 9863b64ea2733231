/* SPDX-License-Identifier: BSD-2-Clause */
/* mmu.h - guest linear memory: software TLB, page walks, slow paths.
 *
 * la is a linear address: segment base added, limits already checked. All give
 * false with c->exc set when the guest faults. Accesses may cross pages and hit
 * MMIO; single aligned accesses are single on the host, too. Source: Intel SDM
 * 3A chapter 4.
 *
 * A store that drops blocks (block_hit()) may hit the one that executes, which
 * then must not go on after it. Unless CM_SHADOW is in c->mode, a function
 * gives false with no exception pending and with c->one_insn set, nothing
 * having been stored: the handler fails as for a fault, and the run loop runs
 * that instruction again as a block of its own.
 */
#ifndef SOFT_MMU_H
#define SOFT_MMU_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"

struct tlbe {                  /* 32 bytes: tlb_at() counts on it */
	uint64_t tag_r, tag_w; /* la of the page, or tlb_none(): no right */
	uintptr_t addend;      /* host address = la + addend */
	uint64_t gpa;          /* of the page; bits 11:0 flags of mmu.c */
};
/* A tag that no la meeting entry i can be near: its page belongs elsewhere. */
static inline uint64_t
tlb_none(uint32_t i)
{
	return (uint64_t)(i ^ 1) << 12;
}

bool mmu_load_slow(struct cpu *c, uint64_t la, unsigned size, void *out);
bool mmu_store_slow(struct cpu *c, uint64_t la, unsigned size, const void *v);

/* The entry that may hold la. */
static inline struct tlbe *
tlb_at(const struct cpu *c, uint64_t la)
{
	return (struct tlbe *)(void *)((char *)c->tlb.e +
	                               ((la >> 7) & c->tlb.mask));
}

/* Guest memory: of any type, anywhere; one access each. */
typedef uint8_t mmu_u8 __attribute__((may_alias));
typedef uint16_t mmu_u16 __attribute__((may_alias, aligned(1)));
typedef uint32_t mmu_u32 __attribute__((may_alias, aligned(1)));
typedef uint64_t mmu_u64 __attribute__((may_alias, aligned(1)));

#define MMU_ACCESS(bits)                                                       \
	static inline bool mmu_load##bits(struct cpu *c, uint64_t la,          \
	                                  uint##bits##_t *out)                 \
	{                                                                      \
		const struct tlbe *e = tlb_at(c, la);                          \
		if (__builtin_expect((la ^ e->tag_r) <= 4096 - bits / 8, 1)) { \
			*out =                                                 \
			    *(const volatile mmu_u##bits *)(la + e->addend);   \
			return true;                                           \
		}                                                              \
		return mmu_load_slow(c, la, bits / 8, out);                    \
	}                                                                      \
	static inline bool mmu_store##bits(struct cpu *c, uint64_t la,         \
	                                   uint##bits##_t v)                   \
	{                                                                      \
		const struct tlbe *e = tlb_at(c, la);                          \
		if (__builtin_expect((la ^ e->tag_w) <= 4096 - bits / 8, 1)) { \
			*(volatile mmu_u##bits *)(la + e->addend) = v;         \
			return true;                                           \
		}                                                              \
		return mmu_store_slow(c, la, bits / 8, &v);                    \
	}
MMU_ACCESS(8)
MMU_ACCESS(16)
MMU_ACCESS(32)
MMU_ACCESS(64)

/* Read-modify-write: host pointer to size bytes at la with write rights
 * checked, or into b filled by a read; mmu_rmw_end() writes b back when it was
 * used. Locked operations on the pointer are the host's locked operations. */
struct mmu_bounce {
	_Alignas(16) uint8_t data[64];
	uint64_t la;
	uint64_t gpa;
	unsigned size; /* 0: nothing to do at the end */
	bool in_place; /* the pointer was the guest's: code may lie there */
};
void *mmu_rmw(struct cpu *c, uint64_t la, unsigned size, struct mmu_bounce *b);
void mmu_rmw_end(struct cpu *c, struct mmu_bounce *b);

/* Any size up to 4096, all or nothing: rights of every page are checked before
 * the first byte moves. */
bool mmu_read(struct cpu *c, uint64_t la, void *buf, unsigned len);
bool mmu_write(struct cpu *c, uint64_t la, const void *buf, unsigned len);
/* Supervisor rights whatever the CPL: descriptor tables, TSS, IDT. */
bool mmu_read_sys(struct cpu *c, uint64_t la, void *buf, unsigned len);
bool mmu_write_sys(struct cpu *c, uint64_t la, const void *buf, unsigned len);

/* For REP: host pointer to as many bytes as *len (at most to the page's end)
 * of plain memory, or NULL: go by elements (MMIO, code, fault pending). */
void *mmu_span(struct cpu *c, uint64_t la, bool write, unsigned *len);

/* Fetch: the guest-physical address of code at la, and the host bytes up to
 * the page's end (NULL in MMIO). Faults with X86_PF_I. Sets c->fetch_global. */
bool mmu_fetch(struct cpu *c, uint64_t la, uint64_t *gpa, const uint8_t **host);

/* Without faulting or setting A/D bits, for the debugger. */
bool mmu_peek(struct cpu *c, uint64_t la, uint64_t *gpa);

/* Take write tags from every entry of the page at gpa: it becomes code. On c's
 * thread or while it is parked. */
void mmu_protect(struct cpu *c, uint64_t gpa);

int mmu_init(struct cpu *c);
void mmu_fini(struct cpu *c);
void mmu_select(struct cpu *c); /* after CPL, AC, CR0.WP, SMAP */
void mmu_flush_all(struct cpu *c);
void mmu_flush_local(struct cpu *c); /* CR3: keeps global entries */
void mmu_flush_page(struct cpu *c, uint64_t la);
/* As new: the memory that sets grew into goes back. While c stands still. */
void mmu_rest(struct cpu *c);
#endif
