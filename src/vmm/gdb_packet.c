/* SPDX-License-Identifier: BSD-2-Clause */
/* gdb_packet.c - packets of gdb's remote protocol, byte by byte. */
#include "vmm/gdb_packet.h"

#include <string.h>

#include "base/buf.h"

static int
hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
begin(struct gdb_parser *p)
{
	p->state = GDB_BODY;
	p->sum = 0;
	p->len = 0;
}

static enum gdb_event
body(struct gdb_parser *p, uint8_t byte)
{
	if (byte == '#') {
		p->state = GDB_SUM1;
		return GDB_NONE;
	}
	if (byte == '$') { /* the one before was cut off */
		begin(p);
		return GDB_NONE;
	}
	p->sum = (uint8_t)(p->sum + byte);
	if (byte == '}' && p->state == GDB_BODY) {
		p->state = GDB_ESCAPED;
		return GDB_NONE;
	}
	if (p->len == GDB_MAX_PACKET) {
		p->state = GDB_IDLE;
		return GDB_BAD;
	}
	p->text[p->len++] =
	    (char)(p->state == GDB_ESCAPED ? byte ^ 0x20 : byte);
	p->state = GDB_BODY;
	return GDB_NONE;
}

enum gdb_event
gdb_feed(struct gdb_parser *p, uint8_t byte)
{
	switch (p->state) {
	case GDB_IDLE:
		if (byte == '$')
			begin(p);
		return byte == 3 ? GDB_BREAK : GDB_NONE;
	case GDB_BODY:
	case GDB_ESCAPED:
		return body(p, byte);
	case GDB_SUM1:
		p->told = byte;
		p->state = GDB_SUM2;
		return GDB_NONE;
	case GDB_SUM2:
		break;
	}
	p->state = GDB_IDLE;
	p->text[p->len] = '\0';
	return hex(p->told) >= 0 && hex(byte) >= 0 &&
	               (hex(p->told) << 4 | hex(byte)) == p->sum
	           ? GDB_PACKET
	           : GDB_BAD;
}

void
gdb_frame(struct buf *out, const char *payload, size_t len)
{
	uint8_t sum = 0;

	buf_putc(out, '$');
	for (size_t i = 0; i < len; i++) {
		char c = payload[i];

		if (c == '$' || c == '#' || c == '}' || c == '*') {
			buf_putc(out, '}');
			sum = (uint8_t)(sum + '}');
			c = (char)(c ^ 0x20);
		}
		buf_putc(out, c);
		sum = (uint8_t)(sum + (uint8_t)c);
	}
	buf_printf(out, "#%02x", sum);
}
