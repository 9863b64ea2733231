/* SPDX-License-Identifier: BSD-2-Clause */
/* mem_test.c - what guest addresses reach, and what they never do. */
#include <sys/mman.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/mem.h"

/* RAM [0, 0x4000), ROM [0x4000, 0x6000), RAM [0x100000, 0x102000). */
static struct guest_mem *
made(void)
{
	struct guest_mem *m = NULL;
	struct error err;

	assert_int_equal(guest_mem_new(&m, &err), 0);
	assert_int_equal(guest_mem_add(m, GUEST_RAM, 0x100000, 0x2000, &err),
	                 0);
	assert_int_equal(guest_mem_add(m, GUEST_RAM, 0, 0x4000, &err), 0);
	assert_int_equal(guest_mem_add(m, GUEST_ROM, 0x4000, 0x2000, &err), 0);
	return m;
}

static void
segments_are_sorted_and_apart(void **state)
{
	static const struct {
		uint64_t gpa, size;
		int rc;
	} rows[] = {
		{ 0x6000, 0x1000, 0 },
		{ 0x0, 0x1000, -EEXIST },
		{ 0x3000, 0x1000, -EEXIST },
		{ 0xff000, 0x2000, -EEXIST },
		{ 0x50000, 0x200000, -EEXIST },
		{ 0x101000, 0x1000, -EEXIST },
		{ 0x102000, 0x1000, 0 },
		{ 0x200001, 0x1000, -EINVAL },
		{ 0x200000, 0x1001, -EINVAL },
		{ 0x200000, 0, -EINVAL },
		{ UINT64_MAX - 0xfff, 0x1000, -EINVAL },
		{ UINT64_MAX - 0x1fff, 0x1000, 0 },
	};
	const struct guest_segment *seg;
	struct guest_mem *m = made();
	struct error err;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(guest_mem_add(m, GUEST_RAM, rows[i].gpa,
		                               rows[i].size, &err),
		                 rows[i].rc);
	n = guest_mem_segments(m, &seg);
	assert_int_equal(n, 6);
	for (size_t i = 1; i < n; i++)
		assert_true(seg[i - 1].gpa + seg[i - 1].size <= seg[i].gpa);
	guest_mem_free(m);
}

static void
there_are_only_so_many_segments(void **state)
{
	struct guest_mem *m = NULL;
	struct error err;

	(void)state;
	assert_int_equal(guest_mem_new(&m, &err), 0);
	for (uint64_t i = 0; i < GUEST_MAX_SEGMENTS; i++)
		assert_int_equal(guest_mem_add(m, GUEST_RAM, (100 - i) << 12,
		                               GUEST_PAGE, &err),
		                 0);
	assert_int_equal(guest_mem_add(m, GUEST_RAM, 0, GUEST_PAGE, &err),
	                 -ENOSPC);
	guest_mem_free(m);
}

static void
ranges_lie_in_one_segment_or_nowhere(void **state)
{
	static const struct {
		uint64_t gpa, len;
		int write;
		bool there;
	} rows[] = {
		{ 0, 0x4000, 1, true },      { 0x3fff, 1, 1, true },
		{ 0x3fff, 2, 0, false },     { 0x4000, 0x2000, 0, true },
		{ 0x4000, 1, 1, false },     { 0x6000, 1, 0, false },
		{ 0x6000, 0, 0, false },     { 0x5fff, 0, 0, true },
		{ 0x101fff, 1, 1, true },    { 0x102000, 1, 0, false },
		{ 0, UINT64_MAX, 0, false }, { 0x1000, UINT64_MAX, 0, false },
		{ UINT64_MAX, 1, 0, false }, { UINT64_MAX, 2, 0, false },
		{ 0xfffff, 0x10, 0, false },
	};
	struct guest_mem *m = made();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(guest_mem_at(m, rows[i].gpa, rows[i].len,
		                              rows[i].write) != NULL,
		                 rows[i].there);
	guest_mem_free(m);
}

struct heard {
	unsigned n;
	uint64_t gpa, len;
};

static void
hear(void *ctx, uint64_t gpa, uint64_t len)
{
	struct heard *h = ctx;

	h->n++;
	h->gpa = gpa;
	h->len = len;
}

static void
copies_are_whole_and_heard_of(void **state)
{
	struct guest_mem *m = made();
	struct heard h = { 0 };
	char text[8] = "xxxxxxx";

	(void)state;
	guest_mem_on_written(m, hear, &h);
	assert_int_equal(guest_mem_write(m, 0x10, "guest", 6), 0);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.gpa, 0x10);
	assert_int_equal(h.len, 6);
	assert_int_equal(guest_mem_read(m, 0x10, text, 6), 0);
	assert_string_equal(text, "guest");
	/* Nothing of what does not fit. */
	assert_int_equal(guest_mem_write(m, 0x3ffe, "over", 4), -EFAULT);
	assert_int_equal(guest_mem_read(m, 0x3ffe, text, 2), 0);
	assert_int_equal(text[0] | text[1], 0);
	assert_int_equal(guest_mem_read(m, 0x5ffe, text, 4), -EFAULT);
	/* ROM is written by the host alone. */
	assert_int_equal(guest_mem_write(m, 0x4000, "rom", 4), -EFAULT);
	assert_int_equal(h.n, 1);
	assert_int_equal(guest_mem_load(m, 0x4000, "rom", 4), 0);
	assert_int_equal(guest_mem_read(m, 0x4000, text, 4), 0);
	assert_string_equal(text, "rom");
	assert_int_equal(h.n, 2);
	/* Of nothing nobody hears. */
	guest_mem_written(m, 0, 0);
	assert_int_equal(h.n, 2);
	guest_mem_on_written(m, NULL, NULL);
	guest_mem_written(m, 0, 1);
	assert_int_equal(h.n, 2);
	guest_mem_free(m);
}

static void
flags_are_one_byte_a_page(void **state)
{
	struct guest_mem *m = made();
	const struct guest_segment *seg;
	uint8_t *first;
	struct error err;

	(void)state;
	assert_int_equal(guest_mem_flags(m, &err), 0);
	assert_int_equal(guest_mem_segments(m, &seg), 3);
	first = seg[0].page_flags;
	for (size_t i = 0; i < 3; i++)
		for (uint64_t p = 0; p < seg[i].size / GUEST_PAGE; p++)
			assert_int_equal(seg[i].page_flags[p], 0);
	/* Asked again, they stay. */
	assert_int_equal(guest_mem_flags(m, &err), 0);
	assert_ptr_equal(seg[0].page_flags, first);
	assert_ptr_equal(guest_mem_find(m, 0x4fff), &seg[1]);
	assert_null(guest_mem_find(m, 0x6000));
	assert_int_equal(guest_mem_resident(m), 0);
	assert_int_equal(guest_mem_write(m, 0x101000, "x", 1), 0);
	assert_true(guest_mem_resident(m) >= GUEST_PAGE);
	guest_mem_free(m);
}

static void
cleared_memory_is_zero_wired_or_not(void **state)
{
	struct guest_mem *m = made();
	const struct guest_segment *seg;
	uint8_t got[2];

	(void)state;
	assert_int_equal(guest_mem_segments(m, &seg), 3);
	assert_int_equal(mlock(seg[0].host, seg[0].size), 0);
	assert_int_equal(guest_mem_write(m, 0x1000, "x", 1), 0);
	assert_int_equal(guest_mem_write(m, 0x101000, "x", 1), 0);
	assert_int_equal(guest_mem_load(m, 0x4000, "x", 1), 0);
	guest_mem_clear(m);
	assert_int_equal(guest_mem_read(m, 0x1000, &got[0], 1), 0);
	assert_int_equal(guest_mem_read(m, 0x101000, &got[1], 1), 0);
	assert_int_equal(got[0], 0);
	assert_int_equal(got[1], 0);
	/* ROM stays. */
	assert_int_equal(guest_mem_read(m, 0x4000, &got[0], 1), 0);
	assert_int_equal(got[0], 'x');
	guest_mem_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_sorted_and_apart),
		cmocka_unit_test(there_are_only_so_many_segments),
		cmocka_unit_test(ranges_lie_in_one_segment_or_nowhere),
		cmocka_unit_test(copies_are_whole_and_heard_of),
		cmocka_unit_test(flags_are_one_byte_a_page),
		cmocka_unit_test(cleared_memory_is_zero_wired_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
