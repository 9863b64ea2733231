/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_fwcfg.c - a hostile guest at the firmware's interface.
 * Whatever it did, the state goes through a checkpoint.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dev/fwcfg.h"
#include "vmm/fake_vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct fake_range ranges[] = {
		{ true, 0x510, 12 },
	};
	struct fake_vm f;
	struct error err;
	struct fwcfg *fw;

	fake_vm_init(&f);
	if (fwcfg_new(f.vm, &fw, &err) < 0 ||
	    fwcfg_item(fw, FWCFG_NB_CPUS, "\2", 2, &err) < 0 ||
	    fwcfg_file(fw, "opt/some", "words to be read", 16, &err) < 0)
		abort();
	/* Commands to run, as many as there are bytes for. */
	if (len > 64) {
		(void)guest_mem_write(f.vm->mem, 0, data, 64);
		data += 64;
		len -= 64;
	}
	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	fake_vm_fini(&f);
	return 0;
}
