/* SPDX-License-Identifier: BSD-2-Clause */
/* smbios.c - the SMBIOS structures, with bhyve's defaults and keys.
 *
 * A structure is its formatted part and the strings it numbers. Both anchors
 * are given, 2.8's "_SM_" and 3.0's "_SM3_", to one table.
 * Source: DMTF DSP0134 3.0, chapters 5 to 7.
 */
#include "dev/smbios.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/md5.h"
#include "vmm/config.h"

enum {
	ANCHOR_BYTES = 32,  /* 31 used */
	ANCHOR3_BYTES = 32, /* 24 used */
	HEAD = ANCHOR_BYTES + ANCHOR3_BYTES,
	UUID_BYTES = 16,
	HOST_BYTES = 256, /* of a host's name on FreeBSD */
	MAX_STRINGS = 8,

	H_BIOS = 0,
	H_SYSTEM = 0x100,
	H_BOARD = 0x200,
	H_CHASSIS = 0x300,
	H_CPU = 0x400,
	H_ARRAY = 0x1000,
	H_MEMORY = 0x1100,
	H_MAPPED = 0x1300,
	H_BOOT = 0x2000,
	H_END = 0x7f00
};

/* The structure being written: where it starts, and its strings so far. */
struct item {
	struct buf *out;
	size_t at;
	const char *string[MAX_STRINGS];
	unsigned n;
};

struct writer {
	const struct smbios_info *info;
	struct buf *out;
	unsigned items;
	size_t largest;
};

static void
put(struct item *s, uint64_t v, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		buf_putc(s->out, (char)(v >> 8 * i));
}

static struct item
begin(struct writer *w, unsigned type, unsigned handle)
{
	struct item s = { .out = w->out, .at = w->out->len };

	put(&s, type, 1);
	put(&s, 0, 1);
	put(&s, handle, 2);
	return s;
}

/* The number of a string; it follows the formatted part. */
static void
string(struct item *s, const char *text)
{
	if (text[0] == '\0' || s->n == MAX_STRINGS) {
		put(s, 0, 1);
		return;
	}
	s->string[s->n++] = text;
	put(s, s->n, 1);
}

/* The string of a key, or bhyve's word. */
static void
key(struct item *s, const struct writer *w, const char *name, const char *unset)
{
	const char *v = config_get(w->info->config, name);

	string(s, v != NULL ? v : unset);
}

static void
finish(struct writer *w, struct item *s)
{
	size_t len = w->out->len - s->at;

	if (!w->out->failed)
		w->out->data[s->at + 1] = (char)len;
	for (unsigned i = 0; i < s->n; i++)
		buf_put(w->out, s->string[i], strlen(s->string[i]) + 1);
	put(s, 0, s->n == 0 ? 2 : 1);
	if (w->out->len - s->at > w->largest)
		w->largest = w->out->len - s->at;
	w->items++;
}

static void
bios(struct writer *w)
{
	struct item s = begin(w, 0, H_BIOS);

	key(&s, w, "bios.vendor", "BHYVE");
	key(&s, w, "bios.version", "14.0");
	put(&s, 0xf000, 2); /* segment */
	key(&s, w, "bios.release_date", "10/17/2021");
	put(&s, 0, 1); /* 64 KiB */
	/* ISA, PCI, shadowed, boots from CD, EDD. */
	put(&s, 1ull << 4 | 1 << 7 | 1 << 12 | 1 << 15 | 1 << 19, 8);
	put(&s, 1, 1);               /* ACPI */
	put(&s, 1 << 0 | 1 << 4, 1); /* boot specification; a virtual machine */
	put(&s, 0xffffffff, 4);      /* releases: none */
	finish(w, &s);
}

static int
hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0'
	                                 : tolower((unsigned char)c) - 'a' + 10;
}

/* The first three fields are little endian in the table. */
static int
parse_uuid(const char *text, uint8_t out[UUID_BYTES], struct error *err)
{
	static const uint8_t place[UUID_BYTES] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};
	unsigned n = 0;

	for (const char *p = text; *p != '\0'; p++) {
		bool dash = p - text == 8 || p - text == 13 || p - text == 18 ||
		            p - text == 23;

		if (dash && *p == '-')
			continue;
		if (dash || n == 2 * UUID_BYTES || !isxdigit((unsigned char)*p))
			return error_set(err, -EINVAL, "uuid '%s': bad", text);
		uint8_t *b = &out[place[n / 2]];

		*b = (uint8_t)(*b << 4 | hex_digit(*p));
		n++;
	}
	return n == 2 * UUID_BYTES
	           ? 0
	           : error_set(err, -EINVAL, "uuid '%s': bad", text);
}

/* Without a key, as bhyve makes it: the MD5 of the names of VM and host, which
 * has all of its buffer, as it lies there. */
static int
uuid_of_names(const struct smbios_info *info, uint8_t out[UUID_BYTES],
              struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	char host[HOST_BYTES] = { 0 };

	if (info->host != NULL)
		strncpy(host, info->host, sizeof(host) - 1);
	buf_puts(&text, info->name);
	buf_put(&text, host, sizeof(host));
	if (text.failed)
		return error_set(err, -ENOMEM, "uuid");
	md5(text.data, text.len, out);
	out[6] = (uint8_t)(0x30 | (out[6] & 15)); /* version 3: by name */
	out[8] = (uint8_t)(0x80 | (out[8] & 63));
	return 0;
}

static int
system_item(struct writer *w, struct error *err)
{
	const char *text = config_get(w->info->config, "uuid");
	uint8_t uuid[UUID_BYTES] = { 0 };
	struct item s;

	if ((text == NULL ? uuid_of_names(w->info, uuid, err)
	                  : parse_uuid(text, uuid, err)) < 0)
		return err->code;
	s = begin(w, 1, H_SYSTEM);
	key(&s, w, "system.manufacturer", "FreeBSD");
	key(&s, w, "system.product_name", "BHYVE");
	key(&s, w, "system.version", "1.0");
	key(&s, w, "system.serial_number", "None");
	buf_put(w->out, uuid, sizeof(uuid));
	put(&s, 6, 1); /* woken by the power switch */
	key(&s, w, "system.sku", "None");
	key(&s, w, "system.family_name", "Virtual Machine");
	finish(w, &s);
	return 0;
}

static void
board(struct writer *w)
{
	struct item s = begin(w, 2, H_BOARD);

	key(&s, w, "board.manufacturer", "FreeBSD");
	key(&s, w, "board.product_name", "BHYVE");
	key(&s, w, "board.version", "1.0");
	key(&s, w, "board.serial_number", "None");
	key(&s, w, "board.asset_tag", "None");
	put(&s, 1, 1); /* hosts the rest */
	key(&s, w, "board.location", "None");
	put(&s, H_CHASSIS, 2);
	put(&s, 10, 1); /* a motherboard */
	put(&s, 0, 1);
	finish(w, &s);
}

static void
chassis(struct writer *w)
{
	struct item s = begin(w, 3, H_CHASSIS);

	key(&s, w, "chassis.manufacturer", "FreeBSD");
	put(&s, 2, 1); /* unknown */
	key(&s, w, "chassis.version", "1.0");
	key(&s, w, "chassis.serial_number", "None");
	key(&s, w, "chassis.asset_tag", "None");
	put(&s, 0x03030303, 4); /* states safe; security: none */
	put(&s, 0, 4);
	put(&s, 0, 2); /* height, power cords */
	put(&s, 0, 2); /* elements */
	key(&s, w, "chassis.sku", "None");
	finish(w, &s);
}

static unsigned
at_most(unsigned v, unsigned max)
{
	return v < max ? v : max;
}

static void
processor(struct writer *w, unsigned i)
{
	unsigned cores = w->info->cores, threads = cores * w->info->threads;
	struct item s = begin(w, 4, H_CPU + i);
	char socket[24];

	snprintf(socket, sizeof(socket), "CPU #%u", i);
	string(&s, socket);
	put(&s, 3, 1); /* a central processor of unknown family */
	put(&s, 2, 1);
	string(&s, " ");
	put(&s, 0, 8); /* id */
	string(&s, " ");
	put(&s, 0, 1 + 2 + 2 + 2); /* voltage, clock, speeds */
	put(&s, 0x41, 1);          /* populated, enabled */
	put(&s, 6, 1);             /* upgrade: none */
	put(&s, 0xffff, 2);        /* caches: not told */
	put(&s, 0xffff, 2);
	put(&s, 0xffff, 2);
	string(&s, "None");
	string(&s, "None");
	string(&s, "None");
	put(&s, at_most(cores, 255), 1);
	put(&s, at_most(cores, 255), 1);
	put(&s, at_most(threads, 255), 1);
	put(&s, 1 << 2, 2); /* 64-bit */
	put(&s, 2, 2);
	put(&s, at_most(cores, 0xffff), 2);
	put(&s, at_most(cores, 0xffff), 2);
	put(&s, at_most(threads, 0xffff), 2);
	finish(w, &s);
}

static void
memory_array(struct writer *w)
{
	struct item s = begin(w, 16, H_ARRAY);

	put(&s, 3, 1); /* on the board, system memory, no ECC */
	put(&s, 3, 1);
	put(&s, 3, 1);
	put(&s, 0x80000000, 4); /* see the extended size */
	put(&s, 0xfffe, 2);
	put(&s, 1, 2);
	put(&s, w->info->lowmem + w->info->highmem, 8);
	finish(w, &s);
}

static void
memory_device(struct writer *w)
{
	uint64_t mib = (w->info->lowmem + w->info->highmem) >> 20;
	struct item s = begin(w, 17, H_MEMORY);

	put(&s, H_ARRAY, 2);
	put(&s, 0xfffe, 2);
	put(&s, 64, 2); /* widths */
	put(&s, 64, 2);
	put(&s, mib < 0x7fff ? mib : 0x7fff, 2);
	put(&s, 2, 1); /* form unknown */
	put(&s, 0, 1);
	string(&s, "None");
	string(&s, "None");
	put(&s, 2, 1); /* type unknown */
	put(&s, 1 << 2, 2);
	put(&s, 0, 2); /* speed */
	for (unsigned i = 0; i < 4; i++)
		string(&s, "None");
	put(&s, 0, 1);
	put(&s, mib < 0x7fff ? 0 : mib, 4);
	put(&s, 0, 2 + 6); /* configured speed, voltages */
	finish(w, &s);
}

static void
mapped(struct writer *w, unsigned i, uint64_t from, uint64_t bytes)
{
	struct item s = begin(w, 19, H_MAPPED + i);

	put(&s, 0xffffffff, 4); /* see the extended addresses */
	put(&s, 0xffffffff, 4);
	put(&s, H_ARRAY, 2);
	put(&s, 1, 1);
	put(&s, from, 8);
	put(&s, from + bytes - 1, 8);
	finish(w, &s);
}

static void
last(struct writer *w)
{
	struct item s = begin(w, 32, H_BOOT);

	put(&s, 0, 6);
	put(&s, 0, 1); /* no errors */
	finish(w, &s);
	s = begin(w, 127, H_END);
	finish(w, &s);
}

static void
set(char *p, uint64_t v, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		p[i] = (char)(v >> 8 * i);
}

static void
checksum(char *p, unsigned n, unsigned at)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum = (uint8_t)(sum + (uint8_t)p[i]);
	p[at] = (char)-sum;
}

/* HEAD bytes at p, zeroed. */
static void
anchors(char *p, uint64_t table, size_t len, const struct writer *w)
{
	char *p3 = p + ANCHOR_BYTES;

	memcpy(p, "_SM_", 4);
	p[5] = 31;
	p[6] = 2;
	p[7] = 8;
	set(p + 8, w->largest, 2);
	memcpy(p + 16, "_DMI_", 5);
	set(p + 22, len, 2);
	set(p + 24, table, 4);
	set(p + 28, w->items, 2);
	p[30] = 0x28;
	checksum(p + 16, 15, 5);
	checksum(p, 31, 4);

	memcpy(p3, "_SM3_", 5);
	p3[6] = 24;
	p3[7] = 3;
	p3[10] = 1;
	set(p3 + 12, len, 4);
	set(p3 + 16, table, 8);
	checksum(p3, 24, 5);
}

int
smbios_build(const struct smbios_info *info, uint64_t base, uint64_t end,
             struct buf *out, struct error *err)
{
	static const char zeros[HEAD];
	struct writer w = { .info = info, .out = out };

	buf_put(out, zeros, sizeof(zeros));
	bios(&w);
	if (system_item(&w, err) < 0)
		return err->code;
	board(&w);
	chassis(&w);
	for (unsigned i = 0; i < info->sockets; i++)
		processor(&w, i);
	memory_array(&w);
	memory_device(&w);
	mapped(&w, 0, 0, info->lowmem);
	if (info->highmem > 0)
		mapped(&w, 1, 4ull << 30, info->highmem);
	last(&w);
	if (out->failed)
		return error_set(err, -ENOMEM, "SMBIOS");
	if (out->len > end - base)
		return error_set(err, -ENOSPC, "SMBIOS: %zu bytes", out->len);
	anchors(out->data, base + HEAD, out->len - HEAD, &w);
	return 0;
}
