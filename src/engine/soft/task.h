/* SPDX-License-Identifier: BSD-2-Clause */
/* task.h - hardware task switches. Not in long mode. Source: Intel SDM 3A
 * chapter 7.
 */
#ifndef SOFT_TASK_H
#define SOFT_TASK_H
#include <stdbool.h>
#include <stdint.h>

#include "engine/soft/cpu.h"

enum task_reason { TASK_JMP, TASK_CALL, TASK_INT, TASK_IRET };

/*
 * Leave the current task, to come back at next, for the one whose TSS sel
 * names; rights to use it were checked. ext: EXT of error codes; error: what an
 * exception pushes in the new task, or NULL.
 *
 * False with c->exc set: nothing changed. True: the new task is there; c->exc
 * may be pending then, for what is wrong in it.
 */
bool task_switch(struct cpu *c, enum task_reason why, uint16_t sel,
                 uint64_t next, unsigned ext, const uint32_t *error);
/* IRET with NT: back to where the current task came from. */
bool task_return(struct cpu *c, uint64_t next);
#endif
