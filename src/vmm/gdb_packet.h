/* SPDX-License-Identifier: BSD-2-Clause */
/* gdb_packet.h - the framing of gdb's remote protocol: bytes to packets and
 * back. Pure.
 *
 * A packet is $payload#cs, cs two hexadecimal digits of the payload's sum; } in
 * front of a byte means that byte ^ 0x20. Source: the GDB manual, E.1.
 */
#ifndef VMM_GDB_PACKET_H
#define VMM_GDB_PACKET_H
#include <stddef.h>
#include <stdint.h>

struct buf;

enum { GDB_MAX_PACKET = 0x1000 };

struct gdb_parser {
	enum { GDB_IDLE, GDB_BODY, GDB_ESCAPED, GDB_SUM1, GDB_SUM2 } state;
	uint8_t sum, told;
	size_t len;
	char text[GDB_MAX_PACKET + 1]; /* NUL after len bytes */
};

enum gdb_event {
	GDB_NONE,   /* more bytes are wanted */
	GDB_PACKET, /* text[0..len) is one */
	GDB_BAD,    /* a packet whose sum is wrong or that is too long */
	GDB_BREAK   /* 0x03: stop */
};

/* One more byte; text is valid until the next. */
enum gdb_event gdb_feed(struct gdb_parser *p, uint8_t byte);
/* Append the framed payload. */
void gdb_frame(struct buf *out, const char *payload, size_t len);
#endif
