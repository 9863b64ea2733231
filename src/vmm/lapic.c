/* SPDX-License-Identifier: BSD-2-Clause */
/* lapic.c - a local APIC: registers in both faces, priorities, the timer.
 * Source: SDM 3A chapter 11. Invariants: lapic_internal.h.
 */
#include "vmm/lapic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vmm/lapic_internal.h"
#include "vmm/vm.h"

enum {
	SVR_WRITABLE = 0x1ff,
	TIMER_PERIODIC = 1 << 17,
	TIMER_DEADLINE = 2 << 17,
	TIMER_MODE = 3 << 17,
	VERSION = 0x14 | (NLVT - 1) << 16,
	NS_PER_TICK = 1000000000 / LAPIC_TIMER_HZ,
	/* The least a periodic timer may ask of the loop's thread. */
	MIN_PERIOD_NS = 20000
};
#define ALL_ONES   0xffffffffu
#define BASE_ADDR  0x00003ffffffff000ull
#define NS_PER_SEC 1000000000ull

/* Bits a guest may set in each LVT. */
static const uint32_t lvt_writable[NLVT] = { 0x700ff, 0x107ff, 0x107ff,
	                                     0x1a7ff, 0x1a7ff, 0x100ff };

/* The highest set bit of 256, or -1. */
static int
highest(const uint32_t bits[8])
{
	for (int i = 7; i >= 0; i--)
		if (bits[i] != 0)
			return i * 32 + 31 - __builtin_clz(bits[i]);
	return -1;
}

static int
highest_irr(const struct lapic *l)
{
	uint32_t bits[8];

	for (unsigned i = 0; i < 8; i++)
		bits[i] = atomic_load(&l->irr[i]);
	return highest(bits);
}

static uint32_t
ppr(const struct lapic *l)
{
	uint32_t tpr = atomic_load(&l->tpr);
	int isr = highest(l->isr);
	uint32_t served = isr < 0 ? 0 : (uint32_t)isr & 0xf0;

	return (tpr & 0xf0) >= served ? tpr : served;
}

int
lapic_pending(struct lapic *l)
{
	int vector;

	if (!is_enabled(l))
		return -1;
	vector = highest_irr(l);
	return vector >= 0 && ((uint32_t)vector & 0xf0) > (ppr(l) & 0xf0)
	           ? vector
	           : -1;
}

void
lapic_take(struct lapic *l, int vector)
{
	uint32_t bit = 1u << (vector & 31);

	atomic_fetch_and(&l->irr[vector / 32], ~bit);
	l->isr[vector / 32] |= bit;
}

static void
wake_if_pending(struct lapic *l)
{
	if (lapic_pending(l) >= 0)
		l->ops->wake(l->ctx);
}

static void
end_of_interrupt(struct lapic *l)
{
	int vector = highest(l->isr);
	uint32_t bit;

	if (vector < 0)
		return;
	bit = 1u << (vector & 31);
	l->isr[vector / 32] &= ~bit;
	if (atomic_load(&l->tmr[vector / 32]) & bit)
		vm_eoi(l->vm, (uint8_t)vector);
	wake_if_pending(l);
}

/* The timer; callers hold the lock. */

static unsigned
divider(const struct lapic *l)
{
	unsigned v = (l->divide & 3) | (l->divide >> 1 & 4);

	return v == 7 ? 1 : 2u << v;
}

static void
arm(struct lapic *l, uint64_t deadline_ns)
{
	l->deadline_ns = deadline_ns;
	l->armed = true;
	(void)timer_set(l->vm->loop, &l->timer, deadline_ns);
}

static void
disarm(struct lapic *l)
{
	l->armed = false;
	l->deadline_tsc = 0;
	timer_clear(l->vm->loop, &l->timer);
}

static uint32_t
timer_mode(const struct lapic *l)
{
	return atomic_load(&l->lvt[LVT_TIMER]) & TIMER_MODE;
}

/* On the loop's thread. */
static void
fire(void *ctx)
{
	struct lapic *l = ctx;
	uint64_t now = loop_now(l->vm->loop);
	uint32_t lvt;
	bool due;

	pthread_mutex_lock(&l->lock);
	/* It may have been set anew while this call was on its way. */
	due = l->armed && now >= l->deadline_ns;
	lvt = atomic_load(&l->lvt[LVT_TIMER]);
	if (due && (lvt & TIMER_MODE) == TIMER_PERIODIC) {
		uint64_t next = l->deadline_ns + l->period_ns;

		arm(l, next > now ? next : now + l->period_ns);
	} else if (due) {
		l->armed = false;
		l->deadline_tsc = 0;
	} else if (l->armed) {
		(void)timer_set(l->vm->loop, &l->timer, l->deadline_ns);
	}
	pthread_mutex_unlock(&l->lock);
	if (due && !(lvt & LVT_MASKED))
		lapic_request(l, (uint8_t)lvt, false);
}

static void
start_count(struct lapic *l)
{
	uint64_t tick = (uint64_t)divider(l) * NS_PER_TICK;

	l->period_ns = l->initial * tick;
	if (l->period_ns < MIN_PERIOD_NS && timer_mode(l) == TIMER_PERIODIC)
		l->period_ns = MIN_PERIOD_NS;
	if (l->initial == 0)
		disarm(l);
	else
		arm(l, loop_now(l->vm->loop) + l->period_ns);
}

static void
set_initial(struct lapic *l, uint32_t v)
{
	pthread_mutex_lock(&l->lock);
	if (timer_mode(l) != TIMER_DEADLINE) {
		l->initial = v;
		start_count(l);
	}
	pthread_mutex_unlock(&l->lock);
}

static uint32_t
current_count(struct lapic *l)
{
	uint64_t now = loop_now(l->vm->loop);
	uint64_t tick = (uint64_t)divider(l) * NS_PER_TICK;
	uint32_t v = 0;

	pthread_mutex_lock(&l->lock);
	if (l->armed && timer_mode(l) != TIMER_DEADLINE && l->deadline_ns > now)
		v = (uint32_t)((l->deadline_ns - now) / tick);
	pthread_mutex_unlock(&l->lock);
	return v;
}

int
lapic_deadline_set(struct lapic *l, uint64_t tsc)
{
	uint64_t now = l->ops->tsc(l->ctx), left = 0;

	pthread_mutex_lock(&l->lock);
	if (timer_mode(l) != TIMER_DEADLINE || tsc == 0) {
		if (timer_mode(l) == TIMER_DEADLINE)
			disarm(l);
		pthread_mutex_unlock(&l->lock);
		return 0;
	}
	if ((int64_t)(tsc - now) > 0)
		left = (uint64_t)((unsigned __int128)(tsc - now) * NS_PER_SEC /
		                  l->vm->tsc_hz);
	arm(l, loop_now(l->vm->loop) + left);
	l->deadline_tsc = tsc;
	pthread_mutex_unlock(&l->lock);
	return 0;
}

uint64_t
lapic_deadline(const struct lapic *l)
{
	struct lapic *w = l->all[l->id]; /* the lock is not const */
	uint64_t v;

	pthread_mutex_lock(&w->lock);
	v = w->deadline_tsc;
	pthread_mutex_unlock(&w->lock);
	return v;
}

void
lapic_deadline_load(struct lapic *l, uint64_t tsc)
{
	pthread_mutex_lock(&l->lock);
	l->deadline_tsc = l->armed && timer_mode(l) == TIMER_DEADLINE ? tsc : 0;
	pthread_mutex_unlock(&l->lock);
}

/* Registers */

static void
write_lvt(struct lapic *l, unsigned n, uint32_t v)
{
	uint32_t old = atomic_load(&l->lvt[n]);

	v &= lvt_writable[n];
	if (!can_take(l))
		v |= LVT_MASKED;
	atomic_store(&l->lvt[n], v);
	if (n == LVT_TIMER && ((old ^ v) & TIMER_DEADLINE)) {
		pthread_mutex_lock(&l->lock);
		disarm(l);
		pthread_mutex_unlock(&l->lock);
	}
	if (n == LVT_LINT0)
		l->ops->wake(l->ctx); /* the PIC may be heard now */
}

static void
write_svr(struct lapic *l, uint32_t v)
{
	atomic_store(&l->svr, v & SVR_WRITABLE);
	if (v & SVR_ENABLE)
		return;
	for (unsigned i = 0; i < NLVT; i++)
		atomic_fetch_or(&l->lvt[i], LVT_MASKED);
}

static uint32_t
id_register(const struct lapic *l)
{
	return is_x2(l) ? l->id : l->id << 24;
}

/* A register both faces have. */
static uint32_t
read_reg(struct lapic *l, unsigned r)
{
	if (r >= R_ISR && r < R_ISR + 8)
		return l->isr[r - R_ISR];
	if (r >= R_TMR && r < R_TMR + 8)
		return atomic_load(&l->tmr[r - R_TMR]);
	if (r >= R_IRR && r < R_IRR + 8)
		return atomic_load(&l->irr[r - R_IRR]);
	if (r >= R_LVT && r < R_LVT + NLVT)
		return atomic_load(&l->lvt[r - R_LVT]);
	switch (r) {
	case R_ID:
		return id_register(l);
	case R_VERSION:
		return VERSION;
	case R_TPR:
		return atomic_load(&l->tpr);
	case R_PPR:
		return ppr(l);
	case R_LDR:
		return atomic_load(&l->ldr);
	case R_DFR:
		return atomic_load(&l->dfr);
	case R_SVR:
		return atomic_load(&l->svr);
	case R_ESR:
		return l->esr;
	case R_ICR_LOW:
		return l->icr_low;
	case R_ICR_HIGH:
		return l->icr_high;
	case R_INITIAL:
		return timer_mode(l) == TIMER_DEADLINE ? 0 : l->initial;
	case R_CURRENT:
		return current_count(l);
	case R_DIVIDE:
		return l->divide;
	default:
		return 0;
	}
}

static void
write_reg(struct lapic *l, unsigned r, uint32_t v)
{
	if (r >= R_LVT && r < R_LVT + NLVT) {
		write_lvt(l, r - R_LVT, v);
		return;
	}
	switch (r) {
	case R_TPR:
		lapic_set_tpr(l, (uint8_t)v);
		break;
	case R_EOI:
		end_of_interrupt(l);
		break;
	case R_SVR:
		write_svr(l, v);
		break;
	case R_ESR:
		l->esr = atomic_exchange(&l->esr_seen, 0);
		break;
	case R_INITIAL:
		set_initial(l, v);
		break;
	case R_DIVIDE:
		l->divide = v & 0xb;
		break;
	default:
		break;
	}
}

uint32_t
lapic_read(struct lapic *l, unsigned off)
{
	return off & 0xf ? 0 : read_reg(l, off >> 4);
}

void
lapic_write(struct lapic *l, unsigned off, uint32_t v)
{
	unsigned r = off >> 4;

	if (off & 0xf)
		return;
	switch (r) {
	case R_LDR:
		atomic_store(&l->ldr, v & 0xff000000u);
		break;
	case R_DFR:
		atomic_store(&l->dfr, v | 0x0fffffffu);
		break;
	case R_ICR_HIGH:
		l->icr_high = v & 0xff000000u;
		break;
	case R_ICR_LOW:
		l->icr_low = v & ICR_WRITABLE;
		lapic_send(l);
		break;
	default:
		write_reg(l, r, v);
	}
}

static bool
x2_readable(unsigned r)
{
	if (r >= R_ISR && r <= R_ESR)
		return true;
	if (r >= R_ICR_LOW && r <= R_CURRENT)
		return r != R_ICR_HIGH;
	return r == R_ID || r == R_VERSION || r == R_TPR || r == R_PPR ||
	       r == R_LDR || r == R_SVR || r == R_DIVIDE;
}

int
lapic_msr_read(struct lapic *l, unsigned reg, uint64_t *v)
{
	if (!is_x2(l) || !x2_readable(reg))
		return -1;
	*v = read_reg(l, reg);
	if (reg == R_ICR_LOW)
		*v |= (uint64_t)l->icr_high << 32;
	return 0;
}

/* Bits that must be zero in a write, or all ones: not writable. */
static uint64_t
x2_reserved(unsigned r)
{
	if (r >= R_LVT && r < R_LVT + NLVT)
		return ~(uint64_t)(lvt_writable[r - R_LVT] | 0x5000);
	switch (r) {
	case R_TPR:
		return ~0xffull;
	case R_EOI:
	case R_ESR:
		return UINT64_MAX;
	case R_SVR:
		return ~0x11ffull;
	case R_ICR_LOW:
		return 0xfff32000u | 0x1000u;
	case R_INITIAL:
		return ~0xffffffffull;
	case R_DIVIDE:
		return ~0xbull;
	case R_SELF_IPI:
		return ~0xffull;
	default:
		return UINT64_MAX;
	}
}

int
lapic_msr_write(struct lapic *l, unsigned reg, uint64_t v)
{
	bool zero_only = reg == R_EOI || reg == R_ESR;

	if (!is_x2(l) || (v & x2_reserved(reg)) != 0 ||
	    (x2_reserved(reg) == UINT64_MAX && !zero_only))
		return -1;
	switch (reg) {
	case R_ICR_LOW:
		l->icr_high = (uint32_t)(v >> 32);
		l->icr_low = (uint32_t)v & ICR_WRITABLE;
		lapic_send(l);
		return 0;
	case R_SELF_IPI:
		lapic_accept(l, MODE_FIXED, (uint8_t)v, false);
		return 0;
	default:
		write_reg(l, reg, (uint32_t)v);
		return 0;
	}
}

void
lapic_set_tpr(struct lapic *l, uint8_t tpr)
{
	atomic_store(&l->tpr, tpr);
	wake_if_pending(l);
}

uint8_t
lapic_tpr(const struct lapic *l)
{
	return (uint8_t)atomic_load(&l->tpr);
}

bool
lapic_takes_extint(const struct lapic *l)
{
	uint32_t lint0 = atomic_load(&l->lvt[LVT_LINT0]);

	if (!is_enabled(l))
		return l->id == 0;
	return !(lint0 & LVT_MASKED) && (lint0 >> 8 & 7) == MODE_EXTINT;
}

/* Base, life, state */

uint64_t
lapic_base(const struct lapic *l)
{
	return atomic_load(&l->base);
}

static void
derive_ldr(struct lapic *l)
{
	if (is_x2(l))
		atomic_store(&l->ldr, (l->id >> 4) << 16 | 1u << (l->id & 15));
}

/* Everything but base to its value at power-up. */
static void
clear(struct lapic *l)
{
	for (unsigned i = 0; i < 8; i++) {
		atomic_store(&l->irr[i], 0);
		atomic_store(&l->tmr[i], 0);
		l->isr[i] = 0;
	}
	for (unsigned i = 0; i < NLVT; i++)
		atomic_store(&l->lvt[i], LVT_MASKED);
	atomic_store(&l->svr, 0xff);
	atomic_store(&l->tpr, 0);
	atomic_store(&l->ldr, 0);
	atomic_store(&l->dfr, ALL_ONES);
	atomic_store(&l->esr_seen, 0);
	l->esr = l->icr_low = l->icr_high = l->divide = 0;
	pthread_mutex_lock(&l->lock);
	l->initial = 0;
	disarm(l);
	pthread_mutex_unlock(&l->lock);
	derive_ldr(l);
}

int
lapic_set_base(struct lapic *l, uint64_t base)
{
	const uint64_t on = X86_APIC_BASE_ENABLE, x2 = X86_APIC_BASE_X2APIC;
	uint64_t old = atomic_load(&l->base);

	if (base & ~(BASE_ADDR | X86_APIC_BASE_BSP | on | x2))
		return -1;
	if ((base & x2) && (!l->vm->x2apic || !(base & on)))
		return -1;
	if ((base & x2) && !(old & on))
		return -1; /* off to x2APIC goes by way of xAPIC */
	if ((old & x2) && (base & on) && !(base & x2))
		return -1;
	atomic_store(&l->base, base);
	if (!(base & on) && (old & on))
		clear(l);
	else if ((base & x2) && !(old & x2))
		derive_ldr(l);
	l->ops->wake(l->ctx);
	return 0;
}

void
lapic_reset(struct lapic *l)
{
	atomic_store(&l->base, VM_LAPIC_GPA | X86_APIC_BASE_ENABLE |
	                           (l->id == 0 ? X86_APIC_BASE_BSP : 0));
	clear(l);
}

int
lapic_new(struct vm *vm, unsigned id, struct lapic **all,
          const struct lapic_ops *ops, void *ctx, struct lapic **out_lapic,
          struct error *err)
{
	struct lapic *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return error_set(err, -ENOMEM, "local APIC %u", id);
	l->vm = vm;
	l->id = id;
	l->all = all;
	l->ops = ops;
	l->ctx = ctx;
	l->timer.fn = fire;
	l->timer.ctx = l;
	pthread_mutex_init(&l->lock, NULL);
	lapic_reset(l);
	*out_lapic = l;
	return 0;
}

void
lapic_free(struct lapic *l)
{
	if (l == NULL)
		return;
	timer_clear(l->vm->loop, &l->timer);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void
put(uint8_t *image, unsigned r, uint32_t v)
{
	memcpy(image + r * 16, &v, 4);
}

static uint32_t
get(const uint8_t *image, unsigned r)
{
	uint32_t v;

	memcpy(&v, image + r * 16, 4);
	return v;
}

void
lapic_save(struct lapic *l, uint8_t image[1024], uint64_t *timer_ns)
{
	memset(image, 0, 1024);
	for (unsigned r = R_ID; r < R_SELF_IPI; r++)
		put(image, r, read_reg(l, r));
	pthread_mutex_lock(&l->lock);
	*timer_ns = l->armed ? l->deadline_ns : 0;
	pthread_mutex_unlock(&l->lock);
}

int
lapic_load(struct lapic *l, const uint8_t image[1024], uint64_t timer_ns,
           uint64_t base, struct error *err)
{
	if ((base & X86_APIC_BASE_X2APIC) && !l->vm->x2apic)
		return error_set(err, -EINVAL,
		                 "local APIC %u: x2APIC is off in this VM",
		                 l->id);
	atomic_store(&l->base,
	             base & (BASE_ADDR | X86_APIC_BASE_BSP |
	                     X86_APIC_BASE_ENABLE | X86_APIC_BASE_X2APIC));
	clear(l);
	for (unsigned i = 0; i < 8; i++) {
		atomic_store(&l->irr[i], get(image, R_IRR + i));
		atomic_store(&l->tmr[i], get(image, R_TMR + i));
		l->isr[i] = get(image, R_ISR + i);
	}
	for (unsigned i = 0; i < NLVT; i++)
		atomic_store(&l->lvt[i],
		             get(image, R_LVT + i) & lvt_writable[i]);
	atomic_store(&l->svr, get(image, R_SVR) & SVR_WRITABLE);
	atomic_store(&l->tpr, get(image, R_TPR) & 0xff);
	atomic_store(&l->ldr, get(image, R_LDR));
	atomic_store(&l->dfr, get(image, R_DFR) | 0x0fffffffu);
	derive_ldr(l);
	l->esr = get(image, R_ESR);
	l->icr_low = get(image, R_ICR_LOW) & ICR_WRITABLE;
	l->icr_high = get(image, R_ICR_HIGH);
	l->divide = get(image, R_DIVIDE) & 0xb;
	pthread_mutex_lock(&l->lock);
	l->initial = get(image, R_INITIAL);
	l->period_ns = (uint64_t)l->initial * divider(l) * NS_PER_TICK;
	if (l->period_ns < MIN_PERIOD_NS)
		l->period_ns = MIN_PERIOD_NS;
	if (timer_ns != 0)
		arm(l, timer_ns);
	pthread_mutex_unlock(&l->lock);
	l->ops->wake(l->ctx);
	return 0;
}
