/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_fake.c - the fake driver's rings. Whatever fails here is the test's
 * own mistake.
 */
#include "dev/virtio/driver_fake.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vmm/mem.h"

struct guest_mem *
fake_memory(uint64_t bytes)
{
	struct guest_mem *mem = NULL;
	struct error err;

	if (guest_mem_new(&mem, &err) < 0 ||
	    guest_mem_add(mem, GUEST_RAM, 0, bytes, &err) < 0)
		abort();
	return mem;
}

void
fake_put(struct guest_mem *mem, uint64_t gpa, const void *p, size_t len)
{
	if (guest_mem_write(mem, gpa, p, len) < 0)
		abort();
}

void
fake_get(struct guest_mem *mem, uint64_t gpa, void *p, size_t len)
{
	if (guest_mem_read(mem, gpa, p, len) < 0)
		abort();
}

void
fake_put16(struct guest_mem *mem, uint64_t gpa, uint16_t v)
{
	uint16_t *p = guest_mem_at(mem, gpa, 2, 1);

	if (p == NULL)
		abort();
	__atomic_store_n(p, v, __ATOMIC_SEQ_CST);
}

uint16_t
fake_get16(struct guest_mem *mem, uint64_t gpa)
{
	uint16_t *p = guest_mem_at(mem, gpa, 2, 0);

	if (p == NULL)
		abort();
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

void
fake_init(struct fake_driver *d, struct guest_mem *mem, uint64_t base,
          uint16_t size)
{
	uint64_t avail = base + 16 * (uint64_t)size;

	*d = (struct fake_driver){
		.mem = mem,
		.at = { base, avail,
		        (avail + 6 + 2 * (uint64_t)size + 4095) & ~4095ull,
		        size },
	};
}

void
fake_desc(struct fake_driver *d, uint64_t table, unsigned i, uint64_t addr,
          uint32_t len, uint16_t flags, uint16_t next)
{
	uint64_t at = table + 16 * (uint64_t)i;

	fake_put(d->mem, at, &addr, sizeof(addr));
	fake_put(d->mem, at + 8, &len, sizeof(len));
	fake_put(d->mem, at + 12, &flags, sizeof(flags));
	fake_put(d->mem, at + 14, &next, sizeof(next));
}

void
fake_offer(struct fake_driver *d, uint16_t head)
{
	unsigned slot = d->offered % d->at.size;

	fake_put16(d->mem, d->at.avail + 4 + 2 * (uint64_t)slot, head);
	fake_put16(d->mem, d->at.avail + 2, ++d->offered);
}

uint16_t
fake_buffer(struct fake_driver *d, const struct fake_part *parts, unsigned n)
{
	uint16_t head = d->next % d->at.size;

	for (unsigned i = 0; i < n; i++) {
		uint16_t at = d->next++ % d->at.size;

		fake_desc(
		    d, d->at.desc, at, parts[i].addr, parts[i].len,
		    (uint16_t)(parts[i].flags | (i + 1 < n ? FAKE_NEXT : 0)),
		    d->next % d->at.size);
	}
	fake_offer(d, head);
	return head;
}

bool
fake_used(struct fake_driver *d, uint32_t *id, uint32_t *len)
{
	uint64_t at = d->at.used + 4 + 8 * (uint64_t)(d->seen % d->at.size);

	if (fake_get16(d->mem, d->at.used + 2) == d->seen)
		return false;
	d->seen++;
	fake_get(d->mem, at, id, sizeof(*id));
	fake_get(d->mem, at + 4, len, sizeof(*len));
	return true;
}
