/* SPDX-License-Identifier: BSD-2-Clause */
/* alu.h - two-operand arithmetic, for the handlers that do it plainly and those
 * that go on to branch by its result.
 */
#ifndef SOFT_ALU_H
#define SOFT_ALU_H
#include "engine/soft/access.h"

/* As opcode groups number them; TEST after them. */
enum alu_op {
	ALU_ADD,
	ALU_OR,
	ALU_ADC,
	ALU_SBB,
	ALU_AND,
	ALU_SUB,
	ALU_XOR,
	ALU_CMP,
	ALU_TEST,
	NALU
};

/* a op b, both zero-extended; live: set the flags. Upper bits of what it gives
 * are not meant. */
SOFT_INLINE uint64_t
alu_do(struct cpu *c, enum alu_op op, unsigned bits, bool live, uint64_t a,
       uint64_t b)
{
	uint64_t r;
	bool cf;

	switch (op) {
	case ALU_ADD:
		r = a + b;
		if (live)
			cc_set(c, CC_ADD, bits, r, a);
		return r;
	case ALU_ADC:
		cf = cc_cf(c);
		r = a + b + cf;
		if (live)
			cc_set(c, CC_ADD + cf, bits, r, a);
		return r;
	case ALU_SBB:
		cf = cc_cf(c);
		r = a - b - cf;
		if (live)
			cc_set(c, CC_SUB + cf, bits, r, a);
		return r;
	case ALU_SUB:
	case ALU_CMP:
		r = a - b;
		if (live)
			cc_set(c, CC_SUB, bits, r, a);
		return r;
	case ALU_OR:
		r = a | b;
		break;
	case ALU_XOR:
		r = a ^ b;
		break;
	default:
		r = a & b;
	}
	if (live)
		cc_set_logic(c, bits, r);
	return r;
}

/* Does it only set flags? */
SOFT_INLINE bool
alu_only_flags(enum alu_op op)
{
	return op == ALU_CMP || op == ALU_TEST;
}
#endif
