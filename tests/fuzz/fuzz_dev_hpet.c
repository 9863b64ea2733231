/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_hpet.c - a hostile guest at the HPET.
 * Whatever it did, the state goes through a checkpoint.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dev/hpet.h"
#include "vmm/fake_vm.h"
#include "vmm/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct fake_range ranges[] = {
		{ false, VM_HPET_GPA, 0x400 },
	};
	struct fake_vm f;
	struct error err;
	struct pci_bus *bus;

	fake_vm_init(&f);
	if (pci_bus_new(f.vm, &bus, &err) < 0 || hpet_new(f.vm, bus, &err) < 0)
		abort();
	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	fake_vm_fini(&f);
	return 0;
}
