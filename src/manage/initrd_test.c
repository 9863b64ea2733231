/* SPDX-License-Identifier: BSD-2-Clause */
/* initrd_test.c - which modules are packed, in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "manage/initrd.h"

static const char dep[] =
    "kernel/fs/jbd2/jbd2.ko:\n"
    "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko "
    "kernel/fs/jbd2/jbd2.ko\n"
    "kernel/fs/ext4/ext4-more.ko.xz: kernel/fs/ext4/ext4.ko "
    "kernel/fs/jbd2/jbd2.ko\n"
    "kernel/lib/crc16.ko:";

static void
what_is_needed_comes_first(void **state)
{
	cleanup_strv struct strv out = STRV_INIT;
	cleanup_buf struct buf text = BUF_INIT;

	(void)state;
	assert_int_equal(initrd_modules(dep, "ext4", &out), 0);
	strv_join(&out, " ", &text);
	assert_string_equal(buf_str(&text),
	                    "kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko "
	                    "kernel/lib/crc16.ko kernel/fs/ext4/ext4.ko");
}

static void
a_module_is_packed_once_and_found_by_either_dash(void **state)
{
	cleanup_strv struct strv out = STRV_INIT;
	cleanup_buf struct buf text = BUF_INIT;

	(void)state;
	assert_int_equal(initrd_modules(dep, "jbd2", &out), 0);
	assert_int_equal(initrd_modules(dep, "ext4_more", &out), 0);
	assert_int_equal(initrd_modules(dep, "crc16", &out), 0);
	strv_join(&out, " ", &text);
	assert_string_equal(buf_str(&text),
	                    "kernel/fs/jbd2/jbd2.ko kernel/fs/ext4/ext4.ko "
	                    "kernel/fs/ext4/ext4-more.ko.xz "
	                    "kernel/lib/crc16.ko");
}

static void
what_the_kernel_has_inside_needs_none(void **state)
{
	static const char *const rows[] = { "ext", "ext4x", "xt4", "virtio_pci",
		                            "" };
	cleanup_strv struct strv out = STRV_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(initrd_modules(dep, rows[i], &out), 0);
	assert_int_equal(initrd_modules("", "ext4", &out), 0);
	assert_int_equal(out.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_needed_comes_first),
		cmocka_unit_test(
		    a_module_is_packed_once_and_found_by_either_dash),
		cmocka_unit_test(what_the_kernel_has_inside_needs_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
