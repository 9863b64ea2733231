/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_pci.c - a hostile guest at configuration spaces
 * and at BARs, wherever it moves them. Whatever it did, the state goes through
 * a checkpoint.
 */
#include <stdint.h>
#include <stdlib.h>

#include "vmm/fake_vm.h"
#include "vmm/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t
bar_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx;
	return off * size;
}

static void
bar_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_dev *d = ctx;

	(void)size;
	pci_intx_set(d, (v & 1) != 0);
	pci_msix_raise(d, (unsigned)off & 3);
	pci_msi_raise(d, (unsigned)off & 7);
}

static const struct bus_ops bar_ops = { "bar", bar_read, bar_write };

/* A function that has everything. */
static int
everything_init(struct pci_dev *d, const struct config_node *cfg,
                struct error *err)
{
	static const struct pci_ids ids = { .vendor = 0x1af4, .device = 1 };

	(void)cfg;
	pci_set_ids(d, &ids);
	pci_intx_add(d);
	if (pci_bar_add(d, 0, PCI_BAR_IO, 32, &bar_ops, d, err) < 0 ||
	    pci_msix_add(d, 1, 4, err) < 0 ||
	    pci_bar_add(d, 2, PCI_BAR_MEM32, 4096, &bar_ops, d, err) < 0 ||
	    pci_bar_add(d, 4, PCI_BAR_MEM64, 1 << 20, &bar_ops, d, err) < 0)
		return err->code;
	return pci_msi_add(d, 8, err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct pci_device_ops everything = { "everything",
		                                          everything_init };
	static const struct fake_range ranges[] = {
		{ true, 0xcf8, 8 },
		{ true, PCI_IO_BASE, 64 },
		{ false, PCI_ECAM_BASE + (3 << 15), 0x1040 },
		{ false, PCI_MEM32_BASE, 0x4000 },
		{ false, PCI_ECAM_BASE + (3 << 15), 0x100 },
	};
	struct pci_bus *bus;
	struct fake_vm f;
	struct error err;

	fake_vm_init(&f);
	if (pci_bus_new(f.vm, &bus, &err) < 0 ||
	    pci_add(bus, 0, 3, 0, &everything, NULL, &err) < 0 ||
	    pci_add(bus, 0, 3, 1, &everything, NULL, &err) < 0 ||
	    pci_place(bus, &err) < 0)
		abort();
	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	fake_vm_fini(&f);
	return 0;
}
