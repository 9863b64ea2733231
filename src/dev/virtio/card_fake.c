/* SPDX-License-Identifier: BSD-2-Clause */
/* card_fake.c - a driver's steps on the registers of a virtio card. */
#include "dev/virtio/card_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "vmm/config.h"
#include "vmm/pci.h"

static void
set_line(struct card *c, const char *line)
{
	struct error err;
	char text[512];

	snprintf(text, sizeof(text), "%s%s", line[0] == '/' ? "" : "pci.0.3.0.",
	         line[0] == '/' ? line + 1 : line);
	if (config_set_option(c->config, text, &err) < 0)
		abort();
}

static uint32_t
bar(struct card *c, unsigned n)
{
	return pci_cfg_get(c->d, PCI_BAR0 + 4 * n, 4) & ~15u;
}

int
card_make(struct card *c, const struct pci_device_ops *ops,
          const char *const *lines, struct error *err)
{
	struct config_node *n;

	memset(c, 0, sizeof(*c));
	fake_vm_init(&c->f);
	if (config_new(&c->config, err) < 0)
		abort();
	n = config_make(config_root(c->config), "pci.0.3.0", err);
	if (n == NULL)
		abort();
	for (; lines != NULL && *lines != NULL; lines++)
		set_line(c, *lines);
	if (pci_bus_new(c->f.vm, &c->bus, err) < 0)
		abort();
	if (pci_add(c->bus, 0, 3, 0, ops, n, err) < 0) {
		card_free(c);
		return err->code;
	}
	c->d = pci_find(c->bus, 0, 3, 0);
	if (pci_place(c->bus, err) < 0)
		abort();
	c->io = (uint16_t)bar(c, 0);
	c->msix = bar(c, 1);
	c->mem = bar(c, 4);
	return 0;
}

void
card_free(struct card *c)
{
	fake_vm_fini(&c->f);
	config_free(c->config);
	c->config = NULL;
}

uint64_t
card_common(struct card *c, unsigned off, unsigned size)
{
	return fake_read(&c->f, c->mem + off, size);
}

void
card_common_set(struct card *c, unsigned off, unsigned size, uint64_t v)
{
	fake_write(&c->f, c->mem + off, size, v);
}

uint64_t
card_offered(struct card *c)
{
	uint64_t v;

	if (c->legacy)
		return fake_in(&c->f, c->io, 4);
	card_common_set(c, 0x00, 4, 0);
	v = card_common(c, 0x04, 4);
	card_common_set(c, 0x00, 4, 1);
	return v | card_common(c, 0x04, 4) << 32;
}

static void
status_set(struct card *c, uint8_t v)
{
	if (c->legacy)
		fake_out(&c->f, c->io + 0x12, 1, v);
	else
		card_common_set(c, 0x14, 1, v);
}

uint8_t
card_status(struct card *c)
{
	return (uint8_t)(c->legacy ? fake_in(&c->f, c->io + 0x12, 1)
	                           : card_common(c, 0x14, 1));
}

void
card_reset(struct card *c)
{
	status_set(c, 0);
}

static void
accept(struct card *c, uint64_t features)
{
	if (c->legacy) {
		fake_out(&c->f, c->io + 4, 4, features & UINT32_MAX);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		card_common_set(c, 0x08, 4, i);
		card_common_set(c, 0x0c, 4, features >> 32 * i & UINT32_MAX);
	}
}

static void
queue_up(struct card *c, unsigned i, uint16_t size)
{
	struct fake_driver *q = &c->q[i];
	uint64_t base = CARD_RINGS + (uint64_t)CARD_RING_BYTES * i;

	if (c->legacy) {
		fake_out(&c->f, c->io + 0x0e, 2, i);
		size = (uint16_t)fake_in(&c->f, c->io + 0x0c, 2);
		fake_init(q, c->f.vm->mem, base, size);
		fake_out(&c->f, c->io + 8, 4, base >> 12);
		return;
	}
	card_common_set(c, 0x16, 2, i);
	if (size != 0)
		card_common_set(c, 0x18, 2, size);
	fake_init(q, c->f.vm->mem, base, (uint16_t)card_common(c, 0x18, 2));
	card_common_set(c, 0x20, 8, q->at.desc);
	card_common_set(c, 0x28, 4, q->at.avail);
	card_common_set(c, 0x2c, 4, q->at.avail >> 32);
	card_common_set(c, 0x30, 8, q->at.used);
	card_common_set(c, 0x1c, 2, 1);
}

uint8_t
card_up(struct card *c, uint64_t features, unsigned n, uint16_t size)
{
	static const uint8_t none[CARD_RING_BYTES];

	card_reset(c);
	status_set(c, 1);
	status_set(c, 3);
	accept(c, features & card_offered(c));
	if (!c->legacy)
		status_set(c, 0x0b);
	for (unsigned i = 0; i < n; i++) {
		fake_put(c->f.vm->mem,
		         CARD_RINGS + (uint64_t)CARD_RING_BYTES * i, none,
		         sizeof(none));
		queue_up(c, i, size);
	}
	status_set(c, c->legacy ? 0x07 : 0x0f);
	return card_status(c);
}

uint64_t
card_config(struct card *c, unsigned off, unsigned size)
{
	return c->legacy ? fake_in(&c->f, (uint16_t)(c->io + 0x14 + off), size)
	                 : fake_read(&c->f, c->mem + 0x2000 + off, size);
}

void
card_config_set(struct card *c, unsigned off, unsigned size, uint64_t v)
{
	if (c->legacy)
		fake_out(&c->f, (uint16_t)(c->io + 0x14 + off), size, v);
	else
		fake_write(&c->f, c->mem + 0x2000 + off, size, v);
}

void
card_notify(struct card *c, unsigned queue)
{
	if (c->legacy)
		fake_out(&c->f, c->io + 0x10, 2, queue);
	else
		fake_write(&c->f, c->mem + 0x3000 + 4 * queue, 2, queue);
}

bool
card_wait(struct card *c, unsigned queue, uint32_t *id, uint32_t *len)
{
	const struct timespec ms = { 0, 1000000 };

	for (unsigned i = 0; i < 5000; i++) {
		if (fake_used(&c->q[queue], id, len))
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

int64_t
card_do(struct card *c, unsigned queue, const struct fake_part *parts,
        unsigned n)
{
	uint32_t id, len;
	uint16_t head = fake_buffer(&c->q[queue], parts, n);

	card_notify(c, queue);
	if (!card_wait(c, queue, &id, &len) || id != head)
		return -1;
	return len;
}
