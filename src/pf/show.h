/* SPDX-License-Identifier: BSD-2-Clause */
/* show.h - what is loaded, as pfctl -s tells it. All append to out.
 * Source: pfctl(8).
 */
#ifndef PF_SHOW_H
#define PF_SHOW_H
#include "pf/kernel.h"
#include "pf/store.h"

struct pf_show {
	const struct pf_store *store;
	const char *path; /* of the anchor; "" the main ruleset */
	bool below;       /* also what anchors hold ("*") */
	unsigned verbose;
	bool numeric_ports;
	const struct pf_counter *counter; /* by rule id, conf->n_rules + 1 */
	/* How many states a rule has; NULL: none is known. */
	unsigned (*states)(void *ctx, const struct pf_rule *r);
	void *ctx;
};

/* -s rules and -s nat. */
void pf_show_rules(const struct pf_show *s, struct buf *out);
void pf_show_nat(const struct pf_show *s, struct buf *out);
void pf_show_labels(const struct pf_show *s, struct buf *out);
void pf_show_anchors(const struct pf_show *s, struct buf *out);
/* Enabled or Disabled. */
void pf_show_running(const struct pf_show *s, struct buf *out);
#endif
