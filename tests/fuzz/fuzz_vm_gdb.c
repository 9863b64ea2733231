/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_vm_gdb.c - bytes from a debugger: packets in bounds, which frame and
 * come back the same; register values of any digits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "vmm/gdb_packet.h"
#include "vmm/gdb_regs.h"
#include "x86/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const struct gdb_parser *p)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct gdb_parser again = { 0 };
	enum gdb_event e = GDB_NONE;
	struct x86_state st;

	if (p->len > GDB_MAX_PACKET || p->text[p->len] != '\0')
		abort();
	gdb_frame(&out, p->text, p->len);
	for (size_t i = 0; i < out.len; i++)
		e = gdb_feed(&again, (uint8_t)out.data[i]);
	if (e != GDB_PACKET || again.len != p->len ||
	    memcmp(again.text, p->text, p->len) != 0)
		abort();
	memset(&st, 0, sizeof(st));
	(void)gdb_regs_set(&st, p->text);
	(void)gdb_reg_set(&st, 16, p->text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct gdb_parser p = { 0 };

	for (size_t i = 0; i < len; i++)
		if (gdb_feed(&p, data[i]) == GDB_PACKET)
			check(&p);
	return 0;
}
