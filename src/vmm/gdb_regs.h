/* SPDX-License-Identifier: BSD-2-Clause */
/* gdb_regs.h - a processor's registers as gdb numbers them. Pure. */
#ifndef VMM_GDB_REGS_H
#define VMM_GDB_REGS_H
#include <stddef.h>

struct buf;
struct x86_state;

/* The description that qXfer:features:read gives. */
void gdb_regs_xml(struct buf *out);
/* All in hexadecimal; and back: -1 when it is not exactly that. */
void gdb_regs_get(const struct x86_state *st, struct buf *out);
int gdb_regs_set(struct x86_state *st, const char *hex);
/* One by its number; -1: no such register, or not its digits. */
int gdb_reg_get(const struct x86_state *st, unsigned n, struct buf *out);
int gdb_reg_set(struct x86_state *st, unsigned n, const char *hex);
/* Bytes in hexadecimal. */
void gdb_put_hex(struct buf *out, const void *bytes, size_t n);
/* n bytes from 2n digits; -1: other digits. */
int gdb_take_hex(const char *hex, void *bytes, size_t n);
#endif
