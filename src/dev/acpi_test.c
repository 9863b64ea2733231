/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi_test.c - the tables hang together, and ACPICA's compiler reads what we
 * wrote and makes the same of its own reading.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "dev/acpi.h"
#include "dev/aml.h"
#include "dev/mptable.h"
#include "vmm/domains.h"

static const struct domains halves = {
	.n = 2,
	.size = { 2ull << 30, 4ull << 30 },
	.of_cpu = { 0, 0, 1, 1 },
};

static const struct acpi_info whole = {
	.domains = &halves,
	.lowmem = 3ull << 30,
	.ncpus = 4,
	.nshown = 4,
	.has_hpet = true,
	.com = { true, true, false, true },
	.vmgen = 0xff000,
	.lpc_slot = 31,
	.lpc_func = 0,
	.nroots = 2,
	.root = { { 0,
	            9,
	            { PCI_IO_BASE, PCI_MEM32_BASE, 64ull << 30 },
	            { 0x4000, 0xc0100000, 65ull << 30 } },
	          { 10,
	            255,
	            { 0x4000, 0xc0100000, 65ull << 30 },
	            { PCI_IO_END, PCI_MEM32_END, 96ull << 30 } } },
	.nroutes = 4,
	.route = { { 0, 3, 0, 7 },
	           { 0, 4, 0, 0 },
	           { 0, 4, 1, 1 },
	           { 10, 2, 0, 6 } },
};

static uint64_t
get(const struct buf *b, size_t at, unsigned width)
{
	uint64_t v = 0;

	assert_true(at + width <= b->len);
	for (unsigned i = 0; i < width; i++)
		v |= (uint64_t)(uint8_t)b->data[at + i] << 8 * i;
	return v;
}

static void
assert_sum(const struct buf *b, size_t at, size_t len)
{
	uint8_t sum = 0;

	assert_true(at + len <= b->len);
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + (uint8_t)b->data[at + i]);
	assert_int_equal(sum, 0);
}

/* The place of a table the XSDT lists, or 0. */
static size_t
find(const struct buf *b, const char *signature)
{
	size_t xsdt = get(b, 24, 8) - ACPI_BASE;
	size_t len = get(b, xsdt + 4, 4);

	for (size_t i = xsdt + 36; i < xsdt + len; i += 8) {
		size_t at = get(b, i, 8) - ACPI_BASE;

		if (memcmp(b->data + at, signature, 4) == 0)
			return at;
	}
	return 0;
}

static void
build(const struct acpi_info *info, struct buf *b)
{
	struct error err;

	assert_int_equal(acpi_build(info, ACPI_BASE, ACPI_END, b, &err), 0);
}

static void
every_table_sums_to_zero(void **state)
{
	static const char *const names[] = { "FACP", "APIC", "MCFG", "HPET",
		                             "SPCR", "SRAT", "SLIT" };
	cleanup_buf struct buf b = BUF_INIT;
	size_t fadt;

	(void)state;
	build(&whole, &b);
	assert_memory_equal(b.data, "RSD PTR ", 8);
	assert_sum(&b, 0, 20);
	assert_sum(&b, 0, 36);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t at = find(&b, names[i]);

		assert_int_not_equal(at, 0);
		assert_sum(&b, at, get(&b, at + 4, 4));
	}
	fadt = find(&b, "FACP");
	assert_int_equal(get(&b, fadt + 4, 4), 268);
	assert_int_equal(get(&b, fadt + 40, 4), get(&b, fadt + 140, 8));
	assert_int_equal(get(&b, fadt + 36, 4) % 64, 0);
	assert_int_equal(get(&b, fadt + 46, 2), 9);    /* SCI */
	assert_int_equal(get(&b, fadt + 48, 4), 0xb2); /* SMI command */
	assert_int_equal(get(&b, fadt + 76, 4), 0x408);
	assert_int_equal(get(&b, fadt + 108, 1), 0x32); /* century */
	assert_int_equal(get(&b, fadt + 120, 8), 0xcf9);
	assert_int_equal(get(&b, fadt + 128, 1), 6);
	assert_memory_equal(b.data + get(&b, fadt + 40, 4) - ACPI_BASE, "DSDT",
	                    4);
}

static void
what_is_not_there_is_not_listed(void **state)
{
	const struct acpi_info bare = { .ncpus = 1,
		                        .nshown = 2,
		                        .lpc_slot = -1 };
	cleanup_buf struct buf b = BUF_INIT;
	struct error err;

	(void)state;
	build(&bare, &b);
	assert_int_equal(find(&b, "HPET"), 0);
	assert_int_equal(find(&b, "SPCR"), 0);
	buf_reset(&b);
	assert_int_equal(
	    acpi_build(&whole, ACPI_BASE, ACPI_BASE + 512, &b, &err), -ENOSPC);
}

/* In the MADT; their first bytes after the header and 8 more. */
static void
a_single_processor_is_shown_one_that_is_off(void **state)
{
	const struct acpi_info one = { .ncpus = 1,
		                       .nshown = 2,
		                       .lpc_slot = -1 };
	static const uint8_t want[] = { 0, 8, 0, 0, 1, 0, 0, 0, 0,
		                        8, 1, 1, 0, 0, 0, 0, 1 };
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	build(&one, &b);
	assert_memory_equal(b.data + find(&b, "APIC") + 44, want, sizeof(want));
}

static void
lengths_are_as_short_as_they_can_be(void **state)
{
	static const struct {
		unsigned bytes;
		uint8_t head[3];
		unsigned n;
	} rows[] = {
		{ 0, { 0x05 }, 1 },
		{ 58, { 0x3f }, 1 },
		{ 59, { 0x41, 0x04 }, 2 },
		{ 4089, { 0x4f, 0xff }, 2 },
		{ 4090, { 0x81, 0x00, 0x01 }, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		struct aml a = { .out = &b };

		aml_scope(&a, "\\");
		b.len = 1; /* a scope of no name */
		buf_puts(&b, "ABCD");
		for (unsigned k = 0; k < rows[i].bytes; k++)
			aml_op(&a, AML_ZERO);
		aml_end(&a);
		assert_memory_equal(b.data + 1, rows[i].head, rows[i].n);
	}
}

/* The second domain lies on both sides of the hole. */
static void
memory_belongs_to_domains(void **state)
{
	static const uint64_t want[3][3] = {
		{ 0, 0, 2ull << 30 },
		{ 1, 2ull << 30, 1ull << 30 },
		{ 1, 4ull << 30, 3ull << 30 },
	};
	cleanup_buf struct buf b = BUF_INIT;
	size_t at;

	(void)state;
	build(&whole, &b);
	at = find(&b, "SRAT");
	assert_int_not_equal(at, 0);
	assert_int_equal(get(&b, at + 4, 4), 48 + 4 * 16 + 3 * 40);
	assert_int_equal(get(&b, at + 48 + 2 * 16 + 2, 2), 2 << 8 | 1);
	for (unsigned i = 0; i < 3; i++) {
		size_t m = at + 48 + 4 * 16 + i * 40;

		assert_int_equal(get(&b, m + 2, 4), want[i][0]);
		assert_int_equal(get(&b, m + 8, 8), want[i][1]);
		assert_int_equal(get(&b, m + 16, 8), want[i][2]);
	}
}

/* Every table that iasl(8) takes apart it can put together again. */
static void
iasl_reads_and_compiles_them(void **state)
{
	static const char *const names[] = { "FACP", "APIC", "MCFG", "HPET",
		                             "SPCR", "SRAT", "SLIT" };
	cleanup_buf struct buf b = BUF_INIT;
	char dir[] = "/tmp/acpi_test.XXXXXX", cmd[256], path[64];

	(void)state;
	if (system("command -v iasl >/dev/null") != 0)
		skip();
	build(&whole, &b);
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i <= ARRAY_LEN(names); i++) {
		const char *name = i == 0 ? "DSDT" : names[i - 1];
		size_t at = i == 0
		                ? get(&b, find(&b, "FACP") + 40, 4) - ACPI_BASE
		                : find(&b, name);
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s.aml", dir, name);
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(b.data + at, get(&b, at + 4, 4), 1, f),
		                 1);
		fclose(f);
		snprintf(cmd, sizeof(cmd),
		         "cd %s && iasl -d %s.aml >log 2>&1 && "
		         "iasl -we -p %s.new %s.dsl >>log 2>&1 || "
		         "{ cat log; false; }",
		         dir, name, name, name);
		assert_int_equal(system(cmd), 0);
	}
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

static void
the_mp_table_counts_its_entries(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct error err;
	unsigned n = 0;
	size_t at = 16 + 44, end;

	(void)state;
	assert_int_equal(
	    mptable_build(&whole, MPTABLE_BASE, MPTABLE_END, &b, &err), 0);
	assert_sum(&b, 0, 16);
	end = 16 + get(&b, 16 + 4, 2);
	assert_sum(&b, 16, end - 16);
	for (; at < end; n++)
		at += b.data[at] == 0 ? 20 : 8;
	assert_int_equal(at, b.len);
	assert_int_equal(n, get(&b, 16 + 34, 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_sums_to_zero),
		cmocka_unit_test(what_is_not_there_is_not_listed),
		cmocka_unit_test(a_single_processor_is_shown_one_that_is_off),
		cmocka_unit_test(lengths_are_as_short_as_they_can_be),
		cmocka_unit_test(memory_belongs_to_domains),
		cmocka_unit_test(iasl_reads_and_compiles_them),
		cmocka_unit_test(the_mp_table_counts_its_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
