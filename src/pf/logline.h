/* SPDX-License-Identifier: BSD-2-Clause */
/* logline.h - what a rule's log says of the rule, beside the packet.
 *
 * It goes through the kernel as the prefix of a log statement, 127 bytes at
 * most; the direction is its hook's. Groups of nflog are one more than the
 * numbers of pflog interfaces.
 */
#ifndef PF_LOGLINE_H
#define PF_LOGLINE_H
#include "base/buf.h"
#include "pf/rule.h"

enum {
	PF_LOG_SNAPLEN = 160, /* bytes of a packet that are kept */
	PF_LOG_NONE = UINT32_MAX,
};

struct pf_logline {
	uint32_t rule;    /* its number, or that of the anchor it is under */
	uint32_t subrule; /* its number there; PF_LOG_NONE */
	uint8_t action;   /* as pflog numbers them: pass, block, match */
	char anchor[16];  /* its last name, cut; "" in the main ruleset */
};

/* Of a rule of conf, or of one that is gone from it. */
void pf_logline_of(const struct pf_config *conf, const struct pf_rule *r,
                   struct pf_logline *out);
/* As the prefix, without quotes, and back; false: it is none of ours. */
void pf_logline_put(const struct pf_logline *l, struct buf *out);
bool pf_logline_read(const char *prefix, struct pf_logline *out);
#endif
