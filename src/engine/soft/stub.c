/* SPDX-License-Identifier: BSD-2-Clause */
/* stub.c - the cache of stubs: slots in the order they were made, found by a
 * hash of their bytes. Slots are never reused, so whoever has an address keeps
 * it. One lock; it is taken when blocks are made, not when they run.
 */
#include "engine/soft/stub.h"

#include <sys/mman.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 700 encodings without an immediate, 60 with one of 256: 16,000. */
enum { NSLOTS = 1 << 15, NHASH = NSLOTS * 2 };

struct stubs {
	pthread_mutex_t lock;
	uint8_t *write, *exec;
	unsigned n;
	uint16_t hash[NHASH]; /* slot + 1 */
};

static bool
map_twice(struct stubs *s)
{
	size_t len = (size_t)NSLOTS * STUB_MAX;
	int fd = memfd_create("gaol-stubs", MFD_CLOEXEC);
	void *w, *x;

	if (fd < 0)
		return false;
	if (ftruncate(fd, (off_t)len) < 0) {
		close(fd);
		return false;
	}
	w = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	x = mmap(NULL, len, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	close(fd);
	s->write = w == MAP_FAILED ? NULL : w;
	s->exec = x == MAP_FAILED ? NULL : x;
	return s->write != NULL && s->exec != NULL;
}

int
stubs_new(struct stubs **out)
{
	struct stubs *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	if (!map_twice(s)) {
		int e = errno == ENOMEM ? -ENOMEM : -EACCES;

		stubs_free(s);
		return e;
	}
	*out = s;
	return 0;
}

void
stubs_free(struct stubs *s)
{
	if (s == NULL)
		return;
	if (s->write != NULL)
		munmap(s->write, (size_t)NSLOTS * STUB_MAX);
	if (s->exec != NULL)
		munmap(s->exec, (size_t)NSLOTS * STUB_MAX);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static uint32_t
hash_of(const uint8_t *b)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (unsigned i = 0; i < STUB_MAX; i++)
		h = (h ^ b[i]) * 16777619u;
	return h ^ h >> 15;
}

const void *
stub_get(struct stubs *s, const struct code *k)
{
	uint8_t slot[STUB_MAX];
	const void *found = NULL;
	uint32_t h;

	memset(slot, 0xcc, sizeof(slot)); /* INT3 behind the end */
	memcpy(slot, k->b, k->n);
	h = hash_of(slot) % NHASH;
	pthread_mutex_lock(&s->lock);
	while (s->hash[h] != 0 &&
	       memcmp(s->write + (s->hash[h] - 1) * (size_t)STUB_MAX, slot,
	              STUB_MAX) != 0)
		h = (h + 1) % NHASH;
	if (s->hash[h] == 0 && s->n < NSLOTS) {
		memcpy(s->write + s->n * (size_t)STUB_MAX, slot, STUB_MAX);
		s->hash[h] = (uint16_t)++s->n;
	}
	if (s->hash[h] != 0)
		found = s->exec + (s->hash[h] - 1) * (size_t)STUB_MAX;
	pthread_mutex_unlock(&s->lock);
	return found;
}

void
code_put(struct code *k, const uint8_t *b, unsigned n)
{
	memcpy(k->b + k->n, b, n);
	k->n += n;
}

void
code_insn(struct code *k, const struct x86_insn *in, uint8_t modrm)
{
	/* The operand size 16 counts for CRC32 alone. */
	bool p66 = in->prefix == 0xf2 && in->map == 2 && in->opsize == 2;

	if (p66)
		CODE(k, 0x66);
	if (in->prefix != 0)
		CODE(k, in->prefix);
	if (in->rex & 8)
		CODE(k, 0x48);
	if (in->map != 0)
		CODE(k, 0x0f);
	if (in->map > 1)
		CODE(k, in->map == 2 ? 0x38 : 0x3a);
	CODE(k, in->bytes[in->opcode_at], modrm);
	if (in->imm_at != 0)
		CODE(k, in->bytes[in->imm_at]);
}
