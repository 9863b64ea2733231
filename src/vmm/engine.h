/* SPDX-License-Identifier: BSD-2-Clause */
/* engine.h - what executes guest instructions: the interface that KVM and the
 * software CPU implement, after libvmmapi.
 *
 * Port and MMIO accesses do not leave run(): an engine calls vm_pio_read() and
 * its siblings on the vCPU's thread. HLT sleeps inside run(), too.
 */
#ifndef VMM_ENGINE_H
#define VMM_ENGINE_H
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct cpuid_table;
struct error;
struct vcpu;
struct vm;
struct x86_state;

/* Why run() returned. */
enum vm_exit_code {
	EXIT_KICKED, /* somebody wants the vCPU: look at its requests */
	EXIT_TRIPLE_FAULT,
	EXIT_DEBUG, /* a breakpoint or step of the debugger */
	EXIT_ERROR  /* the engine cannot go on; vcpu->error says why */
};

struct engine_watch {
	uint64_t la;
	unsigned len; /* at most 4096 */
	bool read, write;
};

struct engine_ops {
	const char *name; /* the word users write: "kvm", "soft" */
	/* Can it run guests here? Takes at most 100 ms. err tells why not. */
	int (*probe)(struct error *err);

	/* All segments of vm->mem are there. */
	int (*vm_init)(struct vm *vm, struct error *err);
	void (*vm_fini)(struct vm *vm); /* also of a half-made one */
	/* CPUID leaves this engine can honour, for vm->ncpus processors. */
	int (*cpuid)(struct vm *vm, unsigned apic_id, struct cpuid_table *out,
	             struct error *err);

	int (*vcpu_init)(struct vcpu *v, struct error *err);
	void (*vcpu_fini)(struct vcpu *v);
	/* On the vCPU's own thread, until something of enum vm_exit_code. */
	enum vm_exit_code (*run)(struct vcpu *v);
	/* Make run() return soon. Any thread, signal safe; a kick before run()
	 * is not lost. */
	void (*kick)(struct vcpu *v);

	/* Whole state, only while the vCPU is not in run(). */
	int (*get_state)(struct vcpu *v, struct x86_state *out);
	int (*set_state)(struct vcpu *v, const struct x86_state *st,
	                 struct error *err);

	/* Interrupts, from any thread. */
	int (*msi)(struct vm *vm, uint64_t addr, uint32_t data);
	/* The PIC's INT line; when taken the engine calls vm_pic_ack(). */
	void (*extint)(struct vm *vm, bool level);
	void (*nmi)(struct vcpu *v);
	/* KVM mirrors an unmasked IOAPIC pin as an MSI route, or it would not
	 * report level EOIs. Optional. */
	void (*ioapic_route)(struct vm *vm, unsigned pin, uint64_t addr,
	                     uint32_t data, bool masked);

	/* Optional: write to addr signals fd in the kernel (ioeventfd). */
	int (*notify_add)(struct vm *vm, bool pio, uint64_t addr, unsigned size,
	                  bool match_any, uint64_t match, int fd);
	void (*notify_remove)(struct vm *vm, bool pio, uint64_t addr,
	                      unsigned size, bool match_any, uint64_t match,
	                      int fd);

	/* Counters of a vCPU for bhyvectl --get-stats: names and values, a line
	 * each by vm_stat(). While no vCPU runs. Optional. */
	void (*stats)(struct vcpu *v, struct buf *out);

	/* For the debugger: a breakpoint at a linear address, single steps. */
	int (*breakpoint)(struct vm *vm, uint64_t la, bool set);
	void (*single_step)(struct vcpu *v, bool on);
	/* Stop after an access to data, while no vCPU runs. Optional. */
	int (*watchpoint)(struct vm *vm, const struct engine_watch *w,
	                  bool set);
	/* Linear to guest-physical by the vCPU's page tables; -EFAULT. */
	int (*translate)(struct vcpu *v, uint64_t la, uint64_t *out_gpa);
};
#endif
