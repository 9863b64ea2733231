/* SPDX-License-Identifier: BSD-2-Clause */
/* random.h - rulesets by chance, the same for a seed. */
#ifndef TESTS_PF_RANDOM_H
#define TESTS_PF_RANDOM_H
#include <stdint.h>

#include "base/buf.h"

/* Addresses of hosts end in these: 10.0.0.2 to 10.0.0.5, 10.1.0.2 ... */
enum { HOSTS = 4, FIRST_HOST = 2 };

void rnd_seed(uint64_t s);
/* What rnd_seed() takes to go on from here. */
uint64_t rnd_state(void);
/* A number below n. */
unsigned rnd(unsigned n);
bool often(unsigned percent);

/* A pf.conf over interfaces f0 and f1, tables and all. It may load the anchor
 * "nats" from a file of that name, which file is for. */
void random_ruleset(struct buf *out, struct buf *file);
#endif
