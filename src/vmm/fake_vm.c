/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_vm.c - a VM without processors, for tests. */
#include "vmm/fake_vm.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "vmm/run.h"

/* The engine finds its fake through vm->engine. */

static int
fake_engine_msi(struct vm *vm, uint64_t addr, uint32_t data)
{
	struct fake_vm *f = vm->engine;

	if (f->nmsi < FAKE_MAX_MSI)
		f->msi[f->nmsi] = (struct fake_msi){ addr, data };
	f->nmsi++;
	return 0;
}

static void
fake_engine_extint(struct vm *vm, bool level)
{
	((struct fake_vm *)vm->engine)->extint = level;
}

static void
fake_engine_route(struct vm *vm, unsigned pin, uint64_t addr, uint32_t data,
                  bool masked)
{
	struct fake_vm *f = vm->engine;

	f->route[pin].msg = (struct fake_msi){ addr, data };
	f->route[pin].masked = masked;
}

static void
fake_engine_fini(struct vm *vm)
{
	(void)vm;
}

static void
fake_engine_kick(struct vcpu *v)
{
	(void)v;
}

static const struct engine_ops fake_engine = {
	.name = "fake",
	.vm_fini = fake_engine_fini,
	.kick = fake_engine_kick,
	.msi = fake_engine_msi,
	.extint = fake_engine_extint,
	.ioapic_route = fake_engine_route,
};

static uint64_t
fake_now(void *ctx)
{
	return ((struct fake_vm *)ctx)->now_ns;
}

static void
fake_set(void *ctx, unsigned gsi, bool level)
{
	struct fake_vm *f = ctx;

	if (gsi >= VM_MAX_GSI)
		abort();
	f->edges[gsi] += level && !f->gsi[gsi];
	f->gsi[gsi] = level;
}

void
fake_vm_init(struct fake_vm *f)
{
	const struct clock_source clock = { fake_now, f };
	const struct vm_options o = {
		.name = "fake",
		.ncpus = 1,
		.mem_bytes = 2 << 20,
		.tsc_hz = 1000000000,
		.engine = &fake_engine,
		.clock = &clock,
	};
	const struct irq_sink sink = { fake_set, NULL, f };
	struct error err;

	*f = (struct fake_vm){ .vm = NULL };
	if (vm_new(&o, &f->vm, &err) < 0)
		abort();
	f->vm->engine = f;
	if (vm_irq_sink_add(f->vm, &sink, &err) < 0)
		abort();
}

void
fake_vm_fini(struct fake_vm *f)
{
	vm_free(f->vm);
	f->vm = NULL;
}

enum { MIN_STEP_NS = 25000 };

static void
pass(struct fake_vm *f, uint64_t ns, unsigned steps)
{
	const uint64_t end = f->now_ns + ns;
	const uint64_t step =
	    ns / steps > MIN_STEP_NS ? ns / steps : MIN_STEP_NS;

	loop_poll(f->vm->loop);
	while (f->now_ns < end) {
		f->now_ns += end - f->now_ns < step ? end - f->now_ns : step;
		loop_poll(f->vm->loop);
	}
}

void
fake_vm_pass(struct fake_vm *f, uint64_t ns)
{
	pass(f, ns, 4096);
}

uint64_t
fake_in(struct fake_vm *f, uint16_t port, unsigned size)
{
	return vm_pio_read(&f->vm->vcpus[0], port, size);
}

void
fake_out(struct fake_vm *f, uint16_t port, unsigned size, uint64_t v)
{
	vm_pio_write(&f->vm->vcpus[0], port, size, v);
}

uint64_t
fake_read(struct fake_vm *f, uint64_t gpa, unsigned size)
{
	return vm_mmio_read(&f->vm->vcpus[0], gpa, size);
}

void
fake_write(struct fake_vm *f, uint64_t gpa, unsigned size, uint64_t v)
{
	vm_mmio_write(&f->vm->vcpus[0], gpa, size, v);
}

int
fake_vm_roundtrip(struct fake_vm *f, struct buf *out)
{
	cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
	struct error err;

	if (vm_devices_save(f->vm, &first) < 0)
		return -1;
	vm_devices_reset(f->vm);
	if (vm_devices_load(f->vm, (const uint8_t *)first.data, first.len,
	                    &err) != (int64_t)first.len ||
	    vm_devices_save(f->vm, &second) < 0)
		return -1;
	if (out != NULL)
		buf_put(out, first.data, first.len);
	return first.len == second.len &&
	               memcmp(first.data, second.data, first.len) == 0
	           ? 0
	           : -1;
}

/* Sections as state.c makes them. */
enum { SECTION_HEAD = 48, SECTION_LEN = 40, SECTION_CRC = 44 };

static uint32_t
get32(const char *p)
{
	return (uint32_t)(uint8_t)p[0] | (uint32_t)(uint8_t)p[1] << 8 |
	       (uint32_t)(uint8_t)p[2] << 16 | (uint32_t)(uint8_t)p[3] << 24;
}

static uint32_t
crc32_of(const char *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	while (n-- > 0) {
		crc ^= (uint8_t)*p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	return ~crc;
}

int
fake_vm_load_changed(struct fake_vm *f, const uint8_t *data, size_t len)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct error err;
	size_t at = 0, k = 0;

	if (vm_devices_save(f->vm, &b) < 0)
		abort();
	while (at < b.len) {
		char *section = b.data + at;
		uint32_t n = get32(section + SECTION_LEN), crc;

		for (uint32_t i = 0; i < n && k < len; i++)
			section[SECTION_HEAD + i] ^= (char)data[k++];
		crc = crc32_of(section + SECTION_HEAD, n);
		for (unsigned i = 0; i < 4; i++)
			section[SECTION_CRC + i] = (char)(crc >> 8 * i);
		at += SECTION_HEAD + n;
	}
	return vm_devices_load(f->vm, (const uint8_t *)b.data, b.len, &err) < 0
	           ? -1
	           : 0;
}

void
fake_vm_hostile(struct fake_vm *f, const struct fake_range *ranges, size_t n,
                const uint8_t *data, size_t len)
{
	/* An access: what, offset (2), value (4). */
	for (; len >= 7; data += 7, len -= 7) {
		const struct fake_range *r = &ranges[(data[0] >> 3) % n];
		unsigned size = 1u << (data[0] & 3);
		uint64_t off = (data[1] | (uint64_t)data[2] << 8) % r->size;
		uint64_t v = data[3] | (uint64_t)data[4] << 8 |
		             (uint64_t)data[5] << 16 | (uint64_t)data[6] << 24;

		v |= v << 32;
		if (data[0] >> 3 == 31)
			pass(f, v & 0xffffff, 4);
		else if (r->pio && (data[0] & 4) != 0)
			fake_out(f, (uint16_t)(r->base + off), size & 7, v);
		else if (r->pio)
			(void)fake_in(f, (uint16_t)(r->base + off), size & 7);
		else if ((data[0] & 4) != 0)
			fake_write(f, r->base + off, size, v);
		else
			(void)fake_read(f, r->base + off, size);
	}
}
