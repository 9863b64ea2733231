/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_decode.c - any bytes as code: the first says the mode. What is decoded
 * must be whole, must not depend on bytes behind it, and must need all of its
 * own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "x86/insn.h"
#include "x86/regs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_fields(const struct x86_insn *in)
{
	if (in->len == 0 || in->len > X86_MAX_INSN || in->op == 0 ||
	    in->op >= X86_NOPS || in->nopnds > 4 || in->opcode_at >= in->len ||
	    in->modrm_at >= in->len || in->disp_at >= in->len ||
	    in->imm_at >= in->len || in->seg > X86_GS ||
	    (in->flags_written & in->flags_undef))
		abort();
	if ((in->base >= X86_NGPR && in->base != X86_NO_REG &&
	     in->base != X86_BASE_RIP) ||
	    (in->index >= X86_NGPR && in->index != X86_NO_REG) ||
	    in->scale == 0 || in->scale > 8)
		abort();
	for (unsigned i = 0; i < in->nopnds; i++)
		if (in->opnd[i].kind == X86_OPND_NONE ||
		    in->opnd[i].reg >= X86_NGPR)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct x86_insn in, again;

	if (len < 1)
		return 0;
	enum x86_mode mode = (enum x86_mode)(data[0] % 3);
	for (size_t at = 1; at < len;) {
		uint8_t bytes[X86_MAX_INSN];
		int n = x86_decode(data + at, len - at, mode, &in);

		if (n < X86_E_LONG || n == 0 || n > X86_MAX_INSN)
			abort();
		if (n < 0) {
			at++;
			continue;
		}
		check_fields(&in);
		memcpy(bytes, data + at, (size_t)n);
		if (x86_decode(bytes, (size_t)n, mode, &again) != n ||
		    x86_decode(bytes, (size_t)n - 1, mode, &again) !=
		        X86_E_SHORT)
			abort();
		x86_decode(bytes, (size_t)n, mode, &again);
		if (memcmp(&in, &again, offsetof(struct x86_insn, bytes)) != 0)
			abort();
		if (in.attr & X86_A_ALT)
			x86_insn_without(&again, mode);
		at += (size_t)n;
	}
	return 0;
}
