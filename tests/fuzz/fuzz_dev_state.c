/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_state.c - a checkpoint of the whole machine with any field changed:
 * it is refused, or what was loaded lives with whatever a guest then does.
 * The first half of the input is the changes, the second the guest.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dev/machine.h"
#include "vmm/config.h"
#include "vmm/fake_vm.h"
#include "vmm/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char text[] = "pci.0.0.0.device=hostbridge\n"
	                           "pci.0.3.0.device=uart\n"
	                           "pci.0.3.0.path=/dev/null\n"
	                           "pci.0.31.0.device=lpc\n"
	                           "lpc.com1.path=/dev/null\n";
	static const struct fake_range ranges[] = {
		{ true, 0, 0x100 },
		{ true, 0x3f8, 0x20 },
		{ true, 0xcf8, 8 },
		{ true, PCI_IO_BASE, 8 },
		{ false, PCI_ECAM_BASE + (3 << 15), 0x100 },
		{ false, PCI_ECAM_BASE + (31 << 15), 0x100 },
		{ false, VM_IOAPIC_GPA, 0x20 },
		{ false, VM_HPET_GPA, 0x200 },
	};
	static const struct machine_facts one = { 1, 1, 1, 0, "host", NULL };
	struct config *cfg;
	struct machine *m;
	struct fake_vm f;
	struct error err;

	fake_vm_init(&f);
	if (config_new(&cfg, &err) < 0 ||
	    config_parse(cfg, "fuzz", text, sizeof(text) - 1, &err) < 0 ||
	    machine_new(f.vm, cfg, &one, &m, &err) < 0)
		abort();
	f.now_ns = 1000000000;
	if (fake_vm_load_changed(&f, data, len / 2) == 0)
		fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data + len / 2,
		                len - len / 2);
	fake_vm_fini(&f);
	config_free(cfg);
	return 0;
}
