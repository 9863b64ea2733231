/* SPDX-License-Identifier: BSD-2-Clause */
/* lapic.h - the local APIC, for engines whose processor has none.
 *
 * One per vCPU. IRR is set by any thread with atomics; everything else is the
 * vCPU's own thread's. xAPIC page and x2APIC registers are two faces of one
 * table. Source: Intel SDM 3A chapter 11.
 */
#ifndef VMM_LAPIC_H
#define VMM_LAPIC_H
#include <stdbool.h>
#include <stdint.h>

struct error;
struct lapic;
struct vm;

/* Clock of the timer before its divider, and so CPUID leaf 15h's crystal: what
 * KVM's local APIC has, so that a count means the same there. */
enum { LAPIC_TIMER_HZ = 1000000000 };

/* What a LAPIC asks of its processor; each may be called from any thread. */
struct lapic_ops {
	void (*wake)(void *ctx); /* look at lapic_pending() again */
	void (*nmi)(void *ctx);
	void (*init)(void *ctx);
	void (*sipi)(void *ctx, uint8_t vector);
	uint64_t (*tsc)(void *ctx); /* the guest's counter, for deadlines */
};

/* A LAPIC knows the others of its VM through the array (ncpus pointers). */
int lapic_new(struct vm *vm, unsigned id, struct lapic **all,
              const struct lapic_ops *ops, void *ctx, struct lapic **out_lapic,
              struct error *err);
void lapic_free(struct lapic *l);
void lapic_reset(struct lapic *l);

/* MSR_APIC_BASE: -1 asks for #GP. */
int lapic_set_base(struct lapic *l, uint64_t base);
uint64_t lapic_base(const struct lapic *l);

/* xAPIC page, off 0..0xfff; x2APIC MSR 0x800+reg: -1 asks for #GP. */
uint32_t lapic_read(struct lapic *l, unsigned off);
void lapic_write(struct lapic *l, unsigned off, uint32_t v);
int lapic_msr_read(struct lapic *l, unsigned reg, uint64_t *v);
int lapic_msr_write(struct lapic *l, unsigned reg, uint64_t v);
int lapic_deadline_set(struct lapic *l, uint64_t tsc);
uint64_t lapic_deadline(const struct lapic *l);
/* After lapic_load(): what the MSR reads while that timer runs. */
void lapic_deadline_load(struct lapic *l, uint64_t tsc);
void lapic_set_tpr(struct lapic *l, uint8_t tpr); /* CR8 << 4 */
uint8_t lapic_tpr(const struct lapic *l);

/* The vector above PPR, or -1; then, taken: ISR set, IRR cleared. */
int lapic_pending(struct lapic *l);
void lapic_take(struct lapic *l, int vector);
/* True while the PIC's INT reaches this processor (LVT0 is ExtINT, or the
 * APIC is off: virtual wire). */
bool lapic_takes_extint(const struct lapic *l);

/* Deliver an MSI or IOAPIC message to whom it names. Any thread. */
void lapic_deliver(struct lapic **all, unsigned n, uint64_t addr,
                   uint32_t data);

/* 1 KiB image of the xAPIC page and the timer, for x86_state. */
void lapic_save(struct lapic *l, uint8_t image[1024], uint64_t *timer_ns);
int lapic_load(struct lapic *l, const uint8_t image[1024], uint64_t timer_ns,
               uint64_t base, struct error *err);
#endif
