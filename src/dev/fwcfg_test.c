/* SPDX-License-Identifier: BSD-2-Clause */
/* fwcfg_test.c - items and files are read byte by byte and by DMA, and what is
 * not there is zeros.
 */
#include <errno.h>
#include <string.h>

#include "dev/device_test.h"
#include "dev/fwcfg.h"

enum {
	COMMAND = 0x1000,
	TARGET = 0x2000,
	ERROR = 1,
	READ = 2,
	SKIP = 4,
	SELECT = 8,
	WRITE = 16
};

static struct fwcfg *fw;

static int
put_device(struct error *err)
{
	if (fwcfg_new(f.vm, &fw, err) < 0 ||
	    fwcfg_file(fw, "opt/b", "second", 7, err) < 0 ||
	    fwcfg_item(fw, FWCFG_NB_CPUS, "\2\0", 2, err) < 0 ||
	    fwcfg_file(fw, "opt/a", "first", 6, err) < 0)
		return err->code;
	return fwcfg_file(fw, "opt/empty", NULL, 0, err);
}

static void
pick(unsigned key)
{
	fake_out(&f, FWCFG_PORT, 2, key);
}

static void
assert_next(const char *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fake_in(&f, FWCFG_PORT + 1, 1),
		                 (uint8_t)want[i]);
}

static void
the_signature_and_the_directory_are_there(void **state)
{
	(void)state;
	pick(FWCFG_SIGNATURE);
	assert_next("QEMU\0\0", 6);
	pick(FWCFG_ID);
	assert_next("\3\0\0\0", 4);
	assert_int_equal(fake_in(&f, FWCFG_PORT + 4, 4), 0x554d4551);
	assert_int_equal(fake_in(&f, FWCFG_PORT + 8, 4), 0x47464320);
	pick(FWCFG_DIRECTORY);
	assert_next("\0\0\0\3"
	            "\0\0\0\6\0\x20\0\0opt/a\0",
	            18);
}

static void
files_are_in_the_order_of_their_names(void **state)
{
	(void)state;
	pick(FWCFG_FIRST_FILE);
	assert_next("first\0\0\0", 8);
	pick(FWCFG_FIRST_FILE + 1);
	assert_next("second\0\0", 8);
	pick(FWCFG_FIRST_FILE + 2);
	assert_next("\0\0", 2);
	pick(FWCFG_NB_CPUS);
	assert_next("\2\0", 2);
	pick(0x3fff);
	assert_next("\0\0", 2);
}

static uint32_t
swap(uint32_t v)
{
	return __builtin_bswap32(v);
}

/* Runs a command; its control afterwards. */
static uint32_t
dma(uint32_t control, uint32_t len, uint64_t to)
{
	uint32_t c[4] = { swap(control), swap(len), swap((uint32_t)(to >> 32)),
		          swap((uint32_t)to) };

	assert_int_equal(guest_mem_write(f.vm->mem, COMMAND, c, sizeof(c)), 0);
	fake_out(&f, FWCFG_PORT + 4, 4, 0);
	fake_out(&f, FWCFG_PORT + 8, 4, swap(COMMAND));
	assert_int_equal(guest_mem_read(f.vm->mem, COMMAND, c, sizeof(c)), 0);
	return swap(c[0]);
}

static void
dma_selects_skips_and_reads(void **state)
{
	char got[12];

	(void)state;
	memset(guest_mem_at(f.vm->mem, TARGET, 16, 1), 'x', 16);
	assert_int_equal(
	    dma((FWCFG_FIRST_FILE + 1) << 16 | SELECT | SKIP, 2, 0), 0);
	assert_int_equal(dma(READ, 8, TARGET), 0);
	assert_int_equal(guest_mem_read(f.vm->mem, TARGET, got, 10), 0);
	assert_memory_equal(got, "cond\0\0\0\0xx", 10);
	/* Everything read: zeros from here on. */
	assert_int_equal(dma(READ, 4, TARGET), 0);
	assert_int_equal(guest_mem_read(f.vm->mem, TARGET, got, 4), 0);
	assert_memory_equal(got, "\0\0\0\0", 4);
	assert_next("\0", 1);
}

static void
dma_that_cannot_be_done_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(dma(READ, 8, 0x40000000), ERROR);
	assert_int_equal(dma(READ, 8, UINT64_MAX - 3), ERROR);
	assert_int_equal(dma(READ, FWCFG_MAX_TRANSFER + 1, TARGET), ERROR);
	assert_int_equal(
	    dma((uint32_t)FWCFG_FIRST_FILE << 16 | SELECT | WRITE, 4, TARGET),
	    ERROR);
	/* A command that is nowhere. */
	fake_out(&f, FWCFG_PORT + 4, 4, 0xffffffff);
	fake_out(&f, FWCFG_PORT + 8, 4, 0xffffffff);
}

static void
other_sizes_are_nobodys(void **state)
{
	(void)state;
	pick(FWCFG_SIGNATURE);
	fake_out(&f, FWCFG_PORT, 1, 5);
	fake_out(&f, FWCFG_PORT, 4, 5);
	assert_int_equal(fake_in(&f, FWCFG_PORT, 2), 0xffff);
	assert_int_equal(fake_in(&f, FWCFG_PORT + 1, 2), 0xffff);
	assert_next("QEMU", 4);
}

static void
names_and_numbers_are_checked(void **state)
{
	static const char long_name[] = "opt/"
	                                "0123456789012345678901234567890123456"
	                                "789012345678901";
	struct error err;

	(void)state;
	assert_int_equal(strlen(long_name), FWCFG_NAME);
	assert_int_equal(fwcfg_file(fw, "", "x", 1, &err), -EINVAL);
	assert_int_equal(fwcfg_file(fw, long_name, "x", 1, &err), -EINVAL);
	assert_int_equal(fwcfg_file(fw, long_name + 1, "x", 1, &err), 0);
	assert_int_equal(fwcfg_file(fw, "opt/a", "x", 1, &err), -EEXIST);
	assert_int_equal(fwcfg_item(fw, FWCFG_ID, "x", 1, &err), -EEXIST);
	for (unsigned i = 0; i < FWCFG_MAX_ITEMS - 8; i++)
		assert_int_equal(fwcfg_item(fw, 0x8100 + i, "x", 1, &err), 0);
	assert_int_equal(fwcfg_item(fw, 0x9000, "x", 1, &err), -ENOSPC);
}

static void
where_the_guest_reads_goes_through_a_checkpoint(void **state)
{
	(void)state;
	pick(FWCFG_FIRST_FILE);
	assert_next("fi", 2);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_next("rst", 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(the_signature_and_the_directory_are_there),
		DEVICE_TEST(files_are_in_the_order_of_their_names),
		DEVICE_TEST(dma_selects_skips_and_reads),
		DEVICE_TEST(dma_that_cannot_be_done_is_an_error),
		DEVICE_TEST(other_sizes_are_nobodys),
		DEVICE_TEST(names_and_numbers_are_checked),
		DEVICE_TEST(where_the_guest_reads_goes_through_a_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
