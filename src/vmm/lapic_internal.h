/* SPDX-License-Identifier: BSD-2-Clause */
/* lapic_internal.h - a local APIC's registers, for lapic.c, which is one, and
 * lapic_route.c, which sends messages among them.
 *
 * Invariants
 *  1 irr, tmr and whatever routing looks at (base, svr, ldr, dfr, tpr) are
 *    atomic: any thread delivers. isr, icr, esr and divide are the owner's.
 *  2 The timer's fields are under lock: its owner sets it, the loop fires it.
 *  3 After anything that may make a vector deliverable comes ops->wake().
 */
#ifndef VMM_LAPIC_INTERNAL_H
#define VMM_LAPIC_INTERNAL_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/lapic.h"
#include "vmm/loop.h"
#include "x86/regs.h"

/* Registers, by offset in the page / 16 (SDM 3A table 11-1). */
enum reg {
	R_ID = 0x02,
	R_VERSION = 0x03,
	R_TPR = 0x08,
	R_APR = 0x09,
	R_PPR = 0x0a,
	R_EOI = 0x0b,
	R_LDR = 0x0d,
	R_DFR = 0x0e,
	R_SVR = 0x0f,
	R_ISR = 0x10,
	R_TMR = 0x18,
	R_IRR = 0x20,
	R_ESR = 0x28,
	R_ICR_LOW = 0x30,
	R_ICR_HIGH = 0x31,
	R_LVT = 0x32, /* timer, thermal, PMC, LINT0, LINT1, error */
	R_INITIAL = 0x38,
	R_CURRENT = 0x39,
	R_DIVIDE = 0x3e,
	R_SELF_IPI = 0x3f
};
enum { LVT_TIMER, LVT_THERMAL, LVT_PMC, LVT_LINT0, LVT_LINT1, LVT_ERROR, NLVT };
enum mode {
	MODE_FIXED,
	MODE_LOWEST,
	MODE_SMI,
	MODE_NMI = 4,
	MODE_INIT,
	MODE_STARTUP,
	MODE_EXTINT
};
enum {
	SVR_ENABLE = 1 << 8,
	LVT_MASKED = 1 << 16,
	ICR_LEVEL = 1 << 15,
	ICR_WRITABLE = 0x000ccfff
};

struct lapic {
	struct vm *vm;
	unsigned id;
	struct lapic **all;
	const struct lapic_ops *ops;
	void *ctx;
	_Atomic uint64_t base;
	_Atomic uint32_t irr[8], tmr[8];
	_Atomic uint32_t svr, ldr, dfr, tpr, lvt[NLVT];
	_Atomic uint32_t esr_seen;
	uint32_t isr[8], esr, icr_low, icr_high, divide;
	pthread_mutex_t lock;
	struct timer timer; /* from here on under lock */
	uint64_t period_ns, deadline_ns, deadline_tsc;
	uint32_t initial;
	bool armed;
};

static inline bool
is_x2(const struct lapic *l)
{
	return (atomic_load(&l->base) & X86_APIC_BASE_X2APIC) != 0;
}

static inline bool
is_enabled(const struct lapic *l)
{
	return (atomic_load(&l->base) & X86_APIC_BASE_ENABLE) != 0;
}

/* Does it take fixed interrupts? */
static inline bool
can_take(const struct lapic *l)
{
	return (atomic_load(&l->svr) & SVR_ENABLE) != 0;
}

/* Request a vector here. Any thread. */
void lapic_request(struct lapic *l, uint8_t vector, bool level);
/* Act on a message that came for l. Any thread. */
void lapic_accept(struct lapic *l, unsigned mode, uint8_t vector, bool level);
/* The command register was written: its owner's thread. */
void lapic_send(struct lapic *l);
#endif
