/* SPDX-License-Identifier: BSD-2-Clause */
/* logline.c - what a rule's log says of the rule. */
#include "pf/logline.h"

#include <stdio.h>
#include <string.h>

/* Source: pf(4), the actions of pfvar.h. */
enum {
	PFLOG_PASS = 0,
	PFLOG_BLOCK = 1,
	PFLOG_NAT = 4,
	PFLOG_BINAT = 6,
	PFLOG_RDR = 8,
	PFLOG_MATCH = 12,
};

static const char mark[] = "pf:";

/* Does an anchor rule lead to rs, or to what rs stands below? */
static bool
leads_to(const struct pf_rule *r, const struct pf_ruleset *rs)
{
	for (; rs != NULL; rs = rs->parent)
		if (r->is_anchor && r->anchor == rs)
			return true;
	return false;
}

/* The rule of the main ruleset that a rule of rs is evaluated under. */
static const struct pf_rule *
rule_above(const struct pf_config *conf, const struct pf_ruleset *rs,
           unsigned kind)
{
	for (const struct pf_rule *r = conf->main->rules[kind].first; r != NULL;
	     r = r->next)
		if (leads_to(r, rs))
			return r;
	return NULL;
}

/* nft takes no quotes, and we no blanks. */
static void
put_name(const char *name, char out[16])
{
	size_t n = 0;

	for (; name[n] != '\0' && n < 15; n++) {
		unsigned char c = (unsigned char)name[n];

		out[n] =
		    (char)(c > ' ' && c < 0x7f && c != '"' && c != '\\' ? c
		                                                        : '_');
	}
	out[n] = '\0';
}

static uint8_t
action_of(const struct pf_rule *r)
{
	static const uint8_t actions[] = { [PF_PASS] = PFLOG_PASS,
		                           [PF_BLOCK] = PFLOG_BLOCK,
		                           [PF_MATCH] = PFLOG_MATCH };

	return r->kind == PF_NAT     ? PFLOG_NAT
	       : r->kind == PF_BINAT ? PFLOG_BINAT
	       : r->kind == PF_RDR   ? PFLOG_RDR
	                             : actions[r->action];
}

void
pf_logline_of(const struct pf_config *conf, const struct pf_rule *r,
              struct pf_logline *out)
{
	const struct pf_ruleset *rs = r->ruleset;
	const struct pf_rule *above = rs != NULL && rs->parent != NULL
	                                  ? rule_above(conf, rs, r->kind)
	                                  : NULL;

	*out = (struct pf_logline){
		.rule = r->nr,
		.subrule = PF_LOG_NONE,
		.action = action_of(r),
	};
	if (above == NULL)
		return;
	out->rule = above->nr;
	out->subrule = r->nr;
	put_name(rs->name, out->anchor);
}

void
pf_logline_put(const struct pf_logline *l, struct buf *out)
{
	buf_printf(out, "%s%u:%u:%u:%s", mark, l->rule, l->subrule, l->action,
	           l->anchor);
}

bool
pf_logline_read(const char *prefix, struct pf_logline *out)
{
	unsigned rule, subrule, action;
	int n = 0;

	*out = (struct pf_logline){ .subrule = PF_LOG_NONE };
	if (strncmp(prefix, mark, strlen(mark)) != 0 ||
	    sscanf(prefix + strlen(mark), "%u:%u:%u:%n", &rule, &subrule,
	           &action, &n) != 3 ||
	    n == 0 || action > PFLOG_MATCH)
		return false;
	out->rule = rule;
	out->subrule = subrule;
	out->action = (uint8_t)action;
	put_name(prefix + strlen(mark) + n, out->anchor);
	return true;
}
