/* SPDX-License-Identifier: BSD-2-Clause */
/* stub.h - executable memory for small pieces of code that never change.
 *
 * One memfd, mapped twice: to write and to execute, never both at an address.
 * The same bytes give the same stub. The places suffice for every encoding that
 * simd.c and x87.c can ask for, so a guest cannot use them up.
 */
#ifndef SOFT_STUB_H
#define SOFT_STUB_H
#include <stdint.h>

#include "x86/insn.h"

enum { STUB_MAX = 64 };

struct code {
	unsigned n;
	uint8_t b[STUB_MAX];
};

struct stubs;
int stubs_new(struct stubs **out);
void stubs_free(struct stubs *s);

/* Where to call the code; NULL: no room. Any thread. */
const void *stub_get(struct stubs *s, const struct code *k);

void code_put(struct code *k, const uint8_t *b, unsigned n);
#define CODE(k, ...)                                                           \
	code_put((k), (const uint8_t[]){ __VA_ARGS__ },                        \
	         sizeof((const uint8_t[]){ __VA_ARGS__ }))
/* in's opcode with its mandatory prefix, REX.W and immediate byte, and this
 * ModRM byte (registers below 8, or a memory form without displacement). */
void code_insn(struct code *k, const struct x86_insn *in, uint8_t modrm);
#endif
