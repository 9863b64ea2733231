/* SPDX-License-Identifier: BSD-2-Clause */
/* state.c - a device's fields to bytes and back.
 *
 * A section: name (32 bytes, NUL padded), instance u32, version u32, payload
 * length u32, CRC-32 of the payload u32, payload. All little endian.
 */
#include "vmm/state.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/le.h"

enum { NAME_BYTES = 32, HEAD_BYTES = NAME_BYTES + 16 };

/* The host's integers of width bytes at p, whatever its byte order. */
static uint64_t
get_host(const void *p, unsigned width)
{
	switch (width) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return *(const uint16_t *)p;
	case 4:
		return *(const uint32_t *)p;
	default:
		return *(const uint64_t *)p;
	}
}

static void
set_host(void *p, unsigned width, uint64_t v)
{
	switch (width) {
	case 1:
		*(uint8_t *)p = (uint8_t)v;
		break;
	case 2:
		*(uint16_t *)p = (uint16_t)v;
		break;
	case 4:
		*(uint32_t *)p = (uint32_t)v;
		break;
	default:
		*(uint64_t *)p = v;
	}
}

/* CRC-32 of IEEE 802.3, bit by bit: checkpoints' device part is small. */
static uint32_t
crc32_of(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	while (n-- > 0) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	return ~crc;
}

static unsigned
bytes_of(const struct state_field *f)
{
	return f->width & STATE_BYTES;
}

static uint32_t
payload_bytes(const struct state_desc *d)
{
	uint32_t n = 0;

	for (const struct state_field *f = d->fields; f->name != NULL; f++)
		n += bytes_of(f) * f->count;
	return n;
}

int
state_save(const struct state_desc *d, unsigned instance, void *obj,
           struct buf *out)
{
	uint8_t head[HEAD_BYTES] = { 0 }, cell[8];
	size_t at = out->len;
	uint32_t n = payload_bytes(d);

	if (d->before_save != NULL)
		d->before_save(obj);
	strncpy((char *)head, d->name, NAME_BYTES - 1);
	le_put(head + NAME_BYTES, instance, 4);
	le_put(head + NAME_BYTES + 4, d->version, 4);
	le_put(head + NAME_BYTES + 8, n, 4);
	buf_put(out, head, sizeof(head));
	for (const struct state_field *f = d->fields; f->name != NULL; f++) {
		const uint8_t *from = (const uint8_t *)obj + f->offset;
		unsigned width = bytes_of(f);

		for (uint32_t i = 0; i < f->count; i++, from += width) {
			le_put(cell, get_host(from, width), width);
			buf_put(out, cell, width);
		}
	}
	if (out->failed)
		return -ENOMEM;
	le_put((uint8_t *)out->data + at + NAME_BYTES + 12,
	       crc32_of((const uint8_t *)out->data + at + HEAD_BYTES, n), 4);
	return 0;
}

/* Is this the section that d and instance ask for, whole and unhurt? */
static int
check(const struct state_desc *d, unsigned instance, const uint8_t *b,
      size_t len, struct error *err)
{
	char name[NAME_BYTES];
	uint32_t n = payload_bytes(d);

	const uint8_t *p;

	if (len < HEAD_BYTES)
		return error_set(err, -EINVAL, "'%s': cut off", d->name);
	memcpy(name, b, sizeof(name));
	if (memchr(name, 0, sizeof(name)) == NULL ||
	    strcmp(name, d->name) != 0 || le_get(b + NAME_BYTES, 4) != instance)
		return error_set(err, -EINVAL, "want '%s' %u, found '%.31s'",
		                 d->name, instance, name);
	if (le_get(b + NAME_BYTES + 4, 4) != d->version)
		return error_set(
		    err, -EINVAL, "'%s': version %u, not %u", d->name,
		    (unsigned)le_get(b + NAME_BYTES + 4, 4), d->version);
	if (le_get(b + NAME_BYTES + 8, 4) != n || len - HEAD_BYTES < n)
		return error_set(err, -EINVAL, "'%s': wrong length", d->name);
	if (le_get(b + NAME_BYTES + 12, 4) != crc32_of(b + HEAD_BYTES, n))
		return error_set(err, -EINVAL, "'%s': wrong CRC", d->name);
	p = b + HEAD_BYTES;
	for (const struct state_field *f = d->fields; f->name != NULL; f++)
		for (uint32_t i = 0; i < f->count; i++, p += bytes_of(f))
			if (f->width == STATE_BOOL && *p > 1)
				return error_set(err, -EINVAL,
				                 "'%s': %s is neither 0 nor 1",
				                 d->name, f->name);
	return 0;
}

int64_t
state_load(const struct state_desc *d, unsigned instance, void *obj,
           const uint8_t *bytes, size_t len, struct error *err)
{
	const uint8_t *p = bytes + HEAD_BYTES;

	if (check(d, instance, bytes, len, err) < 0)
		return err->code;
	for (const struct state_field *f = d->fields; f->name != NULL; f++) {
		uint8_t *to = (uint8_t *)obj + f->offset;
		unsigned width = bytes_of(f);

		for (uint32_t i = 0; i < f->count; i++, to += width) {
			set_host(to, width, le_get(p, width));
			p += width;
		}
	}
	if (d->after_load != NULL && d->after_load(obj, err) < 0)
		return error_wrap(err, "'%s'", d->name);
	return p - bytes;
}
