/* SPDX-License-Identifier: BSD-2-Clause */
/* disk_test.c - opening raw images and their blocking calls. */
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "disk/disk.h"

static char path[] = "/tmp/disk_test.XXXXXX";

static void
size_to(off_t bytes)
{
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(truncate(path, bytes), 0);
}

static struct disk *
must_open(struct disk_options o)
{
	struct disk *d = NULL;
	struct error err;

	o.path = path;
	assert_int_equal(disk_open(&o, &d, &err), 0);
	return d;
}

static void
sizes_round_down_to_the_sector(void **state)
{
	static const struct {
		off_t file;
		uint32_t sector;
		uint64_t want;
	} rows[] = {
		{ 8192, 0, 8192 },       { 8193, 0, 8192 },
		{ 8191, 0, 8192 - 512 }, { 12288 + 512, 4096, 12288 },
		{ 100, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct disk *d;

		size_to(rows[i].file);
		d = must_open(
		    (struct disk_options){ .sector = rows[i].sector });
		assert_int_equal(disk_info(d)->bytes, rows[i].want);
		disk_close(d);
	}
}

static void
sectors_are_checked(void **state)
{
	static const struct {
		uint32_t sector, physical;
		int want;
		uint32_t got_sector, got_physical;
	} rows[] = {
		{ 0, 0, 0, 512, 4096 },       { 512, 0, 0, 512, 512 },
		{ 512, 4096, 0, 512, 4096 },  { 4096, 4096, 0, 4096, 4096 },
		{ 4096, 512, -EINVAL, 0, 0 }, { 256, 0, -EINVAL, 0, 0 },
		{ 1000, 0, -EINVAL, 0, 0 },   { 1 << 17, 0, -EINVAL, 0, 0 },
	};

	(void)state;
	size_to(1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct disk_options o = { .path = path,
			                        .sector = rows[i].sector,
			                        .physical = rows[i].physical };
		struct disk *d = NULL;
		struct error err;

		assert_int_equal(disk_open(&o, &d, &err), rows[i].want);
		if (rows[i].want < 0)
			continue;
		assert_int_equal(disk_info(d)->sector, rows[i].got_sector);
		assert_int_equal(disk_info(d)->physical, rows[i].got_physical);
		disk_close(d);
	}
}

static void
what_is_no_disk_is_refused(void **state)
{
	static const struct {
		const char *path;
		int want;
	} rows[] = { { "/nonexistent/disk", -ENOENT },
		     { "/dev/null", -EINVAL },
		     { "/tmp", -EINVAL } };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct disk_options o = { .path = rows[i].path,
			                        .readonly = true };
		struct disk *d = NULL;

		assert_int_equal(disk_open(&o, &d, &err), rows[i].want);
		assert_non_null(strstr(err.msg, rows[i].path));
		assert_null(d);
	}
}

/* A program that runs may be written by nobody, root included. */
static void
what_may_not_be_written_is_refused(void **state)
{
	struct disk_options o = { .path = "/proc/self/exe" };
	struct disk *d = NULL;
	struct error err;

	(void)state;
	assert_int_equal(disk_open(&o, &d, &err), -ETXTBSY);
	assert_non_null(strstr(err.msg, "/proc/self/exe"));
	assert_null(d);
	o.readonly = true;
	assert_int_equal(disk_open(&o, &d, &err), 0);
	disk_close(d);
}

static void
read_only_refuses_what_writes(void **state)
{
	char byte[512] = { 0 };
	const struct iovec iov = { byte, sizeof(byte) };
	struct disk *d;

	(void)state;
	size_to(4096);
	d = must_open((struct disk_options){ .readonly = true });
	assert_true(disk_info(d)->readonly);
	assert_false(disk_info(d)->can_discard);
	assert_int_equal(disk_readv(d, &iov, 1, 0), 0);
	assert_int_equal(disk_writev(d, &iov, 1, 0), -EROFS);
	assert_int_equal(disk_discard(d, 0, 512), -EROFS);
	assert_int_equal(disk_zero(d, 0, 512, false), -EROFS);
	assert_int_equal(disk_flush(d), 0);
	disk_close(d);
}

static void
bytes_go_where_they_belong(void **state)
{
	char a[512], b[1024], got[1536];
	const struct iovec out[] = { { a, sizeof(a) }, { b, sizeof(b) } };
	const struct iovec in = { got, sizeof(got) };
	struct disk *d;

	(void)state;
	size_to(1 << 20);
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	d = must_open((struct disk_options){ 0 });
	assert_int_equal(disk_writev(d, out, 2, 4096), 0);
	assert_int_equal(disk_flush(d), 0);
	assert_int_equal(disk_readv(d, &in, 1, 4096), 0);
	assert_memory_equal(got, a, 512);
	assert_memory_equal(got + 512, b, 1024);
	assert_int_equal(disk_zero(d, 4096, 512, true), 0);
	assert_int_equal(disk_zero(d, 4608, 512, false), 0);
	assert_int_equal(disk_readv(d, &in, 1, 4096), 0);
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(got[i], 0);
	assert_int_equal(got[1024], 'b');
	assert_int_equal(disk_discard(d, 0, 1 << 20), 0);
	disk_close(d);
}

static void
a_discard_frees_room(void **state)
{
	static char data[1 << 20];
	const struct iovec iov = { data, sizeof(data) };
	struct stat st;
	struct disk *d;

	(void)state;
	for (unsigned off = 0; off < 2; off++) {
		size_to(1 << 20);
		memset(data, 'x', sizeof(data));
		d = must_open((struct disk_options){ .no_discard = off == 1 });
		if (off == 0 && !disk_info(d)->can_discard) {
			disk_close(d);
			skip(); /* no holes in this file system */
		}
		assert_int_equal(disk_writev(d, &iov, 1, 0), 0);
		assert_int_equal(disk_discard(d, 0, 1 << 20), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_blocks > 1024, off == 1);
		assert_int_equal(st.st_size, 1 << 20);
		disk_close(d);
	}
}

static void
a_file_that_shrank_is_an_error(void **state)
{
	char got[4096];
	const struct iovec iov = { got, sizeof(got) };
	struct disk *d;

	(void)state;
	size_to(8192);
	d = must_open((struct disk_options){ 0 });
	assert_int_equal(truncate(path, 6000), 0);
	assert_int_equal(disk_readv(d, &iov, 1, 0), 0);
	assert_int_equal(disk_readv(d, &iov, 1, 4096), -EIO);
	disk_close(d);
}

static int
make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_round_down_to_the_sector),
		cmocka_unit_test(sectors_are_checked),
		cmocka_unit_test(what_is_no_disk_is_refused),
		cmocka_unit_test(what_may_not_be_written_is_refused),
		cmocka_unit_test(read_only_refuses_what_writes),
		cmocka_unit_test(bytes_go_where_they_belong),
		cmocka_unit_test(a_discard_frees_room),
		cmocka_unit_test(a_file_that_shrank_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
