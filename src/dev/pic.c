/* SPDX-License-Identifier: BSD-2-Clause */
/* pic.c - the pair of 8259A interrupt controllers of a PC, with ELCR.
 *
 * The second chip's output is the first one's input 2, kept as a level. The
 * INT line to the processor follows every change; the engine takes the vector
 * by pic_ack() when it is ready. One lock; held while the line is given on.
 * Source: Intel 8259A data sheet; ELCR: 82371AB (PIIX4), 4.3.3.
 */
#include "dev/pic.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "vmm/vm.h"

enum {
	PORT_FIRST = 0x20,
	PORT_SECOND = 0xa0,
	PORT_ELCR = 0x4d0,
	NIRQ = 16,
	CASCADE = 2,
	SPURIOUS = 7,
	NONE = -1,

	ICW1 = 1 << 4, /* of a command: starts initialisation */
	ICW1_ICW4 = 1 << 0,
	ICW1_SINGLE = 1 << 1,
	ICW4_AEOI = 1 << 1,
	ICW4_SFNM = 1 << 4,
	OCW3 = 1 << 3,
	OCW3_READ = 1 << 1, /* with bit 0: ISR, else IRR */
	OCW3_POLL = 1 << 2,
	OCW3_SMM_SET = 1 << 6 /* with bit 5: its value */
};

/* What the next write to the data port is. */
enum icw { READY, WANT_ICW2, WANT_ICW3, WANT_ICW4 };

struct chip {
	uint8_t irr, isr, imr;
	uint8_t line; /* levels, to see edges */
	uint8_t elcr, elcr_mask;
	uint8_t base;   /* vector of input 0 */
	uint8_t lowest; /* input of lowest priority */
	uint8_t next_icw, want_icw4, single;
	uint8_t aeoi, rotate_aeoi, sfnm, smm;
	uint8_t poll, read_isr;
};

struct pic {
	struct vm *vm;
	pthread_mutex_t lock;
	struct chip chip[2];
	uint8_t out; /* the INT line */
};

/* The place of the first bit of set in the order of priority; 8: none. */
static unsigned
priority(const struct chip *c, uint8_t set)
{
	unsigned p = 0;

	while (p < 8 && (set >> (c->lowest + 1u + p) % 8 & 1) == 0)
		p++;
	return p;
}

/* The input that may interrupt now, or NONE. */
static int
ready(const struct pic *pic, const struct chip *c)
{
	unsigned want = priority(c, c->irr & ~c->imr);
	uint8_t busy = c->isr;

	if (want == 8)
		return NONE;
	if (c->smm)
		busy &= ~c->imr;
	/* A second interrupt of the other chip may pass its first. */
	if (c->sfnm && c == &pic->chip[0])
		busy &= (uint8_t) ~(1 << CASCADE);
	return want < priority(c, busy) ? (int)((c->lowest + 1u + want) % 8)
	                                : NONE;
}

static void
update(struct pic *pic)
{
	struct chip *first = &pic->chip[0];
	bool out;

	first->irr &= (uint8_t) ~(1 << CASCADE);
	if (ready(pic, &pic->chip[1]) != NONE)
		first->irr |= 1 << CASCADE;
	out = ready(pic, first) != NONE;
	if (out != pic->out) {
		pic->out = out;
		vm_pic_int(pic->vm, out);
	}
}

static void
set_input(struct chip *c, unsigned irq, bool level)
{
	uint8_t bit = (uint8_t)(1 << irq);

	if ((c->elcr & bit) != 0) {
		c->irr = (uint8_t)(level ? c->irr | bit : c->irr & ~bit);
	} else if (level && (c->line & bit) == 0) {
		c->irr |= bit;
	}
	c->line = (uint8_t)(level ? c->line | bit : c->line & ~bit);
}

static void
pic_set(void *ctx, unsigned gsi, bool level)
{
	struct pic *pic = ctx;

	if (gsi >= NIRQ || gsi == CASCADE)
		return;
	pthread_mutex_lock(&pic->lock);
	set_input(&pic->chip[gsi / 8], gsi % 8, level);
	update(pic);
	pthread_mutex_unlock(&pic->lock);
}

static void
take(struct chip *c, unsigned irq)
{
	uint8_t bit = (uint8_t)(1 << irq);

	if (!c->aeoi)
		c->isr |= bit;
	else if (c->rotate_aeoi)
		c->lowest = (uint8_t)irq;
	if ((c->elcr & bit) == 0)
		c->irr &= (uint8_t)~bit;
}

/* What the chip gives on an acknowledge cycle. */
static unsigned
acknowledge(struct pic *pic, struct chip *c)
{
	int irq = ready(pic, c);

	if (irq == NONE)
		return SPURIOUS;
	take(c, (unsigned)irq);
	return (unsigned)irq;
}

static int
pic_ack(void *ctx)
{
	struct pic *pic = ctx;
	unsigned irq;
	int vector;

	pthread_mutex_lock(&pic->lock);
	irq = acknowledge(pic, &pic->chip[0]);
	vector = pic->chip[0].base + (int)irq;
	if (irq == CASCADE)
		vector =
		    pic->chip[1].base + (int)acknowledge(pic, &pic->chip[1]);
	update(pic);
	pthread_mutex_unlock(&pic->lock);
	return vector;
}

/* Initialisation forgets everything but the levels of the lines and ELCR. */
static void
icw1(struct chip *c, uint8_t v)
{
	*c = (struct chip){
		.line = c->line,
		.elcr = c->elcr,
		.elcr_mask = c->elcr_mask,
		.irr = c->line & c->elcr,
		.lowest = 7,
		.next_icw = WANT_ICW2,
		.want_icw4 = v & ICW1_ICW4,
		.single = v & ICW1_SINGLE,
	};
}

static void
end_of_interrupt(struct chip *c, unsigned irq, bool rotate)
{
	c->isr &= (uint8_t) ~(1 << irq);
	if (rotate)
		c->lowest = (uint8_t)irq;
}

/* OCW2: R, SL, EOI in bits 7..5, a level in 2..0. */
static void
ocw2(struct chip *c, uint8_t v)
{
	unsigned p = priority(c, c->smm ? c->isr & ~c->imr : c->isr);

	switch (v >> 5) {
	case 0: /* rotate in AEOI mode: off, on */
	case 4:
		c->rotate_aeoi = v >> 7;
		break;
	case 1: /* EOI of the highest, rotating */
	case 5:
		if (p < 8)
			end_of_interrupt(c, (c->lowest + 1u + p) % 8, v >> 7);
		break;
	case 3: /* EOI of the level given, rotating */
	case 7:
		end_of_interrupt(c, v & 7, v >> 7);
		break;
	case 6:
		c->lowest = v & 7;
		break;
	}
}

static void
ocw3(struct chip *c, uint8_t v)
{
	if ((v & OCW3_POLL) != 0)
		c->poll = 1;
	if ((v & OCW3_READ) != 0)
		c->read_isr = v & 1;
	if ((v & OCW3_SMM_SET) != 0)
		c->smm = v >> 5 & 1;
}

static void
command(struct chip *c, uint8_t v)
{
	if ((v & ICW1) != 0)
		icw1(c, v);
	else if ((v & OCW3) != 0)
		ocw3(c, v);
	else
		ocw2(c, v);
}

static void
data(struct chip *c, uint8_t v)
{
	switch (c->next_icw) {
	case READY:
		c->imr = v;
		return;
	case WANT_ICW2:
		c->base = v & 0xf8;
		c->next_icw = c->single ? WANT_ICW4 : WANT_ICW3;
		break;
	case WANT_ICW3: /* the wiring is as it is */
		c->next_icw = WANT_ICW4;
		break;
	case WANT_ICW4:
		c->aeoi = (v & ICW4_AEOI) != 0;
		c->sfnm = (v & ICW4_SFNM) != 0;
		c->next_icw = READY;
		return;
	}
	if (c->next_icw == WANT_ICW4 && !c->want_icw4)
		c->next_icw = READY;
}

/* A read in poll mode acknowledges: bit 7 and the input. */
static uint8_t
poll(struct pic *pic, struct chip *c)
{
	int irq = ready(pic, c);

	c->poll = 0;
	if (irq == NONE)
		return 0;
	take(c, (unsigned)irq);
	return (uint8_t)(0x80 | irq);
}

static uint8_t
chip_read(struct pic *pic, struct chip *c, uint64_t off)
{
	if (c->poll)
		return poll(pic, c);
	if (off % 2 == 1)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static uint64_t
port_read(struct pic *pic, struct chip *c, uint64_t off)
{
	uint8_t v;

	pthread_mutex_lock(&pic->lock);
	v = chip_read(pic, c, off);
	update(pic);
	pthread_mutex_unlock(&pic->lock);
	return v;
}

static void
port_write(struct pic *pic, struct chip *c, uint64_t off, uint8_t v)
{
	pthread_mutex_lock(&pic->lock);
	if (off % 2 == 0)
		command(c, v);
	else
		data(c, v);
	update(pic);
	pthread_mutex_unlock(&pic->lock);
}

static uint64_t
first_read(void *ctx, uint64_t off, unsigned size)
{
	struct pic *pic = ctx;

	(void)size;
	return port_read(pic, &pic->chip[0], off);
}

static void
first_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pic *pic = ctx;

	(void)size;
	port_write(pic, &pic->chip[0], off, (uint8_t)v);
}

static uint64_t
second_read(void *ctx, uint64_t off, unsigned size)
{
	struct pic *pic = ctx;

	(void)size;
	return port_read(pic, &pic->chip[1], off);
}

static void
second_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pic *pic = ctx;

	(void)size;
	port_write(pic, &pic->chip[1], off, (uint8_t)v);
}

static uint64_t
elcr_read(void *ctx, uint64_t off, unsigned size)
{
	const struct pic *pic = ctx;
	uint64_t v = pic->chip[off % 2].elcr;

	return size == 2 ? v | (uint64_t)pic->chip[1].elcr << 8 : v;
}

static void
elcr_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pic *pic = ctx;

	pthread_mutex_lock(&pic->lock);
	for (unsigned i = 0; i < size && off + i < 2; i++) {
		struct chip *c = &pic->chip[off + i];

		c->elcr = (uint8_t)(v >> 8 * i) & c->elcr_mask;
		c->irr |= c->line & c->elcr;
	}
	update(pic);
	pthread_mutex_unlock(&pic->lock);
}

static const struct bus_ops first_ops = { "pic", first_read, first_write };
static const struct bus_ops second_ops = { "pic", second_read, second_write };
static const struct bus_ops elcr_ops = { "elcr", elcr_read, elcr_write };

static void
power_up(struct pic *pic)
{
	/* IRQ 0, 1, 2, 8 and 13 are edges for good; 5, 10 and 11 levels from
	 * the start, for PIRQs are led there (lpc_first_irq()). */
	pic->chip[0] =
	    (struct chip){ .lowest = 7, .elcr = 0x20, .elcr_mask = 0xf8 };
	pic->chip[1] =
	    (struct chip){ .lowest = 7, .elcr = 0x0c, .elcr_mask = 0xde };
	pic->out = 0;
}

static void
pic_reset(void *dev)
{
	struct pic *pic = dev;

	power_up(pic);
	vm_pic_int(pic->vm, false);
}

static void
pic_fini(void *dev)
{
	struct pic *pic = dev;

	pthread_mutex_destroy(&pic->lock);
	free(pic);
}

/* chip is all bytes: saved as it lies. */
static const struct state_field fields[] = {
	{ "chips", offsetof(struct pic, chip), 1, sizeof(struct chip) * 2 },
	STATE_FIELD(struct pic, out),
	{ NULL, 0, 0, 0 },
};

static int
after_load(void *obj, struct error *err)
{
	struct pic *pic = obj;

	for (unsigned i = 0; i < 2; i++) {
		const struct chip *c = &pic->chip[i];

		if (c->lowest > 7 || c->next_icw > WANT_ICW4)
			return error_set(err, -EINVAL, "no 8259 state");
	}
	vm_pic_int(pic->vm, pic->out != 0);
	return 0;
}

static const struct state_desc state = {
	.name = "pic",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "pic",
	.reset = pic_reset,
	.fini = pic_fini,
	.state = &state,
};

int
pic_new(struct vm *vm, struct error *err)
{
	struct pic *pic = calloc(1, sizeof(*pic));
	const struct irq_sink sink = { pic_set, NULL, pic };

	if (pic == NULL)
		return error_set(err, -ENOMEM, "pic");
	pic->vm = vm;
	pthread_mutex_init(&pic->lock, NULL);
	power_up(pic); /* there is no engine yet */
	if (bus_add(vm->pio, PORT_FIRST, 2, &first_ops, pic, err) < 0 ||
	    bus_add(vm->pio, PORT_SECOND, 2, &second_ops, pic, err) < 0 ||
	    bus_add(vm->pio, PORT_ELCR, 2, &elcr_ops, pic, err) < 0 ||
	    vm_irq_sink_add(vm, &sink, err) < 0 ||
	    vm_device_add(vm, &device, pic, err) < 0) {
		pic_fini(pic);
		return err->code;
	}
	vm_pic_attach(vm, pic_ack, pic);
	return 0;
}
