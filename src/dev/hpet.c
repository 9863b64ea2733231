/* SPDX-License-Identifier: BSD-2-Clause */
/* hpet.c - the high precision event timer: a 100 MHz counter and three timers.
 *
 * The counter is the guest's clock and an offset. A timer's next match is
 * computed when its registers change and waited for by the loop. Legacy
 * replacement is not offered, as bhyve does not: PIT and RTC keep their wires.
 * Source: IA-PC HPET 1.0a, 2.3.
 */
#include "dev/hpet.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/pci.h"
#include "vmm/vm.h"

enum {
	BYTES = 0x400,
	TICK_NS = 10,
	TICK_FS = 10000000,
	FIRST_PIRQ = 4,
	FIRST_PIN = 20,

	R_CAPABILITIES = 0x00,
	R_CONFIG = 0x10,
	R_STATUS = 0x20,
	R_COUNTER = 0xf0,
	R_TIMERS = 0x100,
	TIMER_BYTES = 0x20,
	R_T_CONFIG = 0x00,
	R_T_COMPARATOR = 0x08,
	R_T_FSB = 0x10,

	CONFIG_ENABLE = 1 << 0,
	T_LEVEL = 1 << 1,
	T_ENABLE = 1 << 2,
	T_PERIODIC = 1 << 3,
	T_CAN_PERIODIC = 1 << 4,
	T_CAN_64BIT = 1 << 5,
	T_SET_VALUE = 1 << 6,
	T_32BIT = 1 << 8,
	T_ROUTE_SHIFT = 9,
	T_ROUTE = 31 << T_ROUTE_SHIFT,
	T_FSB = 1 << 14,
	T_CAN_FSB = 1 << 15,
	T_WRITABLE = T_LEVEL | T_ENABLE | T_PERIODIC | T_SET_VALUE | T_32BIT |
	             T_ROUTE | T_FSB,
	/* A periodic timer may not fire faster. */
	MIN_PERIOD = 100000 / TICK_NS
};

/* Pins 20..23. */
static const uint64_t route_capability = 0x00f00000ull << 32;

struct hpet_timer {
	struct hpet *h;
	struct timer timer;
	uint64_t config, comparator, period, fsb;
	uint8_t up;    /* its level is on the wire */
	uint8_t up_at; /* the pin */
};

struct hpet {
	struct vm *vm;
	struct pci_bus *bus;
	pthread_mutex_t lock;
	uint64_t config, status;
	uint64_t stopped_at; /* the counter while it is off */
	uint64_t start_ns;   /* when it was 0, while it is on; may wrap */
	struct hpet_timer t[HPET_NTIMERS];
};

static uint64_t
counter(const struct hpet *h)
{
	if ((h->config & CONFIG_ENABLE) == 0)
		return h->stopped_at;
	return (loop_now(h->vm->loop) - h->start_ns) / TICK_NS + h->stopped_at;
}

static bool
is_32bit(const struct hpet_timer *t)
{
	return (t->config & T_32BIT) != 0;
}

static unsigned
route_of(const struct hpet_timer *t)
{
	return (t->config & T_ROUTE) >> T_ROUTE_SHIFT;
}

/* Take the level off the wire. */
static void
lower(struct hpet_timer *t)
{
	if (t->up)
		pci_pirq_set(t->h->bus, t->up_at, false);
	t->up = 0;
}

static void
interrupt(struct hpet_timer *t)
{
	unsigned pin = route_of(t), n = (unsigned)(t - t->h->t);

	if ((t->config & T_LEVEL) != 0)
		t->h->status |= 1u << n;
	if ((t->config & T_ENABLE) == 0)
		return;
	if ((t->config & T_FSB) != 0) {
		vm_msi(t->h->vm, t->fsb >> 32, (uint32_t)t->fsb);
		return;
	}
	if (pin < FIRST_PIN || pin >= FIRST_PIN + 4 || t->up)
		return;
	t->up = 1;
	t->up_at = (uint8_t)(FIRST_PIRQ + pin - FIRST_PIN);
	pci_pirq_set(t->h->bus, t->up_at, true);
	if ((t->config & T_LEVEL) == 0)
		lower(t);
}

/* Wait for the next match. One that is just gone comes after a wrap. */
static void
arm(struct hpet_timer *t)
{
	struct hpet *h = t->h;
	uint64_t left = t->comparator - counter(h);

	timer_clear(h->vm->loop, &t->timer);
	if ((h->config & CONFIG_ENABLE) == 0)
		return;
	/* Nobody would hear of it, nor see it. */
	if ((t->config & (T_ENABLE | T_LEVEL)) == 0)
		return;
	if (is_32bit(t))
		left = (uint32_t)left;
	if (left > INT64_MAX / TICK_NS)
		return; /* in centuries */
	(void)timer_set(h->vm->loop, &t->timer,
	                loop_now(h->vm->loop) + left * TICK_NS);
}

static void
advance_period(struct hpet_timer *t)
{
	uint64_t period = t->period < MIN_PERIOD ? MIN_PERIOD : t->period;
	uint64_t late = counter(t->h) - t->comparator;

	if (is_32bit(t))
		late = (uint32_t)late;
	/* What was missed is not made up for. */
	t->comparator += (late / period + 1) * period;
	if (is_32bit(t))
		t->comparator = (uint32_t)t->comparator;
}

static void
fire(void *ctx)
{
	struct hpet_timer *t = ctx;

	pthread_mutex_lock(&t->h->lock);
	if ((t->h->config & CONFIG_ENABLE) != 0) {
		interrupt(t);
		if ((t->config & T_PERIODIC) != 0) {
			advance_period(t);
			arm(t);
		}
	}
	pthread_mutex_unlock(&t->h->lock);
}

/* Registers, as 64-bit words; writes come with a mask of the bytes meant. */

static uint64_t
timer_read(const struct hpet_timer *t, uint64_t off)
{
	switch (off) {
	case R_T_CONFIG:
		return t->config | T_CAN_PERIODIC | T_CAN_64BIT | T_CAN_FSB |
		       route_capability;
	case R_T_COMPARATOR:
		return t->comparator;
	case R_T_FSB:
		return t->fsb;
	}
	return 0;
}

static uint64_t
word_read(const struct hpet *h, uint64_t off)
{
	uint64_t i = (off - R_TIMERS) / TIMER_BYTES;

	if (off >= R_TIMERS)
		return i < HPET_NTIMERS
		           ? timer_read(&h->t[i], off % TIMER_BYTES)
		           : 0;
	switch (off) {
	case R_CAPABILITIES:
		return (uint64_t)TICK_FS << 32 | (uint32_t)HPET_ID;
	case R_CONFIG:
		return h->config;
	case R_STATUS:
		return h->status;
	case R_COUNTER:
		return counter(h);
	}
	return 0;
}

static uint64_t
merge(uint64_t old, uint64_t v, uint64_t mask)
{
	return (old & ~mask) | (v & mask);
}

static void
comparator_write(struct hpet_timer *t, uint64_t v, uint64_t mask)
{
	bool periodic = (t->config & T_PERIODIC) != 0;

	if (is_32bit(t)) {
		v = (uint32_t)v;
		mask = mask & 0xffffffff ? UINT64_MAX : 0;
	}
	/* In periodic mode a write sets the period; only SET_VALUE lets it set
	 * the first match. */
	if (!periodic || (t->config & T_SET_VALUE) != 0)
		t->comparator = merge(t->comparator, v, mask);
	if (periodic && (t->config & T_SET_VALUE) == 0)
		t->period = merge(t->period, v, mask);
	t->config &= ~(uint64_t)T_SET_VALUE;
	arm(t);
}

static void
timer_write(struct hpet_timer *t, uint64_t off, uint64_t v, uint64_t mask)
{
	switch (off) {
	case R_T_CONFIG:
		lower(t);
		t->config = merge(t->config, v, mask) & T_WRITABLE;
		if ((t->config & T_LEVEL) == 0)
			t->h->status &= ~(1ull << (t - t->h->t));
		arm(t);
		break;
	case R_T_COMPARATOR:
		comparator_write(t, v, mask);
		break;
	case R_T_FSB:
		t->fsb = merge(t->fsb, v, mask);
		break;
	}
}

static void
config_write(struct hpet *h, uint64_t v)
{
	uint64_t now = counter(h);

	h->config = v & CONFIG_ENABLE;
	h->stopped_at = now;
	h->start_ns = loop_now(h->vm->loop);
	for (unsigned i = 0; i < HPET_NTIMERS; i++)
		arm(&h->t[i]);
}

static void
status_write(struct hpet *h, uint64_t v)
{
	for (unsigned i = 0; i < HPET_NTIMERS; i++)
		if ((v >> i & 1) != 0) {
			h->status &= ~(1ull << i);
			lower(&h->t[i]);
		}
}

static void
word_write(struct hpet *h, uint64_t off, uint64_t v, uint64_t mask)
{
	uint64_t i = (off - R_TIMERS) / TIMER_BYTES;

	if (off >= R_TIMERS) {
		if (i < HPET_NTIMERS)
			timer_write(&h->t[i], off % TIMER_BYTES, v, mask);
		return;
	}
	switch (off) {
	case R_CONFIG:
		config_write(h, merge(h->config, v, mask));
		break;
	case R_STATUS:
		status_write(h, v & mask);
		break;
	case R_COUNTER:
		h->stopped_at = merge(counter(h), v, mask);
		h->start_ns = loop_now(h->vm->loop);
		for (i = 0; i < HPET_NTIMERS; i++)
			arm(&h->t[i]);
		break;
	}
}

/* Only aligned 32 and 64 bits; anything else the specification forbids. */
static bool
access_ok(uint64_t off, unsigned size)
{
	return (size == 4 || size == 8) && off % size == 0;
}

static uint64_t
hpet_read(void *ctx, uint64_t off, unsigned size)
{
	struct hpet *h = ctx;
	uint64_t v;

	if (!access_ok(off, size))
		return UINT64_MAX;
	pthread_mutex_lock(&h->lock);
	v = word_read(h, off & ~7ull);
	pthread_mutex_unlock(&h->lock);
	return off % 8 != 0 ? v >> 32 : v;
}

static void
hpet_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct hpet *h = ctx;
	unsigned shift = off % 8 != 0 ? 32 : 0;
	uint64_t mask = size == 8 ? UINT64_MAX : 0xffffffffull << shift;

	if (!access_ok(off, size))
		return;
	pthread_mutex_lock(&h->lock);
	word_write(h, off & ~7ull, v << shift, mask);
	pthread_mutex_unlock(&h->lock);
}

static const struct bus_ops hpet_ops = { "hpet", hpet_read, hpet_write };

static void
hpet_reset(void *dev)
{
	struct hpet *h = dev;

	for (unsigned i = 0; i < HPET_NTIMERS; i++) {
		struct hpet_timer *t = &h->t[i];

		lower(t);
		timer_clear(h->vm->loop, &t->timer);
		t->config = t->period = t->fsb = 0;
		t->comparator = UINT64_MAX;
	}
	h->config = h->status = h->stopped_at = 0;
}

static void
hpet_fini(void *dev)
{
	struct hpet *h = dev;

	for (unsigned i = 0; i < HPET_NTIMERS; i++)
		timer_clear(h->vm->loop, &h->t[i].timer);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

#define TIMER(i)                                                               \
	STATE_FIELD(struct hpet, t[i].config),                                 \
	    STATE_FIELD(struct hpet, t[i].comparator),                         \
	    STATE_FIELD(struct hpet, t[i].period),                             \
	    STATE_FIELD(struct hpet, t[i].fsb)

static const struct state_field fields[] = {
	STATE_FIELD(struct hpet, config),
	STATE_FIELD(struct hpet, status),
	STATE_FIELD(struct hpet, stopped_at),
	STATE_FIELD(struct hpet, start_ns),
	TIMER(0),
	TIMER(1),
	TIMER(2),
	{ NULL, 0, 0, 0 },
};

static int
after_load(void *obj, struct error *err)
{
	struct hpet *h = obj;

	if (h->start_ns > loop_now(h->vm->loop))
		return error_set(err, -EINVAL, "no HPET state");
	h->config &= CONFIG_ENABLE;
	for (unsigned i = 0; i < HPET_NTIMERS; i++) {
		struct hpet_timer *t = &h->t[i];

		t->config &= T_WRITABLE;
		lower(t);
		if ((t->config & T_LEVEL) != 0 && (h->status >> i & 1) != 0)
			interrupt(t);
		arm(t);
	}
	return 0;
}

static const struct state_desc state = {
	.name = "hpet",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "hpet",
	.reset = hpet_reset,
	.fini = hpet_fini,
	.state = &state,
};

int
hpet_new(struct vm *vm, struct pci_bus *b, struct error *err)
{
	struct hpet *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return error_set(err, -ENOMEM, "hpet");
	h->vm = vm;
	h->bus = b;
	pthread_mutex_init(&h->lock, NULL);
	for (unsigned i = 0; i < HPET_NTIMERS; i++) {
		h->t[i].h = h;
		h->t[i].timer = (struct timer){ .fn = fire, .ctx = &h->t[i] };
	}
	hpet_reset(h);
	if (bus_add(vm->mmio, VM_HPET_GPA, BYTES, &hpet_ops, h, err) < 0 ||
	    vm_device_add(vm, &device, h, err) < 0) {
		hpet_fini(h);
		return err->code;
	}
	return 0;
}
