/* SPDX-License-Identifier: BSD-2-Clause */
/* decode.c - bytes to struct x86_insn, by the arrays made from insn.tab.
 *
 * Four steps: prefixes, opcode, choice of a row (a walk over nodes that look at
 * mode, ModRM, mandatory prefix and REX), operands. Every byte is taken through
 * need(), which knows both ends: of the bytes given and of the fifteen allowed.
 * Source: SDM vol. 2 chapter 2, appendix A. VEX and EVEX are not decoded yet:
 * their bytes have no row in 64-bit mode, nor with a register form elsewhere.
 * A new step before choose() is where they go.
 */
#include <string.h>

#include "x86/feature.h"
#include "x86/insn.h"
#include "x86/regs.h"

/* How an operand is found: the letters of insn.tab. */
enum how {
	H_NONE,
	H_E,
	H_G,
	H_R,
	H_M,
	H_Z,
	H_I,
	H_U,
	H_J,
	H_A,
	H_O,
	H_S,
	H_C,
	H_D,
	H_X,
	H_Y,
	H_L,
	H_K,
	H_V,
	H_W,
	H_P,
	H_Q,
	H_ST0,
	H_STI,
	H_XMM0,
	H_RAX,
	H_RCX,
	H_RDX,
	H_SEG, /* the size says which */
	H_ONE
};

enum size {
	S_0,
	S_B,
	S_W,
	S_D,
	S_Q,
	S_T,
	S_X,
	S_V,
	S_Z,
	S_Y,
	S_N,
	S_P,
	S_S,
	S_A,
	S_DB, /* register, then memory */
	S_DW,
	S_VW
};

enum {
	OSZ_V, /* what mode and prefixes say */
	OSZ_BYTE,
	OSZ_D64,
	OSZ_F64,
	OSZ_MASK = 3,
	ROW_NOMEM = 1 << 2, /* ModRM names a register whatever mod is */
	ROW_SHIFT = 1 << 3, /* flags depend on the count */
	ROW_66 = 1 << 4,
	ROW_F3 = 1 << 5,
	ROW_F2 = 1 << 6
};

struct row {
	uint16_t op, attr;
	uint8_t feature, flags, bits, nopnds;
	uint8_t how[4], size[4];
};

struct feature_bit {
	uint32_t leaf, subleaf;
	char reg; /* of e?x */
	uint8_t bit;
};

enum fact { F_MODE64, F_MOD, F_REG, F_RM, F_W, F_B, F_PREFIX };
enum { ENTRY_NODE = 0x8000, ENTRY_MODRM = 0x4000, ENTRY_PLACE = 0x3fff };

#include "x86/insn_tab.inc"

struct dec {
	const uint8_t *p;
	unsigned at, end;
	enum x86_mode mode;
	bool p66, p67, no_rep;
	uint8_t rep; /* 0, 0xf2, 0xf3: the last one */
	uint8_t seg; /* override or X86_NO_REG */
	uint8_t modrm;
	bool imm_done;
};

/* What the flags of a condition are (SDM vol. 1 appendix B). */
static const uint16_t cond_flags[8] = { X86_FL_OF,
	                                X86_FL_CF,
	                                X86_FL_ZF,
	                                X86_FL_CF | X86_FL_ZF,
	                                X86_FL_SF,
	                                X86_FL_PF,
	                                X86_FL_SF | X86_FL_OF,
	                                X86_FL_SF | X86_FL_OF | X86_FL_ZF };

static inline int
need(const struct dec *d, unsigned n)
{
	if (d->at + n <= d->end)
		return 0;
	return d->at + n > X86_MAX_INSN ? X86_E_LONG : X86_E_SHORT;
}

/* n little-endian bytes, sign-extended; need() was asked. */
static inline int64_t
take(struct dec *d, unsigned n)
{
	const uint8_t *p = d->p + d->at;
	int32_t v32;
	int64_t v64;
	int16_t v16;

	d->at += n;
	switch (n) {
	case 1:
		return (int8_t)p[0];
	case 2:
		memcpy(&v16, p, 2);
		return v16;
	case 4:
		memcpy(&v32, p, 4);
		return v32;
	default:
		memcpy(&v64, p, 8);
		return v64;
	}
}

/* Classes of prefix bytes; 0 is none. */
enum { PFX_SEG = 1, PFX_66, PFX_67, PFX_LOCK, PFX_REP, PFX_REX };

static const uint8_t prefix_class[256] = {
	[0x26] = PFX_SEG,  [0x2e] = PFX_SEG, [0x36] = PFX_SEG, [0x3e] = PFX_SEG,
	[0x64] = PFX_SEG,  [0x65] = PFX_SEG, [0x66] = PFX_66,  [0x67] = PFX_67,
	[0xf0] = PFX_LOCK, [0xf2] = PFX_REP, [0xf3] = PFX_REP, [0x40] = PFX_REX,
	[0x41] = PFX_REX,  [0x42] = PFX_REX, [0x43] = PFX_REX, [0x44] = PFX_REX,
	[0x45] = PFX_REX,  [0x46] = PFX_REX, [0x47] = PFX_REX, [0x48] = PFX_REX,
	[0x49] = PFX_REX,  [0x4a] = PFX_REX, [0x4b] = PFX_REX, [0x4c] = PFX_REX,
	[0x4d] = PFX_REX,  [0x4e] = PFX_REX, [0x4f] = PFX_REX,
};

static void
segment_prefix(struct dec *d, uint8_t b)
{
	if (b >= 0x64)
		d->seg = b == 0x64 ? X86_FS : X86_GS;
	else if (d->mode != X86_MODE_64) /* the others are ignored there */
		d->seg = (b >> 3) & 3;
}

/* Prefixes up to the opcode's first byte. REX counts as the last one only. */
static inline int
prefixes(struct dec *d, struct x86_insn *in)
{
	for (;; d->at++) {
		int r = need(d, 1);
		if (r != 0)
			return r;
		uint8_t b = d->p[d->at];
		uint8_t class = prefix_class[b];

		if (class == 0)
			return 0;
		if (class == PFX_REX) {
			if (d->mode != X86_MODE_64)
				return 0;
			in->rex = b;
			continue;
		}
		in->rex = 0;
		if (class == PFX_66)
			d->p66 = true;
		else if (class == PFX_67)
			d->p67 = true;
		else if (class == PFX_LOCK)
			in->lock = true;
		else if (class == PFX_REP)
			d->rep = b;
		else
			segment_prefix(d, b);
	}
}

/* The opcode's bytes; out_op indexes entry[]. */
static inline int
opcode(struct dec *d, struct x86_insn *in, unsigned *out_op)
{
	uint8_t b = d->p[d->at];
	unsigned map = 0;
	int r;

	if (b == 0x0f) {
		if ((r = need(d, 2)) != 0)
			return r;
		b = d->p[++d->at];
		map = 1;
		if (b == 0x38 || b == 0x3a) {
			if ((r = need(d, 2)) != 0)
				return r;
			map = b == 0x38 ? 2 : 3;
			b = d->p[++d->at];
		}
	}
	in->map = (uint8_t)map;
	in->opcode_at = (uint8_t)d->at++;
	*out_op = map * 256 + b;
	return 0;
}

/* The row that entry e leads to; 0: none. */
static inline unsigned
choose(const struct dec *d, const struct x86_insn *in, unsigned e)
{
	while (e & ENTRY_NODE) {
		const uint16_t *n = &node[e & ENTRY_PLACE];
		unsigned v = 0;

		switch ((enum fact)n[0]) {
		case F_MODE64:
			v = d->mode == X86_MODE_64;
			break;
		case F_MOD:
			v = d->modrm >= 0xc0;
			break;
		case F_REG:
			v = (d->modrm >> 3) & 7;
			break;
		case F_RM:
			v = d->modrm & 7;
			break;
		case F_PREFIX:
			if (d->rep != 0 && !d->no_rep)
				v = d->rep == 0xf3 ? 2 : 3;
			else
				v = d->p66;
			break;
		case F_W:
			v = (in->rex >> 3) & 1;
			break;
		case F_B:
			v = in->rex & 1;
			break;
		}
		e = n[1 + v];
	}
	return e;
}

/* 16-bit addresses (SDM vol. 2 table 2-1). */
static int
memory16(struct dec *d, struct x86_insn *in)
{
	static const uint8_t base[8] = { X86_RBX, X86_RBX, X86_RBP, X86_RBP,
		                         X86_RSI, X86_RDI, X86_RBP, X86_RBX };
	static const uint8_t index[4] = { X86_RSI, X86_RDI, X86_RSI, X86_RDI };
	unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
	unsigned n = mod == 0 ? 0 : mod;
	int r;

	in->base = base[rm];
	if (rm < 4)
		in->index = index[rm];
	if (mod == 0 && rm == 6) {
		in->base = X86_NO_REG;
		n = 2;
	}
	in->seg = in->base == X86_RBP ? X86_SS : X86_DS;
	if (n != 0) {
		if ((r = need(d, n)) != 0)
			return r;
		in->disp_at = (uint8_t)d->at;
		in->disp = take(d, n);
	}
	return 0;
}

/* 32- and 64-bit addresses (tables 2-2 and 2-3, 2.2.1.6 for RIP). */
static inline int
memory(struct dec *d, struct x86_insn *in)
{
	unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
	unsigned n = mod == 0 ? 0 : mod == 1 ? 1 : 4;
	int r;

	if (rm == 4) {
		if ((r = need(d, 1)) != 0)
			return r;
		uint8_t sib = d->p[d->at++];
		unsigned index =
		    ((sib >> 3) & 7) | ((unsigned)(in->rex & 2) << 2);

		rm = sib & 7;
		if (index != X86_RSP) {
			in->index = (uint8_t)index;
			in->scale = (uint8_t)(1u << (sib >> 6));
		}
		if (rm == 5 && mod == 0)
			n = 4;
		else
			in->base =
			    (uint8_t)(rm | ((unsigned)(in->rex & 1) << 3));
	} else if (rm == 5 && mod == 0) {
		n = 4;
		if (d->mode == X86_MODE_64)
			in->base = X86_BASE_RIP;
	} else {
		in->base = (uint8_t)(rm | ((unsigned)(in->rex & 1) << 3));
	}
	in->seg = in->base == X86_RSP || in->base == X86_RBP ? X86_SS : X86_DS;
	if (n != 0) {
		if ((r = need(d, n)) != 0)
			return r;
		in->disp_at = (uint8_t)d->at;
		in->disp = take(d, n);
	}
	return 0;
}

static inline uint8_t
operand_size(const struct dec *d, const struct x86_insn *in, uint8_t bits)
{
	bool p66 = d->p66 && !(bits & ROW_66);

	if ((bits & OSZ_MASK) == OSZ_BYTE)
		return 1;
	if (d->mode == X86_MODE_16)
		return p66 ? 4 : 2;
	if (d->mode == X86_MODE_32)
		return p66 ? 2 : 4;
	if ((in->rex & 8) || (bits & OSZ_MASK) == OSZ_F64)
		return 8;
	if (p66)
		return 2;
	return (bits & OSZ_MASK) == OSZ_D64 ? 8 : 4;
}

static inline uint8_t
size_of(const struct dec *d, const struct x86_insn *in, uint8_t size, bool mem)
{
	static const uint8_t fixed[] = {
		[S_0] = 0, [S_B] = 1,  [S_W] = 2, [S_D] = 4,
		[S_Q] = 8, [S_T] = 10, [S_X] = 16
	};

	if (size < sizeof(fixed))
		return fixed[size];
	switch (size) {
	case S_V:
		return in->opsize;
	case S_Z:
		return in->opsize == 8 ? 4 : in->opsize;
	case S_Y:
		return in->rex & 8 ? 8 : 4;
	case S_N:
		return d->mode == X86_MODE_64 ? 8 : 4;
	case S_P:
		return (uint8_t)(in->opsize + 2);
	case S_S:
		return d->mode == X86_MODE_64 ? 10 : 6;
	case S_A:
		return (uint8_t)(2 * in->opsize);
	case S_DB:
		return mem ? 1 : 4;
	case S_DW:
		return mem ? 2 : 4;
	default: /* S_VW */
		return mem ? 2 : in->opsize;
	}
}

static inline void
gpr(const struct x86_insn *in, struct x86_opnd *o, unsigned reg)
{
	o->kind = X86_OPND_GPR;
	o->reg = (uint8_t)reg;
	if (o->size == 1 && in->rex == 0 && reg >= 4) {
		o->kind = X86_OPND_GPR_HIGH;
		o->reg = (uint8_t)(reg & 3);
	}
}

static int
immediate(struct dec *d, struct x86_insn *in, struct x86_opnd *o, enum how how)
{
	int r = need(d, o->size);
	int64_t v;

	if (r != 0)
		return r;
	if (in->imm_at == 0)
		in->imm_at = (uint8_t)d->at;
	v = take(d, o->size);
	o->kind = how == H_J ? X86_OPND_REL : X86_OPND_IMM;
	if (how == H_U && o->size == 1)
		v = (uint8_t)v;
	else if (how == H_U)
		v = (uint16_t)v;
	if (d->imm_done)
		in->imm2 = (uint16_t)v;
	else
		in->imm = (uint64_t)v;
	d->imm_done = true;
	return 0;
}

static int
far_pointer(struct dec *d, struct x86_insn *in, struct x86_opnd *o)
{
	unsigned n = in->opsize;
	int r = need(d, n + 2);

	if (r != 0)
		return r;
	in->imm_at = (uint8_t)d->at;
	in->imm = (uint64_t)take(d, n);
	in->imm &= n == 2 ? 0xffffu : 0xffffffffu;
	in->imm2 = (uint16_t)take(d, 2);
	o->kind = X86_OPND_FAR;
	return 0;
}

static int
absolute(struct dec *d, struct x86_insn *in, struct x86_opnd *o)
{
	unsigned n = in->addrsize;
	int r = need(d, n);

	if (r != 0)
		return r;
	in->disp_at = (uint8_t)d->at;
	in->disp = take(d, n);
	if (n < 8)
		in->disp &= n == 2 ? 0xffff : 0xffffffff;
	in->seg = X86_DS;
	o->kind = X86_OPND_MEM;
	return 0;
}

/* The operands whose place no byte tells. */
static void
implicit(struct x86_insn *in, struct x86_opnd *o, enum how how)
{
	o->kind = X86_OPND_MEM;
	switch (how) {
	case H_X:
		in->base = X86_RSI;
		in->seg = X86_DS;
		break;
	case H_Y:
		if (in->base == X86_NO_REG) {
			in->base = X86_RDI;
			in->seg = X86_ES;
		}
		break;
	case H_L:
		in->base = X86_RBX;
		in->seg = X86_DS;
		break;
	case H_K:
		in->base = X86_RDI;
		in->seg = X86_DS;
		break;
	case H_ST0:
		o->kind = X86_OPND_ST;
		break;
	case H_XMM0:
		o->kind = X86_OPND_XMM;
		break;
	case H_ONE:
		o->kind = X86_OPND_IMM;
		in->imm = 1;
		break;
	default:
		o->kind = X86_OPND_NONE;
		break;
	}
}

/* Segment, control and debug registers that there are. */
static int
special(struct x86_insn *in, struct x86_opnd *o, enum how how, unsigned reg,
        bool dest)
{
	o->reg = (uint8_t)reg;
	if (how == H_S) {
		o->kind = X86_OPND_SREG;
		o->reg &= 7;
		o->size = 2;
		return o->reg > X86_GS || (dest && o->reg == X86_CS) ? X86_E_UD
		                                                     : 0;
	}
	if (how == H_C) {
		o->kind = X86_OPND_CR;
		return reg == 1 || (reg > 4 && reg != 8) ? X86_E_UD : 0;
	}
	(void)in;
	o->kind = X86_OPND_DR;
	return reg > 7 ? X86_E_UD : 0;
}

static inline int
operand(struct dec *d, struct x86_insn *in, unsigned i, enum how how,
        uint8_t size)
{
	struct x86_opnd *o = &in->opnd[i];
	unsigned reg = ((d->modrm >> 3) & 7) | ((unsigned)(in->rex & 4) << 1);
	unsigned rm = (d->modrm & 7) | ((unsigned)(in->rex & 1) << 3);
	bool mem = d->modrm < 0xc0;

	o->size = size_of(d, in, size, mem);
	switch (how) {
	case H_E:
		if (mem)
			o->kind = X86_OPND_MEM;
		else
			gpr(in, o, rm);
		return 0;
	case H_R:
		gpr(in, o, rm);
		return 0;
	case H_G:
		gpr(in, o, reg);
		return 0;
	case H_M:
		o->kind = X86_OPND_MEM;
		return 0;
	case H_Z:
		gpr(in, o,
		    (d->p[in->opcode_at] & 7) | ((unsigned)(in->rex & 1) << 3));
		return 0;
	case H_W:
	case H_Q:
		o->kind = X86_OPND_MEM;
		if (!mem) {
			o->kind = how == H_W ? X86_OPND_XMM : X86_OPND_MMX;
			o->reg = (uint8_t)(how == H_W ? rm : rm & 7);
		}
		return 0;
	case H_V:
		o->kind = X86_OPND_XMM;
		o->reg = (uint8_t)reg;
		return 0;
	case H_P:
		o->kind = X86_OPND_MMX;
		o->reg = (uint8_t)(reg & 7);
		return 0;
	case H_I:
	case H_U:
	case H_J:
		return immediate(d, in, o, how);
	case H_A:
		return far_pointer(d, in, o);
	case H_O:
		return absolute(d, in, o);
	case H_S:
	case H_C:
	case H_D:
		return special(in, o, how, how == H_S ? reg & 7 : reg, i == 0);
	case H_STI:
		o->kind = X86_OPND_ST;
		o->reg = (uint8_t)(rm & 7);
		return 0;
	case H_RAX:
	case H_RCX:
	case H_RDX:
		o->kind = X86_OPND_GPR;
		o->reg = (uint8_t)(how - H_RAX); /* in ModRM's order */
		return 0;
	case H_SEG:
		o->kind = X86_OPND_SREG;
		o->reg = size;
		o->size = 2;
		return 0;
	default:
		implicit(in, o, how);
		return 0;
	}
}

/* Flags of a shift or rotation by a known count. */
static void
shift_flags(struct x86_insn *in)
{
	const struct x86_opnd *last = &in->opnd[in->nopnds - 1];
	unsigned count = in->imm & (in->opsize == 8 ? 63 : 31);

	if (last->kind != X86_OPND_IMM)
		return;
	if (count == 0) {
		in->flags_read = in->flags_written = in->flags_undef = 0;
	} else if (count == 1) {
		in->flags_written |= X86_FL_OF;
		in->flags_undef &= ~X86_FL_OF;
	} else if (count >= in->opsize * 8u &&
	           (in->op == X86_OP_SHL || in->op == X86_OP_SHR)) {
		in->flags_written &= ~X86_FL_CF;
		in->flags_undef |= X86_FL_CF;
	} else if (count > in->opsize * 8u &&
	           (in->op == X86_OP_SHLD || in->op == X86_OP_SHRD)) {
		in->flags_undef |= in->flags_written;
		in->flags_written = 0;
	}
}

/* What depends on more than the row: REP, conditions, shift counts. */
static inline void
refine(const struct dec *d, struct x86_insn *in, const struct row *row)
{
	in->flags_read = row_flags[row->flags][0];
	in->flags_written = row_flags[row->flags][1];
	in->flags_undef = row_flags[row->flags][2];
	if (in->attr & X86_A_COND) {
		in->cond = d->p[in->opcode_at] & 15;
		in->flags_read |= cond_flags[in->cond >> 1];
	}
	if ((in->attr & X86_A_STRING) && d->rep != 0) {
		in->rep = d->rep == 0xf3 || in->flags_written == 0 ? X86_REP
		                                                   : X86_REPNE;
		in->flags_read |= in->flags_written; /* none of it at RCX 0 */
	}
	if (row->bits & ROW_SHIFT)
		shift_flags(in);
}

static int
decode(struct dec *d, struct x86_insn *in)
{
	const struct row *row;
	unsigned op, e, n;
	int r;

	if ((r = prefixes(d, in)) != 0 || (r = opcode(d, in, &op)) != 0)
		return r;
	e = entry[op];
	d->modrm = 0xc0;
	if (e & ENTRY_MODRM) {
		if ((r = need(d, 1)) != 0)
			return r;
		in->modrm_at = (uint8_t)d->at;
		d->modrm = d->p[d->at++];
	}
	n = choose(d, in, e & ~(unsigned)ENTRY_MODRM);
	if (n == 0)
		return X86_E_UD;
	row = &rows[n];
	in->op = row->op;
	in->attr = row->attr;
	in->feature = row->feature;
	in->nopnds = row->nopnds;
	in->prefix = row->bits & ROW_66   ? 0x66
	             : row->bits & ROW_F3 ? 0xf3
	             : row->bits & ROW_F2 ? 0xf2
	                                  : 0;
	in->opsize = operand_size(d, in, row->bits);
	in->addrsize = d->mode == X86_MODE_64               ? (d->p67 ? 4 : 8)
	               : (d->mode == X86_MODE_32) != d->p67 ? 4
	                                                    : 2;
	if (d->modrm < 0xc0 && !(row->bits & ROW_NOMEM)) {
		r = in->addrsize == 2 ? memory16(d, in) : memory(d, in);
		if (r != 0)
			return r;
	}
	for (unsigned i = 0; i < row->nopnds; i++) {
		r = operand(d, in, i, (enum how)row->how[i], row->size[i]);
		if (r != 0)
			return r;
	}
	if (d->end == X86_MAX_INSN) /* one copy of known size */
		memcpy(in->bytes, d->p, X86_MAX_INSN);
	else
		memcpy(in->bytes, d->p, d->at);
	if (d->seg != X86_NO_REG && in->seg != X86_ES)
		in->seg = d->seg;
	if (in->lock &&
	    (!(in->attr & X86_A_LOCKABLE) || in->opnd[0].kind != X86_OPND_MEM))
		return X86_E_UD;
	refine(d, in, row);
	in->len = (uint8_t)d->at;
	return (int)d->at;
}

static int
start(const uint8_t *bytes, size_t n, enum x86_mode mode, bool no_rep,
      struct x86_insn *out)
{
	struct dec d = { .p = bytes,
		         .end = n < X86_MAX_INSN ? (unsigned)n : X86_MAX_INSN,
		         .mode = mode,
		         .no_rep = no_rep,
		         .seg = X86_NO_REG };

	memset(out, 0, sizeof(*out));
	out->base = out->index = X86_NO_REG;
	out->scale = 1;
	out->seg = X86_DS;
	return decode(&d, out);
}

int
x86_decode(const uint8_t *bytes, size_t n, enum x86_mode mode,
           struct x86_insn *out)
{
	return start(bytes, n, mode, false, out);
}

bool
x86_insn_without(struct x86_insn *in, enum x86_mode mode)
{
	struct x86_insn old = *in;

	return (old.attr & X86_A_ALT) &&
	       start(old.bytes, old.len, mode, true, in) == old.len;
}

const char *
x86_op_name(unsigned op)
{
#define NAME(up, low) [X86_OP_##up] = low,
	static const char *const name[] = { X86_OPS(NAME) };
#undef NAME

	return op < sizeof(name) / sizeof(name[0]) && name[op] != NULL
	           ? name[op]
	           : "(none)";
}

uint64_t
x86_features(const struct cpuid_table *t)
{
	uint64_t set = 1u << X86_F_NONE;

	for (unsigned i = 1; i < X86_NFEATURES; i++) {
		const struct feature_bit *f = &feature_bits[i];
		struct cpuid_leaf l = cpuid_get(t, f->leaf, f->subleaf);
		uint32_t v = f->reg == 'a'   ? l.eax
		             : f->reg == 'b' ? l.ebx
		             : f->reg == 'c' ? l.ecx
		                             : l.edx;

		/* A leaf out of range answers with another's bits. */
		if (cpuid_get(t, f->leaf & 0xffff0000, 0).eax >= f->leaf &&
		    (v >> f->bit & 1))
			set |= 1ull << i;
	}
	return set;
}
