/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_virtqueue.c - a hostile driver of a split virtqueue.
 *
 * The input is a program: each step either changes guest memory, where rings,
 * tables and buffers all lie, or has the device use the queue. What the queue
 * hands out must lie in guest memory and be as long as it says; the device's
 * writes are made, so that they hit rings, too.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dev/virtio/queue.h"
#include "vmm/mem.h"

enum { BYTES = 0x4000, ROOM = 16, HELD = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
	const uint8_t *p;
	size_t left;
};

struct held {
	struct virtq_chain c;
	struct iovec iov[ROOM];
	uint64_t gpa[ROOM];
	int is;
};

static uint64_t
take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0 && in->left > 0) {
		v = v << 8 | *in->p++;
		in->left--;
	}
	return v;
}

static void
check(const struct guest_mem *mem, const struct virtq_chain *c)
{
	uint64_t sum[2] = { 0, 0 };

	if (c->nread + c->nwrite > c->room)
		abort();
	for (unsigned i = 0; i < c->nread + c->nwrite; i++) {
		if (guest_mem_at(mem, c->gpa[i], c->iov[i].iov_len,
		                 i >= c->nread) != c->iov[i].iov_base)
			abort();
		sum[i >= c->nread] += c->iov[i].iov_len;
	}
	if (sum[0] != c->read_bytes || sum[1] != c->write_bytes)
		abort();
}

static void
use(struct input *in, struct guest_mem *mem, struct virtq *q, struct held *h)
{
	uint8_t bytes[64];

	memset(bytes, (int)take(in, 1), sizeof(bytes));
	switch (take(in, 1) % 6) {
	case 0:
		if (h->is)
			break;
		h->c = (struct virtq_chain){ .iov = h->iov,
			                     .gpa = h->gpa,
			                     .room = ROOM };
		h->is = virtq_pop(q, &h->c) == 1;
		if (h->is)
			check(mem, &h->c);
		break;
	case 1:
		if (!h->is)
			break;
		(void)virtq_copy_in(&h->c, take(in, 1), bytes, sizeof(bytes));
		(void)virtq_copy_out(&h->c, take(in, 1), bytes, sizeof(bytes));
		virtq_push(q, &h->c, (uint32_t)take(in, 2));
		h->is = 0;
		break;
	case 2:
		(void)virtq_publish(q);
		break;
	case 3:
		(void)virtq_idle(q);
		break;
	case 4:
		virtq_busy(q);
		break;
	default:
		if (virtq_waiting(q) > VIRTQ_MAX_SIZE)
			abort();
	}
}

static void
step(struct input *in, struct guest_mem *mem, struct virtq *q,
     struct held held[HELD])
{
	uint8_t op = (uint8_t)take(in, 1);
	struct virtq_rings at;
	uint64_t gpa, v;

	switch (op % 4) {
	case 0: /* one ring word */
		gpa = take(in, 2) & ~1ull;
		v = take(in, 2);
		(void)guest_mem_write(mem, gpa, &v, 2);
		break;
	case 1: /* a descriptor, fields as the guest likes */
		gpa = take(in, 2) & ~15ull;
		for (unsigned i = 0; i < 16; i += 2) {
			v = take(in, 1 + (op >> 2) % 2);
			(void)guest_mem_write(mem, gpa + i, &v, 2);
		}
		break;
	case 2:
		at.desc = take(in, 2) & ~15ull;
		at.avail = take(in, 2) & ~1ull;
		at.used = take(in, 2) & ~3ull;
		at.size = (uint16_t)(1 << take(in, 1) % 12);
		/* Buffers taken from the old rings are gone with them. */
		for (unsigned i = 0; i < HELD; i++)
			held[i].is = 0;
		(void)virtq_setup(q, mem, &at, take(in, 1) << 28);
		break;
	default:
		use(in, mem, q, &held[(op >> 2) % HELD]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct held held[HELD];
	struct input in = { data, len };
	struct guest_mem *mem = NULL;
	struct virtq q;
	struct error err;

	if (guest_mem_new(&mem, &err) < 0 ||
	    guest_mem_add(mem, GUEST_RAM, 0, BYTES, &err) < 0 ||
	    guest_mem_add(mem, GUEST_ROM, BYTES, 0x1000, &err) < 0)
		abort();
	memset(held, 0, sizeof(held));
	virtq_reset(&q);
	while (in.left > 0)
		step(&in, mem, &q, held);
	guest_mem_free(mem);
	return 0;
}
