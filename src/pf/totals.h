/* SPDX-License-Identifier: BSD-2-Clause */
/* totals.h - what pf counts as a whole, in named counters of its nft tables:
 * how they are called there, and their values.
 */
#ifndef PF_TOTALS_H
#define PF_TOTALS_H
#include <stdint.h>

enum pf_total {
	PF_TOTAL_SEARCHES, /* crossings looked up */
	PF_TOTAL_MATCH,    /* of these by rules, for want of a state */
	PF_TOTAL_INSERTS,  /* states made */
	PF_TOTAL_OPTIONS,  /* dropped for options of IP */
	/* Of set loginterface, what was blocked also among all. */
	PF_TOTAL_IN,
	PF_TOTAL_IN_BLOCKED,
	PF_TOTAL_OUT,
	PF_TOTAL_OUT_BLOCKED,
	PF_NTOTALS
};

struct pf_totals {
	/* By family: inet, inet6. */
	uint64_t packets[2][PF_NTOTALS], bytes[2][PF_NTOTALS];
};

const char *pf_total_name(enum pf_total t);
/* PF_NTOTALS: no such one. */
enum pf_total pf_total_find(const char *name);
/* Of both families. */
uint64_t pf_total_packets(const struct pf_totals *t, enum pf_total which);
#endif
