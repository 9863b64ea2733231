/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests of the processor that every engine can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "engine/baseline.h"
#include "vmm/lapic.h"
#include "x86/cpuid.h"

/* As Linux reads leaf 15h, in 32 bits: kHz. */
static uint32_t
khz_as_linux_has_it(const struct cpuid_table *t)
{
	struct cpuid_leaf r = cpuid_get(t, 0x15, 0);

	assert_int_equal(r.ecx, LAPIC_TIMER_HZ);
	return r.ecx / 1000 * r.ebx / r.eax;
}

static void
the_counters_frequency_is_told_within_a_millionth(void **state)
{
	static const uint64_t hz[] = { 1000000000, 1999999000, 2099998000,
		                       2100000000, 2445406000, 2599999999,
		                       2893299000, 3141592653, 3700000000,
		                       4999999000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hz); i++) {
		struct cpuid_table t = { .n = 0 };
		int64_t khz = (int64_t)(hz[i] / 1000), said;

		assert_int_equal(baseline_frequency(&t, hz[i]), 0);
		said = khz_as_linux_has_it(&t);
		assert_true((said - khz) * 1000000 <= khz);
		assert_true((khz - said) * 1000000 <= khz);
	}
}

static void
an_unknown_frequency_is_not_told(void **state)
{
	struct cpuid_table t = { .n = 0 };

	(void)state;
	assert_int_equal(baseline_frequency(&t, 0), 0);
	assert_int_equal(t.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_counters_frequency_is_told_within_a_millionth),
		cmocka_unit_test(an_unknown_frequency_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
