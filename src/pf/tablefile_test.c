/* SPDX-License-Identifier: BSD-2-Clause */
/* tablefile_test.c - files of tables read back as they were written, or not at
 * all.
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pf/tablefile.h"

/* What is written, in memory of ours. */
static void *
made(const struct pf_content *c, size_t *out_len)
{
	int fd = memfd_create("table", MFD_CLOEXEC);
	unsigned char *bytes;
	off_t len;

	if (fd < 0 || pf_tablefile_put(fd, c) < 0 ||
	    (len = lseek(fd, 0, SEEK_END)) < 0 ||
	    (bytes = malloc((size_t)len)) == NULL ||
	    pread(fd, bytes, (size_t)len, 0) != len)
		abort();
	close(fd);
	*out_len = (size_t)len;
	return bytes;
}

static void
fill(struct pf_content *c, unsigned n)
{
	struct pf_requests r = { 0 };
	struct pf_change change = { 0 };

	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < n; i++) {
		struct pf_ip ip = { { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } };

		pf_requests_add(&r, i % 2 == 0 ? PF_AF_INET : PF_AF_INET6, &ip,
		                i % 2 == 0 ? 32 : 64, i % 3 == 0);
	}
	assert_int_equal(pf_entries_add(&c->entries, &r, 77, &change), 0);
	c->since = 5;
	pf_change_fini(&change);
	pf_requests_fini(&r);
}

static void
what_is_written_reads_back(void **state)
{
	struct pf_content a, b;
	struct error err;
	size_t len, len2;

	(void)state;
	for (unsigned n = 0; n < 200; n += 33) {
		void *bytes, *again;

		fill(&a, n);
		a.constant = n == 33;
		a.unsettled = n == 66;
		a.hashed = n == 99;
		a.dynamic = n >= 99;
		a.counters = n < 99;
		bytes = made(&a, &len);
		assert_int_equal(pf_tablefile_parse(bytes, len, &b, &err), 0);
		assert_int_equal(b.constant, a.constant);
		assert_int_equal(b.unsettled, a.unsettled);
		assert_int_equal(b.hashed, a.hashed);
		assert_int_equal(b.dynamic, a.dynamic);
		assert_int_equal(b.counters, a.counters);
		assert_int_equal(b.since, 5);
		again = made(&b, &len2);
		assert_int_equal(len, len2);
		assert_memory_equal(bytes, again, len);
		free(bytes);
		free(again);
		pf_content_fini(&a);
		pf_content_fini(&b);
	}
}

/* A byte that is changed makes another table, or none; never a broken one. */
static void
broken_files_are_refused(void **state)
{
	struct pf_content a, b;
	struct error err;
	unsigned char *bytes;
	size_t len;

	(void)state;
	fill(&a, 20);
	bytes = made(&a, &len);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(pf_tablefile_parse(bytes, cut, &b, &err),
		                 -EINVAL);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 0x40;
		if (pf_tablefile_parse(bytes, len, &b, &err) == 0) {
			struct pf_spans s = { 0 };

			assert_true(pf_entries_spans(&b.entries, PF_V4, &s));
			pf_spans_fini(&s);
			pf_content_fini(&b);
		}
		bytes[i] ^= 0x40;
	}
	free(bytes);
	pf_content_fini(&a);
}

static void
a_load_carries_files_and_sweeps(void **state)
{
	char dir[] = "/tmp/pf_tablefile_test.XXXXXX";
	struct pf_tableplace p = { .generation = 1,
		                   .path = "a/b",
		                   .name = "t" };
	struct pf_tableplace other = { .generation = 1,
		                       .path = "a",
		                       .name = "b/t" };
	struct pf_content a, b;
	struct error err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	p.dir = other.dir = open(dir, O_RDONLY | O_DIRECTORY);
	fill(&a, 10);
	a.unsettled = true;
	assert_int_equal(pf_tablefile_read(&p, &b, &err), -ENOENT);
	assert_int_equal(pf_tablefile_write(&p, &a, &err), 0);
	assert_int_equal(pf_tablefile_read(&other, &b, &err), -ENOENT);
	assert_int_equal(pf_tablefile_carry(&p, 2, &err), 0);
	assert_int_equal(pf_tablefile_carry(&other, 2, &err), -ENOENT);
	p.generation = 2;
	assert_int_equal(pf_tablefile_settle(&p, true, &err), 0);
	pf_tablefile_sweep(p.dir, 2);
	assert_int_equal(pf_tablefile_read(&p, &b, &err), 0);
	assert_false(b.unsettled);
	assert_int_equal(b.entries.n[PF_V4], a.entries.n[PF_V4]);
	p.generation = 1;
	pf_content_fini(&b);
	assert_int_equal(pf_tablefile_read(&p, &b, &err), -ENOENT);
	pf_tablefile_sweep(p.dir, 3);
	close(p.dir);
	assert_int_equal(rmdir(dir), 0);
	pf_content_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(broken_files_are_refused),
		cmocka_unit_test(a_load_carries_files_and_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
