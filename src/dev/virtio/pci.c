/* SPDX-License-Identifier: BSD-2-Clause */
/* pci.c - virtio's registers on PCI, as two tables: legacy and common
 * configuration.
 *
 * virtio_msix=false (bhyve -W) offers MSI in place of MSI-X; with neither in
 * use the INTx wire follows the ISR register.
 *
 * An access must lie within one register; parts of one are merged with what it
 * holds, which is how drivers write 64-bit addresses in halves.
 */
#include "dev/virtio/pci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/virtio/virtio.h"
#include "vmm/config.h"
#include "vmm/pci.h"

enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4 };

enum {
	AT_COMMON = 0x0000,
	AT_ISR = 0x1000,
	AT_DEVICE = 0x2000,
	AT_NOTIFY = 0x3000,
	PART_BYTES = 0x1000,
	MODERN_BYTES = 0x4000,
	NOTIFY_STEP = 4
};

enum {
	LEGACY_NOTIFY = 0x10,
	LEGACY_ISR = 0x13,
	LEGACY_CONFIG = 0x14, /* 0x18 while MSI-X is on */
	LEGACY_BYTES = 128,
	LEGACY_PAGE_SHIFT = 12
};

enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_PCI };

enum { VIRTIO_VENDOR = 0x1af4 };

/* Offsets in the PCI configuration access capability (4.1.4.9). */
enum { WIN_BAR = 4, WIN_OFFSET = 8, WIN_LENGTH = 12, WIN_DATA = 16 };

struct virtio_pci {
	struct pci_dev *dev;
	struct virtio *v;
	unsigned window; /* offset of the access capability */
	unsigned nnotify;
};

/* Registers. Getters and setters run with v->lock held. */

struct reg {
	uint8_t off, size;
	uint64_t (*get)(struct virtio_pci *tp);
	void (*set)(struct virtio_pci *tp, uint64_t val);
};

static bool
has_queue(const struct virtio *v)
{
	return v->r.queue_sel < v->nqueues;
}

static uint64_t
feature_sel_get(struct virtio_pci *tp)
{
	return tp->v->r.feature_sel;
}

static void
feature_sel_set(struct virtio_pci *tp, uint64_t val)
{
	tp->v->r.feature_sel = (uint32_t)val;
}

static uint64_t
half(uint64_t features, uint32_t sel)
{
	return sel < 2 ? features >> 32 * sel & UINT32_MAX : 0;
}

static uint64_t
feature_get(struct virtio_pci *tp)
{
	return half(tp->v->offered, tp->v->r.feature_sel);
}

static uint64_t
driver_sel_get(struct virtio_pci *tp)
{
	return tp->v->r.driver_feature_sel;
}

static void
driver_sel_set(struct virtio_pci *tp, uint64_t val)
{
	tp->v->r.driver_feature_sel = (uint32_t)val;
}

static uint64_t
driver_feature_get(struct virtio_pci *tp)
{
	return half(tp->v->r.features, tp->v->r.driver_feature_sel);
}

static void
driver_feature_set(struct virtio_pci *tp, uint64_t val)
{
	struct virtio_regs *r = &tp->v->r;

	if ((r->status & (VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK)) != 0)
		return;
	if (r->driver_feature_sel == 0)
		r->features = (r->features & ~0xffffffffull) | val;
	else if (r->driver_feature_sel == 1)
		r->features = (r->features & 0xffffffffull) | val << 32;
}

/* A vector that the function does not have reads back as none (4.1.5.1.2). */
static uint16_t
vector_check(struct virtio_pci *tp, uint64_t val)
{
	return val <= tp->v->nqueues ? (uint16_t)val : VIRTIO_NO_VECTOR;
}

static uint64_t
config_vector_get(struct virtio_pci *tp)
{
	return tp->v->r.config_vector;
}

static void
config_vector_set(struct virtio_pci *tp, uint64_t val)
{
	__atomic_store_n(&tp->v->r.config_vector, vector_check(tp, val),
	                 __ATOMIC_RELAXED);
}

static uint64_t
num_queues_get(struct virtio_pci *tp)
{
	return tp->v->nqueues;
}

static uint64_t
status_get(struct virtio_pci *tp)
{
	return __atomic_load_n(&tp->v->r.status, __ATOMIC_RELAXED);
}

static void
status_set(struct virtio_pci *tp, uint64_t val)
{
	virtio_status_set(tp->v, (uint8_t)val, false);
}

static void
legacy_status_set(struct virtio_pci *tp, uint64_t val)
{
	virtio_status_set(tp->v, (uint8_t)val, true);
}

static uint64_t
generation_get(struct virtio_pci *tp)
{
	uint8_t g;

	pthread_mutex_lock(&tp->v->config_lock);
	g = tp->v->r.generation;
	pthread_mutex_unlock(&tp->v->config_lock);
	return g;
}

static uint64_t
queue_sel_get(struct virtio_pci *tp)
{
	return tp->v->r.queue_sel;
}

static void
queue_sel_set(struct virtio_pci *tp, uint64_t val)
{
	tp->v->r.queue_sel = (uint16_t)val;
}

static uint64_t
queue_size_get(struct virtio_pci *tp)
{
	struct virtio *v = tp->v;

	return has_queue(v) ? v->r.size[v->r.queue_sel] : 0;
}

static void
queue_size_set(struct virtio_pci *tp, uint64_t val)
{
	struct virtio *v = tp->v;

	if (!has_queue(v) || v->r.enabled[v->r.queue_sel] != 0)
		return;
	if (val == 0 || val > v->queue[v->r.queue_sel].max ||
	    (val & (val - 1)) != 0)
		return;
	v->r.size[v->r.queue_sel] = (uint16_t)val;
}

static uint64_t
queue_vector_get(struct virtio_pci *tp)
{
	struct virtio *v = tp->v;

	return has_queue(v) ? v->r.vector[v->r.queue_sel] : VIRTIO_NO_VECTOR;
}

static void
queue_vector_set(struct virtio_pci *tp, uint64_t val)
{
	struct virtio *v = tp->v;

	if (has_queue(v))
		__atomic_store_n(&v->r.vector[v->r.queue_sel],
		                 vector_check(tp, val), __ATOMIC_RELAXED);
}

static uint64_t
queue_enable_get(struct virtio_pci *tp)
{
	struct virtio *v = tp->v;

	return has_queue(v) ? v->r.enabled[v->r.queue_sel] : 0;
}

static void
queue_enable_set(struct virtio_pci *tp, uint64_t val)
{
	struct virtio *v = tp->v;

	/* Rings of a running device stay as they are (4.1.4.3.2). */
	if (val == 1 && has_queue(v) && v->r.enabled[v->r.queue_sel] == 0)
		virtio_queue_enable(v, v->r.queue_sel);
}

static uint64_t
notify_off_get(struct virtio_pci *tp)
{
	return has_queue(tp->v) ? tp->v->r.queue_sel : 0;
}

static uint64_t
ring_get(struct virtio_pci *tp, const uint64_t *part)
{
	return has_queue(tp->v) ? part[tp->v->r.queue_sel] : 0;
}

static void
ring_set(struct virtio_pci *tp, uint64_t *part, uint64_t val)
{
	struct virtio *v = tp->v;

	if (has_queue(v) && v->r.enabled[v->r.queue_sel] == 0)
		part[v->r.queue_sel] = val;
}

static uint64_t
desc_get(struct virtio_pci *tp)
{
	return ring_get(tp, tp->v->r.desc);
}

static void
desc_set(struct virtio_pci *tp, uint64_t val)
{
	ring_set(tp, tp->v->r.desc, val);
}

static uint64_t
avail_get(struct virtio_pci *tp)
{
	return ring_get(tp, tp->v->r.avail);
}

static void
avail_set(struct virtio_pci *tp, uint64_t val)
{
	ring_set(tp, tp->v->r.avail, val);
}

static uint64_t
used_get(struct virtio_pci *tp)
{
	return ring_get(tp, tp->v->r.used);
}

static void
used_set(struct virtio_pci *tp, uint64_t val)
{
	ring_set(tp, tp->v->r.used, val);
}

/* VIRTIO 1.2, 4.1.4.3. */
static const struct reg common_regs[] = {
	{ 0x00, 4, feature_sel_get, feature_sel_set },
	{ 0x04, 4, feature_get, NULL },
	{ 0x08, 4, driver_sel_get, driver_sel_set },
	{ 0x0c, 4, driver_feature_get, driver_feature_set },
	{ 0x10, 2, config_vector_get, config_vector_set },
	{ 0x12, 2, num_queues_get, NULL },
	{ 0x14, 1, status_get, status_set },
	{ 0x15, 1, generation_get, NULL },
	{ 0x16, 2, queue_sel_get, queue_sel_set },
	{ 0x18, 2, queue_size_get, queue_size_set },
	{ 0x1a, 2, queue_vector_get, queue_vector_set },
	{ 0x1c, 2, queue_enable_get, queue_enable_set },
	{ 0x1e, 2, notify_off_get, NULL },
	{ 0x20, 8, desc_get, desc_set },
	{ 0x28, 8, avail_get, avail_set },
	{ 0x30, 8, used_get, used_set },
};

static uint64_t
legacy_offered_get(struct virtio_pci *tp)
{
	return half(tp->v->offered, 0);
}

static uint64_t
legacy_features_get(struct virtio_pci *tp)
{
	return half(tp->v->r.features, 0);
}

/* A legacy driver cannot be refused: what was not offered is not there. */
static void
legacy_features_set(struct virtio_pci *tp, uint64_t val)
{
	if ((tp->v->r.status & VIRTIO_DRIVER_OK) == 0)
		tp->v->r.features = val & half(tp->v->offered, 0);
}

static uint64_t
pfn_get(struct virtio_pci *tp)
{
	return ring_get(tp, tp->v->r.desc) >> LEGACY_PAGE_SHIFT;
}

/* The legacy layout: descriptors, avail ring, and the used ring from the next
 * page on (2.7.2). */
static void
pfn_set(struct virtio_pci *tp, uint64_t val)
{
	struct virtio *v = tp->v;
	unsigned q = v->r.queue_sel;
	uint64_t n, base = val << LEGACY_PAGE_SHIFT;
	const uint64_t page = 1 << LEGACY_PAGE_SHIFT;

	if (!has_queue(v))
		return;
	n = v->r.size[q];
	virtio_queue_disable(v, q);
	v->r.desc[q] = base;
	v->r.avail[q] = base + 16 * n;
	v->r.used[q] = (v->r.avail[q] + 6 + 2 * n + page - 1) & ~(page - 1);
	if (val != 0)
		virtio_queue_enable(v, q);
}

/* VIRTIO 1.2, 4.1.4.10; the vectors are there while MSI-X is on. */
static const struct reg legacy_regs[] = {
	{ 0x00, 4, legacy_offered_get, NULL },
	{ 0x04, 4, legacy_features_get, legacy_features_set },
	{ 0x08, 4, pfn_get, pfn_set },
	{ 0x0c, 2, queue_size_get, NULL },
	{ 0x0e, 2, queue_sel_get, queue_sel_set },
	{ 0x12, 1, status_get, legacy_status_set },
};

static const struct reg legacy_vectors[] = {
	{ 0x14, 2, config_vector_get, config_vector_set },
	{ 0x16, 2, queue_vector_get, queue_vector_set },
};

/* The register that holds all of the access, or NULL. */
static const struct reg *
find(const struct reg *regs, size_t n, uint64_t off, unsigned size)
{
	for (size_t i = 0; i < n; i++)
		if (off >= regs[i].off &&
		    off + size <= (uint64_t)regs[i].off + regs[i].size)
			return &regs[i];
	return NULL;
}

static uint64_t
mask_of(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (1ull << 8 * size) - 1;
}

static uint64_t
reg_read(struct virtio_pci *tp, const struct reg *r, uint64_t off,
         unsigned size)
{
	uint64_t val;

	if (r == NULL)
		return 0;
	pthread_mutex_lock(&tp->v->lock);
	val = r->get(tp);
	pthread_mutex_unlock(&tp->v->lock);
	return val >> 8 * (off - r->off) & mask_of(size);
}

static void
reg_write(struct virtio_pci *tp, const struct reg *r, uint64_t off,
          unsigned size, uint64_t val)
{
	unsigned shift;
	uint64_t mask;

	if (r == NULL || r->set == NULL)
		return;
	shift = 8 * (unsigned)(off - r->off);
	mask = mask_of(size) << shift;
	pthread_mutex_lock(&tp->v->lock);
	if (size < r->size)
		val = (r->get(tp) & ~mask) | (val << shift & mask);
	r->set(tp, val);
	pthread_mutex_unlock(&tp->v->lock);
}

/* Interrupts. */

static void
raise_irq(void *transport, uint16_t vector, uint8_t isr)
{
	struct virtio_pci *tp = transport;
	struct virtio *v = tp->v;

	if (isr != 0 && pci_msix_enabled(tp->dev)) {
		if (vector != VIRTIO_NO_VECTOR)
			pci_msix_raise(tp->dev, vector);
		return;
	}
	/* The wire follows the register. */
	pthread_mutex_lock(&v->config_lock);
	v->r.isr = isr == 0 ? 0 : v->r.isr | isr;
	if (isr == 0 || !pci_msi_enabled(tp->dev))
		pci_intx_set(tp->dev, v->r.isr != 0);
	else
		pci_msi_raise(tp->dev, 0);
	pthread_mutex_unlock(&v->config_lock);
}

/* Reading takes what was there and lowers the wire (4.1.4.5). */
static uint8_t
isr_read(struct virtio_pci *tp)
{
	struct virtio *v = tp->v;
	uint8_t isr;

	pthread_mutex_lock(&v->config_lock);
	isr = v->r.isr;
	v->r.isr = 0;
	if (isr != 0)
		pci_intx_set(tp->dev, false);
	pthread_mutex_unlock(&v->config_lock);
	return isr;
}

/* Device configuration. */

static void
config_write(struct virtio_pci *tp, uint64_t off, unsigned size, uint64_t val)
{
	struct virtio *v = tp->v;

	if (v->ops->config_write == NULL || off + size > v->config_len)
		return;
	pthread_mutex_lock(&v->lock);
	v->ops->config_write(v, (unsigned)off, size, val);
	pthread_mutex_unlock(&v->lock);
}

/* The legacy BAR. */

static const struct reg *
legacy_find(struct virtio_pci *tp, uint64_t off, unsigned size,
            uint64_t *config_off)
{
	bool msix = pci_msix_enabled(tp->dev);
	unsigned config = LEGACY_CONFIG + (msix ? 4 : 0);

	*config_off = UINT64_MAX;
	if (off >= config) {
		*config_off = off - config;
		return NULL;
	}
	if (off >= LEGACY_CONFIG)
		return find(legacy_vectors, ARRAY_LEN(legacy_vectors), off,
		            size);
	return find(legacy_regs, ARRAY_LEN(legacy_regs), off, size);
}

static uint64_t
legacy_read(void *ctx, uint64_t off, unsigned size)
{
	struct virtio_pci *tp = ctx;
	const struct reg *r;
	uint64_t config_off;

	if (off == LEGACY_ISR && size == 1)
		return isr_read(tp);
	r = legacy_find(tp, off, size, &config_off);
	if (config_off != UINT64_MAX)
		return virtio_config_read(tp->v, (unsigned)config_off, size);
	return reg_read(tp, r, off, size);
}

static void
legacy_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	struct virtio_pci *tp = ctx;
	const struct reg *r;
	uint64_t config_off;

	if (off == LEGACY_NOTIFY && size >= 2) {
		virtio_kick(tp->v, (uint16_t)val);
		return;
	}
	r = legacy_find(tp, off, size, &config_off);
	if (config_off != UINT64_MAX)
		config_write(tp, config_off, size, val);
	else
		reg_write(tp, r, off, size, val);
}

static const struct bus_ops legacy_ops = { "virtio-legacy", legacy_read,
	                                   legacy_write };

/* The modern BAR. */

static uint64_t
modern_read(void *ctx, uint64_t off, unsigned size)
{
	struct virtio_pci *tp = ctx;
	uint64_t at = off % PART_BYTES;

	switch (off - at) {
	case AT_COMMON:
		return reg_read(
		    tp, find(common_regs, ARRAY_LEN(common_regs), at, size), at,
		    size);
	case AT_ISR:
		return at == 0 ? isr_read(tp) : 0;
	case AT_DEVICE:
		return virtio_config_read(tp->v, (unsigned)at, size);
	default:
		return 0;
	}
}

static void
modern_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	struct virtio_pci *tp = ctx;
	uint64_t at = off % PART_BYTES;

	switch (off - at) {
	case AT_COMMON:
		reg_write(tp,
		          find(common_regs, ARRAY_LEN(common_regs), at, size),
		          at, size, val);
		break;
	case AT_DEVICE:
		config_write(tp, at, size, val);
		break;
	case AT_NOTIFY:
		virtio_kick(tp->v, (unsigned)(at / NOTIFY_STEP));
		break;
	default:
		break;
	}
}

static const struct bus_ops modern_ops = { "virtio", modern_read,
	                                   modern_write };

/* The window in configuration space (4.1.4.9): offset and length are the
 * driver's, data reads and writes there. */

static bool
window_at(struct virtio_pci *tp, unsigned off, const struct bus_ops **ops,
          uint64_t *at, unsigned *size)
{
	uint32_t bar, len;

	if (off != tp->window + WIN_DATA)
		return false;
	bar = pci_cfg_get(tp->dev, tp->window + WIN_BAR, 1);
	*at = pci_cfg_get(tp->dev, tp->window + WIN_OFFSET, 4);
	len = pci_cfg_get(tp->dev, tp->window + WIN_LENGTH, 4);
	*size = len;
	*ops = bar == BAR_MODERN ? &modern_ops : &legacy_ops;
	if (bar != BAR_MODERN && bar != BAR_LEGACY)
		return false;
	return (len == 1 || len == 2 || len == 4) && *at % len == 0 &&
	       *at < (bar == BAR_MODERN ? MODERN_BYTES : LEGACY_BYTES);
}

static bool
window_read(void *dev, unsigned off, unsigned size, uint32_t *val)
{
	struct virtio_pci *tp = dev;
	const struct bus_ops *ops;
	unsigned len;
	uint64_t at;

	(void)size;
	if (!window_at(tp, off, &ops, &at, &len))
		return false;
	*val = (uint32_t)ops->read(tp, at, len);
	return true;
}

static bool
window_write(void *dev, unsigned off, unsigned size, uint32_t val)
{
	struct virtio_pci *tp = dev;
	const struct bus_ops *ops;
	unsigned len;
	uint64_t at;

	(void)size;
	if (!window_at(tp, off, &ops, &at, &len))
		return false;
	ops->write(tp, at, len, val & mask_of(len));
	return true;
}

static const struct pci_cfg_hooks window_hooks = { window_read, window_write };

/* Making it. */

struct virtio_cap {
	uint8_t len, type, bar, id, pad[2];
	uint32_t offset, length;
	uint32_t more; /* notify: the multiplier; PCI: data */
} __attribute__((packed));

static int
add_cap(struct virtio_pci *tp, uint8_t type, uint32_t offset, uint32_t length,
        struct error *err)
{
	bool longer = type == CAP_NOTIFY || type == CAP_PCI;
	struct virtio_cap cap = {
		.len = longer ? 20 : 16,
		.type = type,
		.bar = type == CAP_PCI ? 0 : BAR_MODERN,
		.offset = offset,
		.length = length,
		.more = type == CAP_NOTIFY ? NOTIFY_STEP : 0,
	};
	int at = pci_cap_add(tp->dev, PCI_CAP_VENDOR, &cap,
	                     (longer ? 20u : 16u) - 2u);

	if (at < 0)
		return error_set(err, at, "%s: capability", tp->v->ops->name);
	if (type != CAP_PCI)
		return at;
	pci_cfg_init(tp->dev, (unsigned)at + WIN_BAR, 1, 0, 0xff);
	pci_cfg_init(tp->dev, (unsigned)at + WIN_OFFSET, 4, 0, UINT32_MAX);
	pci_cfg_init(tp->dev, (unsigned)at + WIN_LENGTH, 4, 0, UINT32_MAX);
	tp->window = (unsigned)at;
	pci_set_hooks(tp->dev, &window_hooks, tp);
	return at;
}

static int
add_caps(struct virtio_pci *tp, struct error *err)
{
	static const struct {
		uint8_t type;
		uint32_t offset, length;
	} rows[] = {
		{ CAP_COMMON, AT_COMMON, 0x40 },
		{ CAP_ISR, AT_ISR, PART_BYTES },
		{ CAP_DEVICE, AT_DEVICE, PART_BYTES },
		{ CAP_NOTIFY, AT_NOTIFY, PART_BYTES },
		{ CAP_PCI, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (add_cap(tp, rows[i].type, rows[i].offset, rows[i].length,
		            err) < 0)
			return err->code;
	return 0;
}

static int
add_notifiers(struct virtio_pci *tp, struct error *err)
{
	struct virtio *v = tp->v;

	for (unsigned i = 0; i < v->nqueues; i++) {
		tp->nnotify++;
		if (pci_notify_add(tp->dev, BAR_MODERN,
		                   AT_NOTIFY + NOTIFY_STEP * i, 2, true, 0,
		                   v->queue[i].kick, err) < 0 ||
		    pci_notify_add(tp->dev, BAR_LEGACY, LEGACY_NOTIFY, 2, false,
		                   i, v->queue[i].kick, err) < 0)
			return err->code;
	}
	return 0;
}

/* 5: the transitional device ids count from 0x1000 in an order of their own. */
static uint16_t
transitional_id(uint16_t type)
{
	static const uint16_t ids[] = {
		[1] = 0x1000, [2] = 0x1001, [3] = 0x1003,
		[4] = 0x1005, [8] = 0x1004, [9] = 0x1009,
	};

	return type < ARRAY_LEN(ids) && ids[type] != 0
	           ? ids[type]
	           : (uint16_t)(0x1040 + type);
}

static int
describe(struct virtio_pci *tp, const struct config_node *cfg,
         uint32_t class_code, struct error *err)
{
	const struct pci_ids ids = {
		.vendor = VIRTIO_VENDOR,
		.device = transitional_id(tp->v->ops->type),
		.class_code = class_code,
		.subvendor = VIRTIO_VENDOR,
		.subdevice = tp->v->ops->type,
	};
	bool msix = true;

	if (cfg != NULL && config_get_bool(config_top(cfg), "virtio_msix", true,
	                                   &msix, err) < 0)
		return err->code;
	pci_set_ids(tp->dev, &ids);
	pci_intx_add(tp->dev);
	if (pci_bar_add(tp->dev, BAR_LEGACY, PCI_BAR_IO, LEGACY_BYTES,
	                &legacy_ops, tp, err) < 0 ||
	    pci_bar_add(tp->dev, BAR_MODERN, PCI_BAR_MEM64, MODERN_BYTES,
	                &modern_ops, tp, err) < 0)
		return err->code;
	/* One vector a queue and one for configuration changes. */
	if ((msix ? pci_msix_add(tp->dev, BAR_MSIX, tp->v->nqueues + 1, err)
	          : pci_msi_add(tp->dev, 1, err)) < 0)
		return err->code;
	if (add_caps(tp, err) < 0)
		return err->code;
	return add_notifiers(tp, err);
}

static void
transport_free(void *transport)
{
	struct virtio_pci *tp = transport;

	for (unsigned i = 0; i < tp->nnotify; i++) {
		int fd = tp->v->queue[i].kick;

		pci_notify_remove(tp->dev, BAR_MODERN,
		                  AT_NOTIFY + NOTIFY_STEP * i, fd);
		pci_notify_remove(tp->dev, BAR_LEGACY, LEGACY_NOTIFY, fd);
	}
	free(tp);
}

int
virtio_pci_attach(struct pci_dev *d, const struct config_node *cfg,
                  struct virtio *v, uint32_t class_code, struct error *err)
{
	struct virtio_pci *tp = calloc(1, sizeof(*tp));

	if (tp == NULL)
		return error_set(err, -ENOMEM, "%s", v->ops->name);
	tp->dev = d;
	tp->v = v;
	v->raise = raise_irq;
	v->transport_free = transport_free;
	v->transport = tp;
	return describe(tp, cfg, class_code, err);
}
