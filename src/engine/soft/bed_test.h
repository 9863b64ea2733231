/* SPDX-License-Identifier: BSD-2-Clause */
/* bed_test.h - the frame of a unit test on the bed (bed.h): for each test a new
 * bed, its state. Included once, by NAME_test.c.
 */
#ifndef SOFT_BED_TEST_H
#define SOFT_BED_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/soft/bed.h"

static int
make_bed(void **state)
{
	static struct bed b;

	bed_init(&b);
	*state = &b;
	return 0;
}

static int
remove_bed(void **state)
{
	bed_fini(*state);
	return 0;
}

/* The vector that came, with what it pushed. */
static inline void
expect(struct bed *b, int vector, uint64_t error, uint64_t rip)
{
	struct bed_log log;

	assert_int_equal(bed_vector(b, &log), vector);
	assert_int_equal(log.error, error);
	assert_int_equal(log.rip, rip);
}

/* A test, and what makes its bed where that is more than making it. */
#define BED_TEST_ON(t, make)                                                   \
	cmocka_unit_test_setup_teardown(t, make, remove_bed)
#define BED_TEST(t) BED_TEST_ON(t, make_bed)
#endif
