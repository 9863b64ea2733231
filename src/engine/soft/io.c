/* SPDX-License-Identifier: BSD-2-Clause */
/* io.c - IN, OUT and their string forms: rights by IOPL and the TSS's bitmap,
 * then the VM's ports. Source: SDM vol. 1 chapter 19.
 */
#include "engine/soft/debug.h"
#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/sysuop.h"
#include "vmm/vm.h"

enum {
	TSS_IOMAP = 0x66,
	TYPE_TSS = 9,
	REP_SLICE = 1024 /* elements between looks at events */
};

static bool
gp0(struct cpu *c)
{
	return fault_set_error(c, X86_GP, 0);
}

static bool
bitmap_allows(struct cpu *c, uint16_t port, unsigned size)
{
	const struct x86_segment *tr = &c->seg[X86_TR];
	uint16_t at, bits;

	if ((tr->attr & TYPE_TSS) != TYPE_TSS || tr->limit < TSS_IOMAP + 1)
		return gp0(c);
	if (!mmu_read_sys(c, tr->base + TSS_IOMAP, &at, 2))
		return false;
	if (at + port / 8u + 1 > tr->limit)
		return gp0(c);
	if (!mmu_read_sys(c, tr->base + at + port / 8u, &bits, 2))
		return false;
	return (bits >> port % 8 & ((1u << size) - 1)) == 0 || gp0(c);
}

static bool
port_allowed(struct cpu *c, uint16_t port, unsigned size)
{
	if (!(c->cr0 & X86_CR0_PE) ||
	    (sys_protected(c) && c->cpl <= (c->rflags & X86_FL_IOPL) >> 12))
		return true;
	return bitmap_allows(c, port, size);
}

/* A device may have stopped the VM or raised an interrupt. */
static const struct uop *
after_io(struct cpu *c, const struct uop *u)
{
	if (atomic_load_explicit(&c->ev, memory_order_relaxed) != 0)
		return sys_leave(c, u, true);
	return u + 1;
}

static const struct uop *
in_port(struct cpu *c, const struct uop *u, uint16_t port, unsigned size)
{
	if (!port_allowed(c, port, size) || !debug_port(c, port, size))
		return cpu_fault_set(c, u);
	c->counts.pio++;
	reg_set(c, X86_RAX, size * 8, vm_pio_read(c->vcpu, port, size));
	return after_io(c, u);
}

static const struct uop *
out_port(struct cpu *c, const struct uop *u, uint16_t port, unsigned size)
{
	if (!port_allowed(c, port, size) || !debug_port(c, port, size))
		return cpu_fault_set(c, u);
	c->counts.pio++;
	vm_pio_write(c->vcpu, port, size, reg_get(c, X86_RAX, size * 8));
	return after_io(c, u);
}

static const struct uop *
uop_in_imm(struct cpu *c, const struct uop *u)
{
	return in_port(c, u, (uint8_t)u->imm, sys_opsize(u));
}

static const struct uop *
uop_in_dx(struct cpu *c, const struct uop *u)
{
	return in_port(c, u, (uint16_t)c->gpr[X86_RDX], sys_opsize(u));
}

static const struct uop *
uop_out_imm(struct cpu *c, const struct uop *u)
{
	return out_port(c, u, (uint8_t)u->imm, sys_opsize(u));
}

static const struct uop *
uop_out_dx(struct cpu *c, const struct uop *u)
{
	return out_port(c, u, (uint16_t)c->gpr[X86_RDX], sys_opsize(u));
}

/* String forms */

static uint64_t
index_get(const struct cpu *c, unsigned reg, unsigned addrsize)
{
	return reg_get(c, reg, addrsize * 8);
}

static void
index_add(struct cpu *c, const struct uop *u, unsigned reg, int64_t n)
{
	unsigned bits = (u->aux >> SYS_ADDRSIZE_SHIFT & 0xff) * 8;

	reg_set(c, reg, bits, reg_get(c, reg, bits) + (uint64_t)n);
}

static bool
ins_element(struct cpu *c, const struct uop *u, uint16_t port, unsigned size,
            uint64_t off)
{
	uint64_t la, v;
	struct mmu_bounce b;
	void *p;

	(void)u;
	/* Rights before the port is read: reading it may change a device. */
	if (!seg_la(c, X86_ES, off, size, true, &la))
		return false;
	p = mmu_rmw(c, la, size, &b);
	if (p == NULL)
		return false;
	c->counts.pio++;
	v = vm_pio_read(c->vcpu, port, size);
	memcpy(p, &v, size);
	mmu_rmw_end(c, &b);
	return true;
}

static bool
outs_element(struct cpu *c, const struct uop *u, uint16_t port, unsigned size,
             uint64_t off)
{
	uint64_t la, v = 0;

	if (!seg_la(c, u->seg, off, size, false, &la) ||
	    !mmu_read(c, la, &v, size))
		return false;
	c->counts.pio++;
	vm_pio_write(c->vcpu, port, size, v);
	return true;
}

static const struct uop *
string_io(struct cpu *c, const struct uop *u, unsigned reg,
          bool (*element)(struct cpu *, const struct uop *, uint16_t, unsigned,
                          uint64_t))
{
	unsigned addrsize = u->aux >> SYS_ADDRSIZE_SHIFT & 0xff;
	unsigned size = sys_opsize(u);
	uint16_t port = (uint16_t)c->gpr[X86_RDX];
	int64_t step = c->rflags & X86_FL_DF ? -(int64_t)size : (int64_t)size;
	bool rep = (u->aux & SYS_REP) != 0;

	if (rep && index_get(c, X86_RCX, addrsize) == 0)
		return u + 1;
	if (!port_allowed(c, port, size) || !debug_port(c, port, size))
		return cpu_fault_set(c, u);
	for (unsigned i = 0; i < REP_SLICE; i++) {
		if (!element(c, u, port, size, index_get(c, reg, addrsize)))
			return cpu_fault_set(c, u);
		index_add(c, u, reg, step);
		if (!rep)
			return after_io(c, u);
		index_add(c, u, X86_RCX, -1);
		if (index_get(c, X86_RCX, addrsize) == 0)
			return after_io(c, u);
		if (atomic_load_explicit(&c->ev, memory_order_relaxed) != 0)
			break;
	}
	c->rip += u->roff; /* it goes on here */
	return NULL;
}

static const struct uop *
uop_ins(struct cpu *c, const struct uop *u)
{
	return string_io(c, u, X86_RDI, ins_element);
}

static const struct uop *
uop_outs(struct cpu *c, const struct uop *u)
{
	return string_io(c, u, X86_RSI, outs_element);
}

uop_fn *
io_pick(const struct x86_insn *i)
{
	switch (i->op) {
	case X86_OP_IN:
		return i->opnd[1].kind == X86_OPND_IMM ? uop_in_imm : uop_in_dx;
	case X86_OP_OUT:
		return i->opnd[0].kind == X86_OPND_IMM ? uop_out_imm
		                                       : uop_out_dx;
	case X86_OP_INS:
		return uop_ins;
	case X86_OP_OUTS:
		return uop_outs;
	default:
		return NULL;
	}
}
