/* SPDX-License-Identifier: BSD-2-Clause */
/* aio_test.c - queues of disk requests, the same by io_uring and by threads,
 * against a plain array.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "disk/aio.h"
#include "disk/disk.h"

enum { BYTES = 1 << 20, DEPTH = 32, SLOT = BYTES / DEPTH };

static char path[] = "/tmp/aio_test.XXXXXX";

static const enum disk_aio_kind kinds[] = { DISK_AIO_URING, DISK_AIO_THREADS };

struct job {
	struct disk_req req; /* first */
	struct iovec iov[2];
	uint8_t *buf;
	unsigned ended;
	int result;
};

struct rig {
	struct disk *d;
	struct disk_aio *a;
	struct job job[DEPTH];
	uint8_t *room;
	uint8_t want[BYTES];
};

static struct rig r;

static void
ended(struct disk_req *req, int result)
{
	struct job *j = (struct job *)req;

	j->ended++;
	j->result = result;
}

/* Each job has its own slot of the disk, so that their order is free. */
static bool
up(enum disk_aio_kind kind, struct disk_options o)
{
	struct error err;
	int rc;

	memset(&r, 0, sizeof(r));
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(truncate(path, BYTES), 0);
	o.path = path;
	rc = disk_open(&o, &r.d, &err);
	if (rc < 0 && o.direct)
		return false;
	assert_int_equal(rc, 0);
	rc = disk_aio_new(r.d, DEPTH, kind, &r.a, &err);
	if (rc < 0 && kind == DISK_AIO_URING) {
		disk_close(r.d);
		return false; /* a host without it */
	}
	assert_int_equal(rc, 0);
	assert_int_equal(posix_memalign((void **)&r.room, 4096, BYTES + 4096),
	                 0);
	return true;
}

static void
down(void)
{
	disk_aio_free(r.a);
	disk_close(r.d);
	free(r.room);
}

static struct job *
job(unsigned i, enum disk_op op, unsigned off, unsigned len, unsigned misalign)
{
	struct job *j = &r.job[i];

	j->buf = r.room + (size_t)SLOT * i + misalign;
	j->iov[0] = (struct iovec){ j->buf, 512 };
	j->iov[1] = (struct iovec){ j->buf + 512, len - 512 };
	j->req = (struct disk_req){
		.op = op,
		.unmap = (i & 1) != 0,
		.off = (uint64_t)SLOT * i + off,
		.len = len,
		.iov = j->iov,
		.niov = len > 512 ? 2 : 1,
		.done = ended,
	};
	j->ended = 0;
	disk_aio_submit(r.a, &j->req);
	return j;
}

static void
wait_all(unsigned n)
{
	unsigned done = 0;

	disk_aio_kick(r.a);
	while (done < n) {
		struct pollfd p = { disk_aio_fd(r.a), POLLIN, 0 };

		assert_int_equal(poll(&p, 1, 5000), 1);
		done += disk_aio_reap(r.a);
	}
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(r.job[i].ended, 1);
		assert_int_equal(r.job[i].result, 0);
	}
}

static void
check_file(void)
{
	uint8_t got[4096];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	for (size_t at = 0; at < BYTES; at += sizeof(got)) {
		assert_int_equal(fread(got, 1, sizeof(got), f), sizeof(got));
		assert_memory_equal(got, r.want + at, sizeof(got));
	}
	fclose(f);
}

static void
write_round(unsigned round, unsigned misalign)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		unsigned len = 512 * (1 + (i * 7 + round) % 16);
		uint8_t *want = r.want + (size_t)SLOT * i + 4096;
		uint8_t *buf = r.room + (size_t)SLOT * i + misalign;

		memset(buf, (int)(i + round + 1), len);
		memset(want, (int)(i + round + 1), len);
		job(i, DISK_WRITE, 4096, len, misalign);
	}
	wait_all(DEPTH);
}

static void
read_round(unsigned misalign)
{
	for (unsigned i = 0; i < DEPTH; i++)
		job(i, DISK_READ, 4096, 8192, misalign);
	wait_all(DEPTH);
	for (unsigned i = 0; i < DEPTH; i++)
		assert_memory_equal(r.job[i].buf,
		                    r.want + (size_t)SLOT * i + 4096, 8192);
}

static void
a_full_queue_comes_back(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		if (!up(kinds[k], (struct disk_options){ 0 }))
			continue;
		for (unsigned round = 0; round < 20; round++) {
			write_round(round, 0);
			read_round(8);
		}
		for (unsigned i = 0; i < DEPTH; i++) {
			job(i, i % 3 == 0 ? DISK_FLUSH : DISK_ZERO, 4096, 1024,
			    0);
			if (i % 3 != 0)
				memset(r.want + (size_t)SLOT * i + 4096, 0,
				       1024);
		}
		wait_all(DEPTH);
		check_file();
		down();
	}
}

static void
drain_waits_for_all(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		if (!up(kinds[k], (struct disk_options){ .sync = true }))
			continue;
		disk_aio_drain(r.a); /* of nothing */
		for (unsigned round = 0; round < 8; round++) {
			for (unsigned i = 0; i < DEPTH; i++)
				job(i, DISK_WRITE, 0, 4096, 0);
			/* Some are under way, some not even begun. */
			if (round % 2 == 0)
				disk_aio_kick(r.a);
			disk_aio_drain(r.a);
			for (unsigned i = 0; i < DEPTH; i++)
				assert_int_equal(r.job[i].ended, 1);
		}
		down();
	}
}

static void
direct_transfers_take_any_buffer(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		if (!up(kinds[k], (struct disk_options){ .direct = true }))
			continue; /* no direct I/O, or no io_uring */
		if (disk_info(r.d)->sector != 512) {
			down();
			continue;
		}
		write_round(3, 1);
		read_round(3);
		check_file();
		down();
	}
}

static void
errors_come_back_as_results(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct job *j;

		if (!up(kinds[k], (struct disk_options){ .readonly = true }))
			continue;
		for (unsigned i = 0; i < 3; i++) {
			static const enum disk_op ops[] = { DISK_WRITE,
				                            DISK_ZERO,
				                            DISK_DISCARD };

			j = job(0, ops[i], 0, 4096, 0);
			disk_aio_drain(r.a);
			assert_int_equal(j->result, -EROFS);
		}
		j = job(0, DISK_FLUSH, 0, 0, 0);
		disk_aio_drain(r.a);
		assert_int_equal(j->result, 0);
		assert_int_equal(truncate(path, 5000), 0);
		j = job(0, DISK_READ, 4096, 4096, 0);
		disk_aio_drain(r.a);
		assert_int_equal(j->result, -EIO);
		down();
	}
}

static void
auto_takes_one_that_works(void **state)
{
	(void)state;
	assert_true(up(DISK_AIO_AUTO, (struct disk_options){ 0 }));
	print_message("auto: %s\n", disk_aio_name(r.a));
	write_round(1, 0);
	check_file();
	down();
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
		cmocka_unit_test(a_full_queue_comes_back),
		cmocka_unit_test(drain_waits_for_all),
		cmocka_unit_test(direct_transfers_take_any_buffer),
		cmocka_unit_test(errors_come_back_as_results),
		cmocka_unit_test(auto_takes_one_that_works),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
