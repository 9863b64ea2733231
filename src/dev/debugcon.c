/* SPDX-License-Identifier: BSD-2-Clause */
/* debugcon.c - the port QEMU's firmware writes its messages to.
 *
 * Reading gives a number that tells the firmware it is there. What nobody reads
 * is lost; the guest never waits. Source: QEMU, isa-debugcon.
 */
#include "dev/debugcon.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "dev/chardev.h"
#include "dev/shared.h"
#include "vmm/config.h"
#include "vmm/vm.h"

struct debugcon {
	struct chardev *c;
	uint8_t there; /* something to save: that this device was there */
};

static uint64_t
debugcon_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx;
	(void)off;
	(void)size;
	return DEBUGCON_THERE;
}

static void
debugcon_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct debugcon *d = ctx;
	uint8_t b = (uint8_t)v;

	(void)off;
	(void)size;
	chardev_write(d->c, &b, 1);
}

static const struct bus_ops ops = { "debugcon", debugcon_read, debugcon_write };

static void
debugcon_fini(void *dev)
{
	struct debugcon *d = dev;

	chardev_close(d->c);
	free(d);
}

static const struct state_field fields[] = {
	STATE_FIELD(struct debugcon, there),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc state = {
	.name = "debugcon",
	.version = 1,
	.fields = fields,
};

static const struct device_ops device = {
	.name = "debugcon",
	.fini = debugcon_fini,
	.state = &state,
};

/* The firmware does not listen. */
static size_t
swallow(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	return n;
}

int
debugcon_new(struct vm *vm, struct dev_shared *s, struct error *err)
{
	static const struct chardev_user deaf = { .receive = swallow };
	const char *spec =
	    config_get(config_root(s->config), "lpc.debugcon.path");
	struct debugcon *d;

	if (spec == NULL)
		return 0;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return error_set(err, -ENOMEM, "debugcon");
	if (chardev_open(&s->lines, spec, &d->c, err) < 0) {
		free(d);
		return error_wrap(err, "lpc.debugcon.path");
	}
	if (bus_add(vm->pio, DEBUGCON_PORT, 1, &ops, d, err) < 0 ||
	    vm_device_add(vm, &device, d, err) < 0) {
		debugcon_fini(d);
		return err->code;
	}
	chardev_start(d->c, &deaf);
	return 0;
}
