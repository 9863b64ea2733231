/* SPDX-License-Identifier: BSD-2-Clause */
/* domains.h - a guest's memory and processors divided into NUMA domains, as
 * the configuration has it: domains.N.size, domains.N.cpus. Pure.
 */
#ifndef VMM_DOMAINS_H
#define VMM_DOMAINS_H
#include <stdint.h>

#include "vmm/vm.h"

struct config_node;
struct error;

enum { DOMAINS_MAX = 8 };

struct domains {
	unsigned n;                 /* 0: nothing is divided */
	uint64_t size[DOMAINS_MAX]; /* bytes, which follow one another */
	uint8_t of_cpu[VM_MAX_CPUS];
};

/*
 * *mem_bytes becomes the sum of the sizes when each domain has one; else each
 * gets an equal part of it. -EINVAL: a gap in the numbers, a size that is none,
 * a processor in no domain or in two. -ENOTSUP: a policy for the host.
 */
int domains_read(struct config_node *root, unsigned ncpus, uint64_t *mem_bytes,
                 struct domains *out, struct error *err);
#endif
