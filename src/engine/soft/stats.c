/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.c - what a vCPU did besides running, for bhyvectl --get-stats; by
 * FreeBSD's names where these mean the same. Instructions are not counted:
 * every one would pay for it.
 */
#include "engine/soft/cpu.h"
#include "engine/soft/run.h"
#include "vmm/control.h"
#include "vmm/vm.h"

void
soft_stats(struct vcpu *v, struct buf *out)
{
	const struct cpu_counts *n = &((const struct cpu *)v->engine)->counts;

	vm_stat(out, "number of times hlt was intercepted", n->halts);
	vm_stat(out, "number of times in/out was intercepted", n->pio);
	vm_stat(out, "memory-mapped registers read and written", n->mmio);
	vm_stat(out, "interrupts given to the guest", n->interrupts);
	vm_stat(out, "exceptions given to the guest", n->exceptions);
	vm_stat(out, "page tables walked", n->walks);
	vm_stat(out, "blocks of code translated", n->blocks);
}
