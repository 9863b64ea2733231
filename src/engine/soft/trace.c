/* SPDX-License-Identifier: BSD-2-Clause */
/* trace.c - the last things a vCPU did, for when it shuts down. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/soft/mmu.h"
#include "engine/soft/run.h"
#include "engine/soft/seg.h"
#include "engine/soft/soft_vm.h"
#include "vmm/mem.h"
#include "vmm/vm.h"

enum { TRACE_N = 4096 };
enum { KIND_STEP, KIND_FAULT, KIND_INTR };

struct row {
	uint8_t kind, cpl, vector;
	uint32_t mode, error;
	uint64_t rip, la, cr2, gpr[X86_NGPR];
	uint8_t bytes[8];
};

struct trace {
	int fd;
	bool every;
	uint64_t n; /* rows ever written */
	struct row row[TRACE_N];
};

int
trace_new(struct cpu *c, int fd, bool every)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->fd = fd;
	t->every = every;
	free(c->trace);
	c->trace = t;
	return 0;
}

void
trace_free(struct cpu *c)
{
	free(c->trace);
	c->trace = NULL;
}

bool
trace_every(const struct cpu *c)
{
	return c->trace != NULL && c->trace->every;
}

static struct row *
add(struct cpu *c, uint8_t kind)
{
	struct trace *t = c->trace;
	struct row *r = &t->row[t->n++ % TRACE_N];

	r->kind = kind;
	r->cpl = c->cpl;
	r->mode = c->mode;
	r->rip = c->rip;
	r->la = c->rip + (cpu_code64(c) ? 0 : c->seg[X86_CS].base);
	memcpy(r->gpr, c->gpr, sizeof(r->gpr));
	return r;
}

void
trace_step(struct cpu *c)
{
	struct row *r = add(c, KIND_STEP);
	uint64_t gpa;

	memset(r->bytes, 0, sizeof(r->bytes));
	if (mmu_peek(c, r->la, &gpa))
		(void)guest_mem_read(c->vm->mem, gpa, r->bytes,
		                     sizeof(r->bytes));
}

void
trace_event(struct cpu *c)
{
	struct row *r = add(c, KIND_FAULT);

	r->vector = c->exc.vector;
	r->error = c->exc.error;
	r->cr2 = c->exc.cr2;
}

void
trace_interrupt(struct cpu *c, int vector)
{
	add(c, KIND_INTR)->vector = (uint8_t)vector;
}

static void
print_row(int fd, const struct row *r)
{
	static const uint8_t shown[] = { X86_RAX, X86_RCX, X86_RDX, X86_RBX,
		                         X86_RSP, X86_RBP, X86_RSI, X86_RDI };

	dprintf(fd, "%016" PRIx64 " %c cpl%u mode %04x ", r->rip,
	        ".!*"[r->kind], r -> cpl, r -> mode);
	if (r->kind == KIND_FAULT)
		dprintf(fd, "exception %u error %x cr2 %" PRIx64, r->vector,
		        r->error, r->cr2);
	else if (r->kind == KIND_INTR)
		dprintf(fd, "interrupt %u", r->vector);
	else
		for (unsigned i = 0; i < sizeof(r->bytes); i++)
			dprintf(fd, "%02x", r->bytes[i]);
	for (unsigned i = 0; i < sizeof(shown); i++)
		dprintf(fd, " %" PRIx64, r->gpr[shown[i]]);
	dprintf(fd, "\n");
}

void
trace_dump(struct cpu *c)
{
	struct trace *t = c->trace;

	if (t == NULL)
		return;
	dprintf(t->fd, "vCPU %u: the last of %" PRIu64 " steps\n", c->vcpu->id,
	        t->n);
	for (uint64_t i = t->n < TRACE_N ? 0 : t->n - TRACE_N; i < t->n; i++)
		print_row(t->fd, &t->row[i % TRACE_N]);
	dprintf(t->fd,
	        "cr0 %" PRIx64 " cr2 %" PRIx64 " cr3 %" PRIx64 " cr4 %" PRIx64
	        " efer %" PRIx64 " gdt %" PRIx64 " idt %" PRIx64 "\n",
	        c->cr0, c->cr2, c->cr3, c->cr4, c->efer, c->gdtr.base,
	        c->idtr.base);
}
