/* SPDX-License-Identifier: BSD-2-Clause */
/* irq.c - the interrupt wires of a VM: from devices to PIC and IOAPIC, from
 * these to the engine.
 *
 * Wiring is done before the vCPUs start and then only read, so that raising an
 * interrupt takes no lock but the controllers' own.
 */
#include "vmm/irq.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/vm.h"

enum { MAX_SINKS = 4 };

struct vm_wires {
	struct irq_sink sink[MAX_SINKS];
	unsigned n;
	int (*pic_ack)(void *ctx);
	void *pic;
};

int
vm_wires_new(struct vm *vm, struct error *err)
{
	vm->wires = calloc(1, sizeof(*vm->wires));
	return vm->wires != NULL ? 0 : error_set(err, -ENOMEM, "wires");
}

void
vm_wires_free(struct vm *vm)
{
	free(vm->wires);
	vm->wires = NULL;
}

int
vm_irq_sink_add(struct vm *vm, const struct irq_sink *s, struct error *err)
{
	if (vm->wires->n == MAX_SINKS)
		return error_set(err, -ENOSPC, "over %d interrupt controllers",
		                 MAX_SINKS);
	vm->wires->sink[vm->wires->n++] = *s;
	return 0;
}

void
vm_irq_set(struct vm *vm, unsigned gsi, bool level)
{
	for (unsigned i = 0; i < vm->wires->n; i++)
		vm->wires->sink[i].set(vm->wires->sink[i].ctx, gsi, level);
}

void
vm_irq_pulse(struct vm *vm, unsigned gsi)
{
	vm_irq_set(vm, gsi, true);
	vm_irq_set(vm, gsi, false);
}

void
vm_msi(struct vm *vm, uint64_t addr, uint32_t data)
{
	/* Without an engine (tests of devices) an MSI goes nowhere. */
	if (vm->ops != NULL)
		(void)vm->ops->msi(vm, addr, data);
}

void
vm_eoi(struct vm *vm, uint8_t vector)
{
	for (unsigned i = 0; i < vm->wires->n; i++)
		if (vm->wires->sink[i].eoi != NULL)
			vm->wires->sink[i].eoi(vm->wires->sink[i].ctx, vector);
}

void
vm_ioapic_route(struct vm *vm, unsigned pin, uint64_t addr, uint32_t data,
                bool masked)
{
	if (vm->ops != NULL && vm->ops->ioapic_route != NULL)
		vm->ops->ioapic_route(vm, pin, addr, data, masked);
}

void
vm_pic_attach(struct vm *vm, int (*ack)(void *ctx), void *ctx)
{
	vm->wires->pic_ack = ack;
	vm->wires->pic = ctx;
}

void
vm_pic_int(struct vm *vm, bool level)
{
	if (vm->ops != NULL)
		vm->ops->extint(vm, level);
}

int
vm_pic_ack(struct vm *vm)
{
	return vm->wires->pic_ack != NULL ? vm->wires->pic_ack(vm->wires->pic)
	                                  : -1;
}
