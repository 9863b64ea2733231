/* SPDX-License-Identifier: BSD-2-Clause */
/* vm.c - a VM's parts put together and taken apart, and the accesses its guest
 * makes.
 */
#include "vmm/vm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "vmm/irq.h"
#include "vmm/run.h"
#include "x86/cpuid.h"
#include "x86/state.h"

#define FOUR_GIB 0x100000000ull

struct vm_devices {
	struct {
		const struct device_ops *ops;
		void *dev;
		unsigned instance; /* of its name */
	} row[VM_MAX_DEVICES];
	unsigned n;
};

static int
add_memory(struct vm *vm, uint64_t bytes, struct error *err)
{
	vm->lowmem = bytes < VM_LOWMEM_MAX ? bytes : VM_LOWMEM_MAX;
	vm->highmem = bytes - vm->lowmem;
	if (guest_mem_new(&vm->mem, err) < 0 ||
	    guest_mem_add(vm->mem, GUEST_RAM, 0, vm->lowmem, err) < 0)
		return err->code;
	if (vm->highmem == 0)
		return 0;
	return guest_mem_add(vm->mem, GUEST_RAM, FOUR_GIB, vm->highmem, err);
}

int
vm_new(const struct vm_options *o, struct vm **out_vm, struct error *err)
{
	struct vm *vm;

	if (o->ncpus < 1 || o->ncpus > VM_MAX_CPUS)
		return error_set(err, -EINVAL, "%u vCPUs: 1 to %d are possible",
		                 o->ncpus, VM_MAX_CPUS);
	vm = calloc(1, sizeof(*vm));
	if (vm == NULL)
		return error_set(err, -ENOMEM, "vm '%s'", o->name);
	*vm = (struct vm){
		.name = o->name,
		.ops = o->engine,
		.ncpus = o->ncpus,
		.tsc_hz = o->tsc_hz,
		.began_ns = o->began_ns,
		.x2apic = o->x2apic,
		.strict_msr = o->strict_msr,
		.strict_io = o->strict_io,
		.common_cpu = o->common_cpu,
	};
	for (unsigned i = 0; i < o->ncpus; i++)
		vm->vcpus[i] = (struct vcpu){ .vm = vm, .id = i };
	vm->devices = calloc(1, sizeof(*vm->devices));
	if (vm->devices == NULL)
		error_set(err, -ENOMEM, "vm '%s'", o->name);
	else if (add_memory(vm, o->mem_bytes, err) == 0 &&
	         bus_new(0x10000, &vm->pio, err) == 0 &&
	         bus_new(0, &vm->mmio, err) == 0 &&
	         loop_new(o->clock, &vm->loop, err) == 0 &&
	         vm_wires_new(vm, err) == 0 && vm_run_new(vm, err) == 0) {
		*out_vm = vm;
		return 0;
	}
	vm_free(vm);
	return error_wrap(err, "vm '%s'", o->name);
}

static void
free_devices(struct vm *vm)
{
	while (vm->devices != NULL && vm->devices->n > 0) {
		unsigned i = --vm->devices->n;

		if (vm->devices->row[i].ops->fini != NULL)
			vm->devices->row[i].ops->fini(vm->devices->row[i].dev);
	}
	free(vm->devices);
}

void
vm_free(struct vm *vm)
{
	if (vm == NULL)
		return;
	vm_stop(vm);
	free_devices(vm);
	vm_engine_fini(vm);
	vm_run_free(vm);
	vm_wires_free(vm);
	loop_free(vm->loop);
	bus_free(vm->pio);
	bus_free(vm->mmio);
	guest_mem_free(vm->mem);
	free(vm);
}

int
vm_device_add(struct vm *vm, const struct device_ops *ops, void *dev,
              struct error *err)
{
	struct vm_devices *d = vm->devices;
	unsigned instance = 0;

	if (d->n == VM_MAX_DEVICES)
		return error_set(err, -ENOSPC, "%s: over %d devices", ops->name,
		                 VM_MAX_DEVICES);
	for (unsigned i = 0; i < d->n; i++)
		instance += strcmp(d->row[i].ops->name, ops->name) == 0;
	d->row[d->n].ops = ops;
	d->row[d->n].dev = dev;
	d->row[d->n++].instance = instance;
	return 0;
}

void
vm_rtc_attach(struct vm *vm, const struct vm_rtc_ops *ops, void *ctx)
{
	vm->rtc = ops;
	vm->rtc_ctx = ctx;
}

int
vm_devices_ready(struct vm *vm, struct error *err)
{
	for (unsigned i = 0; i < vm->devices->n; i++) {
		const struct device_ops *ops = vm->devices->row[i].ops;

		if (ops->ready != NULL &&
		    ops->ready(vm->devices->row[i].dev, err) < 0)
			return error_wrap(err, "%s", ops->name);
	}
	return 0;
}

void
vm_devices_pause(struct vm *vm)
{
	for (unsigned i = 0; i < vm->devices->n; i++)
		if (vm->devices->row[i].ops->pause != NULL)
			vm->devices->row[i].ops->pause(vm->devices->row[i].dev);
}

void
vm_devices_resume(struct vm *vm)
{
	for (unsigned i = 0; i < vm->devices->n; i++)
		if (vm->devices->row[i].ops->resume != NULL)
			vm->devices->row[i].ops->resume(
			    vm->devices->row[i].dev);
}

void
vm_devices_reset(struct vm *vm)
{
	for (unsigned i = 0; i < vm->devices->n; i++)
		if (vm->devices->row[i].ops->reset != NULL)
			vm->devices->row[i].ops->reset(vm->devices->row[i].dev);
}

int
vm_devices_save(struct vm *vm, struct buf *out)
{
	for (unsigned i = 0; i < vm->devices->n; i++) {
		const struct state_desc *d = vm->devices->row[i].ops->state;
		int rc;

		if (d == NULL)
			continue;
		rc = state_save(d, vm->devices->row[i].instance,
		                vm->devices->row[i].dev, out);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int64_t
vm_devices_load(struct vm *vm, const uint8_t *bytes, size_t len,
                struct error *err)
{
	size_t at = 0;

	for (unsigned i = 0; i < vm->devices->n; i++) {
		const struct state_desc *d = vm->devices->row[i].ops->state;
		int64_t n;

		if (d == NULL)
			continue;
		n = state_load(d, vm->devices->row[i].instance,
		               vm->devices->row[i].dev, bytes + at, len - at,
		               err);
		if (n < 0)
			return n;
		at += (size_t)n;
	}
	return (int64_t)at;
}

/* The guest touched what nobody emulates; with -e that ends the VM. */
static void
strict(struct vcpu *v, const char *what, uint16_t port)
{
	if (!v->vm->strict_io)
		return;
	error_set(&v->error, -ENXIO, "unhandled %s port %#x", what, port);
	vm_fail(v->vm, &v->error);
}

uint64_t
vm_pio_read(struct vcpu *v, uint16_t port, unsigned size)
{
	uint64_t val;

	if (!bus_read(v->vm->pio, port, size, &val))
		strict(v, "in", port);
	return val;
}

void
vm_pio_write(struct vcpu *v, uint16_t port, unsigned size, uint64_t val)
{
	if (!bus_write(v->vm->pio, port, size, val))
		strict(v, "out", port);
}

uint64_t
vm_mmio_read(struct vcpu *v, uint64_t gpa, unsigned size)
{
	uint64_t val;

	(void)bus_read(v->vm->mmio, gpa, size, &val);
	return val;
}

void
vm_mmio_write(struct vcpu *v, uint64_t gpa, unsigned size, uint64_t val)
{
	(void)bus_write(v->vm->mmio, gpa, size, val);
}

void
vm_engine_fini(struct vm *vm)
{
	static const struct bus_signaller none = { NULL, NULL, NULL };

	if (vm->engine == NULL)
		return;
	bus_set_signaller(vm->pio, &none);
	bus_set_signaller(vm->mmio, &none);
	for (unsigned i = 0; i < vm->ncpus; i++) {
		if (vm->vcpus[i].engine != NULL)
			vm->ops->vcpu_fini(&vm->vcpus[i]);
		free(vm->vcpus[i].cpuid);
		vm->vcpus[i].cpuid = NULL;
	}
	vm->ops->vm_fini(vm);
}

static int
init_vcpu(struct vcpu *v, struct error *err)
{
	struct vm *vm = v->vm;
	struct x86_state st;

	v->cpuid = calloc(1, sizeof(*v->cpuid));
	if (v->cpuid == NULL)
		return error_set(err, -ENOMEM, "vCPU %u", v->id);
	if (vm->ops->cpuid(vm, v->id, v->cpuid, err) < 0 ||
	    vm->ops->vcpu_init(v, err) < 0)
		return error_wrap(err, "vCPU %u", v->id);
	x86_state_reset(&st, v->id, v->id == 0);
	return vm_vcpu_set(vm, v->id, &st, err);
}

/* Notifiers of either bus to the engine's own way of signalling. */

static int
pio_add(void *ctx, uint64_t addr, unsigned size, bool match_any, uint64_t match,
        int fd)
{
	struct vm *vm = ctx;

	return vm->ops->notify_add(vm, true, addr, size, match_any, match, fd);
}

static void
pio_remove(void *ctx, uint64_t addr, unsigned size, bool match_any,
           uint64_t match, int fd)
{
	struct vm *vm = ctx;

	vm->ops->notify_remove(vm, true, addr, size, match_any, match, fd);
}

static int
mmio_add(void *ctx, uint64_t addr, unsigned size, bool match_any,
         uint64_t match, int fd)
{
	struct vm *vm = ctx;

	return vm->ops->notify_add(vm, false, addr, size, match_any, match, fd);
}

static void
mmio_remove(void *ctx, uint64_t addr, unsigned size, bool match_any,
            uint64_t match, int fd)
{
	struct vm *vm = ctx;

	vm->ops->notify_remove(vm, false, addr, size, match_any, match, fd);
}

static void
set_signallers(struct vm *vm)
{
	const struct bus_signaller pio = { pio_add, pio_remove, vm };
	const struct bus_signaller mmio = { mmio_add, mmio_remove, vm };

	if (vm->ops->notify_add == NULL)
		return;
	bus_set_signaller(vm->pio, &pio);
	bus_set_signaller(vm->mmio, &mmio);
}

int
vm_engine_init(struct vm *vm, struct error *err)
{
	if (vm->ops->vm_init(vm, err) < 0)
		return error_wrap(err, "engine '%s'", vm->ops->name);
	set_signallers(vm);
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (init_vcpu(&vm->vcpus[i], err) < 0)
			return error_wrap(err, "engine '%s'", vm->ops->name);
	return 0;
}

int
vm_vcpu_get(struct vm *vm, unsigned id, struct x86_state *out)
{
	return id < vm->ncpus ? vm->ops->get_state(&vm->vcpus[id], out)
	                      : -EINVAL;
}

int
vm_vcpu_set(struct vm *vm, unsigned id, const struct x86_state *st,
            struct error *err)
{
	if (id >= vm->ncpus)
		return error_set(err, -EINVAL, "vCPU %u of %u", id, vm->ncpus);
	if (vm->ops->set_state(&vm->vcpus[id], st, err) < 0)
		return error_wrap(err, "vCPU %u", id);
	return 0;
}
