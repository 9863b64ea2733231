/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_power.c - a hostile guest at ACPI's fixed hardware and the reset
 * registers. Whatever it did, the state goes through a checkpoint.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dev/power.h"
#include "vmm/fake_vm.h"
#include "vmm/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct fake_range ranges[] = {
		{ true, 0x400, 0x10 },
		{ true, 0xb2, 0x2 },
		{ true, 0x92, 0x1 },
		{ true, 0xcf8, 0x8 },
	};
	struct fake_vm f;
	struct error err;
	struct pci_bus *bus;
	struct power *power;

	fake_vm_init(&f);
	if (pci_bus_new(f.vm, &bus, &err) < 0 ||
	    power_new(f.vm, bus, false, &power, &err) < 0)
		abort();
	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	fake_vm_fini(&f);
	return 0;
}
