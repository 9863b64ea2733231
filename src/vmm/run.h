/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h - what vm.c and run.c know of each other. */
#ifndef VMM_RUN_H
#define VMM_RUN_H

struct error;
struct vm;

int vm_run_new(struct vm *vm, struct error *err);
void vm_run_free(struct vm *vm);
void vm_engine_fini(struct vm *vm);
void vm_devices_pause(struct vm *vm);
void vm_devices_resume(struct vm *vm);
void vm_devices_reset(struct vm *vm); /* in the order they were added */
/* End the VM with VM_SUSPEND_ERROR and these words; the first call's stay. */
void vm_fail(struct vm *vm, const struct error *why);
#endif
