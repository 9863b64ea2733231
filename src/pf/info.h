/* SPDX-License-Identifier: BSD-2-Clause */
/* info.h - pf's statistics: pfctl -s info, -F info.
 *
 * What nft counts begins anew with each load, and what conntrack counts never
 * ends: a file of the store ("info") holds what to add to each, so that what is
 * shown runs from the last -F info, over loads. Counters of pf that Linux has
 * no source for are 0 (docs/compat.md).
 */
#ifndef PF_INFO_H
#define PF_INFO_H
#include "pf/conntrack.h"
#include "pf/store.h"
#include "pf/totals.h"

/* What is counted, in pfctl's order. */
enum pf_info_count {
	PF_INFO_SEARCHES,
	PF_INFO_INSERTS,
	PF_INFO_REMOVALS,
	PF_INFO_MATCH,
	PF_INFO_BAD_OFFSET,
	PF_INFO_FRAGMENT,
	PF_INFO_SHORT,
	PF_INFO_NORMALIZE,
	PF_INFO_MEMORY,
	PF_INFO_BAD_TIMESTAMP,
	PF_INFO_CONGESTION,
	PF_INFO_IP_OPTION,
	PF_INFO_PROTO_CKSUM,
	PF_INFO_STATE_MISMATCH,
	PF_INFO_STATE_INSERT,
	PF_INFO_STATE_LIMIT,
	PF_INFO_SRC_LIMIT,
	PF_INFO_SYNPROXY,
	PF_INFO_MAP_FAILED,
	PF_INFO_TRANSLATE,
	PF_INFO_NCOUNTS
};

struct pf_info {
	bool enabled;
	int64_t since, now; /* seconds since 1970; since 0: never */
	const char *debug;  /* "urgent" */
	uint32_t hostid;
	const char *checksum; /* "": none */
	const char *ifname;   /* of set loginterface; NULL: none */
	const char *syncookies;
	uint64_t states;
	uint64_t count[PF_INFO_NCOUNTS];
	struct pf_totals iface; /* of it PF_TOTAL_IN to OUT_BLOCKED */
};

/* What is so at this moment. */
int pf_info_get(const struct pf_store *s, struct pf_info *out,
                struct error *err);
/* As pfctl -si prints it; -v adds hostid, checksum and more tables. Pure. */
void pf_info_print(const struct pf_info *i, unsigned verbose, struct buf *out);

/* Begin at 0. s is open to write. */
int pf_info_clear(struct pf_store *s, struct error *err);
/* What nft has counted will be gone, or has gone just now: keep it. */
int pf_info_keep(struct pf_store *s, const struct pf_totals *gone,
                 struct error *err);

/* What is added to a count, in the words of the file: "searches -12". Pure. */
struct pf_info_kept {
	int64_t count[PF_INFO_NCOUNTS];
	int64_t packets[2][PF_NTOTALS], bytes[2][PF_NTOTALS];
};
void pf_info_kept_print(const struct pf_info_kept *k, struct buf *out);
/* Lines it does not know are passed over. */
void pf_info_kept_read(const char *text, struct pf_info_kept *out);
#endif
