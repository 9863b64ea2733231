/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_ioapic.c - a hostile guest at the IOAPIC's registers.
 * Whatever it did, the state goes through a checkpoint.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dev/ioapic.h"
#include "vmm/fake_vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct fake_range ranges[] = {
		{ false, VM_IOAPIC_GPA, 0x1000 },
	};
	struct fake_vm f;
	struct error err;

	fake_vm_init(&f);
	if (ioapic_new(f.vm, &err) < 0)
		abort();
	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	fake_vm_fini(&f);
	return 0;
}
