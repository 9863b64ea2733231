/* SPDX-License-Identifier: BSD-2-Clause */
/* vmgen.c - the VM generation id.
 *
 * A guest that went on from a checkpoint may have gone on elsewhere, too: it is
 * told by a new id in memory and an event, and makes its random numbers anew.
 * The id is written when the VM begins to run, for a checkpoint's memory comes
 * after its devices.
 */
#include "dev/vmgen.h"

#include <sys/random.h>

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "dev/power.h"
#include "vmm/vm.h"

enum { ID_BYTES = 16 };

struct vmgen {
	struct vm *vm;
	struct power *power;
	uint64_t gpa; /* of the id */
	bool want_id, tell;
	uint8_t version; /* something to save: that this device was there */
};

static void
vmgen_reset(void *dev)
{
	((struct vmgen *)dev)->want_id = true;
}

static void
vmgen_resume(void *dev)
{
	struct vmgen *g = dev;
	uint8_t id[ID_BYTES];

	/* Up to 256 bytes come whole, once the host has any. */
	if (!g->want_id || getrandom(id, sizeof(id), 0) != sizeof(id))
		return;
	(void)guest_mem_load(g->vm->mem, g->gpa, id, sizeof(id));
	if (g->tell)
		power_gpe(g->power, VMGEN_GPE);
	g->want_id = g->tell = false;
}

static void
vmgen_fini(void *dev)
{
	free(dev);
}

static int
after_load(void *obj, struct error *err)
{
	struct vmgen *g = obj;

	(void)err;
	g->want_id = g->tell = true;
	return 0;
}

static const struct state_field fields[] = {
	STATE_FIELD(struct vmgen, version),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc state = {
	.name = "vmgen",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "vmgen",
	.reset = vmgen_reset,
	.resume = vmgen_resume,
	.fini = vmgen_fini,
	.state = &state,
};

int
vmgen_new(struct vm *vm, struct power *p, uint64_t gpa, struct error *err)
{
	struct vmgen *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return error_set(err, -ENOMEM, "vmgen");
	*g =
	    (struct vmgen){ .vm = vm, .power = p, .gpa = gpa, .want_id = true };
	if (vm_device_add(vm, &device, g, err) < 0) {
		free(g);
		return err->code;
	}
	return 0;
}
