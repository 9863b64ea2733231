/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm.h - the engine that lets the processor itself run the guest. */
#ifndef KVM_KVM_H
#define KVM_KVM_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/engine.h"

struct kvm_run;
struct x86_state;

extern const struct engine_ops engine_kvm;

/* Room for a kernel structure that ends in an array of n rows. */
#define KVM_ROOM(type, row, n)                                                 \
	union {                                                                \
		type head;                                                     \
		uint8_t room[sizeof(type) + (n) * sizeof(row)];                \
	}

enum { KVM_PINS = 24 }; /* of the IOAPIC, which is in user space */

struct kvm_vm {
	int dev, vm;
	size_t run_bytes; /* of each vCPU's shared page */
	_Atomic bool extint;
	_Atomic uint64_t tsc_ref; /* clock.c's; 0: none */
	pthread_mutex_t lock;     /* routes */
	struct kvm_route {
		uint64_t addr;
		uint32_t data;
		bool used;
	} route[KVM_PINS];
};

enum { KVM_KINDS = 32 }; /* of exits that are counted */

struct kvm_vcpu {
	int fd;
	int stats;                 /* the kernel's counters; -1: it has none */
	uint64_t exits[KVM_KINDS]; /* that came to us, by reason */
	struct kvm_run *run;
	_Atomic bool kicked;
	bool signals_open; /* the thread takes the kick's signal */
	int extint;        /* the PIC's vector given last, which may still be
	                    * on its way in; -1: none */
	uint64_t stood;    /* ticks taken off its counter so far: clock.c */
};

/* state.c */
int kvm_state_get(struct vcpu *v, struct x86_state *out);
int kvm_state_set(struct vcpu *v, const struct x86_state *st,
                  struct error *err);
/* clock.c */
int kvm_tsc_get(struct vcpu *v, uint64_t *out_tsc);
int kvm_tsc_set(struct vcpu *v, uint64_t tsc);
uint64_t kvm_clock_get(const struct vcpu *v);
void kvm_clock_set(const struct vcpu *v, uint64_t ns);
void kvm_clock_follow(struct vcpu *v);
/* run.c */
enum vm_exit_code kvm_vcpu_run(struct vcpu *v);
void kvm_vcpu_kick(struct vcpu *v);
int kvm_vcpu_debug(struct vcpu *v, bool step);
/* stats.c */
void kvm_stats(struct vcpu *v, struct buf *out);
/* probe.c */
int kvm_probe(struct error *err);
#endif
