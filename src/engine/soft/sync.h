/* SPDX-License-Identifier: BSD-2-Clause */
/* sync.h - let one thread change what all vCPUs share while they stand still.
 *
 * A vCPU counts as running from sync_enter() to sync_leave(): run.c calls them
 * at the start and end of run() and around sleeping in HLT. One that sees
 * EV_SYNC in c->ev clears it and calls sync_park(). Between sync_begin() and
 * sync_end() no other vCPU runs, and none of them holds a pointer into what it
 * looked up before (TLB entries, blocks).
 *
 * Nobody may wait for a vCPU, or hold a lock that one takes, while in between.
 */
#ifndef SOFT_SYNC_H
#define SOFT_SYNC_H

struct cpu;
struct soft_vm;

int sync_new(struct soft_vm *vm);
void sync_free(struct soft_vm *vm);

void sync_enter(struct cpu *c);
void sync_leave(struct cpu *c);
void sync_park(struct cpu *c);

/* c: the vCPU whose thread this is, running; NULL: any other thread. */
void sync_begin(struct soft_vm *vm, struct cpu *c);
void sync_end(struct soft_vm *vm, struct cpu *c);

/* The same within an instruction: blocks stay where they are until its end. */
void sync_begin_midway(struct soft_vm *vm, struct cpu *c);
void sync_end_midway(struct soft_vm *vm, struct cpu *c);
/* How many vCPUs are, or wait, between these two. */
unsigned sync_midway(struct soft_vm *vm);
#endif
