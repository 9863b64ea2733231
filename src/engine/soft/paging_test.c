/* SPDX-License-Identifier: BSD-2-Clause */
/* paging_test.c - page tables as programs see them: rights, error codes, A and
 * D, what stays in the TLB and what must not.
 */
#include <string.h>

#include "base/base.h"
#include "engine/soft/bed_test.h"

/* The page that is played with, and one to run from in ring 3. */
enum { PAGE = 0x200000, USER = 0x300000 };

PROGRAM(load, ".code64\n mov (%rbx), %rax" END);
PROGRAM(store, ".code64\n mov %rax, (%rbx)" END);
PROGRAM(jump, ".code64\n jmp *%rbx");
PROGRAM(ending, ".code64" END);

enum access { READ, WRITE, FETCH };

struct setting {
	uint64_t pte; /* flags */
	bool wp, smep, smap, ac, nxe;
};

/* What the manual says: -1, or the error code. */
static int
expected(const struct setting *s, enum access a, bool user)
{
	bool p = s->pte & X86_PTE_P, u = s->pte & X86_PTE_U;
	bool nx = s->pte & X86_PTE_NX, ok;
	int err = (user ? X86_PF_U : 0) | (a == WRITE ? X86_PF_W : 0);

	if (a == FETCH && (s->nxe || s->smep))
		err |= X86_PF_I;
	if (!p)
		return err;
	if (nx && !s->nxe)
		return err | X86_PF_P | X86_PF_RSVD;
	ok = !user || u;
	if (a == WRITE && !(s->pte & X86_PTE_W))
		ok = ok && !user && !s->wp;
	if (a == FETCH)
		ok = ok && !nx && !(!user && u && s->smep);
	else if (!user && u && s->smap && !s->ac)
		ok = false;
	return ok ? -1 : err | (int)X86_PF_P;
}

static void
to_user(struct bed *b)
{
	b->st.seg[X86_CS] = (struct x86_segment){ .sel = SEL_USER64,
		                                  .limit = 0xffffffff,
		                                  .attr = 0xa0fb };
	b->st.seg[X86_SS] = (struct x86_segment){ .sel = SEL_USER_DATA,
		                                  .limit = 0xffffffff,
		                                  .attr = 0xc0f3 };
	b->st.rflags |= X86_FL_IOPL; /* it ends by a port */
}

static void
try(struct bed *b, const struct setting *s, enum access a, bool user)
{
	int want = expected(s, a, user);
	struct bed_log log;

	bed_long(b);
	/* Ring 0's pages are its own where SMEP and SMAP are on. */
	for (uint64_t la = 0; la < 0x100000; la += 4096)
		bed_put64(b, bed_pte(la), la | 3);
	if (a == READ)
		LOAD(b, USER, load);
	else if (a == WRITE)
		LOAD(b, USER, store);
	else
		LOAD(b, USER, jump);
	LOAD(b, PAGE, ending);
	bed_put64(b, bed_pte(USER), USER | 3 | (user ? X86_PTE_U : 0));
	bed_put64(b, bed_pte(PAGE), PAGE | s->pte);
	b->st.rip = USER;
	b->st.gpr[X86_RBX] = PAGE;
	b->st.gpr[X86_RAX] = 0;
	if (!s->wp)
		b->st.cr0 &= ~(uint64_t)X86_CR0_WP;
	b->st.cr4 |=
	    (s->smep ? X86_CR4_SMEP : 0) | (s->smap ? X86_CR4_SMAP : 0);
	if (!s->nxe)
		b->st.efer &= ~(uint64_t)X86_EFER_NXE;
	if (s->ac)
		b->st.rflags |= X86_FL_AC;
	if (user)
		to_user(b);
	assert_true(bed_run(b));
	if (want < 0) {
		assert_int_equal(bed_vector(b, NULL), -1);
		return;
	}
	assert_int_equal(bed_vector(b, &log), X86_PF);
	assert_int_equal(log.error, want);
	assert_int_equal(log.cr2, PAGE);
	assert_int_equal(log.rip, a == FETCH ? PAGE : USER);
}

static void
rights_and_error_codes_are_the_manuals(void **state)
{
	static const uint64_t bits[] = { X86_PTE_P, X86_PTE_W, X86_PTE_U,
		                         X86_PTE_NX };

	for (unsigned n = 0; n < 1 << 9; n++) {
		struct setting s = { .wp = n & 16,
			             .smep = n & 32,
			             .smap = n & 64,
			             .ac = n & 128,
			             .nxe = n & 256 };

		for (unsigned i = 0; i < 4; i++)
			s.pte |= n >> i & 1 ? bits[i] : 0;
		for (unsigned a = READ; a <= FETCH; a++) {
			try(*state, &s, (enum access)a, false);
			try(*state, &s, (enum access)a, true);
		}
	}
}

static void
reserved_bits_fault(void **state)
{
	static const struct {
		uint64_t at, v;
	} rows[] = {
		{ BED_PML4, BED_PDPT | 7 | 1ull << 46 },
		{ BED_PML4, BED_PDPT | 7 | X86_PTE_PS },
		{ BED_PDPT, BED_PD | 7 | 1ull << 51 },
		{ BED_PDPT, 7 | X86_PTE_PS | 1 << 13 },
		{ BED_PD + 8, PAGE | 7 | X86_PTE_PS | 1 << 14 },
		{ BED_PT + 0x200 * 8, PAGE | 7 | 1ull << 47 },
	};
	struct bed *b = *state;
	struct bed_log log;

	/* A second way down to the page, so that only it is wrong. */
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t slot = 8, la = PAGE, v = rows[i].v;

		bed_long(b);
		LOAD(b, BED_CODE, load);
		if (rows[i].at == BED_PML4 || rows[i].at == BED_PDPT) {
			la |= rows[i].at == BED_PML4 ? 1ull << 39 : 1 << 30;
			bed_put64(b, rows[i].at + slot, v);
		} else {
			bed_put64(b, rows[i].at, v);
		}
		b->st.gpr[X86_RBX] = la;
		assert_true(bed_run(b));
		assert_int_equal(bed_vector(b, &log), X86_PF);
		assert_int_equal(log.error, X86_PF_P | X86_PF_RSVD);
		assert_int_equal(log.cr2, la);
	}
}

static void
accessed_and_dirty_are_set_when_used(void **state)
{
	struct bed *b = *state;

	bed_long(b);
	LOAD(b, BED_CODE, load);
	b->st.gpr[X86_RBX] = PAGE;
	assert_true(bed_run(b));
	assert_int_equal(bed_get64(b, bed_pte(PAGE)), PAGE | 0x27);
	assert_true(bed_get64(b, BED_PD + 8) & X86_PTE_A);
	LOAD(b, BED_CODE, store);
	b->st.rip = BED_CODE;
	assert_true(bed_run(b));
	assert_int_equal(bed_get64(b, bed_pte(PAGE)), PAGE | 0x67);
	/* A store that faults dirties nothing. */
	bed_put64(b, bed_pte(PAGE), PAGE | X86_PTE_P);
	b->st.rip = BED_CODE;
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, NULL), X86_PF);
	assert_int_equal(bed_get64(b, bed_pte(PAGE)), PAGE | X86_PTE_P);
}

/* rbx a page, rcx its PTE, rdx the PTE to put there; out: what is read through
 * the page before, after the change, after CR3, after INVLPG. */
PROGRAM(remap, ".code64\n"
               "mov (%rbx), %eax\n out %eax, $0xe9\n"
               "mov %rdx, (%rcx)\n"
               "mov %cr3, %rax\n mov %rax, %cr3\n"
               "mov (%rbx), %eax\n out %eax, $0xe9\n"
               "invlpg (%rbx)\n"
               "mov (%rbx), %eax\n out %eax, $0xe9" END);

static void
cr3_keeps_global_pages_and_invlpg_does_not(void **state)
{
	struct bed *b = *state;

	for (unsigned global = 0; global < 2; global++) {
		uint64_t g = global ? X86_PTE_G : 0;

		bed_long(b);
		LOAD(b, BED_CODE, remap);
		bed_put64(b, PAGE, 1);
		bed_put64(b, PAGE + 4096, 2);
		bed_put64(b, bed_pte(PAGE), PAGE | 7 | g);
		b->st.gpr[X86_RBX] = PAGE;
		b->st.gpr[X86_RCX] = bed_pte(PAGE);
		b->st.gpr[X86_RDX] = (PAGE + 4096) | 7 | g;
		assert_true(bed_run(b));
		assert_int_equal(b->nout, 3);
		assert_int_equal(b->out[0], 1);
		assert_int_equal(b->out[1], global ? 1 : 2);
		assert_int_equal(b->out[2], 2);
	}
}

static void
invlpg_of_a_large_page_drops_all_of_it(void **state)
{
	struct bed *b = *state;

	bed_long(b);
	LOAD(b, BED_CODE, remap);
	bed_put64(b, 0x200000 + 0x5000, 1);
	bed_put64(b, 0x400000 + 0x5000, 2);
	bed_put64(b, BED_PD + 8, 0x200000 | 0x1e7 | X86_PTE_PS);
	b->st.gpr[X86_RBX] = 0x205000;
	b->st.gpr[X86_RCX] = BED_PD + 8;
	b->st.gpr[X86_RDX] = 0x400000 | 0x1e7 | X86_PTE_PS;
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 1);
	assert_int_equal(b->out[1], 1);
	assert_int_equal(b->out[2], 2);
}

static void
accesses_cross_pages_whole_or_not_at_all(void **state)
{
	struct bed *b = *state;
	struct bed_log log;

	bed_long(b);
	LOAD(b, BED_CODE, store);
	b->st.gpr[X86_RBX] = PAGE + 4093;
	b->st.gpr[X86_RAX] = 0x1122334455667788;
	/* The second page lies elsewhere. */
	bed_put64(b, bed_pte(PAGE + 4096), 0x380000 | 7);
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, NULL), -1);
	assert_int_equal(bed_get64(b, PAGE + 4088) >> 40, 0x667788);
	assert_int_equal(bed_get64(b, 0x380000) & 0xffffffffff, 0x1122334455);
	/* Not writable: nothing is stored, CR2 is in the second page. */
	bed_put64(b, PAGE + 4088, 0);
	bed_put64(b, bed_pte(PAGE + 4096), 0x380000 | 5);
	b->st.rip = BED_CODE;
	b->st.gpr[X86_RAX] = ~0ull;
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_PF);
	assert_int_equal(log.cr2, PAGE + 4096);
	assert_int_equal(log.error, X86_PF_P | X86_PF_W);
	assert_int_equal(bed_get64(b, PAGE + 4088), 0);
}

static void
addresses_must_be_canonical(void **state)
{
	struct bed *b = *state;

	bed_long(b);
	LOAD(b, BED_CODE, load);
	b->st.gpr[X86_RBX] = 0x0000800000000000;
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, NULL), X86_GP);
}

/* 32 bits: ebx is read, its value put out. */
PROGRAM(load32, ".code32\n mov (%ebx), %eax\n out %eax, $0xe9" END);

static void
two_levels_and_4_mib_pages(void **state)
{
	struct bed *b = *state;

	bed_flat(b);
	LOAD(b, BED_CODE, load32);
	/* Directory at 0x20000: 4 MiB identity, table at 0x21000. */
	bed_put64(b, 0x20000, 0x83 | (uint64_t)(0x21000 | 3) << 32);
	bed_put64(b, 0x21000, (0x201000 | 3) | (uint64_t)0 << 32);
	bed_put64(b, 0x201008, 0xabcd);
	b->st.cr3 = 0x20000;
	b->st.cr4 = X86_CR4_PSE;
	b->st.cr0 |= X86_CR0_PG;
	b->st.gpr[X86_RBX] = 0x400008;
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 0xabcd);
	b->st.gpr[X86_RBX] = 0x401000;
	b->st.rip = BED_CODE;
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, NULL), X86_PF);
	assert_int_equal(b->st.cr2, 0x401000);
}

PROGRAM(pae, ".code32\n"
             "mov $0x20, %eax\n mov %eax, %cr4\n"
             "mov $0x22000, %eax\n mov %eax, %cr3\n"
             "mov %cr0, %eax\n or $0x80000000, %eax\n mov %eax, %cr0\n"
             "mov 0x40005000, %eax\n out %eax, $0xe9\n"
             "movl $0, 0x22008\n" /* a PDPTE is latched ... */
             "invlpg 0x40005000\n"
             "mov 0x40005000, %eax\n out %eax, $0xe9\n"
             "mov %cr3, %eax\n mov %eax, %cr3\n" /* ... until here */
             "mov 0x40005000, %eax" END);

static void
pae_latches_its_pointers(void **state)
{
	struct bed *b = *state;

	bed_flat(b);
	LOAD(b, BED_CODE, pae);
	bed_put64(b, 0x22000, 0x23000 | 1);
	bed_put64(b, 0x22008, 0x24000 | 1);
	bed_put64(b, 0x22010, 0);
	bed_put64(b, 0x22018, 0);
	bed_put64(b, 0x23000, 0x83);
	bed_put64(b, 0x24000, 0x200083);
	bed_put64(b, 0x205000, 0x77);
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 2);
	assert_int_equal(b->out[0], 0x77);
	assert_int_equal(b->out[1], 0x77);
	assert_int_equal(bed_vector(b, NULL), X86_PF);
	assert_int_equal(b->st.cr2, 0x40005000);
}

/* Touch rcx pages from rbx on, twice, and add up what is there. */
PROGRAM(sum, ".code64\n"
             "xor %eax, %eax\n mov $2, %edi\n"
             "2: mov %rbx, %rsi\n mov %rcx, %rdx\n"
             "1: add (%rsi), %rax\n add $4096, %rsi\n dec %rdx\n jnz 1b\n"
             "dec %edi\n jnz 2b\n out %eax, $0xe9" END);

static void
many_pages_are_found(void **state)
{
	struct bed *b = *state;
	uint64_t want = 0;

	bed_long(b);
	LOAD(b, BED_CODE, sum);
	for (uint64_t i = 0; i < 1400; i++) {
		bed_put64(b, PAGE + i * 4096, i * 3 + 1);
		want += 2 * (i * 3 + 1);
	}
	b->st.gpr[X86_RBX] = PAGE;
	b->st.gpr[X86_RCX] = 1400;
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(rights_and_error_codes_are_the_manuals),
		BED_TEST(reserved_bits_fault),
		BED_TEST(accessed_and_dirty_are_set_when_used),
		BED_TEST(cr3_keeps_global_pages_and_invlpg_does_not),
		BED_TEST(invlpg_of_a_large_page_drops_all_of_it),
		BED_TEST(accesses_cross_pages_whole_or_not_at_all),
		BED_TEST(addresses_must_be_canonical),
		BED_TEST(two_levels_and_4_mib_pages),
		BED_TEST(pae_latches_its_pointers),
		BED_TEST(many_pages_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
