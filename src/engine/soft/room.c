/* SPDX-License-Identifier: BSD-2-Clause */
/* room.c - mappings of their own: malloc(3) would keep what is given back. */
#include "engine/soft/room.h"

#include <sys/mman.h>

#include <stdint.h>

#include "vmm/mem.h"

void *
room_new(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void
room_free(void *room, size_t bytes)
{
	if (room != NULL)
		munmap(room, bytes);
}

void
room_empty(void *at, size_t bytes)
{
	uintptr_t from = (uintptr_t)at, to = from + bytes;

	from = (from + GUEST_PAGE - 1) & ~(uintptr_t)(GUEST_PAGE - 1);
	to &= ~(uintptr_t)(GUEST_PAGE - 1);
	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}
