/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_test.c - virtio's registers on PCI: negotiation, rings, interrupts and
 * state, by a toy device whose buffers come back as they went.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/virtio/card_fake.h"
#include "dev/virtio/pci.h"
#include "dev/virtio/virtio.h"
#include "vmm/pci.h"

enum { TOY_TYPE = 3, DATA = 0x100000, ROOM = 4, TOY_QUEUES = 3, SIZE = 16 };

struct toy {
	struct virtio virtio;
	unsigned started, quiesced, resets;
	uint64_t written;
};

static struct toy *last;

static void
toy_queue(void *dev, unsigned queue)
{
	struct toy *t = dev;
	struct virtq *q = &t->virtio.queue[queue].q;
	struct iovec iov[ROOM];
	uint64_t gpa[ROOM];
	struct virtq_chain c = { .iov = iov, .gpa = gpa, .room = ROOM };

	while (virtq_pop(q, &c) == 1) {
		virtq_push(q, &c, (uint32_t)c.write_bytes);
		if (virtq_publish(q))
			virtio_interrupt(&t->virtio, queue);
	}
}

static void
toy_start(void *dev, uint64_t features)
{
	(void)features;
	((struct toy *)dev)->started++;
}

static void
toy_quiesce(void *dev)
{
	((struct toy *)dev)->quiesced++;
}

static void
toy_reset(void *dev)
{
	((struct toy *)dev)->resets++;
}

static void
toy_config_write(void *dev, unsigned off, unsigned size, uint64_t v)
{
	((struct toy *)dev)->written = v << 16 | size << 8 | off;
}

static const struct virtio_ops toy_virtio = {
	.name = "virtio-toy",
	.type = TOY_TYPE,
	.start = toy_start,
	.quiesce = toy_quiesce,
	.reset = toy_reset,
	.config_write = toy_config_write,
};

static const struct state_field toy_fields[] = {
	VIRTIO_STATE(struct toy, virtio),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc toy_state = {
	.name = "virtio-toy",
	.version = 1,
	.fields = toy_fields,
	.before_save = virtio_device_before_save,
	.after_load = virtio_device_after_load,
};

static const struct device_ops toy_device = {
	.name = "virtio-toy",
	.reset = virtio_device_reset,
	.pause = virtio_device_pause,
	.resume = virtio_device_resume,
	.fini = virtio_device_fini,
	.state = &toy_state,
};

static int
toy_init(struct pci_dev *d, const struct config_node *cfg, struct error *err)
{
	struct toy *t = calloc(1, sizeof(*t));
	struct worker *w;

	assert_non_null(t);
	virtio_init(&t->virtio, &toy_virtio, pci_vm(d)->mem, 1ull << 40);
	assert_int_equal(virtio_worker_add(&t->virtio, &w, err), 0);
	for (unsigned i = 0; i < TOY_QUEUES; i++)
		assert_int_equal(
		    virtio_queue_add(&t->virtio, SIZE, w, toy_queue, err), 0);
	virtio_config_set(&t->virtio, 0, "abcdefgh", 8);
	assert_int_equal(virtio_pci_attach(d, cfg, &t->virtio, 0x078000, err),
	                 0);
	last = t;
	return vm_device_add(pci_vm(d), &toy_device, t, err);
}

static const struct pci_device_ops toy = { "virtio-toy", toy_init };

static void
up(struct card *c, bool legacy)
{
	struct error err;

	assert_int_equal(card_make(c, &toy, NULL, &err), 0);
	c->legacy = legacy;
}

/* MSI-X on, entry i sends data 0x40 + i. */
static void
msix_on(struct card *c)
{
	for (unsigned i = 0; i <= TOY_QUEUES; i++) {
		fake_write(&c->f, c->msix + 16 * i, 4, 0xfee00000);
		fake_write(&c->f, c->msix + 16 * i + 4, 4, 0);
		fake_write(&c->f, c->msix + 16 * i + 8, 4, 0x40 + i);
		fake_write(&c->f, c->msix + 16 * i + 12, 4, 0);
	}
	for (unsigned at = pci_cfg_get(c->d, PCI_CAP_PTR, 1); at != 0;
	     at = pci_cfg_get(c->d, at + 1, 1))
		if (pci_cfg_get(c->d, at, 1) == PCI_CAP_MSIX) {
			fake_out(&c->f, 0xcf8, 4, 0x80001800u | at);
			fake_out(&c->f, 0xcfe, 2, 0x8000);
		}
	assert_true(pci_msix_enabled(c->d));
}

static void
the_identity_is_transitional(void **state)
{
	struct card c;
	unsigned types = 0;

	(void)state;
	up(&c, false);
	assert_int_equal(pci_cfg_get(c.d, PCI_VENDOR, 4), 0x10031af4);
	assert_int_equal(pci_cfg_get(c.d, PCI_SUBVENDOR, 4), 0x00031af4);
	assert_int_equal(pci_cfg_get(c.d, PCI_REVISION, 4), 0x07800000);
	for (unsigned at = pci_cfg_get(c.d, PCI_CAP_PTR, 1); at != 0;
	     at = pci_cfg_get(c.d, at + 1, 1))
		if (pci_cfg_get(c.d, at, 1) == PCI_CAP_VENDOR)
			types |= 1u << pci_cfg_get(c.d, at + 3, 1);
	assert_int_equal(types, 0x3e);
	card_free(&c);
}

static void
features_stand_or_fall_at_features_ok(void **state)
{
	static const struct {
		uint64_t accept;
		uint8_t want;
	} rows[] = {
		{ 1ull << 32, 0x0b },
		{ 1ull << 32 | 1ull << 40 | 1ull << 28, 0x0b },
		{ 1ull << 32 | 1ull << 41, 0x03 }, /* not offered */
		{ 1ull << 28, 0x03 },              /* not VERSION_1 */
	};
	struct card c;

	(void)state;
	up(&c, false);
	assert_int_equal(card_offered(&c), 1ull << 40 | 1ull << 32 | 3u << 28);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		card_reset(&c);
		assert_int_equal(card_status(&c), 0);
		card_common_set(&c, 0x14, 1, 3);
		for (unsigned k = 0; k < 2; k++) {
			card_common_set(&c, 0x08, 4, k);
			card_common_set(&c, 0x0c, 4,
			                rows[i].accept >> 32 * k & UINT32_MAX);
		}
		card_common_set(&c, 0x14, 1, 0x0b);
		assert_int_equal(card_status(&c), rows[i].want);
		/* Without it there is no DRIVER_OK. */
		card_common_set(&c, 0x14, 1, rows[i].want | 4);
		assert_int_equal(card_status(&c) & 4,
		                 (rows[i].want & 8) != 0 ? 4 : 0);
	}
	card_free(&c);
}

static void
registers_answer_as_the_standard_says(void **state)
{
	struct card c;

	(void)state;
	up(&c, false);
	assert_int_equal(card_common(&c, 0x12, 2), TOY_QUEUES);
	card_common_set(&c, 0x16, 2, 1);
	assert_int_equal(card_common(&c, 0x18, 2), SIZE);
	assert_int_equal(card_common(&c, 0x1e, 2), 1);
	card_common_set(&c, 0x18, 2, 3); /* no power of two */
	assert_int_equal(card_common(&c, 0x18, 2), SIZE);
	card_common_set(&c, 0x18, 2, 8);
	assert_int_equal(card_common(&c, 0x18, 2), 8);
	assert_int_equal(card_common(&c, 0x1a, 2), 0xffff);
	card_common_set(&c, 0x1a, 2, TOY_QUEUES);
	assert_int_equal(card_common(&c, 0x1a, 2), TOY_QUEUES);
	card_common_set(&c, 0x1a, 2, TOY_QUEUES + 1); /* no such vector */
	assert_int_equal(card_common(&c, 0x1a, 2), 0xffff);
	card_common_set(&c, 0x20, 4, 0x1000);
	card_common_set(&c, 0x24, 4, 1);
	assert_int_equal(card_common(&c, 0x20, 8), 0x100001000);
	card_common_set(&c, 0x16, 2, TOY_QUEUES); /* no such queue */
	assert_int_equal(card_common(&c, 0x18, 2), 0);
	card_common_set(&c, 0x20, 8, 0x1000);
	card_common_set(&c, 0x1c, 2, 1);
	assert_int_equal(card_common(&c, 0x1c, 2), 0);
	assert_int_equal(card_common(&c, 0x11, 4), 0); /* across two */
	card_free(&c);
}

static void
configuration_is_bytes(void **state)
{
	struct card c;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		up(&c, i == 1);
		assert_int_equal(card_config(&c, 0, 4), 0x64636261);
		assert_int_equal(card_config(&c, 7, 1), 'h');
		assert_int_equal(card_config(&c, 7, 2), 'h');
		card_config_set(&c, 2, 2, 0x1234);
		assert_int_equal(last->written, 0x12340202);
		last->written = 0;
		card_config_set(&c, 7, 2, 0x1234); /* over the end */
		assert_int_equal(last->written, 0);
		card_free(&c);
	}
}

static void
buffers_go_round_on_both_faces(void **state)
{
	const struct fake_part part = { DATA, 32, FAKE_WRITE };
	struct card c;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		up(&c, i == 1);
		for (unsigned again = 0; again < 2; again++) {
			assert_int_equal(card_up(&c, UINT64_MAX & ~(1ull << 29),
			                         TOY_QUEUES, 0) &
			                     0x44,
			                 4);
			for (unsigned q = 0; q < TOY_QUEUES; q++)
				assert_int_equal(card_do(&c, q, &part, 1), 32);
		}
		assert_int_equal(last->started, 2);
		assert_int_equal(last->quiesced, 1);
		card_free(&c);
	}
}

/* The interrupt of what was seen used has been raised. */
static void
still(struct card *c)
{
	vm_pause(c->f.vm);
	vm_resume(c->f.vm);
}

/* The wire goes up with a buffer and down when the ISR register is read. */
static void
intx_follows_the_isr(void **state)
{
	const struct fake_part part = { DATA, 32, FAKE_WRITE };
	struct card c;
	unsigned gsi;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		up(&c, i == 1);
		gsi = 16 + pci_pirq(3, 0);
		(void)card_up(&c, 1ull << 32, 1, 0);
		assert_int_equal(card_do(&c, 0, &part, 1), 32);
		still(&c);
		assert_true(c.f.gsi[gsi]);
		assert_int_equal(i == 0 ? fake_read(&c.f, c.mem + 0x1000, 1)
		                        : fake_in(&c.f, c.io + 0x13, 1),
		                 1);
		assert_false(c.f.gsi[gsi]);
		assert_int_equal(i == 0 ? fake_read(&c.f, c.mem + 0x1000, 1)
		                        : fake_in(&c.f, c.io + 0x13, 1),
		                 0);
		card_free(&c);
	}
}

static void
msix_goes_to_the_queues_vector(void **state)
{
	const struct fake_part part = { DATA, 32, FAKE_WRITE };
	struct card c;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		up(&c, i == 1);
		msix_on(&c);
		if (i == 0)
			(void)card_up(&c, 1ull << 32, 2, 0);
		else
			(void)card_up(&c, 0, 2, 0);
		if (i == 0) {
			card_common_set(&c, 0x16, 2, 1);
			card_common_set(&c, 0x1a, 2, 2);
		} else {
			fake_out(&c.f, c.io + 0x0e, 2, 1);
			fake_out(&c.f, c.io + 0x16, 2, 2);
			assert_int_equal(fake_in(&c.f, c.io + 0x16, 2), 2);
			/* The configuration moved. */
			assert_int_equal(fake_in(&c.f, c.io + 0x18, 1), 'a');
		}
		assert_int_equal(card_do(&c, 0, &part, 1), 32); /* no vector */
		assert_int_equal(card_do(&c, 1, &part, 1), 32);
		still(&c);
		assert_int_equal(c.f.nmsi, 1);
		assert_int_equal(c.f.msi[0].data, 0x42);
		assert_int_equal(last->virtio.r.isr, 0);
		card_free(&c);
	}
}

static void
without_msix_there_is_msi(void **state)
{
	static const char *const lines[] = { "/virtio_msix=false", NULL };
	struct error err;
	struct card c;
	unsigned caps = 0;

	(void)state;
	assert_int_equal(card_make(&c, &toy, lines, &err), 0);
	for (unsigned at = pci_cfg_get(c.d, PCI_CAP_PTR, 1); at != 0;
	     at = pci_cfg_get(c.d, at + 1, 1))
		caps |= 1u << pci_cfg_get(c.d, at, 1);
	assert_int_equal(caps, 1u << PCI_CAP_MSI | 1u << PCI_CAP_VENDOR);
	card_free(&c);
}

static void
a_broken_ring_asks_for_a_reset(void **state)
{
	const struct fake_part bad = { UINT64_MAX - 64, 32, FAKE_WRITE };
	const struct fake_part good = { DATA, 32, FAKE_WRITE };
	struct card c;

	(void)state;
	up(&c, false);
	(void)card_up(&c, 1ull << 32, 1, 0);
	fake_buffer(&c.q[0], &bad, 1);
	card_notify(&c, 0);
	for (unsigned k = 0; k < 1000 && (card_status(&c) & 0x40) == 0; k++)
		usleep(1000);
	assert_int_equal(card_status(&c) & 0x40, 0x40);
	assert_int_equal(fake_read(&c.f, c.mem + 0x1000, 1), 2);
	assert_int_equal(card_up(&c, 1ull << 32, 1, 0), 0x0f);
	assert_int_equal(card_do(&c, 0, &good, 1), 32);
	card_free(&c);
}

static void
rings_outside_memory_ask_for_a_reset(void **state)
{
	struct card c;

	(void)state;
	up(&c, false);
	(void)card_up(&c, 1ull << 32, 0, 0);
	card_reset(&c);
	card_common_set(&c, 0x14, 1, 3);
	card_common_set(&c, 0x08, 4, 1);
	card_common_set(&c, 0x0c, 4, 1);
	card_common_set(&c, 0x14, 1, 0x0b);
	card_common_set(&c, 0x16, 2, 0);
	card_common_set(&c, 0x20, 8, 0xfffffffffffff000ull);
	card_common_set(&c, 0x1c, 2, 1);
	card_common_set(&c, 0x14, 1, 0x0f);
	assert_int_equal(card_status(&c), 0x4f);
	card_free(&c);
}

/* One dword of the configuration window, through ports. */
static void
the_window_reaches_the_registers(void **state)
{
	unsigned at;
	struct card c;

	(void)state;
	up(&c, false);
	for (at = pci_cfg_get(c.d, PCI_CAP_PTR, 1);
	     pci_cfg_get(c.d, at + 3, 1) != 5 ||
	     pci_cfg_get(c.d, at, 1) != PCI_CAP_VENDOR;
	     at = pci_cfg_get(c.d, at + 1, 1))
		assert_int_not_equal(at, 0);
	fake_out(&c.f, 0xcf8, 4, 0x80001800u | (at + 4));
	fake_out(&c.f, 0xcfc, 1, 4);
	fake_out(&c.f, 0xcf8, 4, 0x80001800u | (at + 8));
	fake_out(&c.f, 0xcfc, 4, 0x2004);
	fake_out(&c.f, 0xcf8, 4, 0x80001800u | (at + 12));
	fake_out(&c.f, 0xcfc, 4, 2);
	fake_out(&c.f, 0xcf8, 4, 0x80001800u | (at + 16));
	assert_int_equal(fake_in(&c.f, 0xcfc, 2), 'e' | 'f' << 8);
	fake_out(&c.f, 0xcfc, 2, 0x5678);
	assert_int_equal(last->written, 0x56780204);
	card_free(&c);
}

static void
state_survives(void **state)
{
	const struct fake_part part = { DATA, 32, FAKE_WRITE };
	struct card c;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		up(&c, i == 1);
		(void)card_up(&c, UINT64_MAX & ~(1ull << 29), TOY_QUEUES, 8);
		for (unsigned k = 0; k < 20; k++)
			assert_int_equal(card_do(&c, 1, &part, 1), 32);
		virtio_device_pause(last);
		fake_buffer(&c.q[1], &part, 1); /* and one that waits */
		assert_int_equal(fake_vm_roundtrip(&c.f, NULL), 0);
		virtio_device_resume(last);
		{
			uint32_t id, len;

			assert_true(card_wait(&c, 1, &id, &len));
		}
		for (unsigned k = 0; k < 20; k++)
			assert_int_equal(card_do(&c, 1, &part, 1), 32);
		assert_int_equal(card_status(&c), i == 0 ? 0x0f : 0x07);
		card_free(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_identity_is_transitional),
		cmocka_unit_test(features_stand_or_fall_at_features_ok),
		cmocka_unit_test(registers_answer_as_the_standard_says),
		cmocka_unit_test(configuration_is_bytes),
		cmocka_unit_test(buffers_go_round_on_both_faces),
		cmocka_unit_test(intx_follows_the_isr),
		cmocka_unit_test(msix_goes_to_the_queues_vector),
		cmocka_unit_test(without_msix_there_is_msi),
		cmocka_unit_test(a_broken_ring_asks_for_a_reset),
		cmocka_unit_test(rings_outside_memory_ask_for_a_reset),
		cmocka_unit_test(the_window_reaches_the_registers),
		cmocka_unit_test(state_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
