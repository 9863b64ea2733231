/* SPDX-License-Identifier: BSD-2-Clause */
/* fwctl_test.c - bhyve's firmware interface, spoken as its UEFI build does. */
#include <string.h>

#include "base/le.h"
#include "dev/device_test.h"
#include "dev/fwctl.h"

enum { GET = 3, GET_LEN = 4, SET = 5 };

static int
put_device(struct error *err)
{
	return fwctl_new(f.vm, err);
}

static void
identify(void)
{
	fake_out(&f, FWCTL_PORT, 2, 0);
	for (const char *p = "BHYV"; *p != '\0'; p++)
		assert_int_equal(fake_in(&f, FWCTL_PORT + 1, 1), (uint8_t)*p);
	assert_int_equal(fake_in(&f, FWCTL_PORT + 1, 1), 0xff);
}

static void
ask(uint32_t op, uint32_t id, const char *name, uint32_t bytes)
{
	uint8_t text[128] = { 0 };

	memcpy(text, name, strlen(name));
	fake_out(&f, FWCTL_PORT, 4, 12 + bytes);
	fake_out(&f, FWCTL_PORT, 4, op);
	fake_out(&f, FWCTL_PORT, 4, id);
	for (uint32_t i = 0; i < bytes; i += 4)
		fake_out(&f, FWCTL_PORT, 4, le_get(text + i, 4));
}

static void
assert_words(const uint32_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fake_in(&f, FWCTL_PORT + 1, 4), want[i]);
	assert_int_equal(fake_in(&f, FWCTL_PORT + 1, 4), 0xffffffff);
}

static void
the_number_of_processors_is_told(void **state)
{
	static const uint32_t len[] = { 24, GET_LEN, 7, 0, 4, 0 };
	static const uint32_t got[] = { 28, GET, 8, 0, 4, 0, 1 };

	(void)state;
	identify();
	ask(GET_LEN, 7, "hw.ncpu", 8);
	assert_words(len, ARRAY_LEN(len));
	ask(GET, 8, "hw.ncpu", 8);
	assert_words(got, ARRAY_LEN(got));
}

static void
what_is_unknown_is_an_error(void **state)
{
	static const uint32_t name[] = { 16, GET, 1, 2 };
	static const uint32_t op[] = { 16, SET, 2, 2 };
	static const uint32_t big[] = { 16, GET, 3, 7 };
	static const uint32_t none[] = { 16, GET, 4, 2 };

	(void)state;
	identify();
	ask(GET, 1, "hw.ncpux", 9);
	assert_words(name, 4);
	ask(SET, 2, "hw.ncpu", 8);
	assert_words(op, 4);
	ask(GET, 3, "hw.ncpu", 84);
	assert_words(big, 4);
	ask(GET, 4, "", 0);
	assert_words(none, 4);
}

static void
a_guest_can_begin_anew(void **state)
{
	static const uint32_t got[] = { 28, GET, 9, 0, 4, 0, 1 };

	(void)state;
	/* Before it identified the device, nothing is a request. */
	ask(GET, 1, "hw.ncpu", 8);
	assert_int_equal(fake_in(&f, FWCTL_PORT + 1, 4), 0xffffffff);
	identify();
	fake_out(&f, FWCTL_PORT, 4, 11); /* no request is so short */
	fake_out(&f, FWCTL_PORT, 4, 20);
	fake_out(&f, FWCTL_PORT, 4, GET);
	identify();
	ask(GET, 9, "hw.ncpu", 8);
	assert_words(got, ARRAY_LEN(got));
}

static void
half_an_answer_goes_through_a_checkpoint(void **state)
{
	static const uint32_t rest[] = { 0, 4, 0, 1 };

	(void)state;
	identify();
	ask(GET, 3, "hw.ncpu", 8);
	for (unsigned i = 0; i < 3; i++)
		(void)fake_in(&f, FWCTL_PORT + 1, 4);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_words(rest, ARRAY_LEN(rest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(the_number_of_processors_is_told),
		DEVICE_TEST(what_is_unknown_is_an_error),
		DEVICE_TEST(a_guest_can_begin_anew),
		DEVICE_TEST(half_an_answer_goes_through_a_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
