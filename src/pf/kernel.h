/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.h - the compiled rules in the kernel: put there, switched, counted.
 *
 * All of pf is the tables "pf" of a network namespace, and one empty table
 * whose name is the load's: load and name come and go in one transaction, so
 * that what pfctl keeps in files cannot differ from what the kernel does.
 * Source: nft(8); Linux include/uapi/linux/netfilter/nf_tables.h.
 */
#ifndef PF_KERNEL_H
#define PF_KERNEL_H
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "pf/totals.h"

/* What the name of the table begins with, in family ip. */
#define PF_GENERATION "pfgen_"

/* One transaction in nft's words: all of it or nothing. -EPERM without the
 * right, -EIO with what the kernel or nft said of it. */
int pf_kernel_apply(const char *program, struct error *err);

/* The load the namespace we are in has; 0: none. */
int pf_kernel_generation(uint64_t *out, struct error *err);
/* The words that put generation now in the place of was (0: none of it). */
void pf_kernel_put_generation(uint64_t was, uint64_t now, struct buf *out);
/* The words that disable and enable what is loaded, and that remove all. */
void pf_kernel_put_dormant(bool dormant, struct buf *out);
void pf_kernel_put_removal(uint64_t generation, struct buf *out);

struct pf_counter {
	uint64_t packets, bytes;
};

/*
 * What rules 1 to n-1 have counted, of both address families: v[id]. zero also
 * sets them to 0, in the same instant. 0 when nothing is loaded.
 */
int pf_kernel_counters(struct pf_counter *v, size_t n, bool zero,
                       struct error *err);
/* What is counted as a whole. zero above sets these to 0, too. */
int pf_kernel_totals(struct pf_totals *out, struct error *err);
#endif
