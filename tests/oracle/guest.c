/* SPDX-License-Identifier: BSD-2-Clause */
/* guest.c - the case on the software engine: one processor at CPL 3, in 64-bit
 * mode, or for 32-bit code in compatibility mode or outside long mode by turns,
 * its pages at the addresses the host has them, driven through the block cache
 * as run.c does. The way out leads to a page that is not there: the fault of
 * fetching from it says that the code is done.
 */
#include <stdio.h>
#include <string.h>

#include "engine/soft/block.h"
#include "engine/soft/cpu.h"
#include "engine/soft/mmu.h"
#include "engine/soft/soft.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/sync.h"
#include "engine/soft/walk.h"
#include "oracle/oracle.h"
#include "vmm/vm.h"
#include "x86/feature.h"

enum {
	PML4 = 0x1000, /* guest-physical places */
	PDPT = 0x2000,
	PD = 0x3000,
	PT_ARENA = 0x4000,
	PT_HARNESS = 0x5000,
	PD_HARNESS = 0x6000,
	PDPT_PAE = 0x7000,
	GPA_CODE = 0x10000,
	GPA_DATA = 0x12000,
	GPA_HARNESS = 0x20000,
	OUT = 0x30000000, /* linear: nothing there */
	OUT2 = 0x30001000
};

static struct vm *vm;
static struct cpu *cpu;
static struct guest_mem *mem;

static void
put64(uint64_t gpa, uint64_t v)
{
	(void)guest_mem_load(mem, gpa, &v, 8);
}

static void
make_pages(void)
{
	uint64_t all = X86_PTE_P | X86_PTE_W | X86_PTE_U;
	unsigned arena = ARENA_CODE >> 12 & 511;

	put64(PML4, PDPT | all);
	put64(PDPT, PD | all);
	put64(PD + 8 * (ARENA_CODE >> 21), PT_ARENA | all);
	put64(PDPT + 8 * (HARNESS >> 30), PD_HARNESS | all);
	put64(PD_HARNESS + 8 * (HARNESS >> 21 & 511), PT_HARNESS | all);
	put64(PT_ARENA + 8 * arena, GPA_CODE | all);
	put64(PT_ARENA + 8 * (arena + 2), GPA_DATA | all | X86_PTE_NX);
	put64(PT_ARENA + 8 * (arena + 3), (GPA_DATA + 4096) | all | X86_PTE_NX);
	put64(PT_ARENA + 8 * (arena + 4),
	      (GPA_DATA + 8192) | X86_PTE_P | X86_PTE_U | X86_PTE_NX);
	put64(PDPT_PAE, PD | X86_PTE_P);
	put64(PDPT_PAE + 8 * (HARNESS >> 30), PD_HARNESS | X86_PTE_P);
	put64(PT_HARNESS + 8 * (HARNESS >> 12 & 511),
	      GPA_HARNESS | all | X86_PTE_NX);
}

static void
make_state(struct x86_state *st)
{
	for (unsigned i = 0; i < 6; i++)
		st->seg[i] =
		    (struct x86_segment){ .limit = UINT32_MAX,
			                  .attr = X86_ATTR_G | X86_ATTR_DB |
			                          X86_ATTR_P | 0x73,
			                  .sel = 0x2b };
	st->seg[X86_CS].attr = X86_ATTR_G | X86_ATTR_L | X86_ATTR_P | 0x7b;
	st->seg[X86_CS].sel = 0x33;
	st->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP | X86_CR0_NE |
	          X86_CR0_MP | X86_CR0_ET;
	st->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
	st->efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_SCE | X86_EFER_NXE;
	st->cr3 = PML4;
	st->rip = CODE_AT;
	st->rflags = 0x202;
}

bool
guest_init(uint64_t *features)
{
	const struct vm_options o = { .name = "oracle",
		                      .ncpus = 1,
		                      .mem_bytes = 2u << 20,
		                      .tsc_hz = 1000000000,
		                      .engine = &engine_soft };
	struct x86_state st;
	struct error err;

	if (vm_new(&o, &vm, &err) < 0 || vm_engine_init(vm, &err) < 0) {
		fprintf(stderr, "oracle: %s\n", err.msg);
		return false;
	}
	mem = vm->mem;
	make_pages();
	if (vm_vcpu_get(vm, 0, &st) < 0)
		return false;
	make_state(&st);
	if (vm_vcpu_set(vm, 0, &st, &err) < 0)
		return false;
	cpu = vm->vcpus[0].engine;
	sync_enter(cpu);
	*features = x86_features(vm->vcpus[0].cpuid);
	return true;
}

uint8_t *
guest_data(void)
{
	return guest_mem_at(mem, GPA_DATA, ARENA_END - ARENA_DATA, 1);
}

void
guest_code(const uint8_t *code, unsigned n)
{
	(void)guest_mem_write(mem, GPA_CODE + (CODE_AT - ARENA_CODE), code, n);
	guest_mem_written(mem, GPA_CODE + (CODE_AT - ARENA_CODE), n);
}

static void
run_blocks(struct cpu *c, bool alone)
{
	const struct uop *u;

	do {
		cpu_mode_update(c);
		if (alone || c->one_insn)
			c->mode |= CM_SHADOW;
		c->one_insn = false;
		u = block_find(c);
		while (u != NULL)
			u = u->fn(c, u);
		if (atomic_load(&c->ev) != 0)
			atomic_store(&c->ev, 0);
	} while (!c->exc.pending && (!alone || c->one_insn));
	cpu_mode_update(c);
	/* Where a branch leads to is fetched from by the processor. */
	if (alone && !c->exc.pending)
		(void)block_find(c);
}

/* Did it leave by the way out? */
static bool
is_out(struct cpu *c, struct state *s)
{
	if (!c->exc.pending || c->exc.vector != X86_PF ||
	    (c->rip != OUT && c->rip != OUT2))
		return false;
	s->rip = c->rip == OUT ? OUT_AT : OUT2_AT;
	return true;
}

/* Outside long mode the same addresses are mapped by PAE's tables, and there
 * are quicker handlers. */
static void
set_mode(struct cpu *c, unsigned bits, bool legacy)
{
	bool is_legacy = (c->efer & X86_EFER_LMA) == 0;

	c->seg[X86_CS].attr =
	    (c->seg[X86_CS].attr & ~(X86_ATTR_L | X86_ATTR_DB)) |
	    (bits == 64   ? X86_ATTR_L
	     : bits == 32 ? X86_ATTR_DB
	                  : 0);
	c->seg[X86_CS].limit = UINT32_MAX;
	if (legacy == is_legacy)
		return;
	c->efer ^= X86_EFER_LME | X86_EFER_LMA;
	c->cr3 = legacy ? PDPT_PAE : PML4;
	(void)walk_load_pdptes(c, PDPT_PAE);
	mmu_flush_all(c);
}

void
guest_run(struct state *s, unsigned bits, bool alone)
{
	struct cpu *c = cpu;

	/* Anew, in case the last one wrote over itself and so over these. */
	put64(GPA_HARNESS + (OUT_AT - HARNESS), OUT);
	put64(GPA_HARNESS + (OUT2_AT - HARNESS), OUT2);
	put64(GPA_HARNESS + (OUT32_AT - HARNESS), OUT | (uint64_t)OUT2 << 32);
	set_mode(c, bits, bits == 32 && (s->gpr[X86_RDX] & 2) != 0);
	memcpy(c->fx, s->fx, sizeof(c->fx));
	memcpy(c->gpr, s->gpr, sizeof(s->gpr));
	c->rip = CODE_AT;
	cpu_set_rflags(c, (uint32_t)s->rflags);
	c->exc.pending = false;
	c->shadow = 0;
	run_blocks(c, alone);
	memcpy(s->fx, c->fx, sizeof(c->fx));
	memcpy(s->gpr, c->gpr, sizeof(s->gpr));
	s->rflags = cpu_rflags(c);
	s->rip = c->rip;
	s->fault = NO_FAULT;
	s->error = 0;
	s->cr2 = 0;
	if (is_out(c, s) || !c->exc.pending)
		return;
	s->fault = c->exc.vector;
	s->error = c->exc.has_error ? c->exc.error : 0;
	s->cr2 = c->exc.vector == X86_PF ? c->exc.cr2 : 0;
	c->exc.pending = false;
}
