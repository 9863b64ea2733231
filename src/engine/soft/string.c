/* SPDX-License-Identifier: BSD-2-Clause */
/* string.c - MOVS STOS LODS CMPS SCAS, alone or repeated.
 *
 * Repeated forward they go by spans: as many elements as both pages hold, by
 * host pointers, then registers are updated and events looked at. Everything
 * else (backward, MMIO, code pages, elements across pages) goes element by
 * element. A fault or an event in between leaves RIP on the instruction and the
 * registers where it stopped. Source: Intel SDM vol. 2 REP, vol. 1 7.3.9.
 */
#include <string.h>

#include "engine/soft/branch.h"
#include "engine/soft/lower.h"
#include "engine/soft/seg.h"

/* aux */
enum {
	AUX_OP = 7,         /* enum string_op */
	AUX_LOG2_SHIFT = 3, /* of the element's bytes */
	AUX_A_SHIFT = 5,    /* log2 of the address size in bytes */
	AUX_REP_SHIFT = 8   /* enum x86_rep */
};

enum { SPAN_MAX = 4096 }; /* mmu_span() gives no more than a page */

struct job {
	struct cpu *c;
	const struct uop *u;
	enum string_op op;
	unsigned bits, size, abits;
	unsigned rep;
	bool src, dst; /* which of rSI and rDI it uses */
	uint64_t step; /* to the next element */
};

static uint64_t
counter(const struct job *j)
{
	return j->rep != X86_REP_NONE ? reg_get(j->c, X86_RCX, j->abits) : 1;
}

/* n elements are done. */
static void
advance(const struct job *j, uint64_t n)
{
	struct cpu *c = j->c;

	if (j->src)
		reg_set(c, X86_RSI, j->abits, c->gpr[X86_RSI] + n * j->step);
	if (j->dst)
		reg_set(c, X86_RDI, j->abits, c->gpr[X86_RDI] + n * j->step);
	if (j->rep != X86_REP_NONE)
		reg_set(c, X86_RCX, j->abits, c->gpr[X86_RCX] - n);
}

/* Linear address of len bytes at rSI or rDI. */
static bool
linear(const struct job *j, unsigned reg, unsigned seg, unsigned len,
       bool write, uint64_t *la)
{
	struct cpu *c = j->c;
	uint64_t off = reg_get(c, reg, j->abits);

	if ((c->mode & CM_CODE64)
	        ? seg == X86_FS || seg == X86_GS
	        : !(c->mode & CM_FLAT) || seg == X86_FS || seg == X86_GS)
		return seg_la(c, seg, off, len, write, la);
	*la = off;
	return true;
}

static bool
src_linear(const struct job *j, unsigned len, uint64_t *la)
{
	return !j->src || linear(j, X86_RSI, j->u->seg, len, false, la);
}

static bool
dst_linear(const struct job *j, unsigned len, uint64_t *la)
{
	bool write = j->op == STRING_MOVS || j->op == STRING_STOS;

	return !j->dst || linear(j, X86_RDI, X86_ES, len, write, la);
}

/* Does a repetition go on after comparing? */
static bool
goes_on(const struct job *j, bool equal)
{
	return j->rep == X86_REP ? equal : !equal;
}

/* One element. False: c->exc. *stop: a comparison ended the repetition. */
static bool
one(const struct job *j, bool *stop)
{
	struct cpu *c = j->c;
	uint64_t s = 0, d = 0, a = reg_get(c, X86_RAX, j->bits), v = 0, w = 0;

	if (!src_linear(j, j->size, &s) || !dst_linear(j, j->size, &d))
		return false;
	if (j->src && !mem_load(c, s, j->size, &v))
		return false;
	switch (j->op) {
	case STRING_MOVS:
	case STRING_STOS:
		if (!mem_store(c, d, j->size, j->src ? v : a))
			return false;
		break;
	case STRING_LODS:
		reg_set(c, X86_RAX, j->bits, v);
		break;
	default:
		if (!mem_load(c, d, j->size, &w))
			return false;
		if (j->op == STRING_SCAS)
			v = a;
		cc_set(c, CC_SUB, j->bits, v - w, v);
		*stop = j->rep != X86_REP_NONE && !goes_on(j, v == w);
	}
	advance(j, 1);
	return true;
}

static void
fill(uint8_t *d, uint64_t v, unsigned size, uint64_t n)
{
	if (size == 1 || v == 0) {
		memset(d, (int)(v & 0xff), n * size);
		return;
	}
	for (; n > 0; n--, d += size)
		host_set(d, size * 8, v);
}

/* Forward, as the elements would be copied one by one. */
static void
copy(uint8_t *d, const uint8_t *s, unsigned size, uint64_t n)
{
	if (d <= s || d >= s + n * size) {
		memmove(d, s, n * size);
		return;
	}
	for (; n > 0; n--, d += size, s += size)
		host_set(d, size * 8, host_get(s, size * 8));
}

/* Compare up to n elements: how many until it stops. */
static uint64_t
compare(const struct job *j, const uint8_t *s, const uint8_t *d, uint64_t n,
        bool *stop)
{
	uint64_t i, v = reg_get(j->c, X86_RAX, j->bits), w = 0;

	for (i = 0; i < n && !*stop; i++) {
		if (j->src)
			v = host_get(s + i * j->size, j->bits);
		w = host_get(d + i * j->size, j->bits);
		*stop = !goes_on(j, v == w);
	}
	cc_set(j->c, CC_SUB, j->bits, v - w, v);
	return i;
}

/* As many of n elements as spans allow: how many were done; 0: take one the
 * other way (or c->exc). */
static uint64_t
many(const struct job *j, uint64_t n, bool *stop)
{
	struct cpu *c = j->c;
	uint64_t s = 0, d = 0, wrap;
	unsigned len, want = SPAN_MAX;
	uint8_t *ps = NULL, *pd = NULL;
	bool write = j->op == STRING_MOVS || j->op == STRING_STOS;

	if (n < SPAN_MAX / j->size)
		want = (unsigned)n * j->size;
	/* Where the address wraps around is none of a span's business. */
	for (unsigned r = 0; j->abits < 64 && r < 2; r++) {
		wrap = (1ull << j->abits) -
		       reg_get(c, r ? X86_RDI : X86_RSI, j->abits);
		if ((r ? j->dst : j->src) && want > wrap)
			want = (unsigned)wrap;
	}
	if (!src_linear(j, want, &s) || !dst_linear(j, want, &d)) {
		c->exc.pending = false; /* the element that is over faults */
		return 0;
	}
	if (j->dst) {
		len = want;
		pd = mmu_span(c, d, write, &len);
		if (pd == NULL)
			return 0;
		want = len < want ? len : want;
	}
	if (j->src) {
		len = want;
		ps = mmu_span(c, s, false, &len);
		if (ps == NULL)
			return 0;
		want = len < want ? len : want;
	}
	n = want / j->size;
	if (n == 0)
		return 0;
	if (j->op == STRING_MOVS)
		copy(pd, ps, j->size, n);
	else if (j->op == STRING_STOS)
		fill(pd, c->gpr[X86_RAX], j->size, n);
	else if (j->op == STRING_LODS)
		reg_set(c, X86_RAX, j->bits,
		        host_get(ps + (n - 1) * j->size, j->bits));
	else
		n = compare(j, ps, pd, n, stop);
	advance(j, n);
	return n;
}

static struct job
job_of(struct cpu *c, const struct uop *u)
{
	struct job j = { .c = c, .u = u, .op = u->aux & AUX_OP };

	j.size = 1u << (u->aux >> AUX_LOG2_SHIFT & 3);
	j.bits = j.size * 8;
	j.abits = 8u << (u->aux >> AUX_A_SHIFT & 3);
	j.rep = u->aux >> AUX_REP_SHIFT;
	j.src =
	    j.op == STRING_MOVS || j.op == STRING_LODS || j.op == STRING_CMPS;
	j.dst = j.op != STRING_LODS;
	j.step = c->rflags & X86_FL_DF ? 0 - (uint64_t)j.size : j.size;
	return j;
}

static SOFT_COLD
UOP(string_once)
{
	struct job j = job_of(c, u);
	bool stop;

	return one(&j, &stop) ? u + 1 : mem_fault(c, u);
}

static SOFT_COLD
UOP(string_rep)
{
	struct job j = job_of(c, u);
	bool stop = false;
	uint64_t n;

	while ((n = counter(&j)) > 0 && !stop) {
		if (!(c->rflags & X86_FL_DF) && !(c->mode & CM_TF) &&
		    many(&j, n, &stop) > 0) {
			;
		} else {
			if (c->exc.pending || !one(&j, &stop))
				return cpu_fault_set(c, u);
		}
		if (stop || counter(&j) == 0)
			break;
		if (events(c) || (c->mode & CM_TF)) {
			c->rip += u->roff;
			return NULL;
		}
	}
	return u + 1;
}

/* l->arg: enum string_op. */
unsigned
string_lower(const struct lowering *l, struct uop *u)
{
	const struct x86_insn *in = l->in;
	unsigned size = in->opnd[0].size;

	u->seg = in->seg;
	u->aux = l->arg | lower_log2(size) << AUX_LOG2_SHIFT |
	         lower_log2(in->addrsize) << AUX_A_SHIFT |
	         (unsigned)in->rep << AUX_REP_SHIFT;
	u->fn = in->rep == X86_REP_NONE ? string_once : string_rep;
	return 1;
}
