/* SPDX-License-Identifier: BSD-2-Clause */
/* vm.h - one virtual machine: its memory, buses, interrupt wires, vCPUs and
 * its end.
 *
 * Threads: the main thread runs vm->loop (timers, consoles, control socket);
 * each vCPU has its own; devices may have workers. The struct is open to
 * engines and to src/vmm; devices use the functions.
 */
#ifndef VMM_VM_H
#define VMM_VM_H
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "vmm/bus.h"
#include "vmm/engine.h"
#include "vmm/loop.h"
#include "vmm/mem.h"
#include "vmm/state.h"

struct buf;
struct cpuid_table;
struct vm;

enum { VM_MAX_CPUS = 64, VM_MAX_GSI = 24, VM_MAX_DEVICES = 128 };

/* How a VM ends; the first to say so wins (libvmmapi's numbers). */
enum vm_suspend {
	VM_SUSPEND_NONE,
	VM_SUSPEND_RESET,
	VM_SUSPEND_POWEROFF,
	VM_SUSPEND_HALT,
	VM_SUSPEND_TRIPLEFAULT,
	VM_SUSPEND_DESTROY,
	VM_SUSPEND_ERROR, /* vm->error says what */
	VM_SUSPEND_STATUS /* the guest chose vm->status: a test device's */
};

struct vcpu {
	struct vm *vm;
	unsigned id;  /* also its APIC id */
	void *engine; /* the engine's own */
	struct cpuid_table *cpuid;
	pthread_t thread;
	bool started;
	const cpu_set_t
	    *affinity; /* host processors; NULL: any. The caller's */
	struct error error;
	/* Of EXIT_DEBUG: the watchpoint, and 'w', 'r' or 'a'; 0: it was no
	 * watchpoint. Whoever looks sets it to 0. */
	uint64_t watched_la;
	char watched;
};

/* What a device does in the life of its VM; each op is optional. Called from
 * the main thread while no vCPU runs. */
struct device_ops {
	const char *name;
	/* Once, before the process gives up its rights: the end of what making
	 * it began and did not wait for. */
	int (*ready)(void *dev, struct error *err);
	void (*reset)(void *dev);
	void (*pause)(void *dev); /* finish what is under way, start nothing */
	/* Also once from vm_start(), when the process has given up its rights:
	 * a device's own threads begin there. */
	void (*resume)(void *dev);
	void (*fini)(void *dev); /* free it */
	const struct state_desc *state;
};

/* A listener on the interrupt wires, in the order added (PIC, IOAPIC). */
struct irq_sink {
	void (*set)(void *ctx, unsigned gsi, bool level);
	void (*eoi)(void *ctx, uint8_t vector); /* optional: a level EOI */
	void *ctx;
};

struct vm {
	const char *name;
	const struct engine_ops *ops;
	void *engine;
	struct guest_mem *mem;
	struct bus *pio, *mmio;
	struct loop *loop;
	unsigned ncpus;
	unsigned sockets, cores, threads; /* for who asks; 0: not told */
	struct vcpu vcpus[VM_MAX_CPUS];
	uint64_t lowmem, highmem; /* bytes below and above 4 GiB */
	/* Of the host, and so of the guest. Known by vm_engine_init(). */
	uint64_t tsc_hz;
	bool x2apic, strict_msr, strict_io;
	bool common_cpu;   /* only what every engine has: see baseline.h */
	uint64_t began_ns; /* of the host's clock: when its process began */
	uint64_t start_ns; /* from then to the first instruction */
	struct error error;
	uint8_t status; /* of VM_SUSPEND_STATUS */
	/* The debugger's ear: a vCPU met a breakpoint or did its step. The vCPU
	 * waits while somebody holds the VM paused. NULL: nobody debugs. */
	void (*debugger)(void *ctx, struct vcpu *v);
	void *debugger_ctx;
	const struct vm_rtc_ops *rtc; /* NULL: there is none */
	void *rtc_ctx;
	struct vm_wires *wires;     /* irq.c's */
	struct vm_devices *devices; /* vm.c's */
	struct vm_run *run;         /* run.c's */
};

/* The machine's clock and the cells beside it, for who asks from outside. Any
 * thread. */
struct vm_rtc_ops {
	int64_t (*time)(void *ctx); /* seconds since 1970 */
	/* -EINVAL: no such time, no such cell, no cell for others to write. */
	int (*set_time)(void *ctx, int64_t s);
	int (*cell)(void *ctx, unsigned n); /* its byte */
	int (*set_cell)(void *ctx, unsigned n, uint8_t v);
};

struct vm_options {
	const char *name;
	unsigned ncpus;
	uint64_t mem_bytes; /* split at 3 GiB; see vm_new() */
	uint64_t tsc_hz;
	uint64_t began_ns; /* 0: nobody asks */
	bool x2apic, strict_msr, strict_io, common_cpu;
	const struct engine_ops *engine;
	const struct clock_source *clock; /* NULL: the host's */
};

enum {
	VM_LOWMEM_MAX = 0xc0000000u, /* 32-bit PCI window from here */
	VM_IOAPIC_GPA = 0xfec00000u,
	VM_HPET_GPA = 0xfed00000u,
	VM_LAPIC_GPA = 0xfee00000u
};

/*
 * How many processors the guest is told there may be. A single one has a second
 * beside it that is off and stays so: Linux takes a disk of one queue for one
 * whose requests want sorting (blk_mq, mq-deadline), which costs more than the
 * disk does, and it uses no more queues than there may be processors.
 */
static inline unsigned
vm_ncpus_shown(const struct vm *vm)
{
	return vm->ncpus > 1 ? vm->ncpus : 2;
}

/* Memory, buses and loop are ready; vCPUs come with vm_engine_start(). */
int vm_new(const struct vm_options *o, struct vm **out_vm, struct error *err);
void vm_free(struct vm *vm); /* vCPUs stopped; devices freed, last first */

/* dev is the VM's from here on (ops->fini frees it). */
int vm_device_add(struct vm *vm, const struct device_ops *ops, void *dev,
                  struct error *err);

/* device_ops.ready of all; the error names the device. */
int vm_devices_ready(struct vm *vm, struct error *err);

/* Wires. A GSI's level is the OR of what its owners say; each owner keeps
 * count itself. Any thread. */
int vm_irq_sink_add(struct vm *vm, const struct irq_sink *s, struct error *err);
void vm_irq_set(struct vm *vm, unsigned gsi, bool level);
void vm_irq_pulse(struct vm *vm, unsigned gsi);
void vm_msi(struct vm *vm, uint64_t addr, uint32_t data);
void vm_eoi(struct vm *vm, uint8_t vector); /* engine -> IOAPIC */
/* The IOAPIC's pins as messages, for engines that mirror them. */
void vm_ioapic_route(struct vm *vm, unsigned pin, uint64_t addr, uint32_t data,
                     bool masked);
/* The PIC's side: INT line out, acknowledge in. */
void vm_pic_attach(struct vm *vm, int (*ack)(void *ctx), void *ctx);
void vm_pic_int(struct vm *vm, bool level);
int vm_pic_ack(struct vm *vm); /* the vector */

void vm_rtc_attach(struct vm *vm, const struct vm_rtc_ops *ops, void *ctx);

/* Accesses by the guest, for engines; size 1 2 4 8. */
uint64_t vm_pio_read(struct vcpu *v, uint16_t port, unsigned size);
void vm_pio_write(struct vcpu *v, uint16_t port, unsigned size, uint64_t val);
uint64_t vm_mmio_read(struct vcpu *v, uint64_t gpa, unsigned size);
void vm_mmio_write(struct vcpu *v, uint64_t gpa, unsigned size, uint64_t val);

/* Life. After vm_engine_init() every vCPU is in its reset state; a loader or a
 * checkpoint sets others before vm_start() lets them run. */
struct x86_state;
int vm_engine_init(struct vm *vm, struct error *err);
int vm_vcpu_get(struct vm *vm, unsigned id, struct x86_state *out);
int vm_vcpu_set(struct vm *vm, unsigned id, const struct x86_state *st,
                struct error *err);
int vm_start(struct vm *vm, struct error *err);
/* Ends the loop, too; the first caller's reason stays. */
void vm_suspend(struct vm *vm, enum vm_suspend how); /* any thread */
void vm_suspend_status(struct vm *vm, uint8_t status);
enum vm_suspend vm_suspended(const struct vm *vm);
void vm_stop(struct vm *vm); /* all vCPU threads joined */
/* No vCPU executes and devices are quiet when pause returns, and until as many
 * resumes have followed. From the loop's thread. */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);
/* Any thread: no vCPU runs on past what it does now until vm_let(); nobody is
 * waited for. From debugger() the vCPU itself stays where it is. */
void vm_hold(struct vm *vm);
void vm_let(struct vm *vm);

/* Every device's state, for a checkpoint: while paused. */
int vm_devices_save(struct vm *vm, struct buf *out);
int64_t vm_devices_load(struct vm *vm, const uint8_t *bytes, size_t len,
                        struct error *err);
#endif
