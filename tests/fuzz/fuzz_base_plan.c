/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_base_plan.c - the file that says what a base holds. */
#include <stddef.h>
#include <stdint.h>

#include "manage/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct base_plan plan;
	struct error err = { 0 };

	if (base_plan_parse("fuzz", (const char *)data, len, &plan, &err) == 0)
		base_plan_fini(&plan);
	return 0;
}
