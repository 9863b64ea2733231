/* SPDX-License-Identifier: BSD-2-Clause */
/* lower.c - the table from operations to those who lower them, and the parts
 * common to all: memory operands, #UD, NOP.
 */
#include "engine/soft/lower.h"

#include "engine/soft/alu.h"
#include "engine/soft/simd.h"
#include "engine/soft/system.h"

UOP(uop_ud)
{
	return cpu_fault(c, u, X86_UD);
}

UOP(uop_long)
{
	return cpu_fault_error(c, u, X86_GP, 0);
}

UOP(uop_nop)
{
	NEXT(c, u);
}

static unsigned
nop_lower(const struct lowering *l, struct uop *u)
{
	(void)l;
	u->fn = uop_nop;
	return 1;
}

/* Loads and stores are in order on the host, too, but for store to load. */
static UOP(fence)
{
	atomic_thread_fence(memory_order_seq_cst);
	NEXT(c, u);
}

static unsigned
fence_lower(const struct lowering *l, struct uop *u)
{
	(void)l;
	u->fn = fence;
	return 1;
}

/* CLFLUSH and its kin: nothing to do but fault as a load would. */
static SOFT_COLD
UOP(touch)
{
	uint64_t la, v;

	if (!ea_linear(c, u, 0, 1, false, &la) || !mem_load(c, la, 1, &v))
		return mem_fault(c, u);
	return u + 1;
}

static unsigned
touch_lower(const struct lowering *l, struct uop *u)
{
	(void)l;
	u->fn = touch;
	return 1;
}

/* No 32-bit code looks further back from a pointer. */
enum { LOWEST_OFFSET = -(1 << 28) };

struct lower_row {
	lower_fn *fn;
	unsigned arg;
};

static const struct lower_row rows[] = {
	[X86_OP_AAA] = { bcd_lower, BCD_AAA },
	[X86_OP_AAD] = { bcd_lower, BCD_AAD },
	[X86_OP_AAM] = { bcd_lower, BCD_AAM },
	[X86_OP_AAS] = { bcd_lower, BCD_AAS },
	[X86_OP_ADC] = { alu_lower, ALU_ADC },
	[X86_OP_ADD] = { alu_lower, ALU_ADD },
	[X86_OP_AND] = { alu_lower, ALU_AND },
	[X86_OP_BOUND] = { bound_lower, 0 },
	[X86_OP_BSF] = { scan_lower, SCAN_BSF },
	[X86_OP_BSR] = { scan_lower, SCAN_BSR },
	[X86_OP_BSWAP] = { bswap_lower, 0 },
	[X86_OP_BT] = { bit_lower, BIT_BT },
	[X86_OP_BTC] = { bit_lower, BIT_BTC },
	[X86_OP_BTR] = { bit_lower, BIT_BTR },
	[X86_OP_BTS] = { bit_lower, BIT_BTS },
	[X86_OP_CALL] = { call_lower, 0 },
	[X86_OP_CBW] = { convert_lower, 0 },
	[X86_OP_CLC] = { flag_lower, FLAG_CLC },
	[X86_OP_CLD] = { flag_lower, FLAG_CLD },
	[X86_OP_CLFLUSH] = { touch_lower, 0 },
	[X86_OP_CLFLUSHOPT] = { touch_lower, 0 },
	[X86_OP_CLWB] = { touch_lower, 0 },
	[X86_OP_CMC] = { flag_lower, FLAG_CMC },
	[X86_OP_CMOVCC] = { cmov_lower, 0 },
	[X86_OP_CMP] = { alu_lower, ALU_CMP },
	[X86_OP_CMPS] = { string_lower, STRING_CMPS },
	[X86_OP_CMPXCHG] = { atomic_lower, 0 },
	[X86_OP_CMPXCHG16B] = { atomic_lower, 0 },
	[X86_OP_CMPXCHG8B] = { atomic_lower, 0 },
	[X86_OP_CRC32] = { crc32_lower, 0 },
	[X86_OP_CWD] = { convert_lower, 1 },
	[X86_OP_DAA] = { bcd_lower, BCD_DAA },
	[X86_OP_DAS] = { bcd_lower, BCD_DAS },
	[X86_OP_DEC] = { unary_lower, 1 },
	[X86_OP_DIV] = { div_lower, 0 },
	[X86_OP_ENTER] = { enter_lower, 0 },
	[X86_OP_IDIV] = { div_lower, 1 },
	[X86_OP_IMUL] = { mul_lower, 1 },
	[X86_OP_INC] = { unary_lower, 0 },
	[X86_OP_JCC] = { jcc_lower, 0 },
	[X86_OP_JCXZ] = { loop_lower, LOOP_JCXZ },
	[X86_OP_JMP] = { jmp_lower, 0 },
	[X86_OP_LAHF] = { flag_lower, FLAG_LAHF },
	[X86_OP_LEA] = { lea_lower, 0 },
	[X86_OP_LEAVE] = { leave_lower, 0 },
	[X86_OP_LFENCE] = { nop_lower, 0 },
	[X86_OP_LODS] = { string_lower, STRING_LODS },
	[X86_OP_LOOP] = { loop_lower, LOOP_LOOP },
	[X86_OP_LOOPE] = { loop_lower, LOOP_LOOPE },
	[X86_OP_LOOPNE] = { loop_lower, LOOP_LOOPNE },
	[X86_OP_LZCNT] = { scan_lower, SCAN_LZCNT },
	[X86_OP_MFENCE] = { fence_lower, 0 },
	[X86_OP_MOV] = { mov_lower, 0 },
	[X86_OP_MOVBE] = { movbe_lower, 0 },
	[X86_OP_MOVDIRI] = { mov_lower, 0 },
	[X86_OP_MOVNTI] = { mov_lower, 0 },
	[X86_OP_MOVS] = { string_lower, STRING_MOVS },
	[X86_OP_MOVSX] = { extend_lower, 1 },
	[X86_OP_MOVSXD] = { extend_lower, 1 },
	[X86_OP_MOVZX] = { extend_lower, 0 },
	[X86_OP_MUL] = { mul_lower, 0 },
	[X86_OP_NEG] = { unary_lower, 2 },
	[X86_OP_NOP] = { nop_lower, 0 },
	[X86_OP_NOT] = { unary_lower, 3 },
	[X86_OP_OR] = { alu_lower, ALU_OR },
	[X86_OP_POP] = { pop_lower, 0 },
	[X86_OP_POPA] = { pusha_lower, 1 },
	[X86_OP_POPCNT] = { scan_lower, SCAN_POPCNT },
	[X86_OP_PUSH] = { push_lower, 0 },
	[X86_OP_PUSHA] = { pusha_lower, 0 },
	[X86_OP_RCL] = { shift_lower, SHIFT_RCL },
	[X86_OP_RCR] = { shift_lower, SHIFT_RCR },
	[X86_OP_RET] = { ret_lower, 0 },
	[X86_OP_ROL] = { shift_lower, SHIFT_ROL },
	[X86_OP_ROR] = { shift_lower, SHIFT_ROR },
	[X86_OP_SAHF] = { flag_lower, FLAG_SAHF },
	[X86_OP_SALC] = { flag_lower, FLAG_SALC },
	[X86_OP_SAR] = { shift_lower, SHIFT_SAR },
	[X86_OP_SBB] = { alu_lower, ALU_SBB },
	[X86_OP_SCAS] = { string_lower, STRING_SCAS },
	[X86_OP_SETCC] = { setcc_lower, 0 },
	[X86_OP_SFENCE] = { nop_lower, 0 },
	[X86_OP_SHL] = { shift_lower, SHIFT_SHL },
	[X86_OP_SHLD] = { shiftd_lower, 0 },
	[X86_OP_SHR] = { shift_lower, SHIFT_SHR },
	[X86_OP_SHRD] = { shiftd_lower, 1 },
	[X86_OP_STC] = { flag_lower, FLAG_STC },
	[X86_OP_STD] = { flag_lower, FLAG_STD },
	[X86_OP_STOS] = { string_lower, STRING_STOS },
	[X86_OP_SUB] = { alu_lower, ALU_SUB },
	[X86_OP_TEST] = { alu_lower, ALU_TEST },
	[X86_OP_TZCNT] = { scan_lower, SCAN_TZCNT },
	[X86_OP_XADD] = { atomic_lower, 0 },
	[X86_OP_XCHG] = { xchg_lower, 0 },
	[X86_OP_XLAT] = { xlat_lower, 0 },
	[X86_OP_XOR] = { alu_lower, ALU_XOR },
};

/* How the segment comes in: not at all, as one more register, or by itself. */
static void
lower_seg(const struct lowering *l, struct uop *u)
{
	bool based = u->seg == X86_FS || u->seg == X86_GS;
	uint8_t reg = u->seg == X86_FS ? GPR_FS : GPR_GS;

	if (!(l->c->mode & CM_CODE64)) {
		/* CS may be as flat as the others and still not be written. */
		if (based || u->seg == X86_CS || !(l->c->mode & CM_FLAT))
			u->shift |= EA_SEG;
		return;
	}
	if (!based)
		return;
	if (u->shift & EA_A32) {
		u->shift |= EA_SEG;
	} else if (u->base == GPR_NONE) {
		u->base = reg;
	} else if (u->index == GPR_NONE) {
		u->index = reg;
		u->shift = 0;
	} else {
		u->shift |= EA_SEG;
	}
}

/* The displacement is an address, of a table or a variable, not an offset. That
 * is a guess: wrong or without a register to spare it is but slower. */
static void
lower_high_base(struct uop *u)
{
	if (u->base == GPR_NONE) {
		u->base = GPR_4G;
	} else if (u->index == GPR_NONE) {
		u->index = GPR_4G;
		u->shift &= (uint8_t)~EA_SCALE;
	}
}

/* The memory operand's registers and displacement. end: offset of the next
 * instruction from the block's rip. */
static void
lower_mem(const struct lowering *l, struct uop *u, unsigned end)
{
	const struct x86_insn *in = l->in;

	u->base = in->base;
	u->index = in->index == X86_NO_REG ? GPR_NONE : in->index;
	u->shift = in->scale > 1 ? (uint8_t)__builtin_ctz(in->scale) : 0;
	u->seg = in->seg;
	u->disp = (int32_t)in->disp;
	if (in->base == X86_NO_REG)
		u->base = GPR_NONE;
	if (in->base == X86_BASE_RIP) {
		u->base = GPR_RIP;
		u->disp = (int32_t)((uint32_t)in->disp + end);
	}
	if (in->addrsize == 2)
		u->shift |= EA_A16;
	else if (in->addrsize == 4)
		u->shift |= l->c->mode & CM_FLAT32 ? EA_F32 : EA_A32;
	if (in->op == X86_OP_LEA)
		return;
	lower_seg(l, u);
	if ((u->shift & EA_F32) && u->disp < LOWEST_OFFSET)
		lower_high_base(u);
}

static bool
has_mem(const struct x86_insn *in)
{
	for (unsigned i = 0; i < in->nopnds; i++)
		if (in->opnd[i].kind == X86_OPND_MEM)
			return true;
	return false;
}

unsigned
lower_insn(struct lowering *l, struct uop *u, unsigned roff)
{
	const struct x86_insn *in = l->in;
	const struct lower_row *row;
	unsigned n = 0;

	*u = (struct uop){ .len = in->len,
		           .roff = (uint8_t)roff,
		           .base = GPR_NONE,
		           .index = GPR_NONE,
		           .seg = in->seg };
	if (has_mem(in))
		lower_mem(l, u, roff + in->len);
	if (in->attr & X86_A_HOST) {
		if (simd_lower(l->c, in, u))
			return 1;
	} else if (system_lower(l->c, in, u)) {
		return 1;
	} else if (in->lock) {
		n = atomic_lower(l, u);
	} else if (in->op < ARRAY_LEN(rows) && rows[in->op].fn != NULL) {
		row = &rows[in->op];
		l->arg = row->arg;
		n = row->fn(l, u);
	}
	if (n == 0) {
		u->fn = uop_ud;
		n = 1;
	}
	return n;
}

unsigned
lower_pair(struct lowering *l, const struct lowering *jcc, struct uop *u,
           unsigned roff)
{
	const struct x86_insn *in = l->in;

	*u = (struct uop){ .len = in->len,
		           .roff = (uint8_t)roff,
		           .base = GPR_NONE,
		           .index = GPR_NONE,
		           .seg = in->seg };
	if (has_mem(in))
		lower_mem(l, u, roff + in->len);
	return fused_lower(l, jcc, u);
}
