/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.c - the software engine against the processor it runs on, in 64-bit
 * code and, three rounds in eight, in 32-bit and 16-bit code.
 *
 * usage: oracle [-n cases] [-s seed] [-i index] [-o op] [-q] [-e]
 *
 * Every comparable row of insn.tab in turn is encoded at random, alone or as
 * the first of a few instructions, and run from eight states by both. Compared
 * are general, x87, MMX and SSE registers, flags but for undefined ones,
 * memory, RIP and faults with their codes. A difference is told with what
 * repeats it: -s and -i. Exit status 1 when there was one.
 *
 * -e runs the engine alone and compares nothing: for sanitizers, whose memory
 * the processor's wilder accesses would hit.
 */
#include "oracle/oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "x86/regs.h"

enum { STATES = 8, SEQUENCE = 5, MAX_TOLD = 25 };

/* What one index runs. */
struct test {
	struct made m[SEQUENCE];
	uint64_t at[SEQUENCE];
	uint8_t code[CODE_MAX + 32];
	unsigned n, bytes, bits;
	uint32_t undef; /* flags that nobody may compare */
	bool alone, ud;
};

struct options {
	uint64_t cases, seed, index;
	const char *op;
	bool one, quiet, engine_alone;
};

static uint64_t told;

/* ---- making ---- */

/* jmp [at], by its 32-bit address. */
static unsigned
put_jump(uint8_t *p, unsigned bits, uint32_t at)
{
	static const uint8_t wide[] = { 0xff, 0x24, 0x25 }; /* no registers */
	static const uint8_t narrow[] = { 0x67, 0x66, 0xff, 0x24, 0x25 };
	unsigned n = bits == 16 ? sizeof(narrow) : sizeof(wide);

	if (bits != 64)
		at = at == OUT_AT ? OUT32_AT : OUT2_32_AT;
	memcpy(p, bits == 16 ? narrow : wide, n);
	memcpy(p + n, &at, 4);
	return n + 4;
}

/* Flags left undefined after in, besides what the decoder knows. */
static uint32_t
undefined_after(const struct x86_insn *in, uint32_t before)
{
	uint32_t undef =
	    (before & ~(in->flags_written & ~in->flags_read)) | in->flags_undef;
	bool cl = in->nopnds == 2 && in->opnd[1].kind == X86_OPND_GPR;

	/* By CL, the count may be beyond a small operand's size. */
	if ((in->op == X86_OP_SHL || in->op == X86_OP_SHR) && cl &&
	    in->opsize < 4)
		undef |= X86_FL_CF;
	return undef;
}

/* May in follow in a sequence, undef being undefined? */
static bool
may_follow(const struct made *m, uint32_t undef)
{
	const struct x86_insn *in = &m->insn;

	return gen_is_straight(m) && !(in->flags_read & undef) &&
	       in->op != X86_OP_SHLD && in->op != X86_OP_SHRD &&
	       in->op != X86_OP_BSF && in->op != X86_OP_BSR &&
	       in->op != X86_OP_BSWAP && in->op != X86_OP_CMPXCHG &&
	       !(in->attr & X86_A_STRING) && in->op != X86_OP_FXSAVE &&
	       in->op != X86_OP_FXRSTOR && in->op != X86_OP_FNSAVE &&
	       in->op != X86_OP_FNSTENV;
}

static bool
make_test(struct rng *r, unsigned row, unsigned bits, uint64_t features,
          struct test *t)
{
	struct made *m = &t->m[0];

	memset(t, 0, sizeof(*t));
	t->bits = bits;
	for (unsigned i = 0; i < SEQUENCE; i++)
		t->m[i].bits = bits;
	t->at[0] = CODE_AT;
	if (!gen_make(r, row, features, CODE_AT, m))
		return false;
	t->n = 1;
	t->ud = m->len < 0;
	t->alone = t->ud || rng_one_in(r, 4);
	memcpy(t->code, m->code, m->n);
	t->bytes = m->n;
	if (!t->ud)
		t->undef = undefined_after(&m->insn, 0);
	while (!t->alone && may_follow(&t->m[0], 0) && t->n < SEQUENCE &&
	       !rng_one_in(r, 2)) {
		t->at[t->n] = CODE_AT + t->bytes;
		m = &t->m[t->n];
		if (!gen_make(r, rng_below(r, gen_rows()), features,
		              t->at[t->n], m) ||
		    !may_follow(m, t->undef))
			continue;
		memcpy(t->code + t->bytes, m->code, m->n);
		t->bytes += m->n;
		t->undef = undefined_after(&m->insn, t->undef);
		t->n++;
	}
	put_jump(t->code + t->bytes, t->bits, OUT_AT);
	put_jump(t->code + (TAKEN_AT - CODE_AT), t->bits, OUT2_AT);
	native_code(t->code, sizeof(t->code));
	guest_code(t->code, sizeof(t->code));
	return true;
}

static bool
fit_test(struct rng *r, const struct test *t, struct state *s, uint8_t *data)
{
	for (unsigned i = t->n; i-- > 0;)
		if (!gen_fit(r, &t->m[i], t->at[i], s, data))
			return false;
	return true;
}

/* ---- comparing ---- */

/* Name what differs into out; false: nothing does. */
static bool
differ_u64(char *out, size_t room, const char *what, uint64_t native,
           uint64_t engine)
{
	if (native == engine)
		return false;
	snprintf(out, room, "%s: processor %#" PRIx64 ", engine %#" PRIx64,
	         what, native, engine);
	return true;
}

static bool
differ_fx(char *out, size_t room, const uint8_t *a, const uint8_t *b)
{
	static const struct {
		const char *name;
		uint16_t at, n;
	} field[] = { { "FCW", 0, 2 },
		      { "FSW", 2, 2 },
		      { "FTW", 4, 1 },
		      { "MXCSR", 24, 4 } };
	char name[16];
	uint64_t x, y;

	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
		x = y = 0;
		memcpy(&x, a + field[i].at, field[i].n);
		memcpy(&y, b + field[i].at, field[i].n);
		if (differ_u64(out, room, field[i].name, x, y))
			return true;
	}
	for (unsigned i = 0; i < 24; i++) {
		unsigned at = 32 + 16 * i;

		if (memcmp(a + at, b + at, i < 8 ? 10 : 16) == 0)
			continue;
		snprintf(name, sizeof(name), "%s%u", i < 8 ? "ST" : "XMM",
		         i < 8 ? i : i - 8);
		memcpy(&x, a + at, 8);
		memcpy(&y, b + at, 8);
		if (differ_u64(out, room, name, x, y))
			return true;
		x = y = 0;
		memcpy(&x, a + at + 8, i < 8 ? 2 : 8);
		memcpy(&y, b + at + 8, i < 8 ? 2 : 8);
		return differ_u64(out, room, strcat(name, " high"), x, y);
	}
	return false;
}

static bool
differ_memory(char *out, size_t room, const uint8_t *a, const uint8_t *b)
{
	char name[32];

	if (memcmp(a, b, DATA_BYTES) == 0)
		return false;
	for (unsigned i = 0; i < DATA_BYTES; i++)
		if (a[i] != b[i]) {
			snprintf(name, sizeof(name), "memory at %#x",
			         ARENA_DATA + i);
			return differ_u64(out, room, name, a[i], b[i]);
		}
	return false;
}

/* What images tell of the processor itself or by our policy (fx.h) is taken
 * over: instruction and data pointers, FOP, the mask of MXCSR. */
static void
forgive_memory(const struct test *t, const struct state *before,
               const uint8_t *a, uint8_t *b)
{
	const struct x86_insn *in = &t->m[0].insn;
	uint64_t ea = gen_effective(&t->m[0], before, CODE_AT) - ARENA_DATA;
	unsigned from = in->opsize == 2 ? 6 : 12;
	unsigned to = in->opsize == 2 ? 14 : 28;

	if (t->ud || ea >= DATA_BYTES - 32)
		return;
	if (in->op == X86_OP_FXSAVE) {
		memcpy(b + ea + 28, a + ea + 28, 4);
		from = 6;
		to = 24;
	} else if (in->op != X86_OP_FNSTENV && in->op != X86_OP_FNSAVE) {
		return;
	}
	memcpy(b + ea + from, a + ea + from, to - from);
}

static uint64_t
expected_rip(const struct test *t, uint64_t rip)
{
	if (!t->alone)
		return rip;
	if (rip == CODE_AT + t->bytes)
		return OUT_AT;
	return rip == TAKEN_AT ? OUT2_AT : rip;
}

static bool
differ_fault(const struct test *t, const struct state *a, const struct state *b,
             char *out, size_t room)
{
	/* The host's kernel is there, out of reach; the guest has none. */
	uint32_t present = a->cr2 >> 47 ? X86_PF_P : 0;
	/* Of an image, any byte may be the first to be touched. */
	bool image = false, wraps = false;

	for (unsigned i = 0; i < t->n; i++)
		if (!t->ud && (t->m[i].insn.attr & X86_A_HOST)) {
			image = true;
			wraps |= t->m[i].insn.addrsize == 2;
			present |= X86_PF_P;
		}
	if (differ_u64(out, room, "error code", a->error & ~present,
	               b->error & ~present))
		return true;
	/* Such a one may wrap around at 64 KiB, too. */
	if (a->fault != X86_PF ||
	    (image && (a->cr2 - b->cr2 + 4096 < 8192 || wraps)))
		return false;
	return differ_u64(out, room, "CR2", a->cr2, b->cr2);
}

static bool
uses(const struct test *t, uint16_t op)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->m[i].insn.op == op)
			return true;
	return false;
}

/* Where processors differ, or we differ on purpose, the engine's b becomes as
 * the processor's a. */
static void
forgive(const struct test *t, const struct state *a, struct state *b)
{
	const struct x86_insn *in = &t->m[0].insn;
	const struct x86_opnd *d = &in->opnd[0];

	if (t->ud)
		return;
	/* An unequal CMPXCHG of 32-bit registers: AMD does not write the
	 * destination, Intel does and so clears its upper half. */
	if (in->op == X86_OP_CMPXCHG && d->kind == X86_OPND_GPR &&
	    (uint32_t)a->gpr[d->reg] == b->gpr[d->reg])
		b->gpr[d->reg] = a->gpr[d->reg];
	/* Which operand faults first. */
	if (in->op == X86_OP_CMPS && a->fault != NO_FAULT &&
	    b->fault != NO_FAULT) {
		b->fault = a->fault;
		b->error = a->error;
		b->cr2 = a->cr2;
	}
	/* A stack that faults or a target that is not canonical: which first.
	 */
	if (in->op == X86_OP_CALL && b->fault == X86_GP &&
	    (a->fault == X86_PF || a->fault == X86_SS_FAULT)) {
		b->fault = a->fault;
		b->error = a->error;
		b->cr2 = a->cr2;
	}
	/* Beyond 4 GiB by a flat segment: SDM 3A 5.3 leaves #GP open. */
	if (t->bits != 64 && b->fault == X86_PF &&
	    (a->fault == X86_GP || a->fault == X86_SS_FAULT) &&
	    (b->cr2 >= 0xfffff000 || b->cr2 < 4096)) {
		b->fault = a->fault;
		b->error = a->error;
	}
	/* Over two pages that both fault, of which one is not there. */
	if (a->fault == X86_PF && b->fault == X86_PF && a->cr2 == ARENA_END &&
	    ARENA_END - b->cr2 <= 16) {
		b->error = a->error;
		b->cr2 = a->cr2;
	}
	/* AMD's POPA fills registers as it goes and faults late. */
	if (a->fault == X86_PF && uses(t, X86_OP_POPA))
		memcpy(b->gpr, a->gpr, sizeof(b->gpr));
	/* The dot products stop at their first step that raises one. */
	if (a->fault == X86_XM &&
	    (uses(t, X86_OP_DPPS) || uses(t, X86_OP_DPPD)))
		b->fx[24] = (uint8_t)((b->fx[24] & ~0x3f) | (a->fx[24] & 0x3f));
	/* MMX operations that fault: AMD has entered MMX by then. */
	if ((a->fault == X86_XM && b->fault == X86_XM) ||
	    (a->fault != NO_FAULT && uses(t, X86_OP_MASKMOVQ))) {
		memcpy(b->fx, a->fx, 5);
		memcpy(b->fx + 32, a->fx + 32, 128);
	}
	/* Inexact or not beside an unmasked overflow or underflow, see
	 * judge() in simd.c. */
	if (a->fault == X86_XM && (a->fx[24] & 0x18))
		b->fx[24] = (uint8_t)((b->fx[24] & ~0x20) | (a->fx[24] & 0x20));
}

static bool
differ(const struct test *t, const struct state *a, struct state *b, char *out,
       size_t room)
{
	static const char *const names[16] = { "RAX", "RCX", "RDX", "RBX",
		                               "RSP", "RBP", "RSI", "RDI",
		                               "R8",  "R9",  "R10", "R11",
		                               "R12", "R13", "R14", "R15" };
	uint64_t mask = t->bits == 64 ? UINT64_MAX : UINT32_MAX;
	uint64_t flags = (X86_FL_ARITH | X86_FL_DF) & ~(uint64_t)t->undef;

	forgive(t, a, b);
	if (a->fault != NO_FAULT && t->n > 1)
		flags = X86_FL_DF; /* dead ones may be stale, see make.c */
	if (a->fault == NO_FAULT)
		b->rip = expected_rip(t, b->rip);
	else
		flags |= X86_FL_ARITH & (t->n > 1 ? 0 : UINT32_MAX);
	if (differ_u64(out, room, "fault", (uint64_t)(int64_t)a->fault,
	               (uint64_t)(int64_t)b->fault) ||
	    differ_u64(out, room, "RIP", a->rip, b->rip))
		return true;
	if (a->fault != NO_FAULT && differ_fault(t, a, b, out, room))
		return true;
	/* 32-bit code leaves upper halves and the rest undefined. */
	for (unsigned i = 0; i < (t->bits == 64 ? 16 : 8); i++)
		if (differ_u64(out, room, names[i], a->gpr[i] & mask,
		               b->gpr[i] & mask))
			return true;
	if (differ_u64(out, room, "flags", a->rflags & flags,
	               b->rflags & flags))
		return true;
	return differ_fx(out, room, a->fx, b->fx);
}

/* ---- telling ---- */

static void
tell_end(const char *who, const struct state *s)
{
	printf("  %s: RIP %#" PRIx64 " fault %d error %#x CR2 %#" PRIx64 "\n",
	       who, s->rip, s->fault, s->error, s->cr2);
}

static void
tell(const struct options *o, uint64_t index, const struct test *t,
     const struct state *before, const struct state *a, const struct state *b,
     const char *what)
{
	if (told++ >= MAX_TOLD && !o->one)
		return;
	printf("-s %" PRIu64 " -i %" PRIu64 ": ", o->seed, index);
	for (unsigned i = 0; i < t->n; i++) {
		printf("%s%s", i > 0 ? "; " : "",
		       t->m[i].len < 0 ? "(#UD)"
		                       : x86_op_name(t->m[i].insn.op));
		for (unsigned j = 0; j < t->m[i].n; j++)
			printf(" %02x", t->m[i].code[j]);
	}
	printf("%s%s: %s\n",
	       t->bits == 32   ? " (32)"
	       : t->bits == 16 ? " (16)"
	                       : "",
	       t->alone ? " (alone)" : "", what);
	if (!o->one)
		return;
	for (unsigned i = 0; i < 16; i++)
		printf("  r%-2u %016" PRIx64 "%s", i, before->gpr[i],
		       i % 4 == 3 ? "\n" : "");
	printf("  flags %" PRIx64 " fcw %02x%02x fsw %02x%02x\n",
	       before->rflags, before->fx[1], before->fx[0], before->fx[3],
	       before->fx[2]);
	tell_end("processor", a);
	tell_end("engine", b);
}

/* ---- running ---- */

static bool
run_state(const struct options *o, struct rng *r, uint64_t index,
          const struct test *t)
{
	static struct state before, a, b;
	uint8_t *na = native_data(), *ga = guest_data();
	char what[128];

	gen_state(r, &before);
	if (!fit_test(r, t, &before, na))
		return false;
	memcpy(ga, na, DATA_BYTES);
	a = b = before;
	if (!o->engine_alone)
		native_run(&a, t->bits);
	guest_run(&b, t->bits, t->alone);
	if (memcmp((void *)(uintptr_t)CODE_AT, t->code, sizeof(t->code)) != 0) {
		/* It wrote over itself: what leads out differs. */
		native_code(t->code, sizeof(t->code));
		guest_code(t->code, sizeof(t->code));
		return false;
	}
	if (o->engine_alone)
		return true;
	if (memcmp(na, ga, DATA_BYTES) != 0)
		forgive_memory(t, &before, na, ga);
	if (differ(t, &a, &b, what, sizeof(what)) ||
	    differ_memory(what, sizeof(what), na, ga))
		tell(o, index, t, &before, &a, &b, what);
	return true;
}

static void
fill_data(struct rng *r)
{
	uint64_t *p = (uint64_t *)(void *)native_data();

	for (unsigned i = 0; i < DATA_BYTES / 8; i++)
		p[i] = rng_next(r);
}

static uint64_t
run_index(const struct options *o, uint64_t index, uint64_t features)
{
	struct rng r = { .s = o->seed * 0x9e3779b97f4a7c15 + index };
	unsigned row = (unsigned)(index % gen_rows());
	/* Most rounds in 64-bit mode, the others below it. */
	static const unsigned modes[8] = { 64, 64, 64, 32, 64, 16, 64, 32 };
	unsigned bits = modes[index / gen_rows() % 8];
	uint64_t n = 0, before = told;
	struct test t;

	if (bits == 16 && !native_has16())
		bits = 32;
	if (o->op != NULL && strcmp(gen_row_name(row), o->op) != 0)
		return 0;
	(void)rng_next(&r);
	fill_data(&r);
	if (!make_test(&r, row, bits, features, &t))
		return 0;
	/* One difference of an encoding says it all. */
	for (unsigned i = 0; i < STATES && told == before; i++)
		n += run_state(o, &r, index, &t);
	return n;
}

static bool
parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "n:s:i:o:qe")) != -1)
		switch (c) {
		case 'n':
			o->cases = strtoull(optarg, NULL, 0);
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 'i':
			o->index = strtoull(optarg, NULL, 0);
			o->one = true;
			break;
		case 'o':
			o->op = optarg;
			break;
		case 'e':
			o->engine_alone = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		default:
			return false;
		}
	return optind == argc;
}

/* Rows that no case came from, as a list of operations. */
static void
tell_rows(const uint64_t *ran)
{
	printf("not compared:");
	for (unsigned i = 0; i < gen_rows(); i++)
		if (ran[i] == 0 &&
		    (i == 0 || strcmp(gen_row_name(i), gen_row_name(i - 1))))
			printf(" %s", gen_row_name(i));
	printf("\n");
}

int
main(int argc, char **argv)
{
	struct options o = { .cases = 1000000, .seed = 1 };
	uint64_t features, n = 0, *ran;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr, "usage: oracle [-n cases] [-s seed] "
		                "[-i index] [-o op] [-q] [-e]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	ran = calloc(gen_rows(), sizeof(*ran));
	if (ran == NULL || !guest_init(&features) || !native_init()) {
		fprintf(stderr, "oracle: cannot set up\n");
		return 2;
	}
	if (o.one) {
		n = run_index(&o, o.index, features);
		printf("%" PRIu64 " cases, %" PRIu64 " differ\n", n, told);
		return told != 0;
	}
	for (uint64_t i = 0; n < o.cases && i < o.cases * 16; i++) {
		uint64_t k = run_index(&o, i, features);

		ran[i % gen_rows()] += k;
		n += k;
	}
	if (!o.quiet)
		tell_rows(ran);
	printf("%" PRIu64 " cases, %" PRIu64 " differ\n", n, told);
	free(ran);
	return told != 0;
}
