/* SPDX-License-Identifier: BSD-2-Clause */
/* lapic_route.c - messages to local APICs: from devices and from one another.
 * Source: SDM 3A 11.6, 11.11.
 */
#include "vmm/lapic_internal.h"
#include "vmm/vm.h"

enum {
	ICR_LOGICAL = 1 << 11,
	ICR_ASSERT = 1 << 14,
	ESR_SEND_VECTOR = 1 << 5,
	ESR_RECEIVE_VECTOR = 1 << 6
};
#define ALL_X2 0xffffffffu

static void
note_error(struct lapic *l, uint32_t bit)
{
	uint32_t lvt = atomic_load(&l->lvt[LVT_ERROR]);

	if ((atomic_fetch_or(&l->esr_seen, bit) & bit) == 0 &&
	    !(lvt & LVT_MASKED) && (lvt & 0xff) > 15)
		lapic_request(l, (uint8_t)lvt, false);
}

void
lapic_request(struct lapic *l, uint8_t vector, bool level)
{
	uint32_t bit = 1u << (vector & 31);

	if (vector < 16) {
		note_error(l, ESR_RECEIVE_VECTOR);
		return;
	}
	if (level)
		atomic_fetch_or(&l->tmr[vector / 32], bit);
	else
		atomic_fetch_and(&l->tmr[vector / 32], ~bit);
	atomic_fetch_or(&l->irr[vector / 32], bit);
	l->ops->wake(l->ctx);
}

void
lapic_accept(struct lapic *l, unsigned mode, uint8_t vector, bool level)
{
	switch (mode) {
	case MODE_FIXED:
	case MODE_LOWEST:
		if (atomic_load(&l->svr) & SVR_ENABLE)
			lapic_request(l, vector, level);
		break;
	case MODE_NMI:
		l->ops->nmi(l->ctx);
		break;
	case MODE_INIT:
		l->ops->init(l->ctx);
		break;
	case MODE_STARTUP:
		l->ops->sipi(l->ctx, vector);
		break;
	default: /* SMI: there is none; ExtINT: the PIC's wire does it */
		break;
	}
}

/* Is l meant? narrow: dest has eight bits (xAPIC, MSI). */
static bool
is_dest(const struct lapic *l, uint32_t dest, bool logical, bool narrow)
{
	uint32_t ldr = atomic_load(&l->ldr);

	if (!is_enabled(l))
		return false;
	if (!logical)
		return dest == l->id || dest == (narrow ? 0xff : ALL_X2);
	if (is_x2(l)) {
		if (dest == ALL_X2)
			return true;
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff) != 0;
	}
	if (!narrow && dest == ALL_X2)
		return true;
	ldr >>= 24;
	if (atomic_load(&l->dfr) >> 28 == 0xf)
		return (dest & ldr & 0xff) != 0;
	return (dest >> 4 == ldr >> 4 || dest >> 4 == 0xf) &&
	       (dest & ldr & 0xf) != 0;
}

/* Of those meant the one with the lowest task priority, or NULL. */
static struct lapic *
lowest(struct lapic **all, unsigned n, uint32_t dest, bool logical, bool narrow,
       unsigned from)
{
	struct lapic *best = NULL;

	for (unsigned i = 0; i < n; i++) {
		struct lapic *l = all[(from + i) % n];

		if (l == NULL || !is_dest(l, dest, logical, narrow) ||
		    !can_take(l))
			continue;
		if (best == NULL ||
		    atomic_load(&l->tpr) < atomic_load(&best->tpr))
			best = l;
	}
	return best;
}

static void
route(struct lapic **all, unsigned n, uint32_t dest, bool logical, bool narrow,
      unsigned mode, uint8_t vector, bool level)
{
	if (mode == MODE_LOWEST) {
		struct lapic *l =
		    lowest(all, n, dest, logical, narrow, vector % n);

		if (l != NULL)
			lapic_accept(l, mode, vector, level);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		if (all[i] != NULL && is_dest(all[i], dest, logical, narrow))
			lapic_accept(all[i], mode, vector, level);
}

void
lapic_deliver(struct lapic **all, unsigned n, uint64_t addr, uint32_t data)
{
	route(all, n, addr >> 12 & 0xff, (addr & 4) != 0, true, data >> 8 & 7,
	      (uint8_t)data, (data & ICR_LEVEL) != 0);
}

void
lapic_send(struct lapic *l)
{
	uint32_t low = l->icr_low;
	unsigned mode = low >> 8 & 7, shorthand = low >> 18 & 3;
	unsigned n = l->vm->ncpus;
	bool narrow = !is_x2(l);
	uint32_t dest = narrow ? l->icr_high >> 24 : l->icr_high;

	if (mode == MODE_INIT && !(low & ICR_ASSERT))
		return; /* INIT level de-assert: nobody listens any more */
	if ((mode == MODE_FIXED || mode == MODE_LOWEST) && (low & 0xff) < 16) {
		note_error(l, ESR_SEND_VECTOR);
		return;
	}
	if (shorthand == 0) {
		route(l->all, n, dest, (low & ICR_LOGICAL) != 0, narrow, mode,
		      (uint8_t)low, false);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct lapic *to = l->all[i];
		bool self = to == l;

		if (to != NULL &&
		    (shorthand == 1 ? self : shorthand == 2 || !self))
			lapic_accept(to, mode, (uint8_t)low, false);
	}
}
