/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_test.c - configuration space, BARs, messages and wires of PCI functions,
 * as a driver meets them.
 */
#include <sys/eventfd.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmm/fake_vm.h"
#include "vmm/pci.h"

enum {
	CMD_IO = 1,
	CMD_MEM = 2,
	CMD_INTX_OFF = 0x400,
	ECAM_3 = 3 << 15 /* 0:3.0 */
};

/* A device with one BAR of each kind, MSI-X, MSI and INTx. */
struct toy {
	struct pci_dev *d;
	uint64_t last_off, last_value;
};

static struct toy toys[4];
static unsigned ntoys;

static uint64_t
toy_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx;
	return off << 8 | size;
}

static void
toy_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct toy *t = ctx;

	(void)size;
	t->last_off = off;
	t->last_value = v;
}

static const struct bus_ops toy_ops = { "toy", toy_read, toy_write };

static int
toy_init(struct pci_dev *d, const struct config_node *cfg, struct error *err)
{
	static const struct pci_ids ids = { 0x1af4, 0x1001, 0x010000,
		                            0,      0x1af4, 2 };
	struct toy *t = &toys[ntoys++];

	(void)cfg;
	t->d = d;
	pci_set_ids(d, &ids);
	if (pci_bar_add(d, 0, PCI_BAR_IO, 64, &toy_ops, t, err) < 0 ||
	    pci_msix_add(d, 1, 3, err) < 0 ||
	    pci_bar_add(d, 2, PCI_BAR_MEM32, 0x1000, &toy_ops, t, err) < 0 ||
	    pci_bar_add(d, 4, PCI_BAR_MEM64, 0x10000000, &toy_ops, t, err) <
	        0 ||
	    pci_msi_add(d, 4, err) < 0)
		return err->code;
	pci_intx_add(d);
	return 0;
}

static const struct pci_device_ops toy = { "toy", toy_init };

static struct fake_vm f;
static struct pci_bus *bus;

static int
setup(void **state)
{
	struct error err;

	(void)state;
	ntoys = 0;
	fake_vm_init(&f);
	assert_int_equal(pci_bus_new(f.vm, &bus, &err), 0);
	assert_int_equal(pci_add(bus, 0, 3, 0, &toy, NULL, &err), 0);
	assert_int_equal(pci_add(bus, 0, 3, 1, &toy, NULL, &err), 0);
	assert_int_equal(pci_add(bus, 0, 4, 0, &toy, NULL, &err), 0);
	assert_int_equal(pci_place(bus, &err), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_vm_fini(&f);
	return 0;
}

static uint32_t
cfg_read(unsigned reg, unsigned size)
{
	return (uint32_t)fake_read(&f, PCI_ECAM_BASE + ECAM_3 + reg, size);
}

static void
cfg_write(unsigned reg, unsigned size, uint32_t v)
{
	fake_write(&f, PCI_ECAM_BASE + ECAM_3 + reg, size, v);
}

static void
both_mechanisms_reach_the_same_registers(void **state)
{
	(void)state;
	fake_out(&f, 0xcf8, 4, 0x80000000u | 3 << 11 | 0x00);
	assert_int_equal(fake_in(&f, 0xcfc, 4), 0x10011af4);
	assert_int_equal(fake_in(&f, 0xcfe, 2), 0x1001);
	assert_int_equal(fake_in(&f, 0xcfd, 1), 0x1a);
	assert_int_equal(cfg_read(0, 4), 0x10011af4);
	assert_int_equal(cfg_read(0, 8), 0x10011af4);
	fake_out(&f, 0xcf8, 4, 0x80000000u | 3 << 11 | PCI_INT_LINE);
	fake_out(&f, 0xcfc, 1, 0x5a);
	assert_int_equal(cfg_read(PCI_INT_LINE, 1), 0x5a);
	/* Not enabled, absent, beyond the first 256 bytes. */
	fake_out(&f, 0xcf8, 4, 3 << 11);
	assert_int_equal(fake_in(&f, 0xcfc, 4), 0xffffffff);
	fake_out(&f, 0xcf8, 4, 0x80000000u | 9 << 11);
	assert_int_equal(fake_in(&f, 0xcfc, 4), 0xffffffff);
	assert_int_equal(fake_read(&f, PCI_ECAM_BASE + (9 << 15), 4),
	                 0xffffffff);
	assert_int_equal(cfg_read(0x100, 4), 0);
	assert_int_equal(cfg_read(PCI_HEADER_TYPE, 1), 0x80);
}

static void
identity_is_read_only(void **state)
{
	(void)state;
	cfg_write(0, 4, 0);
	cfg_write(8, 4, 0);
	cfg_write(PCI_SUBVENDOR, 4, 0);
	assert_int_equal(cfg_read(0, 4), 0x10011af4);
	assert_int_equal(cfg_read(8, 4), 0x01000000);
	assert_int_equal(cfg_read(PCI_SUBVENDOR, 4), 0x00021af4);
}

static void
bars_tell_their_size(void **state)
{
	static const struct {
		unsigned reg;
		uint32_t want;
	} rows[] = {
		{ PCI_BAR0, 0xffffffc1 },      { PCI_BAR0 + 4, 0xfffff000 },
		{ PCI_BAR0 + 8, 0xfffff000 },  { PCI_BAR0 + 12, 0 },
		{ PCI_BAR0 + 16, 0xf0000004 }, { PCI_BAR0 + 20, 0xffffffff }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t old = cfg_read(rows[i].reg, 4);

		cfg_write(rows[i].reg, 4, 0xffffffff);
		assert_int_equal(cfg_read(rows[i].reg, 4), rows[i].want);
		cfg_write(rows[i].reg, 4, old);
		assert_int_equal(cfg_read(rows[i].reg, 4), old);
	}
}

static void
bars_are_placed_and_move(void **state)
{
	uint64_t io = cfg_read(PCI_BAR0, 4) & ~3u;
	uint64_t mem = cfg_read(PCI_BAR0 + 8, 4) & ~15u;
	uint64_t high = (uint64_t)cfg_read(PCI_BAR0 + 20, 4) << 32 |
	                (cfg_read(PCI_BAR0 + 16, 4) & ~15u);

	(void)state;
	assert_in_range(io, PCI_IO_BASE, PCI_IO_END - 64);
	assert_in_range(mem, PCI_MEM32_BASE, PCI_MEM32_END - 0x1000);
	assert_true(high >= 64ull << 30);
	assert_int_equal(fake_in(&f, (uint16_t)(io + 8), 2), 0x802);
	assert_int_equal(fake_read(&f, mem + 0x10, 4), 0x1004);
	assert_int_equal(fake_read(&f, high + 0x10, 4), 0x1004);
	cfg_write(PCI_BAR0, 4, 0x9000);
	assert_int_equal(fake_in(&f, (uint16_t)(io + 8), 2), 0xffff);
	assert_int_equal(fake_in(&f, 0x9008, 2), 0x802);
	cfg_write(PCI_COMMAND, 2, CMD_MEM);
	assert_int_equal(fake_in(&f, 0x9008, 2), 0xffff);
	assert_int_equal(fake_read(&f, mem + 0x10, 4), 0x1004);
	cfg_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM);
	assert_int_equal(fake_in(&f, 0x9008, 2), 0x802);
}

/* Two BARs on one address: the first keeps it, the second waits. */
static void
overlapping_bars_wait(void **state)
{
	(void)state;
	fake_write(&f, PCI_ECAM_BASE + (4 << 15) + PCI_BAR0, 4, 0x9000);
	cfg_write(PCI_BAR0, 4, 0x9000);
	fake_out(&f, 0x9004, 4, 77);
	assert_int_equal(toys[2].last_value, 77);
	assert_int_equal(toys[0].last_value, 0);
	fake_write(&f, PCI_ECAM_BASE + (4 << 15) + PCI_BAR0, 4, 0xa000);
	fake_out(&f, 0x9004, 4, 78);
	assert_int_equal(toys[0].last_value, 78);
	/* Nobody takes what is not PCI's. */
	cfg_write(PCI_BAR0, 4, 0xcc0);
	fake_out(&f, 0xcf8, 4, 0x80000000u);
	assert_int_equal(fake_in(&f, 0xcf8, 4), 0x80000000u);
}

static void
notifiers_follow_their_bar(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t n = 0;
	struct error err;

	(void)state;
	assert_int_equal(
	    pci_notify_add(toys[0].d, 0, 16, 2, false, 1, fd, &err), 0);
	cfg_write(PCI_BAR0, 4, 0x9000);
	fake_out(&f, 0x9010, 2, 2);
	assert_int_equal(read(fd, &n, 8), -1);
	assert_int_equal(toys[0].last_value, 2);
	fake_out(&f, 0x9010, 2, 1);
	assert_int_equal(read(fd, &n, 8), 8);
	pci_notify_remove(toys[0].d, 0, 16, fd);
	fake_out(&f, 0x9010, 2, 1);
	assert_int_equal(toys[0].last_value, 1);
	assert_int_equal(
	    pci_notify_add(toys[0].d, 0, 64, 2, false, 1, fd, &err), -EINVAL);
	close(fd);
}

static unsigned
find_cap(uint8_t id)
{
	unsigned at = cfg_read(PCI_CAP_PTR, 1);

	while (at != 0 && cfg_read(at, 1) != id)
		at = cfg_read(at + 1, 1);
	return at;
}

static void
msix_masks_keep_messages_pending(void **state)
{
	unsigned cap = find_cap(PCI_CAP_MSIX);
	uint64_t table = cfg_read(PCI_BAR0 + 4, 4) & ~15u;

	(void)state;
	assert_int_equal(cfg_read(cap + 2, 2), 2);
	pci_msix_raise(toys[0].d, 1);
	assert_int_equal(f.nmsi, 0); /* off */
	fake_write(&f, table + 16, 8, 0xfee01000);
	fake_write(&f, table + 24, 4, 0x4041);
	assert_int_equal(fake_read(&f, table + 28, 4), 1);
	cfg_write(cap + 2, 2, 0x8000);
	pci_msix_raise(toys[0].d, 1);
	pci_msix_raise(toys[0].d, 3); /* no such vector */
	assert_int_equal(f.nmsi, 0);
	assert_int_equal(fake_read(&f, table + 0x800, 8), 2);
	fake_write(&f, table + 28, 4, 0);
	assert_int_equal(f.nmsi, 1);
	assert_int_equal(f.msi[0].addr, 0xfee01000);
	assert_int_equal(f.msi[0].data, 0x4041);
	assert_int_equal(fake_read(&f, table + 0x800, 8), 0);
	cfg_write(cap + 2, 2, 0xc000); /* the function's mask */
	pci_msix_raise(toys[0].d, 1);
	assert_int_equal(f.nmsi, 1);
	cfg_write(cap + 2, 2, 0x8000);
	assert_int_equal(f.nmsi, 2);
	pci_msix_raise(toys[0].d, 1);
	assert_int_equal(f.nmsi, 3);
	assert_true(pci_msix_enabled(toys[0].d));
}

static void
msi_counts_its_vectors_in_data(void **state)
{
	unsigned cap = find_cap(PCI_CAP_MSI);

	(void)state;
	assert_int_equal(cfg_read(cap + 2, 2), 0x184);
	cfg_write(cap + 4, 4, 0xfee00000);
	cfg_write(cap + 12, 2, 0x50);
	cfg_write(cap + 2, 2, 1 | 2 << 4);
	pci_msi_raise(toys[0].d, 3);
	assert_int_equal(f.nmsi, 1);
	assert_int_equal(f.msi[0].data, 0x53);
	cfg_write(cap + 16, 4, 4);
	pci_msi_raise(toys[0].d, 2);
	assert_int_equal(f.nmsi, 1);
	assert_int_equal(cfg_read(cap + 20, 4), 4);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_int_equal(cfg_read(cap + 20, 4), 4);
	cfg_write(cap + 16, 4, 0);
	assert_int_equal(f.msi[1].data, 0x52);
	assert_int_equal(f.nmsi, 2);
}

static void
intx_shares_a_wire_by_count(void **state)
{
	/* 0:3.0 INTA and, by the swizzle, 0:3.1 INTB one further. */
	const unsigned a = 16 + (4 + 3) % 8, b = 16 + (4 + 3 + 1) % 8;

	(void)state;
	assert_int_equal(cfg_read(PCI_INT_PIN, 1), 1);
	assert_int_equal(pci_intx_pin(toys[1].d), 1);
	pci_intx_set(toys[0].d, true);
	assert_true(f.gsi[a]);
	assert_int_equal(cfg_read(PCI_STATUS, 2) & 8, 8);
	/* 0:3.1 and 0:4.0 share PIRQ 0. */
	pci_intx_set(toys[1].d, true);
	pci_intx_set(toys[2].d, true);
	assert_true(f.gsi[b]);
	pci_intx_set(toys[1].d, false);
	assert_true(f.gsi[b]);
	pci_intx_set(toys[2].d, false);
	assert_false(f.gsi[b]);
	cfg_write(PCI_COMMAND, 2, CMD_INTX_OFF);
	assert_false(f.gsi[a]);
	assert_int_equal(cfg_read(PCI_STATUS, 2) & 8, 8);
	cfg_write(PCI_COMMAND, 2, 0);
	assert_true(f.gsi[a]);
	pci_intx_set(toys[0].d, false);
	assert_false(f.gsi[a]);
}

static void
state_comes_back(void **state)
{
	uint64_t table = cfg_read(PCI_BAR0 + 4, 4) & ~15u;

	(void)state;
	cfg_write(PCI_BAR0, 4, 0x9000);
	fake_write(&f, table + 16, 4, 0xfee01000);
	pci_intx_set(toys[0].d, true);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_int_equal(fake_in(&f, 0x9008, 2), 0x802);
	assert_int_equal(fake_read(&f, table + 16, 4), 0xfee01000);
	assert_true(f.gsi[16 + 7]);
}

static void
an_occupied_slot_is_refused(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(pci_add(bus, 0, 3, 0, &toy, NULL, &err), -EEXIST);
	assert_string_equal(err.msg, "pci slot 0:3:0 already occupied!");
	assert_int_equal(pci_add(bus, 0, 32, 0, &toy, NULL, &err), -EINVAL);
}

/* Each bus has addresses of its own, and its devices are within. */
static void
buses_are_roots_with_windows(void **state)
{
	struct pci_root first, second, none;
	struct error err;
	uint64_t mem, io;

	(void)state;
	assert_int_equal(pci_add(bus, 7, 1, 0, &toy, NULL, &err), 0);
	assert_int_equal(pci_place(bus, &err), 0);
	assert_true(pci_root_at(bus, 0, &first));
	assert_true(pci_root_at(bus, 1, &second));
	assert_false(pci_root_at(bus, 2, &none));
	assert_int_equal(first.bus, 0);
	assert_int_equal(first.last_bus, 6);
	assert_int_equal(second.bus, 7);
	assert_int_equal(second.last_bus, 7);
	for (unsigned w = 0; w < PCI_NWINDOWS; w++) {
		assert_true(first.base[w] < first.end[w]);
		assert_int_equal(first.end[w], second.base[w]);
	}
	mem = pci_cfg_get(toys[3].d, PCI_BAR0 + 8, 4) & ~15u;
	io = pci_cfg_get(toys[3].d, PCI_BAR0, 4) & ~3u;
	assert_in_range(mem, second.base[PCI_WIN_MEM32],
	                second.end[PCI_WIN_MEM32] - 1);
	assert_in_range(io, second.base[PCI_WIN_IO],
	                second.end[PCI_WIN_IO] - 1);
	assert_int_equal(fake_read(&f, mem + 0x10, 4), 0x1004);
	fake_out(&f, 0xcf8, 4, 0x80000000u | 7 << 16 | 1 << 11);
	assert_int_equal(fake_in(&f, 0xcfc, 4), 0x10011af4);
}

int
main(void)
{
#define PCI_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		PCI_TEST(both_mechanisms_reach_the_same_registers),
		PCI_TEST(identity_is_read_only),
		PCI_TEST(bars_tell_their_size),
		PCI_TEST(bars_are_placed_and_move),
		PCI_TEST(overlapping_bars_wait),
		PCI_TEST(notifiers_follow_their_bar),
		PCI_TEST(msix_masks_keep_messages_pending),
		PCI_TEST(msi_counts_its_vectors_in_data),
		PCI_TEST(intx_shares_a_wire_by_count),
		PCI_TEST(state_comes_back),
		PCI_TEST(an_occupied_slot_is_refused),
		PCI_TEST(buses_are_roots_with_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
