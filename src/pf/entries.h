/* SPDX-License-Identifier: BSD-2-Clause */
/* entries.h - the entries of one table, and what pfctl -T does to them.
 *
 * Pure: no file, no kernel, no clock. Each operation goes through a list of
 * requests, tells for each what became of it in pfctl's letters, and gives the
 * ranges (spans.h) that the packet filter has to drop and to take.
 * Source: pfctl(8).
 */
#ifndef PF_ENTRIES_H
#define PF_ENTRIES_H
#include "base/error.h"
#include "pf/spans.h"

enum {
	PF_MAX_ENTRIES = 1 << 22, /* of one family in one table */
	/* From so many on single addresses have a set of their own. */
	PF_MIN_HASHED = 1024,
};

/* The families' places in arrays. */
enum { PF_V4, PF_V6, PF_NFAMILIES };
unsigned pf_family_af(unsigned family);
unsigned pf_family(unsigned af);

struct pf_entries {
	struct pf_entry *v[PF_NFAMILIES]; /* sorted, malloc'ed */
	size_t n[PF_NFAMILIES], cap[PF_NFAMILIES];
};

/* What became of a request: pfctl's letters. */
enum pf_feedback {
	PF_FB_NONE = ' ',
	PF_FB_ADDED = 'A',
	PF_FB_CHANGED = 'C',
	PF_FB_DELETED = 'D',
	PF_FB_MATCH = 'M',
	PF_FB_DUPLICATE = 'X',
	PF_FB_CONFLICT = 'Y',
	PF_FB_CLEARED = 'Z',
};

struct pf_request {
	struct pf_entry e;
	uint8_t af;
	char feedback;
	/* What decides on the address, of test: */
	bool is_found;
	struct pf_entry found;
};

struct pf_requests {
	struct pf_request *v; /* malloc'ed */
	size_t n, cap;
};

/* What an operation did. */
struct pf_change {
	size_t added, deleted, changed;
	struct pf_spans drop[PF_NFAMILIES], take[PF_NFAMILIES];
};

void pf_entries_fini(struct pf_entries *t);
void pf_requests_fini(struct pf_requests *r);
void pf_change_fini(struct pf_change *c);

/* Another request at the end; NULL: no memory. */
struct pf_request *pf_requests_add(struct pf_requests *r, unsigned af,
                                   const struct pf_ip *ip, unsigned bits,
                                   bool not );

/* Requests for all that a table's definition holds. 0 or -ENOMEM. */
int pf_requests_define(struct pf_requests *r, const struct pf_table *def);

/*
 * The operations: 0; or -ENOMEM, -E2BIG, and t is only good for its end. now is
 * when, in seconds. change is empty before and the caller's after.
 *
 * replace appends to the requests those that were not asked for, as deleted.
 */
int pf_entries_add(struct pf_entries *t, struct pf_requests *r, uint32_t now,
                   struct pf_change *change);
int pf_entries_delete(struct pf_entries *t, struct pf_requests *r,
                      struct pf_change *change);
int pf_entries_replace(struct pf_entries *t, struct pf_requests *r,
                       uint32_t now, struct pf_change *change);
int pf_entries_flush(struct pf_entries *t, struct pf_change *change);

/* Requests to delete all that are older than seconds. */
int pf_entries_expired(const struct pf_entries *t, uint32_t now,
                       uint32_t seconds, struct pf_requests *out);
/* How many requests match, and say what decided. */
size_t pf_entries_test(const struct pf_entries *t, struct pf_requests *r);
/* Begin to count anew for requests, or for all (NULL); how many there are. */
size_t pf_entries_zero(struct pf_entries *t, struct pf_requests *r,
                       uint32_t now);

/* How many entries are single addresses. */
size_t pf_entries_single(const struct pf_entries *t);
/* All ranges of a family; false: no memory. */
bool pf_entries_spans(const struct pf_entries *t, unsigned family,
                      struct pf_spans *out);
/* What a table's definition says. 0, -ENOMEM or -E2BIG. */
int pf_entries_define(struct pf_entries *t, const struct pf_table *def,
                      uint32_t now);
#endif
