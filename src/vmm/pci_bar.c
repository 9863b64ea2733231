/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_bar.c - BARs: their registers, where they answer, and their first places.
 *
 * A guest may put a BAR anywhere, also over something else. Then the one that
 * came first keeps the addresses and the other answers nowhere; it gets its
 * chance again at every change of any BAR.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vmm/pci.h"
#include "vmm/pci_internal.h"
#include "vmm/vm.h"

enum {
	MAX_NOTIFY = 256, /* of one function */
	BAR_TYPE_IO = 1,
	BAR_TYPE_MEM64 = 4,
	BAR_FLAGS_IO = 3,
	BAR_FLAGS_MEM = 15
};

/* Larger 64-bit BARs go above 4 GiB. */
static const uint64_t low_bar_max = 128ull << 20;

static unsigned
reg_of(unsigned bar)
{
	return PCI_BAR0 + 4 * bar;
}

static uint64_t
flags_of(enum pci_bar_kind kind)
{
	return kind == PCI_BAR_IO ? BAR_FLAGS_IO : BAR_FLAGS_MEM;
}

static bool
size_ok(enum pci_bar_kind kind, uint64_t size)
{
	if (size == 0 || (size & (size - 1)) != 0)
		return false;
	if (kind == PCI_BAR_IO)
		return size >= 4 && size <= 256;
	return size >= 16 &&
	       size <= (kind == PCI_BAR_MEM32 ? 1ull << 29 : 1ull << 36);
}

int
pci_bar_add(struct pci_dev *d, unsigned bar, enum pci_bar_kind kind,
            uint64_t size, const struct bus_ops *ops, void *ctx,
            struct error *err)
{
	unsigned n = kind == PCI_BAR_MEM64 ? 2 : 1;
	uint64_t wmask = ~(size - 1) & ~flags_of(kind);
	uint32_t type = kind == PCI_BAR_IO      ? BAR_TYPE_IO
	                : kind == PCI_BAR_MEM64 ? BAR_TYPE_MEM64
	                                        : 0;

	if (kind == PCI_BAR_NONE || bar + n > PCI_MAX_BARS ||
	    !size_ok(kind, size) || d->wmask[reg_of(bar) + 3] != 0 ||
	    (n == 2 && d->wmask[reg_of(bar) + 7] != 0))
		return error_set(err, -EINVAL,
		                 "%s: bar %u of %" PRIu64 " bytes: bad",
		                 d->name, bar, size);
	d->bar[bar] = (struct pci_bar){ kind, size, ops, ctx, PCI_NOT_MAPPED };
	pci_cfg_init(d, reg_of(bar), 4, type, (uint32_t)wmask);
	if (n == 2)
		pci_cfg_init(d, reg_of(bar) + 4, 4, 0, (uint32_t)(wmask >> 32));
	return 0;
}

/* The address in the BAR's register; PCI_NOT_MAPPED while it does not decode.
 */
static uint64_t
wanted(const struct pci_dev *d, unsigned bar)
{
	const struct pci_bar *r = &d->bar[bar];
	uint32_t cmd = pci_raw_get(d, PCI_COMMAND, 2);
	uint64_t addr = pci_raw_get(d, reg_of(bar), 4) & ~flags_of(r->kind);

	if ((cmd & (r->kind == PCI_BAR_IO ? PCI_CMD_IO : PCI_CMD_MEM)) == 0)
		return PCI_NOT_MAPPED;
	if (r->kind == PCI_BAR_MEM64)
		addr |= (uint64_t)pci_raw_get(d, reg_of(bar) + 4, 4) << 32;
	return addr;
}

static struct bus *
space(const struct pci_dev *d, unsigned bar)
{
	const struct vm *vm = d->bus->vm;

	return d->bar[bar].kind == PCI_BAR_IO ? vm->pio : vm->mmio;
}

static void
notify_map(struct pci_dev *d, struct pci_notify *n)
{
	struct error err;

	if (n->mapped || d->bar[n->bar].mapped == PCI_NOT_MAPPED)
		return;
	n->addr = d->bar[n->bar].mapped + n->off;
	/* A refusal costs speed: the write then reaches the BAR's ops. */
	n->mapped = bus_add_notify(space(d, n->bar), n->addr, n->size,
	                           n->match_any, n->match, n->fd, &err) == 0;
}

static void
notify_unmap(struct pci_dev *d, struct pci_notify *n)
{
	if (n->mapped)
		bus_remove_notify(space(d, n->bar), n->addr, n->fd);
	n->mapped = false;
}

static void
unmap(struct pci_dev *d, unsigned bar)
{
	struct pci_bar *r = &d->bar[bar];

	if (r->mapped == PCI_NOT_MAPPED)
		return;
	for (unsigned i = 0; i < d->nnotify; i++)
		if (d->notify[i].bar == bar)
			notify_unmap(d, &d->notify[i]);
	bus_remove(space(d, bar), r->mapped, r->ops);
	r->mapped = PCI_NOT_MAPPED;
}

void
pci_unmap(struct pci_dev *d)
{
	for (unsigned i = 0; i < PCI_MAX_BARS; i++)
		unmap(d, i);
}

static void
map(struct pci_dev *d, unsigned bar, uint64_t addr)
{
	struct pci_bar *r = &d->bar[bar];
	struct error err;

	if (bus_add(space(d, bar), addr, r->size, r->ops, r->ctx, &err) < 0)
		return;
	r->mapped = addr;
	for (unsigned i = 0; i < d->nnotify; i++)
		if (d->notify[i].bar == bar)
			notify_map(d, &d->notify[i]);
}

void
pci_decode(struct pci_bus *b)
{
	for (unsigned i = 0; i < b->n * PCI_MAX_BARS; i++) {
		struct pci_dev *d = b->dev[i / PCI_MAX_BARS];
		unsigned bar = i % PCI_MAX_BARS;

		if (d->bar[bar].mapped != wanted(d, bar))
			unmap(d, bar);
	}
	for (unsigned i = 0; i < b->n * PCI_MAX_BARS; i++) {
		struct pci_dev *d = b->dev[i / PCI_MAX_BARS];
		unsigned bar = i % PCI_MAX_BARS;
		uint64_t addr = wanted(d, bar);

		if (d->bar[bar].kind != PCI_BAR_NONE &&
		    addr != PCI_NOT_MAPPED &&
		    d->bar[bar].mapped == PCI_NOT_MAPPED)
			map(d, bar, addr);
	}
}

int
pci_notify_add(struct pci_dev *d, unsigned bar, uint64_t off, unsigned size,
               bool match_any, uint64_t match, int fd, struct error *err)
{
	struct pci_notify *list;
	int rc = 0;

	if (bar >= PCI_MAX_BARS || off >= d->bar[bar].size)
		return error_set(err, -EINVAL, "%s: notifier beyond bar %u",
		                 d->name, bar);
	pthread_mutex_lock(&d->bus->lock);
	list = d->nnotify < MAX_NOTIFY
	           ? realloc(d->notify, (d->nnotify + 1) * sizeof(*list))
	           : NULL;
	if (list == NULL) {
		rc = error_set(err, -ENOMEM, "%s: notifier", d->name);
	} else {
		d->notify = list;
		list[d->nnotify] = (struct pci_notify){
			.bar = (uint8_t)bar,
			.size = (uint8_t)size,
			.match_any = match_any,
			.fd = fd,
			.off = off,
			.match = match,
		};
		notify_map(d, &list[d->nnotify++]);
	}
	pthread_mutex_unlock(&d->bus->lock);
	return rc;
}

void
pci_notify_remove(struct pci_dev *d, unsigned bar, uint64_t off, int fd)
{
	pthread_mutex_lock(&d->bus->lock);
	for (unsigned i = 0; i < d->nnotify; i++) {
		struct pci_notify *n = &d->notify[i];

		if (n->bar != bar || n->off != off || n->fd != fd)
			continue;
		notify_unmap(d, n);
		*n = d->notify[--d->nnotify];
		break;
	}
	pthread_mutex_unlock(&d->bus->lock);
}

/* First places. */

struct claim {
	struct pci_dev *d;
	unsigned bar;
	uint64_t size;
};

static uint64_t
align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

/* By bus; then larger first, so that alignment wastes nothing; else in the
 * order added. */
static int
by_bus_and_size(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->d->nr != y->d->nr)
		return x->d->nr < y->d->nr ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->d->slot != y->d->slot)
		return x->d->slot < y->d->slot ? -1 : 1;
	return x->d->func * PCI_MAX_BARS + x->bar <
	               y->d->func * PCI_MAX_BARS + y->bar
	           ? -1
	           : 1;
}

static enum pci_window
window_of(const struct pci_bar *r)
{
	if (r->kind == PCI_BAR_IO)
		return PCI_WIN_IO;
	return r->kind == PCI_BAR_MEM64 && r->size > low_bar_max
	           ? PCI_WIN_MEM64
	           : PCI_WIN_MEM32;
}

static void
set_address(struct pci_dev *d, unsigned bar, uint64_t addr)
{
	const struct pci_bar *r = &d->bar[bar];
	uint32_t cmd = r->kind == PCI_BAR_IO ? PCI_CMD_IO : PCI_CMD_MEM;
	uint32_t low = pci_raw_get(d, reg_of(bar), 4);

	pci_raw_set(d, reg_of(bar), 4,
	            (low & (uint32_t)flags_of(r->kind)) | (uint32_t)addr);
	if (r->kind == PCI_BAR_MEM64)
		pci_raw_set(d, reg_of(bar) + 4, 4, (uint32_t)(addr >> 32));
	pci_raw_set(d, PCI_COMMAND, 2,
	            pci_raw_get(d, PCI_COMMAND, 2) | cmd | PCI_CMD_MASTER);
}

/* The buses there are, in order, as roots without addresses yet. None has a
 * bridge: numbers beyond the last are nobody's, and a guest told otherwise
 * would look for devices there, 16,000 exits long. */
static int
find_roots(struct pci_bus *b, struct error *err)
{
	bool has[256] = { false };

	for (unsigned i = 0; i < b->n; i++)
		has[b->dev[i]->nr] = true;
	b->nroots = 0;
	for (unsigned nr = 0; nr < 256; nr++) {
		if (!has[nr])
			continue;
		if (b->nroots == PCI_MAX_ROOTS)
			return error_set(err, -ENOSPC, "over %d pci buses",
			                 PCI_MAX_ROOTS);
		b->root[b->nroots++] =
		    (struct pci_root){ .bus = nr, .last_bus = nr };
		if (b->nroots > 1)
			b->root[b->nroots - 2].last_bus = nr - 1;
	}
	return 0;
}

/* The whole of each window. */
static void
windows(const struct pci_bus *b, struct pci_root *out)
{
	const uint64_t step = 32ull << 30;
	uint64_t high = align_up((4ull << 30) + b->vm->highmem, step) + step;

	*out = (struct pci_root){
		.base = { PCI_IO_BASE, PCI_MEM32_BASE, high },
		.end = { PCI_IO_END, PCI_MEM32_END, high + step },
	};
}

/* Claims of one bus, from next[] on. */
static int
place_bus(const struct claim *c, size_t n, uint64_t next[PCI_NWINDOWS],
          const struct pci_root *all, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct pci_bar *r = &c[i].d->bar[c[i].bar];
		enum pci_window w = window_of(r);
		uint64_t at = align_up(next[w], r->size);

		if (at + r->size > all->end[w])
			return error_set(err, -ENOSPC,
			                 "%s: no room for bar %u of %" PRIu64
			                 " bytes",
			                 c[i].d->name, c[i].bar, r->size);
		set_address(c[i].d, c[i].bar, at);
		next[w] = at + r->size;
	}
	return 0;
}

static int
place_all(struct pci_bus *b, const struct claim *c, size_t n, struct error *err)
{
	/* Roots begin where a bridge could decode. */
	static const uint64_t grain[PCI_NWINDOWS] = { 4096, 1 << 20, 1 << 20 };
	uint64_t next[PCI_NWINDOWS];
	struct pci_root all;
	size_t from = 0, to;

	windows(b, &all);
	memcpy(next, all.base, sizeof(next));
	for (unsigned i = 0; i < b->nroots; i++, from = to) {
		for (to = from; to < n && c[to].d->nr == b->root[i].bus;)
			to++;
		for (unsigned w = 0; w < PCI_NWINDOWS; w++) {
			next[w] = align_up(next[w], grain[w]);
			b->root[i].base[w] = next[w];
			b->root[i].end[w] = all.end[w];
			if (i > 0)
				b->root[i - 1].end[w] = next[w];
		}
		if (place_bus(c + from, to - from, next, &all, err) < 0)
			return err->code;
	}
	return 0;
}

bool
pci_root_at(const struct pci_bus *b, unsigned i, struct pci_root *out)
{
	if (i >= b->nroots)
		return false;
	*out = b->root[i];
	return true;
}

int
pci_place(struct pci_bus *b, struct error *err)
{
	struct claim c[PCI_MAX_FUNCTIONS * PCI_MAX_BARS];
	size_t n = 0;
	int rc;

	for (unsigned i = 0; i < b->n; i++)
		for (unsigned bar = 0; bar < PCI_MAX_BARS; bar++)
			if (b->dev[i]->bar[bar].kind != PCI_BAR_NONE)
				c[n++] =
				    (struct claim){ b->dev[i], bar,
					            b->dev[i]->bar[bar].size };
	qsort(c, n, sizeof(c[0]), by_bus_and_size);
	if (find_roots(b, err) < 0)
		return err->code;
	pthread_mutex_lock(&b->lock);
	rc = place_all(b, c, n, err);
	for (unsigned i = 0; i < b->n; i++)
		memcpy(b->dev[i]->at_reset, b->dev[i]->cfg,
		       sizeof(b->dev[i]->cfg));
	pci_decode(b);
	pthread_mutex_unlock(&b->lock);
	return rc;
}
