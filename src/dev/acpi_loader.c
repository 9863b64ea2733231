/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi_loader.c - ACPI tables as files, and the script that makes tables in
 * memory of them: where they lie is firmware's to say.
 *
 * The tables are acpi.c's, built for some address and taken back to the
 * offset in their file. Only the RSDP, the XSDT and the FADT have pointers, and
 * only their checksums change.
 * Source: QEMU docs and bios-linker-loader; ACPI 6.4, 5.2.5, 5.2.8, 5.2.9.
 */
#include "dev/acpi_loader.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/le.h"
#include "dev/acpi.h"

enum {
	BUILT_AT = 0x100000,
	BUILT_MAX = 0x10000,
	RSDP_BYTES = 36,
	TABLES_AT = 64, /* in what acpi.c built */

	CMD_ALLOCATE = 1,
	CMD_POINTER = 2,
	CMD_CHECKSUM = 3,
	NAME_BYTES = 56,
	ZONE_HIGH = 1,
	ZONE_FSEG = 2,

	HEADER_BYTES = 36,
	LENGTH_AT = 4,
	CHECKSUM_AT = 9,
	RSDP_SUM_AT = 8,
	RSDP_LONG_SUM_AT = 32,
	RSDP_SHORT = 20, /* bytes under the first checksum */
	RSDP_XSDT_AT = 24,
	FADT_FACS_AT = 36,
	FADT_DSDT_AT = 40,
	FADT_X_DSDT_AT = 140
};

struct script {
	struct buf *rsdp, *tables, *out;
};

static void
command(struct script *s, unsigned code, const char *file, const char *file2,
        const uint32_t *words, unsigned n, int byte)
{
	uint8_t c[ACPI_LOADER_COMMAND] = { 0 };
	unsigned at = 4;

	le_put(c, code, 4);
	memcpy(c + at, file, strlen(file));
	at += NAME_BYTES;
	if (file2 != NULL) {
		memcpy(c + at, file2, strlen(file2));
		at += NAME_BYTES;
	}
	for (unsigned i = 0; i < n; i++, at += 4)
		le_put(c + at, words[i], 4);
	if (byte >= 0)
		c[at] = (uint8_t)byte;
	buf_put(s->out, c, sizeof(c));
}

static void
allocate(struct script *s, const char *file, uint32_t align, int zone)
{
	command(s, CMD_ALLOCATE, file, NULL, &align, 1, zone);
}

/* The pointer at a file's offset is into the tables. */
static void
pointer(struct script *s, const char *file, struct buf *b, uint32_t at,
        unsigned size)
{
	uint8_t *p = (uint8_t *)b->data + at;

	le_put(p, le_get(p, size) - BUILT_AT - TABLES_AT, size);
	command(s, CMD_POINTER, file, ACPI_FILE_TABLES, &at, 1, (int)size);
}

static void
checksum(struct script *s, const char *file, struct buf *b, uint32_t at,
         uint32_t start, uint32_t len)
{
	const uint32_t words[] = { at, start, len };

	b->data[at] = 0;
	command(s, CMD_CHECKSUM, file, NULL, words, 3, -1);
}

/* A table of the file: its length, or 0. */
static uint32_t
length(const struct buf *b, uint64_t at)
{
	uint64_t n;

	if (at + HEADER_BYTES > b->len)
		return 0;
	n = le_get((uint8_t *)b->data + at + LENGTH_AT, 4);
	return n <= b->len - at ? (uint32_t)n : 0;
}

static void
fadt(struct script *s, uint32_t at)
{
	pointer(s, ACPI_FILE_TABLES, s->tables, at + FADT_FACS_AT, 4);
	pointer(s, ACPI_FILE_TABLES, s->tables, at + FADT_DSDT_AT, 4);
	pointer(s, ACPI_FILE_TABLES, s->tables, at + FADT_X_DSDT_AT, 8);
	checksum(s, ACPI_FILE_TABLES, s->tables, at + CHECKSUM_AT, at,
	         length(s->tables, at));
}

static int
walk(struct script *s, struct error *err)
{
	uint32_t xsdt, n;

	pointer(s, ACPI_FILE_RSDP, s->rsdp, RSDP_XSDT_AT, 8);
	checksum(s, ACPI_FILE_RSDP, s->rsdp, RSDP_SUM_AT, 0, RSDP_SHORT);
	checksum(s, ACPI_FILE_RSDP, s->rsdp, RSDP_LONG_SUM_AT, 0, RSDP_BYTES);
	xsdt = (uint32_t)le_get((uint8_t *)s->rsdp->data + RSDP_XSDT_AT, 8);
	n = length(s->tables, xsdt);
	for (uint32_t at = xsdt + HEADER_BYTES; at < xsdt + n; at += 8) {
		uint32_t table;

		pointer(s, ACPI_FILE_TABLES, s->tables, at, 8);
		table = (uint32_t)le_get((uint8_t *)s->tables->data + at, 8);
		if (length(s->tables, table) == 0)
			return error_set(err, -EINVAL, "ACPI: table lost");
		if (memcmp(s->tables->data + table, "FACP", 4) == 0)
			fadt(s, table);
	}
	checksum(s, ACPI_FILE_TABLES, s->tables, xsdt + CHECKSUM_AT, xsdt, n);
	return 0;
}

int
acpi_loader_build(const struct acpi_info *info, struct buf *rsdp,
                  struct buf *tables, struct buf *script, struct error *err)
{
	cleanup_buf struct buf built = BUF_INIT;
	struct script s = { rsdp, tables, script };

	if (acpi_build(info, BUILT_AT, BUILT_AT + BUILT_MAX, &built, err) < 0)
		return err->code;
	buf_put(rsdp, built.data, RSDP_BYTES);
	buf_put(tables, built.data + TABLES_AT, built.len - TABLES_AT);
	if (rsdp->failed || tables->failed)
		return error_set(err, -ENOMEM, "ACPI tables");
	allocate(&s, ACPI_FILE_RSDP, 16, ZONE_FSEG);
	allocate(&s, ACPI_FILE_TABLES, 64, ZONE_HIGH);
	if (walk(&s, err) < 0)
		return err->code;
	return script->failed ? error_set(err, -ENOMEM, "ACPI tables") : 0;
}
