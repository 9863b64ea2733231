/* SPDX-License-Identifier: BSD-2-Clause */
/* bed.c - the test bed's VM, tables and ports. */
#include "engine/soft/bed.h"

#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "engine/soft/soft.h"

enum { NVECTORS = 256, STUB_BYTES = 16, GATE_INT = 0x8e };

/* Vectors with an error code. */
#define HAS_ERROR                                                              \
	(1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 |      \
	 1u << 17)

/* Stack: vector, error, frame. Copied to the log, then the end. */
PROGRAM(log64, ".code64\n"
               "mov %rsp, %rsi\n mov $0xb000, %edi\n mov $7, %ecx\n"
               "cld\n rep movsq\n mov %cr2, %rax\n stosq" END);
/* DS may be anything. */
PROGRAM(log32, ".code32\n"
               "mov %esp, %esi\n mov $0xb000, %edi\n mov $7, %ecx\n cld\n"
               "1: mov %ss:(%esi), %eax\n add $4, %esi\n stosl\n"
               "xor %eax, %eax\n stosl\n loop 1b\n"
               "mov %cr2, %eax\n stosl\n xor %eax, %eax\n stosl" END);

static uint64_t
out_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx;
	(void)off;
	(void)size;
	return 0x5a5a5a5a;
}

static void
out_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct bed *b = ctx;

	(void)off;
	(void)size;
	if (b->nout < BED_MAX_OUT)
		b->out[b->nout++] = v;
}

static void
end_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct bed *b = ctx;

	(void)off;
	(void)size;
	(void)v;
	b->ended = true;
	engine_soft.kick(&b->vm->vcpus[0]);
}

static const struct bus_ops out_ops = { "out", out_read, out_write };
static const struct bus_ops end_ops = { "end", out_read, end_write };

void
bed_write(struct bed *b, uint64_t gpa, const void *p, size_t len)
{
	if (guest_mem_write(b->vm->mem, gpa, p, len) < 0)
		abort();
}

void
bed_put64(struct bed *b, uint64_t gpa, uint64_t v)
{
	bed_write(b, gpa, &v, 8);
}

uint64_t
bed_get64(struct bed *b, uint64_t gpa)
{
	uint64_t v;

	if (guest_mem_read(b->vm->mem, gpa, &v, 8) < 0)
		abort();
	return v;
}

uint64_t
bed_pte(uint64_t la)
{
	return BED_PT + (la >> 12) * 8;
}

static void
lay_tables(struct bed *b)
{
	static const uint64_t gdt[] = {
		0,
		0x00af9b000000ffff, /* 08 code, 64-bit */
		0x00cf93000000ffff, /* 10 data */
		0x00cf9b000000ffff, /* 18 code, 32-bit */
		0x00cffb000000ffff, /* 20 user code, 32-bit */
		0x00cff3000000ffff, /* 28 user data */
		0x00affb000000ffff, /* 30 user code, 64-bit */
		0x00009b000000ffff, /* 38 code, 16-bit */
		0x000093000000ffff, /* 40 data, 16-bit */
		0,
		0x00008b00a0000067, /* 50 TSS */
		0,
	};

	bed_put64(b, BED_PML4, BED_PDPT | 7);
	bed_put64(b, BED_PDPT, BED_PD | 7);
	for (uint64_t i = 0; i < 4; i++)
		bed_put64(b, BED_PD + i * 8, (BED_PT + i * 4096) | 7);
	for (uint64_t la = 0; la < BED_BYTES; la += 4096)
		bed_put64(b, bed_pte(la), la | 7);
	bed_write(b, BED_GDT, gdt, sizeof(gdt));
	bed_put64(b, BED_TSS + 4, BED_STACK - 0x800);    /* RSP0 */
	bed_put64(b, BED_TSS + 0x60, 0x68ull << 48);     /* no port bitmap */
	bed_put64(b, BED_TSS + 0x24, BED_STACK - 0x400); /* IST1 */
}

static void
lay_stubs(struct bed *b, bool wide)
{
	uint64_t common = BED_STUBS + NVECTORS * STUB_BYTES;

	for (unsigned i = 0; i < NVECTORS; i++) {
		uint64_t at = BED_STUBS + i * STUB_BYTES;
		uint8_t code[STUB_BYTES];
		unsigned n = 0;
		int32_t rel;

		if (i >= 32 || !(HAS_ERROR >> i & 1)) {
			code[n++] = 0x6a; /* push 0 */
			code[n++] = 0;
		}
		code[n++] = 0x68; /* push vector */
		code[n++] = (uint8_t)i;
		code[n++] = 0;
		code[n++] = 0;
		code[n++] = 0;
		code[n++] = 0xe9; /* jmp */
		rel = (int32_t)(common - (at + n + 4));
		memcpy(code + n, &rel, 4);
		bed_write(b, at, code, n + 4);
		if (wide) {
			bed_put64(b, BED_IDT + i * 16ull,
			          at | SEL_CODE64 << 16 |
			              (uint64_t)GATE_INT << 40);
			bed_put64(b, BED_IDT + i * 16ull + 8, 0);
		} else {
			bed_put64(b, BED_IDT + i * 8ull,
			          at | SEL_CODE32 << 16 |
			              (uint64_t)GATE_INT << 40);
		}
	}
	if (wide)
		LOAD(b, common, log64);
	else
		LOAD(b, common, log32);
}

static void
set_segment(struct x86_segment *s, uint16_t sel, uint32_t attr)
{
	*s = (struct x86_segment){ .sel = sel,
		                   .limit = 0xffffffffu,
		                   .attr = attr };
}

static void
protected_state(struct bed *b, uint16_t cs, uint32_t attr)
{
	struct x86_state *st = &b->st;

	x86_state_reset(st, 0, 1);
	set_segment(&st->seg[X86_CS], cs, attr);
	for (unsigned i = 0; i <= X86_GS; i++)
		if (i != X86_CS)
			set_segment(&st->seg[i], SEL_DATA, 0xc093);
	st->gdtr = (struct x86_table){ BED_GDT, 12 * 8 - 1 };
	st->idtr = (struct x86_table){ BED_IDT, 4095 };
	st->seg[X86_TR] = (struct x86_segment){
		.sel = SEL_TSS, .base = BED_TSS, .limit = 0x67, .attr = 0x8b
	};
	st->cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE;
	st->rip = BED_CODE;
	st->gpr[X86_RSP] = BED_STACK;
}

void
bed_long(struct bed *b)
{
	lay_tables(b);
	lay_stubs(b, true);
	protected_state(b, SEL_CODE64, 0xa09b);
	b->st.cr0 |= X86_CR0_PG | X86_CR0_WP;
	b->st.cr3 = BED_PML4;
	b->st.cr4 = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_OSFXSR;
	b->st.efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE | X86_EFER_SCE;
}

void
bed_flat(struct bed *b)
{
	lay_tables(b);
	lay_stubs(b, false);
	protected_state(b, SEL_CODE32, 0xc09b);
	/* A 32-bit TSS: SS0:ESP0. */
	bed_put64(b, BED_TSS, (uint64_t)(BED_STACK - 0x800) << 32);
	bed_put64(b, BED_TSS + 8, SEL_DATA);
}

void
bed_real(struct bed *b)
{
	x86_state_reset(&b->st, 0, 1);
	b->st.seg[X86_CS].sel = BED_CODE >> 4;
	b->st.seg[X86_CS].base = BED_CODE;
	b->st.rip = 0;
	b->st.gpr[X86_RSP] = 0x7000;
	lay_tables(b);
}

bool
bed_run(struct bed *b)
{
	struct vcpu *v = &b->vm->vcpus[0];
	static const uint8_t none[sizeof(struct bed_log)];
	struct error err;
	enum vm_exit_code code;

	memset(b->out, 0, sizeof(b->out));
	b->nout = 0;
	b->ended = false;
	bed_write(b, BED_LOG, none, sizeof(none));
	if (vm_vcpu_set(b->vm, 0, &b->st, &err) < 0)
		abort();
	do
		code = engine_soft.run(v);
	while (code == EXIT_KICKED && !b->ended);
	(void)vm_vcpu_get(b->vm, 0, &b->st);
	return code == EXIT_KICKED;
}

int
bed_vector(struct bed *b, struct bed_log *log)
{
	struct bed_log l;

	if (guest_mem_read(b->vm->mem, BED_LOG, &l, sizeof(l)) < 0)
		abort();
	if (log != NULL)
		*log = l;
	return l.rip == 0 ? -1 : (int)l.vector;
}

void
bed_init(struct bed *b)
{
	const struct vm_options o = { .name = "bed",
		                      .ncpus = 1,
		                      .mem_bytes = BED_BYTES,
		                      .tsc_hz = 1000000000,
		                      .x2apic = true,
		                      .strict_msr = true,
		                      .engine = &engine_soft };
	struct error err;

	*b = (struct bed){ .vm = NULL };
	if (vm_new(&o, &b->vm, &err) < 0 ||
	    bus_add(b->vm->pio, PORT_OUT, 4, &out_ops, b, &err) < 0 ||
	    bus_add(b->vm->pio, PORT_END, 1, &end_ops, b, &err) < 0 ||
	    vm_engine_init(b->vm, &err) < 0)
		abort();
	b->c = b->vm->vcpus[0].engine;
}

void
bed_fini(struct bed *b)
{
	vm_free(b->vm);
	b->vm = NULL;
}
