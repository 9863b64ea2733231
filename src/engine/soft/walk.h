/* SPDX-License-Identifier: BSD-2-Clause */
/* walk.h - page table walks. Source: Intel SDM 3A 4.2 to 4.8. */
#ifndef SOFT_WALK_H
#define SOFT_WALK_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"

/* Whose rights an access has; also the number of its TLB set. */
enum rights {
	RIGHTS_U,  /* CPL 3 */
	RIGHTS_S,  /* supervisor that must not touch user pages: SMAP */
	RIGHTS_SU, /* supervisor */
	RIGHTS_N
};
enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

struct walk {
	uint64_t gpa;
	uint8_t shift; /* log2 of the mapping's size */
	bool global;
	bool writable; /* a write by the same rights needs no walk: D is set */
};

/*
 * Translate la and set the A and D bits the access sets. False: c->exc is the
 * page fault. With paging off la is the address.
 */
bool walk_pages(struct cpu *c, uint64_t la, enum rights r, enum access a,
                struct walk *out);

/* The same without rights, faults and A/D bits; false: not mapped. */
bool walk_peek(struct cpu *c, uint64_t la, struct walk *out);

/* Load and check the four PDPTEs at cr3; false: reserved bits are set. */
bool walk_load_pdptes(struct cpu *c, uint64_t cr3);
#endif
