/* SPDX-License-Identifier: BSD-2-Clause */
/* spans.h - what a table of networks holds, as ranges of addresses.
 *
 * A table's entries are networks in networks, some of them negated; the longest
 * that contains an address decides. A packet filter without such a search wants
 * ranges that do not overlap. Each range here is of one entry alone: that entry
 * less the entries in it, piece by piece. Ranges side by side stay apart, so
 * that a change of one entry touches few of them and each can be counted for.
 */
#ifndef PF_SPANS_H
#define PF_SPANS_H
#include "pf/rule.h"

/* A network of a table. */
struct pf_entry {
	struct pf_ip ip; /* without bits behind the prefix */
	uint32_t since;  /* added, or its counts cleared: seconds, time(2) */
	uint8_t bits;
	uint8_t not ;
	uint8_t zero[2]; /* so that all bytes are known */
};

struct pf_span {
	struct pf_ip first, last;
};

struct pf_spans {
	struct pf_span *v; /* malloc'ed */
	size_t n, cap;
	bool failed; /* no memory; some are missing */
};

void pf_spans_fini(struct pf_spans *s);
/* The last address of a network. */
void pf_ip_last(unsigned af, const struct pf_ip *ip, unsigned bits,
                struct pf_ip *out);
/* Add 1 or -1; false: there is no such address. */
bool pf_ip_step(unsigned af, struct pf_ip *ip, int by);

/* Entries are sorted so: by address, then the wider network first. */
int pf_entry_cmp(const struct pf_entry *a, const struct pf_entry *b);
/* The entry that decides on an address among those of at most bits; n: none.
 * v is sorted, without equals, here and below. */
size_t pf_entry_match(const struct pf_entry *v, size_t n,
                      const struct pf_ip *ip, unsigned bits);

/* Append the ranges, in order, that have an address of window or border on it;
 * those that begin no later than the last of out are there already. NULL: all.
 */
void pf_spans_of(unsigned af, const struct pf_entry *v, size_t n,
                 const struct pf_span *window, struct pf_spans *out);
/* Take from both what is in both. */
void pf_spans_differ(struct pf_spans *a, struct pf_spans *b);
#endif
