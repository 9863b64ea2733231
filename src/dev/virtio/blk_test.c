/* SPDX-License-Identifier: BSD-2-Clause */
/* blk_test.c - virtio-blk as a driver sees it, over a real file: both faces of
 * the card, both ways of host I/O, and requests that are wrong.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/virtio/blk.h"
#include "dev/virtio/card_fake.h"
#include "dev/virtio/virtio.h"
#include "vmm/mem.h"
#include "vmm/pci.h"

enum { HEADER = 0x100000, STATUS = 0x100100, DATA = 0x110000, BYTES = 1 << 20 };

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZEROES = 13 };

static char path[] = "/tmp/blk_test.XXXXXX";
static char path_line[64];

static const char *const ways[] = { "aio=threads", "aio=auto" };

struct header {
	uint32_t type, prio;
	uint64_t sector;
};

static bool
make(struct card *c, const char *a, const char *b)
{
	const char *const lines[] = { path_line, a, b, NULL };
	struct error err;

	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(truncate(path, BYTES), 0);
	return card_make(c, &virtio_blk, lines, &err) == 0;
}

/* One request with len bytes of data at DATA; its status, or -1. */
static int
request(struct card *c, uint32_t type, uint64_t sector, uint32_t len)
{
	const struct header h = { type, 0, sector };
	const uint16_t flags = type == IN || type == GET_ID ? FAKE_WRITE : 0;
	const struct fake_part parts[] = { { HEADER, sizeof(h), 0 },
		                           { DATA, len, flags },
		                           { STATUS, 1, FAKE_WRITE } };
	const struct fake_part bare[] = { parts[0], parts[2] };
	uint8_t status = 0xee;

	fake_put(c->f.vm->mem, HEADER, &h, sizeof(h));
	fake_put(c->f.vm->mem, STATUS, &status, 1);
	if ((len != 0 ? card_do(c, 0, parts, 3) : card_do(c, 0, bare, 2)) < 0)
		return -1;
	fake_get(c->f.vm->mem, STATUS, &status, 1);
	return status;
}

static void
fill(struct card *c, int byte, uint32_t len)
{
	memset(guest_mem_at(c->f.vm->mem, DATA, len, 1), byte, len);
}

static void
expect_data(struct card *c, int byte, uint32_t len)
{
	const uint8_t *p = guest_mem_at(c->f.vm->mem, DATA, len, 0);

	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(p[i], byte);
}

static void
sectors_are_written_and_read(void **state)
{
	(void)state;
	for (unsigned way = 0; way < ARRAY_LEN(ways) * 2; way++) {
		struct card c;

		assert_true(make(&c, ways[way / 2], NULL));
		c.legacy = way % 2 == 1;
		assert_int_equal(card_up(&c, UINT64_MAX, 1, 0) & 0x44, 4);
		assert_int_equal(card_config(&c, 0, 4), BYTES / 512);
		fill(&c, 'x', 4096);
		assert_int_equal(request(&c, OUT, 8, 4096), 0);
		fill(&c, 'y', 512);
		assert_int_equal(request(&c, OUT, 9, 512), 0);
		assert_int_equal(request(&c, FLUSH, 0, 0), 0);
		fill(&c, 0, 4096);
		assert_int_equal(request(&c, IN, 8, 512), 0);
		expect_data(&c, 'x', 512);
		assert_int_equal(request(&c, IN, 9, 512), 0);
		expect_data(&c, 'y', 512);
		assert_int_equal(request(&c, IN, 16, 512), 0);
		expect_data(&c, 0, 512);
		card_free(&c);
	}
}

static void
wrong_requests_get_a_status(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t len;
		int want;
	} rows[] = {
		{ IN, BYTES / 512, 512, 1 },
		{ IN, BYTES / 512 - 1, 1024, 1 },
		{ IN, UINT64_MAX, 512, 1 },
		{ IN, UINT64_MAX / 512 + 1, 512, 1 },
		{ OUT, BYTES / 512, 512, 1 },
		{ IN, 0, 513, 1 },
		{ OUT, 0, 100, 1 },
		{ IN, 0, 0, 1 },
		{ 99, 0, 512, 2 },
		{ DISCARD, 0, 24, 1 },
		{ DISCARD, 0, 0, 1 },
		{ ZEROES, 0, 8, 1 },
	};
	struct card c;

	(void)state;
	assert_true(make(&c, ways[0], NULL));
	(void)card_up(&c, UINT64_MAX, 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fill(&c, 0, 1024);
		assert_int_equal(
		    request(&c, rows[i].type, rows[i].sector, rows[i].len),
		    rows[i].want);
	}
	assert_int_equal(card_status(&c), 0x0f);
	card_free(&c);
}

static void
ranges_are_zeroed_and_discarded(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t num, flags;
		int want;
	} rows[] = {
		{ ZEROES, 8, 4, 0, 0 },
		{ ZEROES, 8, 4, 1, 0 },
		{ ZEROES, 8, 4, 2, 2 },        /* unknown flag */
		{ ZEROES, 8, 1u << 20, 0, 1 }, /* over the limit */
		{ ZEROES, 8, 0, 0, 1 },
		{ ZEROES, 2048, 1, 0, 1 }, /* beyond the disk */
		{ ZEROES, UINT64_MAX, 1, 0, 1 },
		{ DISCARD, 8, 4, 0, 0 },
		{ DISCARD, 8, 4, 1, 2 },
	};

	(void)state;
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		struct card c;

		assert_true(make(&c, ways[way], NULL));
		(void)card_up(&c, UINT64_MAX, 1, 0);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct {
				uint64_t sector;
				uint32_t num, flags;
			} range = { rows[i].sector, rows[i].num,
				    rows[i].flags };

			if (rows[i].type == DISCARD &&
			    (card_offered(&c) >> 13 & 1) == 0)
				continue; /* no holes here */
			fill(&c, 'x', 4096);
			assert_int_equal(request(&c, OUT, 8, 4096), 0);
			fake_put(c.f.vm->mem, DATA, &range, sizeof(range));
			assert_int_equal(
			    request(&c, rows[i].type, 0, sizeof(range)),
			    rows[i].want);
			assert_int_equal(request(&c, IN, 8, 2048), 0);
			expect_data(&c, rows[i].want == 0 ? 0 : 'x', 2048);
			assert_int_equal(request(&c, IN, 12, 2048), 0);
			expect_data(&c, 'x', 2048);
		}
		card_free(&c);
	}
}

static void
the_identity_is_bhyves(void **state)
{
	char got[21];
	struct card c;

	(void)state;
	assert_true(make(&c, ways[0], NULL));
	(void)card_up(&c, UINT64_MAX, 1, 0);
	memset(got, 0, sizeof(got));
	assert_int_equal(request(&c, GET_ID, 0, 20), 0);
	fake_get(c.f.vm->mem, DATA, got, 20);
	assert_memory_equal(got, "BHYVE-", 6);
	assert_int_equal(strlen(got), 20);
	card_free(&c);

	assert_true(make(&c, ways[0], "ser=serial no. 1"));
	(void)card_up(&c, UINT64_MAX, 1, 0);
	memset(got, 0, sizeof(got));
	assert_int_equal(request(&c, GET_ID, 0, 20), 0);
	fake_get(c.f.vm->mem, DATA, got, 20);
	assert_string_equal(got, "serial no. 1");
	card_free(&c);

	assert_false(make(&c, ways[0], "ser=longer than twenty bytes"));
}

static void
parts_may_be_cut_anywhere(void **state)
{
	const struct header in = { IN, 0, 8 }, out = { OUT, 0, 8 };
	uint8_t status;
	struct card c;

	(void)state;
	assert_true(make(&c, ways[1], NULL));
	(void)card_up(&c, UINT64_MAX, 1, 0);
	for (unsigned cut = 1; cut < 16; cut += 3) {
		/* Header in two, with the data behind it; status behind the
		 * data of a read. */
		const struct fake_part write[] = { { DATA - 16, cut, 0 },
			                           { DATA - 16 + cut,
			                             16 - cut + 512, 0 },
			                           { STATUS, 1, FAKE_WRITE } };
		const struct fake_part read[] = { { HEADER, cut, 0 },
			                          { HEADER + cut, 16 - cut, 0 },
			                          { DATA, cut, FAKE_WRITE },
			                          { DATA + cut, 512 - cut + 1,
			                            FAKE_WRITE } };

		fill(&c, (int)cut, 600);
		fake_put(c.f.vm->mem, DATA - 16, &out, 16);
		assert_int_equal(card_do(&c, 0, write, 3), 1);
		fake_get(c.f.vm->mem, STATUS, &status, 1);
		assert_int_equal(status, 0);
		fill(&c, 0xee, 600);
		fake_put(c.f.vm->mem, HEADER, &in, 16);
		assert_int_equal(card_do(&c, 0, read, 4), 513);
		expect_data(&c, (int)cut, 512);
		fake_get(c.f.vm->mem, DATA + 512, &status, 1);
		assert_int_equal(status, 0);
		fake_get(c.f.vm->mem, DATA + 513, &status, 1);
		assert_int_equal(status, 0xee);
	}
	card_free(&c);
}

static void
no_room_for_a_status_breaks_the_device(void **state)
{
	const struct fake_part rows[][1] = { { { HEADER, 16, 0 } },
		                             { { HEADER, 8, FAKE_WRITE } } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct card c;

		assert_true(make(&c, ways[0], NULL));
		(void)card_up(&c, UINT64_MAX, 1, 0);
		fake_buffer(&c.q[0], rows[i], 1);
		card_notify(&c, 0);
		for (unsigned k = 0; k < 1000 && card_status(&c) == 0x0f; k++)
			usleep(1000);
		assert_int_equal(card_status(&c), 0x4f);
		(void)card_up(&c, UINT64_MAX, 1, 0);
		assert_int_equal(request(&c, IN, 0, 512), 0);
		card_free(&c);
	}
}

static void
read_only_is_told_and_kept(void **state)
{
	struct card c;

	(void)state;
	assert_true(make(&c, ways[1], "ro=true"));
	assert_int_equal(card_offered(&c) >> 5 & 1, 1);
	assert_int_equal(card_offered(&c) >> 13 & 3, 0);
	(void)card_up(&c, UINT64_MAX, 1, 0);
	assert_int_equal(request(&c, OUT, 0, 512), 1);
	assert_int_equal(request(&c, ZEROES, 0, 16), 1);
	assert_int_equal(request(&c, IN, 0, 512), 0);
	assert_int_equal(request(&c, FLUSH, 0, 0), 0);
	card_free(&c);
}

/* A disk that shrank under us, and one that is full. */
static void
the_hosts_errors_are_the_guests(void **state)
{
	static const char *const full[] = { "path=/dev/full", NULL };
	struct error err;

	(void)state;
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		struct card c;

		assert_true(make(&c, ways[way], NULL));
		(void)card_up(&c, UINT64_MAX, 1, 0);
		assert_int_equal(truncate(path, 4096), 0);
		assert_int_equal(request(&c, IN, 7, 512), 0);
		assert_int_equal(request(&c, IN, 7, 1024), 1);
		assert_int_equal(request(&c, IN, 8, 512), 1);
		assert_int_equal(card_status(&c), 0x0f);
		card_free(&c);
	}
	{
		struct card c;

		assert_true(card_make(&c, &virtio_blk, full, &err) < 0);
		assert_non_null(strstr(err.msg, "/dev/full"));
	}
}

static void
keys_are_checked(void **state)
{
	static const char *const bad[] = {
		"sectorsize=1000",     "sectorsize=x", "sectorsize=512/",
		"sectorsize=4096/512", "ro=maybe",     "queues=0",
		"queues=17",           "aio=sync"
	};
	struct card c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(make(&c, bad[i], NULL));
	assert_true(make(&c, "sectorsize=512/4096", "queues=4"));
	assert_int_equal(card_config(&c, 20, 4), 512);
	assert_int_equal(card_config(&c, 24, 1), 3);
	assert_int_equal(card_config(&c, 34, 2), 4);
	assert_int_equal(card_common(&c, 0x12, 2), 4);
	card_free(&c);
}

static void
a_reset_under_load_loses_nothing(void **state)
{
	const struct header h = { OUT, 0, 8 };
	const struct fake_part parts[] = { { HEADER, 16, 0 },
		                           { DATA, 4096, 0 },
		                           { STATUS, 1, FAKE_WRITE } };

	(void)state;
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		struct card c;
		uint32_t id, len;

		assert_true(make(&c, ways[way], "sync=true"));
		for (unsigned round = 0; round < 20; round++) {
			(void)card_up(&c, UINT64_MAX, 1, 0);
			fake_put(c.f.vm->mem, HEADER, &h, sizeof(h));
			for (unsigned i = 0; i < 32; i++)
				fake_buffer(&c.q[0], parts, 3);
			card_notify(&c, 0);
			if (round % 2 == 0) {
				for (unsigned i = 0; i < 32; i++)
					assert_true(
					    card_wait(&c, 0, &id, &len));
				continue;
			}
			card_reset(&c);
			assert_int_equal(card_status(&c), 0);
		}
		card_free(&c);
	}
}

/* What a paused disk was given it has done; the rest waits, over a save. */
static void
state_survives_under_load(void **state)
{
	const struct header h = { OUT, 0, 8 };
	const struct fake_part parts[] = { { HEADER, 16, 0 },
		                           { DATA, 4096, 0 },
		                           { STATUS, 1, FAKE_WRITE } };
	uint32_t id, len;

	(void)state;
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		struct card c;

		assert_true(make(&c, ways[way], NULL));
		(void)card_up(&c, UINT64_MAX, 1, 0);
		fake_put(c.f.vm->mem, HEADER, &h, sizeof(h));
		for (unsigned round = 0; round < 50; round++) {
			for (unsigned i = 0; i < 16; i++)
				fake_buffer(&c.q[0], parts, 3);
			card_notify(&c, 0);
			vm_pause(c.f.vm);
			assert_int_equal(fake_vm_roundtrip(&c.f, NULL), 0);
			vm_resume(c.f.vm);
			for (unsigned i = 0; i < 16; i++)
				assert_true(card_wait(&c, 0, &id, &len));
			assert_false(fake_used(&c.q[0], &id, &len));
		}
		card_free(&c);
	}
}

static int
make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd >= 0)
		close(fd);
	snprintf(path_line, sizeof(path_line), "path=%s", path);
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
		cmocka_unit_test(sectors_are_written_and_read),
		cmocka_unit_test(wrong_requests_get_a_status),
		cmocka_unit_test(ranges_are_zeroed_and_discarded),
		cmocka_unit_test(the_identity_is_bhyves),
		cmocka_unit_test(parts_may_be_cut_anywhere),
		cmocka_unit_test(no_room_for_a_status_breaks_the_device),
		cmocka_unit_test(read_only_is_told_and_kept),
		cmocka_unit_test(the_hosts_errors_are_the_guests),
		cmocka_unit_test(keys_are_checked),
		cmocka_unit_test(a_reset_under_load_loses_nothing),
		cmocka_unit_test(state_survives_under_load),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
