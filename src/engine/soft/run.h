/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h - what run.c, state.c and trace.c do for soft.c. */
#ifndef SOFT_RUN_H
#define SOFT_RUN_H
#include "engine/soft/cpu.h"
#include "vmm/engine.h"

struct buf;
struct error;

/* The processor's life until something of enum vm_exit_code. */
enum vm_exit_code cpu_run(struct cpu *c);

/* The state of x86/state.h, both ways, while c does not run. */
void cpu_get_state(struct cpu *c, struct x86_state *st);
int cpu_put_state(struct cpu *c, const struct x86_state *st, struct error *err);

/* stats.c: struct engine_ops.stats */
void soft_stats(struct vcpu *v, struct buf *out);

/* trace.c: a ring of what a vCPU did last. c->trace NULL: nothing is kept. */
int trace_new(struct cpu *c, int fd, bool every);
void trace_free(struct cpu *c);
bool trace_every(const struct cpu *c);
void trace_step(struct cpu *c);  /* before a block is entered */
void trace_event(struct cpu *c); /* c->exc is about to be delivered */
void trace_interrupt(struct cpu *c, int vector);
void trace_dump(struct cpu *c);
#endif
