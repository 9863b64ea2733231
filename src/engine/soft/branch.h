/* SPDX-License-Identifier: BSD-2-Clause */
/* branch.h - how a handler goes to another block. */
#ifndef SOFT_BRANCH_H
#define SOFT_BRANCH_H
#include "engine/soft/access.h"
#include "engine/soft/block.h"

SOFT_INLINE bool
events(struct cpu *c)
{
	return unlikely(atomic_load_explicit(&c->ev, memory_order_relaxed) !=
	                0);
}

/* Take a direct branch: to u->imm by the link in u[1]. */
#define TAKE(c, u)                                                             \
	do {                                                                   \
		const struct uop *to_ = (const struct uop *)(u)[1].imm;        \
                                                                               \
		(c)->rip = (u)->imm;                                           \
		if (events(c))                                                 \
			return NULL;                                           \
		GOTO(c, to_);                                                  \
	} while (0)

/* Do not take it: past the link. */
#define SKIP(c, u)                                                             \
	do {                                                                   \
		const struct uop *past_ = (u) + 2;                             \
                                                                               \
		GOTO(c, past_);                                                \
	} while (0)

/* What is remembered of rip, if it holds. */
SOFT_INLINE const struct jump *
jump_known(const struct cpu *c, uint64_t rip)
{
	const struct jump *j = &c->jumps[jump_hash(rip)];

	return j->rip == rip && j->mode == c->mode &&
	               (j->gen == c->gen[1] || j->gen == c->gen[0])
	           ? j
	           : NULL;
}

/* The uop to go on with at c->rip; NULL: events, one-instruction modes or a
 * fault. For handlers that return instead of jumping. */
const struct uop *branch_enter(struct cpu *c);
/* #GP(0) by the branch u unless it may go to rip (64-bit mode: canonical). */
bool branch_target_ok(struct cpu *c, uint64_t rip);
#endif
