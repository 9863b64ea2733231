/* SPDX-License-Identifier: BSD-2-Clause */
/* pctestdev.c - what kvm-unit-tests expects of a machine: memory and a port
 * behind a device, interrupt lines, and an exit with a status.
 *
 * The lines lie where BARs of ports begin, as on FreeBSD: a card that is given
 * a place there answers by its other BARs alone.
 * Source: QEMU's pc-testdev and isa-debug-exit, as kvm-unit-tests uses them.
 */
#include "dev/pctestdev.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vmm/vm.h"

enum { DATA_BYTES = 4, EXIT_BYTES = 4, MEMORY_BYTES = 64 << 10 };

struct pctestdev {
	struct vm *vm;
	pthread_mutex_t lock;
	uint8_t data[DATA_BYTES];
	bool line[VM_MAX_GSI]; /* up because of us */
	uint8_t memory[MEMORY_BYTES];
};

/* What is plainly kept: the access lies within, as the bus has seen to. */

static uint64_t
kept_read(struct pctestdev *t, const uint8_t *from, unsigned size)
{
	uint64_t v = 0;

	pthread_mutex_lock(&t->lock);
	memcpy(&v, from, size);
	pthread_mutex_unlock(&t->lock);
	return v;
}

static void
kept_write(struct pctestdev *t, uint8_t *to, unsigned size, uint64_t v)
{
	pthread_mutex_lock(&t->lock);
	memcpy(to, &v, size);
	pthread_mutex_unlock(&t->lock);
}

static uint64_t
data_read(void *ctx, uint64_t off, unsigned size)
{
	struct pctestdev *t = ctx;

	return kept_read(t, t->data + off, size);
}

static void
data_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pctestdev *t = ctx;

	kept_write(t, t->data + off, size, v);
}

static uint64_t
memory_read(void *ctx, uint64_t off, unsigned size)
{
	struct pctestdev *t = ctx;

	return kept_read(t, t->memory + off, size);
}

static void
memory_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pctestdev *t = ctx;

	kept_write(t, t->memory + off, size, v);
}

static uint64_t
zero_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx;
	(void)off;
	(void)size;
	return 0;
}

static void
exit_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pctestdev *t = ctx;

	(void)off;
	(void)size;
	vm_suspend_status(t->vm, (uint8_t)(v << 1 | 1));
}

/* lock held. */
static void
set_line(struct pctestdev *t, unsigned gsi, bool up)
{
	if (t->line[gsi] == up)
		return;
	t->line[gsi] = up;
	vm_irq_set(t->vm, gsi, up);
}

static void
line_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pctestdev *t = ctx;

	if (size != 1)
		return;
	pthread_mutex_lock(&t->lock);
	set_line(t, (unsigned)off, (uint8_t)v != 0);
	pthread_mutex_unlock(&t->lock);
}

static const struct bus_ops data_ops = { "pc-testdev", data_read, data_write };
static const struct bus_ops memory_ops = { "pc-testdev-memory", memory_read,
	                                   memory_write };
static const struct bus_ops exit_ops = { "isa-debug-exit", zero_read,
	                                 exit_write };
static const struct bus_ops line_ops = { "pc-testdev-irq", zero_read,
	                                 line_write };

static void
pctestdev_reset(void *dev)
{
	struct pctestdev *t = dev;

	memset(t->data, 0, sizeof(t->data));
	memset(t->memory, 0, sizeof(t->memory));
	for (unsigned i = 0; i < VM_MAX_GSI; i++)
		set_line(t, i, false);
}

static void
pctestdev_fini(void *dev)
{
	struct pctestdev *t = dev;

	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* The wires hear anew what is up. */
static int
after_load(void *obj, struct error *err)
{
	struct pctestdev *t = obj;

	(void)err;
	for (unsigned i = 0; i < VM_MAX_GSI; i++)
		if (t->line[i])
			vm_irq_set(t->vm, i, true);
	return 0;
}

static const struct state_field fields[] = {
	STATE_ARRAY(struct pctestdev, data),
	STATE_ARRAY(struct pctestdev, line),
	STATE_ARRAY(struct pctestdev, memory),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc state = {
	.name = "pctestdev",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "pctestdev",
	.reset = pctestdev_reset,
	.fini = pctestdev_fini,
	.state = &state,
};

int
pctestdev_new(struct vm *vm, struct error *err)
{
	struct pctestdev *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return error_set(err, -ENOMEM, "pc-testdev");
	t->vm = vm;
	pthread_mutex_init(&t->lock, NULL);
	if (bus_add(vm->pio, PCTESTDEV_DATA, DATA_BYTES, &data_ops, t, err) <
	        0 ||
	    bus_add(vm->pio, PCTESTDEV_EXIT, EXIT_BYTES, &exit_ops, t, err) <
	        0 ||
	    bus_add(vm->pio, PCTESTDEV_LINES, VM_MAX_GSI, &line_ops, t, err) <
	        0 ||
	    bus_add(vm->mmio, PCTESTDEV_MEMORY, MEMORY_BYTES, &memory_ops, t,
	            err) < 0 ||
	    vm_device_add(vm, &device, t, err) < 0) {
		pctestdev_fini(t);
		return err->code;
	}
	return 0;
}
