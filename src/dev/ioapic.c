/* SPDX-License-Identifier: BSD-2-Clause */
/* ioapic.c - the I/O APIC: 24 pins to messages.
 *
 * A pin in level mode that was sent waits for its EOI (remote IRR) and is sent
 * again if the line is still up. Linux and Windows switch a pin to edge mode
 * and back to be rid of a lost EOI: edge mode has no remote IRR. One lock, held
 * while messages are given on.
 * Source: Intel 82093AA data sheet, chapter 3.
 */
#include "dev/ioapic.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "vmm/vm.h"

enum {
	NPINS = VM_MAX_GSI,
	BYTES = 0x1000,
	PIT_GSI = 0, /* wired to pin 2, whose GSI is the PICs' cascade */
	PIT_PIN = 2,

	IOREGSEL = 0x00,
	IOWIN = 0x10,
	REG_ID = 0,
	REG_VERSION = 1,
	REG_ARBITRATION = 2,
	REG_ENTRY = 0x10,
	VERSION = 0x11 | (NPINS - 1) << 16
};

#define RTE_VECTOR     0xffull
#define RTE_MODE(e)    ((unsigned)((e) >> 8 & 7))
#define RTE_LOGICAL    (1ull << 11)
#define RTE_REMOTE_IRR (1ull << 14)
#define RTE_LEVEL      (1ull << 15)
#define RTE_MASKED     (1ull << 16)
#define RTE_WRITABLE   0xff0000000001afffull
#define RTE_EXT_DEST   0x00fe000000000000ull /* destination 14..8 */

enum { MODE_LOWEST = 1, MODE_EXTINT = 7 };

struct ioapic {
	struct vm *vm;
	pthread_mutex_t lock;
	uint32_t select, id;
	uint32_t lines; /* levels */
	uint64_t entry[NPINS];
};

/* The message a redirection entry stands for. */
static uint64_t
address_of(uint64_t e)
{
	return VM_LAPIC_GPA | (e >> 56) << 12 | (e >> 49 & 0x7f) << 5 |
	       (RTE_MODE(e) == MODE_LOWEST ? 1u << 3 : 0) |
	       ((e & RTE_LOGICAL) != 0 ? 1u << 2 : 0);
}

static uint32_t
data_of(uint64_t e)
{
	return (uint32_t)(e & RTE_VECTOR) | RTE_MODE(e) << 8 |
	       ((e & RTE_LEVEL) != 0 ? 3u << 14 : 0);
}

static void
send(struct ioapic *a, unsigned pin)
{
	uint64_t e = a->entry[pin];

	/* No PIC is wired to a pin; its line goes to LINT0. */
	if (RTE_MODE(e) == MODE_EXTINT)
		return;
	if ((e & RTE_LEVEL) != 0)
		a->entry[pin] |= RTE_REMOTE_IRR;
	vm_msi(a->vm, address_of(e), data_of(e));
}

/* Send a level that is up, unmasked and not on its way. */
static void
service(struct ioapic *a, unsigned pin)
{
	uint64_t e = a->entry[pin];

	if ((e & RTE_LEVEL) != 0 && (e & (RTE_MASKED | RTE_REMOTE_IRR)) == 0 &&
	    (a->lines >> pin & 1) != 0)
		send(a, pin);
}

static void
ioapic_set(void *ctx, unsigned gsi, bool level)
{
	struct ioapic *a = ctx;
	unsigned pin = gsi == PIT_GSI ? PIT_PIN : gsi;
	bool was;

	if (gsi >= NPINS || gsi == PIT_PIN)
		return;
	pthread_mutex_lock(&a->lock);
	was = a->lines >> pin & 1;
	a->lines = (a->lines & ~(1u << pin)) | (uint32_t)level << pin;
	if ((a->entry[pin] & RTE_LEVEL) != 0)
		service(a, pin);
	else if (level && !was && (a->entry[pin] & RTE_MASKED) == 0)
		send(a, pin);
	pthread_mutex_unlock(&a->lock);
}

static void
ioapic_eoi(void *ctx, uint8_t vector)
{
	struct ioapic *a = ctx;

	pthread_mutex_lock(&a->lock);
	for (unsigned i = 0; i < NPINS; i++)
		if ((a->entry[i] & RTE_REMOTE_IRR) != 0 &&
		    (a->entry[i] & RTE_VECTOR) == vector) {
			a->entry[i] &= ~RTE_REMOTE_IRR;
			service(a, i);
		}
	pthread_mutex_unlock(&a->lock);
}

static void
route(struct ioapic *a, unsigned pin)
{
	uint64_t e = a->entry[pin];

	vm_ioapic_route(a->vm, pin, address_of(e), data_of(e),
	                (e & RTE_MASKED) != 0 || RTE_MODE(e) == MODE_EXTINT);
}

static void
entry_write(struct ioapic *a, unsigned pin, uint32_t v, bool high)
{
	const uint64_t wmask = RTE_WRITABLE | RTE_EXT_DEST;
	uint64_t e = a->entry[pin];
	uint64_t half = 0xffffffffull << (high ? 32 : 0);
	uint64_t nv = (uint64_t)v << (high ? 32 : 0);

	e = (e & ~(half & wmask)) | (nv & half & wmask);
	if ((e & RTE_LEVEL) == 0)
		e &= ~RTE_REMOTE_IRR;
	a->entry[pin] = e;
	route(a, pin);
	service(a, pin);
}

static uint32_t
window_read(const struct ioapic *a)
{
	unsigned pin = (a->select - REG_ENTRY) / 2;

	if (a->select == REG_ID || a->select == REG_ARBITRATION)
		return a->id;
	if (a->select == REG_VERSION)
		return VERSION;
	if (a->select < REG_ENTRY || pin >= NPINS)
		return 0;
	return (uint32_t)(a->entry[pin] >> (a->select % 2 != 0 ? 32 : 0));
}

static void
window_write(struct ioapic *a, uint32_t v)
{
	unsigned pin = (a->select - REG_ENTRY) / 2;

	if (a->select == REG_ID)
		a->id = v & 0x0f000000;
	else if (a->select >= REG_ENTRY && pin < NPINS)
		entry_write(a, pin, v, a->select % 2 != 0);
}

static uint64_t
mmio_read(void *ctx, uint64_t off, unsigned size)
{
	struct ioapic *a = ctx;
	uint64_t v = 0;

	(void)size;
	pthread_mutex_lock(&a->lock);
	if (off == IOREGSEL)
		v = a->select;
	else if (off == IOWIN)
		v = window_read(a);
	pthread_mutex_unlock(&a->lock);
	return v;
}

static void
mmio_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct ioapic *a = ctx;

	(void)size;
	pthread_mutex_lock(&a->lock);
	if (off == IOREGSEL)
		a->select = v & 0xff;
	else if (off == IOWIN)
		window_write(a, (uint32_t)v);
	pthread_mutex_unlock(&a->lock);
}

static const struct bus_ops mmio_ops = { "ioapic", mmio_read, mmio_write };

static void
ioapic_reset(void *dev)
{
	struct ioapic *a = dev;

	a->select = 0;
	a->id = 0;
	a->lines = 0;
	for (unsigned i = 0; i < NPINS; i++) {
		a->entry[i] = RTE_MASKED;
		route(a, i);
	}
}

static void
ioapic_fini(void *dev)
{
	struct ioapic *a = dev;

	pthread_mutex_destroy(&a->lock);
	free(a);
}

static const struct state_field fields[] = {
	STATE_FIELD(struct ioapic, select),
	STATE_FIELD(struct ioapic, id),
	STATE_FIELD(struct ioapic, lines),
	STATE_ARRAY(struct ioapic, entry),
	{ NULL, 0, 0, 0 },
};

static int
after_load(void *obj, struct error *err)
{
	struct ioapic *a = obj;

	(void)err;
	a->select &= 0xff;
	for (unsigned i = 0; i < NPINS; i++) {
		a->entry[i] &= RTE_WRITABLE | RTE_EXT_DEST | RTE_REMOTE_IRR;
		route(a, i);
	}
	return 0;
}

static const struct state_desc state = {
	.name = "ioapic",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "ioapic",
	.reset = ioapic_reset,
	.fini = ioapic_fini,
	.state = &state,
};

int
ioapic_new(struct vm *vm, struct error *err)
{
	struct ioapic *a = calloc(1, sizeof(*a));
	const struct irq_sink sink = { ioapic_set, ioapic_eoi, a };

	if (a == NULL)
		return error_set(err, -ENOMEM, "ioapic");
	a->vm = vm;
	pthread_mutex_init(&a->lock, NULL);
	for (unsigned i = 0; i < NPINS; i++)
		a->entry[i] = RTE_MASKED;
	if (bus_add(vm->mmio, VM_IOAPIC_GPA, BYTES, &mmio_ops, a, err) < 0 ||
	    vm_irq_sink_add(vm, &sink, err) < 0 ||
	    vm_device_add(vm, &device, a, err) < 0) {
		ioapic_fini(a);
		return err->code;
	}
	return 0;
}
