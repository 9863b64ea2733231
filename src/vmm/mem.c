/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.c - segments of guest memory, each one private anonymous mapping: only
 * such memory gets huge pages on a host as it comes, and these spare KVM most
 * of a guest's page faults. Which pages are there /proc/self/pagemap tells,
 * opened while the process still may; without it every page counts.
 *
 * Segments are sorted by address and never move; lookups are a walk over at
 * most GUEST_MAX_SEGMENTS rows without a lock.
 */
#include "vmm/mem.h"

#include <sys/mman.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "linux/caps.h"

#define PAGE_THERE (3ull << 62) /* in memory, or swapped out */

struct guest_mem {
	int pagemap; /* -1: none */
	struct guest_segment seg[GUEST_MAX_SEGMENTS];
	size_t n;
	void (*on_written)(void *ctx, uint64_t gpa, uint64_t len);
	void *ctx;
};

/* Opened without rights: whoever opens it with them reads from it, for as long
 * as it is open, where in the host's memory the pages are. -1: not to be had.
 */
static int
open_pagemap(void)
{
	struct error err;
	uint64_t old, none;
	int fd;

	if (caps_effective(0, &old, &err) < 0)
		return -1;
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (caps_effective(old, &none, &err) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int
guest_mem_new(struct guest_mem **out_mem, struct error *err)
{
	struct guest_mem *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return error_set(err, -ENOMEM, "guest memory");
	m->pagemap = open_pagemap();
	*out_mem = m;
	return 0;
}

void
guest_mem_free(struct guest_mem *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++) {
		munmap(m->seg[i].host, m->seg[i].size);
		free(m->seg[i].page_flags);
	}
	if (m->pagemap >= 0)
		close(m->pagemap);
	free(m);
}

/* Where gpa..gpa+size goes in the sorted array, or -EEXIST. */
static int
place(const struct guest_mem *m, uint64_t gpa, uint64_t size)
{
	size_t i = 0;

	while (i < m->n && m->seg[i].gpa + m->seg[i].size <= gpa)
		i++;
	if (i < m->n && m->seg[i].gpa < gpa + size)
		return -EEXIST;
	return (int)i;
}

/* Size bytes whose address is as far from a huge page's as gpa is: only then
 * can KVM map one as a whole. MAP_FAILED. */
static void *
map(uint64_t gpa, uint64_t size)
{
	const uint64_t huge = 2 << 20;
	uint64_t room = size + huge, skip;
	uint8_t *p;

	if (room < size)
		return MAP_FAILED;
	p = mmap(NULL, room, PROT_READ | PROT_WRITE,
	         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return p;
	skip = (gpa - (uintptr_t)p) % huge;
	if (skip > 0)
		munmap(p, skip);
	if (skip < huge)
		munmap(p + skip + size, huge - skip);
	return p + skip;
}

int
guest_mem_add(struct guest_mem *m, enum guest_mem_kind kind, uint64_t gpa,
              uint64_t size, struct error *err)
{
	uint64_t end;
	void *host;
	int at;

	if (m->n == GUEST_MAX_SEGMENTS)
		return error_set(err, -ENOSPC, "guest memory: over %d segments",
		                 GUEST_MAX_SEGMENTS);
	if (size == 0 || (gpa | size) % GUEST_PAGE != 0 ||
	    __builtin_add_overflow(gpa, size, &end))
		return error_set(err, -EINVAL,
		                 "guest memory %#" PRIx64 " of %#" PRIx64, gpa,
		                 size);
	at = place(m, gpa, size);
	if (at < 0)
		return error_set(err, at, "guest memory %#" PRIx64 " overlaps",
		                 gpa);
	host = map(gpa, size);
	if (host == MAP_FAILED)
		return error_sys(err, "map guest memory of %" PRIu64 " bytes",
		                 size);
	/* These only ask: a host without huge pages is slower, not wrong. */
	(void)madvise(host, size, MADV_HUGEPAGE);
	(void)madvise(host, size, MADV_DONTDUMP);
	(void)madvise(host, size, MADV_DONTFORK); /* helpers need none of it */
	memmove(&m->seg[at + 1], &m->seg[at],
	        (m->n - (size_t)at) * sizeof(m->seg[0]));
	m->seg[at] = (struct guest_segment){
		.gpa = gpa,
		.size = size,
		.host = host,
		.kind = kind,
	};
	m->n++;
	return 0;
}

const struct guest_segment *
guest_mem_find(const struct guest_mem *m, uint64_t gpa)
{
	for (size_t i = 0; i < m->n; i++)
		if (gpa - m->seg[i].gpa < m->seg[i].size)
			return &m->seg[i];
	return NULL;
}

size_t
guest_mem_segments(const struct guest_mem *m, const struct guest_segment **out)
{
	*out = m->seg;
	return m->n;
}

int
guest_mem_flags(struct guest_mem *m, struct error *err)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->seg[i].page_flags != NULL)
			continue;
		m->seg[i].page_flags = calloc(m->seg[i].size / GUEST_PAGE, 1);
		if (m->seg[i].page_flags == NULL)
			return error_set(err, -ENOMEM, "flags of guest pages");
	}
	return 0;
}

/* Which of the n pages from host on are there; all, where nobody tells. */
static void
look(const struct guest_mem *m, const uint8_t *host, size_t n, uint64_t *there)
{
	struct iovec v = { there, n * sizeof(*there) };
	off_t at = (off_t)((uintptr_t)host / GUEST_PAGE * sizeof(*there));

	if (m->pagemap < 0 ||
	    preadv(m->pagemap, &v, 1, at) != (ssize_t)v.iov_len)
		memset(there, 0xff, v.iov_len);
}

bool
guest_mem_kept(const struct guest_mem *m, const struct guest_segment *s,
               uint64_t at, uint64_t *out_at, uint64_t *out_end)
{
	uint64_t there[256], page = at / GUEST_PAGE,
	                     last = s->size / GUEST_PAGE;
	bool found = false;

	while (page < last) {
		size_t n = last - page < ARRAY_LEN(there) ? last - page
		                                          : ARRAY_LEN(there);

		look(m, s->host + page * GUEST_PAGE, n, there);
		for (size_t i = 0; i < n; i++, page++) {
			bool is = (there[i] & PAGE_THERE) != 0;

			if (is == found)
				continue;
			if (found) {
				*out_end = page * GUEST_PAGE;
				return true;
			}
			*out_at = page * GUEST_PAGE;
			found = true;
		}
	}
	*out_end = s->size;
	return found;
}

uint64_t
guest_mem_resident(const struct guest_mem *m)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->n; i++) {
		uint64_t at = 0, end = 0;

		while (guest_mem_kept(m, &m->seg[i], end, &at, &end))
			bytes += end - at;
	}
	return bytes;
}

void
guest_mem_clear(struct guest_mem *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct guest_segment *s = &m->seg[i];

		if (s->kind != GUEST_RAM)
			continue;
		/* Wired memory stays. */
		if (madvise(s->host, s->size, MADV_DONTNEED) < 0)
			memset(s->host, 0, s->size);
		guest_mem_written(m, s->gpa, s->size);
	}
}

void *
guest_mem_at(const struct guest_mem *m, uint64_t gpa, uint64_t len, int write)
{
	const struct guest_segment *s = guest_mem_find(m, gpa);

	if (s == NULL || len > s->size - (gpa - s->gpa))
		return NULL;
	if (write && s->kind != GUEST_RAM)
		return NULL;
	return s->host + (gpa - s->gpa);
}

void
guest_mem_written(struct guest_mem *m, uint64_t gpa, uint64_t len)
{
	if (m->on_written != NULL && len > 0)
		m->on_written(m->ctx, gpa, len);
}

int
guest_mem_read(const struct guest_mem *m, uint64_t gpa, void *buf, size_t len)
{
	const void *p = guest_mem_at(m, gpa, len, 0);

	if (p == NULL)
		return -EFAULT;
	memcpy(buf, p, len);
	return 0;
}

int
guest_mem_write(struct guest_mem *m, uint64_t gpa, const void *buf, size_t len)
{
	void *p = guest_mem_at(m, gpa, len, 1);

	if (p == NULL)
		return -EFAULT;
	memcpy(p, buf, len);
	guest_mem_written(m, gpa, len);
	return 0;
}

int
guest_mem_load(struct guest_mem *m, uint64_t gpa, const void *buf, size_t len)
{
	void *p = guest_mem_at(m, gpa, len, 0);

	if (p == NULL)
		return -EFAULT;
	memcpy(p, buf, len);
	guest_mem_written(m, gpa, len);
	return 0;
}

void
guest_mem_on_written(struct guest_mem *m,
                     void (*fn)(void *ctx, uint64_t gpa, uint64_t len),
                     void *ctx)
{
	m->on_written = fn;
	m->ctx = ctx;
}
