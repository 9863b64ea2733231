/* SPDX-License-Identifier: BSD-2-Clause */
/* lapic_test.c - local APICs: who gets a message, what may interrupt, timers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/fake_vm.h"
#include "vmm/lapic.h"
#include "x86/regs.h"

enum { NCPUS = 4, TPR = 0x80, PPR = 0xa0, EOI = 0xb0, LDR = 0xd0, DFR = 0xe0 };
enum { SVR = 0xf0, ESR = 0x280, ICR = 0x300, ICR_HIGH = 0x310, LVT0 = 0x350 };
enum { LVT_TIMER = 0x320, INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3e0 };

/* Processors that count what they are asked. */
struct bed {
	struct fake_vm f;
	struct lapic *all[NCPUS];
	struct seen {
		struct bed *bed;
		unsigned wakes, nmis, inits, sipis;
		uint8_t vector;
	} seen[NCPUS];
	uint8_t eoi;
	unsigned eois;
};

static void
wake(void *ctx)
{
	((struct seen *)ctx)->wakes++;
}

static void
nmi(void *ctx)
{
	((struct seen *)ctx)->nmis++;
}

static void
init(void *ctx)
{
	((struct seen *)ctx)->inits++;
}

static void
sipi(void *ctx, uint8_t vector)
{
	struct seen *s = ctx;

	s->sipis++;
	s->vector = vector;
}

/* 1 GHz: a tick a nanosecond. */
static uint64_t
tsc(void *ctx)
{
	return ((struct seen *)ctx)->bed->f.now_ns;
}

static const struct lapic_ops ops = { wake, nmi, init, sipi, tsc };

static void
set_nothing(void *ctx, unsigned gsi, bool level)
{
	(void)ctx;
	(void)gsi;
	(void)level;
}

static void
note_eoi(void *ctx, uint8_t vector)
{
	struct bed *b = ctx;

	b->eoi = vector;
	b->eois++;
}

static int
setup(void **state)
{
	static struct bed b;
	const struct irq_sink sink = { set_nothing, note_eoi, &b };
	struct error err;

	memset(&b, 0, sizeof(b));
	fake_vm_init(&b.f);
	b.f.vm->ncpus = NCPUS;
	b.f.vm->x2apic = true;
	if (vm_irq_sink_add(b.f.vm, &sink, &err) < 0)
		return -1;
	for (unsigned i = 0; i < NCPUS; i++) {
		b.seen[i].bed = &b;
		if (lapic_new(b.f.vm, i, b.all, &ops, &b.seen[i], &b.all[i],
		              &err) < 0)
			return -1;
		lapic_write(b.all[i], SVR, 0x1ff);
	}
	*state = &b;
	return 0;
}

static int
teardown(void **state)
{
	struct bed *b = *state;

	for (unsigned i = 0; i < NCPUS; i++)
		lapic_free(b->all[i]);
	b->f.vm->ncpus = 1;
	fake_vm_fini(&b->f);
	return 0;
}

/* Which of the processors have vector pending, as bits; takes and ends it. */
static unsigned
got(struct bed *b, int vector)
{
	unsigned who = 0;

	for (unsigned i = 0; i < NCPUS; i++)
		if (lapic_pending(b->all[i]) == vector) {
			who |= 1u << i;
			lapic_take(b->all[i], vector);
			lapic_write(b->all[i], EOI, 0);
		}
	return who;
}

static void
to_x2(struct bed *b)
{
	for (unsigned i = 0; i < NCPUS; i++)
		assert_int_equal(
		    lapic_set_base(b->all[i], lapic_base(b->all[i]) |
		                                  X86_APIC_BASE_X2APIC),
		    0);
}

static void
messages_reach_whom_they_name(void **state)
{
	static const struct {
		uint32_t addr, data;
		unsigned who;
	} rows[] = {
		{ 0xfee02000, 0x41, 1 << 2 },          /* physical */
		{ 0xfeeff000, 0x41, 0xf },             /* broadcast */
		{ 0xfee0a004, 0x41, 1 << 1 | 1 << 3 }, /* logical, flat */
		{ 0xfee0f004, 0x141, 1 << 1 },         /* lowest priority */
		{ 0xfee10004, 0x41, 0 },               /* nobody */
	};
	struct bed *b = *state;

	for (unsigned i = 0; i < NCPUS; i++)
		lapic_write(b->all[i], LDR, 1u << (24 + i));
	for (unsigned i = 0; i < NCPUS; i++)
		lapic_write(b->all[i], TPR, i == 1 ? 0 : 0x30);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		lapic_deliver(b->all, NCPUS, rows[i].addr, rows[i].data);
		assert_int_equal(got(b, 0x41), rows[i].who);
	}
}

static void
cluster_destinations_match_both_halves(void **state)
{
	struct bed *b = *state;

	for (unsigned i = 0; i < NCPUS; i++) {
		lapic_write(b->all[i], DFR, 0);
		lapic_write(b->all[i], LDR, (i / 2 << 4 | 1u << (i % 2)) << 24);
	}
	lapic_deliver(b->all, NCPUS, 0xfee13004, 0x50);
	assert_int_equal(got(b, 0x50), 0xc);
	lapic_deliver(b->all, NCPUS, 0xfee02004, 0x50);
	assert_int_equal(got(b, 0x50), 0x2);
	lapic_deliver(b->all, NCPUS, 0xfeef1004, 0x50);
	assert_int_equal(got(b, 0x50), 0x5);
}

static void
commands_have_shorthands(void **state)
{
	static const struct {
		uint32_t icr;
		unsigned who;
	} rows[] = { { 0x44061, 1 << 1 }, { 0x84061, 0xf }, { 0xc4061, 0xd } };
	struct bed *b = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		lapic_write(b->all[1], ICR, rows[i].icr);
		assert_int_equal(got(b, 0x61), rows[i].who);
	}
	lapic_write(b->all[0], ICR_HIGH, 3u << 24);
	lapic_write(b->all[0], ICR, 0x4062);
	assert_int_equal(got(b, 0x62), 1 << 3);
}

static void
a_processor_is_started_by_init_and_sipi(void **state)
{
	struct bed *b = *state;

	lapic_write(b->all[0], ICR_HIGH, 2u << 24);
	lapic_write(b->all[0], ICR, 0xc500); /* assert */
	lapic_write(b->all[0], ICR, 0x8500); /* de-assert: nothing */
	lapic_write(b->all[0], ICR, 0x4699);
	assert_int_equal(b->seen[2].inits, 1);
	assert_int_equal(b->seen[2].sipis, 1);
	assert_int_equal(b->seen[2].vector, 0x99);
	assert_int_equal(b->seen[1].inits + b->seen[3].inits, 0);
	lapic_write(b->all[0], ICR, 0x4400);
	assert_int_equal(b->seen[2].nmis, 1);
}

static void
priorities_hold_back_what_is_lower(void **state)
{
	struct bed *b = *state;
	struct lapic *l = b->all[0];
	unsigned wakes;

	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x41);
	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x81);
	assert_int_equal(lapic_pending(l), 0x81);
	lapic_take(l, 0x81);
	assert_int_equal(lapic_read(l, PPR), 0x80);
	assert_int_equal(lapic_pending(l), -1);
	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x91);
	assert_int_equal(lapic_pending(l), 0x91);
	lapic_set_tpr(l, 0x90);
	assert_int_equal(lapic_pending(l), -1);
	wakes = b->seen[0].wakes;
	lapic_set_tpr(l, 0);
	assert_int_equal(b->seen[0].wakes, wakes + 1);
	lapic_take(l, 0x91);
	lapic_write(l, EOI, 0);
	lapic_write(l, EOI, 0);
	assert_int_equal(lapic_pending(l), 0x41);
}

static void
only_level_interrupts_tell_the_ioapic(void **state)
{
	struct bed *b = *state;

	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x33);
	assert_int_equal(got(b, 0x33), 1);
	assert_int_equal(b->eois, 0);
	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x33 | 1 << 15);
	assert_int_equal(got(b, 0x33), 1);
	assert_int_equal(b->eois, 1);
	assert_int_equal(b->eoi, 0x33);
}

static void
illegal_vectors_are_errors(void **state)
{
	struct bed *b = *state;

	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x0f);
	lapic_write(b->all[0], ICR, 0x4007);
	assert_int_equal(lapic_read(b->all[0], ESR), 0);
	lapic_write(b->all[0], ESR, 0);
	assert_int_equal(lapic_read(b->all[0], ESR), 0x60);
	lapic_write(b->all[0], ESR, 0);
	assert_int_equal(lapic_read(b->all[0], ESR), 0);
}

static void
a_disabled_apic_takes_no_interrupts(void **state)
{
	struct bed *b = *state;

	lapic_write(b->all[0], LVT_TIMER, 0x40);
	lapic_write(b->all[0], SVR, 0xff);
	assert_int_equal(lapic_read(b->all[0], LVT_TIMER), 0x10040);
	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x41);
	assert_int_equal(lapic_pending(b->all[0]), -1);
	assert_false(lapic_takes_extint(b->all[0]));
	lapic_write(b->all[0], SVR, 0x1ff);
	lapic_write(b->all[0], LVT0, 0x700);
	assert_true(lapic_takes_extint(b->all[0]));
	assert_false(lapic_takes_extint(b->all[1]));
}

static void
the_timer_fires_once_or_again(void **state)
{
	struct bed *b = *state;
	struct lapic *l = b->all[0];

	lapic_write(l, DIVIDE, 0xb); /* by 1: a nanosecond */
	lapic_write(l, LVT_TIMER, 0x40);
	lapic_write(l, INITIAL, 1000000);
	fake_vm_pass(&b->f, 400000);
	assert_int_equal(lapic_read(l, CURRENT), 600000);
	assert_int_equal(lapic_pending(l), -1);
	fake_vm_pass(&b->f, 600000);
	assert_int_equal(got(b, 0x40), 1);
	assert_int_equal(lapic_read(l, CURRENT), 0);
	fake_vm_pass(&b->f, 2000000);
	assert_int_equal(got(b, 0x40), 0);

	lapic_write(l, LVT_TIMER, 0x20040);
	lapic_write(l, DIVIDE, 0x1); /* by 4 */
	lapic_write(l, INITIAL, 100000);
	for (unsigned i = 0; i < 3; i++) {
		fake_vm_pass(&b->f, 400000);
		assert_int_equal(got(b, 0x40), 1);
	}
	lapic_write(l, INITIAL, 0);
	fake_vm_pass(&b->f, 2000000);
	assert_int_equal(got(b, 0x40), 0);
}

static void
a_deadline_is_in_ticks_of_the_tsc(void **state)
{
	struct bed *b = *state;
	struct lapic *l = b->all[0];

	assert_int_equal(lapic_deadline_set(l, b->f.now_ns + 100), 0);
	assert_int_equal(lapic_deadline(l), 0); /* not in that mode */
	lapic_write(l, LVT_TIMER, 0x40040);
	assert_int_equal(lapic_deadline_set(l, b->f.now_ns + 5000), 0);
	assert_int_equal(lapic_deadline(l), b->f.now_ns + 5000);
	fake_vm_pass(&b->f, 4999);
	assert_int_equal(got(b, 0x40), 0);
	fake_vm_pass(&b->f, 1);
	assert_int_equal(got(b, 0x40), 1);
	assert_int_equal(lapic_deadline(l), 0);
	/* One that is past fires at once. */
	assert_int_equal(lapic_deadline_set(l, 1), 0);
	fake_vm_pass(&b->f, 1);
	assert_int_equal(got(b, 0x40), 1);
	/* Zero and another mode take it back. */
	assert_int_equal(lapic_deadline_set(l, b->f.now_ns + 5000), 0);
	assert_int_equal(lapic_deadline_set(l, 0), 0);
	assert_int_equal(lapic_deadline_set(l, b->f.now_ns + 5000), 0);
	lapic_write(l, LVT_TIMER, 0x40);
	fake_vm_pass(&b->f, 10000);
	assert_int_equal(got(b, 0x40), 0);
}

static void
x2apic_is_msrs(void **state)
{
	struct bed *b = *state;
	uint64_t v;

	assert_int_equal(lapic_msr_read(b->all[2], 0x02, &v), -1);
	to_x2(b);
	assert_int_equal(lapic_msr_read(b->all[2], 0x02, &v), 0);
	assert_int_equal(v, 2);
	assert_int_equal(lapic_msr_read(b->all[2], 0x0d, &v), 0);
	assert_int_equal(v, 1 << 2);
	assert_int_equal(lapic_msr_read(b->all[2], 0x0e, &v), -1);
	assert_int_equal(lapic_msr_write(b->all[2], 0x0b, 1), -1);
	assert_int_equal(lapic_msr_write(b->all[2], 0x0b, 0), 0);
}

static void
x2apic_commands_name_ids_and_clusters(void **state)
{
	struct bed *b = *state;

	to_x2(b);
	lapic_msr_write(b->all[0], 0x30, 3ull << 32 | 0x4071);
	assert_int_equal(lapic_pending(b->all[3]), 0x71);
	lapic_msr_write(b->all[0], 0x30, 0x6ull << 32 | 0x4872);
	assert_int_equal(lapic_pending(b->all[1]), 0x72);
	assert_int_equal(lapic_pending(b->all[2]), 0x72);
	assert_int_equal(lapic_pending(b->all[0]), -1);
	lapic_msr_write(b->all[0], 0x3f, 0x73);
	assert_int_equal(lapic_pending(b->all[0]), 0x73);
	lapic_msr_write(b->all[0], 0x30, 0xffffffffull << 32 | 0x4084);
	for (unsigned i = 0; i < NCPUS; i++)
		assert_int_equal(lapic_pending(b->all[i]), 0x84);
}

static void
modes_change_only_as_the_manual_says(void **state)
{
	const uint64_t at = VM_LAPIC_GPA | X86_APIC_BASE_BSP;
	const uint64_t on = X86_APIC_BASE_ENABLE, x2 = X86_APIC_BASE_X2APIC;
	struct bed *b = *state;
	struct lapic *l = b->all[0];

	assert_int_equal(lapic_set_base(l, at | x2), -1);
	assert_int_equal(lapic_set_base(l, at | on | 1), -1);
	assert_int_equal(lapic_set_base(l, at | on | x2), 0);
	assert_int_equal(lapic_set_base(l, at | on), -1);
	assert_int_equal(lapic_set_base(l, at), 0);
	assert_int_equal(lapic_set_base(l, at | on | x2), -1);
	assert_int_equal(lapic_set_base(l, at | on), 0);
	assert_int_equal(lapic_read(l, SVR), 0xff); /* off forgets all */
}

static void
state_comes_back(void **state)
{
	struct bed *b = *state;
	struct lapic *l = b->all[0];
	uint8_t image[1024], again[1024];
	uint64_t timer_ns, timer2_ns, base = lapic_base(l);
	struct error err;

	lapic_write(l, DIVIDE, 0xb);
	lapic_write(l, LVT_TIMER, 0x40);
	lapic_write(l, INITIAL, 1000);
	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x33 | 1 << 15);
	lapic_deliver(b->all, NCPUS, 0xfee00000, 0x51);
	lapic_take(l, 0x51);
	lapic_save(l, image, &timer_ns);
	lapic_reset(l);
	assert_int_equal(lapic_load(l, image, timer_ns, base, &err), 0);
	lapic_save(l, again, &timer2_ns);
	assert_memory_equal(image, again, sizeof(image));
	assert_int_equal(timer_ns, timer2_ns);
	lapic_write(l, EOI, 0);
	assert_int_equal(got(b, 0x33), 1);
	assert_int_equal(b->eois, 1);
	fake_vm_pass(&b->f, 1000000);
	assert_int_equal(got(b, 0x40), 1);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(messages_reach_whom_they_name),
		T(cluster_destinations_match_both_halves),
		T(commands_have_shorthands),
		T(a_processor_is_started_by_init_and_sipi),
		T(priorities_hold_back_what_is_lower),
		T(only_level_interrupts_tell_the_ioapic),
		T(illegal_vectors_are_errors),
		T(a_disabled_apic_takes_no_interrupts),
		T(the_timer_fires_once_or_again),
		T(a_deadline_is_in_ticks_of_the_tsc),
		T(x2apic_is_msrs),
		T(x2apic_commands_name_ids_and_clusters),
		T(modes_change_only_as_the_manual_says),
		T(state_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
