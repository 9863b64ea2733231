/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_rtc.c - a hostile guest at the RTC.
 * Whatever it did, the state goes through a checkpoint.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dev/rtc.h"
#include "vmm/fake_vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct fake_range ranges[] = {
		{ true, 0x70, 0x2 },
	};
	struct fake_vm f;
	struct error err;
	struct rtc *rtc;

	fake_vm_init(&f);
	if (rtc_new(f.vm, 1795355998, &rtc, &err) < 0)
		abort();
	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	fake_vm_fini(&f);
	return 0;
}
