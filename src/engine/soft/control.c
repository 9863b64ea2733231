/* SPDX-License-Identifier: BSD-2-Clause */
/* control.c - control and debug registers, descriptor table registers, TLB
 * invalidation, MSR and CPUID instructions. Source: SDM 3A 2.5, 2.8, 17.2.
 */
#include "engine/baseline.h"
#include "engine/soft/debug.h"
#include "engine/soft/mmu.h"
#include "engine/soft/seg.h"
#include "engine/soft/soft_vm.h"
#include "engine/soft/sysuop.h"
#include "engine/soft/walk.h"
#include "vmm/lapic.h"
#include "vmm/vm.h"
#include "x86/cpuid.h"

#define CR0_DEFINED                                                            \
	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET |      \
	 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD |      \
	 X86_CR0_PG)
/* Changes of these make TLB entries wrong. */
#define CR0_FLUSH (X86_CR0_PG | X86_CR0_WP | X86_CR0_PE)
#define CR4_FLUSH                                                              \
	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_SMEP | X86_CR4_SMAP)

enum { DR6_FIXED = 0xffff0ff0u, DR7_FIXED = 0x400, DR7_GD = 1 << 13 };
#define DR6_WRITABLE 0xe00fu
#define DR6_BD       (1u << 13)

static bool
gp0(struct cpu *c)
{
	return fault_set_error(c, X86_GP, 0);
}

static bool
cr0_allowed(const struct cpu *c, uint64_t v)
{
	bool on = (v & X86_CR0_PG) && !(c->cr0 & X86_CR0_PG);
	bool off = !(v & X86_CR0_PG) && (c->cr0 & X86_CR0_PG);

	if (v >> 32 != 0 || ((v & X86_CR0_PG) && !(v & X86_CR0_PE)) ||
	    ((v & X86_CR0_NW) && !(v & X86_CR0_CD)))
		return false;
	if (on && (c->efer & X86_EFER_LME) &&
	    (!(c->cr4 & X86_CR4_PAE) || (c->seg[X86_CS].attr & X86_ATTR_L)))
		return false;
	return !(off && cpu_code64(c));
}

bool
cpu_set_cr0(struct cpu *c, uint64_t v)
{
	uint64_t changed;
	bool lme = (c->efer & X86_EFER_LME) != 0;

	if (!cr0_allowed(c, v))
		return gp0(c);
	v = (v & CR0_DEFINED) | X86_CR0_ET;
	changed = c->cr0 ^ v;
	if ((v & X86_CR0_PG) && (changed & X86_CR0_PG) && !lme &&
	    (c->cr4 & X86_CR4_PAE) && !walk_load_pdptes(c, c->cr3))
		return gp0(c);
	c->cr0 = v;
	if (changed & X86_CR0_PG)
		c->efer = (c->efer & ~(uint64_t)X86_EFER_LMA) |
		          (lme && (v & X86_CR0_PG) ? X86_EFER_LMA : 0);
	if (changed & CR0_FLUSH)
		mmu_flush_all(c);
	cpu_mode_update(c);
	return true;
}

static bool
pae_without_long(const struct cpu *c)
{
	return (c->cr0 & X86_CR0_PG) && (c->cr4 & X86_CR4_PAE) && !cpu_long(c);
}

bool
cpu_set_cr3(struct cpu *c, uint64_t v)
{
	if (cpu_long(c) && v >> BASELINE_PHYS_BITS != 0)
		return gp0(c);
	if (pae_without_long(c) && !walk_load_pdptes(c, v))
		return gp0(c);
	c->cr3 = v;
	mmu_flush_local(c);
	return true;
}

bool
cpu_set_cr4(struct cpu *c, uint64_t v)
{
	uint64_t changed = c->cr4 ^ v, old = c->cr4;

	if ((v & ~(uint64_t)CR4_OFFERED) != 0 ||
	    (cpu_long(c) && !(v & X86_CR4_PAE)))
		return gp0(c);
	c->cr4 = v;
	if ((changed &
	     (X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP)) &&
	    pae_without_long(c) && !walk_load_pdptes(c, c->cr3)) {
		c->cr4 = old;
		return gp0(c);
	}
	if (changed & CR4_FLUSH)
		mmu_flush_all(c);
	if (changed & X86_CR4_DE)
		debug_update(c);
	cpu_mode_update(c);
	return true;
}

static bool
set_cr8(struct cpu *c, uint64_t v)
{
	if (v > 15)
		return gp0(c);
	lapic_set_tpr(c->lapic, (uint8_t)(v << 4));
	return true;
}

/* rd: the general register; rs: the control or debug register. */
static bool
mov_from_cr(struct cpu *c, const struct uop *u)
{
	uint64_t v;

	if (!sys_cpl0(c))
		return false;
	switch (u->rs) {
	case 0:
		v = c->cr0;
		break;
	case 2:
		v = c->cr2;
		break;
	case 3:
		v = c->cr3;
		break;
	case 4:
		v = c->cr4;
		break;
	case 8:
		v = lapic_tpr(c->lapic) >> 4;
		break;
	default:
		return fault_set(c, X86_UD);
	}
	reg_set(c, u->rd, cpu_code64(c) ? 64 : 32, v);
	return true;
}
SYS_UOP(mov_from_cr, next)

static bool
mov_to_cr(struct cpu *c, const struct uop *u)
{
	uint64_t v = reg_get(c, u->rs, cpu_code64(c) ? 64 : 32);

	if (!sys_cpl0(c))
		return false;
	switch (u->rd) {
	case 0:
		return cpu_set_cr0(c, v);
	case 2:
		c->cr2 = v;
		return true;
	case 3:
		return cpu_set_cr3(c, v);
	case 4:
		return cpu_set_cr4(c, v);
	case 8:
		return set_cr8(c, v);
	default:
		return fault_set(c, X86_UD);
	}
}
SYS_UOP(mov_to_cr, leave)

/* DR4 and DR5 are DR6 and DR7 unless CR4.DE. 0: #UD. */
static bool
dr_access(struct cpu *c, unsigned *n)
{
	if (!sys_cpl0(c))
		return false;
	if (*n > 7 || ((*n == 4 || *n == 5) && (c->cr4 & X86_CR4_DE)))
		return fault_set(c, X86_UD);
	if (*n == 4 || *n == 5)
		*n += 2;
	if (c->dr7 & DR7_GD) {
		c->dr7 &= ~(uint64_t)DR7_GD;
		fault_debug(c, DR6_BD);
		return false;
	}
	return true;
}

static bool
mov_from_dr(struct cpu *c, const struct uop *u)
{
	unsigned n = u->rs;
	uint64_t v;

	if (!dr_access(c, &n))
		return false;
	v = n < 4 ? c->dr[n] : n == 6 ? c->dr6 : c->dr7;
	reg_set(c, u->rd, cpu_code64(c) ? 64 : 32, v);
	return true;
}
SYS_UOP(mov_from_dr, next)

static bool
mov_to_dr(struct cpu *c, const struct uop *u)
{
	unsigned n = u->rd;
	uint64_t v = reg_get(c, u->rs, cpu_code64(c) ? 64 : 32);

	if (!dr_access(c, &n))
		return false;
	if (n > 3 && v >> 32 != 0)
		return gp0(c);
	if (n < 4)
		c->dr[n] = v;
	else if (n == 6)
		c->dr6 = (v & DR6_WRITABLE) | DR6_FIXED;
	else
		c->dr7 = (v & 0xffff2bffu) | DR7_FIXED;
	if (n != 6)
		debug_update(c);
	return true;
}
SYS_UOP(mov_to_dr, leave)

static bool
clts(struct cpu *c, const struct uop *u)
{
	(void)u;
	if (!sys_cpl0(c))
		return false;
	c->cr0 &= ~(uint64_t)X86_CR0_TS;
	cpu_mode_update(c);
	return true;
}
SYS_UOP(clts, leave)

static bool
lmsw(struct cpu *c, const struct uop *u)
{
	uint16_t v;

	if (!sys_cpl0(c) || !sys_get16(c, u, 0, u->rd, &v))
		return false;
	v = (v & 0xf) | (c->cr0 & X86_CR0_PE);
	return cpu_set_cr0(c, (c->cr0 & ~0xfull) | v);
}
SYS_UOP(lmsw, leave)

static bool
smsw(struct cpu *c, const struct uop *u)
{
	return sys_put16(c, u, c->cr0);
}
SYS_UOP(smsw, next)

/* Descriptor table registers */

static bool
load_table(struct cpu *c, const struct uop *u, struct x86_table *t)
{
	unsigned size = cpu_code64(c) ? 10 : 6;
	uint8_t b[10] = { 0 };
	uint64_t la, base = 0;

	if (!sys_cpl0(c) || !ea_linear(c, u, 0, size, false, &la) ||
	    !mmu_read(c, la, b, size))
		return false;
	memcpy(&base, b + 2, size - 2);
	if (size == 6 && sys_opsize(u) == 2)
		base &= 0xffffff;
	if (!la_canonical(base) && size == 10)
		return gp0(c);
	t->base = base;
	memcpy(&t->limit, b, 2);
	return true;
}

static bool
store_table(struct cpu *c, const struct uop *u, const struct x86_table *t)
{
	unsigned size = cpu_code64(c) ? 10 : 6;
	uint8_t b[10];
	uint64_t la;

	memcpy(b, &t->limit, 2);
	memcpy(b + 2, &t->base, 8);
	return ea_linear(c, u, 0, size, true, &la) && mmu_write(c, la, b, size);
}

static bool
lgdt(struct cpu *c, const struct uop *u)
{
	return load_table(c, u, &c->gdtr);
}
SYS_UOP(lgdt, leave)

static bool
lidt(struct cpu *c, const struct uop *u)
{
	return load_table(c, u, &c->idtr);
}
SYS_UOP(lidt, leave)

static bool
sgdt(struct cpu *c, const struct uop *u)
{
	return store_table(c, u, &c->gdtr);
}
SYS_UOP(sgdt, next)

static bool
sidt(struct cpu *c, const struct uop *u)
{
	return store_table(c, u, &c->idtr);
}
SYS_UOP(sidt, next)

/* Caches and TLB */

static bool
invlpg(struct cpu *c, const struct uop *u)
{
	uint64_t la;

	if (!sys_cpl0(c))
		return false;
	if (ea_linear(c, u, 0, 1, false, &la))
		mmu_flush_page(c, la);
	c->exc.pending = false; /* no address is wrong for it */
	return true;
}
SYS_UOP(invlpg, leave)

static bool
cache_nop(struct cpu *c, const struct uop *u)
{
	(void)u;
	return sys_cpl0(c);
}
SYS_UOP(cache_nop, next)

/* MSRs, CPUID, counters */

static bool
rdmsr(struct cpu *c, const struct uop *u)
{
	uint64_t v;

	(void)u;
	if (!sys_cpl0(c))
		return false;
	if (!msr_read(c, (uint32_t)c->gpr[X86_RCX], &v))
		return gp0(c);
	c->gpr[X86_RAX] = (uint32_t)v;
	c->gpr[X86_RDX] = v >> 32;
	return true;
}
SYS_UOP(rdmsr, next)

static bool
wrmsr(struct cpu *c, const struct uop *u)
{
	uint64_t v = c->gpr[X86_RDX] << 32 | (uint32_t)c->gpr[X86_RAX];

	(void)u;
	if (!sys_cpl0(c))
		return false;
	return msr_write(c, (uint32_t)c->gpr[X86_RCX], v) || gp0(c);
}
SYS_UOP(wrmsr, leave)

static bool
cpuid(struct cpu *c, const struct uop *u)
{
	struct cpuid_leaf l =
	    cpuid_get(c->vcpu->cpuid, (uint32_t)c->gpr[X86_RAX],
	              (uint32_t)c->gpr[X86_RCX]);

	(void)u;
	c->gpr[X86_RAX] = l.eax;
	c->gpr[X86_RBX] = l.ebx;
	c->gpr[X86_RCX] = l.ecx;
	c->gpr[X86_RDX] = l.edx;
	return true;
}
SYS_UOP(cpuid, next)

static bool
rdtsc(struct cpu *c, const struct uop *u)
{
	uint64_t v;

	(void)u;
	if ((c->cr4 & X86_CR4_TSD) && c->cpl != 0)
		return gp0(c);
	v = cpu_tsc(c);
	c->gpr[X86_RAX] = (uint32_t)v;
	c->gpr[X86_RDX] = v >> 32;
	return true;
}
SYS_UOP(rdtsc, next)

static bool
rdtscp(struct cpu *c, const struct uop *u)
{
	if (!rdtsc(c, u))
		return false;
	c->gpr[X86_RCX] = (uint32_t)c->msrs.tsc_aux;
	return true;
}
SYS_UOP(rdtscp, next)

static bool
rdpmc(struct cpu *c, const struct uop *u)
{
	(void)u;
	return gp0(c); /* there are no counters */
}
SYS_UOP(rdpmc, next)

uop_fn *
control_pick(const struct x86_insn *i)
{
	switch (i->op) {
	case X86_OP_MOV:
		if (i->opnd[0].kind == X86_OPND_CR)
			return uop_mov_to_cr;
		if (i->opnd[1].kind == X86_OPND_CR)
			return uop_mov_from_cr;
		if (i->opnd[0].kind == X86_OPND_DR)
			return uop_mov_to_dr;
		return i->opnd[1].kind == X86_OPND_DR ? uop_mov_from_dr : NULL;
	case X86_OP_CLTS:
		return uop_clts;
	case X86_OP_LMSW:
		return uop_lmsw;
	case X86_OP_SMSW:
		return uop_smsw;
	case X86_OP_LGDT:
		return uop_lgdt;
	case X86_OP_LIDT:
		return uop_lidt;
	case X86_OP_SGDT:
		return uop_sgdt;
	case X86_OP_SIDT:
		return uop_sidt;
	case X86_OP_INVLPG:
		return uop_invlpg;
	case X86_OP_INVD:
	case X86_OP_WBINVD:
		return uop_cache_nop;
	case X86_OP_RDMSR:
		return uop_rdmsr;
	case X86_OP_WRMSR:
		return uop_wrmsr;
	case X86_OP_CPUID:
		return uop_cpuid;
	case X86_OP_RDTSC:
		return uop_rdtsc;
	case X86_OP_RDTSCP:
		return uop_rdtscp;
	case X86_OP_RDPMC:
		return uop_rdpmc;
	default:
		return NULL;
	}
}
