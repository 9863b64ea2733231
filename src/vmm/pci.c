/* SPDX-License-Identifier: BSD-2-Clause */
/* pci.c - functions and their configuration space, reached by configuration
 * mechanism 1 (ports 0xcf8, 0xcfc) and the memory-mapped ECAM.
 *
 * A register is bytes and a mask of what a guest may write; sizing a BAR needs
 * nothing more. What a write means beyond that is pci_bar.c's and pci_irq.c's.
 */
#include "vmm/pci.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vmm/pci_internal.h"
#include "vmm/vm.h"

enum {
	PORT_ADDRESS = 0xcf8, /* and DATA, four bytes on */
	ADDRESS_ENABLE = 1u << 31,
	ADDRESS_MASK = 0x80fffffcu,
	RESET_OFF = 1 /* 0xcf9 */
};

uint32_t
pci_raw_get(const struct pci_dev *d, unsigned off, unsigned size)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (uint32_t)d->cfg[(off + i) % PCI_CFG_BYTES] << 8 * i;
	return v;
}

void
pci_raw_set(struct pci_dev *d, unsigned off, unsigned size, uint32_t v)
{
	for (unsigned i = 0; i < size; i++)
		d->cfg[(off + i) % PCI_CFG_BYTES] = (uint8_t)(v >> 8 * i);
}

static bool
touches(unsigned off, unsigned size, unsigned from, unsigned len)
{
	return off < from + len && from < off + size;
}

/* Functions. */

struct pci_dev *
pci_find(struct pci_bus *b, unsigned bus, unsigned slot, unsigned func)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct pci_dev *d = b->dev[i];

		if (d->nr == bus && d->slot == slot && d->func == func)
			return d;
	}
	return NULL;
}

/* Function 0 of a slot with others says so. */
static void
mark_multi_function(struct pci_dev *d)
{
	struct pci_dev *first = pci_find(d->bus, d->nr, d->slot, 0);

	if (first == NULL)
		return;
	for (unsigned f = 1; f < 8; f++)
		if (pci_find(d->bus, d->nr, d->slot, f) != NULL)
			first->cfg[PCI_HEADER_TYPE] |= 0x80;
}

static void
dev_reset(void *dev)
{
	struct pci_dev *d = dev;

	pthread_mutex_lock(&d->bus->lock);
	memcpy(d->cfg, d->at_reset, sizeof(d->cfg));
	pci_irq_reset(d);
	pci_decode(d->bus);
	pthread_mutex_unlock(&d->bus->lock);
}

static void
dev_fini(void *dev)
{
	struct pci_dev *d = dev;

	pci_unmap(d);
	pthread_mutex_destroy(&d->lock);
	free(d->notify);
	free(d);
}

static const struct state_field dev_fields[] = {
	STATE_ARRAY(struct pci_dev, cfg),
	STATE_ARRAY(struct pci_dev, msix_table),
	STATE_ARRAY(struct pci_dev, msix_pending),
	STATE_FIELD(struct pci_dev, msi_pending),
	STATE_FIELD(struct pci_dev, intx_level),
	{ NULL, 0, 0, 0 },
};

/*
 * What a guest cannot write is this machine's, not the stream's; that it was
 * the same device is all that is asked of the rest.
 */
static int
dev_after_load(void *obj, struct error *err)
{
	struct pci_dev *d = obj;

	if (memcmp(d->cfg, d->at_reset, 4) != 0)
		return error_set(err, -EINVAL,
		                 "%s: saved as device %04x:%04x, is %02x%02x",
		                 d->name, pci_raw_get(d, PCI_VENDOR, 2),
		                 pci_raw_get(d, PCI_DEVICE, 2), d->at_reset[1],
		                 d->at_reset[0]);
	pthread_mutex_lock(&d->bus->lock);
	for (unsigned i = 0; i < PCI_CFG_BYTES; i++)
		d->cfg[i] = (uint8_t)((d->cfg[i] & d->wmask[i]) |
		                      (d->at_reset[i] & ~d->wmask[i]));
	pci_decode(d->bus);
	pci_irq_loaded(d);
	pthread_mutex_unlock(&d->bus->lock);
	return 0;
}

static const struct state_desc dev_state = {
	.name = "pci-function",
	.version = 1,
	.fields = dev_fields,
	.after_load = dev_after_load,
};

static const struct device_ops dev_ops = {
	.name = "pci-function",
	.reset = dev_reset,
	.fini = dev_fini,
	.state = &dev_state,
};

static struct pci_dev *
dev_new(struct pci_bus *b, unsigned bus, unsigned slot, unsigned func)
{
	struct pci_dev *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->bus = b;
	d->nr = (uint8_t)bus;
	d->slot = (uint8_t)slot;
	d->func = (uint8_t)func;
	d->cap_end = 0x40;
	snprintf(d->name, sizeof(d->name), "pci.%u.%u.%u", bus, slot, func);
	pthread_mutex_init(&d->lock, NULL);
	pci_cfg_init(d, PCI_COMMAND, 2, 0,
	             PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER |
	                 PCI_CMD_PARITY | PCI_CMD_SERR | PCI_CMD_INTX_OFF);
	pci_cfg_init(d, 0x0c, 1, 0, 0xff); /* cache line size */
	pci_irq_reset(d);
	return d;
}

int
pci_add(struct pci_bus *b, unsigned bus, unsigned slot, unsigned func,
        const struct pci_device_ops *ops, const struct config_node *cfg,
        struct error *err)
{
	struct pci_dev *d;
	int rc;

	if (bus > 255 || slot > 31 || func > 7)
		return error_set(err, -EINVAL, "pci slot %u:%u:%u: no such",
		                 bus, slot, func);
	if (pci_find(b, bus, slot, func) != NULL)
		return error_set(err, -EEXIST,
		                 "pci slot %u:%u:%u already occupied!", bus,
		                 slot, func);
	if (b->n == PCI_MAX_FUNCTIONS)
		return error_set(err, -ENOSPC, "over %d pci functions",
		                 PCI_MAX_FUNCTIONS);
	d = dev_new(b, bus, slot, func);
	if (d == NULL)
		return error_set(err, -ENOMEM, "pci function");
	rc = vm_device_add(b->vm, &dev_ops, d, err);
	if (rc < 0) {
		dev_fini(d);
		return rc;
	}
	b->dev[b->n++] = d;
	rc = ops->init(d, cfg, err);
	if (rc < 0)
		return error_wrap(err, "%s: %s", d->name, ops->name);
	mark_multi_function(d);
	memcpy(d->at_reset, d->cfg, sizeof(d->cfg));
	return 0;
}

/* Describing a device. */

struct vm *
pci_vm(const struct pci_dev *d)
{
	return d->bus->vm;
}

struct pci_bus *
pci_bus_of(const struct pci_dev *d)
{
	return d->bus;
}

void
pci_set_shared(struct pci_bus *b, void *shared)
{
	b->shared = shared;
}

void *
pci_shared(const struct pci_dev *d)
{
	return d->bus->shared;
}

const char *
pci_name(const struct pci_dev *d)
{
	return d->name;
}

unsigned
pci_bus_number(const struct pci_dev *d)
{
	return d->nr;
}

unsigned
pci_slot(const struct pci_dev *d)
{
	return d->slot;
}

unsigned
pci_func(const struct pci_dev *d)
{
	return d->func;
}

void
pci_cfg_init(struct pci_dev *d, unsigned off, unsigned size, uint32_t v,
             uint32_t wmask)
{
	pci_raw_set(d, off, size, v);
	for (unsigned i = 0; i < size; i++)
		d->wmask[(off + i) % PCI_CFG_BYTES] = (uint8_t)(wmask >> 8 * i);
}

void
pci_set_ids(struct pci_dev *d, const struct pci_ids *ids)
{
	pci_raw_set(d, PCI_VENDOR, 2, ids->vendor);
	pci_raw_set(d, PCI_DEVICE, 2, ids->device);
	pci_raw_set(d, PCI_REVISION, 1, ids->revision);
	pci_raw_set(d, PCI_PROGIF, 3, ids->class_code);
	pci_raw_set(d, PCI_SUBVENDOR, 2, ids->subvendor);
	pci_raw_set(d, PCI_SUBDEVICE, 2, ids->subdevice);
}

void
pci_set_hooks(struct pci_dev *d, const struct pci_cfg_hooks *hooks, void *dev)
{
	d->hooks = hooks;
	d->hooks_dev = dev;
}

int
pci_cap_add(struct pci_dev *d, uint8_t id, const void *body, unsigned len)
{
	unsigned at = d->cap_end;

	if (at == 0 || len > PCI_CFG_BYTES - 2 || at + 2 + len > PCI_CFG_BYTES)
		return -ENOSPC;
	d->cfg[at] = id;
	d->cfg[at + 1] = 0;
	memcpy(&d->cfg[at + 2], body, len);
	d->cfg[d->cap_last != 0 ? d->cap_last + 1 : PCI_CAP_PTR] = (uint8_t)at;
	d->cfg[PCI_STATUS] |= PCI_STS_CAPS;
	d->cap_last = (uint8_t)at;
	/* Dword aligned; 256 becomes 0, which says full. */
	d->cap_end = (uint8_t)((at + 2 + len + 3) & ~3u);
	return (int)at;
}

uint32_t
pci_cfg_get(struct pci_dev *d, unsigned off, unsigned size)
{
	uint32_t v;

	pthread_mutex_lock(&d->bus->lock);
	v = pci_raw_get(d, off, size);
	pthread_mutex_unlock(&d->bus->lock);
	return v;
}

void
pci_cfg_set(struct pci_dev *d, unsigned off, unsigned size, uint32_t v)
{
	pthread_mutex_lock(&d->bus->lock);
	pthread_mutex_lock(&d->lock);
	pci_raw_set(d, off, size, v);
	pthread_mutex_unlock(&d->lock);
	pthread_mutex_unlock(&d->bus->lock);
}

/* Accesses by the guest: off and size such that they stay in one dword. */

static uint32_t
cfg_read(struct pci_dev *d, unsigned off, unsigned size)
{
	uint32_t v;

	if (off >= PCI_CFG_BYTES)
		return 0; /* no extended capability */
	if (d->hooks != NULL && d->hooks->read != NULL &&
	    d->hooks->read(d->hooks_dev, off, size, &v))
		return v;
	return pci_cfg_get(d, off, size);
}

static void
cfg_write(struct pci_dev *d, unsigned off, unsigned size, uint32_t v)
{
	if (off >= PCI_CFG_BYTES)
		return;
	if (d->hooks != NULL && d->hooks->write != NULL &&
	    d->hooks->write(d->hooks_dev, off, size, v))
		return;
	pthread_mutex_lock(&d->bus->lock);
	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < size; i++) {
		uint8_t m = d->wmask[off + i], *r = &d->cfg[off + i];

		*r = (uint8_t)((*r & ~m) | ((uint8_t)(v >> 8 * i) & m));
	}
	pthread_mutex_unlock(&d->lock);
	if (touches(off, size, PCI_COMMAND, 2) ||
	    touches(off, size, PCI_BAR0, 4 * PCI_MAX_BARS))
		pci_decode(d->bus);
	pci_irq_written(d, off, size);
	pthread_mutex_unlock(&d->bus->lock);
}

/* Split what crosses a dword, or is not aligned, into what is. */
static unsigned
piece(unsigned off, unsigned left)
{
	if (off % 4 == 0 && left >= 4)
		return 4;
	return off % 2 == 0 && left >= 2 ? 2 : 1;
}

static uint64_t
access_read(struct pci_dev *d, unsigned off, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0, n; i < size; i += n) {
		n = piece(off + i, size - i);
		v |= (uint64_t)cfg_read(d, off + i, n) << 8 * i;
	}
	return v;
}

static void
access_write(struct pci_dev *d, unsigned off, unsigned size, uint64_t v)
{
	for (unsigned i = 0, n; i < size; i += n) {
		n = piece(off + i, size - i);
		cfg_write(d, off + i, n, (uint32_t)(v >> 8 * i));
	}
}

/* The function CONFIG_ADDRESS names and the register within, or NULL. */
static struct pci_dev *
addressed(struct pci_bus *b, unsigned *reg)
{
	uint32_t a;

	pthread_mutex_lock(&b->lock);
	a = b->address;
	pthread_mutex_unlock(&b->lock);
	if ((a & ADDRESS_ENABLE) == 0)
		return NULL;
	*reg = a & 0xfc;
	return pci_find(b, a >> 16 & 0xff, a >> 11 & 31, a >> 8 & 7);
}

static uint64_t
port_read(void *ctx, uint64_t off, unsigned size)
{
	struct pci_bus *b = ctx;
	struct pci_dev *d;
	unsigned reg;

	if (off == RESET_OFF && size == 1 && b->reset_ops != NULL)
		return b->reset_ops->read(b->reset_ctx, 0, 1);
	if (off < 4)
		return off == 0 && size == 4 ? b->address : UINT64_MAX;
	d = addressed(b, &reg);
	return d != NULL ? access_read(d, reg + (unsigned)off - 4, size)
	                 : UINT64_MAX;
}

static void
port_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_bus *b = ctx;
	struct pci_dev *d;
	unsigned reg;

	if (off == RESET_OFF && size == 1 && b->reset_ops != NULL) {
		b->reset_ops->write(b->reset_ctx, 0, 1, v);
	} else if (off == 0 && size == 4) {
		pthread_mutex_lock(&b->lock);
		b->address = (uint32_t)v & ADDRESS_MASK;
		pthread_mutex_unlock(&b->lock);
	} else if (off >= 4) {
		d = addressed(b, &reg);
		if (d != NULL)
			access_write(d, reg + (unsigned)off - 4, size, v);
	}
}

static const struct bus_ops port_ops = { "pci-config", port_read, port_write };

static struct pci_dev *
ecam_function(struct pci_bus *b, uint64_t off)
{
	return pci_find(b, off >> 20 & 0xff, off >> 15 & 31, off >> 12 & 7);
}

static uint64_t
ecam_read(void *ctx, uint64_t off, unsigned size)
{
	struct pci_dev *d = ecam_function(ctx, off);

	return d != NULL ? access_read(d, off & 0xfff, size) : UINT64_MAX;
}

static void
ecam_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_dev *d = ecam_function(ctx, off);

	if (d != NULL)
		access_write(d, off & 0xfff, size, v);
}

static const struct bus_ops ecam_ops = { "pci-ecam", ecam_read, ecam_write };

/* The bus. */

static void
bus_reset(void *dev)
{
	((struct pci_bus *)dev)->address = 0;
}

static void
bus_fini(void *dev)
{
	struct pci_bus *b = dev;

	bus_remove(b->vm->pio, PORT_ADDRESS, &port_ops);
	bus_remove(b->vm->mmio, PCI_ECAM_BASE, &ecam_ops);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static const struct state_field bus_fields[] = {
	STATE_FIELD(struct pci_bus, address),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc bus_state = {
	.name = "pci",
	.version = 1,
	.fields = bus_fields,
};

static const struct device_ops bus_device_ops = {
	.name = "pci",
	.reset = bus_reset,
	.fini = bus_fini,
	.state = &bus_state,
};

int
pci_bus_new(struct vm *vm, struct pci_bus **out_bus, struct error *err)
{
	struct pci_bus *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return error_set(err, -ENOMEM, "pci bus");
	b->vm = vm;
	pthread_mutex_init(&b->lock, NULL);
	if (bus_add(vm->pio, PORT_ADDRESS, 8, &port_ops, b, err) < 0 ||
	    bus_add(vm->mmio, PCI_ECAM_BASE, PCI_ECAM_END - PCI_ECAM_BASE,
	            &ecam_ops, b, err) < 0 ||
	    vm_device_add(vm, &bus_device_ops, b, err) < 0) {
		bus_fini(b);
		return err->code;
	}
	*out_bus = b;
	return 0;
}

void
pci_set_reset_port(struct pci_bus *b, const struct bus_ops *ops, void *ctx)
{
	b->reset_ops = ops;
	b->reset_ctx = ctx;
}
