/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_irq.c - how functions interrupt: MSI-X, MSI and the INTx wires.
 *
 * A message that is masked when it is raised is remembered in the pending bits
 * and goes out when the guest takes the last mask away. INTx of several
 * functions share a PIRQ, whose level is that of any of them.
 * Source: PCI Local Bus 3.0, 6.8; 2.2.6 for INTx.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "vmm/pci.h"
#include "vmm/pci_internal.h"
#include "vmm/vm.h"

enum {
	MSIX_CTRL = 2, /* offset in the capability */
	MSIX_CTRL_ENABLE = 1 << 15,
	MSIX_CTRL_MASK = 1 << 14,

	MSI_CTRL = 2,
	MSI_ADDR = 4,
	MSI_DATA = 12,
	MSI_MASK = 16,
	MSI_PENDING = 20,
	MSI_BODY = 22, /* of the capability without id and link */
	MSI_CTRL_ENABLE = 1 << 0,
	MSI_CTRL_64BIT = 1 << 7,
	MSI_CTRL_MASKABLE = 1 << 8,

	PIRQ_GSI = 16
};

/* MSI-X. lock held in the static functions. */

static bool
msix_on(const struct pci_dev *d)
{
	return d->msix_at != 0 && (pci_raw_get(d, d->msix_at + MSIX_CTRL, 2) &
	                           MSIX_CTRL_ENABLE) != 0;
}

static bool
msix_masked(const struct pci_dev *d, unsigned vector)
{
	return (pci_raw_get(d, d->msix_at + MSIX_CTRL, 2) & MSIX_CTRL_MASK) !=
	           0 ||
	       (d->msix_table[vector * MSIX_ENTRY_DWORDS + 3] & MSIX_MASKED) !=
	           0;
}

static void
msix_send(struct pci_dev *d, unsigned vector)
{
	const uint32_t *e = &d->msix_table[vector * MSIX_ENTRY_DWORDS];

	vm_msi(d->bus->vm, (uint64_t)e[1] << 32 | e[0], e[2]);
}

/* Send what waits and is no longer masked. */
static void
msix_flush(struct pci_dev *d)
{
	if (!msix_on(d))
		return;
	for (unsigned i = 0; i < d->msix_n; i++) {
		uint64_t bit = 1ull << i % 64;

		if ((d->msix_pending[i / 64] & bit) == 0 || msix_masked(d, i))
			continue;
		d->msix_pending[i / 64] &= ~bit;
		msix_send(d, i);
	}
}

void
pci_msix_raise(struct pci_dev *d, unsigned vector)
{
	pthread_mutex_lock(&d->lock);
	if (vector < d->msix_n && msix_on(d)) {
		if (msix_masked(d, vector))
			d->msix_pending[vector / 64] |= 1ull << vector % 64;
		else
			msix_send(d, vector);
	}
	pthread_mutex_unlock(&d->lock);
}

bool
pci_msix_enabled(struct pci_dev *d)
{
	bool on;

	pthread_mutex_lock(&d->lock);
	on = msix_on(d);
	pthread_mutex_unlock(&d->lock);
	return on;
}

/* One dword of the BAR: the table, then the pending bits, zeros elsewhere. */
static uint32_t
msix_dword(const struct pci_dev *d, uint64_t off)
{
	if (off / 16 < d->msix_n)
		return d->msix_table[off / 4];
	if (off >= MSIX_PBA_AT && off < MSIX_PBA_AT + PCI_MAX_MSIX / 8) {
		unsigned at = (unsigned)(off - MSIX_PBA_AT);

		return (uint32_t)(d->msix_pending[at / 8] >> at % 8 * 8);
	}
	return 0;
}

/* Aligned dwords and qwords are all that the specification allows. */
static bool
msix_access_ok(uint64_t off, unsigned size)
{
	return size >= 4 && off % 4 == 0;
}

static uint64_t
msix_read(void *ctx, uint64_t off, unsigned size)
{
	struct pci_dev *d = ctx;
	uint64_t v = 0;

	if (!msix_access_ok(off, size))
		return 0;
	pthread_mutex_lock(&d->lock);
	v = msix_dword(d, off);
	if (size == 8)
		v |= (uint64_t)msix_dword(d, off + 4) << 32;
	pthread_mutex_unlock(&d->lock);
	return v;
}

static void
msix_store(struct pci_dev *d, uint64_t off, uint32_t v)
{
	/* Reserved bits of the control dword stay 0, the address a dword's. */
	static const uint32_t wmask[MSIX_ENTRY_DWORDS] = { ~3u, ~0u, ~0u,
		                                           MSIX_MASKED };

	if (off / 16 < d->msix_n)
		d->msix_table[off / 4] = v & wmask[off / 4 % MSIX_ENTRY_DWORDS];
}

static void
msix_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_dev *d = ctx;

	if (!msix_access_ok(off, size))
		return;
	pthread_mutex_lock(&d->lock);
	msix_store(d, off, (uint32_t)v);
	if (size == 8)
		msix_store(d, off + 4, (uint32_t)(v >> 32));
	msix_flush(d);
	pthread_mutex_unlock(&d->lock);
}

static const struct bus_ops msix_ops = { "msi-x", msix_read, msix_write };

int
pci_msix_add(struct pci_dev *d, unsigned bar, unsigned nvectors,
             struct error *err)
{
	uint8_t body[10] = { 0 };
	int at;

	if (nvectors == 0 || nvectors > PCI_MAX_MSIX)
		return error_set(err, -EINVAL, "%s: %u MSI-X vectors", d->name,
		                 nvectors);
	body[0] = (uint8_t)(nvectors - 1);
	body[2] = (uint8_t)bar; /* the table at 0 */
	body[6] = (uint8_t)bar;
	body[7] = MSIX_PBA_AT >> 8;
	if (pci_bar_add(d, bar, PCI_BAR_MEM32, MSIX_BAR_BYTES, &msix_ops, d,
	                err) < 0)
		return err->code;
	at = pci_cap_add(d, PCI_CAP_MSIX, body, sizeof(body));
	if (at < 0)
		return error_set(err, at, "%s: MSI-X capability", d->name);
	d->wmask[at + MSIX_CTRL + 1] = (MSIX_CTRL_ENABLE | MSIX_CTRL_MASK) >> 8;
	d->msix_at = (uint8_t)at;
	d->msix_n = (uint8_t)nvectors;
	return 0;
}

/* MSI: 64-bit addresses, a mask for each vector. lock held. */

static bool
msi_on(const struct pci_dev *d)
{
	return d->msi_at != 0 &&
	       (pci_raw_get(d, d->msi_at + MSI_CTRL, 2) & MSI_CTRL_ENABLE) != 0;
}

/* The number of vectors the guest allowed; the low bits of data count them. */
static unsigned
msi_count(const struct pci_dev *d)
{
	unsigned log = pci_raw_get(d, d->msi_at + MSI_CTRL, 2) >> 4 & 7;
	unsigned n = 1u << log;

	return n < d->msi_n ? n : d->msi_n;
}

/* The pending bits have a register, which the guest only reads. */
static void
msi_show_pending(struct pci_dev *d)
{
	pci_raw_set(d, d->msi_at + MSI_PENDING, 4, d->msi_pending);
}

static void
msi_flush(struct pci_dev *d)
{
	unsigned at = d->msi_at, n = msi_count(d);
	uint64_t addr = (uint64_t)pci_raw_get(d, at + MSI_ADDR + 4, 4) << 32 |
	                pci_raw_get(d, at + MSI_ADDR, 4);
	uint32_t data = pci_raw_get(d, at + MSI_DATA, 2);
	uint32_t mask = pci_raw_get(d, at + MSI_MASK, 4);

	for (unsigned i = 0; i < n; i++)
		if ((d->msi_pending & ~mask & 1u << i) != 0) {
			d->msi_pending &= ~(1u << i);
			vm_msi(d->bus->vm, addr, (data & ~(n - 1)) | i);
		}
	msi_show_pending(d);
}

void
pci_msi_raise(struct pci_dev *d, unsigned vector)
{
	/* The configuration bytes change: the bus's lock first. */
	pthread_mutex_lock(&d->bus->lock);
	pthread_mutex_lock(&d->lock);
	if (msi_on(d) && vector < msi_count(d)) {
		d->msi_pending |= 1u << vector;
		msi_flush(d);
	}
	pthread_mutex_unlock(&d->lock);
	pthread_mutex_unlock(&d->bus->lock);
}

bool
pci_msi_enabled(struct pci_dev *d)
{
	bool on;

	pthread_mutex_lock(&d->lock);
	on = msi_on(d);
	pthread_mutex_unlock(&d->lock);
	return on;
}

int
pci_msi_add(struct pci_dev *d, unsigned nvectors, struct error *err)
{
	uint8_t body[MSI_BODY] = { 0 };
	unsigned log = 0;
	int at;

	while (1u << log < nvectors)
		log++;
	if (nvectors == 0 || nvectors > PCI_MAX_MSI || 1u << log != nvectors)
		return error_set(err, -EINVAL, "%s: %u MSI vectors", d->name,
		                 nvectors);
	body[0] = (uint8_t)(MSI_CTRL_64BIT | log << 1);
	body[1] = MSI_CTRL_MASKABLE >> 8;
	at = pci_cap_add(d, PCI_CAP_MSI, body, sizeof(body));
	if (at < 0)
		return error_set(err, at, "%s: MSI capability", d->name);
	d->wmask[at + MSI_CTRL] = 7 << 4 | MSI_CTRL_ENABLE;
	memset(&d->wmask[at + MSI_ADDR], 0xff, 10);
	d->wmask[at + MSI_ADDR] = 0xfc;
	for (unsigned i = 0; i < 4; i++)
		d->wmask[at + MSI_MASK + i] =
		    (uint8_t)(((1ull << nvectors) - 1) >> 8 * i);
	d->msi_at = (uint8_t)at;
	d->msi_n = (uint8_t)nvectors;
	return 0;
}

/* INTx. */

unsigned
pci_pirq(unsigned slot, unsigned pin)
{
	return (4 + slot + pin) % PCI_NPIRQ;
}

int
pci_intx_pin(const struct pci_dev *d)
{
	return (int)d->cfg[PCI_INT_PIN] - 1;
}

void
pci_intx_add(struct pci_dev *d)
{
	unsigned used = 0;

	if (d->cfg[PCI_INT_PIN] != 0)
		return;
	for (unsigned f = 0; f < 8; f++) {
		const struct pci_dev *o = pci_find(d->bus, d->nr, d->slot, f);

		used += o != NULL && o->cfg[PCI_INT_PIN] != 0;
	}
	pci_cfg_init(d, PCI_INT_PIN, 1, used % 4 + 1, 0);
	pci_cfg_init(d, PCI_INT_LINE, 1, 0xff, 0xff);
}

static void
pirq_level(struct pci_bus *b, unsigned pirq, bool level)
{
	vm_irq_set(b->vm, PIRQ_GSI + pirq, level);
	if (b->on_pirq != NULL)
		b->on_pirq(b->on_pirq_ctx, pirq, level);
}

/* bus->lock held. */
static void
pirq_count(struct pci_bus *b, unsigned pirq, bool up)
{
	if (up && b->pirq_count[pirq]++ == 0)
		pirq_level(b, pirq, true);
	else if (!up && --b->pirq_count[pirq] == 0)
		pirq_level(b, pirq, false);
}

void
pci_pirq_set(struct pci_bus *b, unsigned pirq, bool level)
{
	pthread_mutex_lock(&b->lock);
	pirq_count(b, pirq % PCI_NPIRQ, level);
	pthread_mutex_unlock(&b->lock);
}

/* bus->lock held; off: the command register's word on it. */
static void
intx_drive(struct pci_dev *d, bool off)
{
	struct pci_bus *b = d->bus;
	bool out = d->intx_level != 0 && !off;
	unsigned pirq;

	if (out == d->intx_out || d->cfg[PCI_INT_PIN] == 0)
		return;
	pirq = pci_pirq(d->slot, d->cfg[PCI_INT_PIN] - 1u);
	d->intx_out = out;
	pirq_count(b, pirq, out);
}

/* Tell the wire what level and registers say: bus->lock held. */
static void
intx_update(struct pci_dev *d)
{
	bool off = (pci_raw_get(d, PCI_COMMAND, 2) & PCI_CMD_INTX_OFF) != 0;
	uint32_t status = pci_raw_get(d, PCI_STATUS, 2) & ~PCI_STS_INTX;

	intx_drive(d, off);
	status |= d->intx_level != 0 ? PCI_STS_INTX : 0;
	pci_raw_set(d, PCI_STATUS, 2, status);
}

void
pci_intx_set(struct pci_dev *d, bool level)
{
	pthread_mutex_lock(&d->bus->lock);
	d->intx_level = level;
	intx_update(d);
	pthread_mutex_unlock(&d->bus->lock);
}

void
pci_on_pirq(struct pci_bus *b, void (*fn)(void *ctx, unsigned pirq, bool level),
            void *ctx)
{
	b->on_pirq = fn;
	b->on_pirq_ctx = ctx;
}

/* From pci.c. */

void
pci_irq_written(struct pci_dev *d, unsigned off, unsigned size)
{
	if (off < PCI_COMMAND + 2 && off + size > PCI_COMMAND)
		intx_update(d);
	if (off < PCI_BAR0)
		return;
	pthread_mutex_lock(&d->lock);
	if (msi_on(d))
		msi_flush(d);
	msix_flush(d);
	pthread_mutex_unlock(&d->lock);
}

void
pci_irq_loaded(struct pci_dev *d)
{
	pthread_mutex_lock(&d->lock);
	d->msi_pending &= (uint32_t)((1ull << d->msi_n) - 1);
	if (d->msi_at != 0)
		msi_show_pending(d);
	pthread_mutex_unlock(&d->lock);
	d->intx_level = d->intx_level != 0;
	intx_update(d);
}

void
pci_irq_reset(struct pci_dev *d)
{
	pthread_mutex_lock(&d->lock);
	memset(d->msix_table, 0, sizeof(d->msix_table));
	for (unsigned i = 0; i < PCI_MAX_MSIX; i++)
		d->msix_table[i * MSIX_ENTRY_DWORDS + 3] = MSIX_MASKED;
	memset(d->msix_pending, 0, sizeof(d->msix_pending));
	d->msi_pending = 0;
	pthread_mutex_unlock(&d->lock);
	d->intx_level = 0;
	intx_update(d);
}
