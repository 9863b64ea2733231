/* SPDX-License-Identifier: BSD-2-Clause */
/* make.c - making a block: decode instructions up to a branch, learn backward
 * which flags anybody may read, lower each to its uops.
 *
 * A conditional branch does not end a block: untaken, it goes on inside. Flags
 * are taken for read where a block ends, unless the instructions there, if in
 * the same page, say otherwise; those then count as bytes the block was made
 * from. Flags nobody reads may be stale in an image pushed by a fault or an
 * interrupt in between.
 */
#include <string.h>

#include "base/base.h"
#include "engine/soft/cache.h"
#include "engine/soft/fault.h"
#include "engine/soft/lower.h"
#include "x86/feature.h"

enum {
	MAX_BYTES = 240, /* of a block: offsets are in one byte */
	PEEK_INSNS = 4
};

struct making {
	struct cpu *c;
	uint64_t features;
	const struct code_place *place;
	struct block *b;
	enum x86_mode mode;
	bool alone;     /* one instruction, then to the run loop */
	unsigned n;     /* instructions */
	unsigned bytes; /* of them */
	int error;      /* what ended it: an X86_E_*, which is the last uop */
	struct x86_insn insn[BLOCK_MAX_INSNS];
	uint32_t live[BLOCK_MAX_INSNS]; /* flags read after it */
};

/* Bytes that may be read from off bytes into the code on, up to 15: the segment
 * and the page (or both pages) end somewhere. */
static size_t
bytes_at(const struct making *m, unsigned off, uint8_t *buf)
{
	const struct code_place *p = m->place;
	const struct cpu *c = m->c;
	size_t page = GUEST_PAGE - (p->gpa % GUEST_PAGE), n = X86_MAX_INSN;
	size_t first;

	if (!(c->mode & CM_CODE64)) {
		uint64_t room = c->seg[X86_CS].limit - c->rip + 1;

		if (off >= room)
			return 0;
		if (n > room - off)
			n = room - off;
	}
	if (off >= page)
		return 0;
	first = page - off < n ? page - off : n;
	memcpy(buf, p->host + off, first);
	if (p->gpa2 == BLOCK_ONE_PAGE)
		return first;
	memcpy(buf + first, p->host2, n - first);
	return n;
}

/* What CPUID does not show is not there. */
static int
decode(const struct making *m, const uint8_t *buf, size_t n,
       struct x86_insn *in)
{
	int len = x86_decode(buf, n, m->mode, in);

	if (len < 0 || (m->features >> in->feature & 1))
		return len;
	if ((in->attr & X86_A_ALT) && x86_insn_without(in, m->mode))
		return len;
	return X86_E_UD;
}

/* Does control never come to the instruction after it in this block? */
static bool
ends(const struct x86_insn *in)
{
	if (in->op == X86_OP_JCC || in->op == X86_OP_LOOP ||
	    in->op == X86_OP_LOOPE || in->op == X86_OP_LOOPNE ||
	    in->op == X86_OP_JCXZ)
		return false;
	return (in->attr & (X86_A_BRANCH | X86_A_END)) != 0;
}

/* False: the first instruction needs the next page. */
static bool
decode_all(struct making *m)
{
	unsigned max = m->alone ? 1 : BLOCK_MAX_INSNS;
	uint8_t buf[X86_MAX_INSN];
	size_t n;
	int len;

	while (m->n < max && m->bytes < MAX_BYTES - X86_MAX_INSN) {
		n = bytes_at(m, m->bytes, buf);
		if (n == 0 && m->n > 0)
			break;
		len = decode(m, buf, n, &m->insn[m->n]);
		if (len == X86_E_SHORT) {
			uint64_t end =
			    m->place->gpa % GUEST_PAGE + m->bytes + n;

			if (m->n > 0)
				break;
			if (end >= GUEST_PAGE &&
			    m->place->gpa2 == BLOCK_ONE_PAGE)
				return false;
			/* Over the segment's limit. */
			fault_set_error(m->c, X86_GP, 0);
			return true;
		}
		if (len < 0) {
			m->error = len;
			break;
		}
		m->bytes += (unsigned)len;
		m->n++;
		if (ends(&m->insn[m->n - 1]) ||
		    m->place->gpa2 != BLOCK_ONE_PAGE)
			break;
	}
	return true;
}

/* Is rip, of the block's own linear page, in reach of its host pointer? */
static bool
same_page(const struct making *m, uint64_t rip)
{
	uint64_t off = m->place->gpa % GUEST_PAGE + (rip - m->c->rip);

	return (m->c->mode & CM_FLAT) && m->place->gpa2 == BLOCK_ONE_PAGE &&
	       off < GUEST_PAGE;
}

/* Flags that code at rip may read before it sets them. */
static uint32_t
peek(struct making *m, uint64_t rip)
{
	const uint8_t *page = m->place->host - m->place->gpa % GUEST_PAGE;
	uint64_t off = m->place->gpa % GUEST_PAGE + (rip - m->c->rip);
	uint32_t read = 0, open = X86_FL_ARITH;
	struct x86_insn in;

	if (m->alone || !same_page(m, rip))
		return X86_FL_ARITH;
	for (unsigned i = 0; i < PEEK_INSNS && open != 0; i++) {
		size_t n = GUEST_PAGE - off;
		int len;

		if (n == 0)
			break;
		len = decode(m, page + off, n < 15 ? n : 15, &in);
		if (len < 0)
			break;
		m->b->granules |= granules(off, (unsigned)len);
		read |= in.flags_read & open;
		open &= ~(in.flags_written | in.flags_undef);
		if (in.attr & (X86_A_BRANCH | X86_A_END))
			break;
		off += (unsigned)len;
	}
	return read | open;
}

static uint64_t
rip_after(const struct making *m, unsigned bytes)
{
	uint64_t rip = m->c->rip + bytes;

	return m->mode == X86_MODE_64 ? rip : (uint32_t)rip;
}

/* Where a direct branch goes; near only, as branch.c computes it. */
static uint64_t
branch_to(const struct making *m, const struct x86_insn *in, unsigned end)
{
	uint64_t t = rip_after(m, end) + in->imm;

	if (m->mode == X86_MODE_64)
		return t;
	return in->opsize == 2 ? (uint16_t)t : (uint32_t)t;
}

static bool
is_direct(const struct x86_insn *in)
{
	return in->nopnds > 0 && in->opnd[in->nopnds - 1].kind == X86_OPND_REL;
}

static void
find_live(struct making *m)
{
	unsigned end = m->bytes;
	const struct x86_insn *last = m->n > 0 ? &m->insn[m->n - 1] : NULL;
	uint32_t live = X86_FL_ARITH;

	if (last != NULL && m->error == 0 && !(ends(last)))
		live = peek(m, rip_after(m, end));
	else if (last != NULL && m->error == 0 && is_direct(last))
		live = 0; /* where it leads is looked at below */
	for (unsigned i = m->n; i-- > 0;) {
		const struct x86_insn *in = &m->insn[i];

		if (is_direct(in))
			live |= peek(m, branch_to(m, in, end));
		m->live[i] = live;
		live &= ~(in->flags_written | in->flags_undef);
		live |= in->flags_read & X86_FL_ARITH;
		end -= in->len;
	}
}

/* Does it always go elsewhere? */
static bool
never_passes(const struct x86_insn *in)
{
	return in->op == X86_OP_JMP || in->op == X86_OP_CALL ||
	       in->op == X86_OP_RET;
}

/* The way on after the last instruction. */
static unsigned
lower_end(const struct making *m, struct uop *u)
{
	struct lowering l = { .c = m->c };
	uint64_t next = rip_after(m, m->bytes);

	*u = (struct uop){ .imm = next };
	if (m->error != 0) {
		u->fn = m->error == X86_E_LONG ? uop_long : uop_ud;
		u->len = 1;
		u->roff = (uint8_t)m->bytes;
		return 1;
	}
	if (m->alone) {
		u->fn = uop_leave;
		return 1;
	}
	/* Nothing may come between STI and the instruction after it. */
	u->fn = m->n > 0 && m->insn[m->n - 1].op == X86_OP_STI ? uop_goto_on
	                                                       : uop_goto;
	l.near = same_page(m, next);
	lower_link(&l, u);
	return 2;
}

static struct lowering
lowering_of(const struct making *m, unsigned i, unsigned off)
{
	const struct x86_insn *in = &m->insn[i];
	struct lowering l = { .c = m->c,
		              .in = in,
		              .rip = rip_after(m, off),
		              .next = rip_after(m, off + in->len),
		              .live = m->live[i],
		              .alone = m->alone };

	l.near = is_direct(in) && same_page(m, branch_to(m, in, off + in->len));
	return l;
}

static bool
is_compare(const struct x86_insn *in)
{
	return (in->op == X86_OP_CMP || in->op == X86_OP_TEST) && !in->lock;
}

static unsigned
lower_all(const struct making *m, struct uop *u)
{
	unsigned off = 0, at = 0;

	for (unsigned i = 0; i < m->n; i++) {
		struct lowering l = lowering_of(m, i, off);
		unsigned n = 0;

		if (is_compare(l.in) && i + 1 < m->n &&
		    m->insn[i + 1].op == X86_OP_JCC) {
			struct lowering j =
			    lowering_of(m, i + 1, off + l.in->len);

			l.live = j.live;
			n = lower_pair(&l, &j, &u[at], off);
			if (n > 0)
				off += m->insn[i++].len;
			else
				l.live = m->live[i];
		}
		if (n == 0)
			n = lower_insn(&l, &u[at], off);
		off += m->insn[i].len;
		at += n;
	}
	if (m->error == 0 && never_passes(&m->insn[m->n - 1]))
		return at;
	return at + lower_end(m, &u[at]);
}

bool
block_make(struct cpu *c, uint64_t features, const struct code_place *p,
           struct block *b)
{
	struct making m = {
		.c = c,
		.features = features,
		.place = p,
		.b = b,
		.mode = c->mode & CM_CODE64   ? X86_MODE_64
		        : c->mode & CM_CODE32 ? X86_MODE_32
		                              : X86_MODE_16,
		.alone = (c->mode & (CM_SHADOW | CM_TF)) != 0,
	};
	uint64_t off = p->gpa % GUEST_PAGE, room = GUEST_PAGE - off, len;

	*b = (struct block){
		.rip = c->rip,
		.gpa = p->gpa,
		.mode = c->mode,
		.age = BLOCK_YOUNG,
		.two = p->gpa2 != BLOCK_ONE_PAGE,
	};
	if (!decode_all(&m))
		return false;
	if (c->exc.pending)
		return true;
	/* A bad instruction was bad for one of its bytes. */
	len = m.bytes + (m.error != 0 ? X86_MAX_INSN : 0);
	b->granules = granules(off, len < room ? len : room);
	find_live(&m);
	b->ninsns = (uint8_t)m.n;
	b->nbytes = (uint8_t)(m.bytes + (m.error != 0));
	b->nuops = (uint16_t)lower_all(&m, b->uop);
	if (b->two)
		*block_second(b) = (struct block_second){ .gpa = p->gpa2 };
	return true;
}
