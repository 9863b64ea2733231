/* SPDX-License-Identifier: BSD-2-Clause */
/* legacy.c - an 8042 without keyboard and mouse, and ports that are written to
 * by custom alone.
 *
 * The FADT says that there is no 8042. Guests that ask it anyway, to reset the
 * machine or to look for a keyboard, get their answer at once; a device behind
 * it never answers.
 * Source: Intel 8042; IBM PC AT technical reference, keyboard controller.
 */
#include "dev/legacy.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "vmm/vm.h"

enum {
	PORT_DATA = 0x60,
	PORT_COMMAND = 0x64,
	STS_OUTPUT = 1 << 0, /* a byte waits at 0x60 */
	STS_SYSTEM = 1 << 2,
	STS_UNLOCKED = 1 << 4,
	OUTPUT_RUNNING = 1 << 0, /* bit of the output port: not in reset */
	OUTPUT_A20 = 1 << 1
};

struct legacy {
	struct vm *vm;
	pthread_mutex_t lock;
	uint8_t out, has_out;
	uint8_t mode;    /* the command byte */
	uint8_t port;    /* the output port */
	uint8_t wanting; /* the command whose data byte comes next */
};

static void
answer(struct legacy *l, uint8_t v)
{
	l->out = v;
	l->has_out = 1;
}

/* True: the machine is to be reset. */
static bool
set_port(struct legacy *l, uint8_t v)
{
	l->port = v;
	return (v & OUTPUT_RUNNING) == 0;
}

/* Commands: what they answer; those that take a byte wait for it. */
static bool
command(struct legacy *l, uint8_t c)
{
	l->wanting = 0;
	switch (c) {
	case 0x20:
		answer(l, l->mode);
		break;
	case 0x60:
	case 0xd1:
	case 0xd2:
	case 0xd3:
	case 0xd4:
		l->wanting = c;
		break;
	case 0xa9: /* tests of the lines to mouse and keyboard: open */
	case 0xab:
		answer(l, 0x03);
		break;
	case 0xaa:
		answer(l, 0x55);
		break;
	case 0xc0:
		answer(l, 0x80);
		break;
	case 0xd0:
		answer(l, l->port);
		break;
	case 0xfe:
		return true;
	}
	return false;
}

static bool
data(struct legacy *l, uint8_t v)
{
	uint8_t c = l->wanting;

	l->wanting = 0;
	if (c == 0x60)
		l->mode = v;
	else if (c == 0xd2 || c == 0xd3)
		answer(l, v);
	else if (c == 0xd1)
		return set_port(l, v);
	return false;
}

static uint64_t
read_data(void *ctx, uint64_t off, unsigned size)
{
	struct legacy *l = ctx;
	uint8_t v;

	(void)off;
	(void)size;
	pthread_mutex_lock(&l->lock);
	v = l->out;
	l->has_out = 0;
	pthread_mutex_unlock(&l->lock);
	return v;
}

static uint64_t
read_status(void *ctx, uint64_t off, unsigned size)
{
	struct legacy *l = ctx;
	uint8_t v;

	(void)off;
	(void)size;
	pthread_mutex_lock(&l->lock);
	v = STS_SYSTEM | STS_UNLOCKED | (l->has_out ? STS_OUTPUT : 0);
	pthread_mutex_unlock(&l->lock);
	return v;
}

static void
take(struct legacy *l, bool (*fn)(struct legacy *l, uint8_t v), uint64_t v)
{
	bool reset;

	pthread_mutex_lock(&l->lock);
	reset = fn(l, (uint8_t)v);
	pthread_mutex_unlock(&l->lock);
	if (reset)
		vm_suspend(l->vm, VM_SUSPEND_RESET);
}

static void
write_data(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	(void)off;
	(void)size;
	take(ctx, data, v);
}

static void
write_command(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	(void)off;
	(void)size;
	take(ctx, command, v);
}

static uint64_t
nothing_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx;
	(void)off;
	(void)size;
	return UINT64_MAX;
}

static void
nothing_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	(void)ctx;
	(void)off;
	(void)size;
	(void)v;
}

static const struct bus_ops data_ops = { "8042", read_data, write_data };
static const struct bus_ops command_ops = { "8042", read_status,
	                                    write_command };
static const struct bus_ops nothing_ops = { "nothing", nothing_read,
	                                    nothing_write };

/* Written to, or looked at, by guests that must not fail with -e. */
static const struct {
	uint16_t base, size;
} custom[] = {
	{ 0x00, 0x10 }, /* DMA controller 1 */
	{ 0x80, 0x10 }, /* POST codes, delays, DMA pages (0x92 apart) */
	{ 0xc0, 0x20 }, /* DMA controller 2 */
	{ 0xf0, 0x02 }, /* the coprocessor's error line */
};

static void
legacy_reset(void *dev)
{
	struct legacy *l = dev;

	l->out = l->has_out = l->mode = l->wanting = 0;
	l->port = OUTPUT_RUNNING | OUTPUT_A20;
}

static void
legacy_fini(void *dev)
{
	struct legacy *l = dev;

	pthread_mutex_destroy(&l->lock);
	free(l);
}

static const struct state_field fields[] = {
	STATE_FIELD(struct legacy, out),
	STATE_FIELD(struct legacy, has_out),
	STATE_FIELD(struct legacy, mode),
	STATE_FIELD(struct legacy, port),
	STATE_FIELD(struct legacy, wanting),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc state = {
	.name = "8042",
	.version = 1,
	.fields = fields,
};

static const struct device_ops device = {
	.name = "8042",
	.reset = legacy_reset,
	.fini = legacy_fini,
	.state = &state,
};

int
legacy_new(struct vm *vm, struct error *err)
{
	struct legacy *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return error_set(err, -ENOMEM, "8042");
	l->vm = vm;
	pthread_mutex_init(&l->lock, NULL);
	legacy_reset(l);
	if (bus_add(vm->pio, PORT_DATA, 1, &data_ops, l, err) < 0 ||
	    bus_add(vm->pio, PORT_COMMAND, 1, &command_ops, l, err) < 0 ||
	    vm_device_add(vm, &device, l, err) < 0) {
		legacy_fini(l);
		return err->code;
	}
	for (size_t i = 0; i < ARRAY_LEN(custom); i++)
		if (bus_add(vm->pio, custom[i].base, custom[i].size,
		            &nothing_ops, NULL, err) < 0)
			return err->code;
	return 0;
}
