/* SPDX-License-Identifier: BSD-2-Clause */
/* irq.h - making and freeing a VM's wires; their use is in vm.h. */
#ifndef VMM_IRQ_H
#define VMM_IRQ_H

struct error;
struct vm;

int vm_wires_new(struct vm *vm, struct error *err);
void vm_wires_free(struct vm *vm);
#endif
