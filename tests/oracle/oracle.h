/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.h - one instruction, or a few, on the processor and on the software
 * engine from the same state.
 *
 * Both see the same addresses: a code page, two pages of data, one that may
 * only be read, and nothing around them. A case is code and a state; what
 * becomes of the state is the result.
 */
#ifndef ORACLE_H
#define ORACLE_H
#include <stdbool.h>
#include <stdint.h>

#include "x86/insn.h"

enum {
	ARENA_CODE = 0x10000000,
	ARENA_DATA = 0x10002000, /* two pages */
	ARENA_RO = 0x10004000,   /* one */
	ARENA_END = 0x10005000,
	DATA_BYTES = ARENA_RO - ARENA_DATA,
	/* What leads out of the code: a page of the harness, the same address
	 * for both but with other contents. */
	HARNESS = 0x53517000,
	OUT_AT = HARNESS + 0x298,   /* where to go when the code is done */
	OUT2_AT = HARNESS + 0x2a0,  /* when its branch was taken */
	OUT32_AT = HARNESS + 0x2b8, /* the same for 32-bit code */
	OUT2_32_AT = HARNESS + 0x2bc,
	CODE_AT = ARENA_CODE + 0x100,
	TAKEN_AT = CODE_AT + 0x60, /* where branches lead */
	CODE_MAX = 0x60 - 12       /* and the way out */
};

enum { NO_FAULT = -1 };

struct state {
	_Alignas(64) uint8_t fx[512];
	uint64_t gpr[16];
	uint64_t rflags, rip;
	int fault; /* vector or NO_FAULT */
	uint32_t error;
	uint64_t cr2; /* of a page fault */
};

struct rng {
	uint64_t s;
};

/* SplitMix64 (public domain algorithm of S. Vigna). */
static inline uint64_t
rng_next(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint32_t
rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

static inline bool
rng_one_in(struct rng *r, uint32_t n)
{
	return rng_below(r, n) == 0;
}

/* native.c. init: false when the addresses are taken. */
bool native_init(void);
bool native_has16(void); /* may it have a 16-bit segment? */
void native_code(const uint8_t *code, unsigned n);
uint8_t *native_data(void); /* DATA_BYTES, then the page to read */
void native_run(struct state *s, unsigned bits);

/* guest.c. features: what its CPUID shows, see x86/feature.h. */
bool guest_init(uint64_t *features);
void guest_code(const uint8_t *code, unsigned n);
uint8_t *guest_data(void);
/* alone: one instruction; else up to the way out. */
void guest_run(struct state *s, unsigned bits, bool alone);

/* gen.c: encodings and states that make sense for them. */
struct made {
	uint8_t code[16];
	unsigned n;
	int len; /* what the decoder says of it */
	struct x86_insn insn;
	uint16_t op;   /* the row's */
	unsigned bits; /* 64; 32, 16: compatibility mode */
};
unsigned gen_rows(void);
const char *gen_row_name(unsigned row);
/* For the address it will lie at, in code of m->bits. False: it cannot be
 * compared. */
bool gen_make(struct rng *r, unsigned row, uint64_t features, uint64_t at,
              struct made *m);
/* Registers for it; memory it reads may be prepared in data. */
void gen_state(struct rng *r, struct state *s);
bool gen_fit(struct rng *r, const struct made *m, uint64_t at, struct state *s,
             uint8_t *data);
/* The offset of its memory operand. */
uint64_t gen_effective(const struct made *m, const struct state *s,
                       uint64_t at);
bool gen_is_straight(const struct made *m); /* may stand in a sequence */
#endif
