/* SPDX-License-Identifier: BSD-2-Clause */
/* pit.c - the 8254 interval timer and port 0x61.
 *
 * A channel is the time it was loaded and what it was loaded with; its counter
 * and its output are computed when somebody looks, so that a guest may poll at
 * the cost of reading the clock. Only channel 0 has a timer, for its interrupt.
 * A periodic interrupt that came too late is given once, not made up for: a
 * guest that counts ticks has better clocks.
 * Source: Intel 82C54 data sheet; port 0x61: 82371AB (PIIX4), 4.2.4.
 */
#include "dev/pit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dev/ticks.h"
#include "vmm/vm.h"

enum {
	PORT = 0x40,
	PORT_B = 0x61,
	HZ = 1193182,
	NCHANNELS = 3,
	CONTROL = 3,
	READ_BACK = 3,
	REFRESH_NS = 15085, /* of port B's refresh bit */

	B_GATE2 = 1 << 0,
	B_SPEAKER = 1 << 1,
	B_REFRESH = 1 << 4,
	B_OUT2 = 1 << 5
};

/* How bytes of the counter go over the bus. */
enum access { LATCH, LOW, HIGH, LOW_HIGH };

struct channel {
	uint64_t loaded_ns; /* when counting began */
	uint64_t frozen_ns; /* time counted when the gate went down */
	uint32_t count;     /* 1..65536 ticks; 0: nothing loaded yet */
	uint16_t latch;
	uint8_t latched; /* bytes of latch still to be read */
	uint8_t status, has_status;
	uint8_t mode, bcd, access;
	uint8_t low;       /* the first byte of two written */
	uint8_t have_low;  /* it waits for the second */
	uint8_t read_high; /* the next read is the second byte */
	uint8_t gate, null_count;
};

struct pit {
	struct vm *vm;
	pthread_mutex_t lock;
	struct channel ch[NCHANNELS];
	struct timer timer;
	uint8_t port_b; /* bits the guest wrote */
};

/* Guest time the channel has counted. */
static uint64_t
counted_ns(const struct channel *c, uint64_t now)
{
	return c->gate ? now - c->loaded_ns : c->frozen_ns;
}

static bool
is_periodic(const struct channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

static uint16_t
to_bcd(unsigned v)
{
	return (uint16_t)(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 |
	                  v / 1000 % 10 << 12);
}

static unsigned
from_bcd(unsigned v)
{
	return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 +
	       (v >> 12 & 15) * 1000;
}

/* What the counter shows. */
static uint16_t
counter(const struct channel *c, uint64_t now)
{
	uint64_t t = ticks_of_ns(counted_ns(c, now), HZ);
	unsigned modulo = c->bcd ? 10000 : 65536;
	unsigned v;

	if (c->count == 0)
		return 0;
	if (c->mode == 3) /* by twos, on even numbers */
		v = (unsigned)(c->count - t * 2 % c->count) & ~1u;
	else if (c->mode == 2)
		v = (unsigned)(c->count - t % c->count);
	else
		v = (c->count + modulo - (unsigned)(t % modulo)) % modulo;
	v %= modulo;
	return c->bcd ? to_bcd(v) : (uint16_t)v;
}

static bool
output(const struct channel *c, uint64_t now)
{
	uint64_t t = ticks_of_ns(counted_ns(c, now), HZ);

	if (c->count == 0)
		return c->mode != 0;
	switch (c->mode) {
	case 0:
	case 1:
		return t >= c->count;
	case 2:
		return t % c->count != c->count - 1;
	case 3:
		return t % c->count < (c->count + 1) / 2;
	default: /* low for the tick of its end */
		return t != c->count;
	}
}

/* Set or clear the timer of channel 0's next interrupt. */
static void
arm(struct pit *p)
{
	struct channel *c = &p->ch[0];
	uint64_t now = loop_now(p->vm->loop), t;

	timer_clear(p->vm->loop, &p->timer);
	if (c->count == 0 || c->mode == 1 || c->mode == 5)
		return;
	t = ticks_of_ns(now - c->loaded_ns, HZ);
	if (is_periodic(c))
		t = (t / c->count + 1) * c->count;
	else if (t >= c->count)
		return;
	else
		t = c->count;
	(void)timer_set(p->vm->loop, &p->timer,
	                c->loaded_ns + ns_of_ticks(t, HZ));
}

static void
fire(void *ctx)
{
	struct pit *p = ctx;
	bool stays;

	pthread_mutex_lock(&p->lock);
	stays = p->ch[0].mode == 0;
	vm_irq_set(p->vm, 0, true);
	if (!stays)
		vm_irq_set(p->vm, 0, false);
	if (is_periodic(&p->ch[0]))
		arm(p);
	pthread_mutex_unlock(&p->lock);
}

static void
load(struct pit *p, struct channel *c, unsigned v)
{
	unsigned n = c->bcd ? from_bcd(v) : v;

	c->count = n != 0 ? n : c->bcd ? 10000 : 65536;
	/* A square wave of one tick is none. */
	if (is_periodic(c) && c->count == 1)
		c->count = 2;
	c->loaded_ns = loop_now(p->vm->loop);
	c->frozen_ns = 0;
	c->null_count = 0;
	/* Without a trigger at their gate these do not begin. */
	if (c->mode == 1 || c->mode == 5)
		c->count = 0;
	if (c == &p->ch[0]) {
		vm_irq_set(p->vm, 0, false);
		arm(p);
	}
}

static void
latch_count(struct pit *p, struct channel *c)
{
	if (c->latched != 0)
		return;
	c->latch = counter(c, loop_now(p->vm->loop));
	c->latched = c->access == LOW_HIGH ? 2 : 1;
}

static void
latch_status(struct pit *p, struct channel *c)
{
	if (c->has_status)
		return;
	c->status = (uint8_t)(c->bcd | c->mode << 1 | c->access << 4 |
	                      c->null_count << 6 |
	                      output(c, loop_now(p->vm->loop)) << 7);
	c->has_status = 1;
}

static void
control(struct pit *p, uint8_t v)
{
	unsigned which = v >> 6;
	struct channel *c;

	if (which == READ_BACK) {
		for (unsigned i = 0; i < NCHANNELS; i++) {
			if ((v >> (i + 1) & 1) == 0)
				continue;
			if ((v & 1 << 5) == 0)
				latch_count(p, &p->ch[i]);
			if ((v & 1 << 4) == 0)
				latch_status(p, &p->ch[i]);
		}
		return;
	}
	c = &p->ch[which];
	if ((v >> 4 & 3) == LATCH) {
		latch_count(p, c);
		return;
	}
	*c = (struct channel){ .gate = c->gate, .null_count = 1 };
	c->access = v >> 4 & 3;
	c->mode = v >> 1 & 7;
	if (c->mode > 5)
		c->mode -= 4;
	c->bcd = v & 1;
	if (which == 0) {
		timer_clear(p->vm->loop, &p->timer);
		vm_irq_set(p->vm, 0, false);
	}
}

static void
channel_write(struct pit *p, struct channel *c, uint8_t v)
{
	switch (c->access) {
	case LOW:
		load(p, c, v);
		break;
	case HIGH:
		load(p, c, (unsigned)v << 8);
		break;
	case LOW_HIGH:
		if (c->have_low)
			load(p, c, c->low | (unsigned)v << 8);
		c->have_low = !c->have_low;
		c->low = v;
		break;
	}
}

static uint8_t
channel_read(struct pit *p, struct channel *c)
{
	uint16_t v =
	    c->latched != 0 ? c->latch : counter(c, loop_now(p->vm->loop));
	bool high =
	    c->access == HIGH || (c->access == LOW_HIGH && c->read_high);

	if (c->has_status) {
		c->has_status = 0;
		return c->status;
	}
	if (c->access == LOW_HIGH)
		c->read_high = !c->read_high;
	if (c->latched != 0)
		c->latched--;
	return (uint8_t)(high ? v >> 8 : v);
}

static uint64_t
pit_read(void *ctx, uint64_t off, unsigned size)
{
	struct pit *p = ctx;
	uint8_t v = 0xff;

	(void)size;
	pthread_mutex_lock(&p->lock);
	if (off < NCHANNELS)
		v = channel_read(p, &p->ch[off]);
	pthread_mutex_unlock(&p->lock);
	return v;
}

static void
pit_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pit *p = ctx;

	(void)size;
	pthread_mutex_lock(&p->lock);
	if (off == CONTROL)
		control(p, (uint8_t)v);
	else if (off < NCHANNELS)
		channel_write(p, &p->ch[off], (uint8_t)v);
	pthread_mutex_unlock(&p->lock);
}

/* A gate that rises begins modes 1, 2, 3 and 5 anew and lets 0 and 4 go on. */
static void
set_gate(struct pit *p, struct channel *c, bool gate)
{
	uint64_t now = loop_now(p->vm->loop);

	if (gate == (c->gate != 0))
		return;
	if (!gate)
		c->frozen_ns = now - c->loaded_ns;
	else
		c->loaded_ns =
		    c->mode == 0 || c->mode == 4 ? now - c->frozen_ns : now;
	c->gate = gate;
}

static uint64_t
port_b_read(void *ctx, uint64_t off, unsigned size)
{
	struct pit *p = ctx;
	uint64_t now = loop_now(p->vm->loop), v;

	(void)off;
	(void)size;
	pthread_mutex_lock(&p->lock);
	v = p->port_b;
	v |= now / REFRESH_NS % 2 != 0 ? B_REFRESH : 0;
	v |= output(&p->ch[2], now) ? B_OUT2 : 0;
	pthread_mutex_unlock(&p->lock);
	return v;
}

static void
port_b_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pit *p = ctx;

	(void)off;
	(void)size;
	pthread_mutex_lock(&p->lock);
	p->port_b = v & (B_GATE2 | B_SPEAKER);
	set_gate(p, &p->ch[2], (v & B_GATE2) != 0);
	pthread_mutex_unlock(&p->lock);
}

static const struct bus_ops pit_ops = { "pit", pit_read, pit_write };
static const struct bus_ops port_b_ops = { "port-b", port_b_read,
	                                   port_b_write };

static void
pit_reset(void *dev)
{
	struct pit *p = dev;

	timer_clear(p->vm->loop, &p->timer);
	memset(p->ch, 0, sizeof(p->ch));
	p->ch[0].gate = p->ch[1].gate = 1;
	p->port_b = 0;
}

static void
pit_fini(void *dev)
{
	struct pit *p = dev;

	timer_clear(p->vm->loop, &p->timer);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* One row for each field and channel. */
#define CHANNEL(i)                                                             \
	STATE_FIELD(struct pit, ch[i].loaded_ns),                              \
	    STATE_FIELD(struct pit, ch[i].frozen_ns),                          \
	    STATE_FIELD(struct pit, ch[i].count),                              \
	    STATE_FIELD(struct pit, ch[i].latch),                              \
	    STATE_FIELD(struct pit, ch[i].latched),                            \
	    STATE_FIELD(struct pit, ch[i].status),                             \
	    STATE_FIELD(struct pit, ch[i].has_status),                         \
	    STATE_FIELD(struct pit, ch[i].mode),                               \
	    STATE_FIELD(struct pit, ch[i].bcd),                                \
	    STATE_FIELD(struct pit, ch[i].access),                             \
	    STATE_FIELD(struct pit, ch[i].low),                                \
	    STATE_FIELD(struct pit, ch[i].have_low),                           \
	    STATE_FIELD(struct pit, ch[i].read_high),                          \
	    STATE_FIELD(struct pit, ch[i].gate),                               \
	    STATE_FIELD(struct pit, ch[i].null_count)

static const struct state_field fields[] = {
	CHANNEL(0),        CHANNEL(1),
	CHANNEL(2),        STATE_FIELD(struct pit, port_b),
	{ NULL, 0, 0, 0 },
};

static int
after_load(void *obj, struct error *err)
{
	struct pit *p = obj;
	uint64_t now = loop_now(p->vm->loop);

	for (unsigned i = 0; i < NCHANNELS; i++) {
		const struct channel *c = &p->ch[i];

		if (c->count > 65536 || c->mode > 5 || c->access > LOW_HIGH ||
		    c->loaded_ns > now)
			return error_set(err, -EINVAL, "no 8254 state");
	}
	arm(p);
	return 0;
}

static const struct state_desc state = {
	.name = "pit",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "pit",
	.reset = pit_reset,
	.fini = pit_fini,
	.state = &state,
};

int
pit_new(struct vm *vm, struct error *err)
{
	struct pit *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return error_set(err, -ENOMEM, "pit");
	p->vm = vm;
	p->timer = (struct timer){ .fn = fire, .ctx = p };
	pthread_mutex_init(&p->lock, NULL);
	pit_reset(p);
	if (bus_add(vm->pio, PORT, 4, &pit_ops, p, err) < 0 ||
	    bus_add(vm->pio, PORT_B, 1, &port_b_ops, p, err) < 0 ||
	    vm_device_add(vm, &device, p, err) < 0) {
		pit_fini(p);
		return err->code;
	}
	return 0;
}
