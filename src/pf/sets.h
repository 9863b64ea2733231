/* SPDX-License-Identifier: BSD-2-Clause */
/* sets.h - the kernel's sets of addresses, changed element by element.
 *
 * libnftables reads a whole set before it changes one element of it, so this
 * speaks to nf_tables itself. A table of pf is two sets, in the nft tables "ip
 * pf" and "ip6 pf", of ranges (spans.h). What a batch holds happens at once: no
 * packet sees a part of it.
 * Source: nft(8); Linux uapi linux/netfilter/nf_tables.h.
 */
#ifndef PF_SETS_H
#define PF_SETS_H
#include "linux/nl.h"
#include "pf/entries.h"

/* What a table's sets are called: of ranges; of single addresses, a hash, or
 * NULL when all are ranges. */
struct pf_set_names {
	const char *range, *single;
};

struct pf_sets_batch {
	struct nl_batch nl;
	bool failed; /* no memory, or a name too long */
};

void pf_sets_begin(struct pf_sets_batch *b);
void pf_sets_fini(struct pf_sets_batch *b);
/* Drop ranges that are there, take ones that overlap none that stay. */
void pf_sets_drop(struct pf_sets_batch *b, unsigned af,
                  const struct pf_set_names *to, const struct pf_spans *spans);
void pf_sets_take(struct pf_sets_batch *b, unsigned af,
                  const struct pf_set_names *to, const struct pf_spans *spans);
/* Empty a set. */
void pf_sets_flush(struct pf_sets_batch *b, unsigned af, const char *set);
/*
 * Do all of it or, on failure, nothing. -ENOENT, -EEXIST: the sets are not what
 * the batch was made for, or there are none.
 */
int pf_sets_commit(struct nl_sock *s, struct pf_sets_batch *b,
                   struct error *err);

/* An element as the kernel tells it. */
struct pf_set_element {
	struct pf_ip ip;
	bool is_end; /* where a range has ended: the first address behind it */
	bool has_counter;
	uint64_t packets, bytes;
};
typedef int pf_set_element_fn(const struct pf_set_element *e, void *arg,
                              struct error *err);

/* All elements of a set, in no order. -ENOENT: no such set. */
int pf_sets_read(struct nl_sock *s, unsigned af, const char *set,
                 pf_set_element_fn *each, void *arg, struct error *err);
/* One message of the kernel's answer to that. Pure. */
int pf_sets_parse(unsigned af, const unsigned char *data, size_t len,
                  pf_set_element_fn *each, void *arg, struct error *err);
#endif
