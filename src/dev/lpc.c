/* SPDX-License-Identifier: BSD-2-Clause */
/* lpc.c - the PCI-ISA bridge: the function at 0:31.0 by custom, and the eight
 * registers that lead PIRQs to the PIC.
 *
 * On the IOAPIC each PIRQ has its pin; the PIC hears of one only if the guest
 * routes it. An ISA IRQ is the OR of the PIRQs that share it.
 *
 * The lock comes after the PCI bus's: on_pirq() is called with that held.
 * Source: 82371AB (PIIX4), 4.1.10 PIRQRC.
 */
#include "dev/lpc.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "dev/emulations.h"
#include "dev/pci_ids.h"
#include "dev/shared.h"
#include "vmm/config.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

enum {
	PIRQ_OFF = 0x80,
	PIRQ_IRQ = 0x0f,
	PIRQ_WRITABLE = PIRQ_OFF | PIRQ_IRQ,
	NIRQ = 16
};

struct lpc {
	struct pci_dev *d;
	pthread_mutex_t lock;
	uint8_t reg[PCI_NPIRQ];
	uint8_t level[PCI_NPIRQ]; /* of the PIRQs */
	uint16_t out;             /* IRQs that are up because of us */
};

unsigned
lpc_pirq_reg(unsigned pirq)
{
	return pirq < 4 ? 0x60 + pirq : 0x68 + pirq - 4;
}

unsigned
lpc_first_irq(unsigned pirq)
{
	static const uint8_t irq[PCI_NPIRQ] = { 10, 11, 5, 10, 11, 5, 10, 11 };

	return irq[pirq % PCI_NPIRQ];
}

/* lock held. */
static void
drive(struct lpc *l)
{
	uint16_t want = 0, changed;

	for (unsigned i = 0; i < PCI_NPIRQ; i++)
		if (l->level[i] && (l->reg[i] & PIRQ_OFF) == 0)
			want |= (uint16_t)(1 << (l->reg[i] & PIRQ_IRQ));
	want &= LPC_PIRQ_IRQS;
	changed = want ^ l->out;
	l->out = want;
	for (unsigned i = 0; i < NIRQ; i++)
		if ((changed >> i & 1) != 0)
			vm_irq_set(pci_vm(l->d), i, (want >> i & 1) != 0);
}

static void
on_pirq(void *ctx, unsigned pirq, bool level)
{
	struct lpc *l = ctx;

	pthread_mutex_lock(&l->lock);
	l->level[pirq] = level;
	drive(l);
	pthread_mutex_unlock(&l->lock);
}

static bool
cfg_write(void *dev, unsigned off, unsigned size, uint32_t v)
{
	struct lpc *l = dev;
	bool mine = false;

	for (unsigned p = 0; p < PCI_NPIRQ; p++) {
		unsigned at = lpc_pirq_reg(p);
		uint8_t b;

		if (at < off || at >= off + size)
			continue;
		b = (uint8_t)(v >> 8 * (at - off)) & PIRQ_WRITABLE;
		pci_cfg_set(l->d, at, 1, b);
		pthread_mutex_lock(&l->lock);
		l->reg[p] = b;
		drive(l);
		pthread_mutex_unlock(&l->lock);
		mine = true;
	}
	return mine;
}

static const struct pci_cfg_hooks hooks = { NULL, cfg_write };

static void
lpc_reset(void *dev)
{
	struct lpc *l = dev;

	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < PCI_NPIRQ; i++)
		l->reg[i] = (uint8_t)lpc_first_irq(i);
	drive(l);
	pthread_mutex_unlock(&l->lock);
}

static void
lpc_fini(void *dev)
{
	struct lpc *l = dev;

	pci_on_pirq(pci_bus_of(l->d), NULL, NULL);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static const struct state_field fields[] = {
	STATE_ARRAY(struct lpc, reg),
	{ NULL, 0, 0, 0 },
};

/* The levels come again from the functions that raise them. */
static int
after_load(void *obj, struct error *err)
{
	struct lpc *l = obj;

	(void)err;
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < PCI_NPIRQ; i++)
		l->reg[i] &= PIRQ_WRITABLE;
	drive(l);
	pthread_mutex_unlock(&l->lock);
	return 0;
}

static const struct state_desc state = {
	.name = "lpc",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "lpc",
	.reset = lpc_reset,
	.fini = lpc_fini,
	.state = &state,
};

static int
lpc_init(struct pci_dev *d, const struct config_node *cfg, struct error *err)
{
	struct pci_ids ids = { .vendor = 0x8086,
		               .device = 0x7000,
		               .class_code = 0x060100 };
	const struct dev_shared *s = pci_shared(d);
	const struct config_node *top;
	struct lpc *l;

	if (pci_bus_number(d) != 0)
		return error_set(err, -EINVAL, "must be on bus 0");
	/* The manual has lpc.pcireg.*, bhyve looks below the function. */
	top = config_find(config_root(s->config), "lpc");
	if ((top != NULL && pci_ids_configured(top, &ids, err) < 0) ||
	    pci_ids_configured(cfg, &ids, err) < 0)
		return err->code;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return error_set(err, -ENOMEM, "lpc");
	pci_set_ids(d, &ids);
	l->d = d;
	pthread_mutex_init(&l->lock, NULL);
	for (unsigned i = 0; i < PCI_NPIRQ; i++) {
		l->reg[i] = (uint8_t)lpc_first_irq(i);
		pci_cfg_init(d, lpc_pirq_reg(i), 1, l->reg[i], PIRQ_WRITABLE);
	}
	pci_set_hooks(d, &hooks, l);
	if (vm_device_add(pci_vm(d), &device, l, err) < 0) {
		lpc_fini(l);
		return err->code;
	}
	pci_on_pirq(pci_bus_of(d), on_pirq, l);
	return 0;
}

const struct pci_device_ops pci_lpc = { "lpc", lpc_init };
