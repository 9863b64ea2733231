/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_fake.h - a driver for tests: it lays out one split ring in guest
 * memory of its own and offers buffers.
 */
#ifndef DEV_VIRTIO_DRIVER_FAKE_H
#define DEV_VIRTIO_DRIVER_FAKE_H
#include <stdbool.h>
#include <stdint.h>

#include "dev/virtio/queue.h"

enum { FAKE_NEXT = 1, FAKE_WRITE = 2, FAKE_INDIRECT = 4 };

struct fake_driver {
	struct guest_mem *mem;
	struct virtq_rings at;
	uint16_t offered; /* avail.idx */
	uint16_t seen;    /* used entries taken */
	uint16_t next;    /* the free descriptor fake_buffer() takes next */
};

/* RAM at 0 of bytes. */
struct guest_mem *fake_memory(uint64_t bytes);
/* Rings of size entries laid out from base on; legacy layout, page aligned. */
void fake_init(struct fake_driver *d, struct guest_mem *mem, uint64_t base,
               uint16_t size);
void fake_desc(struct fake_driver *d, uint64_t table, unsigned i, uint64_t addr,
               uint32_t len, uint16_t flags, uint16_t next);
/* Make the chain at head available. */
void fake_offer(struct fake_driver *d, uint16_t head);
/* One buffer of n parts {addr, len, FAKE_WRITE or 0}, offered; its head. */
struct fake_part {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
};
uint16_t fake_buffer(struct fake_driver *d, const struct fake_part *parts,
                     unsigned n);
/* Take one used entry; false: none. */
bool fake_used(struct fake_driver *d, uint32_t *id, uint32_t *len);

void fake_put(struct guest_mem *mem, uint64_t gpa, const void *p, size_t len);
void fake_get(struct guest_mem *mem, uint64_t gpa, void *p, size_t len);
void fake_put16(struct guest_mem *mem, uint64_t gpa, uint16_t v);
uint16_t fake_get16(struct guest_mem *mem, uint64_t gpa);
#endif
