/* SPDX-License-Identifier: BSD-2-Clause */
/* vmgen.h - the VM generation id: 16 random bytes that are others after each
 * start and each restore.
 */
#ifndef DEV_VMGEN_H
#define DEV_VMGEN_H
#include <stdint.h>

struct error;
struct power;
struct vm;

enum { VMGEN_GPA = 0xff000, VMGEN_GPE = 0 };

/* The id is at gpa, which firmware may want elsewhere than VMGEN_GPA. The VM's
 * from here on. */
int vmgen_new(struct vm *vm, struct power *p, uint64_t gpa, struct error *err);
#endif
