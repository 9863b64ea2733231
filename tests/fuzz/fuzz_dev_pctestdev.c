/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_pctestdev.c - a hostile guest at the test device.
 * Whatever it did, the state goes through a checkpoint.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dev/pctestdev.h"
#include "vmm/fake_vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct fake_range ranges[] = {
		{ true, PCTESTDEV_DATA, 0x20 },
		{ true, PCTESTDEV_LINES, VM_MAX_GSI },
		{ false, PCTESTDEV_MEMORY, 0x10000 },
	};
	struct fake_vm f;
	struct error err;

	fake_vm_init(&f);
	if (pctestdev_new(f.vm, &err) < 0)
		abort();
	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	if (fake_vm_load_changed(&f, data, len) == 0)
		fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	fake_vm_fini(&f);
	return 0;
}
