/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp_filter.c - the assembler: rules, spans, a binary search, argument
 * tests.
 *
 *   rules    in table order, overlapping
 *   spans    the call numbers cut where any rule begins or ends; each span has
 *            one fate: an errno, or "look at the arguments"
 *   program  arch check; load nr; tree of JGE over the spans; leaves that
 *            return, or that run the tests of the rules covering the span
 *
 * Leaves never fall through: each ends in RET. The way to an unconditional
 * allow uses only the instructions the kernel's own emulator knows (LD nr and
 * arch, JEQ, JGE, JA, RET), so since Linux 5.11 it runs no filter for them.
 */
#include "linux/seccomp_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "seccomp_filter.c: name this architecture's AUDIT_ARCH and foreign ABIs"
#endif

enum { BY_ARGS = -1, MAX_SPANS = SECCOMP_MAX_NR + 2 };

struct span {
	uint16_t first; /* up to the next span's first */
	int16_t fate;   /* errno, 0 allow, or BY_ARGS */
};

struct prog {
	const struct seccomp_rule *rules;
	size_t n_rule;
	struct span span[MAX_SPANS];
	size_t n_span;
	struct sock_filter *out;
	size_t len, max;
	bool is_full;
};

static bool
rule_ok(const struct seccomp_rule *r)
{
	if (r->first > r->last || r->last > SECCOMP_MAX_NR ||
	    r->errnum > 4095 || r->n_test > SECCOMP_MAX_TESTS)
		return false;
	for (unsigned i = 0; i < r->n_test; i++)
		if (r->test[i].arg > 5)
			return false;
	return true;
}

static bool
covers(const struct seccomp_rule *r, unsigned nr)
{
	return r->first <= nr && nr <= r->last;
}

static int
fate_of(const struct prog *p, unsigned nr)
{
	for (size_t i = 0; i < p->n_rule; i++)
		if (covers(&p->rules[i], nr))
			return p->rules[i].n_test == 0 ? p->rules[i].errnum
			                               : BY_ARGS;
	return ENOSYS;
}

static void
cut_spans(struct prog *p)
{
	bool edge[SECCOMP_MAX_NR + 2] = { [0] = true };

	for (size_t i = 0; i < p->n_rule; i++) {
		edge[p->rules[i].first] = true;
		edge[p->rules[i].last + 1] = true;
	}
	for (unsigned nr = 0; nr < ARRAY_LEN(edge); nr++) {
		int fate;

		if (!edge[nr])
			continue;
		fate = fate_of(p, nr);
		if (p->n_span > 0 && fate != BY_ARGS &&
		    p->span[p->n_span - 1].fate == fate)
			continue; /* the span before reaches on */
		p->span[p->n_span++] = (struct span){
			.first = (uint16_t)nr,
			.fate = (int16_t)fate,
		};
	}
}

static void
emit(struct prog *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->len == p->max) {
		p->is_full = true;
		return;
	}
	p->out[p->len++] = (struct sock_filter){ code, jt, jf, k };
}

static void
emit_load(struct prog *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
emit_return(struct prog *p, int errnum)
{
	emit(p, BPF_RET | BPF_K,
	     errnum == 0 ? SECCOMP_RET_ALLOW
	                 : SECCOMP_RET_ERRNO | (uint32_t)errnum,
	     0, 0);
}

/* Instructions one test takes: load, perhaps mask, compare. */
static unsigned
test_len(const struct seccomp_test *t)
{
	return t->mask == UINT32_MAX ? 2 : 3;
}

/* The tests of one rule, then its return; a test that fails jumps over it. */
static void
emit_rule(struct prog *p, const struct seccomp_rule *r)
{
	unsigned left = 1;

	for (unsigned i = 0; i < r->n_test; i++)
		left += test_len(&r->test[i]);
	for (unsigned i = 0; i < r->n_test; i++) {
		const struct seccomp_test *t = &r->test[i];
		size_t at = offsetof(struct seccomp_data, args) + 8 * t->arg;
		uint8_t skip;

		left -= test_len(t);
		skip = (uint8_t)left;
		emit_load(p, at + (t->high ? 4 : 0)); /* little endian */
		if (t->mask != UINT32_MAX)
			emit(p, BPF_ALU | BPF_AND | BPF_K, t->mask, 0, 0);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, t->value,
		     t->differs ? skip : 0, t->differs ? 0 : skip);
	}
	emit_return(p, r->errnum);
}

static void
emit_span(struct prog *p, const struct span *s)
{
	if (s->fate != BY_ARGS) {
		emit_return(p, s->fate);
		return;
	}
	for (size_t i = 0; i < p->n_rule; i++) {
		if (!covers(&p->rules[i], s->first))
			continue;
		emit_rule(p, &p->rules[i]);
		if (p->rules[i].n_test == 0)
			return;
	}
	emit_return(p, ENOSYS);
}

/*
 * Jump from instruction at to the end of the program so far when nr >= k. A
 * conditional jump reaches 255 instructions; beyond that the low half moves
 * down by one to make room for a long jump. All its jumps are relative.
 */
static void
close_jump(struct prog *p, size_t at, uint32_t k)
{
	size_t over = p->len - at - 1;
	uint8_t reach = (uint8_t)over;

	if (over > UINT8_MAX) {
		emit(p, 0, 0, 0, 0);
		if (p->is_full)
			return;
		memmove(&p->out[at + 2], &p->out[at + 1],
		        over * sizeof(p->out[0]));
		p->out[at] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JGE | BPF_K, k, 0, 1);
		p->out[at + 1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
		                                              (uint32_t)over);
		return;
	}
	p->out[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, k,
	                                          reach, 0);
}

/* A balanced search over span[lo..hi); depth is log2 of MAX_SPANS at most. */
static void
emit_tree(struct prog *p, size_t lo, size_t hi)
{
	size_t mid = lo + (hi - lo) / 2, at = p->len;

	if (hi - lo == 1) {
		emit_span(p, &p->span[lo]);
		return;
	}
	emit(p, 0, 0, 0, 0);
	emit_tree(p, lo, mid);
	if (p->is_full)
		return;
	close_jump(p, at, p->span[mid].first);
	emit_tree(p, mid, hi);
}

int
seccomp_build(const struct seccomp_rule *rules, size_t n,
              struct sock_filter *out, size_t max, struct error *err)
{
	struct prog p = { .rules = rules, .n_rule = n, .out = out, .max = max };

	if (n > SECCOMP_MAX_RULES)
		return error_set(err, -E2BIG, "seccomp: %zu rules", n);
	for (size_t i = 0; i < n; i++)
		if (!rule_ok(&rules[i]))
			return error_set(err, -EINVAL,
			                 "seccomp: rule %zu is malformed", i);
	if (max > BPF_MAXINSNS)
		p.max = BPF_MAXINSNS;
	cut_spans(&p);
	emit_load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	emit_return(&p, ENOSYS);
	/* x32 calls carry bit 30 in nr: beyond every span, so ENOSYS too. */
	emit_load(&p, offsetof(struct seccomp_data, nr));
	emit_tree(&p, 0, p.n_span);
	if (p.is_full)
		return error_set(err, -E2BIG, "seccomp: over %zu instructions",
		                 p.max);
	return (int)p.len;
}

uint32_t
seccomp_eval(const struct sock_filter *prog, size_t len,
             const struct seccomp_data *data)
{
	uint32_t acc = 0;

	for (size_t pc = 0; pc < len; pc++) {
		const struct sock_filter *f = &prog[pc];

		if (f->code == (BPF_RET | BPF_K))
			return f->k;
		if (f->code == (BPF_LD | BPF_W | BPF_ABS) && f->k % 4 == 0 &&
		    f->k < sizeof(*data))
			memcpy(&acc, (const char *)data + f->k, sizeof(acc));
		else if (f->code == (BPF_ALU | BPF_AND | BPF_K))
			acc &= f->k;
		else if (f->code == (BPF_JMP | BPF_JA))
			pc += f->k;
		else if (f->code == (BPF_JMP | BPF_JEQ | BPF_K))
			pc += acc == f->k ? f->jt : f->jf;
		else if (f->code == (BPF_JMP | BPF_JGE | BPF_K))
			pc += acc >= f->k ? f->jt : f->jf;
		else
			break;
	}
	return UINT32_MAX;
}

static int
install(struct sock_filter *prog, size_t len, unsigned flags, struct error *err)
{
	struct sock_fprog fprog = { .len = (unsigned short)len,
		                    .filter = prog };

	if (len == 0 || len > BPF_MAXINSNS)
		return error_set(err, -EINVAL, "seccomp: program of %zu", len);
	/* A thread that cannot be synchronized is a positive answer. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog) != 0)
		return error_sys(err, "seccomp");
	return 0;
}

int
seccomp_install(struct sock_filter *prog, size_t len, struct error *err)
{
	return install(prog, len, 0, err);
}

int
seccomp_install_all(struct sock_filter *prog, size_t len, struct error *err)
{
	return install(prog, len, SECCOMP_FILTER_FLAG_TSYNC, err);
}
