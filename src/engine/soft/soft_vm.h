/* SPDX-License-Identifier: BSD-2-Clause */
/* soft_vm.h - one VM as this engine sees it: what its vCPUs share. */
#ifndef SOFT_VM_H
#define SOFT_VM_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct block_cache;
struct cpu;
struct guest_mem;
struct lapic;
struct stubs;
struct sync;
struct vm;

enum { SOFT_MAX_BREAKS = 64, SOFT_MAX_WATCHES = 16 };

struct soft_watch {
	uint64_t la;
	unsigned len;
	bool read, write;
};

struct soft_vm {
	struct vm *vm;
	struct guest_mem *mem;
	unsigned ncpus;             /* entries in cpus and lapics */
	struct cpu **cpus;          /* NULL until their vcpu_init() */
	struct lapic **lapics;      /* the same */
	struct block_cache *blocks; /* block.c's */
	struct sync *sync;          /* sync.c's */
	struct stubs *stubs;        /* simd.c's */
	_Atomic bool extint;        /* the PIC's INT line */
	_Atomic uint32_t ndead;     /* asleep where no interrupt wakes them */
	/* Breakpoints of the debugger: changed while no vCPU runs. */
	_Atomic uint32_t nbreak;
	uint64_t breaks[SOFT_MAX_BREAKS];
	_Atomic uint32_t nwatch; /* its watchpoints: the same */
	struct soft_watch watches[SOFT_MAX_WATCHES];
	_Atomic uint64_t tsc_stood; /* ticks during which the VM stood still */
	_Atomic uint64_t tsc_ref;   /* state.c's; 0: none */
};

/* Set bits of enum cpu_event and wake the vCPU when it sleeps in HLT. Any
 * thread, signal safe. */
void soft_kick(struct cpu *c, uint32_t ev);

#endif
