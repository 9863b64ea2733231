/* SPDX-License-Identifier: BSD-2-Clause */
/* rnd_test.c - virtio-rnd through both faces of its PCI card. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/virtio/card_fake.h"
#include "dev/virtio/rnd.h"
#include "vmm/mem.h"
#include "vmm/pci.h"

enum { DATA = 0x100000 };

static void
buffers_come_back_random(void **state)
{
	const struct fake_part parts[] = { { DATA, 32, FAKE_WRITE },
		                           { DATA + 64, 32, FAKE_WRITE } };
	uint8_t got[2][96];
	struct error err;
	struct card c;

	(void)state;
	assert_int_equal(card_make(&c, &virtio_rnd, NULL, &err), 0);
	for (unsigned i = 0; i < 2; i++) {
		c.legacy = i == 1;
		assert_int_equal(card_up(&c, UINT64_MAX, 1, 0) & 0x44, 4);
		assert_int_equal(card_do(&c, 0, parts, 2), 64);
		fake_get(c.f.vm->mem, DATA, got[i], sizeof(got[i]));
		for (unsigned k = 32; k < 64; k++)
			assert_int_equal(got[i][k], 0);
	}
	assert_memory_not_equal(got[0], got[1], 32);
	assert_memory_not_equal(got[0] + 64, got[1] + 64, 32);
	card_free(&c);
}

static void
a_huge_buffer_is_filled_in_part(void **state)
{
	const struct fake_part part = { DATA, 0x80000, FAKE_WRITE };
	struct error err;
	struct card c;

	(void)state;
	assert_int_equal(card_make(&c, &virtio_rnd, NULL, &err), 0);
	(void)card_up(&c, UINT64_MAX, 1, 0);
	assert_int_equal(card_do(&c, 0, &part, 1), 64 << 10);
	card_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_come_back_random),
		cmocka_unit_test(a_huge_buffer_is_filled_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
