/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_flash.c - a hostile guest at the flash with its variables.
 * Whatever it did, the state goes through a checkpoint.
 */
#include <sys/mman.h>

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "dev/flash.h"
#include "vmm/fake_vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum { BYTES = 2 * FLASH_BLOCK };
	uint64_t base = 0;
	struct fake_vm f;
	struct error err;
	int fd = memfd_create("flash", MFD_CLOEXEC);

	fake_vm_init(&f);
	if (fd < 0 || ftruncate(fd, BYTES) < 0 ||
	    flash_new(f.vm, fd, 0x100000000, &base, &err) < 0)
		abort();
	const struct fake_range ranges[] = { { false, base, BYTES } };

	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	if (fake_vm_load_changed(&f, data, len) == 0)
		fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	fake_vm_fini(&f);
	return 0;
}
