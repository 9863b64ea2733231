/* SPDX-License-Identifier: BSD-2-Clause */
/* block_test.c - code that changes itself, moves, lies on two pages, or is
 * written by others: what runs is always what is there.
 */
#include <errno.h>
#include <string.h>
#include <x86intrin.h>

#include "base/base.h"
#include "engine/soft/bed_test.h"
#include "engine/soft/cache.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/sync.h"

/* A page of code apart, and another that may be mapped there. */
enum { FAR = 0x200000, OTHER = 0x300000 };

static int
make_long(void **state)
{
	make_bed(state);
	bed_long(*state);
	return 0;
}

/* The next instruction of the same block is changed just before it. */
PROGRAM(patch_next, ".code64\n"
                    "movb $7, 1f+1(%rip)\n"
                    "1: mov $1, %al\n"
                    "out %al, $0xe9" END);

static void
a_store_ahead_counts_at_once(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, patch_next);
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 1);
	assert_int_equal(b->out[0] & 0xff, 7);
}

/* A loop that counts up in its own immediate. */
PROGRAM(patch_loop, ".code64\n"
                    "mov $100, %ecx\n"
                    "xor %ebx, %ebx\n"
                    "1: mov $0, %eax\n"
                    "add %eax, %ebx\n"
                    "incl 1b+1(%rip)\n"
                    "dec %ecx\n"
                    "jnz 1b\n"
                    "mov %ebx, %eax\n"
                    "out %eax, $0xe9" END);

static void
a_loop_may_change_itself(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, patch_loop);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 99 * 100 / 2);
}

/* Others keep their links to what was patched. */
PROGRAM(patch_called, ".code64\n"
                      "mov $50, %ecx\n"
                      "xor %ebx, %ebx\n"
                      "1: call 2f\n"
                      "add %eax, %ebx\n"
                      "test $1, %cl\n"
                      "jz 3f\n"
                      "incb 2f+1(%rip)\n"
                      "3: dec %ecx\n"
                      "jnz 1b\n"
                      "mov %ebx, %eax\n"
                      "out %eax, $0xe9\n"
                      "out %al, $0xf4\n"
                      "hlt\n"
                      ".balign 64\n"
                      "2: mov $1, %eax\n"
                      "ret\n");

static void
links_lead_to_the_new_code(void **state)
{
	struct bed *b = *state;
	unsigned want = 0, v = 1;

	for (unsigned n = 50; n > 0; n--) {
		want += v;
		v += n & 1;
	}
	LOAD(b, BED_CODE, patch_called);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], want);
}

/* REP STOS over code that ran: NOPs instead of an increment. */
PROGRAM(fill, ".code64\n"
              "xor %ebx, %ebx\n"
              "mov $2, %edx\n"
              "1: call 2f\n"
              "lea 2f(%rip), %rdi\n"
              "mov $3, %ecx\n"
              "mov $0x90, %al\n"
              "rep stosb\n"
              "dec %edx\n"
              "jnz 1b\n"
              "mov %ebx, %eax\n"
              "out %eax, $0xe9" END "2: add $5, %ebx\n"
              "ret\n");

static void
string_stores_count_too(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, fill);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 5);
}

/* Five calls into FAR; between the third and the fourth the page is another. */
PROGRAM(remap, ".code64\n"
               "xor %ebx, %ebx\n"
               "mov $5, %r8d\n"
               "mov $0x200000, %r9\n"
               "1: call *%r9\n"
               "add %eax, %ebx\n"
               "cmp $3, %r8d\n"
               "jne 2f\n"
               "movl $0x300003, (%rsi)\n"
               "invlpg (%r9)\n"
               "2: dec %r8d\n"
               "jnz 1b\n"
               "mov %ebx, %eax\n"
               "out %eax, $0xe9" END);
PROGRAM(one, ".code64\nmov $1, %eax\nret\n");
PROGRAM(ten, ".code64\nmov $10, %eax\nret\n");

static void
a_page_mapped_elsewhere_is_other_code(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, remap);
	LOAD(b, FAR, one);
	LOAD(b, OTHER, ten);
	b->st.gpr[X86_RSI] = bed_pte(FAR);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 3 * 1 + 2 * 10);
}

/* The same by direct calls, which link to other pages. */
PROGRAM(remap_direct, ".code64\n"
                      "xor %ebx, %ebx\n"
                      "mov $5, %r8d\n"
                      "1: call .+0x200000-0x10008\n"
                      "add %eax, %ebx\n"
                      "cmp $3, %r8d\n"
                      "jne 2f\n"
                      "movl $0x300003, (%rsi)\n"
                      "mov %cr3, %rax\n"
                      "mov %rax, %cr3\n"
                      "2: dec %r8d\n"
                      "jnz 1b\n"
                      "mov %ebx, %eax\n"
                      "out %eax, $0xe9" END);

static void
links_to_other_pages_end_with_the_mapping(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, remap_direct);
	LOAD(b, FAR, one);
	LOAD(b, OTHER, ten);
	b->st.gpr[X86_RSI] = bed_pte(FAR);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 3 * 1 + 2 * 10);
}

/* Calls of rdi as it is mapped, after the change and CR3, after INVLPG. */
PROGRAM(refetch, ".code64\n"
                 "call *%rdi\n"
                 "out %eax, $0xe9\n"
                 "mov %rdx, (%rsi)\n"
                 "mov %cr3, %rax\n"
                 "mov %rax, %cr3\n"
                 "call *%rdi\n"
                 "out %eax, $0xe9\n"
                 "invlpg (%rcx)\n"
                 "call *%rdi\n"
                 "out %eax, $0xe9" END);

/* Of a large page any address will do. */
static void
invlpg_ends_fetches_from_global_pages(void **state)
{
	const uint64_t small = X86_PTE_P | X86_PTE_W | X86_PTE_G,
	               large = small | X86_PTE_PS;
	const struct {
		uint64_t entry, from, to, names;
	} rows[] = {
		{ bed_pte(FAR), FAR | small, OTHER | small, FAR + 0xfff },
		{ BED_PD + 8, FAR | large, 0x400000 | large, 0x3ff000 },
	};
	struct bed *b = *state;

	LOAD(b, FAR, one);
	LOAD(b, OTHER, ten);
	LOAD(b, 0x400000, ten);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bed_long(b);
		LOAD(b, BED_CODE, refetch);
		bed_put64(b, rows[i].entry, rows[i].from);
		b->st.gpr[X86_RDI] = FAR;
		b->st.gpr[X86_RSI] = rows[i].entry;
		b->st.gpr[X86_RDX] = rows[i].to;
		b->st.gpr[X86_RCX] = rows[i].names;
		assert_true(bed_run(b));
		assert_int_equal(b->nout, 3);
		assert_int_equal(b->out[0], 1);
		assert_int_equal(b->out[1], 1);
		assert_int_equal(b->out[2], 10);
	}
}

/* mov $imm32, %eax with its last two bytes on the next page. */
PROGRAM(cross_call, ".code64\n"
                    "mov $0x200ffd, %r9\n"
                    "call *%r9\n"
                    "out %eax, $0xe9\n"
                    "movb $0x77, 0x201000\n"
                    "call *%r9\n"
                    "out %eax, $0xe9\n"
                    "movl $0x300003, (%rsi)\n"
                    "invlpg 0x201000\n"
                    "call *%r9\n"
                    "out %eax, $0xe9" END);
PROGRAM(cross, ".code64\nmov $0x44332211, %eax\nret\n");

static void
an_instruction_may_lie_on_two_pages(void **state)
{
	struct bed *b = *state;
	const uint8_t tail[] = { 0x55, 0x66, 0xc3 };

	LOAD(b, BED_CODE, cross_call);
	LOAD(b, FAR + 0xffd, cross);
	bed_write(b, OTHER, tail, sizeof(tail));
	b->st.gpr[X86_RSI] = bed_pte(FAR + 0x1000);
	assert_true(bed_run(b));
	assert_int_equal(b->nout, 3);
	assert_int_equal(b->out[0], 0x44332211);
	assert_int_equal(b->out[1], 0x44772211);
	assert_int_equal(b->out[2], 0x66552211);
}

static void
its_second_page_faults_for_itself(void **state)
{
	struct bed *b = *state;
	struct bed_log log;

	LOAD(b, BED_CODE, cross_call);
	LOAD(b, FAR + 0xffd, cross);
	b->st.gpr[X86_RSI] = bed_pte(FAR + 0x1000);
	bed_put64(b, bed_pte(FAR + 0x1000), 0);
	assert_true(bed_run(b));
	assert_int_equal(bed_vector(b, &log), X86_PF);
	assert_int_equal(log.cr2, FAR + 0x1000);
	assert_int_equal(log.rip, FAR + 0xffd);
}

/* A device writes where code ran. */
static void
dma_drops_blocks(void **state)
{
	struct bed *b = *state;
	struct soft_vm *s = b->vm->engine;

	LOAD(b, BED_CODE, patch_next);
	assert_true(bed_run(b));
	assert_true(block_hit(s, BED_CODE, 1));
	assert_false(block_hit(s, BED_CODE + 0x800, 64));
	assert_false(block_hit(s, BED_CODE - 64, 64));
	assert_true(block_written(s, BED_CODE, 1));
	assert_false(block_hit(s, BED_CODE, 1));
	assert_false(block_written(s, BED_CODE, 4096));
}

/* Flags nobody reads before the branch, but somebody does behind it. */
PROGRAM(live, ".code64\n"
              "mov $0xff, %al\n"
              "add $1, %al\n" /* CF */
              "jmp 1f\n"
              ".balign 16\n"
              "1: mov $0, %ebx\n"
              "adc $0, %ebx\n"
              "mov $3, %ecx\n"
              "2: dec %ecx\n" /* keeps CF for the ADC */
              "mov %ecx, %edx\n"
              "adc $0, %ebx\n"
              "test %edx, %edx\n"
              "jnz 2b\n"
              "mov %ebx, %eax\n"
              "out %eax, $0xe9" END);

static void
flags_live_across_branches(void **state)
{
	struct bed *b = *state;

	LOAD(b, BED_CODE, live);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], 1);
}

/* patch_loop with so many rounds that the arena fills. */
PROGRAM(patch_long, ".code64\n"
                    "mov $300000, %ecx\n"
                    "xor %ebx, %ebx\n"
                    "1: mov $0, %eax\n"
                    "add %eax, %ebx\n"
                    "incl 1b+1(%rip)\n"
                    "dec %ecx\n"
                    "jnz 1b\n"
                    "mov %ebx, %eax\n"
                    "out %eax, $0xe9" END);

static void
the_arena_may_fill(void **state)
{
	struct bed *b = *state;
	struct soft_vm *s = b->vm->engine;
	size_t bound = s->blocks->bound;

	LOAD(b, BED_CODE, patch_long);
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], (uint32_t)(299999ull * 300000 / 2));
	assert_true(s->blocks->epoch > 0);
	/* What was written over takes no room. */
	assert_int_equal(s->blocks->bound, bound);
}

/* RDX functions of 64 bytes each, from FAR on, called in turn, RCX times. */
PROGRAM(call_many, ".code64\n"
                   "xor %ebx, %ebx\n"
                   "1: mov $0x200000, %rsi\n mov %edx, %edi\n"
                   "2: call *%rsi\n add $64, %rsi\n dec %edi\n jnz 2b\n"
                   "dec %ecx\n jnz 1b\n"
                   "mov %ebx, %eax\n out %eax, $0xe9" END);
/* A block of its own for each of the jumps. */
PROGRAM(one_of_many, ".code64\n"
                     "jmp 1f\n 1: jmp 1f\n 1: jmp 1f\n 1: jmp 1f\n"
                     "1: jmp 1f\n 1: jmp 1f\n 1: jmp 1f\n 1: jmp 1f\n"
                     "1: inc %ebx\n ret\n");

static void
call_them(struct bed *b, uint64_t n, uint64_t rounds)
{
	bed_long(b);
	LOAD(b, BED_CODE, call_many);
	for (uint64_t i = 0; i < n; i++)
		LOAD(b, FAR + i * 64, one_of_many);
	b->st.gpr[X86_RDX] = n;
	b->st.gpr[X86_RCX] = rounds;
	b->nout = 0;
	assert_true(bed_run(b));
	assert_int_equal(b->out[0], n * rounds);
}

static void
no_more_is_kept_than_allowed(void **state)
{
	struct bed *b = *state;
	struct soft_vm *s = b->vm->engine;

	assert_int_equal(block_cache_limit(s, 100), -ERANGE);
	assert_int_equal(block_cache_limit(s, 1 << 20), 0);
	call_them(b, 4096, 3);
	assert_true(s->blocks->epoch > 10);
	assert_true(s->blocks->used <= 1 << 20);
}

static void
what_is_used_again_is_kept(void **state)
{
	struct bed *b = *state;
	struct soft_vm *s = b->vm->engine;
	uint64_t epoch;

	call_them(b, 4096, 5);
	epoch = s->blocks->epoch;
	call_them(b, 4096, 5);
	assert_in_range(s->blocks->epoch - epoch, 0, 12);
}

static void
an_idle_guest_gives_back(void **state)
{
	struct bed *b = *state;
	struct soft_vm *s = b->vm->engine;
	size_t most;

	call_them(b, 4096, 5);
	most = s->blocks->used;
	sync_enter(b->c);
	block_idle(b->c); /* too early */
	assert_int_equal(s->blocks->used, most);
	for (unsigned i = 0; i <= BLOCK_YOUNG; i++) {
		s->blocks->cleared_at = 0;
		block_idle(b->c);
	}
	sync_leave(b->c);
	assert_true(s->blocks->used < most / 2);
	call_them(b, 100, 5);
}

/* The VM's vCPUs slept for part of the last 300 ms, in percent. */
static void
sleep_for(struct bed *b, unsigned percent)
{
	struct block_cache *k = ((struct soft_vm *)b->vm->engine)->blocks;
	uint64_t since = 300 * (b->vm->tsc_hz / 1000);

	k->cleared_at = __rdtsc() - since;
	k->slept = since / 100 * percent;
	sync_enter(b->c);
	block_idle(b->c);
	sync_leave(b->c);
}

static void
a_quiet_guest_gives_back_soon(void **state)
{
	struct bed *b = *state;
	struct block_cache *k = ((struct soft_vm *)b->vm->engine)->blocks;
	size_t most;

	call_them(b, 4096, 5);
	most = k->used;
	assert_true(most > 3 << 20);
	assert_int_not_equal(block_idle_ms(b->c), 0);
	for (unsigned i = 0; i <= BLOCK_YOUNG; i++)
		sleep_for(b, 50); /* it is busy */
	assert_int_equal(k->used, most);
	for (unsigned i = 0; i <= BLOCK_YOUNG; i++)
		sleep_for(b, 90);
	assert_true(k->used < 3 << 20);
	assert_int_equal(block_idle_ms(b->c), 0); /* it may sleep on */
	call_them(b, 4096, 5);
}

/* Whoever was short of what had gone waits for longer. */
static void
giving_back_in_vain_is_put_off(void **state)
{
	struct bed *b = *state;
	struct block_cache *k = ((struct soft_vm *)b->vm->engine)->blocks;
	unsigned ms = k->quiet_ms;

	call_them(b, 4096, 5);
	k->remaking = UINT64_MAX / 2;
	sleep_for(b, 90);
	assert_int_equal(k->quiet_ms, 2 * ms);
	sleep_for(b, 90); /* too early now */
	assert_int_equal(k->quiet_ms, 2 * ms);
}

static size_t
all_ages(const struct block_cache *k)
{
	size_t sum = 0;

	for (unsigned i = 0; i <= BLOCK_YOUNG; i++)
		sum += k->bytes[i];
	return sum;
}

/* Each block is counted once while it lives and never after, be it found by
 * somebody just when it dies; those of a page go in one pass. */
static void
what_died_is_not_counted(void **state)
{
	struct bed *b = *state;
	struct soft_vm *s = b->vm->engine;
	struct block_cache *k = s->blocks;

	call_them(b, 4096, 5);
	assert_int_not_equal(all_ages(k), 0);
	for (size_t at = 0; at < 4096 * 64; at += 4096)
		assert_true(block_written(s, FAR + at, 4096));
	(void)block_written(s, 0, BED_BYTES);
	assert_int_equal(all_ages(k), 0);
	for (size_t at = FIRST_REF * 8; at < k->used;) {
		struct block *d = block_at(k, (uint32_t)(at / 8));

		assert_true(d->dead);
		block_found(k, d);
		at += block_size(d);
	}
	assert_int_equal(all_ages(k), 0);
	for (unsigned i = 0; i < CACHE_PAGES; i++)
		assert_int_equal(k->page[i], 0);
	call_them(b, 100, 5);
}

/* Its first instruction has a byte on either page. */
PROGRAM(on_two_pages, ".code64\n"
                      "mov $9, %al\n"
                      "out %al, $0xe9" END);

static void
run_across(struct bed *b)
{
	bed_long(b);
	LOAD(b, FAR + 0xfff, on_two_pages);
	b->st.rip = FAR + 0xfff;
	b->nout = 0;
	assert_true(bed_run(b));
	assert_int_equal(b->out[0] & 0xff, 9);
}

/* A block on two pages is in two lists; it dies but once. */
static void
blocks_on_two_pages_die_once(void **state)
{
	struct bed *b = *state;
	struct soft_vm *s = b->vm->engine;

	run_across(b);
	assert_true(block_written(s, FAR + 0x1000, 1));
	assert_false(block_written(s, FAR + 0xfff, 1));
	run_across(b);
	assert_true(block_written(s, FAR + 0xfff, 1));
	assert_true(block_written(s, FAR + 0x1000, 1)); /* what follows */
	assert_false(block_written(s, FAR, 0x2000));
	assert_int_equal(all_ages(s->blocks), 0);
	run_across(b);
}

/* However full it is, it ends where it may. */
static void
an_idle_guest_gets_no_more(void **state)
{
	struct bed *b = *state;
	struct soft_vm *s = b->vm->engine;
	size_t most = 0;

	assert_int_equal(block_cache_limit(s, 1 << 20), 0);
	for (uint64_t n = 100; n <= 1500; n += 100) {
		call_them(b, n, 3);
		sync_enter(b->c);
		s->blocks->cleared_at = 0;
		block_idle(b->c);
		sync_leave(b->c);
		if (s->blocks->used > most)
			most = s->blocks->used;
		assert_true(s->blocks->next <= s->blocks->bound);
	}
	assert_true(most > 3 << 18);
}

int
main(void)
{
#define T(t) BED_TEST_ON(t, make_long)
	const struct CMUnitTest tests[] = {
		T(a_store_ahead_counts_at_once),
		T(a_loop_may_change_itself),
		T(links_lead_to_the_new_code),
		T(string_stores_count_too),
		T(a_page_mapped_elsewhere_is_other_code),
		T(links_to_other_pages_end_with_the_mapping),
		T(invlpg_ends_fetches_from_global_pages),
		T(an_instruction_may_lie_on_two_pages),
		T(its_second_page_faults_for_itself),
		T(dma_drops_blocks),
		T(flags_live_across_branches),
		T(the_arena_may_fill),
		T(no_more_is_kept_than_allowed),
		T(what_is_used_again_is_kept),
		T(an_idle_guest_gives_back),
		T(an_idle_guest_gets_no_more),
		T(a_quiet_guest_gives_back_soon),
		T(giving_back_in_vain_is_put_off),
		T(what_died_is_not_counted),
		T(blocks_on_two_pages_die_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
