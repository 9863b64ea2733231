/* SPDX-License-Identifier: BSD-2-Clause */
/* shift.c - SHL SHR SAR ROL ROR RCL RCR SHLD SHRD.
 *
 * Quick kinds for registers of 32 and 64 bits; everything else by one handler
 * that looks at aux. A count of zero leaves the flags alone. Source: Intel SDM
 * vol. 2.
 */
#include "engine/soft/access.h"
#include "engine/soft/lower.h"

/* CF and OF are set, the others stay. */
static void
set_rotated(struct cpu *c, bool cf, bool of)
{
	cc_set_flags(c, (cc_flags(c) & ~(uint64_t)(X86_FL_CF | X86_FL_OF)) |
	                    (cf ? X86_FL_CF : 0) | (of ? X86_FL_OF : 0));
}

SOFT_INLINE bool
bit(uint64_t v, unsigned n)
{
	return v >> n & 1;
}

/* RCL: bits + 1 bits turn, CF the topmost. */
static uint64_t
rotate_carry(struct cpu *c, bool right, unsigned bits, bool live, uint64_t v,
             unsigned n)
{
	bool cf = cc_cf(c), out;

	n %= bits + 1;
	for (unsigned i = 0; i < n; i++) {
		if (right) {
			out = v & 1;
			v = v >> 1 | (uint64_t)cf << (bits - 1);
		} else {
			out = bit(v, bits - 1);
			v = zext(v << 1 | cf, bits);
		}
		cf = out;
	}
	if (live && n > 0)
		set_rotated(
		    c, cf, bit(v, bits - 1) != (right ? bit(v, bits - 2) : cf));
	return v;
}

SOFT_INLINE uint64_t
rotate(unsigned bits, bool right, uint64_t v, unsigned n)
{
	n %= bits;
	if (right)
		n = (bits - n) % bits;
	return n == 0 ? v : zext(v << n | v >> (bits - n), bits);
}

/* v zero-extended; n masked and not zero. */
SOFT_INLINE uint64_t
shift_do(struct cpu *c, enum shift_op op, unsigned bits, bool live, uint64_t v,
         unsigned n)
{
	uint64_t r;

	switch (op) {
	case SHIFT_SHL:
	case SHIFT_SAL:
		r = v << n;
		if (live)
			cc_set(c, CC_SHL, bits, r, v << (n - 1));
		return r;
	case SHIFT_SHR:
		r = v >> n;
		if (live)
			cc_set(c, CC_SHR, bits, r, v >> (n - 1));
		return r;
	case SHIFT_SAR:
		v = sext(v, bits);
		r = (uint64_t)((int64_t)v >> n);
		if (live)
			cc_set(c, CC_SAR, bits, r,
			       (uint64_t)((int64_t)v >> (n - 1)));
		return r;
	case SHIFT_ROL:
		r = rotate(bits, false, v, n);
		if (live)
			set_rotated(c, r & 1, bit(r, bits - 1) != (r & 1));
		return r;
	case SHIFT_ROR:
		r = rotate(bits, true, v, n);
		if (live)
			set_rotated(c, bit(r, bits - 1),
			            bit(r, bits - 1) != bit(r, bits - 2));
		return r;
	default:
		return rotate_carry(c, op == SHIFT_RCR, bits, live, v, n);
	}
}

SOFT_INLINE const struct uop *
shift_ri(struct cpu *c, const struct uop *u, int kind, enum shift_op op,
         unsigned bits, bool live)
{
	reg_set(
	    c, u->rd, bits,
	    shift_do(c, op, bits, live, reg_get(c, u->rd, bits), u->aux & 63));
	DONE(kind, c, u);
}

/* By CL. */
SOFT_INLINE const struct uop *
shift_rc(struct cpu *c, const struct uop *u, int kind, enum shift_op op,
         unsigned bits, bool live)
{
	unsigned n = (unsigned)c->gpr[X86_RCX] & (bits - 1);
	uint64_t v = reg_get(c, u->rd, bits);

	if (n != 0)
		v = shift_do(c, op, bits, live, v, n);
	reg_set(c, u->rd, bits, v);
	DONE(kind, c, u);
}

/* clang-format off */
/* Those that call for their flags return instead of jumping on. */
#define QUICK(op, OP, bits, kind)                                              \
	static UOP(op##bits##_ri) { return shift_ri(c, u, kind, OP, bits, true); } \
	static UOP(op##bits##_ri_n) { return shift_ri(c, u, AT_BD, OP, bits, false); } \
	static UOP(op##bits##_rc) { return shift_rc(c, u, kind, OP, bits, true); } \
	static UOP(op##bits##_rc_n) { return shift_rc(c, u, AT_BD, OP, bits, false); }
#define QUICK_BOTH(op, OP, kind) QUICK(op, OP, 32, kind) QUICK(op, OP, 64, kind)
QUICK_BOTH(rol, SHIFT_ROL, AT_ANY)
QUICK_BOTH(ror, SHIFT_ROR, AT_ANY)
QUICK_BOTH(shl, SHIFT_SHL, AT_BD)
QUICK_BOTH(shr, SHIFT_SHR, AT_BD)
QUICK_BOTH(sar, SHIFT_SAR, AT_BD)
#define ROW(op, bits)                                                          \
	{ { op##bits##_ri, op##bits##_ri_n }, { op##bits##_rc, op##bits##_rc_n } }
#define BOTH(op) { ROW(op, 32), ROW(op, 64) }
/* [op][64?][by CL][dead] */
static uop_fn *const quick[NSHIFT][2][2][2] = {
	[SHIFT_ROL] = BOTH(rol), [SHIFT_ROR] = BOTH(ror), [SHIFT_SHL] = BOTH(shl),
	[SHIFT_SHR] = BOTH(shr), [SHIFT_SAR] = BOTH(sar)
};
/* clang-format on */

/* aux of all others. */
enum {
	AUX_OP_SHIFT = 8, /* below: the count */
	AUX_LOG2_SHIFT = 12,
	AUX_CL = 1 << 16,
	AUX_LIVE = 1 << 17
};

static uint64_t
shift_by_aux(struct cpu *c, const struct uop *u, uint64_t v)
{
	enum shift_op op = u->aux >> AUX_OP_SHIFT & 7;
	bool live = (u->aux & AUX_LIVE) != 0;
	unsigned size = u->aux >> AUX_LOG2_SHIFT & 3;
	unsigned n = (unsigned)(u->aux & AUX_CL ? c->gpr[X86_RCX] : u->aux);

	n &= size == 3 ? 63 : 31;
	if (n == 0)
		return v;
	switch (size) {
	case 0:
		return shift_do(c, op, 8, live, v, n);
	case 1:
		return shift_do(c, op, 16, live, v, n);
	case 2:
		return shift_do(c, op, 32, live, v, n);
	default:
		return shift_do(c, op, 64, live, v, n);
	}
}

static SOFT_COLD
UOP(shift_r)
{
	unsigned bits = 8u << (u->aux >> AUX_LOG2_SHIFT & 3);

	regx_set(c, AT_ANY, u->rd, bits,
	         shift_by_aux(c, u, regx_get(c, AT_ANY, u->rd, bits)));
	return u + 1;
}

static SOFT_COLD
UOP(shift_m)
{
	unsigned bits = 8u << (u->aux >> AUX_LOG2_SHIFT & 3);
	struct mmu_bounce b;
	void *p;

	if (!rmw_begin(c, u, AT_ANY, bits, &b, &p))
		return mem_fault(c, u);
	host_set(p, bits, shift_by_aux(c, u, host_get(p, bits)));
	rmw_end(c, AT_ANY, &b);
	return u + 1;
}

/* l->arg: enum shift_op. */
unsigned
shift_lower(const struct lowering *l, struct uop *u)
{
	const struct x86_opnd *dst = &l->in->opnd[0];
	bool cl = l->in->opnd[1].kind == X86_OPND_GPR;
	bool dead = lower_live(l) == 0;
	unsigned log2 = lower_log2(dst->size);
	unsigned n = (unsigned)l->in->imm & (log2 == 3 ? 63 : 31);

	u->rd = lower_reg(dst);
	u->aux = n | l->arg << AUX_OP_SHIFT | log2 << AUX_LOG2_SHIFT |
	         (cl ? AUX_CL : 0) | (dead ? 0 : AUX_LIVE);
	if (dst->kind == X86_OPND_MEM)
		u->fn = shift_m;
	else if (log2 < 2 || quick[l->arg][log2 - 2][cl][dead] == NULL ||
	         (!cl && n == 0))
		u->fn = shift_r;
	else
		u->fn = quick[l->arg][log2 - 2][cl][dead];
	return 1;
}

/* SHLD, SHRD. aux as above, with op SHIFT_SHL or SHIFT_SHR. */
static uint64_t
shiftd_by_aux(struct cpu *c, const struct uop *u, uint64_t v)
{
	bool right = (u->aux >> AUX_OP_SHIFT & 7) == SHIFT_SHR;
	unsigned bits = 8u << (u->aux >> AUX_LOG2_SHIFT & 3);
	unsigned n = (unsigned)(u->aux & AUX_CL ? c->gpr[X86_RCX] : u->aux);
	uint64_t s = reg_get(c, u->rs, bits), r, last;

	n &= bits == 64 ? 63 : 31;
	if (n == 0)
		return v;
	if (bits == 16) {
		/* Counts over 16 are undefined: the bits go on round. */
		if (right) {
			v |= s << 16 | v << 32;
			last = v >> (n - 1);
			r = v >> n;
		} else {
			v = v << 32 | s << 16 | v;
			last = v >> (33 - n);
			r = v >> (32 - n);
		}
	} else if (right) {
		last = v >> (n - 1);
		r = v >> n | s << (bits - n);
	} else {
		last = v << (n - 1);
		r = v << n | s >> (bits - n);
	}
	cc_set(c, right ? CC_SHR : CC_SHL, bits, r, last);
	return r;
}

static UOP(shiftd_r)
{
	unsigned bits = 8u << (u->aux >> AUX_LOG2_SHIFT & 3);

	reg_set(c, u->rd, bits, shiftd_by_aux(c, u, reg_get(c, u->rd, bits)));
	return u + 1;
}

static SOFT_COLD
UOP(shiftd_m)
{
	unsigned bits = 8u << (u->aux >> AUX_LOG2_SHIFT & 3);
	struct mmu_bounce b;
	void *p;

	if (!rmw_begin(c, u, AT_ANY, bits, &b, &p))
		return mem_fault(c, u);
	host_set(p, bits, shiftd_by_aux(c, u, host_get(p, bits)));
	rmw_end(c, AT_ANY, &b);
	return u + 1;
}

/* l->arg: 1 SHRD. */
unsigned
shiftd_lower(const struct lowering *l, struct uop *u)
{
	unsigned op = l->arg ? SHIFT_SHR : SHIFT_SHL;

	u->rd = l->in->opnd[0].reg;
	u->rs = l->in->opnd[1].reg;
	u->aux = ((unsigned)l->in->imm & 63) | op << AUX_OP_SHIFT |
	         lower_log2(l->in->opnd[0].size) << AUX_LOG2_SHIFT |
	         (l->in->opnd[2].kind == X86_OPND_GPR ? AUX_CL : 0);
	u->fn = lower_is_mem(l, 0) ? shiftd_m : shiftd_r;
	return 1;
}
