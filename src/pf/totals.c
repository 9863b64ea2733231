/* SPDX-License-Identifier: BSD-2-Clause */
/* totals.c - the names of what pf counts as a whole. */
#include "pf/totals.h"

#include <string.h>

#include "base/base.h"

static const char *const names[] = {
	[PF_TOTAL_SEARCHES] = "n_searches",
	[PF_TOTAL_MATCH] = "n_match",
	[PF_TOTAL_INSERTS] = "n_inserts",
	[PF_TOTAL_OPTIONS] = "n_options",
	[PF_TOTAL_IN] = "n_in",
	[PF_TOTAL_IN_BLOCKED] = "n_in_blocked",
	[PF_TOTAL_OUT] = "n_out",
	[PF_TOTAL_OUT_BLOCKED] = "n_out_blocked",
};

const char *
pf_total_name(enum pf_total t)
{
	return names[t];
}

enum pf_total
pf_total_find(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(names) && strcmp(names[i], name) != 0)
		i++;
	return (enum pf_total)i;
}

uint64_t
pf_total_packets(const struct pf_totals *t, enum pf_total which)
{
	return t->packets[0][which] + t->packets[1][which];
}
