/* SPDX-License-Identifier: BSD-2-Clause */
/* build_queue.c - altq and queue: read, and refused. */
#include "pf/build.h"

void
pf_build_altq(struct pf_parser *p, struct pf_stmt *s)
{
	(void)s;
	pf_complain(p, "altq is not supported");
}

void
pf_build_queue(struct pf_parser *p, struct pf_stmt *s)
{
	pf_complain(p, "queue %s is not supported", s->q.name);
}
