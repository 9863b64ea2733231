/* SPDX-License-Identifier: BSD-2-Clause */
/* control.h - what bhyvectl(8) can ask of a running VM: the verbs behind its
 * control socket.
 */
#ifndef VMM_CONTROL_H
#define VMM_CONTROL_H

#include <stdint.h>

struct buf;
struct error;
struct vm;
struct vm_control;

/* One line of --get-stats, in bhyvectl's columns. */
void vm_stat(struct buf *out, const char *name, uint64_t value);

/* Listen at ctl in dir, on the VM's loop. */
int vm_control_listen(struct vm *vm, int dir, struct vm_control **out_c,
                      struct error *err);
void vm_control_free(struct vm_control *c); /* NULL is fine */
#endif
