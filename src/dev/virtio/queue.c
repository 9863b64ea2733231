/* SPDX-License-Identifier: BSD-2-Clause */
/* queue.c - a split virtqueue: walking descriptors, the rings' indexes and who
 * is to be woken.
 *
 * Ring words are read and written by atomics or through volatile, so that the
 * compiler cannot read twice what the guest may have changed in between.
 */
#include "dev/virtio/queue.h"

#include <errno.h>
#include <string.h>

#include "vmm/mem.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };
enum { DESC_BYTES = 16, USED_ELEM_BYTES = 8 };

/* VIRTIO 1.2, 2.7.5. An indirect table may lie at any address. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
} __attribute__((packed));

struct used_elem {
	uint32_t id, len;
};

/* Offsets in the avail and used rings (2.7.6, 2.7.8). */
static uint16_t *
avail_flags(const struct virtq *q)
{
	return (uint16_t *)(void *)q->avail;
}

static uint16_t *
avail_idx(const struct virtq *q)
{
	return (uint16_t *)(void *)(q->avail + 2);
}

static uint16_t *
avail_ring(const struct virtq *q, unsigned i)
{
	return (uint16_t *)(void *)(q->avail + 4 + 2 * (size_t)i);
}

static uint16_t *
used_event(const struct virtq *q)
{
	return avail_ring(q, q->at.size);
}

static uint16_t *
used_flags(const struct virtq *q)
{
	return (uint16_t *)(void *)q->used;
}

static uint16_t *
used_idx(const struct virtq *q)
{
	return (uint16_t *)(void *)(q->used + 2);
}

static size_t
used_ring_off(unsigned i)
{
	return 4 + USED_ELEM_BYTES * (size_t)i;
}

static uint16_t *
avail_event(const struct virtq *q)
{
	return (uint16_t *)(void *)(q->used + used_ring_off(q->at.size));
}

static uint16_t
load(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* Write one word of the used ring, in sight of the engine. */
static void
store(const struct virtq *q, uint16_t *p, uint16_t v)
{
	uint64_t off = (uint64_t)((uint8_t *)(void *)p - q->used);

	__atomic_store_n(p, v, __ATOMIC_RELEASE);
	guest_mem_written(q->mem, q->at.used + off, sizeof(*p));
}

int
virtq_setup(struct virtq *q, struct guest_mem *mem,
            const struct virtq_rings *at, uint64_t features)
{
	size_t n = at->size;
	uint8_t *desc, *avail, *used;

	virtq_reset(q);
	if (n == 0 || n > VIRTQ_MAX_SIZE || (n & (n - 1)) != 0 ||
	    at->desc % 16 != 0 || at->avail % 2 != 0 || at->used % 4 != 0)
		return -EINVAL;
	/* The event words are there with EVENT_IDX only; room for them is so
	 * often enough that a driver without it is asked for it, too. */
	desc = guest_mem_at(mem, at->desc, n * DESC_BYTES, 0);
	avail = guest_mem_at(mem, at->avail, 6 + 2 * n, 0);
	used = guest_mem_at(mem, at->used, 6 + USED_ELEM_BYTES * n, 1);
	if (desc == NULL || avail == NULL || used == NULL)
		return -EFAULT;
	q->mem = mem;
	q->at = *at;
	q->desc = desc;
	q->avail = avail;
	q->used = used;
	q->indirect = (features >> VIRTQ_F_INDIRECT & 1) != 0;
	q->event_idx = (features >> VIRTQ_F_EVENT_IDX & 1) != 0;
	return 0;
}

void
virtq_resume(struct virtq *q, uint16_t next_avail, uint16_t next_used)
{
	q->next_avail = q->seen_avail = next_avail;
	q->next_used = next_used;
	q->signalled_valid = false;
}

void
virtq_reset(struct virtq *q)
{
	*q = (struct virtq){ 0 };
}

static int
broken(struct virtq *q)
{
	q->broken = true;
	return -EPROTO;
}

unsigned
virtq_waiting(struct virtq *q)
{
	uint16_t n;

	if (!virtq_ready(q))
		return 0;
	q->seen_avail = __atomic_load_n(avail_idx(q), __ATOMIC_ACQUIRE);
	n = (uint16_t)(q->seen_avail - q->next_avail);
	if (n > q->at.size) {
		(void)broken(q);
		return 0;
	}
	return n;
}

static struct desc
desc_read(const uint8_t *table, unsigned i)
{
	const volatile struct desc *p =
	    (const volatile struct desc
	         *)(const volatile void *)(table + DESC_BYTES * (size_t)i);

	return (struct desc){ p->addr, p->len, p->flags, p->next };
}

static int
chain_add(const struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
	bool write = (d->flags & DESC_WRITE) != 0;
	unsigned n = c->nread + c->nwrite;
	uint64_t *bytes = write ? &c->write_bytes : &c->read_bytes;
	void *host;

	if (!write && c->nwrite > 0)
		return -EPROTO;
	if (d->len == 0)
		return 0;
	if (n == c->room || *bytes + d->len > UINT32_MAX)
		return -EPROTO;
	host = guest_mem_at(q->mem, d->addr, d->len, write);
	if (host == NULL)
		return -EPROTO;
	c->iov[n] = (struct iovec){ host, d->len };
	c->gpa[n] = d->addr;
	*bytes += d->len;
	if (write)
		c->nwrite++;
	else
		c->nread++;
	return 0;
}

/* Descriptors of one table, then perhaps of one indirect table (2.7.5.3). Each
 * table gives at most as many as it has: a loop ends there. */
static int
walk(const struct virtq *q, struct virtq_chain *c)
{
	const uint8_t *table = q->desc;
	unsigned n = q->at.size, left = n, i = c->head;
	bool inside = false;

	for (;;) {
		struct desc d;
		int rc;

		if (i >= n || left-- == 0)
			return -EPROTO;
		d = desc_read(table, i);
		if ((d.flags & DESC_INDIRECT) != 0) {
			if (inside || !q->indirect ||
			    (d.flags & DESC_NEXT) != 0 || d.len == 0 ||
			    d.len % DESC_BYTES != 0 ||
			    d.len / DESC_BYTES > VIRTQ_MAX_TABLE)
				return -EPROTO;
			table = guest_mem_at(q->mem, d.addr, d.len, 0);
			if (table == NULL)
				return -EPROTO;
			n = left = d.len / DESC_BYTES;
			i = 0;
			inside = true;
			continue;
		}
		rc = chain_add(q, c, &d);
		if (rc < 0 || (d.flags & DESC_NEXT) == 0)
			return rc;
		i = d.next;
	}
}

int
virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	if (q->broken)
		return -EPROTO;
	if (q->desc == NULL)
		return 0;
	if (q->next_avail == q->seen_avail && virtq_waiting(q) == 0)
		return q->broken ? -EPROTO : 0;
	c->head = load(avail_ring(q, q->next_avail & (q->at.size - 1u)));
	c->nread = c->nwrite = 0;
	c->read_bytes = c->write_bytes = 0;
	if (walk(q, c) < 0)
		return broken(q);
	q->next_avail++;
	return 1;
}

void
virtq_unpop(struct virtq *q, unsigned n)
{
	q->next_avail = (uint16_t)(q->next_avail - n);
}

/* Tell the engine which bytes of the guest's memory changed. */
static void
mark_written(const struct virtq *q, const struct virtq_chain *c, uint64_t bytes)
{
	unsigned n = c->nread + c->nwrite;

	for (unsigned i = c->nread; i < n && bytes > 0; i++) {
		uint64_t len = c->iov[i].iov_len;

		if (len > bytes)
			len = bytes;
		guest_mem_written(q->mem, c->gpa[i], len);
		bytes -= len;
	}
}

void
virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written)
{
	unsigned at = (q->next_used + q->staged) & (q->at.size - 1u);
	size_t off = used_ring_off(at);
	volatile struct used_elem *e;

	if (!virtq_ready(q))
		return;
	e = (volatile struct used_elem *)(volatile void *)(q->used + off);
	e->id = c->head;
	e->len = written;
	mark_written(q, c, written);
	guest_mem_written(q->mem, q->at.used + off, USED_ELEM_BYTES);
	q->staged++;
}

/* 2.7.7.2: does the driver want to hear of entry event, passed with the last
 * publication? */
static bool
event_passed(uint16_t event, uint16_t new_idx, uint16_t old_idx)
{
	return (uint16_t)(new_idx - event - 1) < (uint16_t)(new_idx - old_idx);
}

bool
virtq_publish(struct virtq *q)
{
	uint16_t old = q->signalled;
	bool valid = q->signalled_valid;

	if (!virtq_ready(q) || q->staged == 0)
		return false;
	q->next_used = (uint16_t)(q->next_used + q->staged);
	q->staged = 0;
	store(q, used_idx(q), q->next_used);
	/* The driver's wish is read after it can see what was published. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return (load(avail_flags(q)) & AVAIL_NO_INTERRUPT) == 0;
	q->signalled = q->next_used;
	q->signalled_valid = true;
	return !valid || event_passed(load(used_event(q)), q->next_used, old);
}

void
virtq_busy(struct virtq *q)
{
	/* With event indexes an old avail_event says it already. */
	if (virtq_ready(q) && !q->event_idx)
		store(q, used_flags(q), USED_NO_NOTIFY);
}

bool
virtq_idle(struct virtq *q)
{
	if (!virtq_ready(q))
		return true;
	if (q->event_idx)
		store(q, avail_event(q), q->next_avail);
	else
		store(q, used_flags(q), 0);
	/* What the driver adds before it sees our wish must be seen here. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_waiting(q) == 0;
}

unsigned
iov_slice(const struct iovec *iov, unsigned n, uint64_t off, uint64_t len,
          struct iovec *out)
{
	unsigned got = 0;

	for (unsigned i = 0; i < n && len > 0; i++) {
		uint64_t take = iov[i].iov_len;

		if (off >= take) {
			off -= take;
			continue;
		}
		take -= off;
		if (take > len)
			take = len;
		out[got].iov_base = (uint8_t *)iov[i].iov_base + off;
		out[got].iov_len = take;
		got++;
		len -= take;
		off = 0;
	}
	return got;
}

/* Copy between buf and n ranges from off on; in: buf is the source. */
static size_t
copy(const struct iovec *iov, unsigned n, uint64_t off, uint8_t *to,
     const uint8_t *from, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		uint64_t take = iov[i].iov_len;
		uint8_t *base = iov[i].iov_base;

		if (off >= take) {
			off -= take;
			continue;
		}
		take -= off;
		if (take > len - done)
			take = len - done;
		if (to != NULL)
			memcpy(to + done, base + off, take);
		else
			memcpy(base + off, from + done, take);
		done += take;
		off = 0;
	}
	return done;
}

size_t
virtq_copy_out(const struct virtq_chain *c, uint64_t off, void *buf, size_t len)
{
	return copy(c->iov, c->nread, off, buf, NULL, len);
}

size_t
virtq_copy_in(const struct virtq_chain *c, uint64_t off, const void *buf,
              size_t len)
{
	return copy(c->iov + c->nread, c->nwrite, off, NULL, buf, len);
}
