/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.c - segments of guest memory, each one memfd mapped shared, so that a
 * checkpoint can copy and a child can map it.
 *
 * Segments are sorted by address and never move; lookups are a walk over at
 * most GUEST_MAX_SEGMENTS rows without a lock.
 */
#include "vmm/mem.h"

#include <sys/mman.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct guest_mem {
	struct guest_segment seg[GUEST_MAX_SEGMENTS];
	size_t n;
	void (*on_written)(void *ctx, uint64_t gpa, uint64_t len);
	void *ctx;
};

int
guest_mem_new(struct guest_mem **out_mem, struct error *err)
{
	struct guest_mem *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return error_set(err, -ENOMEM, "guest memory");
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
		if (m->seg[i].fd >= 0)
			close(m->seg[i].fd);
	}
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

int
guest_mem_add(struct guest_mem *m, enum guest_mem_kind kind, uint64_t gpa,
              uint64_t size, struct error *err)
{
	cleanup_close int fd = -1;
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
	fd = memfd_create("guest", MFD_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "guest memory");
	if (ftruncate(fd, (off_t)size) < 0)
		return error_sys(err, "guest memory of %" PRIu64 " bytes",
		                 size);
	host = mmap(NULL, size, PROT_READ | PROT_WRITE,
	            MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (host == MAP_FAILED)
		return error_sys(err, "map guest memory of %" PRIu64 " bytes",
		                 size);
	/* Both only ask: a host without huge pages is slower, not wrong. */
	(void)madvise(host, size, MADV_HUGEPAGE);
	(void)madvise(host, size, MADV_DONTDUMP);
	memmove(&m->seg[at + 1], &m->seg[at],
	        (m->n - (size_t)at) * sizeof(m->seg[0]));
	m->seg[at] = (struct guest_segment){
		.gpa = gpa,
		.size = size,
		.host = host,
		.kind = kind,
		.fd = take_fd(&fd),
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

uint64_t
guest_mem_resident(const struct guest_mem *m)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->n; i++) {
		off_t at = 0, hole;

		while ((at = lseek(m->seg[i].fd, at, SEEK_DATA)) >= 0 &&
		       (hole = lseek(m->seg[i].fd, at, SEEK_HOLE)) > at) {
			bytes += (uint64_t)(hole - at);
			at = hole;
		}
	}
	return bytes;
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
