/* SPDX-License-Identifier: BSD-2-Clause */
/* flash_test.c - the flash as EDK II drives it, and what the file then holds.
 */
#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/device_test.h"
#include "dev/flash.h"

enum { BYTES = 3 * FLASH_BLOCK, END = 0xffc84000u, BASE = END - BYTES };

static FILE *file; /* another descriptor of the same file */

static int
put_device(struct error *err)
{
	uint8_t bytes[BYTES];
	uint64_t base = 0;

	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i % 251);
	file = tmpfile();
	assert_non_null(file);
	assert_int_equal(pwrite(fileno(file), bytes, BYTES, 0), BYTES);
	if (flash_new(f.vm, dup(fileno(file)), END, &base, err) < 0)
		return err->code;
	assert_int_equal(base, BASE);
	return 0;
}

static int
teardown(void **state)
{
	remove_vm(state);
	fclose(file);
	return 0;
}

static uint8_t
in_file(size_t at)
{
	uint8_t b = 0;

	assert_int_equal(pread(fileno(file), &b, 1, (off_t)at), 1);
	return b;
}

static uint8_t
peek(size_t at)
{
	return (uint8_t)fake_read(&f, BASE + at, 1);
}

static void
poke(size_t at, uint8_t v)
{
	fake_write(&f, BASE + at, 1, v);
}

static void
firmware_takes_it_for_a_flash(void **state)
{
	uint8_t was = peek(5);

	(void)state;
	poke(5, 0x50);
	assert_int_equal(peek(5), was);
	poke(5, 0x70);
	assert_int_equal(peek(5), 0);
	poke(5, 0xff);
	assert_int_equal(peek(5), was);
	assert_int_equal(fake_read(&f, BASE + 8, 8), 0x0f0e0d0c0b0a0908);
}

static void
a_byte_is_programmed(void **state)
{
	(void)state;
	poke(7, 0x10);
	poke(7, 0xa5);
	assert_int_equal(peek(7), 0x80);
	poke(7, 0xff);
	assert_int_equal(peek(7), 0xa5);
	assert_int_equal(in_file(7), 0xa5);
	assert_int_equal(peek(8), 8);
	/* As bhyve's firmware does: a wide one, without an erase before. */
	fake_write(&f, BASE + 16, 1, 0x40);
	fake_write(&f, BASE + 16, 4, 0x44332211);
	poke(0, 0xff);
	assert_int_equal(fake_read(&f, BASE + 16, 4), 0x44332211);
	assert_int_equal(in_file(19), 0x44);
}

static void
a_block_is_erased(void **state)
{
	(void)state;
	poke(FLASH_BLOCK + 9, 0x20);
	poke(FLASH_BLOCK + 9, 0xd0);
	poke(0, 0xff);
	assert_int_equal(peek(FLASH_BLOCK - 1), (FLASH_BLOCK - 1) % 251);
	assert_int_equal(peek(FLASH_BLOCK), 0xff);
	assert_int_equal(in_file(2 * FLASH_BLOCK - 1), 0xff);
	assert_int_equal(in_file(2 * FLASH_BLOCK), 2 * FLASH_BLOCK % 251);
}

static void
commands_that_are_none_harm_nothing(void **state)
{
	(void)state;
	poke(0, 0x20);
	poke(0, 0x11); /* no confirmation */
	assert_int_equal(peek(0), 0xb0);
	poke(0, 0x50);
	poke(0, 0x60);
	poke(0, 0xd0);
	assert_int_equal(peek(0), 0x80);
	poke(0, 0x33);
	assert_int_equal(peek(1), 1);
	poke(0, 0x90);
	assert_int_equal(peek(0), 0x89);
	poke(0, 0x98);
	assert_int_equal(fake_read(&f, BASE + 0x10, 4), 0x01595251);
	assert_int_equal(fake_read(&f, BASE + 0x2d, 4), 0x00100002);
	poke(0, 0xff);
	for (size_t i = 0; i < BYTES; i++)
		assert_int_equal(in_file(i), i % 251);
}

static void
a_full_disk_is_a_failed_program(void **state)
{
	uint64_t base = 0;
	struct error err;
	char path[] = "/tmp/gaol-flash-XXXXXX";
	int fd = mkstemp(path), ro;

	(void)state;
	assert_int_equal(ftruncate(fd, BYTES), 0);
	ro = open(path, O_RDONLY);
	unlink(path);
	/* Whatever the reason is that nothing can be written. */
	assert_int_equal(flash_new(f.vm, ro, BASE, &base, &err), 0);
	fake_write(&f, base, 1, 0x10);
	fake_write(&f, base, 1, 1);
	assert_int_equal(fake_read(&f, base, 1), 0x90);
	fake_write(&f, base, 1, 0xff);
	assert_int_equal(fake_read(&f, base, 1), 0);
	close(fd);
}

static void
files_that_are_none_are_refused(void **state)
{
	FILE *odd = tmpfile();
	uint64_t base = 0;
	struct error err;
	int other;

	(void)state;
	assert_int_equal(ftruncate(fileno(odd), FLASH_BLOCK + 1), 0);
	assert_int_equal(flash_new(f.vm, fileno(odd), BASE, &base, &err),
	                 -EINVAL);
	assert_string_equal(err.msg, "variables of 4097 bytes: want a multiple "
	                             "of 4096, at most 8388608");
	assert_int_equal(ftruncate(fileno(odd), 0), 0);
	assert_int_equal(flash_new(f.vm, fileno(odd), BASE, &base, &err),
	                 -EINVAL);
	assert_int_equal(ftruncate(fileno(odd), FLASH_BLOCK), 0);
	other = open("/proc/self/fd", O_RDONLY);
	assert_int_equal(flash_new(f.vm, other, BASE, &base, &err), -EINVAL);
	close(other);
	fclose(odd);
}

static void
two_machines_cannot_share_one(void **state)
{
	char name[64];
	uint64_t base = 0;
	struct error err;
	int again;

	(void)state;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(file));
	again = open(name, O_RDWR);
	assert_true(again >= 0);
	assert_int_equal(flash_new(f.vm, again, BASE, &base, &err),
	                 -EWOULDBLOCK);
	close(again);
}

static void
variables_come_back_with_a_checkpoint(void **state)
{
	(void)state;
	poke(7, 0x10);
	poke(7, 0xa5);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_int_equal(peek(7), 0x80);
	poke(7, 0xff);
	assert_int_equal(peek(7), 0xa5);
	fake_vm_pass(&f, 2000000000);
	assert_int_equal(in_file(7), 0xa5);
}

#define FLASH_TEST(t) DEVICE_TEST_AND(t, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FLASH_TEST(firmware_takes_it_for_a_flash),
		FLASH_TEST(a_byte_is_programmed),
		FLASH_TEST(a_block_is_erased),
		FLASH_TEST(commands_that_are_none_harm_nothing),
		FLASH_TEST(a_full_disk_is_a_failed_program),
		FLASH_TEST(files_that_are_none_are_refused),
		FLASH_TEST(two_machines_cannot_share_one),
		FLASH_TEST(variables_come_back_with_a_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
