/* SPDX-License-Identifier: BSD-2-Clause */
/* control.h - what bhyvectl(8) can ask of a running VM: the verbs behind its
 * control socket.
 */
#ifndef VMM_CONTROL_H
#define VMM_CONTROL_H

struct error;
struct vm;
struct vm_control;

/* Listen at ctl in dir, on the VM's loop. */
int vm_control_listen(struct vm *vm, int dir, struct vm_control **out_c,
                      struct error *err);
void vm_control_free(struct vm_control *c); /* NULL is fine */
#endif
