/* SPDX-License-Identifier: BSD-2-Clause */
/* bus.c - ranges sorted by address behind a reader-writer lock.
 *
 * The lock covers the lookup alone: a handler may add and remove ranges, and
 * an access that meets a range being moved sees it in one place or the other.
 */
#include "vmm/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { BUS_MAX_RANGES = 1024, BUS_MAX_NOTIFY = 1024 };

struct range {
	uint64_t base, size;
	const struct bus_ops *ops;
	void *ctx;
};

struct notify {
	uint64_t addr, match;
	unsigned size;
	bool match_any;
	int fd;
};

struct bus {
	pthread_rwlock_t lock;
	uint64_t limit; /* first address beyond the bus; 0: 2^64 */
	size_t n, nnotify;
	struct bus_signaller signaller; /* add NULL: none */
	struct range range[BUS_MAX_RANGES];
	struct notify notify[BUS_MAX_NOTIFY];
};

int
bus_new(uint64_t limit, struct bus **out_bus, struct error *err)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return error_set(err, -ENOMEM, "bus");
	b->limit = limit;
	pthread_rwlock_init(&b->lock, NULL);
	*out_bus = b;
	return 0;
}

void
bus_free(struct bus *b)
{
	if (b == NULL)
		return;
	pthread_rwlock_destroy(&b->lock);
	free(b);
}

/* The first range that ends beyond addr. */
static size_t
find(const struct bus *b, uint64_t addr)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct range *r = &b->range[mid];

		if (r->base + (r->size - 1) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
add(struct bus *b, const struct range *r)
{
	uint64_t last = r->base + (r->size - 1);
	size_t at = find(b, r->base);

	if (at < b->n && b->range[at].base <= last)
		return -EEXIST;
	if (b->n == BUS_MAX_RANGES)
		return -ENOSPC;
	memmove(&b->range[at + 1], &b->range[at],
	        (b->n - at) * sizeof(b->range[0]));
	b->range[at] = *r;
	b->n++;
	return 0;
}

int
bus_add(struct bus *b, uint64_t base, uint64_t size, const struct bus_ops *ops,
        void *ctx, struct error *err)
{
	const struct range r = { base, size, ops, ctx };
	uint64_t last;
	int rc;

	if (size == 0 || __builtin_add_overflow(base, size - 1, &last) ||
	    (b->limit != 0 && last >= b->limit))
		return error_set(err, -ERANGE,
		                 "%s at %#" PRIx64 ": off the bus", ops->name,
		                 base);
	pthread_rwlock_wrlock(&b->lock);
	rc = add(b, &r);
	pthread_rwlock_unlock(&b->lock);
	if (rc < 0)
		return error_set(
		    err, rc, "%s at %#" PRIx64 ": %s", ops->name, base,
		    rc == -EEXIST ? "overlaps" : "too many ranges");
	return 0;
}

void
bus_remove(struct bus *b, uint64_t base, const struct bus_ops *ops)
{
	size_t at;

	pthread_rwlock_wrlock(&b->lock);
	at = find(b, base);
	if (at < b->n && b->range[at].base == base && b->range[at].ops == ops) {
		b->n--;
		memmove(&b->range[at], &b->range[at + 1],
		        (b->n - at) * sizeof(b->range[0]));
	}
	pthread_rwlock_unlock(&b->lock);
}

/* Copies out the range that holds all of addr..addr+size. */
static bool
lookup(struct bus *b, uint64_t addr, unsigned size, struct range *out)
{
	bool found = false;
	size_t at;

	pthread_rwlock_rdlock(&b->lock);
	at = find(b, addr);
	if (at < b->n && b->range[at].base <= addr &&
	    b->range[at].size - (addr - b->range[at].base) >= size) {
		*out = b->range[at];
		found = true;
	}
	pthread_rwlock_unlock(&b->lock);
	return found;
}

static uint64_t
ones(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

bool
bus_read(struct bus *b, uint64_t addr, unsigned size, uint64_t *v)
{
	struct range r;

	*v = ones(size);
	if (!lookup(b, addr, size, &r))
		return false;
	if (r.ops->read != NULL)
		*v &= r.ops->read(r.ctx, addr - r.base, size);
	return true;
}

/* The eventfd of somebody who waits for this write, or -1. The lock is held. */
static int
notify_fd(const struct bus *b, uint64_t addr, unsigned size, uint64_t v)
{
	for (size_t i = 0; i < b->nnotify; i++) {
		const struct notify *n = &b->notify[i];

		if (n->addr == addr && (n->size == 0 || n->size == size) &&
		    (n->match_any || n->match == v))
			return n->fd;
	}
	return -1;
}

/* Signals under the lock: who removed its notifier may close fd at once. */
static bool
notify(struct bus *b, uint64_t addr, unsigned size, uint64_t v)
{
	const uint64_t one = 1;
	int fd;

	pthread_rwlock_rdlock(&b->lock);
	fd = notify_fd(b, addr, size, v);
	/* A full counter means that the signal is there already. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		fd = -1;
	pthread_rwlock_unlock(&b->lock);
	return fd >= 0;
}

bool
bus_write(struct bus *b, uint64_t addr, unsigned size, uint64_t v)
{
	struct range r;

	if (notify(b, addr, size, v & ones(size)))
		return true;
	if (!lookup(b, addr, size, &r))
		return false;
	if (r.ops->write != NULL)
		r.ops->write(r.ctx, addr - r.base, size, v & ones(size));
	return true;
}

int
bus_add_notify(struct bus *b, uint64_t addr, unsigned size, bool match_any,
               uint64_t match, int fd, struct error *err)
{
	int rc = 0;

	pthread_rwlock_wrlock(&b->lock);
	if (b->nnotify == BUS_MAX_NOTIFY)
		rc = error_set(err, -ENOSPC, "over %d notifiers",
		               BUS_MAX_NOTIFY);
	else {
		b->notify[b->nnotify++] =
		    (struct notify){ addr, match, size, match_any, fd };
		if (b->signaller.add != NULL)
			(void)b->signaller.add(b->signaller.ctx, addr, size,
			                       match_any, match, fd);
	}
	pthread_rwlock_unlock(&b->lock);
	return rc;
}

void
bus_remove_notify(struct bus *b, uint64_t addr, int fd)
{
	pthread_rwlock_wrlock(&b->lock);
	for (size_t i = 0; i < b->nnotify; i++) {
		const struct notify n = b->notify[i];

		if (n.addr != addr || n.fd != fd)
			continue;
		b->notify[i] = b->notify[--b->nnotify];
		if (b->signaller.remove != NULL)
			b->signaller.remove(b->signaller.ctx, n.addr, n.size,
			                    n.match_any, n.match, n.fd);
		break;
	}
	pthread_rwlock_unlock(&b->lock);
}

void
bus_set_signaller(struct bus *b, const struct bus_signaller *s)
{
	pthread_rwlock_wrlock(&b->lock);
	b->signaller = *s;
	for (size_t i = 0; i < b->nnotify && s->add != NULL; i++)
		(void)s->add(s->ctx, b->notify[i].addr, b->notify[i].size,
		             b->notify[i].match_any, b->notify[i].match,
		             b->notify[i].fd);
	pthread_rwlock_unlock(&b->lock);
}
