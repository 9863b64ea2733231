/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.h - guest-physical memory: RAM, ROM and their one checked accessor.
 *
 * Owns the host memory behind the guest's. Segments are added before the guest
 * runs and stay for the VM's life, so lookups take no lock. A guest address is
 * hostile: everything but the engines' own page tables goes through
 * guest_mem_at(), guest_mem_read() and guest_mem_write(). Thread-safe.
 */
#ifndef VMM_MEM_H
#define VMM_MEM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct guest_mem;

enum { GUEST_PAGE = 4096, GUEST_MAX_SEGMENTS = 16 };

enum guest_mem_kind {
	GUEST_RAM,
	GUEST_ROM /* reads and fetches work; writes go to the mmio bus */
};

struct guest_segment {
	uint64_t gpa, size; /* bytes, page aligned */
	uint8_t *host;
	enum guest_mem_kind kind;
	/* One byte a page, of the engine: PG_CODE, PG_DIRTY ... NULL until it
	 * asks. */
	uint8_t *page_flags;
};

int guest_mem_new(struct guest_mem **out_mem, struct error *err);
void guest_mem_free(struct guest_mem *m); /* NULL is fine; unmaps */

/*
 * Add size bytes of zeroed memory at gpa (both page aligned). Nothing is
 * touched, so nothing is resident until the guest does. -EEXIST: overlaps.
 */
int guest_mem_add(struct guest_mem *m, enum guest_mem_kind kind, uint64_t gpa,
                  uint64_t size, struct error *err);

/* The segment that holds gpa, or NULL. For engines. */
const struct guest_segment *guest_mem_find(const struct guest_mem *m,
                                           uint64_t gpa);
size_t guest_mem_segments(const struct guest_mem *m,
                          const struct guest_segment **out);

/*
 * Host address of guest bytes [gpa, gpa+len), or NULL unless all of them lie in
 * one segment, which must be RAM when write is set. Lives as long as the VM.
 * Who wrote through it says so with guest_mem_written() before the guest is
 * told of it: a software CPU may hold code decoded from there.
 */
void *guest_mem_at(const struct guest_mem *m, uint64_t gpa, uint64_t len,
                   int write);
void guest_mem_written(struct guest_mem *m, uint64_t gpa, uint64_t len);

/* Copy; -EFAULT unless every byte is there (then nothing was copied). */
int guest_mem_read(const struct guest_mem *m, uint64_t gpa, void *buf,
                   size_t len);
int guest_mem_write(struct guest_mem *m, uint64_t gpa, const void *buf,
                    size_t len);

/* The host's own writing before the guest runs: into ROM, too. -EFAULT. */
int guest_mem_load(struct guest_mem *m, uint64_t gpa, const void *buf,
                   size_t len);

/* The first page at or after byte at of s that may hold something, to *out_at,
 * and where the first after it that holds nothing is, to *out_end: what was
 * never written need not be read. false: there is none. */
bool guest_mem_kept(const struct guest_mem *m, const struct guest_segment *s,
                    uint64_t at, uint64_t *out_at, uint64_t *out_end);

/* Bytes of it that the host keeps; the rest was never written. */
uint64_t guest_mem_resident(const struct guest_mem *m);

/* All of RAM zero again, and given back. While no vCPU runs. */
void guest_mem_clear(struct guest_mem *m);

/* Give each segment its page_flags, for an engine that needs them. */
int guest_mem_flags(struct guest_mem *m, struct error *err);

/* The engine's ear for guest_mem_written(); NULL: nobody listens. */
void guest_mem_on_written(struct guest_mem *m,
                          void (*fn)(void *ctx, uint64_t gpa, uint64_t len),
                          void *ctx);
#endif
