/* SPDX-License-Identifier: BSD-2-Clause */
/* aml.c - writing ACPI Machine Language.
 *
 * A package's length stands before it and is as short as it can be, so it is
 * put there when the package ends.
 */
#include "dev/aml.h"

#include <stdlib.h>
#include <string.h>

enum {
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_QWORD = 0x0e,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_METHOD = 0x14,
	OP_DUAL = 0x2e,
	OP_MULTI = 0x2f,
	OP_EXT = 0x5b,
	EXT_REGION = 0x80,
	EXT_FIELD = 0x81,
	EXT_DEVICE = 0x82,
	OP_IF = 0xa0,
	SPACE_PCI_CONFIG = 2,
	FIELD_BYTE_ACCESS = 1,
	SEGMENT = 4,

	RES_IRQ = 0x22,       /* small, 2 bytes */
	RES_IRQ_FLAGS = 0x23, /* and flags */
	RES_IO = 0x47,
	RES_END = 0x79,
	RES_MEM32_FIXED = 0x86,
	RES_WORD = 0x88,
	RES_DWORD = 0x87,
	RES_QWORD = 0x8a
};

static void
put_le(struct aml *a, uint64_t v, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		buf_putc(a->out, (char)(v >> 8 * i));
}

static void
put_byte(struct aml *a, unsigned v)
{
	put_le(a, v, 1);
}

/* "_SB.PC00": one segment, padded; returns what follows it. */
static const char *
put_segment(struct aml *a, const char *s)
{
	unsigned n = 0;

	while (n < SEGMENT && s[n] != '\0' && s[n] != '.')
		buf_putc(a->out, s[n++]);
	if (n == 0 || (s[n] != '\0' && s[n] != '.'))
		abort();
	for (unsigned i = n; i < SEGMENT; i++)
		buf_putc(a->out, '_');
	return s[n] == '.' ? s + n + 1 : s + n;
}

static void
put_name(struct aml *a, const char *s)
{
	unsigned n = 1;

	while (*s == '\\' || *s == '^')
		buf_putc(a->out, *s++);
	for (const char *p = s; *p != '\0'; p++)
		n += *p == '.';
	if (n == 2) {
		put_byte(a, OP_DUAL);
	} else if (n > 2) {
		put_byte(a, OP_MULTI);
		put_byte(a, n);
	}
	while (*s != '\0')
		s = put_segment(a, s);
}

static void
begin(struct aml *a)
{
	if (a->depth == AML_MAX_DEPTH)
		abort();
	a->open[a->depth++] = a->out->len;
}

/* Lead byte: how many follow in 7:6; with none, six bits of length, else four
 * and eight in each that follows. The length counts itself. */
static unsigned
encode_length(uint8_t out[4], size_t content)
{
	unsigned n = 1;

	if (content + 1 < 1 << 6) {
		out[0] = (uint8_t)(content + 1);
		return 1;
	}
	while (content + 1 + n >= 1ull << (4 + 8 * n))
		n++;
	content += 1 + n;
	out[0] = (uint8_t)(n << 6 | (content & 15));
	for (unsigned i = 0; i < n; i++)
		out[1 + i] = (uint8_t)(content >> (4 + 8 * i));
	return 1 + n;
}

static void
insert(struct aml *a, size_t at, const uint8_t *p, unsigned n)
{
	size_t tail = a->out->len - at;

	buf_put(a->out, p, n); /* room */
	if (a->out->failed)
		return;
	memmove(a->out->data + at + n, a->out->data + at, tail);
	memcpy(a->out->data + at, p, n);
}

static void
end_resources(struct aml *a)
{
	uint8_t head[4] = { OP_WORD };
	size_t n;

	put_byte(a, RES_END);
	put_byte(a, 0); /* the checksum is not used */
	n = a->out->len - a->template_at;
	head[1] = (uint8_t)n;
	head[2] = (uint8_t)(n >> 8);
	insert(a, a->template_at, head, 3);
	a->template_at = 0;
}

void
aml_end(struct aml *a)
{
	uint8_t length[4];
	size_t at;

	if (a->depth == 0)
		abort();
	if (a->template_at != 0)
		end_resources(a);
	at = a->open[--a->depth];
	insert(a, at, length, encode_length(length, a->out->len - at));
}

void
aml_op(struct aml *a, enum aml_op op)
{
	put_byte(a, op);
}

void
aml_ref(struct aml *a, const char *name)
{
	put_name(a, name);
}

void
aml_int(struct aml *a, uint64_t v)
{
	unsigned width = v <= 0xff ? 1 : v <= 0xffff ? 2 : v >> 32 == 0 ? 4 : 8;

	if (v <= 1) {
		put_byte(a, (unsigned)v); /* Zero, One */
		return;
	}
	put_byte(a, width == 1   ? OP_BYTE
	            : width == 2 ? OP_WORD
	            : width == 4 ? OP_DWORD
	                         : OP_QWORD);
	put_le(a, v, width);
}

void
aml_string(struct aml *a, const char *s)
{
	put_byte(a, OP_STRING);
	buf_put(a->out, s, strlen(s) + 1);
}

static unsigned
hex(char c)
{
	return c <= '9' ? (unsigned)c - '0' : (unsigned)c - 'A' + 10;
}

/* Three letters of five bits, four hex digits, most significant byte first. */
void
aml_eisa_id(struct aml *a, const char *id)
{
	unsigned v = 0;

	for (unsigned i = 0; i < 3; i++)
		v = v << 5 | ((unsigned)id[i] - 'A' + 1);
	for (unsigned i = 3; i < 7; i++)
		v = v << 4 | hex(id[i]);
	put_byte(a, OP_DWORD);
	put_le(a, __builtin_bswap32(v), 4);
}

void
aml_name(struct aml *a, const char *name)
{
	put_byte(a, OP_NAME);
	put_name(a, name);
}

void
aml_scope(struct aml *a, const char *name)
{
	put_byte(a, OP_SCOPE);
	begin(a);
	put_name(a, name);
}

void
aml_device(struct aml *a, const char *name)
{
	put_byte(a, OP_EXT);
	put_byte(a, EXT_DEVICE);
	begin(a);
	put_name(a, name);
}

void
aml_method(struct aml *a, const char *name, unsigned nargs)
{
	/* Serialized: methods here make names of their own. */
	const unsigned serialized = 1 << 3;

	put_byte(a, OP_METHOD);
	begin(a);
	put_name(a, name);
	put_byte(a, nargs | serialized);
}

void
aml_package(struct aml *a, unsigned n)
{
	put_byte(a, OP_PACKAGE);
	begin(a);
	put_byte(a, n);
}

void
aml_if(struct aml *a)
{
	put_byte(a, OP_IF);
	begin(a);
}

void
aml_else(struct aml *a)
{
	put_byte(a, AML_ELSE);
	begin(a);
}

void
aml_region_pci(struct aml *a, const char *name, unsigned off, unsigned len)
{
	put_byte(a, OP_EXT);
	put_byte(a, EXT_REGION);
	put_name(a, name);
	put_byte(a, SPACE_PCI_CONFIG);
	aml_int(a, off);
	aml_int(a, len);
}

void
aml_field(struct aml *a, const char *region)
{
	put_byte(a, OP_EXT);
	put_byte(a, EXT_FIELD);
	begin(a);
	put_name(a, region);
	put_byte(a, FIELD_BYTE_ACCESS);
}

void
aml_field_byte(struct aml *a, const char *name)
{
	put_name(a, name);
	put_byte(a, 8);
}

void
aml_field_skip(struct aml *a, unsigned bytes)
{
	uint8_t length[4];
	unsigned n;

	put_byte(a, 0);
	/* Bits, as a package length that does not count itself. */
	n = bytes * 8 < 1 << 6 ? 1 : 2;
	length[0] = n == 1 ? (uint8_t)(bytes * 8)
	                   : (uint8_t)(1 << 6 | (bytes * 8 & 15));
	length[1] = (uint8_t)(bytes * 8 >> 4);
	buf_put(a->out, length, n);
}

/* A buffer: its length as a word, put there at the end. */
void
aml_resources(struct aml *a)
{
	put_byte(a, OP_BUFFER);
	begin(a);
	a->template_at = a->out->len;
}

void
aml_res_irq(struct aml *a, unsigned irq)
{
	put_byte(a, RES_IRQ);
	put_le(a, 1u << irq, 2);
}

void
aml_res_irqs_level(struct aml *a, uint16_t mask)
{
	put_byte(a, RES_IRQ_FLAGS);
	put_le(a, mask, 2);
	put_byte(a, 1 << 4 | 1 << 3); /* shared, low, level */
}

void
aml_res_io(struct aml *a, uint16_t base, uint8_t len)
{
	put_byte(a, RES_IO);
	put_byte(a, 1); /* 16 bits are decoded */
	put_le(a, base, 2);
	put_le(a, base, 2);
	put_byte(a, 1);
	put_byte(a, len);
}

void
aml_res_mem32(struct aml *a, uint32_t base, uint32_t len)
{
	put_byte(a, RES_MEM32_FIXED);
	put_le(a, 9, 2);
	put_byte(a, 1); /* read-write */
	put_le(a, base, 4);
	put_le(a, len, 4);
}

void
aml_res_window(struct aml *a, enum aml_window kind, unsigned width,
               uint64_t min, uint64_t max)
{
	/* Of memory: read-write, not cached; of I/O: the whole range. */
	static const uint8_t type_flags[] = { 1, 3, 0 };
	const unsigned fixed = 1 << 2 | 1 << 3, producer = 0;

	put_byte(a, width == 2 ? RES_WORD : width == 4 ? RES_DWORD : RES_QWORD);
	put_le(a, 3 + 5 * width, 2);
	put_byte(a, kind);
	put_byte(a, fixed | producer);
	put_byte(a, type_flags[kind]);
	put_le(a, 0, width); /* granularity */
	put_le(a, min, width);
	put_le(a, max, width);
	put_le(a, 0, width); /* translation */
	put_le(a, max - min + 1, width);
}
